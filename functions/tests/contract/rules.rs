//! Rules and access checks.

use serde_json::{Value, json};

use crate::support::{Call, World, card, import, rfid, thor};

fn put<'a>(world: &'a World, id: &Value, rules: Value) -> Call<'a> {
    world.request("PUT", &format!("/api/access-ids/{id}/rules")).json(&json!({ "rules": rules }))
}

async fn get(world: &World, id: &Value) -> Value {
    world.get(&format!("/api/access-ids/{id}/rules")).await.ok()["rules"].take()
}

async fn check(world: &World, check: Value) -> Value {
    world.post("/api/access-checks", json!({ "accessCheck": check })).await.ok()["accessCheck"].take()
}

/// The reason of a check's answer; null if it would be authorized.
async fn refusal(world: &World, tag: &str, charge_box: &str, at: &str) -> Value {
    check(world, json!({"ocppIdTag": tag, "chargeBox": charge_box, "at": at})).await["reason"].take()
}

fn none() -> Value {
    json!({"validFrom": null, "validUntil": null, "chargeBoxes": null})
}

#[tokio::test]
async fn a_card_without_rules_may_charge_at_any_time_and_place() {
    let world = World::new().await;
    let card = world.create(rfid("card", "Card")).await;
    assert_eq!(get(&world, &card["id"]).await, none());
    assert_eq!(refusal(&world, "card", "anywhere", "0001-01-01T00:00:00Z").await, Value::Null);
}

#[tokio::test]
async fn put_replaces_all_rules_and_null_or_nothing_removes_them() {
    let world = World::new().await;
    let id = &world.create(rfid("card", "Card")).await["id"];
    let whole = json!({"validFrom": "2026-01-01T00:00:00.000Z", "validUntil": null, "chargeBoxes": ["a", "b*", "a"]});
    assert_eq!(put(&world, id, whole.clone()).await.ok()["rules"], whole);
    assert_eq!(get(&world, id).await, whole);
    let part = json!({"validUntil": "2027-01-01T02:00:00+02:00"});
    let expected = json!({"validFrom": null, "validUntil": "2027-01-01T00:00:00.000Z", "chargeBoxes": null});
    assert_eq!(put(&world, id, part).await.ok()["rules"], expected);
    assert_eq!(get(&world, id).await, expected);
    assert_eq!(put(&world, id, none()).await.ok()["rules"], none());
    assert_eq!(get(&world, id).await, none());
    put(&world, id, whole).await.ok();
    put(&world, id, json!({})).await.ok();
    assert_eq!(get(&world, id).await, none());
}

#[tokio::test]
async fn updated_at_moves_when_rules_change_and_only_then() {
    let world = World::new().await;
    import(&world, &[card(1, "card")], &[]).await;
    let id = &json!(1);
    let updated_at = async || world.access_id(id).await["updatedAt"].take();
    let created = updated_at().await;
    put(&world, id, none()).await.ok();
    assert_eq!(updated_at().await, created);
    put(&world, id, json!({"chargeBoxes": ["a"]})).await.ok();
    let changed = updated_at().await;
    assert!(changed.as_str() > created.as_str(), "{changed}");
    put(&world, id, json!({"chargeBoxes": [" a "]})).await.ok();
    assert_eq!(updated_at().await, changed);
}

#[tokio::test]
async fn a_check_tells_what_each_edge_of_the_rules_allows() {
    let world = World::new().await;
    let id = &world.create(rfid("04:E1:A2:B3", "Card")).await["id"];
    let (from, until) = ("2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z");
    put(&world, id, json!({"validFrom": from, "validUntil": until, "chargeBoxes": ["depot-*", "gate"]})).await.ok();
    for (charge_box, at, reason) in [
        ("gate", from, json!(null)),
        ("depot-", "2026-03-01T23:59:59.999Z", json!(null)),
        ("gate", "2026-02-28T23:59:59.999Z", json!("not_yet_valid")),
        ("gate", until, json!("expired")),
        ("Gate", from, json!("not_here")),
        ("gate-1", from, json!("not_here")),
        ("", until, json!("expired")),
    ] {
        assert_eq!(refusal(&world, "04e1a2b3", charge_box, at).await, reason, "{charge_box} {at}");
    }
    // Without a place, a rule about places refuses: a check promises no more than every request would get.
    let nowhere = check(&world, json!({"ocppIdTag": "04e1a2b3", "at": from})).await;
    assert_eq!((&nowhere["reason"], &nowhere["ocppStatus"]), (&json!("not_here"), &json!("NotAtThisLocation")));
    world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": {"authorizationStatus": "Revoked"}})).await.ok();
    assert_eq!(refusal(&world, "04e1a2b3", "gate", until).await, "revoked");
}

