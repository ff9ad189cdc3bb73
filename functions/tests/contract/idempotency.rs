//! `Idempotency-Key`: a repeated creation gets the first answer and is carried out once.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, World, charging_vehicle, rfid};

async fn post(world: &World, path: &str, body: &Value, key: &str) -> Answer {
    world.post(path, body.clone()).header("Idempotency-Key", key).await
}

fn full_access_id(tag: &str) -> Value {
    let mut body = charging_vehicle(tag, "Van");
    body["accessId"]["customer"] = json!({"name": "Fleet"});
    body["accessId"]["vehicle"] = json!({"make": "Tesla"});
    body
}

fn full_vehicle(tag: &str) -> Value {
    json!({"vehicle": {"name": "Van", "customer": {"name": "Fleet"}, "accessIds": [{"ocppIdTag": tag}]}})
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let world = World::new().await;
    for (path, body) in [("/api/access-ids", full_access_id("a")), ("/api/vehicles", full_vehicle("b"))] {
        let first = post(&world, path, &body, "key").await;
        assert_eq!(first.status, 201, "{first:?}");
        let before = (world.list("/api/access-ids").await, world.list("/api/vehicles").await);
        for instance in [0, 1] {
            let again = world.post(path, body.clone()).header("idempotency-key", "key").on(instance).await;
            assert_eq!(again, first, "answer, headers and Location");
        }
        assert_eq!((world.list("/api/access-ids").await, world.list("/api/vehicles").await), before);
    }
}

#[tokio::test]
async fn later_changes_do_not_change_the_repeated_answer() {
    let world = World::new().await;
    let first = post(&world, "/api/access-ids", &full_access_id("a"), "key").await;
    let access_id = &first.body["accessId"];
    let update = json!({"accessId": {"name": "Other", "authorizationStatus": "Revoked", "vehicle": {"make": "x"}, "customer": null}});
    world.patch(&format!("/api/access-ids/{}", access_id["id"]), update).await.ok();
    world
        .patch(&format!("/api/vehicles/{}", access_id["vehicle"]["id"]), json!({"vehicle": {"name": "Bus"}}))
        .await
        .ok();
    assert_eq!(post(&world, "/api/access-ids", &full_access_id("a"), "key").await, first);

    let first = post(&world, "/api/vehicles", &full_vehicle("b"), "key").await;
    let vehicle = &first.body["vehicle"];
    let update = json!({"accessId": {"authorizationStatus": "Revoked", "vehicle": null}});
    world.patch(&format!("/api/access-ids/{}", vehicle["accessIds"][0]["id"]), update).await.ok();
    world
        .patch(&format!("/api/vehicles/{}", vehicle["id"]), json!({"vehicle": {"name": "Bus", "customer": null}}))
        .await
        .ok();
    assert_eq!(post(&world, "/api/vehicles", &full_vehicle("b"), "key").await, first);
}

#[tokio::test]
async fn another_body_is_a_conflict_byte_by_byte() {
    let world = World::new().await;
    for (path, body) in [("/api/access-ids", rfid("a", "Card")), ("/api/vehicles", full_vehicle("b"))] {
        let first = post(&world, path, &body, "key").await;
        let text = body.to_string();
        let other_tag = if path == "/api/access-ids" { rfid("c", "Card") } else { full_vehicle("c") };
        for other in
            [other_tag.to_string(), format!("{text} "), format!("\u{feff}{text}"), text.replace("name", "n\\u0061me")]
        {
            let answer = world.request("POST", path).body(other).header("idempotency-key", "key").await;
            answer.is(409, "idempotency_key_reused");
        }
        // An invalid body is a 400, since it cannot be a repetition.
        let answer = world.request("POST", path).body("{}").header("idempotency-key", "key").await;
        answer.is(400, "invalid_request");
        // The same bytes delivered as base64 are the same body.
        let answer = world.request("POST", path).body(text).base64().header("idempotency-key", "key").await;
        assert_eq!(answer, first);
    }
    world.ask("c").await.refuses("unknown");
}

