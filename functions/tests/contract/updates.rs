//! Updates of access IDs: the status and its times, the link to a vehicle, and fields of the vehicle.

use serde_json::{Value, json};

use crate::support::{World, access_id, card, charging_vehicle, customer, import, rfid, vehicle};

async fn change(world: &World, id: &Value, change: Value) -> Value {
    world.patch(&format!("/api/access-ids/{id}"), json!({"accessId": change})).await.ok()["accessId"].take()
}

#[tokio::test]
async fn authorized_at_and_revoked_at_follow_the_status() {
    let world = World::new().await;
    import(&world, &[card(1, "tag")], &[]).await;
    let id = &json!(1);
    let first = world.access_id(id).await;

    // The status it already has changes nothing.
    assert_eq!(change(&world, id, json!({"authorizationStatus": "Authorized"})).await, first);

    let revoked = change(&world, id, json!({"authorizationStatus": "Revoked"})).await;
    let mut expected = first.clone();
    expected["authorizationStatus"] = "Revoked".into();
    expected["revokedAt"] = revoked["revokedAt"].clone();
    expected["updatedAt"] = revoked["revokedAt"].clone();
    assert_eq!(revoked, expected);
    assert!(revoked["revokedAt"].as_str() > first["updatedAt"].as_str());
    assert_eq!(world.access_id(id).await, revoked);
    world.ask("tag").await.refuses("revoked");

    assert_eq!(change(&world, id, json!({"authorizationStatus": "Revoked"})).await, revoked);

    // A change of another field moves only `updatedAt`.
    let renamed = change(&world, id, json!({"name": "Other"})).await;
    let mut expected = revoked.clone();
    expected["name"] = "Other".into();
    expected["updatedAt"] = renamed["updatedAt"].clone();
    assert_eq!(renamed, expected);
    assert!(renamed["updatedAt"].as_str() > revoked["updatedAt"].as_str());

    let back = change(&world, id, json!({"authorizationStatus": "Authorized"})).await;
    let mut expected = renamed.clone();
    expected["authorizationStatus"] = "Authorized".into();
    expected["revokedAt"] = Value::Null;
    expected["authorizedAt"] = back["authorizedAt"].clone();
    expected["updatedAt"] = back["authorizedAt"].clone();
    assert_eq!(back, expected);
    assert!(back["authorizedAt"].as_str() > renamed["updatedAt"].as_str());
    let allowed = json!({"authorized": true, "accessId": {"id": 1, "name": "Other", "type": "RFID"}});
    assert_eq!(world.ask("tag").await.ok(), allowed);

    let again = change(&world, id, json!({"authorizationStatus": "Revoked"})).await;
    assert_eq!((&again["authorizedAt"], &again["revokedAt"]), (&back["authorizedAt"], &again["updatedAt"]));
}

#[tokio::test]
async fn an_update_without_a_change_moves_no_time() {
    let world = World::new().await;
    let linked = domain::AccessId { customer: customer("Électro"), ..access_id(1, "tag", 1) };
    let mut van = vehicle(1, "Van", std::slice::from_ref(&linked));
    van.make = Some(domain::Make::new("Tesla").unwrap());
    import(&world, &[linked], &[van]).await;
    let id = &json!(1);
    let before = world.access_id(id).await;
    for same in [
        json!({}),
        json!({"name": "Vehicle 1"}),
        json!({"name": "  Vehicle 1 "}),
        json!({"customer": {"name": "Électro"}}),
        json!({"customer": {"name": " E\u{301}LECTRO"}}),
        json!({"vehicle": {}}),
        json!({"vehicle": {"make": "Tesla", "model": null}}),
        json!({"name": "Vehicle 1", "authorizationStatus": "Authorized", "customer": {"name": "ÉLECTRO"}, "vehicle": {"vin": null}}),
    ] {
        assert_eq!(change(&world, id, same.clone()).await, before, "{same}");
        assert_eq!(world.access_id(id).await, before, "{same}");
    }
    let cleared = change(&world, id, json!({"customer": null})).await;
    assert_eq!(change(&world, id, json!({"customer": null})).await, cleared);
    assert_eq!(cleared["customer"], Value::Null);
    assert!(cleared["updatedAt"].as_str() > before["updatedAt"].as_str());
}

