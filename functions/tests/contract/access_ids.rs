//! Creating and reading access IDs.

use serde_json::{Value, json};

use crate::support::{World, access_id, charging_vehicle, check_time, import, rfid, time, vehicle};

#[tokio::test]
async fn a_card_is_created_and_read_back() {
    let world = World::new().await;
    let before = now_in_milliseconds();
    let made = world.create(rfid("04:E1:A2:B3", "  Card 1 ")).await;
    let after = now_in_milliseconds();
    let at = made["createdAt"].clone();
    assert!((before - 1..=after).contains(&time(check_time(&at)).timestamp_millis()), "{before} {at} {after}");
    let expected = json!({
        "id": made["id"], "ocppIdTag": "04e1a2b3", "type": "RFID", "name": "Card 1", "authorizationStatus": "Authorized",
        "authorizedAt": at, "revokedAt": null, "createdAt": at, "updatedAt": at, "vehicle": null, "customer": null
    });
    assert_eq!(made, expected);
    assert_eq!(world.access_id(&made["id"]).await, expected);
    let mut listed = expected;
    listed.as_object_mut().unwrap().remove("customer");
    assert_eq!(world.list("/api/access-ids").await, [listed]);
    let allowed = json!({"authorized": true, "accessId": {"id": made["id"], "name": "Card 1", "type": "RFID"}});
    assert_eq!(world.ask("04e1a2b3").await.ok(), allowed);
}

fn now_in_milliseconds() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

#[tokio::test]
async fn an_access_id_that_is_created_revoked_has_both_times() {
    let world = World::new().await;
    let mut body = charging_vehicle("tag", "Van");
    body["accessId"]["authorizationStatus"] = "Revoked".into();
    let made = world.create(body).await;
    let at = made["createdAt"].clone();
    assert_eq!([&made["authorizedAt"], &made["revokedAt"], &made["updatedAt"]], [&at; 3]);
    assert_eq!(made["authorizationStatus"], "Revoked");
    assert_eq!(world.vehicle(&made["vehicle"]["id"]).await["accessIds"][0]["authorizationStatus"], "Revoked");
    assert_eq!(world.ask("tag").await.body, json!({"authorized": false, "reason": "revoked"}));
    let mut body = rfid("other", "Card");
    body["accessId"]["authorizationStatus"] = "Authorized".into();
    assert_eq!(world.create(body).await["revokedAt"], Value::Null);
}

#[tokio::test]
async fn ids_increase_with_creation_time_across_instances() {
    let world = World::new().await;
    let mut last = [0, 0];
    for number in 0..12 {
        let body = charging_vehicle(&format!("tag-{number}"), "Van");
        let made = world.post("/api/access-ids", body).on(number % 3).await.created();
        let ids = ["/accessId/id", "/accessId/vehicle/id"].map(|place| made.pointer(place).unwrap().as_u64().unwrap());
        assert!(ids[0] > last[0] && ids[1] > last[1], "{last:?} {ids:?}");
        last = ids;
        // Ids begin with the time in milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_new_vehicle_takes_the_access_ids_name_and_customer() {
    let world = World::new().await;
    let body = json!({"accessId": {
        "type": "Vehicle", "ocppIdTag": "VID:92D50A693F80", "name": "Van 1", "customer": {"name": "Fleet"},
        "vehicle": {"make": "Tesla", "model": "Model 3", "vin": "5YJ3"}
    }});
    let made = world.create(body).await;
    let id = &made["vehicle"]["id"];
    let shown = json!({"id": id, "make": "Tesla", "model": "Model 3", "name": "Van 1", "vin": "5YJ3"});
    assert_eq!(made["vehicle"], shown);
    assert_eq!(world.access_id(&made["id"]).await, made);
    let vehicle = json!({
        "id": id, "name": "Van 1", "make": "Tesla", "model": "Model 3", "vin": "5YJ3", "licensePlate": null,
        "hasTelematics": false, "customer": {"name": "Fleet"},
        "accessIds": [{"id": made["id"], "ocppIdTag": "92d50a693f80", "authorizationStatus": "Authorized"}]
    });
    assert_eq!(world.vehicle(id).await, vehicle);
    assert_eq!(world.list("/api/vehicles").await, [vehicle]);
}

#[tokio::test]
async fn the_vehicle_and_its_fields_are_optional() {
    let world = World::new().await;
    let body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "a", "name": "Alone"}});
    let made = world.create(body).await;
    assert_eq!(made["vehicle"], Value::Null);
    assert!(world.list("/api/vehicles").await.is_empty());
    let made = world.create(charging_vehicle("b", "Van")).await;
    let id = &made["vehicle"]["id"];
    assert_eq!(made["vehicle"], json!({"id": id, "make": null, "model": null, "name": "Van", "vin": null}));
}

