//! Finding records: filters of lists, and the list of customers.

use serde_json::{Value, json};

use crate::support::{World, charging_vehicle, rfid};

/// The tags of a list's access IDs, or the names of other records.
fn found(page: &Value) -> Vec<&str> {
    let shown = |record: &'_ Value| record.get("ocppIdTag").is_some();
    let of = |record| if shown(record) { &record["ocppIdTag"] } else { &record["name"] };
    page["data"].as_array().unwrap().iter().map(|record| of(record).as_str().unwrap()).collect()
}

async fn tags(world: &World, query: &str) -> Vec<String> {
    found(&world.get(&format!("/api/access-ids?{query}")).await.ok()).into_iter().map(str::to_owned).collect()
}

/// Two cards and two vehicles of two customers.
async fn fleet() -> World {
    let world = World::new().await;
    let mut card = rfid("04:E1:A2:B3", "Card of Zoë");
    card["accessId"]["customer"] = json!({"name": "Straße & Co"});
    world.create(card).await;
    world.create(rfid("DE*8AA*C12345678*9", "Roaming")).await;
    let mut charging = charging_vehicle("VID:92D50A693F80", "Blue van");
    charging["accessId"]["customer"] = json!({"name": "Electric Fleet"});
    world.create(charging).await;
    let van = json!({"vehicle": {
        "name": "Red van", "make": "Škoda", "licensePlate": "B-AB 123", "accessIds": [{"ocppIdTag": "port-1"}]
    }});
    world.create(van).await;
    world
}

#[tokio::test]
async fn a_card_is_found_by_its_number_and_by_the_status_that_it_is_given() {
    let world = fleet().await;
    world.ask("04E1A2B3").await.ok();

    let page = world.get("/api/access-ids?ocppIdTag=04-E1-A2-B3").await.ok();
    let card = &page["data"][0];
    let block = json!({"accessId": {"authorizationStatus": "Revoked"}});
    world.patch(&format!("/api/access-ids/{}", card["id"]), block).await.ok();

    world.ask("04E1A2B3").await.refuses("revoked");
    assert_eq!((card["name"].as_str(), found(&page).len()), (Some("Card of Zoë"), 1));
    assert_eq!(page["pagination"], json!({"hasNextPage": false, "nextPageCursor": null}));
    assert_eq!(tags(&world, "authorizationStatus=Revoked").await, ["04e1a2b3"]);
}

#[tokio::test]
async fn access_ids_are_found_by_each_filter_and_by_all_of_them() {
    let world = fleet().await;
    let van = world.get("/api/vehicles?q=blue").await.ok()["data"][0]["id"].take();
    let by_vehicle = format!("vehicleId={van}");
    for (query, expected) in [
        ("ocppIdTag=92D5.0A69.3F80", ["92d50a693f80"].as_slice()),
        ("ocppIdTag=de8aac12345678", &[]),
        (&by_vehicle, &["92d50a693f80"]),
        ("vehicleId=9007199254740991", &[]),
        ("type=RFID", &["04e1a2b3", "de8aac123456789"]),
        ("type=Vehicle", &["92d50a693f80", "port-1"]),
        ("authorizationStatus=Revoked", &[]),
        ("customer=STRASSE%20%26+co", &["04e1a2b3"]),
        ("customer=strasse", &[]),
        ("q=ZOE%CC%88", &["04e1a2b3"]),
        ("q=a2:b3", &["04e1a2b3"]),
        ("q=VAN", &["92d50a693f80", "port-1"]),
        ("q=de*8aa*c12345678*9", &["de8aac123456789"]),
        ("q=v&type=Vehicle&customer=electric+fleet", &["92d50a693f80"]),
        ("ocppIdTag=04e1a2b3&type=Vehicle", &[]),
        ("ocppIdTag=92d50a693f80&vehicleId=1", &[]),
    ] {
        assert_eq!(tags(&world, query).await, expected, "{query}");
    }
    for (query, expected) in [
        ("ocppIdTag=VID:92D50A693F80", ["Blue van"].as_slice()),
        ("ocppIdTag=04e1a2b3", &[]),
        ("customer=electric%20FLEET", &["Blue van"]),
        ("q=van", &["Blue van", "Red van"]),
        ("q=%C5%A1koda", &["Red van"]),
        ("q=b-ab", &["Red van"]),
        ("q=port", &[]),
        ("q=van&ocppIdTag=port-1", &["Red van"]),
    ] {
        assert_eq!(found(&world.get(&format!("/api/vehicles?{query}")).await.ok()), expected, "{query}");
    }
}