#[tokio::test]
async fn changing_the_vehicles_fields_does_not_move_updated_at() {
    let world = World::new().await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    let (id, vehicle_id) = (&made["id"], &made["vehicle"]["id"]);
    let changed = change(&world, id, json!({"vehicle": {"make": "Tesla", "vin": "v"}})).await;
    let mut expected = made.clone();
    expected["vehicle"]["make"] = "Tesla".into();
    expected["vehicle"]["vin"] = "v".into();
    assert_eq!(changed, expected);
    let changed = change(&world, id, json!({"vehicle": {"make": null, "model": "Y"}})).await;
    expected["vehicle"]["make"] = Value::Null;
    expected["vehicle"]["model"] = "Y".into();
    assert_eq!(changed, expected);
    assert_eq!(world.access_id(id).await, expected);
    let van = world.vehicle(vehicle_id).await;
    assert_eq!([&van["make"], &van["model"], &van["vin"]], [&Value::Null, &json!("Y"), &json!("v")]);

    // A change of the vehicle is shown by the access ID, whose times do not change.
    let path = format!("/api/vehicles/{vehicle_id}");
    world.patch(&path, json!({"vehicle": {"name": "Bus", "vin": "w", "customer": {"name": "Fleet"}}})).await.ok();
    expected["vehicle"]["name"] = "Bus".into();
    expected["vehicle"]["vin"] = "w".into();
    assert_eq!(world.access_id(id).await, expected);
    // Access ID and vehicle have separate names.
    change(&world, id, json!({"name": "Port"})).await;
    assert_eq!(world.vehicle(vehicle_id).await["name"], "Bus");
}

#[tokio::test]
async fn access_id_and_vehicle_show_the_same_status() {
    let world = World::new().await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    for status in ["Revoked", "Authorized"] {
        let changed =
            change(&world, &made["id"], json!({"authorizationStatus": status, "vehicle": {"make": status}})).await;
        assert_eq!((&changed["authorizationStatus"], &changed["vehicle"]["make"]), (&json!(status), &json!(status)));
        let van = world.vehicle(&made["vehicle"]["id"]).await;
        assert_eq!((&van["accessIds"][0]["authorizationStatus"], &van["make"]), (&json!(status), &json!(status)));
        assert_eq!(world.list("/api/vehicles").await, [van]);
    }
}

#[tokio::test]
async fn unlinking_keeps_the_vehicle_and_moves_updated_at() {
    let world = World::new().await;
    let first = world.create(charging_vehicle("a", "Van")).await;
    let vehicle_id = &first["vehicle"]["id"];
    let second = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "b", "name": "Port", "vehicleId": vehicle_id}});
    let second = world.create(second).await;

    let unlinked = change(&world, &first["id"], json!({"vehicle": null})).await;
    let mut expected = first.clone();
    expected["vehicle"] = Value::Null;
    expected["updatedAt"] = unlinked["updatedAt"].clone();
    assert_eq!(unlinked, expected);
    assert!(unlinked["updatedAt"].as_str() > first["updatedAt"].as_str());
    assert_eq!(world.access_id(&first["id"]).await, unlinked);
    let van = world.vehicle(vehicle_id).await;
    assert_eq!((&van["name"], van["accessIds"].as_array().unwrap().len()), (&json!("Van"), 1));
    assert_eq!(van["accessIds"][0]["id"], second["id"]);
    assert_eq!(world.access_id(&second["id"]).await, second);

    assert_eq!(change(&world, &first["id"], json!({"vehicle": null})).await, unlinked);
    assert_eq!(world.ask("a").await.status, 200);

    // It can be linked again, by the creation of a vehicle with its tag.
    let bus = world.create(json!({"vehicle": {"name": "Bus", "accessIds": [{"ocppIdTag": "a"}]}})).await;
    assert_eq!(bus["accessIds"][0]["id"], first["id"]);
    assert_eq!(world.access_id(&first["id"]).await["vehicle"]["id"], bus["id"]);
}

