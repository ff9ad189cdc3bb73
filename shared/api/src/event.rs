//! What function URLs send to the authorizer, as much of it as the authorizer looks at.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// The largest body that is looked at, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// A request as Lambda delivers it. What is null counts as left out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Event {
    raw_path: Option<String>,
    headers: Option<Headers>,
    request_context: Option<RequestContext>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// Names are in lower case: API Gateway and function URLs send them so. A header given twice arrives as one, joined.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Headers {
    authorization: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestContext {
    http: Option<Http>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Http {
    method: Option<String>,
}

/// The body is larger than [`MAX_BODY`].
pub(crate) struct TooLarge;

impl Event {
    pub fn method(&self) -> &str {
        let http = self.request_context.as_ref().and_then(|context| context.http.as_ref());
        http.and_then(|http| http.method.as_deref()).unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.raw_path.as_deref().unwrap_or_default()
    }

    /// The token of `Authorization: Bearer {token}`, the scheme in any case.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.headers.as_ref()?.authorization.as_deref()?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
    }

    /// The body's bytes. A body that is said to be base64 and is not counts as empty: no client can send one.
    pub fn body(&self) -> Result<Vec<u8>, TooLarge> {
        let text = self.body.as_deref().unwrap_or_default();
        let bytes = if self.is_base64_encoded.unwrap_or_default() {
            if text.len() > MAX_BODY * 2 {
                return Err(TooLarge);
            }
            STANDARD.decode(text).unwrap_or_default()
        } else {
            text.as_bytes().to_vec()
        };
        if bytes.len() > MAX_BODY { Err(TooLarge) } else { Ok(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: serde_json::Value) -> Event {
        serde_json::from_value(value).unwrap()
    }

    fn authorization(value: &str) -> Event {
        event(json!({"headers": {"authorization": value}}))
    }

    #[test]
    fn the_bearer_token() {
        for header in ["Bearer abc", "bearer abc", "BEARER  abc", " Bearer abc "] {
            assert_eq!(authorization(header).bearer(), Some("abc"), "{header:?}");
        }
        for header in ["", "Bearer", "abc", "Basic abc", "Bearerabc"] {
            assert_eq!(authorization(header).bearer(), None, "{header:?}");
        }
        assert_eq!(event(json!({"headers": null})).bearer(), None);
        assert_eq!(event(json!({})).bearer(), None);
    }

    #[test]
    fn bodies() {
        assert_eq!(event(json!({"body": "a", "isBase64Encoded": false})).body().ok(), Some(b"a".to_vec()));
        assert_eq!(event(json!({"body": "/w==", "isBase64Encoded": true})).body().ok(), Some(vec![255]));
        assert_eq!(event(json!({"body": "?", "isBase64Encoded": true})).body().ok(), Some(vec![]));
        assert_eq!(event(json!({})).body().ok(), Some(vec![]));
        assert!(event(json!({"body": "x".repeat(MAX_BODY)})).body().is_ok());
        assert!(event(json!({"body": "x".repeat(MAX_BODY + 1)})).body().is_err());
        let encoded = |bytes: usize| json!({"body": STANDARD.encode(vec![0; bytes]), "isBase64Encoded": true});
        assert!(event(encoded(MAX_BODY)).body().is_ok());
        assert!(event(encoded(MAX_BODY + 1)).body().is_err());
        assert!(event(encoded(MAX_BODY * 8)).body().is_err());
    }
}
