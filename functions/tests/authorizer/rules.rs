//! When and where a tag may charge: whoever has begun a charge can end it, and a restricted card cannot begin one.

use serde_json::{Value, json};

use crate::support::{Call, World, rfid, thor};

const HERE: &str = "EaJ7cU9NJ3YkTNgy";
const THERE: &str = "eaj7cu9nj3yktngy";

fn ask<'a>(world: &'a World, kind: &str, charge_box: &str) -> Call<'a> {
    let mut message = thor("04e1a2b3", kind);
    message["chargebox"] = charge_box.into();
    world.thor(&format!("/{}", world.fleet.rfid.token)).json(&message)
}

async fn world() -> World {
    let world = World::new().await;
    world.create(rfid("04e1a2b3", "Card")).await;
    world
}

async fn set_rules(world: &World, rules: Value) {
    world.damage("#TAG#04e1a2b3", "TAG", json!({"rules": rules})).await;
}

#[tokio::test]
async fn a_rule_refuses_at_both_requests_and_says_why() {
    let world = world().await;
    for (rules, reason) in [
        (json!({"M": {"validFrom": {"S": "2090-01-01T00:00:00Z"}}}), "not_yet_valid"),
        (json!({"M": {"validUntil": {"S": "2025-01-01T00:00:00Z"}}}), "expired"),
        (json!({"M": {"chargeBoxes": {"L": [{"S": THERE}, {"S": "EaJ7cU9NJ3YkTNgyX*"}]}}}), "not_here"),
        (json!({"M": {"weekdays": {"L": [{"S": "mon"}]}}}), "unreadable"),
        (json!({"NULL": true}), "unreadable"),
        (json!({"L": []}), "unreadable"),
    ] {
        set_rules(&world, rules).await;
        for kind in ["authorize", "start"] {
            ask(&world, kind, HERE).await.refuses(reason);
        }
    }
    let here = json!({"M": {
        "validFrom": {"S": "2025-01-01T00:00:00Z"}, "validUntil": {"S": "2090-01-01T00:00:00Z"},
        "chargeBoxes": {"L": [{"S": "EaJ7*"}]}
    }});
    set_rules(&world, here).await;
    ask(&world, "authorize", HERE).await.ok();
    ask(&world, "start", HERE).await.ok();
    ask(&world, "start", THERE).await.refuses("not_here");
    let reasons: Vec<Value> =
        world.decisions("&authorized=false").await.iter().map(|it| it["ocppStatus"].clone()).collect();
    let [elsewhere, rest @ ..] = reasons.as_slice() else { panic!() };
    assert_eq!(elsewhere, "NotAtThisLocation");
    let words = ["Invalid", "Invalid", "Invalid", "NotAtThisLocation", "Expired", "NotAtThisTime"];
    assert_eq!(rest, words.into_iter().flat_map(|word| [word, word]).collect::<Vec<_>>());
}

#[tokio::test]
async fn whoever_began_a_charge_can_end_it_whatever_the_rules_say_by_then() {
    for rules in [json!({"M": {"validUntil": {"S": "2025-01-01T00:00:00Z"}}}), json!({"M": {"weekdays": {"L": []}}})] {
        let world = world().await;
        ask(&world, "start", HERE).await.ok();
        world.journalled().await;
        set_rules(&world, rules).await;
        ask(&world, "authorize", HERE).await.ok();
        // At another charge box nothing began, and a start is always a beginning.
        assert_eq!(ask(&world, "authorize", THERE).await.status, 403);
        assert_eq!(ask(&world, "start", HERE).await.status, 403);
        ask(&world, "authorize", HERE).await.ok();
        // A status is no rule.
        world.damage("#TAG#04e1a2b3", "TAG", json!({"authorizationStatus": {"S": "Revoked"}})).await;
        ask(&world, "authorize", HERE).await.refuses("revoked");
    }
}

#[tokio::test]
async fn a_start_is_remembered_for_seven_days_whether_the_table_has_forgotten_it_or_not() {
    let world = world().await;
    ask(&world, "start", HERE).await.ok();
    world.journalled().await;
    set_rules(&world, json!({"M": {"validUntil": {"S": "2025-01-01T00:00:00Z"}}})).await;
    let partition = format!("ORG#{}#START#04e1a2b3", world.fleet.id);
    let query = json!({"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": {":p": {"S": partition}}});
    let item = world.table("Query", query).await["Items"][0].clone();
    let sort = item["SK"]["S"].as_str().unwrap();
    assert!(sort.len() == 64 && sort.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sort}");
    ask(&world, "authorize", HERE).await.ok();
    world.damage("#START#04e1a2b3", sort, json!({"expiresAt": {"N": "1700000000"}})).await;
    ask(&world, "authorize", HERE).await.refuses("expired");
    world.damage("#START#04e1a2b3", sort, json!({"expiresAt": {"S": "9999999999"}})).await;
    ask(&world, "authorize", HERE).await.refuses("expired");
}
