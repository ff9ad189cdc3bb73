//! Creating, reading and changing vehicles, with the access IDs that are linked to them.

use serde_json::{Value, json};

use crate::support::{World, access_id, card, customer, import, name, vehicle};

async fn change(world: &World, id: &Value, change: Value) -> Value {
    world.patch(&format!("/api/vehicles/{id}"), json!({"vehicle": change})).await.ok()["vehicle"].take()
}

#[tokio::test]
async fn a_vehicle_is_created_and_read_back() {
    let world = World::new().await;
    let body = json!({"vehicle": {
        "name": " Van ", "make": "Tesla", "model": "Model 3", "vin": "v", "licensePlate": "ABC 123",
        "customer": {"name": "Fleet"}, "accessIds": [{"ocppIdTag": "B", "authorizationStatus": "Revoked"}, {"ocppIdTag": "A"}]
    }});
    let made = world.create(body).await;
    let ids = made["accessIds"].as_array().unwrap();
    let expected = json!({
        "id": made["id"], "name": "Van", "make": "Tesla", "model": "Model 3", "vin": "v", "licensePlate": "ABC 123",
        "hasTelematics": false, "customer": {"name": "Fleet"}, "accessIds": [
            {"id": ids[0]["id"], "ocppIdTag": "b", "authorizationStatus": "Revoked"},
            {"id": ids[1]["id"], "ocppIdTag": "a", "authorizationStatus": "Authorized"}
        ]
    });
    assert_eq!(made, expected);
    assert_eq!(world.vehicle(&made["id"]).await, expected);
    assert_eq!(world.list("/api/vehicles").await, [expected]);

    // An unknown tag has become an access ID of type Vehicle with the vehicle's name and customer.
    let [b, a] = [world.access_id(&ids[0]["id"]).await, world.access_id(&ids[1]["id"]).await];
    let at = &a["createdAt"];
    let shown = json!({"id": made["id"], "make": "Tesla", "model": "Model 3", "name": "Van", "vin": "v"});
    let expected = json!({
        "id": ids[1]["id"], "ocppIdTag": "a", "type": "Vehicle", "name": "Van", "authorizationStatus": "Authorized",
        "authorizedAt": at, "revokedAt": null, "createdAt": at, "updatedAt": at, "vehicle": shown,
        "customer": {"name": "Fleet"}
    });
    assert_eq!(a, expected);
    assert_eq!([&b["createdAt"], &b["authorizedAt"], &b["revokedAt"], &b["updatedAt"]], [at; 4]);
    world.ask("b").await.refuses("revoked");
    let allowed = json!({"authorized": true, "accessId": {"id": a["id"], "name": "Van", "type": "Vehicle"}});
    assert_eq!(world.ask("A").await.ok(), allowed);
}

#[tokio::test]
async fn a_known_tag_is_linked_and_keeps_its_type_name_and_customer() {
    let world = World::new().await;
    let known =
        |number, text| domain::AccessId { customer: customer("Theirs"), name: name("Mine"), ..card(number, text) };
    let lost = domain::AccessId {
        status: domain::AuthorizationStatus::Revoked,
        revoked_at: Some(known(3, "c").created_at),
        customer: None,
        ..card(3, "c")
    };
    import(&world, &[known(1, "a"), known(2, "b"), lost], &[]).await;
    let before = [world.access_id(&json!(1)).await, world.access_id(&json!(2)).await, world.access_id(&json!(3)).await];
    let body = json!({"vehicle": {"name": "Van", "customer": {"name": "Ours"}, "accessIds": [
        {"ocppIdTag": "new"}, {"ocppIdTag": "C"}, {"ocppIdTag": "B", "authorizationStatus": "Revoked"},
        {"ocppIdTag": " A ", "authorizationStatus": "Authorized"}
    ]}});
    let van = world.create(body).await;
    let summaries = van["accessIds"].as_array().unwrap();
    let shown = |at: usize| (&summaries[at]["ocppIdTag"], &summaries[at]["authorizationStatus"]);
    let (authorized, revoked) = (json!("Authorized"), json!("Revoked"));
    assert_eq!(shown(0), (&json!("a"), &authorized));
    assert_eq!(shown(1), (&json!("b"), &revoked));
    assert_eq!(shown(2), (&json!("c"), &revoked));
    assert_eq!(shown(3), (&json!("new"), &authorized));
    assert_eq!([&summaries[0]["id"], &summaries[1]["id"], &summaries[2]["id"]], [1, 2, 3]);

    let new = world.access_id(&summaries[3]["id"]).await;
    let now = &new["createdAt"];
    for (at, mut expected) in before.into_iter().enumerate() {
        let after = world.access_id(&json!(at + 1)).await;
        expected["updatedAt"] = now.clone();
        if at == 1 {
            expected["authorizationStatus"] = "Revoked".into();
            expected["revokedAt"] = now.clone();
        }
        assert_eq!(after, expected);
    }
    assert_eq!(new["customer"]["name"], "Ours");
    assert_eq!(world.ask("a").await.status, 200);
    world.ask("b").await.refuses("revoked");
    world.ask("c").await.refuses("revoked");
    // A list too shows no vehicle for an access ID of type RFID.
    assert_eq!(world.list("/api/access-ids").await[0]["vehicle"], Value::Null);
}

