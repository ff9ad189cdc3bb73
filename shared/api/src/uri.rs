//! Keeps `lambda_http` from panicking over what a client may write.
//!
//! It makes a URI of the event's `Host`, `X-Forwarded-Proto`, path and query, and unwraps it. Nobody here reads scheme and
//! host, so they are left out. The query of a client may hold characters that a URI must not (`"`, `<`, `>`), and whether
//! API Gateway refuses or encodes them is not documented, so they are encoded here. That changes no value.

use lambda_http::{http::header::HOST, request::LambdaRequest};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a query must not hold as it is.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Makes the event one that `lambda_http` takes.
pub fn repair(event: &mut LambdaRequest) {
    if let LambdaRequest::ApiGatewayV2(event) = event {
        event.headers.remove(HOST);
        event.request_context.domain_name = None;
        if let Some(query) = &mut event.raw_query_string {
            *query = utf8_percent_encode(query, QUERY).to_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::{Request, RequestExt as _};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_client_writes_becomes_a_request(
            path in "(/[\\PC\\x00-\\x7f]{0,20})?", query in "[\\PC\\x00-\\x7f]{0,20}", host in "\\PC*", scheme in "\\PC*",
        ) {
            let mut event = serde_json::from_value(json!({
                "rawPath": path, "rawQueryString": query, "headers": { "host": host, "x-forwarded-proto": scheme },
                "requestContext": { "domainName": host, "http": { "method": "GET" } },
            })).unwrap();
            repair(&mut event);
            let request = Request::from(event);
            prop_assert_eq!(request.raw_http_path(), path);
            let read = |query: &str| form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>();
            prop_assert_eq!(read(request.uri().query().unwrap_or_default()), read(&query));
        }
    }
}
