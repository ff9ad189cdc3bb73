//! Paths, methods, sizes of bodies, and incomplete events.

use serde_json::{Value, json};

use crate::support::{API, AUTHORIZER, FUNCTIONS, World, card, endpoints, import, rfid, vehicle};

#[tokio::test]
async fn what_no_route_has_is_not_found() {
    let world = World::new().await;
    let paths = [
        ("GET", "/"),
        ("GET", ""),
        ("POST", "/"),
        ("GET", "/api"),
        ("GET", "/api/"),
        ("GET", "/api/access-ids/"),
        ("GET", "/api/vehicles/"),
        ("GET", "/api/access-ids/1/"),
        ("GET", "/api/access-ids/1/vehicle"),
        ("GET", "/api/access-ids//1"),
        ("GET", "//api/access-ids"),
        ("GET", "/api//access-ids"),
        ("GET", "/API/access-ids"),
        ("GET", "/api/Access-Ids"),
        ("GET", "/api/access_ids"),
        ("GET", "/api/access-id/1"),
        ("GET", "/api/customer"),
        ("GET", "/v1/api/access-ids"),
        ("GET", "/access-ids"),
        ("GET", "/favicon.ico"),
        ("GET", "/api/access-ids/1/../2"),
        ("GET", "/%2e%2e/api/vehicles"),
        ("GET", "/💥"),
        ("DELETE", "/api/access-ids"),
        ("PUT", "/api/access-ids/1"),
        ("POST", "/api/access-ids/1"),
        ("PATCH", "/api/access-ids"),
        ("HEAD", "/api/access-ids/1"),
        ("OPTIONS", "/api/access-ids"),
        ("TRACE", "/api/access-ids"),
        ("get", "/api/access-ids/1"),
        ("DELETE", "/api/vehicles"),
        ("DELETE", "/api/access-ids/1/rules"),
        ("PUT", "/api/vehicles/1"),
        ("POST", "/api/vehicles/1"),
        ("PATCH", "/api/vehicles"),
        ("BREW", "/api/vehicles"),
    ];
    for (method, path) in paths {
        for authorization in [Some(format!("Bearer {}", world.fleet.api.token)), None] {
            let answer = world.request(method, path).authorization(authorization.as_deref()).await;
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_function_answers_no_route_but_its_own() {
    let world = World::with_van().await;
    for function in FUNCTIONS.iter().copied().filter(|function| *function != AUTHORIZER) {
        for (owner, method, path, body) in endpoints() {
            if owner == function {
                continue;
            }
            let call = || world.request(method, &path).json(&body).to(function);
            call().await.is(404, "not_found");
            call().change(|event| event["routeKey"] = "$default".into()).await.is(404, "not_found");
        }
    }
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
    assert_eq!(world.list("/api/vehicles").await.len(), 1);
}

/// `cargo lambda watch` sends no route keys and no path parameters.
#[tokio::test]
async fn an_endpoint_answers_without_a_route_key() {
    let world = World::with_van().await;
    for (function, method, path, body) in endpoints() {
        let answer = world
            .request(method, &path)
            .json(&body)
            .change(|event| {
                event["routeKey"] = "$default".into();
                event["requestContext"]["routeKey"] = "$default".into();
                event.as_object_mut().unwrap().remove("pathParameters");
            })
            .await;
        let status = match function {
            "create-access-id" | "create-vehicle" => 201,
            "delete-access-id" | "delete-vehicle" => 204,
            _ => 200,
        };
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn the_location_of_a_creation_is_the_path_of_the_record() {
    let world = World::new().await;
    for (path, body) in
        [("/api/access-ids", rfid("tag", "Card")), ("/api/vehicles", json!({"vehicle": {"name": "Van"}}))]
    {
        let answer = world.post(path, body).await;
        let location = answer.headers["location"].clone();
        assert_eq!(world.get(&location).await.ok(), answer.created());
    }
}

/// The size is counted in bytes of the client's body, also when the body is delivered as base64.
#[tokio::test]
async fn a_body_of_64_kib_is_taken_and_one_byte_more_is_not() {
    let world = World::new().await;
    import(&world, &[card(1, "card")], &[vehicle(1, "Van", &[])]).await;
    for (at, name) in ["x", "🚗"].into_iter().enumerate() {
        for (method, path, mut body) in [
            ("POST", "/api/access-ids", rfid(&format!("tag-{at}"), name)),
            ("PATCH", "/api/access-ids/1", json!({"accessId": {"name": name}})),
            ("POST", "/api/vehicles", json!({"vehicle": {"name": name}})),
            ("PATCH", "/api/vehicles/1", json!({"vehicle": {"name": name}})),
        ] {
            for is_base64 in [false, true] {
                if is_base64 && path == "/api/access-ids" {
                    body = rfid(&format!("tag-{at}-base64"), name);
                }
                let mut text = body.to_string().into_bytes();
                text.resize(65_537, b' ');
                let call = |body: &[u8]| {
                    let call = world.request(method, path).body(body);
                    if is_base64 { call.base64() } else { call }
                };
                call(&text).await.is(413, "payload_too_large");
                let answer = call(&text[..65_536]).await;
                assert!([200, 201].contains(&answer.status), "{method} {path}: {answer:?}");
            }
        }
    }
    let huge = vec![b'x'; 5_000_000];
    world.request("POST", "/api/vehicles").body(huge.clone()).await.is(413, "payload_too_large");
    world.request("POST", "/api/vehicles").body(huge).base64().await.is(413, "payload_too_large");
}

#[tokio::test]
async fn a_base64_body_is_decoded() {
    let world = World::new().await;
    let body = json!({"vehicle": {"name": "Größe 🚗"}});
    let made = world.post("/api/vehicles", body).base64().await.created();
    assert_eq!(made["vehicle"]["name"], "Größe 🚗");
}

/// `docs/decisions/0025-what-lambda-http-cannot-take.md` says why no client can bring a function to this. The caller would see
/// a 500 of Lambda's.
#[tokio::test]
async fn an_event_that_no_gateway_sends_fails_and_the_process_lives() {
    let world = World::new().await;
    let headers = |name: &str, value: &str| ("/headers", json!({ name: value }));
    let broken = ["?", "e", "====", "💥", "{\"vehicle\": {\"name\": \"x\"}}"];
    let changes = [
        ("", json!({})),
        ("/requestContext", Value::Null),
        ("/requestContext/http", Value::Null),
        ("/requestContext/http", json!({})),
        ("/requestContext/http/method", "G T".into()),
        ("/isBase64Encoded", Value::Null),
        headers("x-é", "x"),
        headers("idempotency-key", "a\nb"),
        headers("idempotency-key", "\u{0}"),
        headers("authorization", "\u{7f}"),
    ];
    let changes = changes.into_iter().chain(broken.map(|body| ("/body", body.into())));
    let function = world.instance("create-vehicle", 0).await;
    for (round, (part, value)) in changes.enumerate() {
        let mut event = API.event("POST", "/api/vehicles", "", &[], b"{}");
        event["isBase64Encoded"] = (part == "/body").into();
        *event.pointer_mut(part).unwrap() = value;
        let failure = function.invoke(event.clone()).await;
        assert!(matches!(failure, Err(harness::Error::Function(_))), "{event}: {failure:?}");
        world.post("/api/vehicles", json!({"vehicle": {"name": "Van"}})).await.created();
        assert_eq!(world.list("/api/vehicles").await.len(), round + 1);
    }
}

/// Parts of an event that are null or missing count as empty.
#[tokio::test]
async fn an_event_with_holes_is_answered() {
    let world = World::with_van().await;
    let holes = [
        "version",
        "cookies",
        "queryStringParameters",
        "rawQueryString",
        "pathParameters",
        "stageVariables",
        "rawPath",
        "body",
        "routeKey",
        "headers",
    ];
    for (function, method, path, body) in endpoints().into_iter().filter(|(_, method, ..)| *method == "GET") {
        for hole in holes {
            for is_null in [true, false] {
                let change = |event: &mut Value| match is_null {
                    true => event[hole] = Value::Null,
                    false => _ = event.as_object_mut().unwrap().remove(hole),
                };
                let answer = world.request(method, &path).json(&body).change(change).await;
                let expected = if hole == "headers" { 401 } else { 200 };
                assert_eq!(answer.status, expected, "{function} without {hole} (null: {is_null}): {answer:?}");
            }
        }
        let not_encoded = |event: &mut Value| _ = event.as_object_mut().unwrap().remove("isBase64Encoded");
        world.request(method, &path).change(not_encoded).await.ok();
    }
    for path in ["/api/access-ids", "/api/vehicles"] {
        world.request("POST", path).change(|event| event["body"] = Value::Null).await.names(&[""]);
        world.request("PATCH", &format!("{path}/1")).change(|event| event["body"] = Value::Null).await.names(&[""]);
    }
}

#[tokio::test]
async fn headers_and_bodies_that_an_endpoint_does_not_read_are_ignored() {
    let world = World::new().await;
    import(&world, &[card(1, "card")], &[]).await;
    let body = b"\xff not { JSON".to_vec();
    let call = world.get("/api/access-ids/1").body(body);
    call.header("idempotency-key", "").header("content-type", "text/plain").header("x-a", "é\t").await.ok();
    let call = world.post("/api/access-ids", rfid("tag", "Card"));
    call.header("content-type", "application/x-www-form-urlencoded").await.created();
    let call = world.patch("/api/access-ids/1", json!({"accessId": {"name": "Other"}}));
    call.header("idempotency-key", "ä").header("content-type", "").await.ok();
}
