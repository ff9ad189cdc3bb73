//! What the authorizer answers, as Lambda takes it for a function URL.

use domain::{AccessIdLabel, AccessIdType, Decision, Id};
use serde::Serialize;

use crate::{error::Error, respond::ErrorBody};

/// A response, and what the log is told of it.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `authorized`, the reason of a refusal, or the code of an error.
    pub outcome: &'static str,
    /// The response in Lambda's JSON.
    pub json: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status_code: u16,
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
    /// There are none, but `cargo lambda watch` takes no response that leaves them out.
    cookies: [&'static str; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Headers {
    content_type: &'static str,
    /// Answers hold what a credential opens, so nobody may keep them.
    cache_control: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    www_authenticate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<&'static str>,
}

/// The card or the vehicle may charge.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RfidAuthorized))]
pub struct Authorized<'a> {
    /// True.
    authorized: bool,
    access_id: AccessId<'a>,
}

/// The card or the vehicle must not charge.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RfidRefused))]
pub struct Refused<'a> {
    /// False.
    authorized: bool,
    /// Why: `unknown` if the organization has no such tag, `revoked`, or another word, which a later version may add.
    reason: &'a str,
}

/// The access ID that has the tag.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuthorizedAccessId))]
struct AccessId<'a> {
    id: Id,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    name: &'a str,
    #[serde(rename = "type")]
    kind: AccessIdType,
}

impl Answer {
    /// 200 with the access ID, or 403 with the reason.
    pub fn decided(decision: &Decision<'_>) -> Self {
        match decision {
            Decision::Authorized(AccessIdLabel { id, name, kind }) => {
                let access_id = AccessId { id: *id, name, kind: *kind };
                Self::new(200, "authorized", &Authorized { authorized: true, access_id })
            }
            Decision::Refused { reason, .. } => {
                let reason = reason.as_str();
                Self::new(403, reason, &Refused { authorized: false, reason })
            }
        }
    }

    /// The contract's body for an error.
    pub fn refused(error: &Error, request_id: &str) -> Self {
        Self::new(error.status().as_u16(), error.code(), &ErrorBody::new(error, request_id))
    }

    fn new(status: u16, outcome: &'static str, body: &impl Serialize) -> Self {
        let headers = Headers {
            content_type: "application/json",
            cache_control: "no-store",
            retry_after: (status == 503).then_some("1"),
            www_authenticate: (status == 401).then_some("Bearer"),
            allow: (status == 405).then_some("POST"),
        };
        let response =
            Response { status_code: status, headers, body: json(body), is_base64_encoded: false, cookies: [] };
        Self { status, outcome, json: json(&response).into_bytes() }
    }
}

/// The structs of this file hold strings, numbers and lists, all of which can be written as JSON. An empty response, were it to
/// come to that, is an error of the function to Lambda.
fn json(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::Reason;

    use super::*;

    #[test]
    fn answers_are_written_as_the_contract_has_them() {
        let decision = |decision: Decision<'_>| String::from_utf8(Answer::decided(&decision).json).unwrap();
        let id = domain::Id::new(7).unwrap();
        let label = AccessIdLabel { id, name: "a\"b".to_owned(), kind: AccessIdType::Vehicle };
        assert_eq!(
            decision(Decision::Authorized(&label)),
            r#"{"statusCode":200,"headers":{"content-type":"application/json","cache-control":"no-store"},"body":"{\"authorized\":true,\"accessId\":{\"id\":7,\"name\":\"a\\\"b\",\"type\":\"Vehicle\"}}","isBase64Encoded":false,"cookies":[]}"#
        );
        let refused = decision(Decision::Refused { reason: Reason::NotHere, access_id: Some(&label) });
        assert!(refused.contains(r#""{\"authorized\":false,\"reason\":\"not_here\"}""#), "{refused}");
        let refused = String::from_utf8(Answer::refused(&Error::Unavailable, "r-1").json).unwrap();
        assert!(refused.contains(r#""cache-control":"no-store","retry-after":"1"}"#), "{refused}");
        assert!(refused.contains(r#"\"code\":\"service_unavailable\",\"requestId\":\"r-1\"}"#), "{refused}");
    }
}
