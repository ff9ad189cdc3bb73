//! Several instances of each function at once, and a table that fails in the middle: one effect, or none.

use std::{cell::Cell, collections::BTreeSet, env, time::Duration};

use futures_util::future::join_all;
use harness::{Fault, Rule};
use serde_json::{Value, json};

use crate::support::{Answer, Call, World, access_id, card, charging_vehicle, endpoints, import, rfid, vehicle};

/// How often a race is run: few times unless `ROUNDS` says otherwise.
fn rounds() -> usize {
    env::var("ROUNDS").map_or(4, |rounds| rounds.parse().unwrap())
}

async fn all<'a>(calls: impl IntoIterator<Item = Call<'a>>) -> Vec<Answer> {
    join_all(calls.into_iter().map(IntoFuture::into_future)).await
}

/// Starts instances beforehand, so that a race is one.
async fn warm(world: &World, functions: &[&'static str], instances: usize) {
    for function in functions {
        join_all((0..instances).map(|number| world.instance(function, number))).await;
    }
}

fn with_customer(mut body: Value, customer: &str) -> Value {
    let root = body.as_object_mut().unwrap().values_mut().next().unwrap();
    root["customer"] = json!({"name": customer});
    body
}

#[tokio::test]
async fn of_24_creations_of_one_tag_one_succeeds() {
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
    // The others left nothing: no access ID, no vehicle, no customer.
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
        let tags = json!([{"ocppIdTag": "04:E1"}, {"ocppIdTag": format!("own-{at}")}]);
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

/// Either the card comes first and the vehicle takes it, or the vehicle does and the card is refused.
#[tokio::test]
async fn a_card_and_a_vehicle_for_one_tag_agree() {
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
async fn one_new_customer_comes_of_many_requests_at_once() {
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
async fn of_two_vehicles_that_race_for_a_card_one_leaves_nothing() {
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
async fn after_any_race_both_sides_agree() {
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

/// One request changes the status and the vehicle's make to the same word: who reads sees both or neither.
#[tokio::test]
async fn a_read_shows_one_truth() {
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

/// What a write survives.
fn hiccups() -> Vec<(&'static str, Rule)> {
    let on_write = |fault: Fault, times| fault.on("TransactWriteItems").times(times);
    let error = |status, code: &str| Fault::error(status, code, "");
    vec![
        ("conflict", on_write(Fault::cancelled(&["None", "TransactionConflict"]), 3)),
        ("conflict as an error of its own", on_write(error(400, "TransactionConflictException"), 2)),
        ("failed condition", on_write(Fault::cancelled(&["ConditionalCheckFailed", "None"]), 2)),
        ("throttled member", on_write(Fault::cancelled(&["ThrottlingError", "None"]), 2)),
        ("throughput of a member", on_write(Fault::cancelled(&["ProvisionedThroughputExceeded"]), 2)),
        ("throttling", on_write(error(400, "ThrottlingException"), 2)),
        ("throughput", on_write(error(400, "ProvisionedThroughputExceededException"), 2)),
        ("in progress", on_write(error(400, "TransactionInProgressException"), 2)),
        ("500", on_write(error(500, "InternalServerError"), 2)),
        ("503", on_write(error(503, "ServiceUnavailable"), 2)),
        ("reset before", on_write(Fault::ResetBefore, 1)),
        ("lost answer", on_write(Fault::ResetAfter, 1)),
        ("answer lost twice", on_write(Fault::ResetAfter, 2)),
        ("late answer", on_write(Fault::DelayAnswer(Duration::from_millis(600)), 1)),
        ("half an answer", on_write(Fault::TruncateBody, 1)),
        ("reads throttled", error(400, "ThrottlingException").times(2)),
        ("reads lost", Fault::ResetAfter.on("BatchGetItem").times(1)),
        ("reads cut", Fault::TruncateBody.on("BatchGetItem").times(1)),
    ]
}

#[tokio::test]
async fn a_hiccup_of_the_table_ends_in_one_effect() {
    // Much of the time is spent waiting: three worlds at once.
    let hiccups = hiccups();
    let worlds = hiccups.chunks(hiccups.len().div_ceil(3)).map(async |hiccups| {
        let world = World::new().await;
        for (number, (what, rule)) in (1..).zip(hiccups) {
            one_effect(&world, number, what, rule).await;
        }
    });
    join_all(worlds).await;
}

/// Writes in every way, each time with the trouble, on records of this number.
async fn one_effect(world: &World, number: u64, what: &str, rule: &Rule) {
    let name = |text: &str| format!("{text}-{number}");
    let (linked, free) = (access_id(2 * number, &name("linked"), number), card(2 * number + 1, &name("free")));
    import(world, &[linked.clone(), free], &[vehicle(number, "Van", &[linked])]).await;
    let trouble = async |function| {
        let recorder = world.recorder(function).await;
        recorder.heal();
        recorder.inject(rule.clone());
    };

    trouble("create-access-id").await;
    let made = world.create(with_customer(charging_vehicle(&name("new"), "New"), &name("Fleet"))).await;
    assert_eq!(world.access_id(&made["id"]).await, made, "{what}");

    trouble("create-vehicle").await;
    let tags = json!([{"ocppIdTag": name("other")}, {"ocppIdTag": name("free"), "authorizationStatus": "Revoked"}]);
    let body = json!({"vehicle": {"name": "Bus", "accessIds": tags}});
    let bus = world.create(with_customer(body, &name("Other"))).await;
    assert_eq!(world.vehicle(&bus["id"]).await, bus, "{what}");

    trouble("update-access-id").await;
    let update = json!({"authorizationStatus": "Revoked", "vehicle": null, "customer": {"name": name("Third")}});
    let path = format!("/api/access-ids/{}", 2 * number);
    let changed = world.patch(&path, json!({"accessId": update})).await.ok()["accessId"].take();
    assert_eq!(world.access_id(&json!(2 * number)).await, changed, "{what}");
    assert_eq!(changed["revokedAt"], changed["updatedAt"], "{what}");

    trouble("update-vehicle").await;
    let update = json!({"vehicle": {"name": "Old", "customer": {"name": name("FLEET")}}});
    let changed = world.patch(&format!("/api/vehicles/{number}"), update).await.ok()["vehicle"].take();
    assert_eq!((&changed["customer"]["name"], &changed["accessIds"]), (&json!(name("Fleet")), &json!([])), "{what}");
    assert_eq!(world.vehicle(&json!(number)).await, changed, "{what}");

    let expected = (4 * number as usize, 3 * number as usize);
    assert_eq!(
        (world.list("/api/access-ids").await.len(), world.list("/api/vehicles").await.len()),
        expected,
        "{what}"
    );
    for (tag, status) in [("new", 200), ("other", 200), ("free", 403), ("linked", 403)] {
        assert_eq!(world.ask(&name(tag)).await.status, status, "{what}: {tag}");
    }
}

/// A creation whose answer is lost for good may have happened, whole; with a key, asking again settles it.
#[tokio::test]
async fn what_could_not_be_acknowledged_happened_whole_or_not_at_all() {
    let faults = [
        Fault::ResetAfter,
        Fault::ResetBefore,
        Fault::BlackHole,
        Fault::DelayAnswer(Duration::from_secs(2)),
        Fault::TruncateBody,
    ];
    join_all(faults.map(async |fault| {
        let world = World::new().await;
        for (function, path, body) in [
            ("create-access-id", "/api/access-ids", with_customer(charging_vehicle("a", "Van"), "Fleet")),
            (
                "create-vehicle",
                "/api/vehicles",
                with_customer(json!({"vehicle": {"name": "Bus", "accessIds": [{"ocppIdTag": "b"}]}}), "Other"),
            ),
        ] {
            let recorder = world.recorder(function).await;
            recorder.inject(fault.clone().on("TransactWriteItems"));
            let send = || world.post(path, body.clone()).header("idempotency-key", "key");
            let lost = send().await;
            lost.is(503, "service_unavailable");
            recorder.heal();
            let counts = async || (world.list("/api/access-ids").await.len(), world.list("/api/vehicles").await.len());
            let all = if path == "/api/vehicles" { 2 } else { 1 };
            let before = counts().await;
            assert!([(all, all), (all - 1, all - 1)].contains(&before), "{fault:?}: {before:?}");
            let made = send().await.created();
            assert_eq!(send().await.created(), made, "{fault:?}");
            assert_eq!(counts().await, (all, all), "{fault:?}");
            assert_eq!(world.get(&format!("{path}?limit=100")).await.ok()["data"].as_array().unwrap().len(), all);
        }
    }))
    .await;
}

#[tokio::test]
async fn conflicts_that_do_not_end_are_503_and_leave_nothing() {
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(&world, std::slice::from_ref(&linked), &[vehicle(1, "Van", std::slice::from_ref(&linked))]).await;
    let before = (world.list("/api/access-ids").await, world.list("/api/vehicles").await);
    let conflict = Fault::cancelled(&["TransactionConflict"]).on("TransactWriteItems");
    for function in ["create-access-id", "create-vehicle", "update-access-id", "update-vehicle"] {
        world.recorder(function).await.inject(conflict.clone());
    }
    let calls = [
        world.post("/api/access-ids", with_customer(charging_vehicle("a", "x"), "FLEET")),
        world.post(
            "/api/vehicles",
            with_customer(json!({"vehicle": {"name": "x", "accessIds": [{"ocppIdTag": "b"}]}}), "FLEET"),
        ),
        world.patch(
            "/api/access-ids/1",
            json!({"accessId": {"name": "x", "vehicle": null, "customer": {"name": "FLEET"}}}),
        ),
        world.patch("/api/vehicles/1", json!({"vehicle": {"name": "x", "customer": {"name": "FLEET"}}})),
    ];
    for (answer, took) in join_all(calls.map(Call::timed)).await {
        answer.is(503, "service_unavailable");
        // Long before the gateway gives up after 30 s.
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    assert_eq!((world.list("/api/access-ids").await, world.list("/api/vehicles").await), before);
    world.ask("a").await.refuses("unknown");
    for function in ["create-access-id", "create-vehicle", "update-access-id", "update-vehicle"] {
        world.recorder(function).await.heal();
    }
    let made = world.create(with_customer(charging_vehicle("a", "x"), "Fleet")).await;
    assert_eq!(made["customer"]["name"], "Fleet");
}

#[tokio::test]
async fn every_endpoint_says_503_while_the_table_fails_and_recovers() {
    let faults = [
        Fault::BlackHole,
        Fault::Refuse,
        Fault::error(400, "ThrottlingException", "secret-detail"),
        Fault::error(500, "InternalServerError", "secret-detail"),
        Fault::error(400, "ResourceNotFoundException", "secret-detail"),
        Fault::error(400, "AccessDeniedException", "secret-detail"),
        Fault::Answer { status: 200, body: "<html>".into() },
    ];
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(&world, std::slice::from_ref(&linked), &[vehicle(1, "Van", std::slice::from_ref(&linked))]).await;
    let change = |path: &str| match path {
        "/api/access-ids/1" => json!({"accessId": {"name": "Other"}}),
        _ => json!({"vehicle": {"name": "Other"}}),
    };
    for fault in faults {
        let calls = endpoints().map(async |(function, method, path, body)| {
            let recorder = world.recorder(function).await;
            recorder.inject(fault.clone());
            if fault == Fault::Refuse {
                recorder.cut();
            }
            let body = if method == "PATCH" { change(path) } else { body };
            let (answer, took) = world.request(method, path).json(&body).timed().await;
            assert_eq!(answer.status, 503, "{fault:?} {function}: {answer:?}");
            assert!(!answer.body.to_string().contains("secret-detail"), "{fault:?} {function}: {answer:?}");
            assert!(took < Duration::from_secs(3), "{fault:?} {function}: {took:?}");
            recorder.heal();
        });
        join_all(calls).await;
    }
    // Nothing of it happened, and all are back.
    assert_eq!(world.list("/api/access-ids").await[0]["name"], "Vehicle 1");
    assert_eq!(world.list("/api/vehicles").await[0]["name"], "Van");
    for (function, method, path, body) in endpoints() {
        let answer = world.request(method, path).json(&body).await;
        assert!([200, 201].contains(&answer.status), "{function}: {answer:?}");
    }
    assert_eq!(world.list("/api/access-ids").await.len(), 2);
}

/// The first sending is late, the second meets another write: had the service begun anew then, both would be carried out.
#[tokio::test]
async fn a_sending_that_arrives_late_is_not_carried_out_beside_another() {
    let world = World::new().await;
    let recorder = world.recorder("create-vehicle").await;
    recorder.inject(Fault::Delay(Duration::from_millis(1500)).on("TransactWriteItems").times(1));
    recorder.inject(Fault::cancelled(&["TransactionConflict"]).on("TransactWriteItems").times(1));
    let made = world.post("/api/vehicles", json!({"vehicle": {"name": "Van"}})).await.created();
    assert_eq!(recorder.faults().len(), 2);
    recorder.quiet().await;
    let vehicles = world.list("/api/vehicles").await;
    assert_eq!((vehicles.len(), &vehicles[0]["id"]), (1, &made["vehicle"]["id"]));
}
