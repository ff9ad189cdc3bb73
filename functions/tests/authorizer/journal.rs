//! What the authorizer writes down after its answer: each decision once, and nothing that could change an answer.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use harness::{Fault, Rule};
use serde_json::{Value, json};

use super::{allowed, alone};
use crate::support::{AUTHORIZER, Call, World, thor};

fn start<'a>(world: &'a World, tag: &str) -> Call<'a> {
    world.thor(&format!("/{}", world.fleet.rfid.token)).json(&thor(tag, "start"))
}

/// Every item that the table holds under a partition key that ends so.
async fn stored(world: &World, kind: &str) -> Vec<Value> {
    world.journalled().await;
    let partition = json!({":p": {"S": format!("ORG#{}#{kind}", world.fleet.id)}});
    let query = json!({"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": partition});
    world.table("Query", query).await["Items"].as_array().unwrap().clone()
}

/// How many decisions the authorizer's log says were lost.
async fn lost(world: &World, requests: usize) -> u64 {
    world.journalled().await;
    let lines = world.instance(AUTHORIZER, 0).await.log_lines(requests).await;
    lines.iter().filter_map(|line| line["JournalLost"].as_u64()).sum()
}

fn shown(decision: &Value) -> (&str, &str, Option<&str>) {
    let text = |name: &str| decision[name].as_str();
    (text("receivedId").unwrap(), text("type").unwrap(), text("reason"))
}

#[tokio::test]
async fn each_decision_is_in_both_lists_once() {
    let world = alone().await;
    assert_eq!(world.ask("04:E1:A2:B3").await.ok(), allowed());
    start(&world, "04e1a2b3").await.ok();
    world.ask("nobody").await.refuses("unknown");
    world.ask("no tag").await.refuses("unknown");
    // What is answered otherwise was not decided.
    world.ask("nobody").body("{").await.is(400, "invalid_request");
    world.thor("/x").json(&thor("nobody", "start")).await.is(401, "unauthorized");

    let decisions = world.decisions("").await;
    let expected = [
        ("no tag", "authorize", Some("unknown")),
        ("nobody", "authorize", Some("unknown")),
        ("04e1a2b3", "start", None),
        ("04:E1:A2:B3", "authorize", None),
    ];
    assert_eq!(decisions.iter().map(shown).collect::<Vec<_>>(), expected);
    let card = json!({"id": 1, "name": "Card", "type": "RFID"});
    assert_eq!((&decisions[2]["accessId"], &decisions[2]["ocppIdTag"]), (&card, &json!("04e1a2b3")));
    assert_eq!(decisions[0]["ocppIdTag"], Value::Null, "it is no tag, so it is in the organization's list alone");
    assert_eq!(world.decisions("&ocppIdTag=04-E1-A2-B3").await, decisions[2..]);
    assert_eq!(world.decisions("&ocppIdTag=nobody").await, decisions[1..2]);
    let ids: BTreeSet<String> = decisions.iter().map(|decision| decision["requestId"].to_string()).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!((stored(&world, "DECISION").await.len(), lost(&world, 6).await), (4, 0));
    assert_eq!(stored(&world, "UNKNOWN-TAG").await.len(), 1);
}

#[tokio::test]
async fn what_is_written_down_is_forgotten() {
    let world = World::with(&[("JOURNAL_DAYS", "7")]).await;
    world.create(crate::support::rfid("04e1a2b3", "Card")).await;
    start(&world, "04e1a2b3").await.ok();
    world.ask("nobody").await.refuses("unknown");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let days = async |kind: &str| {
        let item = stored(&world, kind).await.remove(0);
        let expires_at: u64 = item["expiresAt"]["N"].as_str().unwrap().parse().unwrap();
        let days = f64::from(u32::try_from(expires_at - now).unwrap()) / 86_400.0;
        days.round()
    };
    for (kind, expected) in
        [("DECISION", 7.0), ("DECISION#nobody", 7.0), ("UNKNOWN-TAG", 30.0), ("START#04e1a2b3", 7.0)]
    {
        assert!((days(kind).await - expected).abs() < 0.5, "{kind}");
    }
}

#[tokio::test]
async fn the_journal_keeps_what_the_deployment_says() {
    for (journal, kept) in [("Refused", &["unknown"][..]), ("Off", &[])] {
        let world = World::with(&[("JOURNAL", journal)]).await;
        world.create(crate::support::rfid("04e1a2b3", "Card")).await;
        start(&world, "04e1a2b3").await.ok();
        world.ask("nobody").await.refuses("unknown");
        let decisions = world.decisions("").await;
        assert_eq!(decisions.iter().map(|decision| &decision["reason"]).collect::<Vec<_>>(), kept, "{journal}");
        assert_eq!(stored(&world, "UNKNOWN-TAG").await.len(), kept.len());
        assert_eq!(stored(&world, "START#04e1a2b3").await.len(), 1, "it is remembered in any case");
    }
}

