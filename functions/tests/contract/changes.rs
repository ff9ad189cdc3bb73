//! `GET /api/changes`: who changed what.

use serde_json::{Value, json};

use crate::support::{Answer, World, card, charging_vehicle, import, rfid};

/// The changes that a query shows, newest first.
async fn changes(world: &World, query: &str) -> Vec<Value> {
    let mut page = world.get(&format!("/api/changes?limit=100{query}")).await.ok();
    page["data"].take().as_array().unwrap().clone()
}

/// The operation of a change, and its subjects as `[kind, id, fields]`.
fn told(change: &Value) -> Value {
    let subjects = change["subjects"].as_array().unwrap().iter();
    let subjects: Vec<_> = subjects.map(|subject| json!([subject["kind"], subject["id"], subject["fields"]])).collect();
    json!([change["operation"], subjects])
}

#[tokio::test]
async fn every_operation_tells_what_it_changed() {
    let world = World::new().await;
    let newest = async || told(&changes(&world, "").await[0]);

    let mut body = rfid("04:E1:A2:B3", "Card");
    body["accessId"]["customer"] = json!({"name": "Fleet"});
    let id = world.create(body).await["id"].clone();
    let fields = json!({
        "ocppIdTag": [null, "04e1a2b3"], "type": [null, "RFID"], "name": [null, "Card"],
        "authorizationStatus": [null, "Authorized"], "customer": [null, "Fleet"],
    });
    assert_eq!(newest().await, json!(["createAccessId", [["accessId", id, fields]]]));

    let mut body = charging_vehicle("92d50a693f80", "Van 1");
    body["accessId"]["vehicle"] = json!({"make": "Tesla"});
    let created = world.create(body).await;
    let (van_id, van) = (&created["id"], &created["vehicle"]["id"]);
    let access_id = json!({
        "ocppIdTag": [null, "92d50a693f80"], "type": [null, "Vehicle"], "name": [null, "Van 1"],
        "authorizationStatus": [null, "Authorized"], "vehicleId": [null, van],
    });
    let vehicle = json!({"name": [null, "Van 1"], "make": [null, "Tesla"], "accessIds": [null, [van_id]]});
    let subjects = json!([["accessId", van_id, access_id], ["vehicle", van, vehicle]]);
    assert_eq!(newest().await, json!(["createAccessId", subjects]));

    let update = async |id: &Value, change: Value| {
        world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": change})).await.ok();
        newest().await
    };
    // The vehicle shows the status too; that is no change of the vehicle.
    let change = update(van_id, json!({"authorizationStatus": "Revoked", "name": "Van 1"})).await;
    let fields = json!({"authorizationStatus": ["Authorized", "Revoked"]});
    assert_eq!(change, json!(["updateAccessId", [["accessId", van_id, fields]]]));
    let change = update(van_id, json!({"vehicle": {"make": null, "vin": "V1"}})).await;
    assert_eq!(change, json!(["updateAccessId", [["vehicle", van, {"make": ["Tesla", null], "vin": [null, "V1"]}]]]));
    let other = world.create(json!({"vehicle": {"name": "Other"}})).await["id"].clone();
    assert_eq!(newest().await, json!(["createVehicle", [["vehicle", other, {"name": [null, "Other"]}]]]));
    let change = update(van_id, json!({"vehicleId": other, "customer": {"name": "FLEET"}})).await;
    let moved = json!([
        ["accessId", van_id, {"vehicleId": [van, other], "customer": [null, "Fleet"]}],
        ["vehicle", van, {"accessIds": [[van_id], []]}],
        ["vehicle", other, {"accessIds": [[], [van_id]]}],
    ]);
    assert_eq!(change, json!(["updateAccessId", moved]));
    let change = update(van_id, json!({"vehicleId": null, "customer": null})).await;
    let unlinked = json!([
        ["accessId", van_id, {"vehicleId": [other, null], "customer": ["Fleet", null]}],
        ["vehicle", other, {"accessIds": [[van_id], []]}],
    ]);
    assert_eq!(change, json!(["updateAccessId", unlinked]));

    let tags = json!([{"ocppIdTag": "04e1a2b3", "authorizationStatus": "Revoked"}, {"ocppIdTag": "new"}]);
    let bus = world.create(json!({"vehicle": {"name": "Bus", "licensePlate": "ABC 1", "accessIds": tags}})).await;
    let (bus_id, new) = (&bus["id"], &bus["accessIds"][1]["id"]);
    let linked = json!({"authorizationStatus": ["Authorized", "Revoked"], "vehicleId": [null, bus_id]});
    let made = json!({
        "ocppIdTag": [null, "new"], "type": [null, "Vehicle"], "name": [null, "Bus"],
        "authorizationStatus": [null, "Authorized"], "vehicleId": [null, bus_id],
    });
    let fields = json!({"name": [null, "Bus"], "licensePlate": [null, "ABC 1"], "accessIds": [null, [id, new]]});
    let subjects = json!([["vehicle", bus_id, fields], ["accessId", id, linked], ["accessId", new, made]]);
    assert_eq!(newest().await, json!(["createVehicle", subjects]));

    let body = json!({"vehicle": {"name": "Tram", "model": "T", "licensePlate": null, "customer": {"name": "Fleet"}}});
    world.patch(&format!("/api/vehicles/{bus_id}"), body).await.ok();
    let fields = json!({
        "name": ["Bus", "Tram"], "model": [null, "T"], "licensePlate": ["ABC 1", null], "customer": [null, "Fleet"],
    });
    assert_eq!(newest().await, json!(["updateVehicle", [["vehicle", bus_id, fields]]]));

    let put = async |rules: Value| {
        let path = format!("/api/access-ids/{id}/rules");
        world.request("PUT", &path).json(&json!({"rules": rules})).await.ok()["rules"].take()
    };
    let rules = put(json!({"validFrom": "2026-03-01T01:00:00+01:00", "chargeBoxes": ["depot-*"]})).await;
    assert_eq!(newest().await, json!(["putAccessIdRules", [["accessId", id, {"rules": [null, rules]}]]]));
    put(json!({})).await;
    assert_eq!(newest().await, json!(["putAccessIdRules", [["accessId", id, {"rules": [rules, null]}]]]));

    let all = changes(&world, "").await;
    assert_eq!(all.len(), 11);
    assert!(all.iter().all(|change| change["credentialId"] == world.fleet.api.id.as_str()));
}

