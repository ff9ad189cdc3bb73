//! What a function URL sends (payload 2.0), as far as the authorizer looks at it.

use std::{borrow::Cow, ops::Deref};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// The largest body that is looked at, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// A request as Lambda delivers it. What is null counts as left out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    raw_path: Option<Text<'a>>,
    #[serde(borrow)]
    headers: Option<Headers<'a>>,
    #[serde(borrow)]
    request_context: Option<RequestContext<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    is_base64_encoded: Option<bool>,
}

/// Function URLs send the names in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Headers<'a> {
    #[serde(borrow)]
    authorization: Option<Text<'a>>,
    #[serde(rename = "x-edge-secret", borrow)]
    edge_secret: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestContext<'a> {
    #[serde(borrow)]
    http: Option<Http<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Http<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
}

/// A text that is copied only if it was written with escapes. (serde copies every `Option<Cow<str>>`.)
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> Event<'a> {
    /// Reads an event. That it is UTF-8 is found out once, not for each of its strings.
    pub fn parse(json: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_str(str::from_utf8(json).map_err(serde::de::Error::custom)?)
    }

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
    pub fn body(&self) -> Option<Cow<'_, [u8]>> {
        let text = self.body.as_deref().unwrap_or_default();
        let bytes = match self.is_base64_encoded {
            Some(true) if text.len() > MAX_BODY * 2 => return None,
            Some(true) => Cow::Owned(STANDARD.decode(text).unwrap_or_default()),
            _ => Cow::Borrowed(text.as_bytes()),
        };
        (bytes.len() <= MAX_BODY).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The event that is written so, kept until the end of the test program.
    fn event(value: Value) -> Event<'static> {
        Event::parse(value.to_string().leak().as_bytes()).unwrap()
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
        assert_eq!(event(json!({"body": "a", "isBase64Encoded": false})).body().as_deref(), Some(&b"a"[..]));
        assert_eq!(event(json!({"body": "/w==", "isBase64Encoded": true})).body().as_deref(), Some(&[255][..]));
        assert_eq!(event(json!({"body": "?", "isBase64Encoded": true})).body().as_deref(), Some(&[][..]));
        assert_eq!(event(json!({})).body().as_deref(), Some(&[][..]));
        assert!(event(json!({"body": "x".repeat(MAX_BODY)})).body().is_some());
        assert!(event(json!({"body": "x".repeat(MAX_BODY + 1)})).body().is_none());
        let encoded = |bytes: usize| json!({"body": STANDARD.encode(vec![0; bytes]), "isBase64Encoded": true});
        assert!(event(encoded(MAX_BODY)).body().is_some());
        assert!(event(encoded(MAX_BODY + 1)).body().is_none());
        assert!(event(encoded(MAX_BODY * 8)).body().is_none());
    }
}
