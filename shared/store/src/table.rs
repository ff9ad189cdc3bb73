//! The table and the ways of asking it. The SDK's client is private to this module and those below it, so what is not
//! offered here cannot be read: of an organization's items, nothing without [`Access`].

mod access;
mod operator;
mod reach;
mod reads;
mod transactions;
mod walk;

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
};

use crate::Error;

pub(crate) use access::{Access, Found};
pub use reach::Unreachable;
pub(crate) use transactions::{Attempt, Transaction};
pub(crate) use walk::{Direction, MAX_LOOKED_AT, Walk};

/// One table, and what had to be done for it beyond the ordinary.
#[derive(Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
    conflicts: AtomicU64,
    failures: AtomicU64,
}

/// What the store had to do beyond the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// How often a transaction met another write, and was sent again or begun anew.
    pub conflicts: u64,
    /// Table calls that failed although they were tried again.
    pub failures: u64,
    /// Decisions that were not, or not wholly, written into the journal.
    pub journal_lost: u64,
}

impl Table {
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name, conflicts: AtomicU64::new(0), failures: AtomicU64::new(0) }
    }

    /// What has been counted since the last call.
    pub fn take_counts(&self) -> Counts {
        Counts {
            conflicts: self.conflicts.swap(0, Ordering::Relaxed),
            failures: self.failures.swap(0, Ordering::Relaxed),
            journal_lost: 0,
        }
    }

    fn count_conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Logs a failed call, counts it, and says what it means for the caller.
    fn failed<E>(&self, operation: &'static str, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.count_failure();
        let kind = match error {
            SdkError::TimeoutError(_) => "TimedOut",
            SdkError::DispatchFailure(_) => "NotSent",
            SdkError::ResponseError(_) => "NoUsableResponse",
            SdkError::ServiceError(_) => "Refused",
            _ => "NotBuilt",
        };
        let (code, reason) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
        tracing::error!(operation, kind, code, reason, "table call failed");
        // A ValidationException is the service's mistake; everything else may be over when the caller asks again.
        match error.code() {
            Some("ValidationException") => Error::Unusable,
            _ if kind == "NotBuilt" => Error::Unusable,
            _ => Error::Unavailable,
        }
    }
}

/// Part of a request lacks what it needs, which is the service's mistake.
fn not_built(error: BuildError) -> Error {
    tracing::error!(reason = %error, "a request to the table cannot be built");
    Error::Unusable
}
