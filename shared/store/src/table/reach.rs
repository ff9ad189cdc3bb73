//! Whether the table can be used at all, for an operator who has to know what to do about it.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata as _, SdkError},
    types::AttributeValue,
};

use super::Table;

/// How long an operator waits at most.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Why the table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The engine or AWS answers, and has no table of this name.
    #[error("there is no such table")]
    NoTable,
    /// The engine or AWS answers, and refuses the credentials, or does not allow them to read the table. Holds the code and
    /// the message of that answer.
    #[error("access is refused: {0}")]
    Denied(String),
    /// No connection could be opened. Holds the innermost cause that the client reports: an unknown host, a refused
    /// connection, or a certificate that is not trusted.
    #[error("no connection: {0}")]
    NotConnected(String),
    /// The connection or the answer took too long.
    #[error("no answer in time")]
    Timeout,
    /// Anything else that AWS or the engine said.
    #[error("{0}")]
    Other(String),
}

impl Table {
    /// Reads an item that does not exist, to find out whether the table can be used. Takes 3 seconds at most.
    ///
    /// # Errors
    /// [`Unreachable`] says why the table cannot be used.
    pub async fn reach(&self) -> Result<(), Unreachable> {
        let name = || AttributeValue::S("-".to_owned());
        let read = self.client.get_item().table_name(&self.name).key("PK", name()).key("SK", name());
        let Ok(answer) = tokio::time::timeout(TIMEOUT, read.send()).await else { return Err(Unreachable::Timeout) };
        let Err(error) = answer else { return Ok(()) };
        let said = || format!("{}: {}", error.code().unwrap_or("no code"), error.message().unwrap_or("no message"));
        Err(match &error {
            SdkError::TimeoutError(_) => Unreachable::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Unreachable::Timeout,
            SdkError::DispatchFailure(_) => Unreachable::NotConnected(root_cause(&error)),
            SdkError::ServiceError(refusal) if refusal.err().is_resource_not_found_exception() => Unreachable::NoTable,
            SdkError::ServiceError(refusal) if matches!(refusal.raw().status().as_u16(), 400 | 403) => {
                Unreachable::Denied(said())
            }
            SdkError::ServiceError(_) => Unreachable::Other(said()),
            _ => Unreachable::Other(root_cause(&error)),
        })
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
