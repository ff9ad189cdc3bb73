//! Each function's policy allows exactly what the function does. That a function does nothing else is checked at the end of
//! every test (`World::check_policies`); that the policy allows nothing else is checked here.

use std::collections::{BTreeMap, BTreeSet};

use deployment::Grant;
use serde_json::{Value, json};

use crate::support::{FUNCTIONS, Touch, World, access_id, card, import, rfid, seen, thor, vehicle};

/// The actions of each function without `dynamodb:`. A transaction needs the actions of its members.
const ACTIONS: [(&str, &[&str]); 20] = [
    ("create-access-id", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
    ("create-vehicle", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
    ("get-access-id", &["BatchGetItem", "GetItem"]),
    ("get-vehicle", &["BatchGetItem", "GetItem"]),
    ("list-access-ids", &["BatchGetItem", "GetItem", "Query"]),
    ("list-changes", &["GetItem", "Query"]),
    ("list-customers", &["GetItem", "Query"]),
    ("list-decisions", &["GetItem", "Query"]),
    ("list-unknown-tags", &["BatchGetItem", "GetItem", "Query"]),
    ("list-vehicles", &["BatchGetItem", "GetItem", "Query"]),
    ("rfid-authorizer", &["BatchGetItem", "BatchWriteItem"]),
    ("update-access-id", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
    ("update-vehicle", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
    ("get-access-id-rules", &["BatchGetItem", "GetItem"]),
    ("put-access-id-rules", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
    ("put-access-ids-batch", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
    ("check-access", &["BatchGetItem", "GetItem"]),
    ("create-revocation", &["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"]),
    ("delete-access-id", &["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"]),
    ("delete-vehicle", &["BatchGetItem", "DeleteItem", "GetItem", "PutItem"]),
];

#[tokio::test]
async fn each_function_uses_exactly_what_its_policy_allows() {
    let world = World::new().await;
    make_every_kind_of_request(&world).await;

    let mut used: BTreeMap<String, BTreeSet<Touch>> = BTreeMap::new();
    for function in FUNCTIONS.iter().copied() {
        used.insert(function.into(), seen(&world.recorder(function).await.requests()));
    }
    let actions = |touches: &BTreeSet<Touch>| touches.iter().map(|touch| touch.action.clone()).collect();
    let seen: BTreeMap<String, BTreeSet<String>> =
        used.iter().map(|(function, touches)| (function.clone(), actions(touches))).collect();
    let expected: BTreeMap<String, BTreeSet<String>> = ACTIONS
        .iter()
        .map(|(function, actions)| (function.to_string(), actions.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(seen, expected);
    let mut granted = deployment::policies().unwrap();
    assert_eq!(granted.remove("console"), Some(BTreeSet::new()), "the pages need no table");
    assert_eq!(granted, expected, "the template");

    // Every key pattern of a grant is used, and writes are allowed only in transactions.
    for (function, grants) in deployment::grants().unwrap() {
        for grant in grants {
            for pattern in &grant.partitions {
                let alone = Grant { partitions: vec![pattern.clone()], ..grant.clone() };
                let is_used = used[&function].iter().any(|touch| {
                    let mut partitions = touch.partitions.iter();
                    partitions.any(|partition| alone.allows(&touch.action, &[partition], touch.in_transaction))
                });
                assert!(is_used, "{function} needs no {pattern} for {:?}", grant.actions);
            }
            let writes = ["PutItem", "UpdateItem", "DeleteItem"].iter().any(|action| grant.actions.contains(*action));
            assert_eq!(grant.only_in_transaction, writes, "{function}: {:?}", grant.actions);
        }
    }
}

/// Whatever a tag is, the authorizer can write what it remembers and never an item that a decision depends on, but for the
/// accepted start.
#[test]
fn the_authorizer_can_never_write_a_tag() {
    let grants = deployment::grants().unwrap().remove("rfid-authorizer").unwrap();
    let may_write = |partition: &str| {
        let partition = partition.replace("{o}", "abc123DEF456");
        let actions = ["BatchWriteItem", "PutItem", "UpdateItem", "DeleteItem", "PartiQLInsert", "PartiQLUpdate"];
        actions.iter().any(|action| {
            grants
                .iter()
                .any(|grant| grant.allows(action, &[&partition], false) || grant.allows(action, &[&partition], true))
        })
    };
    for tag in ["a", "x#TAG#a", "#TAG#a", "DECISION", "*", "?", "DECISION#a", "START#a"] {
        for kind in ["TAG", "TAG#DECISION", "ACCESS-ID", "VEHICLE", "CUSTOMER", "REQUEST", "CHANGE"] {
            assert!(!may_write(&format!("ORG#{{o}}#{kind}#{tag}")), "{kind} {tag}");
        }
        for kind in ["DECISION", "START"] {
            assert!(may_write(&format!("ORG#{{o}}#{kind}#{tag}")), "{kind} {tag}");
        }
    }
    for partition in ["ORG", "ORG#{o}", "ORG#{o}#ACCESS-ID", "ORG#{o}#VEHICLE", "ORG#{o}#TAG", "ORG#x#DECISION", "X"] {
        assert!(!may_write(partition), "{partition}");
    }
    assert!(may_write("ORG#{o}#DECISION") && may_write("ORG#{o}#UNKNOWN-TAG"));
    // A call is allowed as a whole or not at all.
    let mixed = ["ORG#abc123DEF456#DECISION", "ORG#abc123DEF456#TAG#a"];
    assert!(!grants.iter().any(|grant| grant.allows("BatchWriteItem", &mixed, false)));
}

/// Makes every kind of request to every function: found, not found, refused, new, linked, repeated, invalid.
async fn make_every_kind_of_request(world: &World) {
    let linked = access_id(1, "linked", 1);
    import(world, &[linked.clone(), card(2, "card"), card(3, "free")], &[vehicle(1, "Van", &[linked])]).await;

    for path in ["/api/access-ids", "/api/vehicles"] {
        let page = world.get(&format!("{path}?limit=1")).await.ok();
        world.create(json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": path}]}})).await;
        world.get(&format!("{path}?limit=0")).await.is(400, "invalid_request");
        if let Value::String(cursor) = &page["pagination"]["nextPageCursor"] {
            world.get(&format!("{path}?nextPageCursor={cursor}")).await.ok();
        }
        for (id, status) in [("1", 200), ("9", 404), ("0", 400)] {
            assert_eq!(world.get(&format!("{path}/{id}")).await.status, status);
        }
    }
    world.get("/api/access-ids/2").await.ok();
    for query in ["ocppIdTag=linked", "ocppIdTag=nobody", "vehicleId=1", "type=RFID", "customer=x", "q=x"] {
        world.get(&format!("/api/access-ids?{query}")).await.ok();
    }
    for query in ["ocppIdTag=linked", "ocppIdTag=nobody", "customer=x", "q=x"] {
        world.get(&format!("/api/vehicles?{query}")).await.ok();
    }
    world.get("/api/customers").await.ok();
    world.get("/api/customers?q=x").await.ok();
    world.get("/api/customers?x=x").await.is(400, "invalid_request");
    world.request("POST", "/api/access-ids/2").await.is(404, "not_found");

    let new = |tag: &str, more: Value| {
        let mut body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": tag, "name": "x"}});
        body["accessId"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post("/api/access-ids", body)
    };
    new("a", json!({"vehicle": {}, "customer": {"name": "One"}})).header("idempotency-key", "k").await.created();
    new("a", json!({"vehicle": {}, "customer": {"name": "One"}})).header("idempotency-key", "k").await.created();
    new("a", json!({"vehicle": {}})).header("idempotency-key", "k").await.is(409, "idempotency_key_reused");
    new("b", json!({"vehicleId": 1})).await.created();
    new("b", json!({"customer": {"name": "Two"}})).await.is(409, "tag_taken");
    new("c", json!({"vehicleId": 999})).await.is(400, "invalid_request");
    world.post("/api/access-ids", rfid("", "x")).await.is(400, "invalid_request");
    world.post("/api/access-ids", rfid("card", "x")).header("idempotency-key", "l").await.is(409, "tag_taken");

    let change = |id: u64, change: Value| world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": change}));
    change(1, json!({"name": "y", "authorizationStatus": "Revoked", "vehicle": {"make": "x"}})).await.ok();
    change(1, json!({"vehicle": null, "customer": {"name": "Three"}})).await.ok();
    change(1, json!({"vehicle": {}})).await.ok();
    change(1, json!({"vehicleId": 1, "customer": {"name": "Three"}})).await.ok();
    change(2, json!({"vehicleId": 1})).await.ok();
    change(2, json!({"vehicleId": 999})).await.is(400, "invalid_request");
    change(2, json!({"vehicleId": null})).await.ok();
    change(2, json!({"vehicle": {}})).await.is(400, "invalid_request");
    change(9, json!({"name": "x"})).await.is(404, "not_found");
    change(2, json!({"name": null})).await.is(400, "invalid_request");
    change(2, json!({})).await.ok();

    let van = |tags: &[&str]| {
        let tags: Vec<_> = tags.iter().map(|tag| json!({"ocppIdTag": tag, "authorizationStatus": "Revoked"})).collect();
        world.post("/api/vehicles", json!({"vehicle": {"name": "x", "customer": {"name": "Four"}, "accessIds": tags}}))
    };
    van(&["d", "free"]).header("idempotency-key", "k").await.created();
    van(&["d", "free"]).header("idempotency-key", "k").await.created();
    van(&["d"]).header("idempotency-key", "l").await.is(409, "tag_taken");
    van(&[""]).await.is(400, "invalid_request");
    world.patch("/api/vehicles/1", json!({"vehicle": {"name": "y", "customer": {"name": "Five"}}})).await.ok();
    world.patch("/api/vehicles/1", json!({"vehicle": {"name": "y"}})).await.ok();
    world.patch("/api/vehicles/1", json!({"vehicle": {"x": 1}})).await.is(400, "invalid_request");
    world.patch("/api/vehicles/9", json!({"vehicle": {}})).await.is(404, "not_found");

    let put = |id: u64, rules: Value| {
        world.request("PUT", &format!("/api/access-ids/{id}/rules")).json(&json!({"rules": rules}))
    };
    put(2, json!({"chargeBoxes": ["*"]})).await.ok();
    put(2, json!({"chargeBoxes": ["*"]})).await.ok();
    put(9, json!({})).await.is(404, "not_found");
    put(2, json!({"chargeBoxes": []})).await.is(400, "invalid_request");
    world.get("/api/access-ids/2/rules").await.ok();
    world.get("/api/access-ids/9/rules").await.is(404, "not_found");
    world.get("/api/access-ids/0/rules").await.is(400, "invalid_request");
    let check = |check: Value| world.post("/api/access-checks", json!({"accessCheck": check}));
    check(json!({"ocppIdTag": "card", "chargeBox": "x"})).await.ok();
    check(json!({"ocppIdTag": "no tag", "chargeBox": "x"})).await.ok();
    check(json!({})).await.is(400, "invalid_request");

    let item = |tag: &str, more: Value| {
        let mut item = json!({"ocppIdTag": tag, "type": "Vehicle", "name": "x"});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let items = [
        item("e", json!({"vehicle": {}, "customer": {"name": "Six"}})),
        item("f", json!({"vehicleId": 1})),
        item("card", json!({"type": "RFID", "authorizationStatus": "Revoked", "vehicleId": 1})),
        item("a", json!({"vehicle": {"make": "x"}})),
        item("b", json!({"vehicleId": 999, "customer": {"name": "Six"}})),
        item("", json!({})),
    ];
    for (query, times) in [("?dryRun=true", 1), ("", 2), ("?dryRun=no", 1)] {
        for _ in 0..times {
            world.request("PUT", &format!("/api/access-ids/batch{query}")).json(&json!({"accessIds": items})).await;
        }
    }
    world.patch("/api/access-ids/2", json!({"accessId": {"authorizationStatus": "Authorized"}})).await.ok();
    for query in ["", "?accessId=2", "?limit=0"] {
        world.get(&format!("/api/changes{query}")).await;
    }
    remove_and_revoke(world).await;

    for (tag, status) in [("card", 200), ("free", 403), ("nobody", 403), ("no tag", 403)] {
        assert_eq!(world.ask(tag).await.status, status);
    }
    world.thor(&format!("/{}", world.fleet.rfid.token)).json(&thor("card", "start")).await.ok();
    world.journalled().await;
    for query in ["", "?ocppIdTag=card", "?limit=0"] {
        world.get(&format!("/api/decisions{query}")).await;
    }
    for query in ["", "?ocppIdTag=nobody", "?ocppIdTag=card", "?ocppIdTag=%20"] {
        world.get(&format!("/api/unknown-tags{query}")).await;
    }
    world.ask("card").body("{").await.is(400, "invalid_request");
    world.ask("card").method("GET").await.is(405, "method_not_allowed");
}

/// Every kind of request that revokes or deletes.
async fn remove_and_revoke(world: &World) {
    let fleet = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "leased", "name": "x", "vehicle": {}, "customer": {"name": "Six"}}});
    let leased = world.create(fleet).await;
    let (id, vehicle) = (&leased["id"], &leased["vehicle"]["id"]);
    let revoke = |target: Value| world.post("/api/revocations", json!({ "revocation": target }));
    revoke(json!({"vehicleId": vehicle, "dryRun": true})).await.ok();
    revoke(json!({"customer": {"name": "Six"}})).await.ok();
    revoke(json!({"customer": {"name": "nobody"}})).await.is(400, "invalid_request");
    revoke(json!({"accessIds": [id]})).await.ok();
    revoke(json!({"accessIds": [999]})).await.is(400, "invalid_request");
    revoke(json!({})).await.is(400, "invalid_request");
    let delete = |kind: &str, id: &Value| world.request("DELETE", &format!("/api/{kind}/{id}"));
    delete("vehicles", vehicle).await.is(409, "vehicle_in_use");
    delete("access-ids", id).await.done();
    delete("access-ids", id).await.is(404, "not_found");
    delete("access-ids", &json!(0)).await.is(400, "invalid_request");
    delete("vehicles", vehicle).await.done();
    delete("vehicles", vehicle).await.is(404, "not_found");
    delete("vehicles", &json!(0)).await.is(400, "invalid_request");
}
