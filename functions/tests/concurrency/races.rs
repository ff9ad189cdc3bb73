//! Concurrent requests to several instances of each function.

use std::{cell::Cell, collections::BTreeSet};

use serde_json::{Value, json};

use super::{all, rounds, warm, with_customer};
use crate::support::{World, access_id, card, charging_vehicle, import, rfid, vehicle};

#[tokio::test]
async fn of_24_concurrent_creations_of_one_tag_one_succeeds() {
    let world = World::new().await;
    warm(&world, &["create-access-id"], 8).await;
    let spellings = ["04:E1:A2:B3", "04e1a2b3", "04-E1-A2-B3"];
    let answers = all((0..24).map(|at| {
        let body = with_customer(charging_vehicle(spellings[at % 3], &format!("Van {at}")), &format!("FLEET {at}"));
        world.post("/api/access-ids", body).on(at % 8)
    }))
    .await;
    let created: Vec<_> = (0..24).filter(|at| answers[*at].status == 201).collect();
    let [winner] = created[..] else { panic!("{answers:?}") };
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.is(409, "tag_taken");
    }
    // The refused requests have created nothing: no access ID, no vehicle, no customer.
    let access_ids = world.list("/api/access-ids").await;
    assert_eq!(access_ids.len(), 1);
    assert_eq!(access_ids[0]["id"], answers[winner].body["accessId"]["id"]);
    let vehicles = world.list("/api/vehicles").await;
    assert_eq!(vehicles.len(), 1);
    assert_eq!(vehicles[0]["name"], format!("Van {winner}"));
    for at in 0..24 {
        let body = json!({"vehicle": {"name": "x", "customer": {"name": format!("Fleet {at}")}}});
        let spelling = world.create(body).await["customer"]["name"].take();
        let expected = if at == winner { format!("FLEET {at}") } else { format!("Fleet {at}") };
        assert_eq!(spelling, expected);
    }
}

#[tokio::test]
async fn of_12_vehicles_for_one_new_tag_one_gets_it() {
    let world = World::new().await;
    warm(&world, &["create-vehicle"], 6).await;
    let answers = all((0..12).map(|at| {
        let tags = json!([{"ocppIdTag": "04:E1:A2:B3"}, {"ocppIdTag": format!("own-{at}")}]);
        world.post("/api/vehicles", json!({"vehicle": {"name": "Van", "accessIds": tags}})).on(at % 6)
    }))
    .await;
    let created: Vec<_> = (0..12).filter(|at| answers[*at].status == 201).collect();
    let [winner] = created[..] else { panic!("{answers:?}") };
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.is(409, "tag_taken");
    }
    assert_eq!(world.list("/api/vehicles").await, [answers[winner].body["vehicle"].clone()]);
    assert_eq!(world.list("/api/access-ids").await.len(), 2);
    for at in 0..12 {
        assert_eq!(world.ask(&format!("own-{at}")).await.status, if at == winner { 200 } else { 403 });
    }
}

/// Either the card is created first and the vehicle links it, or the vehicle creates the tag and the card is refused.
#[tokio::test]
async fn a_card_and_a_vehicle_created_for_one_tag_agree() {
    let world = World::new().await;
    warm(&world, &["create-access-id", "create-vehicle"], 2).await;
    for round in 0..rounds() {
        let tag = format!("tag-{round}");
        let van = |at| {
            let body = json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": tag}]}});
            world.post("/api/vehicles", body).on(at)
        };
        let answers = all([van(0), world.post("/api/access-ids", rfid(&tag, "Card")), van(1)]).await;
        let [first, card, second] = answers.as_slice() else { panic!() };
        let vans: Vec<_> = [first, second].into_iter().filter(|answer| answer.status == 201).collect();
        let [van] = vans[..] else { panic!("{answers:?}") };
        let summary = &van.body["vehicle"]["accessIds"][0];
        let access_id = world.access_id(&summary["id"]).await;
        if card.status == 201 {
            assert_eq!((&card.body["accessId"]["id"], &access_id["type"]), (&summary["id"], &json!("RFID")));
        } else {
            card.is(409, "tag_taken");
            assert_eq!(
                (&access_id["type"], &access_id["vehicle"]["id"]),
                (&json!("Vehicle"), &van.body["vehicle"]["id"])
            );
        }
        assert_eq!(world.list("/api/access-ids").await.len(), round + 1);
        assert_eq!(world.list("/api/vehicles").await.len(), round + 1);
    }
}

