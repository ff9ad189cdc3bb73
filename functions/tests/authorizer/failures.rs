//! Decisions while the table fails: 503 in time, and never 200 without a valid answer of the table.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use harness::{Fault, Rule, function_url_event};
use serde_json::json;

use super::{allowed, alone};
use crate::support::{AUTHORIZER, Answer, start, thor};

/// The longest time for an answer: one second for the table, as the contract says, and what the Runtime API adds.
const IN_TIME: Duration = Duration::from_millis(1200);

/// Failures of the table that do not end by themselves.
fn failures() -> Vec<(&'static str, Vec<Rule>)> {
    let answer = |status, body: &str| Rule::from(Fault::Answer { status, body: body.to_owned() });
    let unprocessed = json!({"Responses": {engine::TABLE_NAME: []}, "UnprocessedKeys": {engine::TABLE_NAME: {
        "ConsistentRead": true, "Keys": [{"PK": {"S": "x"}, "SK": {"S": "x"}}]
    }}});
    let error = |status, code: &str| Rule::from(Fault::error(status, code, "of the table's own: secret-detail"));
    vec![
        ("refused", vec![Rule::from(Fault::Refuse)]),
        ("reset before", vec![Rule::from(Fault::ResetBefore)]),
        ("reset after", vec![Rule::from(Fault::ResetAfter)]),
        ("slow", vec![Rule::from(Fault::Delay(Duration::from_secs(3)))]),
        ("slow to answer", vec![Rule::from(Fault::DelayAnswer(Duration::from_millis(1500)))]),
        ("black hole", vec![Rule::from(Fault::BlackHole)]),
        ("throttling", vec![error(400, "ThrottlingException")]),
        ("throughput", vec![error(400, "ProvisionedThroughputExceededException")]),
        ("request limit", vec![error(400, "RequestLimitExceeded")]),
        ("no table", vec![error(400, "ResourceNotFoundException")]),
        ("no permission", vec![error(400, "AccessDeniedException")]),
        ("expired", vec![error(400, "ExpiredTokenException")]),
        ("500", vec![error(500, "InternalServerError")]),
        ("503", vec![error(503, "ServiceUnavailable")]),
        ("502 of a proxy", vec![answer(502, "<html>Bad Gateway</html>")]),
        ("301", vec![answer(301, "")]),
        ("no JSON", vec![answer(200, "<html>")]),
        ("half of JSON", vec![answer(200, "{\"Responses\":{")]),
        ("nothing", vec![answer(200, "")]),
        ("null", vec![answer(200, "null")]),
        ("a list", vec![answer(200, "[]")]),
        ("another type", vec![answer(200, "{\"Responses\":[]}")]),
        ("cut off", vec![Rule::from(Fault::TruncateBody)]),
        ("corrupted", vec![Rule::from(Fault::CorruptBody)]),
        ("unprocessed keys", vec![answer(200, &unprocessed.to_string())]),
        // Several tries take time, and then the last one takes all that is left.
        (
            "unprocessed keys, then a black hole",
            vec![answer(200, &unprocessed.to_string()).times(20), Fault::BlackHole.into()],
        ),
        ("500, then a black hole", vec![error(500, "InternalServerError").times(1), Fault::BlackHole.into()]),
    ]
}

/// Checks that the answer is a 503 in time that shows nothing of the table's error.
fn fails_closed(what: &str, (answer, took): &(Answer, Duration)) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert!(*took <= IN_TIME, "{what}: {took:?}");
    assert!(!answer.body.to_string().contains("secret-detail"), "{what}: {answer:?}");
}