#[tokio::test]
async fn the_entry_names_the_credential_the_request_and_its_time() {
    let world = World::new().await;
    let second = world.store.create_credential(&world.fleet.id, store::Scope::Api, "", crate::support::now()).await;
    let second = second.unwrap();
    let created = world.post("/api/access-ids", rfid("a", "Card")).token(&second.token).await.created();
    world.create(rfid("b", "Card")).await;
    let [newest, first] = <[Value; 2]>::try_from(changes(&world, "").await).unwrap();
    assert_eq!((&first["credentialId"], &newest["credentialId"]), (&json!(second.id), &json!(world.fleet.api.id)));
    assert_eq!(first["changedAt"], created["accessId"]["createdAt"]);
    // As the errors of the same function name their requests.
    let refused = world.post("/api/access-ids", rfid("b", "Card")).await;
    let beginning = |id: &Value| id.as_str().unwrap()[..24].to_owned();
    assert_eq!(beginning(&newest["requestId"]), beginning(&refused.body["requestId"]));
    assert_ne!(newest["requestId"], first["requestId"]);
    assert_ne!(newest["requestId"], refused.body["requestId"]);
    let text = format!("{newest}{first}");
    assert!(![&second, &world.fleet.api].iter().any(|credential| text.contains(&credential.token[17..])), "{text}");
}

#[tokio::test]
async fn what_changes_nothing_is_refused_or_was_answered_before_has_no_entry() {
    let world = World::with_van().await;
    import(&world, &[card(2, "card")], &[]).await;
    assert_eq!(changes(&world, "").await, [] as [Value; 0], "what the operator imports is no request");

    let update = |id: u64, change: Value| world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": change}));
    update(1, json!({})).await.ok();
    update(1, json!({"name": "Vehicle 1", "vehicle": {}, "authorizationStatus": "Authorized"})).await.ok();
    update(2, json!({"vehicle": null, "customer": null})).await.ok();
    world.patch("/api/vehicles/1", json!({"vehicle": {"name": "Van", "make": null}})).await.ok();
    world.request("PUT", "/api/access-ids/2/rules").json(&json!({"rules": {}})).await.ok();
    world.post("/api/access-checks", json!({"accessCheck": {"ocppIdTag": "card"}})).await.ok();

    let is_refused = |answer: Answer| assert!((400..500).contains(&answer.status), "{answer:?}");
    is_refused(update(2, json!({"name": ""})).await);
    is_refused(update(2, json!({"vehicleId": 99, "customer": {"name": "New"}})).await);
    is_refused(update(9, json!({"name": "x"})).await);
    is_refused(world.post("/api/access-ids", rfid("card", "Card")).await);
    is_refused(world.post("/api/access-ids", rfid("another", "Card")).token("api_x").await);
    is_refused(
        world.post("/api/vehicles", json!({"vehicle": {"name": "x", "accessIds": [{"ocppIdTag": "linked"}]}})).await,
    );
    is_refused(world.request("PUT", "/api/access-ids/9/rules").json(&json!({"rules": {}})).await);
    assert_eq!(changes(&world, "").await, [] as [Value; 0]);

    for (path, body) in
        [("/api/access-ids", rfid("once", "Card")), ("/api/vehicles", json!({"vehicle": {"name": "Once"}}))]
    {
        let before = changes(&world, "").await.len();
        for _ in 0..3 {
            world.post(path, body.clone()).header("idempotency-key", "k").await.created();
        }
        assert_eq!(changes(&world, "").await.len(), before + 1, "{path}");
    }
}

