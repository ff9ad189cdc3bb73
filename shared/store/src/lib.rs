//! The one table: its keys, its items, and one method for each use case.
//!
//! Every read is strongly consistent, and everything that a request changes is one conditional transaction. The types of the
//! AWS SDK stay inside this crate: what goes in and comes out are domain types.

mod access_checks;
mod access_ids;
mod admin;
mod credential;
mod cursor;
mod customers;
mod decision;
mod digest;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod idempotency;
mod ids;
mod items;
mod keys;
mod rules;
mod settings;
mod store;
mod table;
mod vehicles;

pub use admin::{CredentialInfo, NewCredential, Organization};
pub use credential::{Credential, Scope};
pub use cursor::{Cursor, Page, PageRequest};
pub use decision::{Decider, Decision};
pub use error::Error;
pub use http::CaBundleError;
pub use idempotency::Idempotency;
pub use settings::{Settings, SettingsError, TableCredentials};
pub use store::Store;
pub use table::{Counts, Unreachable};
