//! The keys of a body: the root object, unknown, immutable and repeated fields.

use serde_json::{Value, json};

use super::{is_unchanged, writing};
use crate::support::World;

#[tokio::test]
async fn the_root_object_is_required_and_the_only_key() {
    let world = World::with_van().await;
    for (method, path, root, good) in writing() {
        let other = if root == "vehicle" { "accessId" } else { "vehicle" };
        world.request(method, path).json(&json!({})).await.names(&[root]);
        for bad in [json!(null), json!([]), json!([good]), json!(""), json!(1), json!(true)] {
            world.request(method, path).json(&json!({root: bad})).await.names(&[root]);
        }
        world.request(method, path).json(&json!({other: good})).await.names(&[root, other]);
        world.request(method, path).json(&good).await.is(400, "invalid_request");
        world.request(method, path).json(&json!({root: good, "x": 1, "y": null})).await.names(&["x", "y"]);
        world.request(method, path).json(&json!({root: good, other: {}})).await.names(&[other]);
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn unknown_fields_are_named_at_every_level() {
    let world = World::with_van().await;
    let access_id = json!({"accessId": {
        "type": "Vehicle", "ocppIdTag": "new", "name": "New", "Name": "x", "name ": "x", "authorisationStatus": "Revoked",
        "status": null, "id": 7, "createdAt": "2024-08-02T19:13:28.897Z", "hasTelematics": true,
        "vehicle": {"make": "x", "name": "x", "licensePlate": "x", "customer": null, "id": 1},
        "customer": {"name": "New", "id": 1}
    }, "trace": {}});
    world.post("/api/access-ids", access_id).await.names(&[
        "accessId.Name",
        "accessId.name ",
        "accessId.authorisationStatus",
        "accessId.status",
        "accessId.id",
        "accessId.createdAt",
        "accessId.hasTelematics",
        "accessId.vehicle.name",
        "accessId.vehicle.licensePlate",
        "accessId.vehicle.customer",
        "accessId.vehicle.id",
        "accessId.customer.id",
        "trace",
    ]);
    let vehicle = json!({"vehicle": {
        "name": "New", "id": 1, "hasTelematics": false, "licenseplate": "x", "vehicleId": 1, "__proto__": {},
        "customer": {"name": "New", "Name": "x"},
        "accessIds": [{"ocppIdTag": "a", "type": "RFID"}, {"ocppIdTag": "b", "id": 1, "authorizationstatus": "Revoked"}]
    }});
    world.post("/api/vehicles", vehicle).await.names(&[
        "vehicle.id",
        "vehicle.hasTelematics",
        "vehicle.licenseplate",
        "vehicle.vehicleId",
        "vehicle.__proto__",
        "vehicle.customer.Name",
        "vehicle.accessIds[0].type",
        "vehicle.accessIds[1].id",
        "vehicle.accessIds[1].authorizationstatus",
    ]);
    is_unchanged(&world).await;
}

/// Also with the value that the field has already.
#[tokio::test]
async fn immutable_fields_are_refused_in_an_update() {
    let world = World::with_van().await;
    let access_id = world.access_id(&json!(1)).await;
    for name in ["id", "ocppIdTag", "type", "authorizedAt", "revokedAt", "createdAt", "updatedAt"] {
        for value in [access_id[name].clone(), Value::Null] {
            let body = json!({"accessId": {"name": "Other", name: value}});
            world.patch("/api/access-ids/1", body).await.names(&[&format!("accessId.{name}")]);
        }
    }
    for value in [json!(1), json!(2), json!(null)] {
        let body = json!({"accessId": {"name": "Other", "vehicleId": value}});
        world.patch("/api/access-ids/1", body).await.names(&["accessId.vehicleId"]);
    }
    for (name, value) in
        [("id", json!(1)), ("name", json!("Other")), ("licensePlate", json!("x")), ("customer", json!(null))]
    {
        let body = json!({"accessId": {"name": "Other", "vehicle": {"make": "x", name: value}}});
        world.patch("/api/access-ids/1", body).await.names(&[&format!("accessId.vehicle.{name}")]);
    }
    let vehicle = world.vehicle(&json!(1)).await;
    for name in ["id", "hasTelematics", "accessIds"] {
        for value in [vehicle[name].clone(), Value::Null] {
            let body = json!({"vehicle": {"name": "Other", name: value}});
            world.patch("/api/vehicles/1", body).await.names(&[&format!("vehicle.{name}")]);
        }
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn a_key_that_is_given_twice_is_named() {
    let world = World::with_van().await;
    let bodies: &[(&str, &str, &str, &[&str])] = &[
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"RFID","ocppIdTag":"a","name":"b"},"accessId":{"type":"RFID","ocppIdTag":"a","name":"b"}}"#,
            &["accessId"],
        ),
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"RFID","type":"RFID","ocppIdTag":"a","name":"b"}}"#,
            &["accessId.type"],
        ),
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"RFID","ocppIdTag":"a","name":"b","name":"c","name":"d"}}"#,
            &["accessId.name"],
        ),
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"RFID","ocppIdTag":"a","name":"b","n\u0061me":"b"}}"#,
            &["accessId.name"],
        ),
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"RFID","ocppIdTag":"a","name":"b","vehicle":null,"vehicle":null}}"#,
            &["accessId.vehicle"],
        ),
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"Vehicle","ocppIdTag":"a","name":"b","vehicle":{"vin":"x","vin":"x"},"customer":{"name":"x","name":"y"}}}"#,
            &["accessId.vehicle.vin", "accessId.customer.name"],
        ),
        (
            "POST",
            "/api/access-ids",
            r#"{"accessId":{"type":"RFID","ocppIdTag":"a","name":"b","authorizationStatus":"Revoked","authorizationStatus":"Authorized"}}"#,
            &["accessId.authorizationStatus"],
        ),
        (
            "PATCH",
            "/api/access-ids/1",
            r#"{"accessId":{"authorizationStatus":"Revoked","authorizationStatus":"Authorized"}}"#,
            &["accessId.authorizationStatus"],
        ),
        ("PATCH", "/api/access-ids/1", r#"{"accessId":{"name":"x"},"accessId":{}}"#, &["accessId"]),
        (
            "PATCH",
            "/api/access-ids/1",
            r#"{"accessId":{"vehicle":{"make":"a","make":null}}}"#,
            &["accessId.vehicle.make"],
        ),
        (
            "PATCH",
            "/api/access-ids/1",
            r#"{"accessId":{"customer":{"name":"a","name":"a"}}}"#,
            &["accessId.customer.name"],
        ),
        (
            "POST",
            "/api/vehicles",
            r#"{"vehicle":{"name":"x","name":"y","accessIds":[{"ocppIdTag":"a"},{"ocppIdTag":"b","ocppIdTag":"b"}]}}"#,
            &["vehicle.name", "vehicle.accessIds[1].ocppIdTag"],
        ),
        ("POST", "/api/vehicles", r#"{"vehicle":{"name":"x","accessIds":[],"accessIds":[]}}"#, &["vehicle.accessIds"]),
        ("PATCH", "/api/vehicles/1", r#"{"vehicle":{"make":"x","make":"x"}}"#, &["vehicle.make"]),
        (
            "PATCH",
            "/api/vehicles/1",
            r#"{"vehicle":{"customer":{"name":"x","name":"x"}},"vehicle":{}}"#,
            &["vehicle", "vehicle.customer.name"],
        ),
    ];
    for (method, path, body, fields) in bodies {
        let answer = world.request(method, path).body(*body).await;
        assert_eq!((answer.status, answer.fields()), (400, fields.iter().copied().collect()), "{body}: {answer:?}");
    }
    // A field that is unknown and given twice is named once.
    let body = r#"{"vehicle":{"name":"x","x":1,"x":1},"y":1,"y":2}"#;
    world.request("POST", "/api/vehicles").body(body).await.names(&["vehicle.x", "y"]);
    is_unchanged(&world).await;
}

/// As many unknown fields as fit into a body are named, within a second.
#[tokio::test]
async fn thousands_of_bad_fields_are_named() {
    let world = World::with_van().await;
    for (method, path, root, _) in writing() {
        let fields: Vec<String> = (0..6_000).map(|number| format!("\"{number}\":1")).collect();
        let body = format!("{{\"{root}\":{{\"name\":\"x\",\"name\":\"x\",{}}}}}", fields.join(","));
        assert!(body.len() < 65_536);
        let (answer, took) = world.request(method, path).body(body).timed().await;
        answer.is(400, "invalid_request");
        let named = answer.fields();
        assert!((0..6_000).all(|number| named.contains(&*format!("{root}.{number}"))), "{}", named.len());
        assert!(named.contains(&*format!("{root}.name")));
        // The time of a reader that looks at every pair of fields would be minutes.
        assert!(took.as_secs_f32() < 20.0, "{took:?}");
        // Lambda limits an answer to 6 MB.
        assert!(answer.body.to_string().len() < 4_000_000);
    }
    is_unchanged(&world).await;
}