/// Of a request with forty tags every taken one is named, with the access ID that has it.
#[tokio::test]
async fn every_taken_element_is_named_with_its_holder() {
    let world = World::new().await;
    let held = [access_id(1, "held-1", 1), access_id(2, "held-2", 1)];
    import(&world, &[held[0].clone(), held[1].clone(), card(3, "free")], &[vehicle(1, "Van", &held)]).await;
    let mut tags: Vec<_> = (0..40).map(|number| json!({"ocppIdTag": format!("new-{number}")})).collect();
    tags[5] = json!({"ocppIdTag": "free"});
    tags[7] = json!({"ocppIdTag": "Held-2"});
    tags[38] = json!({"ocppIdTag": "held-1"});
    for key in [None, Some("key")] {
        let mut call = world.post("/api/vehicles", json!({"vehicle": {"name": "Bus", "accessIds": tags}}));
        if let Some(key) = key {
            call = call.header("idempotency-key", key);
        }
        call.await.conflicts_with(&[
            ("vehicle.accessIds[7].ocppIdTag", &json!(2)),
            ("vehicle.accessIds[38].ocppIdTag", &json!(1)),
        ]);
    }
    assert_eq!(world.list("/api/access-ids").await.len(), 3);
}

#[tokio::test]
async fn a_tag_of_another_vehicle_is_a_conflict_and_changes_nothing() {
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(&world, &[linked.clone(), card(2, "free")], &[vehicle(1, "Van", &[linked])]).await;
    let before = (world.list("/api/access-ids").await, world.list("/api/vehicles").await);
    let body = json!({"vehicle": {"name": "Bus", "customer": {"name": "FLEET"}, "accessIds": [
        {"ocppIdTag": "new"}, {"ocppIdTag": "free", "authorizationStatus": "Revoked"}, {"ocppIdTag": "LINKED"}
    ]}});
    let answer = world.post("/api/vehicles", body).await;
    answer.conflicts_with(&[("vehicle.accessIds[2].ocppIdTag", &json!(1))]);
    assert_eq!((world.list("/api/access-ids").await, world.list("/api/vehicles").await), before);
    world.ask("new").await.refuses("unknown");
    assert_eq!(world.ask("free").await.status, 200);
    let body = json!({"vehicle": {"name": "Bus", "customer": {"name": "Fleet"}}});
    assert_eq!(world.create(body).await["customer"]["name"], "Fleet");
}

#[tokio::test]
async fn a_tag_given_twice_in_a_request_is_refused() {
    let world = World::new().await;
    let van = |tags: &[&str]| {
        let tags: Vec<_> = tags.iter().map(|tag| json!({"ocppIdTag": tag})).collect();
        world.post("/api/vehicles", json!({"vehicle": {"name": "Van", "accessIds": tags}}))
    };
    van(&["a", "a"]).await.names(&["vehicle.accessIds[1].ocppIdTag"]);
    van(&["04:E1:A2:B3", "x", "04e1a2b3", " 04-E1-a2-b3 "])
        .await
        .names(&["vehicle.accessIds[2].ocppIdTag", "vehicle.accessIds[3].ocppIdTag"]);
    van(&["VID:92D50A693F80", "92:d5:0a:69:3f:80"]).await.names(&["vehicle.accessIds[1].ocppIdTag"]);
    assert!(world.list("/api/vehicles").await.is_empty());
}

