use std::borrow::Cow;

use serde::Deserialize;

/// Why there is no answer. The code is for the log: DynamoDB's own where there is one. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The table did not answer, or not well, or not in time. It may later.
    #[error("the table is unavailable: {0}")]
    Unavailable(Cow<'static, str>),
    /// The table refused, and will again: a mistake in the request, the credentials or the set-up.
    #[error("the table refused the request: {0}")]
    Rejected(Cow<'static, str>),
}

impl Error {
    /// The code alone: DynamoDB's, or one of `Timeout`, `DnsFailed`, `ConnectFailed`, `TlsFailed`, `ConnectionLost`,
    /// `MalformedResponse`, `ChecksumMismatch`, `Http503` and the like.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Unavailable(code) | Self::Rejected(code) => code,
        }
    }
}

/// How one try failed, which decides whether there is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another try may do.
    Unavailable(Cow<'static, str>),
    /// Another try may do, after a pause.
    Throttled(Cow<'static, str>),
    /// Another try would end the same way.
    Rejected(Cow<'static, str>),
}

impl Failure {
    /// A failure of the connection or of what came over it.
    pub const fn of(code: &'static str) -> Self {
        Self::Unavailable(Cow::Borrowed(code))
    }

    /// What an answer other than 200 says.
    pub fn from_answer(status: u16, body: &[u8]) -> Self {
        let code = error_type(body).map_or_else(|| Cow::Owned(format!("Http{status}")), Cow::Owned);
        match &*code {
            "ThrottlingException" | "ProvisionedThroughputExceededException" | "RequestLimitExceeded" => {
                Self::Throttled(code)
            }
            _ if status == 429 => Self::Throttled(code),
            // A server may answer 408 when it closes a connection that was idle for too long. On a new connection the same
            // request can be answered.
            _ if status >= 500 || status == 408 => Self::Unavailable(code),
            _ => Self::Rejected(code),
        }
    }

    pub fn into_error(self) -> Error {
        match self {
            Self::Unavailable(code) | Self::Throttled(code) => Error::Unavailable(code),
            Self::Rejected(code) => Error::Rejected(code),
        }
    }
}

/// `ThrottlingException` from `{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", …}`. Only what looks
/// like such a name is taken: it goes into the log.
fn error_type(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(rename = "__type", borrow)]
        kind: Cow<'a, str>,
    }

    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let name = body.kind.rsplit('#').next()?;
    ((1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let fail = |status, kind: &str| {
            Failure::from_answer(status, format!(r#"{{"__type":"com.amazonaws.x#{kind}","message":"no"}}"#).as_bytes())
        };
        for kind in ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"] {
            assert_eq!(fail(400, kind), Failure::Throttled(kind.into()));
        }
        for kind in [
            "ResourceNotFoundException",
            "AccessDeniedException",
            "ValidationException",
            "UnrecognizedClientException",
            "ExpiredTokenException",
        ] {
            assert_eq!(fail(400, kind), Failure::Rejected(kind.into()));
        }
        for status in [500, 502, 503, 504] {
            assert_eq!(fail(status, "InternalServerError"), Failure::Unavailable("InternalServerError".into()));
            assert_eq!(Failure::from_answer(status, b""), Failure::Unavailable(format!("Http{status}").into()));
        }
    }

    #[test]
    fn only_a_name_becomes_a_code() {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"__type":null}"#,
            r#"{"__type":""}"#,
            r#"{"__type":"a#"}"#,
            r#"{"__type":"a b"}"#,
            r#"{"__type":"a\nb"}"#,
            "\u{fffd}",
        ] {
            assert_eq!(Failure::from_answer(418, body.as_bytes()), Failure::Rejected("Http418".into()), "{body}");
        }
        let long = format!(r#"{{"__type":"{}"}}"#, "x".repeat(65));
        assert_eq!(Failure::from_answer(400, long.as_bytes()), Failure::Rejected("Http400".into()));
        assert_eq!(Failure::from_answer(400, br#"{"__type":"Plain"}"#), Failure::Rejected("Plain".into()));
        assert_eq!(Failure::from_answer(400, br#"{"__type":"\u0041#\u0042c"}"#), Failure::Rejected("Bc".into()));
    }
}
