//! Customers: found by name without regard to case and Unicode composition, or else created with the given spelling.

use serde_json::{Value, json};

use crate::support::{World, charging_vehicle, rfid};

fn card(tag: &str, customer: &str) -> Value {
    let mut body = rfid(tag, "Card");
    body["accessId"]["customer"] = json!({"name": customer});
    body
}

fn van(customer: &str) -> Value {
    json!({"vehicle": {"name": "Van", "customer": {"name": customer}}})
}

#[tokio::test]
async fn the_first_spelling_is_shown_in_every_answer() {
    let world = World::new().await;
    let first = " E\u{301}LAN Straße İÇ Σας ";
    let stored = json!({"name": "ÉLAN Straße İÇ Σας"});
    let made = world.create(card("a", first)).await;
    assert_eq!(made["customer"], stored);
    assert_eq!(world.access_id(&made["id"]).await["customer"], stored);
    for (at, spelling) in
        ["élan straße i̇ç σας", "ÉLAN STRASSE İÇ ΣΑΣ", "Élan STRAßE i\u{307}c\u{327} ΣΑς", "e\u{301}lan Straße İÇ σας"]
            .into_iter()
            .enumerate()
    {
        assert_eq!(world.create(card(&format!("b{at}"), spelling)).await["customer"], stored, "{spelling}");
        let vehicle = world.create(van(spelling)).await;
        assert_eq!(vehicle["customer"], stored, "{spelling}");
        assert_eq!(world.vehicle(&vehicle["id"]).await["customer"], stored, "{spelling}");
        let other = world.create(van("Other")).await;
        let path = format!("/api/vehicles/{}", other["id"]);
        let update = json!({"vehicle": {"customer": {"name": spelling}}});
        assert_eq!(world.patch(&path, update).await.ok()["vehicle"]["customer"], stored, "{spelling}");
        let other = world.create(card(&format!("c{at}"), "Other")).await;
        let path = format!("/api/access-ids/{}", other["id"]);
        let update = json!({"accessId": {"customer": {"name": spelling}}});
        assert_eq!(world.patch(&path, update).await.ok()["accessId"]["customer"], stored, "{spelling}");
    }
}

#[tokio::test]
async fn other_names_are_other_customers() {
    let world = World::new().await;
    let names = ["Strase", "Fleet 1", "Fleet1", "Fleet-1", "Flèet 1", "Fleet 2", "Fleet 1."];
    for (at, name) in names.into_iter().enumerate() {
        assert_eq!(world.create(card(&at.to_string(), name)).await["customer"]["name"], name);
    }
}

/// Full case folding in NFKC, without what cannot be seen, and runs of white space as one.
#[tokio::test]
async fn spellings_of_one_name_are_one_customer() {
    let world = World::new().await;
    for (at, spellings) in [
        ["Straße", "STRASSE", "strasse"].as_slice(),
        &["ΣΟΦΟΣ", "σοφος", "σοφοσ"],
        &["Fleet 1", "Fleet  1", "Ｆleet 1", "ﬂeet 1", "Fle\u{200b}et 1", "fleet\u{a0}1"],
    ]
    .into_iter()
    .enumerate()
    {
        for (number, spelling) in spellings.iter().enumerate() {
            let made = world.create(card(&format!("{at}-{number}"), spelling)).await;
            assert_eq!(made["customer"]["name"], spellings[0], "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_customer_that_nothing_refers_to_is_kept() {
    let world = World::new().await;
    let made = world.create(card("a", "Fleet")).await;
    let path = format!("/api/access-ids/{}", made["id"]);
    world.patch(&path, json!({"accessId": {"customer": null}})).await.ok();
    assert_eq!(world.create(van("FLEET")).await["customer"]["name"], "Fleet");
}

#[tokio::test]
async fn an_update_creates_a_customer() {
    let world = World::new().await;
    let (card, van) = (world.create(rfid("a", "Card")).await, world.create(json!({"vehicle": {"name": "Van"}})).await);
    let path = format!("/api/access-ids/{}", card["id"]);
    let update = json!({"accessId": {"customer": {"name": "One"}}});
    assert_eq!(world.patch(&path, update).await.ok()["accessId"]["customer"]["name"], "One");
    let path = format!("/api/vehicles/{}", van["id"]);
    let update = json!({"vehicle": {"customer": {"name": "Two"}}});
    assert_eq!(world.patch(&path, update).await.ok()["vehicle"]["customer"]["name"], "Two");
    assert_eq!(customer_of(&world, "ONE").await, "One");
    assert_eq!(customer_of(&world, "TWO").await, "Two");
}

async fn customer_of(world: &World, name: &str) -> Value {
    world.create(van(name)).await["customer"]["name"].take()
}

#[tokio::test]
async fn an_access_ids_customer_and_its_vehicles_are_independent() {
    let world = World::new().await;
    let mut body = charging_vehicle("a", "Van");
    body["accessId"]["customer"] = json!({"name": "Fleet"});
    let made = world.create(body).await;
    let (access_id, vehicle) =
        (format!("/api/access-ids/{}", made["id"]), format!("/api/vehicles/{}", made["vehicle"]["id"]));
    world.patch(&access_id, json!({"accessId": {"customer": {"name": "Other"}}})).await.ok();
    assert_eq!(world.get(&vehicle).await.ok()["vehicle"]["customer"]["name"], "Fleet");
    world.patch(&vehicle, json!({"vehicle": {"customer": null}})).await.ok();
    assert_eq!(world.get(&access_id).await.ok()["accessId"]["customer"]["name"], "Other");
}

#[tokio::test]
async fn a_refused_request_creates_no_customer() {
    let world = World::new().await;
    world.create(rfid("taken", "Card")).await;
    world.post("/api/access-ids", card("taken", "FLEET")).await.is(409, "tag_taken");
    world.post("/api/access-ids", card("", "FLEET")).await.is(400, "invalid_request");
    let mut body = van("FLEET");
    body["vehicle"]["x"] = json!(1);
    world.post("/api/vehicles", body).await.is(400, "invalid_request");
    world.post("/api/vehicles", van("FLEET")).authorization(None).await.is(401, "unauthorized");
    let unknown = json!({"accessId": {
        "type": "Vehicle", "ocppIdTag": "x", "name": "x", "vehicleId": 1, "customer": {"name": "FLEET"}
    }});
    world.post("/api/access-ids", unknown).await.names(&["accessId.vehicleId"]);
    assert_eq!(customer_of(&world, "Fleet").await, "Fleet");
}

/// 200 code points can become 600 by NFC, and more bytes than a key of the table can hold.
#[tokio::test]
async fn the_longest_names_are_distinguished() {
    let world = World::new().await;
    let long = "\u{1d160}".repeat(199);
    let one = world.create(card("a", &format!("{long}A"))).await;
    let two = world.create(card("b", &format!("{long}B"))).await;
    assert_ne!(one["customer"], two["customer"]);
    assert_eq!(world.create(card("c", &format!("{long}b"))).await["customer"], two["customer"]);
}
