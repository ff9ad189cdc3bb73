//! Writes and reads while the table fails.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{Fault, Rule};
use serde_json::{Value, json};

use super::with_customer;
use crate::support::{Call, World, access_id, card, charging_vehicle, endpoints, import, vehicle};

/// Short failures of the table that a write is repeated after.
fn short_failures() -> Vec<(&'static str, Rule)> {
    let on_write = |fault: Fault, times| fault.on("TransactWriteItems").times(times);
    let error = |status, code: &str| Fault::error(status, code, "");
    vec![
        ("conflict", on_write(Fault::cancelled(&["None", "TransactionConflict"]), 3)),
        ("conflict as an error of its own", on_write(error(400, "TransactionConflictException"), 2)),
        ("failed condition", on_write(Fault::cancelled(&["ConditionalCheckFailed", "None"]), 2)),
        ("throttled member", on_write(Fault::cancelled(&["ThrottlingError", "None"]), 2)),
        ("throughput of a member", on_write(Fault::cancelled(&["ProvisionedThroughputExceeded"]), 2)),
        ("throttling", on_write(error(400, "ThrottlingException"), 2)),
        ("throughput", on_write(error(400, "ProvisionedThroughputExceededException"), 2)),
        ("in progress", on_write(error(400, "TransactionInProgressException"), 2)),
        ("500", on_write(error(500, "InternalServerError"), 2)),
        ("503", on_write(error(503, "ServiceUnavailable"), 2)),
        ("reset before", on_write(Fault::ResetBefore, 1)),
        ("lost answer", on_write(Fault::ResetAfter, 1)),
        ("answer lost twice", on_write(Fault::ResetAfter, 2)),
        ("late answer", on_write(Fault::DelayAnswer(Duration::from_millis(600)), 1)),
        ("half an answer", on_write(Fault::TruncateBody, 1)),
        ("reads throttled", error(400, "ThrottlingException").times(2)),
        ("reads lost", Fault::ResetAfter.on("BatchGetItem").times(1)),
        ("reads cut", Fault::TruncateBody.on("BatchGetItem").times(1)),
    ]
}

#[tokio::test]
async fn a_write_is_carried_out_once_despite_short_failures() {
    // Most of the time is spent waiting, so three worlds run at once.
    let short_failures = short_failures();
    let worlds = short_failures.chunks(short_failures.len().div_ceil(3)).map(async |short_failures| {
        let world = World::alone().await;
        for (number, (what, rule)) in (1..).zip(short_failures) {
            one_effect(&world, number, what, rule).await;
        }
    });
    join_all(worlds).await;
}

/// Makes each kind of write once, each time with the fault, on records with this number.
async fn one_effect(world: &World, number: u64, what: &str, rule: &Rule) {
    let name = |text: &str| format!("{text}-{number}");
    let (linked, free) = (access_id(2 * number, &name("linked"), number), card(2 * number + 1, &name("free")));
    import(world, &[linked.clone(), free], &[vehicle(number, "Van", &[linked])]).await;
    let fail = async |function| {
        let recorder = world.recorder(function).await;
        recorder.heal();
        recorder.inject(rule.clone());
    };

    fail("create-access-id").await;
    let made = world.create(with_customer(charging_vehicle(&name("new"), "New"), &name("Fleet"))).await;
    assert_eq!(world.access_id(&made["id"]).await, made, "{what}");

    fail("create-vehicle").await;
    let tags = json!([{"ocppIdTag": name("other")}, {"ocppIdTag": name("free"), "authorizationStatus": "Revoked"}]);
    let body = json!({"vehicle": {"name": "Bus", "accessIds": tags}});
    let bus = world.create(with_customer(body, &name("Other"))).await;
    assert_eq!(world.vehicle(&bus["id"]).await, bus, "{what}");

    fail("update-access-id").await;
    let update = json!({"authorizationStatus": "Revoked", "vehicle": null, "customer": {"name": name("Third")}});
    let path = format!("/api/access-ids/{}", 2 * number);
    let changed = world.patch(&path, json!({"accessId": update})).await.ok()["accessId"].take();
    assert_eq!(world.access_id(&json!(2 * number)).await, changed, "{what}");
    assert_eq!(changed["revokedAt"], changed["updatedAt"], "{what}");

    fail("update-vehicle").await;
    let update = json!({"vehicle": {"name": "Old", "customer": {"name": name("FLEET")}}});
    let changed = world.patch(&format!("/api/vehicles/{number}"), update).await.ok()["vehicle"].take();
    assert_eq!((&changed["customer"]["name"], &changed["accessIds"]), (&json!(name("Fleet")), &json!([])), "{what}");
    assert_eq!(world.vehicle(&json!(number)).await, changed, "{what}");

    let expected = (4 * number as usize, 3 * number as usize);
    assert_eq!(
        (world.list("/api/access-ids").await.len(), world.list("/api/vehicles").await.len()),
        expected,
        "{what}"
    );
    for (tag, status) in [("new", 200), ("other", 200), ("free", 403), ("linked", 403)] {
        assert_eq!(world.ask(&name(tag)).await.status, status, "{what}: {tag}");
    }
}

