//! Values of a wrong type or out of range, and several bad fields at once.

use serde_json::{Value, json};

use super::is_unchanged;
use crate::support::{World, charging_vehicle};

#[tokio::test]
async fn a_wrong_type_is_named() {
    let world = World::with_van().await;
    let wrong = [json!(1), json!(1.5), json!(true), json!([]), json!(["x"]), json!({}), json!({"name": "x"})];
    // Bodies in which each of the fields is a text.
    let texts: [(&str, &str, Value, &[&str]); 4] = [
        (
            "POST",
            "/api/access-ids",
            json!({"accessId": {"type": "Vehicle", "name": "x", "ocppIdTag": "x",
            "authorizationStatus": "Revoked", "vehicle": {"make": "x", "model": "x", "vin": "x"}, "customer": {"name": "x"}}}),
            &[
                "type",
                "name",
                "ocppIdTag",
                "authorizationStatus",
                "vehicle/make",
                "vehicle/model",
                "vehicle/vin",
                "customer/name",
            ],
        ),
        (
            "PATCH",
            "/api/access-ids/1",
            json!({"accessId": {"name": "x", "authorizationStatus": "Revoked",
            "vehicle": {"make": "x", "model": "x", "vin": "x"}, "customer": {"name": "x"}}}),
            &["name", "authorizationStatus", "vehicle/make", "vehicle/model", "vehicle/vin", "customer/name"],
        ),
        (
            "POST",
            "/api/vehicles",
            json!({"vehicle": {"name": "x", "make": "x", "model": "x", "vin": "x", "licensePlate": "x",
            "customer": {"name": "x"}, "accessIds": [{"ocppIdTag": "x", "authorizationStatus": "Revoked"}]}}),
            &[
                "name",
                "make",
                "model",
                "vin",
                "licensePlate",
                "customer/name",
                "accessIds/0/ocppIdTag",
                "accessIds/0/authorizationStatus",
            ],
        ),
        (
            "PATCH",
            "/api/vehicles/1",
            json!({"vehicle": {"name": "x", "make": "x", "model": "x", "vin": "x", "licensePlate": "x",
            "customer": {"name": "x"}}}),
            &["name", "make", "model", "vin", "licensePlate", "customer/name"],
        ),
    ];
    for (method, path, good, fields) in texts {
        let root = good.as_object().unwrap().keys().next().unwrap().clone();
        for field in fields {
            for bad in &wrong {
                let mut body = good.clone();
                *body.pointer_mut(&format!("/{root}/{field}")).unwrap() = bad.clone();
                let name = format!("{root}.{field}").replace("/0", "[0]").replace('/', ".");
                world.request(method, path).json(&body).await.names(&[&name]);
            }
        }
    }
    let objects = [
        ("POST", "/api/access-ids", charging_vehicle("x", "x"), ["vehicle", "customer"].as_slice()),
        ("PATCH", "/api/access-ids/1", json!({"accessId": {}}), &["vehicle", "customer"]),
        ("POST", "/api/vehicles", json!({"vehicle": {"name": "x"}}), &["customer", "accessIds"]),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {}}), &["customer"]),
    ];
    for (method, path, good, fields) in objects {
        let root = good.as_object().unwrap().keys().next().unwrap().clone();
        for field in fields {
            for bad in [json!(""), json!("Fleet"), json!(0), json!(false), json!([[]])] {
                let mut body = good.clone();
                body[&root][field] = bad.clone();
                let name = match bad {
                    Value::Array(_) if *field == "accessIds" => "vehicle.accessIds[0]".to_owned(),
                    _ => format!("{root}.{field}"),
                };
                world.request(method, path).json(&body).await.names(&[&name]);
            }
        }
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn types_and_statuses_are_accepted_as_documented_only() {
    let world = World::with_van().await;
    for word in ["", "rfid", "Rfid", "vehicle", "VEHICLE", " RFID", "RFID ", "Card"] {
        let body = json!({"accessId": {"type": word, "ocppIdTag": "x", "name": "x"}});
        world.post("/api/access-ids", body).await.names(&["accessId.type"]);
    }
    for word in ["", "authorized", "AUTHORIZED", "revoked", "Revoked ", "Blocked", "true"] {
        let body = json!({"accessId": {"type": "RFID", "ocppIdTag": "x", "name": "x", "authorizationStatus": word}});
        world.post("/api/access-ids", body).await.names(&["accessId.authorizationStatus"]);
        let body = json!({"accessId": {"authorizationStatus": word}});
        world.patch("/api/access-ids/1", body).await.names(&["accessId.authorizationStatus"]);
        let body = json!({"vehicle": {"name": "x", "accessIds": [{"ocppIdTag": "x", "authorizationStatus": word}]}});
        world.post("/api/vehicles", body).await.names(&["vehicle.accessIds[0].authorizationStatus"]);
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn a_vehicle_id_is_a_positive_integer() {
    let world = World::with_van().await;
    let numbers = [
        "0",
        "-0",
        "-1",
        "1.5",
        "0.1",
        "1e-1",
        "1.0000000000000000000001",
        "-1e3",
        "1e400",
        "-1e400",
        "1e99999999999999999999",
        "9007199254740991.5",
        "9.007199254740992e15",
        "1e300",
        "9007199254740992",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "\"1\"",
        "\"\"",
        "true",
        "[1]",
        "{}",
    ];
    for number in numbers {
        let body = format!(r#"{{"accessId":{{"type":"Vehicle","ocppIdTag":"x","name":"x","vehicleId":{number}}}}}"#);
        world.request("POST", "/api/access-ids").body(body).await.names(&["accessId.vehicleId"]);
        let body = format!(r#"{{"accessId":{{"vehicleId":{number}}}}}"#);
        world.request("PATCH", "/api/access-ids/1").body(body).await.names(&["accessId.vehicleId"]);
    }
    is_unchanged(&world).await;
}

/// JSON has one kind of number.
#[tokio::test]
async fn an_integral_float_is_an_integer() {
    let world = World::with_van().await;
    for (at, number) in ["1", "1.0", "1e0", "0.1e1", "100E-2", "1.000e+0"].into_iter().enumerate() {
        let body =
            format!(r#"{{"accessId":{{"type":"Vehicle","ocppIdTag":"x{at}","name":"x","vehicleId":{number}}}}}"#);
        let made = world.request("POST", "/api/access-ids").body(body).await.created();
        assert_eq!(made["accessId"]["vehicle"]["id"], 1, "{number}");
    }
}

/// They are named by their field, wherever they stand.
#[tokio::test]
async fn numbers_beyond_every_range_are_named() {
    let world = World::with_van().await;
    for number in ["1e999", "-1e999", &"9".repeat(400), &format!("0.{}e400", "1".repeat(30_000))] {
        for (name, vehicle_id, field) in [
            ("\"x\"", number, "accessId.vehicleId"),
            (number, "1", "accessId.name"),
            ("\"x\",\"y\":1e400", "1", "accessId.y"),
        ] {
            let body = format!(
                r#"{{"accessId":{{"type":"Vehicle","ocppIdTag":"x","vehicleId":{vehicle_id},"name":{name}}}}}"#
            );
            world.request("POST", "/api/access-ids").body(body).await.names(&[field]);
        }
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn all_bad_fields_are_named_in_one_answer() {
    let world = World::with_van().await;
    let access_id = json!({"accessId": {
        "type": "Card", "ocppIdTag": "a b", "name": " ", "authorizationStatus": null, "vehicleId": "1",
        "vehicle": {"make": 1, "model": "", "vin": "x".repeat(65), "year": 2024}, "customer": {"name": "\n"}, "note": "x"
    }});
    world.post("/api/access-ids", access_id).header("idempotency-key", "ä").await.names(&[
        "accessId.type",
        "accessId.ocppIdTag",
        "accessId.name",
        "accessId.authorizationStatus",
        "accessId.vehicleId",
        "accessId.vehicle.make",
        "accessId.vehicle.model",
        "accessId.vehicle.vin",
        "accessId.vehicle.year",
        "accessId.customer.name",
        "accessId.note",
        "Idempotency-Key",
    ]);
    let missing = ["accessId.type", "accessId.name", "accessId.ocppIdTag"];
    world.post("/api/access-ids", json!({"accessId": {}})).await.names(&missing);
    let update = json!({"accessId": {
        "name": null, "authorizationStatus": "x", "customer": {}, "vehicle": {"make": "\u{7f}", "name": "x"}, "id": 1
    }});
    world.patch("/api/access-ids/01", update).await.names(&[
        "id",
        "accessId.name",
        "accessId.authorizationStatus",
        "accessId.customer.name",
        "accessId.vehicle.make",
        "accessId.vehicle.name",
        "accessId.id",
    ]);
    let vehicle = json!({"vehicle": {
        "make": "", "model": 1, "vin": [], "licensePlate": "x".repeat(65), "customer": {"name": null}, "color": "red",
        "accessIds": [
            {"ocppIdTag": "same"}, {"ocppIdTag": ""}, 7, {"authorizationStatus": null}, {"ocppIdTag": "SAME", "authorizationStatus": "x"}
        ]
    }});
    world.post("/api/vehicles", vehicle).header("idempotency-key", "").await.names(&[
        "vehicle.name",
        "vehicle.make",
        "vehicle.model",
        "vehicle.vin",
        "vehicle.licensePlate",
        "vehicle.customer.name",
        "vehicle.color",
        "vehicle.accessIds[1].ocppIdTag",
        "vehicle.accessIds[2]",
        "vehicle.accessIds[3].ocppIdTag",
        "vehicle.accessIds[3].authorizationStatus",
        "vehicle.accessIds[4].ocppIdTag",
        "vehicle.accessIds[4].authorizationStatus",
        "Idempotency-Key",
    ]);
    world.request("PATCH", "/api/access-ids/0").body("{").await.names(&["id", ""]);
    let update = json!({"vehicle": {"name": null, "make": {}, "customer": [], "hasTelematics": true}});
    let fields = ["id", "vehicle.name", "vehicle.make", "vehicle.customer", "vehicle.hasTelematics"];
    world.patch("/api/vehicles/0", update).await.names(&fields);
    is_unchanged(&world).await;
}
