//! The events that API Gateway (HTTP API, payload 2.0) and function URLs send.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// An HTTP API as API Gateway runs it: its routes, each with the name of the function that it leads to.
pub struct HttpApi {
    paths: matchit::Router<Path>,
}

/// A path of the API.
struct Path {
    /// The path as it was given, with parameters in braces.
    template: &'static str,
    /// The methods with their functions.
    functions: Vec<(String, &'static str)>,
}

impl HttpApi {
    /// An API with these routes: method, path with parameters in braces (`/api/vehicles/{id}`), and function.
    ///
    /// # Panics
    /// When two of the paths contradict each other.
    pub fn new<M: AsRef<str>>(routes: impl IntoIterator<Item = (M, &'static str, &'static str)>) -> HttpApi {
        let mut by_path: BTreeMap<&str, Vec<(String, &str)>> = BTreeMap::new();
        for (method, path, function) in routes {
            by_path.entry(path).or_default().push((method.as_ref().to_owned(), function));
        }
        let mut paths = matchit::Router::new();
        for (template, functions) in by_path {
            if let Err(error) = paths.insert(template, Path { template, functions }) {
                panic!("{template}: {error}");
            }
        }
        HttpApi { paths }
    }

    /// The function that a request leads to; none if no route matches.
    pub fn function(&self, method: &str, path: &str) -> Option<&'static str> {
        let functions = &self.paths.at(path).ok()?.value.functions;
        functions.iter().find(|(known, _)| known == method).map(|(_, function)| *function)
    }

    /// The event for a request, as the API of the deployment sends it. `path` and `query` are percent-encoded, as on the
    /// wire. A route gives the event its route key and the decoded path parameters. A request without a route gets the
    /// route key `$default`, as the deployment has such a route.
    pub fn event(&self, method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let mut event = event(method, path, query, headers, body);
        if self.function(method, path).is_some()
            && let Ok(found) = self.paths.at(path)
        {
            let route_key = format!("{method} {}", found.value.template);
            event["requestContext"]["routeKey"] = route_key.as_str().into();
            event["routeKey"] = route_key.into();
            let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value).into()));
            let parameters: Map<String, Value> = parameters.collect();
            if !parameters.is_empty() {
                event["pathParameters"] = parameters.into();
            }
        }
        event
    }
}

/// A part of a path without percent-encoding. In a path, unlike in a query, a plus stands for itself.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B");
    form_urlencoded::parse(text.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

/// The event for a request to a function URL. `path` and `query` are percent-encoded, as on the wire.
pub fn function_url_event(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let mut event = event(method, path, query, headers, body);
    let host = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws";
    event["requestContext"]["domainName"] = host.into();
    event["requestContext"]["domainPrefix"] = host.split('.').next().into();
    event
}

/// What both kinds of events have in common.
fn event(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    // API Gateway and function URLs join the values of a repeated header or parameter with commas.
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

    fn api() -> HttpApi {
        HttpApi::new([
            ("GET", "/api/access-ids", "list"),
            ("GET", "/api/access-ids/{id}", "get"),
            ("PATCH", "/api/access-ids/{id}", "update"),
        ])
    }

    #[test]
    fn an_api_event_has_the_shape_of_payload_2() {
        let headers = [("Authorization", "Bearer x"), ("X-A", "1"), ("x-a", "2")];
        let event = api().event("GET", "/api/access-ids/1%202+", "limit=1&limit=2&q=%C3%A4", &headers, b"");
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "GET /api/access-ids/{id}");
        assert_eq!(event["requestContext"]["routeKey"], "GET /api/access-ids/{id}");
        assert_eq!(event["pathParameters"], json!({ "id": "1 2+" }));
        assert_eq!(event["rawPath"], "/api/access-ids/1%202+");
        assert_eq!(event["queryStringParameters"], json!({ "limit": "1,2", "q": "ä" }));
        assert_eq!(event["headers"]["authorization"], "Bearer x");
        assert_eq!(event["headers"]["x-a"], "1,2");
        assert_eq!(event["requestContext"]["http"]["method"], "GET");
        assert_eq!(event.get("body"), None);
        assert_eq!(api().event("GET", "/api/access-ids", "", &[], b"").get("pathParameters"), None);
    }

    #[test]
    fn a_request_leads_to_the_function_of_its_method_and_path() {
        for (method, path, function) in [
            ("GET", "/api/access-ids", "list"),
            ("GET", "/api/access-ids/1", "get"),
            ("PATCH", "/api/access-ids/%20", "update"),
        ] {
            assert_eq!(api().function(method, path), Some(function), "{method} {path}");
        }
    }

    #[test]
    fn a_request_without_a_route_gets_the_default_route_key() {
        for (method, path) in [
            ("DELETE", "/api/access-ids/1"),
            ("GET", "/api/access-ids/"),
            ("GET", "/api/access-ids/1/"),
            ("GET", "//api/access-ids"),
            ("GET", "/"),
            ("GET", ""),
        ] {
            let event = api().event(method, path, "", &[], b"");
            assert_eq!(
                (&event["routeKey"], event.get("pathParameters")),
                (&json!("$default"), None),
                "{method} {path}"
            );
            assert_eq!(api().function(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_sent_as_base64() {
        let event = function_url_event("POST", "/secret", "", &[], b"\xff\xfe");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("//4="), &json!(true)));
        let event = function_url_event("POST", "/secret", "", &[], b"{}");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    }
}