/// A creation whose answer is lost may have been carried out, as a whole. A repetition with the same key completes it.
#[tokio::test]
async fn an_unacknowledged_write_is_carried_out_whole_or_not_at_all() {
    let faults = [
        Fault::ResetAfter,
        Fault::ResetBefore,
        Fault::BlackHole,
        Fault::DelayAnswer(Duration::from_secs(2)),
        Fault::TruncateBody,
    ];
    join_all(faults.map(async |fault| {
        let world = World::alone().await;
        for (function, path, body) in [
            ("create-access-id", "/api/access-ids", with_customer(charging_vehicle("a", "Van"), "Fleet")),
            (
                "create-vehicle",
                "/api/vehicles",
                with_customer(json!({"vehicle": {"name": "Bus", "accessIds": [{"ocppIdTag": "b"}]}}), "Other"),
            ),
        ] {
            let recorder = world.recorder(function).await;
            recorder.inject(fault.clone().on("TransactWriteItems"));
            let send = || world.post(path, body.clone()).header("idempotency-key", "key");
            let lost = send().await;
            lost.is(503, "service_unavailable");
            recorder.heal();
            let counts = async || (world.list("/api/access-ids").await.len(), world.list("/api/vehicles").await.len());
            let all = if path == "/api/vehicles" { 2 } else { 1 };
            let before = counts().await;
            assert!([(all, all), (all - 1, all - 1)].contains(&before), "{fault:?}: {before:?}");
            let made = send().await.created();
            assert_eq!(send().await.created(), made, "{fault:?}");
            assert_eq!(counts().await, (all, all), "{fault:?}");
            assert_eq!(world.get(&format!("{path}?limit=100")).await.ok()["data"].as_array().unwrap().len(), all);
        }
    }))
    .await;
}

