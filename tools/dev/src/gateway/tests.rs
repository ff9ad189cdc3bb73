//! The gateway over a stand-in for `cargo lambda watch`.

use super::*;
use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Plays `cargo lambda watch`: answers with what it was sent.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("visible ASCII").to_owned()))
        .collect();
    let body = body.collect().await.unwrap().to_bytes().len();
    let seen = json!({ "uri": parts.uri.to_string(), "headers": headers, "body": body });
    (StatusCode::CREATED, [("location", "/x"), ("lambda-runtime-aws-request-id", "1")], seen.to_string())
        .into_response()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A gateway, and `cargo lambda watch` behind it if it is open.
async fn start(open: bool) -> SocketAddr {
    let (listener, address) = listen().await;
    let gateway = Gateway::new(address);
    if open {
        let (listener, watch) = listen().await;
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(echo)).await });
        gateway.open(watch);
    }
    tokio::spawn(gateway.serve(listener));
    address
}

/// Sends these bytes and reads the answer: its head and its body.
async fn send(gateway: SocketAddr, request: &[u8]) -> (String, Value) {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

fn header<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
    let headers = seen["headers"].as_array().unwrap();
    headers.iter().find(|header| header[0] == name).map(|header| header[1].as_str().unwrap())
}

#[tokio::test]
async fn a_request_reaches_its_function_and_the_answer_its_client() {
    let gateway = start(true).await;
    let request = b"PATCH /api/access-ids/5%20?a=%2B HTTP/1.1\r\nhost: example.org:1\r\ncontent-length: 2\r\n\
        connection: close, x-hop\r\nx-hop: 1\r\nx-twice: 1\r\nx-twice: 2\r\nlambda-runtime-aws-request-id: mine\r\n\
        content-type: application/json\r\n\r\n{}";
    let (head, seen) = send(gateway, request).await;
    assert!(head.starts_with("HTTP/1.1 201") && head.contains("location: /x") && !head.contains("lambda-runtime"));
    assert_eq!(
        (&seen["uri"], &seen["body"]),
        (&json!("/lambda-url/update-access-id/api/access-ids/5%20?a=%2B"), &json!(2))
    );
    assert_eq!(header(&seen, "host"), Some("example.org:1"));
    assert_eq!(header(&seen, "x-twice"), Some("1,2"));
    assert_eq!(header(&seen, "content-type"), Some("application/json"));
    for name in ["x-hop", "connection", "lambda-runtime-aws-request-id"] {
        assert_eq!(header(&seen, name), None, "{name}");
    }
}

#[tokio::test]
async fn what_watch_cannot_take_is_made_so_that_it_can() {
    let gateway = start(true).await;
    let request = b"DELETE /api/vehicles/1 HTTP/1.1\r\nhost: not a host\r\ncontent-length: 1\r\nconnection: close\r\n\
        authorization: Bearer \xc3\xa9\r\ncontent-type: application/json\r\n\r\n\xff";
    let (_, seen) = send(gateway, request).await;
    assert_eq!(seen["uri"], "/lambda-url/delete-vehicle/api/vehicles/1");
    assert_eq!(header(&seen, "authorization"), Some(""));
    assert_eq!(header(&seen, "content-type"), Some("application/octet-stream"));
    assert_eq!(header(&seen, "host"), Some(gateway.to_string().as_str()));
}

#[tokio::test]
async fn a_body_above_lambdas_limit_is_413_and_the_largest_passes() {
    let gateway = start(true).await;
    for (length, status) in [(MAX_BODY, "201"), (MAX_BODY + 1, "413")] {
        let head =
            format!("POST /api/vehicles HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        let (head, body) = send(gateway, &[head.as_bytes(), &vec![b' '; length]].concat()).await;
        assert_eq!(head.split(' ').nth(1), Some(status));
        assert_eq!(body["code"] == "payload_too_large", status == "413");
    }
}

#[tokio::test]
async fn before_the_functions_run_it_says_so() {
    let gateway = start(false).await;
    let (head, body) = send(gateway, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after: 1"));
    assert_eq!(body["code"], "service_unavailable");
}

#[test]
fn requests_go_where_the_deployed_api_sends_them() {
    for (method, path, expected) in [
        ("GET", "/api/access-ids", "list-access-ids/api/access-ids"),
        ("POST", "/api/access-ids", "create-access-id/api/access-ids"),
        ("GET", "/api/access-ids/1", "get-access-id/api/access-ids/1"),
        ("GET", "/api/access-ids/%31%32", "get-access-id/api/access-ids/12"),
        ("DELETE", "/api/access-ids/1", "delete-access-id/api/access-ids/1"),
        ("PATCH", "/api/vehicles/x%2Fy", "update-vehicle/api/vehicles/x%2Fy"),
        ("PATCH", "/api/vehicles/%ff%00%25", "update-vehicle/api/vehicles/%FF%00%25"),
        ("POST", "/lambda-url/rfid-authorizer/secret", "rfid-authorizer/secret"),
        ("GET", "/lambda-url/rfid-authorizer", "rfid-authorizer"),
        ("GET", "/console", "console/console"),
        ("HEAD", "/console/app.js", "console/console/app.js"),
        ("GET", "/docs/docs.js", "console/docs/docs.js"),
        ("GET", "/openapi.json", "console/openapi.json"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(target(&method, path), format!("/lambda-url/{expected}"), "{method} {path}");
    }
    for (method, path) in [
        ("DELETE", "/api/access-ids"),
        ("HEAD", "/api/access-ids"),
        ("GET", "/api/access-ids/"),
        ("GET", "//api/access-ids"),
        ("GET", "/api/access-ids/1/2"),
        ("POST", "/console"),
        ("GET", "/console/a/b"),
        ("GET", "/api"),
        ("POST", "/lambda-url/create-access-id/"),
        ("POST", "/lambda-url/rfid-authorizers"),
        ("POST", "/2015-03-31/functions/create-access-id/invocations"),
        ("GET", "/"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(target(&method, path), format!("/lambda-url/get-access-id{path}"), "{method} {path}");
    }
}

#[test]
fn a_line_tells_the_outcome_and_neither_secret_nor_tag() {
    let secret = format!("rfid_abcdefghijkl_{}", "x".repeat(43));
    for prefix in ["/lambda-url/rfid-authorizer", "/rfid"] {
        assert_eq!(shown(&format!("{prefix}/{secret}")), format!("{prefix}/…"));
    }
    assert_eq!(shown("/api/access-ids/9007199254740991"), "/api/access-ids/9007199254740991");
    assert_eq!(shown("/api/access-ids/04e1a2b3"), "/api/access-ids/…");

    let of = |status: u16, body: Value| {
        outcome(&Response::builder().status(status).header(LOCATION, "/x").body(body.to_string().into()).unwrap())
    };
    assert_eq!(of(403, json!({ "authorized": false, "reason": "revoked" })), "/x revoked");
    assert_eq!(of(409, json!({ "code": "tag_taken", "requestId": "1" })), "/x tag_taken");
    assert_eq!(of(503, json!({ "code": "service_unavailable", "requestId": "1" })), "/x service_unavailable 1");
    assert_eq!(outcome(&Response::new(Bytes::new())), "");
}
