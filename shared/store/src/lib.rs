//! The one table: its keys, its items, and one method per use case.
//!
//! Every read is strongly consistent; everything that a request changes is one conditional transaction. The AWS SDK
//! ends here: what goes in and comes out are domain types.

mod access_ids;
mod admin;
mod attributes;
mod client;
mod connector;
mod credential;
mod cursor;
mod decision;
mod digest;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod keys;
mod record;
mod table;
mod vehicles;

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::Client;
use connector::Connector;
use domain::{Id, LinkRefused, RefusedUpdate, TagTaken, Timestamp};

pub use admin::{CredentialInfo, NewCredential, Organization};
pub use client::{Settings, SettingsError, TableCredentials};
pub use connection::Io;
pub use credential::{Credential, Scope};
pub use cursor::Cursor;
pub use decision::{Decider, Decision};

/// The table and the one way to it. One per process.
#[derive(Debug)]
pub struct Store {
    client: Client,
    connector: Connector,
    table: String,
    last_millisecond: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
}

/// Why a use case came to nothing. Nothing was written then, except that an [`Error::Unavailable`] write may have
/// happened whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential is unknown, revoked, or of another scope.
    #[error("the credential is not valid")]
    Unauthorized,
    /// The organization has no such record.
    #[error("there is no such record")]
    NotFound,
    /// The list did not hand out this cursor.
    #[error("the cursor was not handed out by this list")]
    ForgedCursor,
    /// An access ID has this tag already.
    #[error("the ID tag is taken")]
    TagTaken,
    /// The access ID cannot be linked to the vehicle.
    #[error(transparent)]
    Link(LinkRefused),
    /// The record does not allow the update.
    #[error(transparent)]
    Update(#[from] RefusedUpdate),
    /// The Idempotency-Key was used with another body.
    #[error("the idempotency key was used with another body")]
    IdempotencyKeyReused,
    /// The table did not answer in time, refused to for now, or holds an item that cannot be read. Logged where it
    /// happened.
    #[error("the table did not answer in time")]
    Unavailable,
    /// The service asked the table for something that it does not understand. Logged where it happened.
    #[error("the table does not understand the service")]
    Unusable,
}

impl From<LinkRefused> for Error {
    fn from(refused: LinkRefused) -> Self {
        Self::Link(refused)
    }
}

impl From<TagTaken> for Error {
    fn from(_: TagTaken) -> Self {
        Self::TagTaken
    }
}

/// A client's wish that a creation happens once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    key: String,
    fingerprint: String,
}

impl Idempotency {
    /// The client's key (1 to 255 printable ASCII characters) and the body that came with it.
    pub fn new(key: String, body: &[u8]) -> Self {
        Self { key, fingerprint: digest::sha256_hex(body) }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The records in ascending order of their ids.
    pub records: Vec<T>,
    /// Where the next page begins; there exactly if it has a record.
    pub next_cursor: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many records at most, from 1 to 100.
    pub limit: usize,
    /// The cursor of the page before.
    pub cursor: Option<Cursor>,
}

/// What the store had to do beyond the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// How often a transaction met another write, and was sent again or begun anew.
    pub conflicts: u64,
    /// Table calls that failed, retries included.
    pub failures: u64,
}

impl Store {
    /// A store over the table that the settings name. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] when the settings cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let (client, connector) = settings.client()?;
        Ok(Self {
            client,
            connector,
            table: settings.table.clone(),
            last_millisecond: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })
    }

    /// Opens a connection before the first request needs it. If that fails, the first request tries again.
    pub async fn connect(&self) {
        if let Err(failure) = self.connector.connections().connect().await {
            tracing::warn!(code = %failure, "the table could not be reached in advance");
        }
    }

    /// What has been counted since the last call.
    pub fn take_counts(&self) -> Counts {
        Counts {
            conflicts: self.conflicts.swap(0, Ordering::Relaxed),
            failures: self.failures.swap(0, Ordering::Relaxed),
        }
    }

    fn new_id(&self, now: Timestamp) -> Result<Id, Error> {
        self.new_ids(now, 1)?.next().ok_or(Error::Unusable)
    }

    /// `count` consecutive new ids (at most 4,096), greater than all that this process has made before.
    fn new_ids(&self, now: Timestamp, count: u64) -> Result<impl Iterator<Item = Id> + use<>, Error> {
        let now = u64::try_from(now.timestamp_millis()).map_err(|_| Error::Unusable)?;
        let mut milliseconds = now;
        let _ = self.last_millisecond.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            milliseconds = now.max(last + 1);
            Some(milliseconds)
        });
        let time =
            i64::try_from(milliseconds).ok().and_then(Timestamp::from_timestamp_millis).ok_or(Error::Unusable)?;
        let free = Id::PER_MILLISECOND.checked_sub(count).ok_or(Error::Unusable)? + 1;
        let low = u64::from(u16::from_ne_bytes(digest::random())) % free;
        let first = Id::at(time, low).map_err(|_| Error::Unusable)?.get();
        // a first id of 0 would be the first millisecond of 2024
        Ok((first..first + count).filter_map(|number| Id::new(number).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn new_ids_increase_within_a_process_whatever_the_clock_does() {
        let store = Store::new(&Settings::local("http://127.0.0.1:1", "none")).unwrap();
        let time = |milliseconds: i64| Timestamp::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap();
        let mut last = 0;
        for milliseconds in [0, 0, 0, 5, 4, 6, 0] {
            let ids: Vec<_> = store.new_ids(time(milliseconds), 41).unwrap().map(Id::get).collect();
            assert_eq!(ids.len(), 41);
            assert!(ids.is_sorted() && ids[0] > last && ids[40] == ids[0] + 40, "{ids:?}");
            last = ids[40];
        }
    }
}
