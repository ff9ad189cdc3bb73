//! Request bodies: their JSON, keys, types and nulls.

mod fields;
mod json;
mod nulls;
mod values;

use serde_json::{Value, json};

use crate::support::World;

/// The endpoints that take a body: method, path, name of the root object, and a root object that is accepted.
fn writing() -> [(&'static str, &'static str, &'static str, Value); 4] {
    [
        ("POST", "/api/access-ids", "accessId", json!({"type": "RFID", "ocppIdTag": "new", "name": "Card"})),
        ("PATCH", "/api/access-ids/1", "accessId", json!({})),
        ("POST", "/api/vehicles", "vehicle", json!({"name": "Van"})),
        ("PATCH", "/api/vehicles/1", "vehicle", json!({})),
    ]
}

/// Checks that the records of `World::with_van` are unchanged and that there are no others.
async fn is_unchanged(world: &World) {
    let access_ids = world.list("/api/access-ids").await;
    assert_eq!(access_ids.len(), 1, "{access_ids:?}");
    assert_eq!(
        (&access_ids[0]["name"], &access_ids[0]["updatedAt"]),
        (&json!("Vehicle 1"), &access_ids[0]["createdAt"])
    );
    let vehicles = world.list("/api/vehicles").await;
    assert_eq!(vehicles.len(), 1, "{vehicles:?}");
    assert_eq!(vehicles[0]["name"], "Van");
}