#[tokio::test]
async fn concurrent_requests_create_a_customer_once() {
    let world = World::new().await;
    let functions = ["create-access-id", "create-vehicle", "update-access-id", "update-vehicle"];
    warm(&world, &functions, 3).await;
    for round in 0..rounds() as u64 {
        import(&world, &[card(round + 1, &format!("card-{round}"))], &[vehicle(round + 1, "Van", &[])]).await;
        let names = ["Élan", "ÉLAN", "e\u{301}lan", "E\u{301}LAN", "élan"].map(|name| format!("{name} {round}"));
        let calls = (0..20).map(|at| {
            let customer = &names[at % 5];
            let body = |body| with_customer(body, customer);
            let call = match at % 4 {
                0 => world.post("/api/access-ids", body(rfid(&format!("t-{round}-{at}"), "Card"))),
                1 => world.post("/api/vehicles", body(json!({"vehicle": {"name": "Van"}}))),
                2 => world.patch(&format!("/api/access-ids/{}", round + 1), body(json!({"accessId": {}}))),
                _ => world.patch(&format!("/api/vehicles/{}", round + 1), body(json!({"vehicle": {}}))),
            };
            call.on(at % 3)
        });
        let mut spellings = BTreeSet::new();
        for answer in all(calls).await {
            assert!([200, 201].contains(&answer.status), "{answer:?}");
            let root = answer.body.as_object().unwrap().values().next().unwrap();
            spellings.insert(root["customer"]["name"].as_str().unwrap().to_owned());
        }
        assert_eq!(spellings.len(), 1, "{spellings:?}");
        let later = world.create(with_customer(json!({"vehicle": {"name": "x"}}), &names[0])).await;
        assert_eq!(Some(later["customer"]["name"].as_str().unwrap()), spellings.first().map(String::as_str));
    }
}

#[tokio::test]
async fn no_update_is_lost() {
    let world = World::new().await;
    warm(&world, &["update-access-id", "update-vehicle"], 5).await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    let (id, vehicle_id) = (&made["id"], &made["vehicle"]["id"]);
    for round in 0..rounds() {
        let text = |field: &str| format!("{field} {round}");
        let status = ["Revoked", "Authorized"][round % 2];
        let changes = [
            json!({"name": text("name")}),
            json!({"authorizationStatus": status}),
            json!({"customer": {"name": text("customer")}}),
            json!({"vehicle": {"make": text("make")}}),
            json!({"vehicle": {"model": text("model"), "vin": text("vin")}}),
        ];
        let path = format!("/api/access-ids/{id}");
        let calls = changes.into_iter().enumerate();
        let calls = calls.map(|(at, change)| world.patch(&path, json!({"accessId": change})).on(at));
        let path = format!("/api/vehicles/{vehicle_id}");
        let van = [
            json!({"name": text("van")}),
            json!({"licensePlate": text("plate")}),
            json!({"customer": {"name": text("owner")}}),
        ];
        let van = van.into_iter().enumerate().map(|(at, change)| world.patch(&path, json!({"vehicle": change})).on(at));
        for answer in all(calls.chain(van)).await {
            answer.ok();
        }
        let access_id = world.access_id(id).await;
        assert_eq!(access_id["name"], text("name"));
        assert_eq!(access_id["authorizationStatus"], status);
        assert_eq!(access_id["customer"]["name"], text("customer"));
        let shown = json!({"id": vehicle_id, "make": text("make"), "model": text("model"), "name": text("van"), "vin": text("vin")});
        assert_eq!(access_id["vehicle"], shown);
        let vehicle = world.vehicle(vehicle_id).await;
        assert_eq!(
            (&vehicle["licensePlate"], &vehicle["customer"]["name"]),
            (&json!(text("plate")), &json!(text("owner")))
        );
        assert_eq!(vehicle["accessIds"], json!([{"id": id, "ocppIdTag": "tag", "authorizationStatus": status}]));
        assert_eq!(world.ask("tag").await.status, if status == "Revoked" { 403 } else { 200 });
    }
}

#[tokio::test]
async fn of_two_vehicles_for_one_card_one_is_created() {
    let world = World::new().await;
    warm(&world, &["create-vehicle"], 2).await;
    for round in 0..rounds() {
        let card = world.create(rfid(&format!("card-{round}"), "Card")).await;
        let answers = all((0..2).map(|at| {
            let tags = json!([{"ocppIdTag": format!("own-{round}-{at}")}, {"ocppIdTag": format!("CARD-{round}")}]);
            let body = json!({"vehicle": {"name": format!("Van {at}"), "customer": {"name": format!("FLEET {round} {at}")}, "accessIds": tags}});
            world.post("/api/vehicles", body).on(at)
        }))
        .await;
        let winner = usize::from(answers[1].status == 201);
        let loser = 1 - winner;
        assert_eq!(answers[winner].status, 201, "{answers:?}");
        answers[loser].is(409, "tag_taken");
        assert_eq!(world.list("/api/vehicles").await.len(), 2 * round + 1);
        assert_eq!(world.ask(&format!("own-{round}-{winner}")).await.status, 200);
        world.ask(&format!("own-{round}-{loser}")).await.refuses("unknown");
        let vehicle = &answers[winner].body["vehicle"];
        assert_eq!(world.vehicle(&vehicle["id"]).await, *vehicle);
        assert!(vehicle["accessIds"].as_array().unwrap().iter().any(|summary| summary["id"] == card["id"]));
        let body = json!({"vehicle": {"name": "x", "customer": {"name": format!("fleet {round} {loser}")}}});
        assert_eq!(world.create(body).await["customer"]["name"], format!("fleet {round} {loser}"));
    }
}