#[tokio::test]
async fn changing_the_vehicle_creates_one_if_none_is_linked() {
    let world = World::new().await;
    let body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "a", "name": "Old", "customer": {"name": "Old"}}});
    let made = world.create(body).await;
    let update = json!({"name": "New", "customer": {"name": "New Fleet"}, "vehicle": {"make": "Tesla", "vin": null},
        "authorizationStatus": "Revoked"});
    let changed = change(&world, &made["id"], update).await;
    let vehicle_id = &changed["vehicle"]["id"];
    let shown = json!({"id": vehicle_id, "make": "Tesla", "model": null, "name": "New", "vin": null});
    assert_eq!((&changed["vehicle"], &changed["name"]), (&shown, &json!("New")));
    assert!(changed["updatedAt"].as_str() > made["updatedAt"].as_str());
    let van = world.vehicle(vehicle_id).await;
    assert_eq!((&van["name"], &van["customer"]["name"]), (&json!("New"), &json!("New Fleet")));
    let summary = json!([{"id": made["id"], "ocppIdTag": "a", "authorizationStatus": "Revoked"}]);
    assert_eq!(van["accessIds"], summary);

    let body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "b", "name": "Bus", "customer": {"name": "x"}}});
    let other = world.create(body).await;
    let changed = change(&world, &other["id"], json!({"vehicle": {}, "customer": null})).await;
    assert_eq!(changed["vehicle"]["name"], "Bus");
    assert!(changed["updatedAt"].as_str() > other["updatedAt"].as_str());
    assert_eq!(world.vehicle(&changed["vehicle"]["id"]).await["customer"], Value::Null);
}

