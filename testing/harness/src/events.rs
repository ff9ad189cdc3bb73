//! The events that API Gateway (HTTP API, payload 2.0) and function URLs send.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// An event as the HTTP API of the deployment sends it. `path` and `query` are as on the wire, percent-encoded.
///
/// A path and method of the API give its route key and path parameters; anything else is `$default`, the route of what
/// matches no other.
pub fn http_event(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let mut event = event(method, path, query, headers, body);
    let (route_key, parameters) = route(method, path);
    event["requestContext"]["routeKey"] = route_key.as_str().into();
    event["routeKey"] = route_key.into();
    if let Some(id) = parameters {
        event["pathParameters"] = json!({ "id": id });
    }
    event
}

/// An event as a function URL sends it.
pub fn function_url_event(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let mut event = event(method, path, query, headers, body);
    let host = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws";
    event["requestContext"]["domainName"] = host.into();
    event["requestContext"]["domainPrefix"] = host.split('.').next().into();
    event
}

/// The route key and the path's id, decoded, as the gateway hands them over.
fn route(method: &str, path: &str) -> (String, Option<String>) {
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET" | "POST", ["", "api", "access-ids" | "vehicles"]) => (format!("{method} {path}"), None),
        ("GET" | "PATCH", ["", "api", collection @ ("access-ids" | "vehicles"), id]) if !id.is_empty() => {
            // In a path a plus is a plus.
            let id = form_urlencoded::parse(id.replace('+', "%2B").as_bytes()).next().map(|(id, _)| id.into_owned());
            (format!("{method} /api/{collection}/{{id}}"), id)
        }
        _ => ("$default".into(), None),
    }
}

fn event(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    // Both join what is given more than once by commas.
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    let lower_case = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value));
    for (name, value) in lower_case.chain([("host".into(), "localhost"), ("x-forwarded-proto".into(), "https")]) {
        joined.entry(name).and_modify(|values| *values = format!("{values},{value}")).or_insert_with(|| value.into());
    }
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match parameters.get(name.as_ref()).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value.into_owned(),
        };
        parameters.insert(name.into_owned(), value.into());
    }

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": joined,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "harness",
            },
            "requestId": format!("request-{}", now.as_nanos()),
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": u64::try_from(now.as_millis()).unwrap_or_default(),
        },
        "isBase64Encoded": false,
    });
    if !parameters.is_empty() {
        event["queryStringParameters"] = parameters.into();
    }
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => event["body"] = text.into(),
        Err(_) => {
            event["body"] = BASE64_STANDARD.encode(body).into();
            event["isBase64Encoded"] = true.into();
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_event_has_the_shape_of_payload_2() {
        let headers = [("Authorization", "Bearer x"), ("X-A", "1"), ("x-a", "2")];
        let event = http_event("GET", "/api/access-ids/1%202+", "limit=1&limit=2&q=%C3%A4", &headers, b"");
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "GET /api/access-ids/{id}");
        assert_eq!(event["pathParameters"], json!({ "id": "1 2+" }));
        assert_eq!(event["rawPath"], "/api/access-ids/1%202+");
        assert_eq!(event["queryStringParameters"], json!({ "limit": "1,2", "q": "ä" }));
        assert_eq!(event["headers"]["authorization"], "Bearer x");
        assert_eq!(event["headers"]["x-a"], "1,2");
        assert_eq!(event["requestContext"]["http"]["method"], "GET");
        assert_eq!(event.get("body"), None);
    }

    #[test]
    fn what_matches_no_route_is_default() {
        for (method, path) in [("DELETE", "/api/access-ids/1"), ("GET", "/api/access-ids/"), ("GET", "/")] {
            assert_eq!(http_event(method, path, "", &[], b"")["routeKey"], "$default", "{method} {path}");
        }
    }

    #[test]
    fn a_body_that_is_no_text_is_base64() {
        let event = function_url_event("POST", "/secret", "", &[], b"\xff\xfe");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("//4="), &json!(true)));
        let event = function_url_event("POST", "/secret", "", &[], b"{}");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    }
}
