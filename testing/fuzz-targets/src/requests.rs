//! What a client sends, and what Lambda makes of it.

use std::{collections::BTreeSet, sync::LazyLock};

use api::{Error, Method, Problems, Query, Scope, filters, respond, uri};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::OcppIdTag;
use lambda_http::{Request, RequestExt as _};
use serde_json::{Value, json};

/// Any JSON as an event of the authorizer.
pub fn event(data: &[u8]) {
    let Some((credential, asked)) = api::asked(data) else { return };
    assert!(credential.as_ref().is_none_or(|credential| credential.scope == Scope::Rfid));
    let Ok(mut event) = serde_json::from_slice::<Value>(data) else { return };
    let is_post = event["requestContext"]["http"]["method"] == "POST";
    match &asked {
        Ok(_) => assert!(is_post),
        Err(Error::MethodNotAllowed) => assert!(!is_post),
        Err(Error::PayloadTooLarge(limit)) => assert!(is_post && data.len() > *limit),
        Err(Error::Invalid(problems)) => _ = check_refusal(problems),
        Err(error) => panic!("{error:?}"),
    }
    leave_nulls_out(&mut event);
    assert_eq!(api::asked(event.to_string().as_bytes()), Some((credential, asked)), "null counts as left out");
}

fn leave_nulls_out(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.retain(|_, value| !value.is_null());
    fields.values_mut().for_each(leave_nulls_out);
}

/// Thor's message. A second reader finds the same: `serde_json`, which too takes the last of repeated keys.
pub fn rfid_body(data: &[u8]) {
    let (body, is_encoded) = body_of_event(data);
    let event = json!({
        "requestContext": { "http": { "method": "POST" } }, "body": body, "isBase64Encoded": is_encoded,
    });
    let Some((None, asked)) = api::asked(event.to_string().as_bytes()) else { panic!("no event: {event}") };
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let message = serde_json::from_slice::<Value>(data).ok();
    if message.is_none() && asked.is_ok() {
        return; // Too deep for a `Value`, or a number too large for it.
    }
    let text = |key: &str| message.as_ref()?.get(key)?.as_str();
    let wrong: BTreeSet<&str> = match &message {
        Some(Value::Object(_)) => {
            let is_right = [
                ("msg", text("msg") == Some("rfid")),
                ("id", text("id").is_some()),
                ("chargebox", text("chargebox").is_some()),
                ("type", matches!(text("type"), Some("authorize" | "start"))),
            ];
            is_right.into_iter().filter(|(_, is_right)| !is_right).map(|(key, _)| key).collect()
        }
        _ => [""].into(),
    };
    match asked {
        Ok(tag) => {
            assert_eq!(wrong, BTreeSet::new());
            assert_eq!(tag, OcppIdTag::normalize(text("id").unwrap_or_default()).ok());
        }
        Err(Error::PayloadTooLarge(limit)) => assert!(data.len() > limit),
        Err(Error::Invalid(problems)) => {
            check_refusal(&problems);
            let named: BTreeSet<&str> = problems.0.iter().map(|problem| problem.field.as_str()).collect();
            // What a `Value` cannot hold may hide further problems.
            assert!(named == wrong || message.is_none());
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// A request as a client may write it, in lines: method, path, query, `Authorization`, `Idempotency-Key`, and the body
/// after them. Whatever it is that a gateway lets through, `lambda_http` makes a request of it that says what the client
/// wrote, and it is for the routes that its path matches.
pub fn request(data: &[u8]) {
    let mut lines = data.splitn(6, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, path, query, authorization, key) = (line(), format!("/{}", line()), line(), line(), line());
    let body = lines.next().unwrap_or_default();
    let (text, is_encoded) = body_of_event(body);
    let mut event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query,
        "headers": { "authorization": authorization, "idempotency-key": key, "host": authorization },
        "requestContext": { "routeKey": "$default", "http": { "method": method } },
        "body": text, "isBase64Encoded": is_encoded,
    });
    let read = |event: &Value| {
        let mut event = serde_json::from_value(event.clone()).ok()?;
        uri::repair(&mut event);
        Some(Request::from(event))
    };
    // It has no method, or a control character in a header: no client can send that.
    let Some(by_path) = read(&event) else { return };
    assert_eq!((by_path.raw_http_path(), &**by_path.body()), (&*path, body));
    assert_eq!(by_path.headers()["idempotency-key"].as_bytes(), key.as_bytes());
    let queried = by_path.uri().query().unwrap_or_default();
    assert!(form_urlencoded::parse(queried.as_bytes()).eq(form_urlencoded::parse(query.as_bytes())));
    if let Err(problems) = Query::read(queried, filters::access_ids) {
        check_refusal(&problems);
    }
    let credential = functions::ROUTES[0].credential(&by_path);
    assert!(credential.is_none_or(|credential| [Scope::Api, Scope::View].contains(&credential.scope)));
    for (route, path_of_route) in functions::ROUTES.iter().zip(&*PATHS) {
        let is_expected = *by_path.method() == route.method && path_of_route.at(&path).is_ok();
        assert_eq!(route.is_of(&by_path), is_expected, "{method} {path}: {}", route.function);
        if is_expected {
            check_route_key(&mut event, &route.method, route.path, &read);
        }
    }
}

/// The gateway's word for the route does as well as the path, which has the stage's name before it there.
fn check_route_key(event: &mut Value, method: &Method, path: &str, read: &impl Fn(&Value) -> Option<Request>) {
    let mut event = event.clone();
    event["requestContext"]["routeKey"] = format!("{method} {path}").into();
    event["rawPath"] = format!("/stage{}", event["rawPath"].as_str().unwrap_or_default()).into();
    let by_key = read(&event).expect("it was read before");
    for route in &functions::ROUTES {
        assert_eq!(route.is_of(&by_key), (&route.method, route.path) == (method, path), "{}", route.function);
    }
}

/// The path of each route as another router reads it.
static PATHS: LazyLock<Vec<matchit::Router<()>>> = LazyLock::new(|| {
    let router = |path| {
        let mut router = matchit::Router::new();
        router.insert(path, ()).expect("a route has a path");
        router
    };
    functions::ROUTES.iter().map(|route| router(route.path)).collect()
});

/// A body as Lambda delivers it, and whether that is base64.
fn body_of_event(body: &[u8]) -> (String, bool) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    }
}

/// A refusal names what is wrong, and the answer that is made of it is whole. Its length in bytes.
pub(crate) fn check_refusal(problems: &Problems) -> usize {
    assert!(!problems.0.is_empty() && problems.0.iter().all(|problem| !problem.message.is_empty()));
    let response = respond::error(&Error::Invalid(problems.clone()), "r");
    assert_eq!(response.status().as_u16(), 400);
    let mut body: Value = serde_json::from_slice(response.body()).expect("an answer is JSON");
    let sentence = body["error"].take();
    assert!(sentence.as_str().is_some_and(|sentence| sentence.starts_with("The request is invalid: ")));
    let named = |problem: &api::Problem| json!({ "field": problem.field, "message": problem.message });
    let details: Vec<_> = problems.0.iter().map(named).collect();
    assert_eq!(body, json!({ "error": null, "code": "invalid_request", "requestId": "r", "details": details }));
    response.body().len()
}