#[tokio::test]
async fn forty_tags_and_the_longest_texts_are_accepted_and_one_more_tag_is_not() {
    let world = World::new().await;
    let car = |count| "🚗".repeat(count);
    let tags = |from: usize, count: usize| -> Vec<Value> {
        (from..from + count)
            .map(|number| json!({"ocppIdTag": format!("{number:0>36}"), "authorizationStatus": "Revoked"}))
            .collect()
    };
    let body = |tags: Vec<Value>| {
        json!({"vehicle": {
            "name": car(200), "make": car(100), "model": car(100), "vin": car(64), "licensePlate": car(64),
            "customer": {"name": car(200)}, "accessIds": tags
        }})
    };
    let key = "~".repeat(255);
    let answer = world.post("/api/vehicles", body(tags(0, 40))).header("idempotency-key", &key).await;
    let made = answer.clone().created();
    assert_eq!(made["vehicle"]["accessIds"].as_array().unwrap().len(), 40);
    assert_eq!(world.post("/api/vehicles", body(tags(0, 40))).header("idempotency-key", &key).await, answer);
    assert_eq!(world.list("/api/access-ids").await.len(), 40);

    world.post("/api/vehicles", body(tags(40, 41))).await.names(&["vehicle.accessIds"]);
    world.ask(&format!("{:0>36}", 40)).await.refuses("unknown");

    // One request can also link forty existing access IDs and change the status of each.
    for summary in made["vehicle"]["accessIds"].as_array().unwrap() {
        let path = format!("/api/access-ids/{}", summary["id"]);
        world.patch(&path, json!({"accessId": {"vehicle": null}})).await.ok();
    }
    let mut again = body(tags(0, 40));
    for tag in again["vehicle"]["accessIds"].as_array_mut().unwrap() {
        tag["authorizationStatus"] = "Authorized".into();
    }
    let second = world.post("/api/vehicles", again).header("idempotency-key", "k").await.created();
    assert_eq!(second["vehicle"]["accessIds"].as_array().unwrap().len(), 40);
    assert_eq!(world.ask(&format!("{:0>36}", 39)).await.status, 200);
}

#[tokio::test]
async fn the_longest_texts_of_an_access_id_are_accepted() {
    let world = World::new().await;
    let car = |count| "🚗".repeat(count);
    let body = json!({"accessId": {
        "type": "Vehicle", "ocppIdTag": "x".repeat(36), "name": car(200), "customer": {"name": car(200)},
        "vehicle": {"make": car(100), "model": car(100), "vin": car(64)}
    }});
    let made = world.post("/api/access-ids", body).header("idempotency-key", &"k".repeat(255)).await.created();
    assert_eq!(world.access_id(&made["accessId"]["id"]).await, made["accessId"]);
}

#[tokio::test]
async fn access_ids_are_a_list_of_objects() {
    let world = World::new().await;
    for (bad, fields) in [
        (json!("a"), ["vehicle.accessIds"].as_slice()),
        (json!({}), &["vehicle.accessIds"]),
        (json!({"ocppIdTag": "a"}), &["vehicle.accessIds"]),
        (json!(0), &["vehicle.accessIds"]),
        (json!(["a"]), &["vehicle.accessIds[0]"]),
        (
            json!([{"ocppIdTag": "a"}, null, [], 1]),
            &["vehicle.accessIds[1]", "vehicle.accessIds[2]", "vehicle.accessIds[3]"],
        ),
        (json!([{}]), &["vehicle.accessIds[0].ocppIdTag"]),
    ] {
        let body = json!({"vehicle": {"name": "Van", "accessIds": bad}});
        world.post("/api/vehicles", body).await.names(fields);
    }
    assert_eq!(world.create(json!({"vehicle": {"name": "Van", "accessIds": []}})).await["accessIds"], json!([]));
}

#[tokio::test]
async fn fields_that_an_update_leaves_out_are_unchanged() {
    let world = World::with_van().await;
    let id = &json!(1);
    let mut expected = world.vehicle(id).await;
    assert_eq!(change(&world, id, json!({})).await, expected);
    for (name, value) in [
        ("name", json!("Bus")),
        ("make", json!("MAN")),
        ("model", json!("eTGE")),
        ("vin", json!("v")),
        ("licensePlate", json!("ABC 1")),
        ("customer", json!({"name": "Fleet"})),
    ] {
        expected[name] = value.clone();
        assert_eq!(change(&world, id, json!({name: value})).await, expected);
        assert_eq!(world.vehicle(id).await, expected);
        assert_eq!(change(&world, id, json!({name: value})).await, expected);
    }
    let access_id = world.access_id(id).await;
    assert_eq!((&access_id["vehicle"]["name"], &access_id["name"]), (&json!("Bus"), &json!("Vehicle 1")));
    assert_eq!(access_id["updatedAt"], access_id["createdAt"]);
}