#[tokio::test]
async fn persistent_conflicts_are_503_and_change_nothing() {
    let world = World::alone().await.and_van().await;
    let before = (world.list("/api/access-ids").await, world.list("/api/vehicles").await);
    let conflict = Fault::cancelled(&["TransactionConflict"]).on("TransactWriteItems");
    for function in ["create-access-id", "create-vehicle", "update-access-id", "update-vehicle"] {
        world.recorder(function).await.inject(conflict.clone());
    }
    let calls = [
        world.post("/api/access-ids", with_customer(charging_vehicle("a", "x"), "FLEET")),
        world.post(
            "/api/vehicles",
            with_customer(json!({"vehicle": {"name": "x", "accessIds": [{"ocppIdTag": "b"}]}}), "FLEET"),
        ),
        world.patch(
            "/api/access-ids/1",
            json!({"accessId": {"name": "x", "vehicle": null, "customer": {"name": "FLEET"}}}),
        ),
        world.patch("/api/vehicles/1", json!({"vehicle": {"name": "x", "customer": {"name": "FLEET"}}})),
    ];
    for (answer, took) in join_all(calls.map(Call::timed)).await {
        answer.is(503, "service_unavailable");
        // API Gateway waits for at most 30 s.
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    assert_eq!((world.list("/api/access-ids").await, world.list("/api/vehicles").await), before);
    world.ask("a").await.refuses("unknown");
    for function in ["create-access-id", "create-vehicle", "update-access-id", "update-vehicle"] {
        world.recorder(function).await.heal();
    }
    let made = world.create(with_customer(charging_vehicle("a", "x"), "Fleet")).await;
    assert_eq!(made["customer"]["name"], "Fleet");
}

#[tokio::test]
async fn every_endpoint_says_503_while_the_table_fails_and_recovers() {
    let faults = [
        Fault::BlackHole,
        Fault::Refuse,
        Fault::error(400, "ThrottlingException", "secret-detail"),
        Fault::error(500, "InternalServerError", "secret-detail"),
        Fault::error(400, "ResourceNotFoundException", "secret-detail"),
        Fault::error(400, "AccessDeniedException", "secret-detail"),
        Fault::Answer { status: 200, body: "<html>".into() },
    ];
    let world = World::alone().await.and_van().await;
    // Most of the time is spent waiting, so each function meets the faults in turn while the others meet theirs.
    join_all(endpoints().into_iter().map(async |endpoint| {
        for fault in &faults {
            fails(&world, fault, &endpoint).await;
        }
    }))
    .await;
    // Nothing was changed, and every endpoint works again.
    assert_eq!(world.list("/api/access-ids").await[0]["name"], "Vehicle 1");
    assert_eq!(world.list("/api/vehicles").await[0]["name"], "Van");
    for (function, method, path, body) in endpoints() {
        let answer = world.request(method, &path).json(&body).await;
        assert!([200, 201, 204].contains(&answer.status), "{function}: {answer:?}");
    }
    // One was created and one deleted.
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
}

/// Sends a request that would be carried out, while the fault makes it a 503.
async fn fails(
    world: &World,
    fault: &Fault,
    (function, method, path, body): &(&'static str, &'static str, String, Value),
) {
    let recorder = world.recorder(function).await;
    recorder.inject(fault.clone());
    if *fault == Fault::Refuse {
        recorder.cut();
    }
    let body = match *function {
        "update-access-id" => &json!({"accessId": {"name": "Other"}}),
        "update-vehicle" => &json!({"vehicle": {"name": "Other"}}),
        _ => body,
    };
    let (answer, took) = world.request(method, path).json(body).timed().await;
    assert_eq!(answer.status, 503, "{fault:?} {function}: {answer:?}");
    assert!(!answer.body.to_string().contains("secret-detail"), "{fault:?} {function}: {answer:?}");
    assert!(took < Duration::from_secs(3), "{fault:?} {function}: {took:?}");
    recorder.heal();
}

/// The first sending reaches the table late and the second is answered with a conflict. If the service then made a new
/// transaction, both would be carried out.
#[tokio::test]
async fn a_sending_that_arrives_late_is_not_carried_out_beside_another() {
    let world = World::alone().await;
    let recorder = world.recorder("create-vehicle").await;
    recorder.inject(Fault::Delay(Duration::from_millis(1500)).on("TransactWriteItems").times(1));
    recorder.inject(Fault::cancelled(&["TransactionConflict"]).on("TransactWriteItems").times(1));
    let made = world.post("/api/vehicles", json!({"vehicle": {"name": "Van"}})).await.created();
    assert_eq!(recorder.faults().len(), 2);
    recorder.quiet().await;
    let vehicles = world.list("/api/vehicles").await;
    assert_eq!((vehicles.len(), &vehicles[0]["id"]), (1, &made["vehicle"]["id"]));
}
