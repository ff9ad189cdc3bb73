//! What a function answers, as its caller would get it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// An HTTP response, as the function's caller would get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case. The values of a repeated one are joined by commas.
    pub headers: BTreeMap<String, String>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

/// The response of a function to API Gateway (payload 2.0) or to a function URL. Everything but the status may be left out
/// or null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

impl Response {
    /// The body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Reads what a function hands to API Gateway or to its function URL. The error says why it is no HTTP response.
    pub(crate) fn read(answer: &[u8]) -> Result<Response, String> {
        let invalid = |error: &dyn std::fmt::Display| format!("{error}: {}", String::from_utf8_lossy(answer));
        let answer: Answer = serde_json::from_slice(answer).map_err(|error| invalid(&error))?;
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        // A header in both maps has all of its values in the second.
        headers.extend(lower_case(answer.headers));
        let several = lower_case(answer.multi_value_headers).map(|(name, values)| (name, values.join(",")));
        headers.extend(several);
        if let Some(cookies) = answer.cookies.filter(|cookies| !cookies.is_empty()) {
            headers.insert("set-cookie".into(), cookies.join(","));
        }
        let body = answer.body.unwrap_or_default();
        let body = match answer.is_base64_encoded {
            Some(true) => BASE64_STANDARD.decode(body).map_err(|error| invalid(&error))?,
            _ => body.into_bytes(),
        };
        Ok(Response { status: answer.status_code, headers, body })
    }
}

fn lower_case<T>(headers: Option<BTreeMap<String, T>>) -> impl Iterator<Item = (String, T)> {
    headers.into_iter().flatten().map(|(name, value)| (name.to_ascii_lowercase(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(answer: &Value) -> Result<Response, String> {
        Response::read(answer.to_string().as_bytes())
    }

    #[test]
    fn a_response_is_read_with_its_body_decoded() {
        let answer = json!({
            "statusCode": 200, "headers": { "Content-Type": "x" }, "body": "//4=", "isBase64Encoded": true
        });
        let response = read(&answer).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, b"\xff\xfe".as_slice()));
        assert_eq!(response.headers["content-type"], "x");
        assert!(Response::read(br#"{"errorType":"x"}"#).is_err_and(|error| error.ends_with(r#": {"errorType":"x"}"#)));
    }

    #[test]
    fn a_response_may_leave_out_all_but_the_status() {
        let absent = read(&json!({ "statusCode": 204 })).unwrap();
        let null = json!({
            "statusCode": 204, "headers": null, "multiValueHeaders": null, "cookies": null, "body": null,
            "isBase64Encoded": null
        });
        assert_eq!(read(&null).unwrap(), absent);
        assert_eq!((absent.headers.len(), absent.body.len()), (0, 0));
    }

    #[test]
    fn repeated_headers_are_joined() {
        let answer = json!({
            "statusCode": 200, "headers": { "Location": "/a", "vary": "a" }, "multiValueHeaders": { "Vary": ["a", "b"] },
            "cookies": ["c=1", "d=2"]
        });
        let expected = [("location", "/a"), ("set-cookie", "c=1,d=2"), ("vary", "a,b")];
        let headers = read(&answer).unwrap().headers;
        assert_eq!(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
    }
}
