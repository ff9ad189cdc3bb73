//! The form of request bodies: JSON, its roots, keys, types and nulls.

use serde_json::{Value, json};

use crate::support::{World, access_id, card, charging_vehicle, import, rfid, vehicle};

/// The endpoints that take a body: method, path, name of the root, and a root that is accepted.
fn writing() -> [(&'static str, &'static str, &'static str, Value); 4] {
    [
        ("POST", "/api/access-ids", "accessId", json!({"type": "RFID", "ocppIdTag": "new", "name": "Card"})),
        ("PATCH", "/api/access-ids/1", "accessId", json!({})),
        ("POST", "/api/vehicles", "vehicle", json!({"name": "Van"})),
        ("PATCH", "/api/vehicles/1", "vehicle", json!({})),
    ]
}

async fn world() -> World {
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(&world, std::slice::from_ref(&linked), &[vehicle(1, "Van", std::slice::from_ref(&linked))]).await;
    world
}

/// Nothing of what was refused has left a trace.
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

#[tokio::test]
async fn a_body_that_is_no_json_object_is_named_as_a_whole() {
    let world = world().await;
    let deep_list = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    let deep_object = [b"{\"a\":".repeat(10_000), b"1".to_vec(), vec![b'}'; 10_000]].concat();
    for (method, path, root, good) in writing() {
        let good = json!({root: good}).to_string();
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: Vec<Vec<u8>> = vec![
            b"".into(),
            b" ".into(),
            b"x".into(),
            b"null".into(),
            b"true".into(),
            b"1".into(),
            b"\"\"".into(),
            b"[]".into(),
            b"[{}]".into(),
            b"{".into(),
            b"}".into(),
            b"{}}".into(),
            b"{} {}".into(),
            b"{,}".into(),
            b"{'a': 1}".into(),
            b"{a: 1}".into(),
            b"{\"a\"}".into(),
            b"{\"a\": }".into(),
            b"{\"a\": 01}".into(),
            b"{\"a\": +1}".into(),
            b"{\"a\": .5}".into(),
            b"{\"a\": NaN}".into(),
            b"{\"a\": Infinity}".into(),
            b"{\"a\": undefined}".into(),
            b"{\"a\": 1,}".into(),
            b"{\"a\": 1 /* */}".into(),
            b"{\"a\": \"\\x41\"}".into(),
            b"{\"a\": \"\\u12\"}".into(),
            b"{\"a\": \"x\ny\"}".into(),
            b"{\"a\": \"\x00\"}".into(),
            b"{\"a\": \"\t\"}".into(),
            b"{\"a\": \"\xff\"}".into(),
            b"{\"a\": \"\xc0\x80\"}".into(),
            b"{\"a\": \"\xed\xa0\x80\"}".into(),
            b"\xff\xfe".into(),
            utf16,
            [b"\xef\xbb\xbf\xef\xbb\xbf", good.as_bytes()].concat(),
            [b" \xef\xbb\xbf", good.as_bytes()].concat(),
            [good.as_bytes(), b"\xef\xbb\xbf"].concat(),
            format!("{good} x").into_bytes(),
            format!("{good}\u{0}").into_bytes(),
            good.as_bytes()[..good.len() - 1].to_vec(),
            format!("{root}={good}").into_bytes(),
            deep_list.clone(),
            deep_object.clone(),
        ];
        for body in bodies {
            let answer = world.request(method, path).body(body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!((answer.status, answer.fields()), (400, [""].into()), "{method} {path} {shown:?}: {answer:?}");
        }
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn one_byte_order_mark_and_white_space_are_no_matter() {
    let world = world().await;
    for (method, path, root, good) in writing() {
        let good = serde_json::to_string_pretty(&json!({root: good})).unwrap();
        let body = format!("\u{feff}\r\n\t {good} \n");
        let answer = world.request(method, path).body(body).await;
        assert!([200, 201].contains(&answer.status), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn the_root_object_is_required_and_alone() {
    let world = world().await;
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
    let world = world().await;
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

/// They are refused even if they would change nothing.
#[tokio::test]
async fn what_cannot_be_changed_is_refused_in_an_update() {
    let world = world().await;
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
    let world = world().await;
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
    // Unknown and given twice: once is enough to name it.
    let body = r#"{"vehicle":{"name":"x","x":1,"x":1},"y":1,"y":2}"#;
    world.request("POST", "/api/vehicles").body(body).await.names(&["vehicle.x", "y"]);
    is_unchanged(&world).await;
}

#[tokio::test]
async fn lone_surrogates_are_no_text() {
    let world = world().await;
    for surrogate in [r"\ud83d", r"\udc00", r"\ude97\ud83d", r"\ud83dx", r"\ud83d\ud83d\ude97", r"\uDBFF", r"x\udfff"] {
        for (method, path, root, _) in writing() {
            for body in [
                format!(r#"{{"{root}":{{"name":"{surrogate}"}}}}"#),
                format!(r#"{{"{root}":{{"customer":{{"name":"a{surrogate}"}}}}}}"#),
                format!(r#"{{"{root}":{{"{surrogate}":1}}}}"#),
                format!(r#"{{"{surrogate}":1,"{root}":{{}}}}"#),
                format!(r#"{{"{root}":{{"x":[{{"{surrogate}":["{surrogate}"]}}]}}}}"#),
            ] {
                let answer = world.request(method, path).body(body.as_str()).await;
                assert_eq!(answer.status, 400, "{method} {path} {body}: {answer:?}");
            }
        }
    }
    is_unchanged(&world).await;
    let made =
        world.request("POST", "/api/vehicles").body(r#"{"vehicle":{"n\u0061me":"\ud83d\ude97"}}"#).await.created();
    assert_eq!(made["vehicle"]["name"], "🚗");
}

#[tokio::test]
async fn a_wrong_type_is_named() {
    let world = world().await;
    let wrong = [json!(1), json!(1.5), json!(true), json!([]), json!(["x"]), json!({}), json!({"name": "x"})];
    // In each place a text; the last of the wrong values are right for what is an object.
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
async fn words_are_taken_as_they_are_documented_alone() {
    let world = world().await;
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
    let world = world().await;
    let numbers = [
        "0",
        "-0",
        "-1",
        "1.5",
        "0.1",
        "1.0",
        "1e0",
        "-1e3",
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
        let answer = world.request("POST", "/api/access-ids").body(body).await;
        assert_eq!((answer.status, answer.fields()), (400, ["accessId.vehicleId"].into()), "{number}: {answer:?}");
    }
    is_unchanged(&world).await;
}

/// No reader of JSON that the service could use has a place for them: they are refused as a whole.
#[tokio::test]
async fn numbers_beyond_every_range_are_refused() {
    let world = world().await;
    for number in ["1e999", "-1e999", &"9".repeat(400), &format!("0.{}e400", "1".repeat(30_000))] {
        for body in [
            format!(r#"{{"accessId":{{"type":"Vehicle","ocppIdTag":"x","name":"x","vehicleId":{number}}}}}"#),
            format!(r#"{{"accessId":{{"type":"Vehicle","ocppIdTag":"x","name":{number}}}}}"#),
        ] {
            world.request("POST", "/api/access-ids").body(body).await.is(400, "invalid_request");
        }
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let world = world().await;
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

#[tokio::test]
async fn in_a_creation_null_is_left_out() {
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
async fn in_an_update_null_clears_what_may_be_empty_and_nothing_else() {
    let world = world().await;
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

/// A body as deep as the parser goes, in places where anything is refused: no crash, and the next request is answered.
#[tokio::test]
async fn depth_is_refused_and_survived() {
    let world = world().await;
    import(&world, &[card(2, "card")], &[]).await;
    for depth in [10, 100, 126, 127, 128, 129, 1_000, 30_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = if depth * (open.len() + close.len()) > 65_000 {
                open.repeat(65_000 / open.len())
            } else {
                format!("{}1{}", open.repeat(depth), close.repeat(depth))
            };
            for (method, path, root, _) in writing() {
                let body = format!("{{\"{root}\":{{\"name\":{deep}}}}}");
                let answer = world.request(method, path).body(body).await;
                assert_eq!(answer.status, 400, "{depth}: {answer:?}");
            }
        }
    }
    assert_eq!(world.access_id(&json!(2)).await["name"], "Card");
}

/// As many as a body holds, each of them named, and no more than a second spent on it.
#[tokio::test]
async fn thousands_of_bad_fields_are_named() {
    let world = world().await;
    for (method, path, root, _) in writing() {
        let fields: Vec<String> = (0..6_000).map(|number| format!("\"{number}\":1")).collect();
        let body = format!("{{\"{root}\":{{\"name\":\"x\",\"name\":\"x\",{}}}}}", fields.join(","));
        assert!(body.len() < 65_536);
        let (answer, took) = world.request(method, path).body(body).timed().await;
        answer.is(400, "invalid_request");
        let named = answer.fields();
        assert!((0..6_000).all(|number| named.contains(&*format!("{root}.{number}"))), "{}", named.len());
        assert!(named.contains(&*format!("{root}.name")));
        assert!(took.as_secs_f32() < 1.0, "{took:?}");
        // No more than a function may answer.
        assert!(answer.body.to_string().len() < 4_000_000);
    }
    is_unchanged(&world).await;
}
