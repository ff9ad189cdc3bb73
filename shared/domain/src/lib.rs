//! Access IDs with their rules, vehicles and customers: what they are and which changes they allow. Decisions on
//! whether a tag may charge, access checks, the journal's entries, unknown tags and the history of changes are here too.
//!
//! Pure: no AWS, no HTTP, no clock, no randomness, no I/O. Time and ids are arguments. The rules are those of the
//! wire contract, written once here and used by every endpoint.

// The fuzzer's check of tags, which the tests share, names this crate from outside.
#[cfg(test)]
extern crate self as domain;

mod access_id;
mod change;
mod charge_box;
mod check;
mod create;
mod customer;
mod decision;
mod explain;
mod filter;
#[cfg(test)]
mod fixtures;
mod id;
mod journal;
mod near_miss;
mod organization;
mod put;
mod revocation;
mod rules;
mod tag;
mod text;
mod update;
mod vehicle;

pub use access_id::{AccessId, AccessIdSummary, AccessIdType, AuthorizationStatus};
pub use change::{Change, Recorded, Subject, SubjectKind};
pub use charge_box::{ChargeBox, ChargeBoxPattern, InvalidPattern, MAX_PATTERN_BYTES};
pub use check::{AccessCheck, CheckedAccess};
pub use create::{
    MAX_ACCESS_IDS_PER_REQUEST, NewAccessId, NewVehicle, RequestedTag, TagConflict, TagTaken, VehicleLink,
};
pub use customer::{Customer, CustomerKey};
pub use decision::{
    AccessIdLabel, Decision, OcppStatus, Question, Reason, RequestType, StoredRules, StoredTag, remembered_until,
};
pub use explain::{Check, CheckResult, NormalizationRule, NormalizationStep, explain, normalization_steps};
pub use filter::{AccessIdFilter, Search, VehicleFilter, filter_text};
pub use id::{Id, InvalidId};
pub use journal::{Asked, DecisionRecord, Excerpt, Journal, MAX_EXCERPT, UnknownTag, looks_like};
pub use near_miss::{How, MAX_NEAR_MISSES, NearMiss, near_misses};
pub use organization::{InvalidOrganizationId, OrganizationId};
pub use put::{PutAccessId, spell_customers_alike};
pub use revocation::{MAX_REVOKED_BY_ID, Revocation, RevocationTarget};
pub use rules::{InvalidRule, InvalidRules, MAX_PATTERNS, MAX_PATTERNS_BYTES, RuleField, RuleProblem, Rules};
pub use tag::{InvalidTag, OcppIdTag};
pub use text::{InvalidText, LicensePlate, Make, Model, Name, Text, Vin};
pub use update::{AccessIdUpdate, RefusedUpdate, UpdateAccessId, VehicleChange};
pub use vehicle::{LinkRefused, LinkedAccessId, MAX_ACCESS_IDS_PER_VEHICLE, NewVehicleDetails, UpdateVehicle, Vehicle};

/// A moment in UTC. The service keeps milliseconds; callers pass times without a finer part.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// A time as it is shown everywhere: RFC 3339 in UTC with milliseconds and `Z`.
pub fn rfc3339(time: Timestamp) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// What an update does to one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field was not mentioned: it stays as it is.
    #[default]
    Keep,
    /// The field was given as `null`: its value is removed.
    Clear,
    /// The field gets this value.
    Set(T),
}

impl<T> Patch<T> {
    /// The field's value after the update, given the value before.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}