#[tokio::test]
async fn a_cards_vehicle_cannot_be_changed_and_null_loses_no_link() {
    let world = World::new().await;
    let card = world.create(rfid("card", "Card")).await;
    let path = format!("/api/access-ids/{}", card["id"]);
    let refused = async |vehicle: Value| {
        let update = json!({"accessId": {
            "name": "x", "authorizationStatus": "Revoked", "customer": {"name": "FLEET"}, "vehicle": vehicle
        }});
        world.patch(&path, update).await.names(&["accessId.vehicle"]);
    };
    refused(json!({})).await;
    refused(json!({"make": "Tesla"})).await;
    assert_eq!(world.access_id(&card["id"]).await, card);

    let van = world.create(json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": "CARD"}]}})).await;
    let linked = world.access_id(&card["id"]).await;
    // A card does not show its vehicle, but linking it moved `updatedAt`.
    assert_eq!(linked["vehicle"], Value::Null);
    assert!(linked["updatedAt"].as_str() > card["updatedAt"].as_str());
    refused(json!({"vin": "x"})).await;
    assert_eq!(world.vehicle(&van["id"]).await, van);

    // Its `vehicle` reads null, so null written back must not unlink it.
    assert_eq!(change(&world, &card["id"], json!({"vehicle": null})).await, linked);
    assert_eq!(world.vehicle(&van["id"]).await, van);

    let unlinked = change(&world, &card["id"], json!({"vehicleId": null})).await;
    assert!(unlinked["updatedAt"].as_str() > linked["updatedAt"].as_str());
    assert_eq!(world.vehicle(&van["id"]).await["accessIds"], json!([]));
    assert!(world.list("/api/vehicles").await.len() == 1);
    // The customer of the refused updates was never created.
    let customer = change(&world, &card["id"], json!({"customer": {"name": "Fleet"}})).await["customer"].clone();
    assert_eq!(customer["name"], "Fleet");
}

#[tokio::test]
async fn a_vehicle_id_links_moves_and_unlinks_either_type() {
    let world = World::new().await;
    import(&world, &[card(1, "card")], &[vehicle(1, "Van", &[]), vehicle(2, "Bus", &[])]).await;
    world.create(json!({"accessId": {"type": "Vehicle", "ocppIdTag": "port", "name": "Port"}})).await;
    let held = async |vehicle: u64| world.vehicle(&json!(vehicle)).await["accessIds"].take();
    for (at, before) in world.list("/api/access-ids").await.into_iter().enumerate() {
        let id = &before["id"];
        let summary = json!([{"id": id, "ocppIdTag": before["ocppIdTag"], "authorizationStatus": "Authorized"}]);
        let shown = |changed: &Value| changed["vehicle"]["id"].as_u64();

        let linked = change(&world, id, json!({"vehicleId": 1})).await;
        assert_eq!(shown(&linked), [None, Some(1)][at], "a card does not show its vehicle");
        assert!(linked["updatedAt"].as_str() > before["updatedAt"].as_str());
        assert_eq!((held(1).await, held(2).await), (summary.clone(), json!([])));
        for same in ["1", "1.0", "10e-1"] {
            let body = format!(r#"{{"accessId":{{"vehicleId":{same}}}}}"#);
            let again = world.request("PATCH", &format!("/api/access-ids/{id}")).body(body).await.ok();
            assert_eq!(again["accessId"], linked, "{same}");
        }

        let moved = change(&world, id, json!({"vehicleId": 2, "authorizationStatus": "Revoked"})).await;
        assert_eq!(shown(&moved), [None, Some(2)][at]);
        assert!(moved["updatedAt"].as_str() > linked["updatedAt"].as_str());
        assert_eq!((held(1).await, held(2).await[0]["authorizationStatus"].take()), (json!([]), json!("Revoked")));

        let unlinked = change(&world, id, json!({"vehicleId": null})).await;
        assert!(unlinked["updatedAt"].as_str() > moved["updatedAt"].as_str() && unlinked["vehicle"].is_null());
        assert_eq!((held(1).await, held(2).await), (json!([]), json!([])));
        assert_eq!(change(&world, id, json!({"vehicleId": null})).await, unlinked);
    }
    assert_eq!(world.list("/api/vehicles").await.len(), 2);
}

#[tokio::test]
async fn a_vehicle_id_that_cannot_be_linked_is_named_and_changes_nothing() {
    let world = World::new().await;
    let full: Vec<_> = (101..=200).map(|number| access_id(number, &format!("t{number}"), 3)).collect();
    import(&world, &[card(1, "card")], &[vehicle(1, "Van", &[])]).await;
    import(&world, &full, &[vehicle(3, "Full", &full)]).await;
    let before = (world.access_id(&json!(1)).await, world.list("/api/vehicles").await);
    let update = |more: Value| {
        let mut body = json!({"accessId": {"name": "x", "customer": {"name": "FLEET"}}});
        body["accessId"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for more in [
        json!({"vehicleId": 2}),
        json!({"vehicleId": 3}),
        json!({"vehicleId": "1"}),
        json!({"vehicleId": 1, "vehicle": null}),
        json!({"vehicleId": null, "vehicle": null}),
        json!({"vehicleId": 1, "vehicle": {}}),
        json!({"vehicleId": null, "vehicle": {"make": "x"}}),
    ] {
        world.patch("/api/access-ids/1", update(more)).await.names(&["accessId.vehicleId"]);
    }
    // A record that does not exist comes first.
    world.patch("/api/access-ids/9", update(json!({"vehicleId": 9}))).await.is(404, "not_found");
    assert_eq!((world.access_id(&json!(1)).await, world.list("/api/vehicles").await), before);
    // One of the hundred stays where it is, and its customer is the first of its name.
    let linked = change(&world, &json!(101), json!({"vehicleId": 3, "customer": {"name": "Fleet"}})).await;
    assert_eq!((&linked["vehicle"]["id"], &linked["customer"]["name"]), (&json!(3), &json!("Fleet")));
}

#[tokio::test]
async fn updating_an_unknown_record_is_404_and_creates_no_customer() {
    let world = World::new().await;
    world.patch("/api/access-ids/7", json!({"accessId": {"customer": {"name": "FLEET"}}})).await.is(404, "not_found");
    world.patch("/api/vehicles/7", json!({"vehicle": {"customer": {"name": "FLEET"}}})).await.is(404, "not_found");
    world.get("/api/access-ids/7").await.is(404, "not_found");
    world.get("/api/vehicles/7").await.is(404, "not_found");
    let body = json!({"vehicle": {"name": "Van", "customer": {"name": "Fleet"}}});
    assert_eq!(world.create(body).await["customer"]["name"], "Fleet");
    assert!(world.list("/api/access-ids").await.is_empty());
}

/// An access ID and a vehicle may have the same id.
#[tokio::test]
async fn an_id_is_looked_up_in_its_kind_only() {
    let world = World::new().await;
    import(&world, &[card(5, "tag")], &[vehicle(6, "Van", &[])]).await;
    world.get("/api/vehicles/5").await.is(404, "not_found");
    world.get("/api/access-ids/6").await.is(404, "not_found");
    world.patch("/api/vehicles/5", json!({"vehicle": {"name": "x"}})).await.is(404, "not_found");
    world.patch("/api/access-ids/6", json!({"accessId": {"name": "x"}})).await.is(404, "not_found");
    let body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "x", "name": "x", "vehicleId": 5}});
    world.post("/api/access-ids", body).await.names(&["accessId.vehicleId"]);
}