#[tokio::test]
async fn filters_show_those_that_all_of_them_name() {
    let world = World::with_van().await;
    import(&world, &[card(2, "card"), card(3, "other")], &[]).await;
    let update = async |id: u64, change: Value| {
        world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": change})).await.ok();
    };
    update(2, json!({"name": "A"})).await;
    update(3, json!({"name": "B"})).await;
    update(2, json!({"vehicleId": 1})).await;
    update(1, json!({"vehicle": {"make": "C"}})).await;
    let all = changes(&world, "").await;
    let [d, c, b, a] = [0, 1, 2, 3].map(|at| all[at]["changedAt"].as_str().unwrap());
    let shown = async |query: String| -> Vec<usize> {
        let shown = changes(&world, &query).await;
        shown.iter().map(|change| all.iter().position(|other| other == change).unwrap()).collect()
    };
    for (query, expected) in [
        (String::new(), &[0, 1, 2, 3][..]),
        ("&accessId=2".to_owned(), &[1, 3]),
        ("&accessId=3".to_owned(), &[2]),
        ("&accessId=1".to_owned(), &[]),
        ("&vehicleId=1".to_owned(), &[0, 1]),
        ("&vehicleId=2".to_owned(), &[]),
        ("&accessId=2&vehicleId=1".to_owned(), &[1]),
        (format!("&changedAfter={b}"), &[0, 1]),
        (format!("&changedBefore={b}"), &[3]),
        (format!("&changedAfter={a}&changedBefore={d}"), &[1, 2]),
        (format!("&changedAfter={b}&accessId=2"), &[1]),
        (format!("&changedAfter={c}&changedBefore={c}"), &[]),
    ] {
        assert_eq!(shown(query.clone()).await, expected, "{query}");
    }

    // Pages, and cursors that hold for their filters alone.
    let mut cursor = String::new();
    let mut walked = Vec::new();
    for _ in 0..4 {
        let page = world.get(&format!("/api/changes?limit=1{cursor}")).await.ok();
        walked.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["pagination"]["nextPageCursor"].as_str() else { break };
        cursor = format!("&nextPageCursor={next}");
        world.get(&format!("/api/changes?accessId=2{cursor}")).await.names(&["nextPageCursor"]);
        world.get(&format!("/api/decisions?limit=1{cursor}")).await.names(&["nextPageCursor"]);
    }
    assert_eq!(walked, all);
    let other = world.another_fleet().await;
    assert_eq!(world.get("/api/changes?accessId=2").of(&other).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn an_entry_is_not_shown_after_its_days() {
    let world = World::with(&[("CHANGE_DAYS", "1")]).await;
    world.create(rfid("a", "Card")).await;
    let organization = world.fleet.id.as_str();
    let [change] = <[Value; 1]>::try_from(changes(&world, "").await).unwrap();
    let time: domain::Timestamp = change["changedAt"].as_str().unwrap().parse().unwrap();
    let sort = format!("{:016}", change["id"].as_u64().unwrap());
    let key = json!({"PK": {"S": format!("ORG#{organization}#CHANGE")}, "SK": {"S": &sort}});
    let item = world.table("GetItem", json!({"Key": key})).await["Item"].take();
    assert_eq!(item["expiresAt"]["N"].as_str().unwrap(), (time.timestamp() + 86_400).to_string());
    // The table removes it only after a while.
    world.damage("#CHANGE", &sort, json!({"expiresAt": {"N": time.timestamp().to_string()}})).await;
    assert_eq!(changes(&world, "").await, [] as [Value; 0]);
}
