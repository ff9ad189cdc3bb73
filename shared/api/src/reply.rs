//! What the RFID authorizer hands to the Runtime API.

use lambda_http::http::StatusCode;
use serde::{Serialize, Serializer};

use crate::{error::Error, respond::ErrorBody};

/// An answer: a status and a JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    #[serde(rename = "statusCode", serialize_with = "as_number")]
    status: StatusCode,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
    /// None, but `cargo lambda watch` takes no response that leaves them out.
    cookies: [&'static str; 0],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Headers {
    content_type: &'static str,
    /// Answers hold what a credential opens: nobody may keep them.
    cache_control: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    www_authenticate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<&'static str>,
}

impl Reply {
    /// This document under this status.
    pub(crate) fn new(status: StatusCode, document: &impl Serialize) -> Self {
        let headers = Headers {
            content_type: "application/json",
            cache_control: "no-store",
            retry_after: None,
            www_authenticate: None,
            allow: None,
        };
        let body = json(document);
        Self { status, headers, body, is_base64_encoded: false, cookies: [] }
    }

    /// 200 with this document.
    pub fn ok(document: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, document)
    }

    /// The contract's body for an error.
    pub(crate) fn error(error: &Error, request_id: &str) -> Self {
        let body = ErrorBody::new(error, request_id);
        let mut reply = Self::new(error.status(), &body);
        match error.status() {
            StatusCode::SERVICE_UNAVAILABLE => reply.headers.retry_after = Some("1"),
            StatusCode::UNAUTHORIZED => reply.headers.www_authenticate = Some("Bearer"),
            StatusCode::METHOD_NOT_ALLOWED => reply.headers.allow = Some("POST"),
            _ => {}
        }
        reply
    }

    /// As Lambda takes it.
    pub(crate) fn to_json(&self) -> String {
        json(self)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

#[expect(clippy::expect_used, reason = "documents are plain structs of strings, numbers and lists")]
fn json(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("a document is JSON")
}

fn as_number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
