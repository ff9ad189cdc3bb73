//! Null in creations and updates.

use serde_json::{Value, json};

use super::is_unchanged;
use crate::support::{World, rfid};

#[tokio::test]
async fn null_in_a_creation_counts_as_left_out() {
    let world = World::new().await;
    let body = json!({"accessId": {
        "type": "RFID", "ocppIdTag": "a", "name": "Card", "vehicle": null, "vehicleId": null, "customer": null
    }});
    let made = world.create(body).await;
    assert_eq!((&made["vehicle"], &made["customer"]), (&Value::Null, &Value::Null));
    let body = json!({"accessId": {
        "type": "Vehicle", "ocppIdTag": "b", "name": "Van", "vehicle": {"make": null, "model": null, "vin": null}, "vehicleId": null
    }});
    assert_eq!(world.create(body).await["vehicle"]["name"], "Van");
    let body = json!({"vehicle": {
        "name": "Van", "make": null, "model": null, "vin": null, "licensePlate": null, "customer": null, "accessIds": null
    }});
    assert_eq!(world.create(body).await["accessIds"], json!([]));

    for name in ["type", "ocppIdTag", "name", "authorizationStatus"] {
        let mut body = rfid("c", "Card");
        body["accessId"][name] = Value::Null;
        world.post("/api/access-ids", body).await.names(&[&format!("accessId.{name}")]);
    }
    for customer in [json!({}), json!({"name": null})] {
        let mut body = rfid("c", "Card");
        body["accessId"]["customer"] = customer.clone();
        world.post("/api/access-ids", body).await.names(&["accessId.customer.name"]);
        let body = json!({"vehicle": {"name": "Van", "customer": customer}});
        world.post("/api/vehicles", body).await.names(&["vehicle.customer.name"]);
    }
    world.post("/api/vehicles", json!({"vehicle": {"name": null}})).await.names(&["vehicle.name"]);
    let nulls = json!([null, {"ocppIdTag": null}, {"ocppIdTag": "x", "authorizationStatus": null}]);
    world.post("/api/vehicles", json!({"vehicle": {"name": "Van", "accessIds": nulls}})).await.names(&[
        "vehicle.accessIds[0]",
        "vehicle.accessIds[1].ocppIdTag",
        "vehicle.accessIds[2].authorizationStatus",
    ]);
}

#[tokio::test]
async fn null_in_an_update_clears_optional_fields_only() {
    let world = World::with_van().await;
    let refused: [(&str, Value, &str); 8] = [
        ("/api/access-ids/1", json!({"accessId": {"name": null}}), "accessId.name"),
        ("/api/access-ids/1", json!({"accessId": {"authorizationStatus": null}}), "accessId.authorizationStatus"),
        ("/api/access-ids/1", json!({"accessId": {"customer": {}}}), "accessId.customer.name"),
        ("/api/access-ids/1", json!({"accessId": {"customer": {"name": null}}}), "accessId.customer.name"),
        ("/api/access-ids/1", json!({"accessId": null}), "accessId"),
        ("/api/vehicles/1", json!({"vehicle": {"name": null}}), "vehicle.name"),
        ("/api/vehicles/1", json!({"vehicle": {"customer": {}}}), "vehicle.customer.name"),
        ("/api/vehicles/1", json!({"vehicle": {"customer": {"name": null}}}), "vehicle.customer.name"),
    ];
    for (path, body, field) in refused {
        world.patch(path, body).await.names(&[field]);
    }
    is_unchanged(&world).await;

    let full = json!({"vehicle": {
        "make": "a", "model": "b", "vin": "c", "licensePlate": "d", "customer": {"name": "Fleet"}
    }});
    world.patch("/api/vehicles/1", full).await.ok();
    for name in ["make", "model", "vin", "licensePlate", "customer"] {
        let before = world.vehicle(&json!(1)).await;
        assert!(!before[name].is_null());
        let mut expected = before;
        expected[name] = Value::Null;
        assert_eq!(world.patch("/api/vehicles/1", json!({"vehicle": {name: null}})).await.ok()["vehicle"], expected);
        assert_eq!(world.vehicle(&json!(1)).await, expected);
    }
}