/// What can happen to the write: how, and whether the decision is in the journal afterwards, if that is certain.
fn troubles() -> Vec<(&'static str, Fault, Option<bool>)> {
    let unprocessed = json!({"UnprocessedItems": {engine::TABLE_NAME: [{"PutRequest": {"Item": {
        "PK": {"S": "ORG#abc123DEF456#DECISION"}, "SK": {"S": "1"}
    }}}]}});
    vec![
        ("gone", Fault::BlackHole, Some(false)),
        ("slow", Fault::Delay(Duration::from_millis(900)), None),
        ("slow to answer", Fault::DelayAnswer(Duration::from_millis(900)), Some(true)),
        ("refused", Fault::error(400, "AccessDeniedException", ""), Some(false)),
        ("throttled", Fault::error(400, "ThrottlingException", ""), Some(false)),
        ("failing", Fault::error(500, "InternalServerError", ""), Some(false)),
        ("reset", Fault::ResetBefore, Some(false)),
        ("reset after", Fault::ResetAfter, Some(true)),
        ("left over", Fault::Answer { status: 200, body: unprocessed.to_string() }, Some(false)),
        ("no JSON", Fault::Answer { status: 200, body: "<html>".to_owned() }, Some(false)),
    ]
}

#[tokio::test]
async fn a_journal_that_fails_changes_no_answer_and_is_counted() {
    // Most of the time is spent waiting, so a few run at the same time. It is checked how long they take, so the functions are
    // started before.
    for troubles in troubles().chunks(5) {
        let worlds = join_all(troubles.iter().map(async |_| {
            let world = alone().await;
            world.ask("04e1a2b3").await.ok();
            world.journalled().await;
            world
        }));
        let worlds = worlds.await;
        join_all(troubles.iter().zip(&worlds).map(|(trouble, world)| changes_no_answer(world, trouble))).await;
    }
}

async fn changes_no_answer(world: &World, (what, fault, is_written): &(&str, Fault, Option<bool>)) {
    let recorder = world.recorder(AUTHORIZER).await;
    recorder.inject(fault.clone().on("BatchWriteItem"));
    for (at, tag) in ["04e1a2b3", "nobody", "04e1a2b3"].into_iter().enumerate() {
        let (answer, took) = world.ask(tag).timed().await;
        assert_eq!(answer.status, if tag == "nobody" { 403 } else { 200 }, "{what}: {answer:?}");
        assert!(took < Duration::from_millis(250), "{what} {at}: {took:?}");
        let idle = std::time::Instant::now();
        world.journalled().await;
        assert!(idle.elapsed() < Duration::from_millis(800), "{what} {at}: {:?}", idle.elapsed());
    }
    recorder.heal();
    recorder.quiet().await;
    assert_eq!(lost(world, 4).await, 3, "{what}");
    let decisions = world.decisions("").await;
    let times = decisions.len();
    assert!(is_written.is_none_or(|is_written| times == if is_written { 4 } else { 1 }), "{what}: {times}");
    let requests: BTreeSet<String> = decisions.iter().map(|decision| decision["requestId"].to_string()).collect();
    assert_eq!(requests.len(), times, "{what}: a decision is there twice");
    let expected = ["04e1a2b3", "nobody", "04e1a2b3", "04e1a2b3"];
    assert!(*is_written != Some(true) || decisions.iter().zip(expected).all(|(it, tag)| it["ocppIdTag"] == tag));
    // The next one is journalled again.
    world.ask("04e1a2b3").await.ok();
    assert_eq!(world.decisions("").await.len(), times + 1, "{what}");
}

#[tokio::test]
async fn one_throttle_and_items_that_are_left_over_are_made_good() {
    let world = alone().await;
    world.ask("04e1a2b3").await.ok();
    world.journalled().await;
    let recorder = world.recorder(AUTHORIZER).await;
    let throttle = || Fault::error(400, "ThrottlingException", "");
    let writes = async |rules: Vec<Rule>| {
        recorder.clear();
        for rule in rules {
            recorder.inject(rule.on("BatchWriteItem"));
        }
        world.ask("04e1a2b3").await.ok();
        world.journalled().await;
        recorder.heal();
        let requests = recorder.requests().into_iter().filter(|request| request.operation == "BatchWriteItem");
        requests.map(|request| request.body).collect::<Vec<_>>()
    };
    let sent = writes(vec![throttle().times(1)]).await;
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1], "the ids are made once");
    assert_eq!(world.decisions("").await.len(), 2);

    let rest = json!({engine::TABLE_NAME: [{"PutRequest": {"Item": {
        "PK": {"S": format!("ORG#{}#DECISION", world.fleet.id)}, "SK": {"S": "1"}
    }}}]});
    let body = json!({"UnprocessedItems": rest}).to_string();
    let left_over = Fault::Answer { status: 200, body };
    let sent = writes(vec![left_over.clone().times(1)]).await;
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1]["RequestItems"], rest, "what is left over is sent again, and nothing else");
    let sent = writes(vec![throttle().into()]).await;
    assert_eq!((sent.len(), lost(&world, 4).await), (2, 1), "there is one retry, then it is dropped");
    for rules in
        [vec![throttle().times(1), left_over.clone().into()], vec![left_over.clone().times(1), throttle().into()]]
    {
        assert_eq!(writes(rules).await.len(), 2, "one retry in all, whatever it is for");
    }
    assert_eq!(lost(&world, 6).await, 3);
}
