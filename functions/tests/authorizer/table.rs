//! What a decision reads, and that it sees every change that was acknowledged before it.

use std::time::Duration;

use harness::Fault;
use serde_json::json;

use super::{allowed, alone, world};
use crate::support::{AUTHORIZER, Call, rfid, thor};

#[tokio::test]
async fn a_decision_is_one_consistent_request_on_one_connection() {
    let world = alone().await;
    let recorder = world.recorder(AUTHORIZER).await;
    let asked = async || {
        let requests = recorder.requests();
        recorder.clear();
        let calls = requests.into_iter().filter(|request| !request.operation.is_empty());
        calls.map(|request| (request.operation, request.body)).collect::<Vec<_>>()
    };
    world.instance(AUTHORIZER, 0).await;
    assert_eq!(asked().await, [], "no request before the first event");
    let secret = format!("/{}", world.fleet.rfid.token);
    let another = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('a') { 'b' } else { 'a' });
    let calls: Vec<(Call<'_>, u16)> = vec![
        (world.ask("04e1a2b3"), 200),
        (world.ask("04e1a2b3"), 200),
        (world.ask("92d50a693f80"), 200),
        (world.ask("nobody"), 403),
        (world.ask("no tag"), 403),
        (world.thor(&secret).json(&thor("04e1a2b3", "start")), 200),
        (world.thor("/").json(&thor("x", "start")).token(&world.fleet.rfid.token), 403),
        (world.thor(&secret).body("{"), 400),
        (world.thor(&secret).method("GET"), 405),
        (world.thor(&another).json(&thor("x", "start")), 401),
    ];
    for (at, (call, status)) in calls.into_iter().enumerate() {
        let answer = call.await;
        assert_eq!(answer.status, status, "{at}: {answer:?}");
        world.journalled().await;
        let asked = asked().await;
        // What was decided is written down afterwards: see `journal`.
        let (operation, body) = &asked[0];
        let operations: Vec<_> = asked.iter().map(|(operation, _)| operation.as_str()).collect();
        let written =
            if [200, 403].contains(&status) { &["BatchGetItem", "BatchWriteItem"][..] } else { &["BatchGetItem"] };
        assert_eq!(operations, written, "{at}");
        assert_eq!(operation, "BatchGetItem");
        let tables = body["RequestItems"].as_object().unwrap();
        assert_eq!(tables.keys().collect::<Vec<_>>(), [engine::TABLE_NAME]);
        assert_eq!(tables[engine::TABLE_NAME]["ConsistentRead"], true);
    }
    // A text that cannot be a secret is refused without a request.
    world.thor("/guess").json(&thor("x", "start")).await.is(401, "unauthorized");
    assert_eq!(asked().await, []);
    assert_eq!(recorder.connections(), 1);
}

#[tokio::test]
async fn an_acknowledged_revocation_holds_for_the_next_request() {
    let world = world().await;
    for round in 0..15 {
        for (status, code) in [("Revoked", 403), ("Authorized", 200)] {
            world.patch("/api/access-ids/1", json!({"accessId": {"authorizationStatus": status}})).await.ok();
            let kind = if round % 2 == 0 { "authorize" } else { "start" };
            let call = world.thor(&format!("/{}", world.fleet.rfid.token)).json(&thor("04e1a2b3", kind));
            let answer = call.on(round % 2).await;
            assert_eq!(answer.status, code, "{round} {status}: {answer:?}");
        }
    }
    // The creation of a vehicle that takes the card can revoke it too.
    let body =
        json!({"vehicle": {"name": "Bus", "accessIds": [{"ocppIdTag": "04e1a2b3", "authorizationStatus": "Revoked"}]}});
    world.create(body).await;
    world.ask("04e1a2b3").await.refuses("revoked");
    world.create(rfid("fresh", "Card")).await;
    world.ask("fresh").await.ok();
}

/// An answer with unprocessed keys decides nothing: the missing items may be those that decide.
#[tokio::test]
async fn unprocessed_keys_are_asked_for_again() {
    let world = alone().await;
    world.ask("04e1a2b3").await.ok();
    let recorder = world.recorder(AUTHORIZER).await;
    let credential = world.fleet.rfid.id.split_once('.').unwrap().0;
    let unprocessed = json!({
        "Responses": {engine::TABLE_NAME: [{
            "PK": {"S": format!("ORG#{credential}")}, "SK": {"S": "CREDENTIAL#x"}, "scope": {"S": "rfid"}
        }]},
        "UnprocessedKeys": {engine::TABLE_NAME: {"ConsistentRead": true, "Keys": [
            {"PK": {"S": format!("ORG#{credential}#TAG#04e1a2b3")}, "SK": {"S": "TAG"}}
        ]}}
    });
    recorder.inject(Fault::Answer { status: 200, body: unprocessed.to_string() }.times(1));
    assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
}

#[tokio::test]
async fn a_connection_that_was_reset_between_two_calls_is_replaced() {
    let world = alone().await;
    world.ask("04e1a2b3").await.ok();
    let recorder = world.recorder(AUTHORIZER).await;
    world.journalled().await;
    recorder.clear();
    for round in 1..=10 {
        world.journalled().await;
        recorder.cut();
        // The function meets the reset while it sends, or has seen it before. Neither is an error.
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(world.ask("04e1a2b3").await.ok(), allowed(), "{round}");
    }
    world.journalled().await;
    assert_eq!(recorder.operations(), [["BatchGetItem", "BatchWriteItem"]; 10].concat());
}