#[tokio::test]
async fn a_vehicles_last_place_is_given_once() {
    let world = World::new().await;
    warm(&world, &["create-access-id"], 6).await;
    let held: Vec<_> = (1..=99).map(|number| access_id(number, &format!("held-{number}"), 1)).collect();
    import(&world, &held, &[vehicle(1, "Bus", &held)]).await;
    let answers = all((0..6).map(|at| {
        let body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": format!("t{at}"), "name": "x", "vehicleId": 1}});
        world.post("/api/access-ids", body).on(at)
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.names(&["accessId.vehicleId"]);
    }
    assert_eq!(world.vehicle(&json!(1)).await["accessIds"].as_array().unwrap().len(), 100);
    assert_eq!(world.list("/api/access-ids").await.len(), 100);
}

/// Links and unlinks of one access ID, changes of its vehicle and its status, all at once: whatever the order was, both
/// sides and the decision tell the same at the end.
#[tokio::test]
async fn access_id_and_vehicle_agree_after_concurrent_writes() {
    let world = World::new().await;
    warm(&world, &["update-access-id", "update-vehicle", "create-vehicle"], 3).await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    let path = format!("/api/access-ids/{}", made["id"]);
    let change = |change: Value| world.patch(&path, json!({"accessId": change}));
    for round in 0..rounds() {
        let status = ["Revoked", "Authorized"][round % 2];
        let old = world.access_id(&made["id"]).await["vehicle"]["id"].clone();
        let van = json!({"vehicle": {"name": format!("Bus {round}"), "accessIds": [{"ocppIdTag": "tag"}]}});
        let answers = all([
            change(json!({"vehicle": null})),
            change(json!({"authorizationStatus": status})).on(1),
            world.post("/api/vehicles", van),
            change(json!({"vehicle": {"make": format!("make {round}")}})).on(2),
            world.patch(&format!("/api/vehicles/{old}"), json!({"vehicle": {"vin": format!("vin {round}")}})),
        ])
        .await;
        for (at, answer) in answers.iter().enumerate() {
            match at {
                2 if answer.status == 409 => answer.is(409, "tag_taken"),
                2 => assert_eq!(answer.status, 201, "{answer:?}"),
                _ => assert_eq!(answer.status, 200, "{answer:?}"),
            }
        }
        assert_eq!(world.vehicle(&old).await["vin"], format!("vin {round}"));
        let access_id = world.access_id(&made["id"]).await;
        assert_eq!(access_id["authorizationStatus"], status);
        let holders: Vec<_> = world
            .list("/api/vehicles")
            .await
            .into_iter()
            .filter(|vehicle| !vehicle["accessIds"].as_array().unwrap().is_empty())
            .collect();
        match &access_id["vehicle"]["id"] {
            Value::Null => {
                assert!(holders.is_empty(), "{access_id} {holders:?}");
                // The next round begins with one again.
                change(json!({"vehicle": {}})).await.ok();
            }
            id => {
                assert_eq!((holders.len(), &holders[0]["id"]), (1, id), "{access_id} {holders:?}");
                let summary = json!([{"id": made["id"], "ocppIdTag": "tag", "authorizationStatus": status}]);
                assert_eq!(holders[0]["accessIds"], summary);
            }
        }
        let expected = if status == "Revoked" { 403 } else { 200 };
        assert_eq!(world.ask("tag").await.status, expected);
    }
}

/// Each update sets the status and the vehicle's make to the same word. A read shows both changes or neither.
#[tokio::test]
async fn a_read_shows_a_change_whole_or_not_at_all() {
    let world = World::new().await;
    warm(&world, &["update-access-id", "get-access-id", "get-vehicle"], 2).await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    let path = format!("/api/access-ids/{}", made["id"]);
    let set = |word: &str| {
        world.patch(&path, json!({"accessId": {"authorizationStatus": word, "vehicle": {"make": word}}})).into_future()
    };
    set("Revoked").await.ok();
    let is_done = Cell::new(false);
    let write = async {
        for round in 0..5 * rounds() {
            set(["Authorized", "Revoked"][round % 2]).await.ok();
        }
        is_done.set(true);
    };
    let reads = async |instance: usize| {
        let mut seen = BTreeSet::new();
        while !is_done.get() {
            let access_id = world.get(&path).on(instance).await.ok()["accessId"].take();
            assert_eq!(access_id["vehicle"]["make"], access_id["authorizationStatus"]);
            seen.insert(access_id["authorizationStatus"].to_string());
            let target = format!("/api/vehicles/{}", made["vehicle"]["id"]);
            let vehicle = world.get(&target).on(instance).await.ok()["vehicle"].take();
            assert_eq!(vehicle["accessIds"][0]["authorizationStatus"], vehicle["make"]);
        }
        assert_eq!(seen.len(), 2, "nothing was read in between");
    };
    tokio::join!(write, reads(0), reads(1));
}
