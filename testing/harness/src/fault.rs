//! What can go wrong between a client and its table, and for which requests.

use std::time::Duration;

use serde_json::{Value, json};

/// One thing that goes wrong between a client and its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset before a request is read. Without an operation, new connections are reset at once.
    Refuse,
    /// The connection is reset when the request has been read; the table does not see it.
    ResetBefore,
    /// The table carries the request out, then the connection is reset and the answer is lost.
    ResetAfter,
    /// The request reaches the table so much later.
    Delay(Duration),
    /// The table carries the request out at once; the answer reaches the client so much later.
    DelayAnswer(Duration),
    /// The table does not see the request; the connection stays open and no answer is sent.
    BlackHole,
    /// The table does not see the request; this is the answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The table carries the request out; the connection is closed after the first half of the answer's body.
    TruncateBody,
    /// The table carries the request out; one character of the answer is changed, one of a stored text if there is one.
    /// The answer is still valid JSON, but its checksum is wrong.
    CorruptBody,
    /// The table carries the request out; the checksum in the answer's header is replaced by a wrong one.
    WrongChecksum,
}

impl Fault {
    /// An error as DynamoDB reports it, for example 400 `ThrottlingException`.
    pub fn error(status: u16, code: &str, message: &str) -> Fault {
        let body = json!({ "__type": error_type(code), "message": message });
        Fault::Answer { status, body: body.to_string() }
    }

    /// A transaction that is cancelled for these reasons, one for each of its members (`None` for a member that had
    /// none), for example `["None", "TransactionConflict"]`.
    pub fn cancelled(reasons: &[&str]) -> Fault {
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            reasons.join(", ")
        );
        let reasons: Value = reasons.iter().map(|code| json!({ "Code": code })).collect();
        let kind = error_type("TransactionCanceledException");
        let body = json!({ "__type": kind, "Message": message, "CancellationReasons": reasons });
        Fault::Answer { status: 400, body: body.to_string() }
    }

    /// A name for counting faults: the variant's name, or the status and code of an error.
    pub fn kind(&self) -> String {
        match self {
            Fault::Answer { status, body } => {
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                let code = body["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default();
                let reasons = body["CancellationReasons"].as_array().into_iter().flatten();
                let reason = reasons.filter_map(|reason| reason["Code"].as_str()).find(|code| *code != "None");
                [&status.to_string(), code].into_iter().chain(reason).collect::<Vec<_>>().join(" ")
            }
            // The name without the fields.
            other => format!("{other:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect(),
        }
    }

    /// Whether the fault tells the client that its transaction was not carried out. When a client repeats a transaction
    /// that was carried out, with the same token, the real table answers success; so the recorder must not send such a
    /// fault then.
    pub(crate) fn denies(&self) -> bool {
        self.kind().contains("TransactionCanceled") || self.kind().contains("TransactionConflict")
    }

    /// Limits the fault to requests of this operation.
    pub fn on(self, operation: &str) -> Rule {
        Rule::from(self).on(operation)
    }

    /// Limits the fault to so many requests.
    pub fn times(self, times: usize) -> Rule {
        Rule::from(self).times(times)
    }
}

fn error_type(code: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810#{code}")
}

/// How the recorder ends the connections that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// By a reset, as a network device sends it that no longer knows the connection.
    Reset,
    /// By an orderly close, as a server does after its idle time-out.
    Close,
    /// Not at all: requests on them are read and recorded, but not passed on and never answered.
    Silence,
}

/// A fault and the requests that it applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) fault: Fault,
    pub(crate) operation: Option<String>,
    skip: usize,
    times: usize,
}

impl From<Fault> for Rule {
    /// The fault applies to every request.
    fn from(fault: Fault) -> Rule {
        Rule { fault, operation: None, skip: 0, times: usize::MAX }
    }
}

impl Rule {
    /// Limits the rule to requests of this operation.
    pub fn on(self, operation: &str) -> Rule {
        Rule { operation: Some(operation.into()), ..self }
    }

    /// Limits the rule to so many requests.
    pub fn times(self, times: usize) -> Rule {
        Rule { times, ..self }
    }

    /// Lets the first so many requests pass without the fault.
    pub fn after(self, skip: usize) -> Rule {
        Rule { skip, ..self }
    }

    /// The fault, if the rule applies to a request of this operation. Counts the request.
    pub(crate) fn take(&mut self, operation: &str) -> Option<Fault> {
        if self.operation.as_deref().is_some_and(|wanted| wanted != operation) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        Some(self.fault.clone())
    }
}