#[tokio::test]
async fn with_a_vehicle_id_nothing_is_inherited() {
    let world = World::new().await;
    let van = world.create(json!({"vehicle": {"name": "Van", "customer": {"name": "Fleet"}, "vin": "v"}})).await;
    let body = |tag: &str, customer: Value| json!({"accessId": {"type": "Vehicle", "ocppIdTag": tag, "name": "Port", "vehicleId": van["id"], "customer": customer}});
    let first = world.create(body("a", Value::Null)).await;
    let second = world.create(body("b", json!({"name": "Other"}))).await;
    assert_eq!((&first["name"], &first["customer"]), (&json!("Port"), &Value::Null));
    assert_eq!(second["customer"], json!({"name": "Other"}));
    let shown = json!({"id": van["id"], "make": null, "model": null, "name": "Van", "vin": "v"});
    assert_eq!([&first["vehicle"], &second["vehicle"]], [&shown, &shown]);
    let mut expected = van.clone();
    let summary =
        |made: &Value, tag: &str| json!({"id": made["id"], "ocppIdTag": tag, "authorizationStatus": "Authorized"});
    expected["accessIds"] = json!([summary(&first, "a"), summary(&second, "b")]);
    assert_eq!(world.vehicle(&van["id"]).await, expected);
}

#[tokio::test]
async fn contradicting_fields_are_refused_and_create_nothing() {
    let world = World::new().await;
    import(&world, &[], &[vehicle(1, "Van", &[])]).await;
    let new = |kind: &str, more: Value| {
        let mut body =
            json!({"accessId": {"type": kind, "ocppIdTag": "tag", "name": "x", "customer": {"name": "FLEET"}}});
        body["accessId"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let both = ["accessId.vehicle", "accessId.vehicleId"];
    for (body, fields) in [
        (new("Vehicle", json!({"vehicle": {}, "vehicleId": 1})), &both[1..]),
        (new("RFID", json!({"vehicle": {}})), &both[..1]),
        (new("RFID", json!({"vehicle": {"vin": "x"}})), &both[..1]),
        (new("RFID", json!({"vehicleId": 1})), &both[1..]),
        (new("RFID", json!({"vehicle": {}, "vehicleId": 1})), &both[..]),
        (new("Vehicle", json!({"vehicleId": 2})), &both[1..]),
        (new("Vehicle", json!({"vehicleId": 9_007_199_254_740_991_u64})), &both[1..]),
    ] {
        world.post("/api/access-ids", body).await.names(fields);
    }
    assert!(world.list("/api/access-ids").await.is_empty());
    assert_eq!(world.list("/api/vehicles").await.len(), 1);
    world.ask("tag").await.refuses("unknown");
    // The tag is free, and the customer was not created: the next spelling is the stored one.
    let made =
        world.create(new("RFID", json!({"vehicle": null, "vehicleId": null, "customer": {"name": "Fleet"}}))).await;
    assert_eq!(made["customer"]["name"], "Fleet");
}

#[tokio::test]
async fn a_taken_tag_is_a_conflict_and_creates_nothing() {
    let world = World::new().await;
    let first = world.create(rfid("04E1A2B3", "Card")).await;
    for (tag, kind) in [("04e1a2b3", "RFID"), ("04:E1:A2:B3", "Vehicle"), (" 04-e1-a2-b3", "RFID")] {
        let vehicle = if kind == "Vehicle" { json!({"make": "x"}) } else { Value::Null };
        let body = json!({"accessId": {
            "type": kind, "ocppIdTag": tag, "name": "x", "vehicle": vehicle, "customer": {"name": "FLEET"}
        }});
        let answer = world.post("/api/access-ids", body).await;
        answer.conflicts_with(&[("accessId.ocppIdTag", &first["id"])]);
    }
    assert!(world.list("/api/vehicles").await.is_empty());
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
    assert_eq!(world.access_id(&first["id"]).await, first);
    let body = json!({"vehicle": {"name": "Van", "customer": {"name": "Fleet"}}});
    assert_eq!(world.create(body).await["customer"]["name"], "Fleet");
}

#[tokio::test]
async fn a_tag_stays_taken_while_revoked_and_unlinked() {
    let world = World::new().await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    let path = format!("/api/access-ids/{}", made["id"]);
    world.patch(&path, json!({"accessId": {"authorizationStatus": "Revoked", "vehicle": null}})).await.ok();
    world.post("/api/access-ids", rfid("TAG", "Card")).await.is(409, "tag_taken");
}

#[tokio::test]
async fn a_vehicle_holds_a_hundred_access_ids() {
    let world = World::new().await;
    let held: Vec<_> = (1..=99).map(|number| access_id(number, &format!("held-{number}"), 1)).collect();
    import(&world, &held, &[vehicle(1, "Bus", &held)]).await;
    let body = |tag: &str| {
        json!({"accessId": {
            "type": "Vehicle", "ocppIdTag": tag, "name": "Port", "vehicleId": 1, "customer": {"name": tag}
        }})
    };
    world.create(body("hundredth")).await;
    world.post("/api/access-ids", body("one more")).await.names(&["accessId.ocppIdTag"]);
    world.post("/api/access-ids", body("too-many")).await.names(&["accessId.vehicleId"]);
    let bus = world.vehicle(&json!(1)).await;
    assert_eq!(bus["accessIds"].as_array().unwrap().len(), 100);
    world.ask("too-many").await.refuses("unknown");
    // A full vehicle can be changed, and its access IDs can be listed.
    world.patch("/api/vehicles/1", json!({"vehicle": {"name": "🚌".repeat(200)}})).await.ok();
    assert_eq!(world.list("/api/access-ids").await.len(), 100);
    world.patch("/api/access-ids/1", json!({"accessId": {"vehicle": null}})).await.ok();
    let made = world.create(body("too-many")).await;
    assert_eq!(made["customer"]["name"], "too-many");
}

#[tokio::test]
async fn only_canonical_ids_are_accepted() {
    let world = World::new().await;
    let linked = access_id(9_007_199_254_740_991, "linked", 9_007_199_254_740_991);
    let van = vehicle(9_007_199_254_740_991, "Van", std::slice::from_ref(&linked));
    import(&world, &[linked], &[van]).await;
    for path in ["/api/access-ids", "/api/vehicles"] {
        for id in [
            "0",
            "-1",
            "+1",
            "01",
            "1.0",
            "1e0",
            "0x1",
            "abc",
            "1a",
            "%20",
            "%201",
            "1%20",
            "1,2",
            "null",
            "undefined",
            "١",
            "%D9%A1",
            "9007199254740992",
            "18446744073709551617",
            "1_000",
            "💥",
            "%00",
            "123456789012345678901234567890",
        ] {
            let target = format!("{path}/{id}");
            world.get(&target).await.names(&["id"]);
            let root = if path == "/api/vehicles" { "vehicle" } else { "accessId" };
            world.patch(&target, json!({root: {}})).await.names(&["id"]);
        }
        for id in ["1", "2", "9007199254740990"] {
            world.get(&format!("{path}/{id}")).await.is(404, "not_found");
        }
        assert_eq!(world.get(&format!("{path}/9007199254740991")).await.status, 200);
    }
}
