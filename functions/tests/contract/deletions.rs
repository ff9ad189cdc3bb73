//! Deleting access IDs and vehicles.

use domain::AccessId;
use serde_json::{Value, json};

use crate::support::{Call, World, access_id, card, charging_vehicle, customer, id, import, rfid, vehicle};

fn delete<'a>(world: &'a World, kind: &str, id: &Value) -> Call<'a> {
    world.request("DELETE", &format!("/api/{kind}/{id}"))
}

#[tokio::test]
async fn a_deleted_tag_is_unknown_at_once_and_can_be_registered_anew() {
    let world = World::new().await;
    let made = world.create(rfid("04:E1:A2:B3", "Card")).await;
    world.ask("04e1a2b3").await.ok();
    delete(&world, "access-ids", &made["id"]).await.done();
    world.ask("04e1a2b3").await.refuses("unknown");
    world.get(&format!("/api/access-ids/{}", made["id"])).await.is(404, "not_found");
    let path = format!("/api/access-ids/{}", made["id"]);
    world.patch(&path, json!({"accessId": {"name": "x"}})).await.is(404, "not_found");
    world.request("PUT", &format!("{path}/rules")).json(&json!({"rules": {}})).await.is(404, "not_found");
    delete(&world, "access-ids", &made["id"]).await.is(404, "not_found");
    assert_eq!(world.list("/api/access-ids").await, Vec::<Value>::new());
    assert_eq!(world.get("/api/access-ids?ocppIdTag=04e1a2b3").await.ok()["data"], json!([]));

    let anew = world.create(rfid("04e1a2b3", "Card")).await;
    assert!(anew["id"].as_u64() > made["id"].as_u64());
    assert_eq!(world.ask("04:e1:a2:b3").await.ok()["accessId"]["id"], anew["id"]);
    // What was decided stays, and tells whose the tag was then.
    let decided = world.decisions("&ocppIdTag=04e1a2b3").await;
    let holders: Vec<_> = decided.iter().map(|decision| decision["accessId"]["id"].clone()).collect();
    assert_eq!(holders, [anew["id"].clone(), Value::Null, made["id"].clone()]);
    // And it is no longer what an unknown tag is: the list says whose it is now.
    let unknown = world.get("/api/unknown-tags").await.ok();
    assert_eq!(unknown["data"][0]["accessId"]["id"], anew["id"]);
    delete(&world, "access-ids", &anew["id"]).await.done();
    assert_eq!(world.get("/api/unknown-tags").await.ok()["data"][0]["accessId"], Value::Null);
}

#[tokio::test]
async fn the_vehicle_stays_without_the_access_id() {
    let world = World::new().await;
    let linked = [access_id(1, "one", 1), AccessId { vehicle: Some(id(1)), ..card(2, "two") }];
    import(&world, &linked, &[vehicle(1, "Van", &linked)]).await;
    delete(&world, "vehicles", &json!(1)).await.is(409, "vehicle_in_use");
    let refused = delete(&world, "vehicles", &json!(1)).await.body["error"].take();
    assert_eq!(refused, "The vehicle cannot be deleted: 2 access IDs are linked to it.");
    delete(&world, "access-ids", &json!(2)).await.done();
    let van = world.vehicle(&json!(1)).await;
    assert_eq!(van["accessIds"], json!([{"id": 1, "ocppIdTag": "one", "authorizationStatus": "Authorized"}]));
    let refused = delete(&world, "vehicles", &json!(1)).await.body["error"].take();
    assert_eq!(refused, "The vehicle cannot be deleted: 1 access ID is linked to it.");
    delete(&world, "access-ids", &json!(1)).await.done();
    assert_eq!(world.vehicle(&json!(1)).await["accessIds"], json!([]));
    delete(&world, "vehicles", &json!(1)).await.done();
    delete(&world, "vehicles", &json!(1)).await.is(404, "not_found");
    world.get("/api/vehicles/1").await.is(404, "not_found");
    assert_eq!(world.list("/api/vehicles").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_deleted_vehicle_can_be_linked_no_more() {
    let world = World::new().await;
    import(&world, &[card(2, "card")], &[vehicle(1, "Van", &[])]).await;
    delete(&world, "vehicles", &json!(1)).await.done();
    let link = json!({"accessId": {"vehicleId": 1}});
    world.patch("/api/access-ids/2", link).await.names(&["accessId.vehicleId"]);
    let new = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "new", "name": "x", "vehicleId": 1}});
    world.post("/api/access-ids", new).await.names(&["accessId.vehicleId"]);
    world.patch("/api/vehicles/1", json!({"vehicle": {"name": "x"}})).await.is(404, "not_found");
    assert_eq!(world.get("/api/access-ids?vehicleId=1").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_tag_that_was_freed_can_be_given_to_a_new_vehicle() {
    let world = World::new().await;
    let made = world.create(charging_vehicle("tag", "Van")).await;
    delete(&world, "access-ids", &made["id"]).await.done();
    let bus = world.create(json!({"vehicle": {"name": "Bus", "accessIds": [{"ocppIdTag": "tag"}]}})).await;
    assert_ne!(bus["accessIds"][0]["id"], made["id"]);
    assert_eq!(world.vehicle(&made["vehicle"]["id"]).await["accessIds"], json!([]));
}

/// A customer is not deleted with its last record: the name stays for the next one.
#[tokio::test]
async fn the_customer_stays() {
    let world = World::new().await;
    let owned = |number: u64| AccessId { customer: customer("Fleet"), ..card(number, &format!("c{number}")) };
    import(&world, &[owned(1), owned(2)], &[]).await;
    for access_id in world.list("/api/access-ids").await {
        delete(&world, "access-ids", &access_id["id"]).await.done();
    }
    assert_eq!(world.get("/api/customers").await.ok()["data"], json!([{"name": "Fleet"}]));
}

#[tokio::test]
async fn a_repeated_creation_of_what_was_deleted_is_refused() {
    let world = World::new().await;
    let new = || world.post("/api/access-ids", rfid("tag", "Card")).header("idempotency-key", "k");
    let van = || world.post("/api/vehicles", json!({"vehicle": {"name": "Van"}})).header("idempotency-key", "k");
    let made = new().await.created();
    assert_eq!(new().await.created(), made);
    delete(&world, "access-ids", &made["accessId"]["id"]).await.done();
    new().await.is(409, "idempotency_key_reused");
    // Also when another has the tag by then.
    let other = world.create(rfid("tag", "Other")).await;
    new().await.is(409, "idempotency_key_reused");
    assert_eq!(world.access_id(&other["id"]).await["name"], "Other");

    let made = van().await.created();
    assert_eq!(van().await.created(), made);
    delete(&world, "vehicles", &made["vehicle"]["id"]).await.done();
    van().await.is(409, "idempotency_key_reused");
    assert_eq!(world.list("/api/vehicles").await, Vec::<Value>::new());
}

#[tokio::test]
async fn another_organizations_records_cannot_be_deleted() {
    let world = World::with_van().await;
    let other = world.another_fleet().await;
    for path in ["/api/access-ids/1", "/api/vehicles/1"] {
        world.request("DELETE", path).of(&other).await.is(404, "not_found");
        world.request("DELETE", path).token("x").await.is(401, "unauthorized");
        world.request("DELETE", &format!("{path}?force=true")).await.names(&["force"]);
    }
    world.ask("linked").await.ok();
    assert_eq!(world.list("/api/vehicles").await.len(), 1);
}
