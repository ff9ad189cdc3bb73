//! The one table: its keys, its items, and one method for each use case.
//!
//! Every read is strongly consistent, and everything that a management request changes is one conditional transaction,
//! which also notes it in the history. What a
//! decision leaves behind is written after its answer, without conditions ([`Decider::remember`]). The types of the AWS SDK
//! stay inside this crate: what goes in and comes out are domain types.

mod access_checks;
mod access_ids;
mod admin;
mod changes;
mod credential;
mod cursor;
mod customers;
mod decision;
mod decisions;
mod digest;
mod error;
mod http;
mod idempotency;
mod ids;
#[cfg(feature = "fuzzing")]
pub mod internals;
mod items;
mod journal;
mod keys;
mod revocations;
mod rules;
mod settings;
mod store;
mod table;
mod unknown_tags;
mod vehicles;

pub use access_ids::{BatchItem, BatchMode};
pub use admin::{CredentialInfo, NewCredential, Organization};
pub use changes::{ChangeFilter, Origin};
pub use credential::{Credential, Scope};
pub use cursor::{Cursor, Page, PageRequest};
pub use decision::{Decider, Known};
pub use decisions::DecisionFilter;
pub use error::Error;
pub use http::CaBundleError;
pub use idempotency::Idempotency;
pub use revocations::{RefusedRevocation, Revoked};
pub use settings::{JournalSettings, Settings, SettingsError, TableCredentials};
pub use store::Store;
pub use table::{Counts, Unreachable};
pub use unknown_tags::{SeenTag, SeenTagDetails};
