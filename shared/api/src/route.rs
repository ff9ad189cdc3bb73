//! What an endpoint states of itself: where it is, which function answers it, and what it asks of a request.

use lambda_http::{
    Request, RequestExt as _,
    http::{HeaderValue, Method, header::AUTHORIZATION},
    request::RequestContext,
};
use store::{Credential, Scope};

use crate::edge;

/// One endpoint of the management API. Written once, beside its handler.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name of the function and of its binary.
    pub function: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path as API Gateway has it, with `{id}` in place of a record's number.
    pub path: &'static str,
    /// The scopes whose credentials open the endpoint.
    pub scopes: &'static [Scope],
    /// The length of the largest body that is read, in bytes. A larger one is answered with 413.
    pub body_limit: usize,
}

impl Route {
    /// The scopes for an endpoint that only reads.
    pub const READING: &'static [Scope] = &[Scope::Api, Scope::View];

    /// An endpoint for bodies of up to 64 KiB. A credential of scope `api` opens it; one of scope `view` does if the method is
    /// GET, by which nothing may be changed.
    pub const fn new(function: &'static str, method: Method, path: &'static str) -> Self {
        let scopes = match method {
            Method::GET => Self::READING,
            _ => &[Scope::Api],
        };
        Self { function, method, path, scopes, body_limit: 64 * 1024 }
    }

    /// The same for the credentials of these scopes.
    #[must_use]
    pub const fn for_scopes(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = scopes;
        self
    }

    /// The same for bodies of up to so many bytes.
    #[must_use]
    pub const fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The operation's name in the API's document: `getAccessId` of the function `get-access-id`.
    pub fn operation(&self) -> String {
        let mut words = self.function.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| {
            let mut letters = word.chars();
            name + &letters.next().unwrap_or_default().to_uppercase().to_string() + letters.as_str()
        })
    }

    /// Whether the request is for this endpoint. API Gateway says so in the route key. Where that is `$default`, as under
    /// `cargo lambda watch`, method and path decide.
    pub fn is_of(&self, request: &Request) -> bool {
        if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref()
            && context.route_key.as_deref().and_then(|key| key.split_once(' '))
                == Some((self.method.as_str(), self.path))
        {
            return true;
        }
        let mut segments = request.raw_http_path().split('/');
        let matches = self.path.split('/').all(|expected| match segments.next() {
            Some(segment) if expected.starts_with('{') => !segment.is_empty(),
            segment => segment == Some(expected),
        });
        matches && segments.next().is_none() && request.method() == self.method
    }

    /// The credential that the request shows in `Authorization: Bearer {token}`, the scheme in any case, if it has one of
    /// the endpoint's scopes. Whether it is valid, the table knows.
    pub fn credential(&self, request: &Request) -> Option<Credential> {
        if !edge::admits(request.headers().get(edge::HEADER).map(HeaderValue::as_bytes)) {
            return None;
        }
        let header = std::str::from_utf8(request.headers().get(AUTHORIZATION)?.as_bytes()).ok()?;
        let (scheme, token) = header.trim().split_once(' ')?;
        let token = Some(token.trim_start()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
        self.scopes.iter().find_map(|scope| Credential::parse(token, *scope))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(event: Value) -> Request {
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    const ROUTE: Route = Route::new("get-access-id", Method::GET, "/api/access-ids/{id}");

    #[test]
    fn the_bearer_token() {
        let token = format!("api_abc123DEF456_{}", "a".repeat(43));
        let credential = |authorization: &str| {
            let headers = json!({"authorization": authorization.replace("TOKEN", &token)});
            ROUTE.credential(&request(json!({"headers": headers, "requestContext": {"http": {"method": "GET"}}})))
        };
        for header in ["Bearer TOKEN", "bearer TOKEN", "BEARER  TOKEN", " Bearer TOKEN "] {
            assert_eq!(credential(header), Credential::parse(&token, Scope::Api), "{header:?}");
            assert!(credential(header).is_some());
        }
        for header in ["", "Bearer", "TOKEN", "Basic TOKEN", "BearerTOKEN", "Bearer r\u{e9}", "Bearer rfid_TOKEN"] {
            assert_eq!(credential(header), None, "{header:?}");
        }
        assert_eq!(ROUTE.credential(&request(json!({"requestContext": {"http": {"method": "GET"}}}))), None);
    }

    #[test]
    fn get_is_for_those_who_view_and_no_other_method_is_unless_its_route_says_so() {
        assert_eq!(ROUTE.scopes, [Scope::Api, Scope::View]);
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let route = Route::new("function", method, "/path");
            assert_eq!(route.scopes, [Scope::Api]);
            assert_eq!(route.for_scopes(Route::READING).scopes, [Scope::Api, Scope::View]);
        }
    }

    #[test]
    fn an_operation_is_named_after_its_function() {
        assert_eq!(ROUTE.operation(), "getAccessId");
        assert_eq!(Route::new("console", Method::GET, "/").operation(), "console");
    }

    #[test]
    fn routes() {
        let is_of = |method: &str, path: &str| {
            let context = json!({"routeKey": "$default", "http": {"method": method}});
            ROUTE.is_of(&request(json!({"rawPath": path, "requestContext": context})))
        };
        assert!(is_of("GET", "/api/access-ids/1") && is_of("GET", "/api/access-ids/x"));
        assert!(!is_of("PUT", "/api/access-ids/1") && !is_of("GET", "/api/access-ids"));
        assert!(!is_of("GET", "/api/access-ids/") && !is_of("GET", "/api/access-ids/1/"));
        assert!(!is_of("GET", "//api/access-ids/1") && !is_of("GET", "/api/vehicles/1") && !is_of("GET", ""));
        let context = json!({"routeKey": "GET /api/access-ids/{id}", "stage": "fleet", "http": {"method": "GET"}});
        assert!(ROUTE.is_of(&request(json!({"rawPath": "/fleet/api/access-ids/1", "requestContext": context}))));
    }
}