#[tokio::test]
async fn a_key_belongs_to_its_path_and_its_organization() {
    let world = World::new().await;
    let other = world.another_fleet().await;
    let one = post(&world, "/api/access-ids", &rfid("a", "Card"), "key").await.created();
    post(&world, "/api/vehicles", &full_vehicle("b"), "key").await.created();
    let theirs = world.post("/api/access-ids", rfid("a", "Card")).header("idempotency-key", "key").of(&other).await;
    assert_ne!(theirs.created()["accessId"]["id"], one["accessId"]["id"]);
    world
        .post("/api/access-ids", rfid("c", "Card"))
        .header("idempotency-key", "key")
        .of(&other)
        .await
        .is(409, "idempotency_key_reused");
    // Case and white space make different keys. A key may look like a key of the table.
    for (at, key) in ["KEY", "key1", "k ey", "key#TAG#a", "ORG#x"].into_iter().enumerate() {
        post(&world, "/api/access-ids", &rfid(&format!("d{at}"), "Card"), key).await.created();
    }
}

#[tokio::test]
async fn requests_without_a_key_and_updates_are_not_remembered() {
    let world = World::new().await;
    let body = json!({"vehicle": {"name": "Van"}});
    let first = world.create(body.clone()).await;
    assert_ne!(world.create(body).await["id"], first["id"]);
    let path = format!("/api/vehicles/{}", first["id"]);
    for name in ["One", "Two"] {
        let update = json!({"vehicle": {"name": name}});
        let changed = world.patch(&path, update).header("idempotency-key", "key").await.ok();
        assert_eq!(changed["vehicle"]["name"], name);
    }
}

#[tokio::test]
async fn only_a_creation_is_remembered() {
    let world = World::new().await;
    let taken = world.create(rfid("a", "Card")).await;
    let unlinked = json!({"accessId": {"vehicle": null}});
    let van = world.create(full_vehicle("b")).await;

    post(&world, "/api/access-ids", &rfid("a", "Card"), "key").await.is(409, "tag_taken");
    post(&world, "/api/access-ids", &rfid("", "Card"), "key").await.is(400, "invalid_request");
    post(&world, "/api/access-ids", &rfid("c", "Card"), "key").await.created();
    assert_eq!(world.access_id(&taken["id"]).await, taken);

    // A request that was refused can succeed later with the same key.
    post(&world, "/api/vehicles", &full_vehicle("b"), "key").await.is(409, "tag_taken");
    world.patch(&format!("/api/access-ids/{}", van["accessIds"][0]["id"]), unlinked).await.ok();
    let made = post(&world, "/api/vehicles", &full_vehicle("b"), "key").await;
    assert_eq!(post(&world, "/api/vehicles", &full_vehicle("b"), "key").await, made);
    made.created();
}

#[tokio::test]
async fn a_key_is_1_to_255_printable_ascii_characters() {
    let world = World::new().await;
    let body = json!({"vehicle": {"name": "Van"}});
    let van = world.create(full_vehicle("van")).await;
    let revocation = json!({"revocation": {"accessIds": [van["accessIds"][0]["id"]]}});
    let check = json!({"accessCheck": {"ocppIdTag": "a"}});
    let every: String = (b' '..=b'~').map(char::from).collect();
    for key in ["a", "0", "~", &every, &"k".repeat(255)] {
        let first = post(&world, "/api/vehicles", &body, key).await;
        assert_eq!(post(&world, "/api/vehicles", &body, key).await, first, "{key}");
        first.created();
    }
    for key in ["", &"k".repeat(256), &"k".repeat(4000), "ä", "🚗", "a\tb", "a\u{a0}b"] {
        post(&world, "/api/vehicles", &body, key).await.names(&["Idempotency-Key"]);
        post(&world, "/api/access-ids", &rfid("a", "Card"), key).await.names(&["Idempotency-Key"]);
        post(&world, "/api/revocations", &revocation, key).await.names(&["Idempotency-Key"]);
        post(&world, "/api/access-checks", &check, key).await.names(&["Idempotency-Key"]);
    }
    // What is not remembered takes a key all the same.
    for body in [&revocation, &json!({"revocation": {"vehicleId": van["id"]}})] {
        post(&world, "/api/revocations", body, "key").await.ok();
    }
    for body in [&check, &json!({"accessCheck": {"ocppIdTag": "b"}})] {
        post(&world, "/api/access-checks", body, "key").await.ok();
    }
    assert_eq!(world.list("/api/vehicles").await.len(), 6);
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
}

