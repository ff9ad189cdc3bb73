//! The items of the table and the domain's types that they stand for. An item that breaks the domain's rules is
//! [`Corrupt`]; it is never read in part.

mod access_id;
mod change;
mod idempotency;
mod journal;
mod organization;
mod rules;
mod tag;
mod vehicle;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{SubsecRound as _, Utc};
use domain::{Id, OcppIdTag, OrganizationId, Recorded, Text, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error,
    keys::{self, Key, PARTITION, SORT},
};

pub(crate) use access_id::AccessIdItem;
pub(crate) use change::ChangeItem;
pub(crate) use idempotency::IdempotencyItem;
pub(crate) use journal::{DecisionItem, Expiring, StartItem, UnknownTagItem};
pub(crate) use organization::{CredentialItem, CustomerItem, OrganizationItem};
pub(crate) use tag::{TagItem, stored_tag};
pub(crate) use vehicle::VehicleItem;

/// An item as the SDK reads and writes it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// An item that is not what its key says: written by a later version, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Corrupt(String);

impl Corrupt {
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl From<Corrupt> for Error {
    fn from(corrupt: Corrupt) -> Self {
        tracing::error!(reason = %corrupt, "stored item cannot be read");
        Self::Unavailable
    }
}

/// A kind of item.
pub(crate) trait StoredItem: Serialize + DeserializeOwned {
    /// Attributes that may be absent: an update removes those that are.
    const OPTIONAL: &'static [&'static str] = &[];

    /// Whether an update leaves this optional attribute as it is stored, because this version cannot read what it holds.
    fn keeps(&self, _attribute: &str) -> bool {
        false
    }
}

/// A kind of item that counts its versions: each write is conditioned on the version before, so that no change is lost.
pub(crate) trait VersionedItem: StoredItem {
    /// What it stands for.
    type Value: Recorded;

    /// The partition in which an organization's items of this kind are listed by id.
    fn list(organization: &OrganizationId) -> String;

    fn key(organization: &OrganizationId, value: &Self::Value) -> Key;

    fn new(value: &Self::Value, version: u64) -> Self;

    fn into_value(self) -> Result<Versioned<Self::Value>, Corrupt>;
}

/// A value and the version that it was read in.
#[derive(Clone, Debug)]
pub(crate) struct Versioned<T> {
    pub value: T,
    pub version: u64,
}

pub(crate) fn to_item(item: &impl StoredItem) -> Result<Item, Error> {
    serde_dynamo::to_item(item).map_err(|error| {
        tracing::error!(reason = %error, "an item cannot be written");
        Error::Unusable
    })
}

pub(crate) fn from_item<I: StoredItem>(item: Item) -> Result<I, Corrupt> {
    serde_dynamo::from_item(item).map_err(Corrupt::new)
}

pub(crate) fn value_of<I: VersionedItem>(item: Item) -> Result<Versioned<I::Value>, Corrupt> {
    from_item::<I>(item)?.into_value()
}

/// The value of an item that is shown with others. One that cannot be read is logged and left out: it must not hide the
/// others.
pub(crate) fn readable<I: VersionedItem>(item: Item) -> Option<I::Value> {
    let value = value_of::<I>(item);
    let value = value.inspect_err(|corrupt| tracing::error!(reason = %corrupt, "stored item left out of a list"));
    value.ok().map(|versioned| versioned.value)
}

/// The same for an item that the table forgets. One that has expired is left out too.
pub(crate) fn current<I: Expiring>(item: Item, now: Timestamp) -> Option<I::Value> {
    let value = from_item::<I>(item).and_then(|item| match item.expires_at() > now.timestamp() {
        true => item.into_value().map(Some),
        false => Ok(None),
    });
    let value = value.inspect_err(|corrupt| tracing::error!(reason = %corrupt, "stored item left out of a list"));
    value.ok().flatten()
}

pub(crate) fn key_of(item: &Item) -> Result<Key, Corrupt> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    text(PARTITION)
        .zip(text(SORT))
        .map(|(partition, sort)| Key { partition, sort })
        .ok_or_else(|| Corrupt::new("an item without a key"))
}

/// The key as attributes.
pub(crate) fn key_item(key: Key) -> Item {
    HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition)),
        (SORT.to_owned(), AttributeValue::S(key.sort)),
    ])
}

/// The time as the table and the API keep it: to the millisecond.
pub(crate) fn milliseconds(time: Timestamp) -> chrono::DateTime<Utc> {
    time.trunc_subsecs(3)
}

fn text<const MAX: usize>(stored: String) -> Result<Text<MAX>, Corrupt> {
    Text::stored(stored).map_err(Corrupt::new)
}

/// The id that an item holds. Its sort key has to say the same; where the record is no item of its own, there is none.
fn id_of(id: Id, sort: Option<&str>) -> Result<Id, Corrupt> {
    if sort.is_none_or(|sort| keys::id_of(sort) == Some(id)) {
        Ok(id)
    } else {
        Err(Corrupt::new("id and key disagree"))
    }
}

fn tag(stored: String) -> Result<OcppIdTag, Corrupt> {
    OcppIdTag::stored(stored).map_err(Corrupt::new)
}
