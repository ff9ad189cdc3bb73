//! `GET /api/unknown-tags`: from refused to registered.

use serde_json::{Value, json};

use crate::support::{World, charging_vehicle, rfid};

async fn unknown(world: &World, query: &str) -> Vec<Value> {
    world.journalled().await;
    let mut page = world.get(&format!("/api/unknown-tags{query}")).await.ok();
    page["data"].take().as_array().unwrap().clone()
}

#[tokio::test]
async fn a_vehicle_is_plugged_in_its_driver_shows_a_card_and_the_vehicle_is_registered() {
    let world = World::new().await;
    world.create(rfid("04e1a2b3", "Driver")).await;
    world.ask("VID:A453EE033156").await.refuses("unknown");
    world.ask("a4:53:ee:03:31:56").await.refuses("unknown");
    world.ask("04e1a2b3").await.ok();

    let listed = unknown(&world, "").await;
    assert_eq!(listed.len(), 1);
    let vehicle = &listed[0];
    assert_eq!((&vehicle["ocppIdTag"], &vehicle["looksLike"]), (&json!("a453ee033156"), &json!("Vehicle")));
    assert_eq!((&vehicle["receivedId"], &vehicle["accessId"]), (&json!("a4:53:ee:03:31:56"), &Value::Null));
    assert_eq!((&vehicle["chargeBox"], &vehicle["type"]), (&json!("EaJ7cU9NJ3YkTNgy"), &json!("authorize")));

    let one = unknown(&world, "?ocppIdTag=A453EE033156").await.remove(0);
    let decisions = world.decisions("&ocppIdTag=a453ee033156").await;
    assert_eq!((&one["seen"], &one["firstSeenAt"]), (&json!(2), &decisions[1]["decidedAt"]));
    assert_eq!((&one["lastSeenAt"], &one["pairedWith"]["name"]), (&decisions[0]["decidedAt"], &json!("Driver")));
    assert_eq!(one["nearMisses"], json!([]));

    let created = world.create(charging_vehicle("a453ee033156", "Van")).await;
    let label = json!({"id": created["id"], "name": "Van", "type": "Vehicle"});
    assert_eq!(unknown(&world, "").await[0]["accessId"], label);
    assert_eq!(unknown(&world, "?ocppIdTag=a453ee033156").await[0]["accessId"], label);
    world.ask("a453ee033156").await.ok();
    assert_eq!(unknown(&world, "?ocppIdTag=a453ee033156").await[0]["seen"], 2, "it is refused no more");
}

#[tokio::test]
async fn other_readings_of_the_same_card_are_near_misses_and_authorize_nothing() {
    let world = World::new().await;
    world.create(rfid("7186a61e", "Card")).await;
    world.create(rfid("3571590558", "Another")).await;
    world.ask("1EA68671").await.refuses("unknown");
    let one = unknown(&world, "?ocppIdTag=1ea68671").await.remove(0);
    let near: Vec<_> = one["nearMisses"].as_array().unwrap().iter().map(|it| (&it["how"], &it["ocppIdTag"])).collect();
    assert_eq!(near, [(&json!("bytes_reversed"), &json!("7186a61e"))]);
    assert_eq!(one["nearMisses"][0]["accessId"]["name"], "Card");
    assert_eq!((&one["pairedWith"], &one["looksLike"]), (&Value::Null, &json!("RFID")));
    world.ask("1EA68671").await.refuses("unknown");
}

#[tokio::test]
async fn a_tag_that_was_not_seen_is_not_there_and_pages_are_in_the_order_of_the_tags() {
    let world = World::new().await;
    assert_eq!(unknown(&world, "").await, [] as [Value; 0]);
    assert_eq!(unknown(&world, "?ocppIdTag=nobody").await, [] as [Value; 0]);
    world.get("/api/unknown-tags?ocppIdTag=no%20tag&limit=0").await.names(&["limit", "ocppIdTag"]);
    for tag in ["c", "a", "e#TAG#x", "b/%?", "d", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"] {
        world.ask(tag).await.refuses("unknown");
    }
    world.ask("no tag").await.refuses("unknown");
    world.journalled().await;
    let mut shown = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = world.get(&format!("/api/unknown-tags{query}")).await.ok();
        shown.extend(page["data"].as_array().unwrap().iter().map(|tag| tag["ocppIdTag"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["pagination"]["nextPageCursor"].as_str() else { break };
        query = format!("?limit=2&nextPageCursor={cursor}");
    }
    assert_eq!(shown, ["a", "b/%?", "c", "d", "e#tag#x", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"]);
    assert_eq!(unknown(&world, "?ocppIdTag=b%2F%25%3F").await[0]["receivedId"], "b/%?");
}

#[tokio::test]
async fn one_tag_has_no_second_page_so_that_every_cursor_is_refused() {
    let world = World::new().await;
    for tag in ["a", "b"] {
        world.ask(tag).await.refuses("unknown");
    }
    world.journalled().await;
    let page = world.get("/api/unknown-tags?limit=1").await.ok();
    let of_the_list = page["pagination"]["nextPageCursor"].as_str().unwrap();
    let wrong_secret = format!("{}_{}", world.fleet.api.token.rsplit_once('_').unwrap().0, "A".repeat(43));
    for cursor in ["forged", of_the_list] {
        for tag in ["a", "nobody"] {
            let path = format!("/api/unknown-tags?ocppIdTag={tag}&nextPageCursor={cursor}");
            world.get(&path).await.names(&["nextPageCursor"]);
            world.get(&path).token(&wrong_secret).await.is(401, "unauthorized");
        }
    }
    assert_eq!(unknown(&world, "?ocppIdTag=a&limit=1").await.len(), 1);
}
