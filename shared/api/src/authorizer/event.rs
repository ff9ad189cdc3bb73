//! What a function URL sends (payload 2.0), as far as the authorizer looks at it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// The largest body that is looked at, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

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

/// Function URLs send the names in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Headers {
    authorization: Option<String>,
    #[serde(rename = "x-edge-secret")]
    edge_secret: Option<String>,
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

    /// What an edge in front of the function URL shows.
    pub fn edge_secret(&self) -> Option<&[u8]> {
        self.headers.as_ref()?.edge_secret.as_deref().map(str::as_bytes)
    }

    /// The body's bytes, `None` if they are more than [`MAX_BODY`]. A body that is said to be base64 and is not counts as
    /// empty: no client can send one.
    pub fn body(&self) -> Option<Vec<u8>> {
        let text = self.body.as_deref().unwrap_or_default();
        let bytes = match self.is_base64_encoded {
            Some(true) if text.len() > MAX_BODY * 2 => return None,
            Some(true) => STANDARD.decode(text).unwrap_or_default(),
            _ => text.as_bytes().to_vec(),
        };
        (bytes.len() <= MAX_BODY).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(value: Value) -> Event {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_bearer_token() {
        let bearer = |value: &str| event(json!({"headers": {"authorization": value}})).bearer().map(str::to_owned);
        for header in ["Bearer abc", "bearer abc", "BEARER  abc", " Bearer abc "] {
            assert_eq!(bearer(header).as_deref(), Some("abc"), "{header:?}");
        }
        for header in ["", "Bearer", "abc", "Basic abc", "Bearerabc"] {
            assert_eq!(bearer(header), None, "{header:?}");
        }
        assert_eq!(event(json!({"headers": null})).bearer(), None);
        assert_eq!(event(json!({})).bearer(), None);
    }

    #[test]
    fn the_secret_of_the_edge() {
        let shown = |headers: Value| event(json!({ "headers": headers })).edge_secret().map(<[u8]>::to_vec);
        assert_eq!(shown(json!({ crate::edge::HEADER: "abc" })), Some(b"abc".to_vec()));
        assert_eq!(shown(json!({})), None);
    }

    #[test]
    fn bodies() {
        assert_eq!(event(json!({"body": "a", "isBase64Encoded": false})).body(), Some(b"a".to_vec()));
        assert_eq!(event(json!({"body": "/w==", "isBase64Encoded": true})).body(), Some(vec![255]));
        assert_eq!(event(json!({"body": "?", "isBase64Encoded": true})).body(), Some(vec![]));
        assert_eq!(event(json!({})).body(), Some(vec![]));
        assert!(event(json!({"body": "x".repeat(MAX_BODY)})).body().is_some());
        assert!(event(json!({"body": "x".repeat(MAX_BODY + 1)})).body().is_none());
        let encoded = |bytes: usize| json!({"body": STANDARD.encode(vec![0; bytes]), "isBase64Encoded": true});
        assert!(event(encoded(MAX_BODY)).body().is_some());
        assert!(event(encoded(MAX_BODY + 1)).body().is_none());
        assert!(event(encoded(MAX_BODY * 8)).body().is_none());
    }
}