#[tokio::test]
async fn concurrent_repetitions_get_the_same_answer() {
    let world = World::new().await;
    for round in 0..3 {
        for (path, body) in [
            ("/api/access-ids", full_access_id(&format!("a{round}"))),
            ("/api/vehicles", full_vehicle(&format!("b{round}"))),
        ] {
            let key = format!("key-{round}");
            let calls = (0..8)
                .map(|at| world.post(path, body.clone()).header("idempotency-key", &key).on(at % 4).into_future());
            let answers = join_all(calls).await;
            assert_eq!(answers[0].status, 201, "{:?}", answers[0]);
            for answer in &answers {
                assert_eq!(answer, &answers[0]);
            }
        }
    }
    assert_eq!(world.list("/api/access-ids").await.len(), 6);
    assert_eq!(world.list("/api/vehicles").await.len(), 6);
}

#[tokio::test]
async fn of_concurrent_bodies_with_one_key_one_is_created() {
    let world = World::new().await;
    for round in 0..3 {
        let bodies: Vec<_> = (0..6).map(|at| rfid(&format!("t{round}-{at}"), "Card")).collect();
        let calls = bodies.iter().enumerate().map(|(at, body)| {
            world
                .post("/api/access-ids", body.clone())
                .header("idempotency-key", &format!("k{round}"))
                .on(at % 4)
                .into_future()
        });
        let answers = join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.is(409, "idempotency_key_reused");
        }
        assert_eq!(world.list("/api/access-ids").await.len(), round + 1);
    }
}

/// DynamoDB may delete an expired item days later. The service ignores it as soon as it has expired.
#[tokio::test]
async fn an_answer_is_remembered_for_24_hours() {
    let world = World::new().await;
    for (kind, path, bodies) in [
        ("ACCESS-ID", "/api/access-ids", [rfid("a", "Card"), rfid("b", "Card")]),
        ("VEHICLE", "/api/vehicles", [full_vehicle("c"), full_vehicle("d")]),
    ] {
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let first = post(&world, path, &bodies[0], "key").await.created();
        let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let partition = format!("#REQUEST#{kind}#key");
        let key = json!({"PK": {"S": format!("ORG#{}{partition}", world.fleet.id)}, "SK": {"S": "REQUEST"}});
        let item = world.table("GetItem", json!({"Key": key})).await["Item"].take();
        let expires_at: u64 = item["expiresAt"]["N"].as_str().unwrap().parse().unwrap();
        assert!((before + 86_400..=after + 86_400).contains(&expires_at), "{expires_at}");

        let expires_at = |seconds: u64| json!({"expiresAt": {"N": seconds.to_string()}});
        world.damage(&partition, "REQUEST", expires_at(after + 60)).await;
        assert_eq!(post(&world, path, &bodies[0], "key").await.created(), first);
        post(&world, path, &bodies[1], "key").await.is(409, "idempotency_key_reused");
        world.damage(&partition, "REQUEST", expires_at(before - 1)).await;
        let second = post(&world, path, &bodies[1], "key").await.created();
        assert_ne!(second, first);
        assert_eq!(post(&world, path, &bodies[1], "key").await.created(), second);
        post(&world, path, &bodies[0], "key").await.is(409, "idempotency_key_reused");
    }
}