#[tokio::test]
async fn nothing_but_its_rules_changes_the_rules_of_a_card() {
    let world = World::new().await;
    let id = &world.create(rfid("card", "Card")).await["id"];
    let rules = json!({"validFrom": null, "validUntil": "2027-01-01T00:00:00.000Z", "chargeBoxes": ["a"]});
    put(&world, id, rules.clone()).await.ok();
    let patch = async |change: Value| {
        world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": change})).await.ok();
        assert_eq!(get(&world, id).await, rules);
        assert_eq!(refusal(&world, "card", "b", "2026-06-01T00:00:00Z").await, "not_here");
    };
    patch(json!({"name": "Renamed", "customer": {"name": "Fleet"}})).await;
    let link = json!({"name": "Van", "accessIds": [{"ocppIdTag": "card", "authorizationStatus": "Revoked"}]});
    let van = world.create(json!({"vehicle": link})).await;
    patch(json!({"authorizationStatus": "Authorized"})).await;
    world.patch(&format!("/api/vehicles/{}", van["id"]), json!({"vehicle": {"name": "x"}})).await.ok();
    patch(json!({"customer": null})).await;
}

#[tokio::test]
async fn everything_wrong_with_rules_and_checks_is_named() {
    let world = World::new().await;
    let id = &world.create(rfid("card", "Card")).await["id"];
    put(&world, id, Value::Null).await.names(&["rules"]);
    put(&world, id, json!({"validTo": null, "validFrom": 1, "chargeBoxes": {}})).await.names(&[
        "rules.validTo",
        "rules.validFrom",
        "rules.chargeBoxes",
    ]);
    let same = "2026-01-01T00:00:00Z";
    put(&world, id, json!({"validFrom": same, "validUntil": same})).await.names(&["rules.validUntil"]);
    put(&world, id, json!({"chargeBoxes": ["a", "", "a*b", "x".repeat(129), "a\tb"]})).await.names(&[
        "rules.chargeBoxes[1]",
        "rules.chargeBoxes[2]",
        "rules.chargeBoxes[3]",
        "rules.chargeBoxes[4]",
    ]);
    put(&world, id, json!({"chargeBoxes": vec!["a"; 51]})).await.names(&["rules.chargeBoxes"]);
    put(&world, id, json!({"chargeBoxes": vec!["a".repeat(51); 50]})).await.names(&["rules.chargeBoxes"]);
    let twice = put(&world, id, json!({})).body(r#"{"rules": {"validFrom": null, "validFrom": null}}"#).await;
    twice.names(&["rules.validFrom"]);
    put(&world, &json!(0), json!({"x": 1})).await.names(&["id", "rules.x"]);
    put(&world, &json!(9), json!({})).await.is(404, "not_found");
    world.get(&format!("/api/access-ids/{id}/rules?x=")).await.names(&["x"]);
    assert_eq!(get(&world, id).await, none(), "a refused request changes nothing");

    let check = |check: Value| world.post("/api/access-checks", json!({ "accessCheck": check }));
    check(json!({})).await.names(&["accessCheck.ocppIdTag"]);
    check(json!({"ocppIdTag": 1, "chargeBox": 1, "type": "Start", "at": "x", "id": 1})).await.names(&[
        "accessCheck.ocppIdTag",
        "accessCheck.chargeBox",
        "accessCheck.type",
        "accessCheck.at",
        "accessCheck.id",
    ]);
}

#[tokio::test]
async fn rules_and_checks_stay_within_the_organization() {
    let world = World::new().await;
    let other = world.another_fleet().await;
    let id = &world.create(rfid("card", "Card")).await["id"];
    world.get(&format!("/api/access-ids/{id}/rules")).of(&other).await.is(404, "not_found");
    put(&world, id, json!({"chargeBoxes": ["a"]})).of(&other).await.is(404, "not_found");
    assert_eq!(get(&world, id).await, none());
    for tag in ["card", "0card"] {
        let body = json!({"accessCheck": {"ocppIdTag": tag}});
        let theirs = world.post("/api/access-checks", body).of(&other).await.ok()["accessCheck"].take();
        assert_eq!((&theirs["reason"], &theirs["accessId"]), (&json!("unknown"), &Value::Null));
        assert_eq!(theirs["nearMisses"], json!([]));
    }
}

/// Pairs of the field: each finds the other in a check, and neither opens anything for the other.
#[tokio::test]
async fn a_near_miss_is_a_hint_and_never_authorizes() {
    for (known, asked) in [
        ("7186A61E", "1EA68671"),
        ("1EA68671", "7186A61E"),
        ("3570234960", "D4CD7650"),
        ("D4CD7650", "3570234960"),
        ("0458D8C2", "0458D8C2126F81"),
        ("0000a453ee033156", "a453ee033156"),
        ("a453ee033156", "0000a453ee033156"),
        ("04E1A2B9", "04E1A2B9_17056456"),
        ("5280984", "0005280984"),
        ("0005280984", "5280984"),
    ] {
        let world = World::new().await;
        let id = &world.create(rfid(known, "Card")).await["id"];
        let answer = check(&world, json!({"ocppIdTag": asked})).await;
        assert_eq!((&answer["authorized"], &answer["reason"]), (&json!(false), &json!("unknown")), "{asked}");
        let near: Vec<_> =
            answer["nearMisses"].as_array().unwrap().iter().map(|near| &near["accessId"]["id"]).collect();
        assert_eq!(near, [id], "{asked} is like {known}");
        world.ask(asked).await.refuses("unknown");
        assert_eq!(world.ask(known).await.status, 200);
    }
}

/// What Thor is answered for the tag `card`: null if it is authorized, else the reason.
async fn decision(world: &World, kind: &str, charge_box: &str) -> Value {
    let mut message = thor("card", kind);
    message["chargebox"] = charge_box.into();
    let answer = world.thor(&format!("/{}", world.fleet.rfid.token)).json(&message).await;
    answer.body.get("reason").cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_check_says_what_the_authorizer_answers_to_rules_that_were_put() {
    let world = World::new().await;
    let id = &world.create(rfid("card", "Card")).await["id"];
    let (past, future) = ("2025-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
    let mut seen = Vec::new();
    let mut compare = async |rules: Value| {
        put(&world, id, rules).await.ok();
        for (kind, charge_box) in [("authorize", "gate"), ("start", "depot-1"), ("authorize", "depot-1")] {
            let checked = check(&world, json!({"ocppIdTag": "card", "chargeBox": charge_box, "type": kind})).await;
            let decided = decision(&world, kind, charge_box).await;
            assert_eq!(checked["reason"], decided, "{kind} at {charge_box}: {checked}");
            world.journalled().await;
            seen.push(decided);
        }
    };
    compare(json!({"validFrom": future})).await;
    compare(json!({"validUntil": past})).await;
    compare(json!({"validFrom": past, "validUntil": future, "chargeBoxes": ["depot-*"]})).await;
    // The start at depot-1 was accepted, so it can be ended there.
    compare(json!({"validUntil": past})).await;
    compare(json!({"chargeBoxes": ["gate"]})).await;
    compare(none()).await;
    let [early, late, elsewhere] = ["not_yet_valid", "expired", "not_here"].map(Value::from);
    let null = Value::Null;
    let expected = [
        [&early, &early, &early],
        [&late, &late, &late],
        [&elsewhere, &null, &null],
        [&late, &late, &null],
        [&null, &elsewhere, &null],
        [&null, &null, &null],
    ];
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected.concat());
}

#[tokio::test]
async fn a_check_records_nothing() {
    let world = World::new().await;
    world.create(rfid("card", "Card")).await;
    for tag in ["card", "nobody", "no tag"] {
        check(&world, json!({"ocppIdTag": tag, "chargeBox": "gate"})).await;
    }
    assert_eq!(world.list("/api/decisions").await, Vec::<Value>::new());
    assert_eq!(world.list("/api/unknown-tags").await, Vec::<Value>::new());
    let mut calls = world.recorder("check-access").await.operations();
    // A connection is opened by an empty request.
    calls.retain(|operation| !operation.is_empty());
    assert_eq!(calls, ["BatchGetItem"; 5], "two calls each, one for what is no tag");
}