#[tokio::test]
async fn a_failing_table_is_503_in_time_and_never_200() {
    // Only a few run at the same time, since the time that each takes is checked.
    for failures in failures().chunks(9) {
        let worlds = join_all(failures.iter().map(async |_| {
            let world = alone().await;
            assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
            // The failures are those of decisions: the function takes no event while it writes the decision before.
            world.journalled().await;
            world
        }));
        let worlds = worlds.await;
        let checks = failures.iter().zip(&worlds).map(async |((what, rules), world)| {
            let recorder = world.recorder(AUTHORIZER).await;
            for rule in rules {
                recorder.inject(rule.clone());
            }
            if *what == "refused" {
                recorder.cut();
            }
            fails_closed(what, &world.ask("04e1a2b3").timed().await);
            // A request that would be refused otherwise is a 503 too: without the table the credential is not known.
            recorder.heal();
            rules.iter().for_each(|rule| recorder.inject(rule.clone()));
            fails_closed(what, &world.thor(&format!("/{}", world.fleet.rfid.token)).method("GET").timed().await);
            recorder.heal();
            let (answer, took) = world.ask("04e1a2b3").timed().await;
            assert_eq!((answer.status, &answer.body), (200, &allowed()), "after {what}: {answer:?}");
            assert!(took < Duration::from_millis(400), "after {what}: {took:?}");
        });
        join_all(checks).await;
    }
}

#[tokio::test]
async fn a_failing_table_at_the_first_request_is_503_in_time() {
    let failures = ["refused", "black hole", "slow", "throttling", "500"];
    let failures: Vec<_> = self::failures().into_iter().filter(|(what, _)| failures.contains(what)).collect();
    assert_eq!(failures.len(), 5);
    let worlds = join_all(failures.iter().map(async |(_, rules)| {
        let world = alone().await;
        let recorder = world.recorder(AUTHORIZER).await;
        rules.iter().for_each(|rule| recorder.inject(rule.clone()));
        // The function starts although the table cannot be reached.
        world.instance(AUTHORIZER, 0).await;
        world
    }));
    let worlds = worlds.await;
    let checks = failures.iter().zip(&worlds).map(async |((what, _), world)| {
        fails_closed(what, &world.ask("04e1a2b3").timed().await);
        world.recorder(AUTHORIZER).await.heal();
        assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
    });
    join_all(checks).await;
}

#[tokio::test]
async fn without_a_table_it_is_503_in_time() {
    let mut world = alone().await;
    let recorded = world.instance(AUTHORIZER, 0).await;
    let direct = start(AUTHORIZER, &world.table_url(), &[]).await;
    let event = || {
        let path = format!("/{}", world.fleet.rfid.token);
        function_url_event("POST", &path, "", &[], thor("04e1a2b3", "start").to_string().as_bytes())
    };
    let event = event();
    for function in [&*recorded, &direct] {
        assert_eq!(function.invoke(event.clone()).await.unwrap().status, 200);
    }
    world.lose_table().await;
    for function in [&*recorded, &direct] {
        for _ in 0..2 {
            let began = Instant::now();
            let response = function.invoke(event.clone()).await.unwrap();
            let took = began.elapsed();
            fails_closed("no table", &(Answer::read(AUTHORIZER, response), took));
        }
    }
}

#[tokio::test]
async fn a_short_failure_of_the_table_is_retried() {
    let error = |status, code: &str| Fault::error(status, code, "").times(1);
    let unprocessed =
        json!({"Responses": {engine::TABLE_NAME: []}, "UnprocessedKeys": {engine::TABLE_NAME: {"Keys": []}}});
    let faults = [
        ("reset before", Fault::ResetBefore.times(1)),
        ("reset after", Fault::ResetAfter.times(1)),
        ("black hole", Fault::BlackHole.times(1)),
        ("slow", Fault::DelayAnswer(Duration::from_millis(250)).into()),
        ("throttling", error(400, "ThrottlingException")),
        ("500", error(500, "InternalServerError")),
        ("503", error(503, "ServiceUnavailable")),
        ("cut off", Fault::TruncateBody.times(1)),
        ("corrupted", Fault::CorruptBody.times(1)),
        ("unprocessed keys", Fault::Answer { status: 200, body: unprocessed.to_string() }.times(2)),
    ];
    let worlds = join_all(faults.iter().map(async |_| {
        let world = alone().await;
        world.ask("04e1a2b3").await.ok();
        world
    }));
    let worlds = worlds.await;
    let checks = faults.iter().zip(&worlds).map(async |((what, rule), world)| {
        world.recorder(AUTHORIZER).await.inject(rule.clone());
        let (answer, took) = world.ask("04e1a2b3").timed().await;
        assert_eq!((answer.status, &answer.body), (200, &allowed()), "{what}: {answer:?}");
        assert!(took <= IN_TIME, "{what}: {took:?}");
    });
    join_all(checks).await;
}