#[tokio::test]
async fn customers_are_listed_and_found() {
    let world = fleet().await;
    let other = world.another_fleet().await;
    let mut names: Vec<String> =
        found(&world.get("/api/customers").await.ok()).into_iter().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["Electric Fleet", "Straße & Co"]);
    assert_eq!(found(&world.get("/api/customers?q=FLEET").await.ok()), ["Electric Fleet"]);
    assert_eq!(found(&world.get("/api/customers").of(&other).await.ok()), [""; 0]);
    let first = world.get("/api/customers?limit=1").await.ok();
    let cursor = first["pagination"]["nextPageCursor"].as_str().unwrap();
    let rest = world.get(&format!("/api/customers?limit=1&nextPageCursor={cursor}")).await.ok();
    assert_ne!(found(&first), found(&rest));
    assert_eq!(rest["pagination"]["hasNextPage"], false);
    for path in ["/api/customers?q=fleet&", "/api/access-ids?", "/api/vehicles?"] {
        world.get(&format!("{path}nextPageCursor={cursor}")).await.names(&["nextPageCursor"]);
    }
    world.get("/api/customers").authorization(None).await.is(401, "unauthorized");
}

/// A filter that is misspelt must never return everything.
#[tokio::test]
async fn bad_filters_are_named() {
    let world = fleet().await;
    for (query, fields) in [
        ("authorizationStatus=authorized", ["authorizationStatus"].as_slice()),
        ("authorizationStatus=", &["authorizationStatus"]),
        ("type=rfid", &["type"]),
        ("vehicleId=0", &["vehicleId"]),
        ("vehicleId=1.0", &["vehicleId"]),
        ("ocppIdTag=a%20b", &["ocppIdTag"]),
        ("ocppIdTag=FFFFFFFF", &["ocppIdTag"]),
        ("customer=%20", &["customer"]),
        ("q=%E2%80%8B", &["q"]),
        ("q=a&q=b", &["q"]),
        ("status=Revoked&limit=0&q=", &["status", "limit", "q"]),
    ] {
        world.get(&format!("/api/access-ids?{query}")).await.names(fields);
    }
    let long = "x".repeat(201);
    for path in ["/api/access-ids", "/api/vehicles", "/api/customers"] {
        world.get(&format!("{path}?q={long}")).await.names(&["q"]);
        world.get(&format!("{path}?q={}", &long[1..])).await.ok();
    }
    world.get("/api/vehicles?vehicleId=1&type=RFID").await.names(&["vehicleId", "type"]);
    world.get("/api/customers?customer=x").await.names(&["customer"]);
}

#[tokio::test]
async fn a_cursor_binds_its_filters() {
    let world = fleet().await;
    let page = world.get("/api/access-ids?type=RFID&limit=1").await.ok();
    let cursor = page["pagination"]["nextPageCursor"].as_str().unwrap();
    let go_on = |query: &str| world.get(&format!("/api/access-ids?{query}nextPageCursor={cursor}"));
    assert_eq!(found(&go_on("type=RFID&").await.ok()), ["de8aac123456789"]);
    for query in ["", "type=Vehicle&", "type=RFID&q=card&", "ocppIdTag=04e1a2b3&", "vehicleId=1&"] {
        go_on(query).await.names(&["nextPageCursor"]);
    }
}
