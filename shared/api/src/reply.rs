//! What goes back to API Gateway and function URLs.

use serde::Serialize;

use crate::error::Error;

/// An answer: a status and a JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    status_code: u16,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Headers {
    content_type: &'static str,
    /// Answers hold what a credential opens: nobody may keep them.
    cache_control: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    www_authenticate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<&'static str>,
}

impl Reply {
    pub(crate) fn new(status_code: u16, body: String) -> Self {
        let headers = Headers {
            content_type: "application/json",
            cache_control: "no-store",
            location: None,
            retry_after: None,
            www_authenticate: None,
            allow: None,
        };
        Self { status_code, headers, body, is_base64_encoded: false }
    }

    pub(crate) fn with_status(status: u16, document: &impl Serialize) -> Self {
        Self::new(status, json(document))
    }

    /// 200 with this document.
    pub fn ok(document: &impl Serialize) -> Self {
        Self::new(200, json(document))
    }

    /// 201 with this document, which is now to be found at `location`.
    pub fn created(location: String, document: &impl Serialize) -> Self {
        let mut reply = Self::new(201, json(document));
        reply.headers.location = Some(location);
        reply
    }

    /// The contract's body for an error.
    pub(crate) fn error(error: &Error, request_id: &str) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ErrorBody<'a> {
            error: String,
            code: &'a str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            details: Option<&'a [crate::json::Problem]>,
        }
        let details = match error {
            Error::Invalid(problems) => Some(problems.0.as_slice()),
            _ => None,
        };
        let body = ErrorBody { error: error.sentence(), code: error.code(), request_id, details };
        let mut reply = Self::new(error.status(), json(&body));
        reply.headers.retry_after = (error.status() == 503).then_some("1");
        reply.headers.www_authenticate = (error.status() == 401).then_some("Bearer");
        reply.headers.allow = (error.status() == 405).then_some("POST");
        reply
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status_code
    }
}

fn json(document: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "documents are plain structs of strings, numbers and lists")]
    serde_json::to_string(document).expect("a document is JSON")
}
