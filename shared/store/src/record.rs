//! Items of the table ↔ domain types. An item that breaks the domain's rules is [`Corrupt`], never half-read.

use std::{collections::HashMap, fmt, ops::Range};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{NaiveDate, NaiveTime, SubsecRound, Utc};
use domain::{
    AccessId, AccessIdSummary, AccessIdType, AuthorizationStatus, Customer, Id, LinkedAccessId,
    MAX_ACCESS_IDS_PER_VEHICLE, OcppIdTag, Text, Timestamp, Vehicle,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    Scope, attributes,
    keys::{Key, PARTITION, SORT},
};

/// An item to write.
pub(crate) type Item = HashMap<String, AttributeValue>;
/// An item as the table has sent it, in DynamoDB's JSON.
pub(crate) type Stored = Box<RawValue>;

/// An item that is not what its key says: written by a later version, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Corrupt(pub String);

impl Corrupt {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A record and the number of writes that it has seen: each write is conditioned on the one before.
#[derive(Clone, Debug)]
pub(crate) struct Versioned<T> {
    pub value: T,
    pub version: u64,
}

/// A kind of item.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Attributes that may be absent: an update removes those that are.
    const OPTIONAL: &'static [&'static str];
}

/// A kind of item that there are lists of.
pub(crate) trait Listed: Record {
    /// The sort key that it was found under.
    fn sort(&self) -> &str;
}

pub(crate) fn to_item(record: &impl Record) -> Item {
    #[expect(clippy::expect_used, reason = "records are plain structs of strings, numbers and lists")]
    serde_dynamo::to_item(record).expect("a record is an item")
}

pub(crate) fn from_item<R: Record>(item: &Stored) -> Result<R, Corrupt> {
    attributes::read(item).map_err(Corrupt::new)
}

pub(crate) fn key_of(item: &Stored) -> Result<Key, Corrupt> {
    attributes::read(item).map_err(Corrupt::new)
}

/// What an item of a list was read as. One that cannot be read is logged.
pub(crate) fn readable<T>(read: Result<T, Corrupt>) -> Option<T> {
    read.inspect_err(|corrupt| tracing::error!(reason = %corrupt, "stored item left out of a list")).ok()
}

/// The item's attributes and its key.
pub(crate) fn keyed(key: Key, mut item: Item) -> Item {
    item.extend(key_item(key));
    item
}

/// The key as attributes.
pub(crate) fn key_item(key: Key) -> Item {
    HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(key.partition)),
        (SORT.to_owned(), AttributeValue::S(key.sort)),
    ])
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationRecord {
    pub name: String,
    pub created_at: Timestamp,
    /// What the organization's cursors are signed with.
    pub cursor_key: String,
}

impl Record for OrganizationRecord {
    const OPTIONAL: &'static [&'static str] = &[];
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialRecord {
    pub scope: Scope,
    pub label: String,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The organization's, copied here so that a list needs no further read.
    pub cursor_key: String,
}

impl Record for CredentialRecord {
    const OPTIONAL: &'static [&'static str] = &["revokedAt"];
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CustomerRecord {
    pub name: String,
}

impl Record for CustomerRecord {
    const OPTIONAL: &'static [&'static str] = &[];
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum TypeRecord {
    #[serde(rename = "RFID")]
    Rfid,
    Vehicle,
}

impl From<AccessIdType> for TypeRecord {
    fn from(kind: AccessIdType) -> Self {
        match kind {
            AccessIdType::Rfid => Self::Rfid,
            AccessIdType::Vehicle => Self::Vehicle,
        }
    }
}

impl From<TypeRecord> for AccessIdType {
    fn from(record: TypeRecord) -> Self {
        match record {
            TypeRecord::Rfid => Self::Rfid,
            TypeRecord::Vehicle => Self::Vehicle,
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum StatusRecord {
    Authorized,
    Revoked,
}

impl From<AuthorizationStatus> for StatusRecord {
    fn from(status: AuthorizationStatus) -> Self {
        match status {
            AuthorizationStatus::Authorized => Self::Authorized,
            AuthorizationStatus::Revoked => Self::Revoked,
        }
    }
}

impl From<StatusRecord> for AuthorizationStatus {
    fn from(record: StatusRecord) -> Self {
        match record {
            StatusRecord::Authorized => Self::Authorized,
            StatusRecord::Revoked => Self::Revoked,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessIdRecord {
    /// Empty where it is no item of its own.
    #[serde(rename = "SK", default, skip_serializing)]
    sort: String,
    id: u64,
    ocpp_id_tag: String,
    #[serde(rename = "type")]
    kind: TypeRecord,
    name: String,
    authorization_status: StatusRecord,
    #[serde(deserialize_with = "time")]
    authorized_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    created_at: Timestamp,
    #[serde(deserialize_with = "time")]
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vehicle_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    version: u64,
}

impl Record for AccessIdRecord {
    const OPTIONAL: &'static [&'static str] = &["revokedAt", "vehicleId", "customer"];
}

impl Listed for AccessIdRecord {
    fn sort(&self) -> &str {
        &self.sort
    }
}

impl AccessIdRecord {
    pub fn new(access_id: &AccessId, version: u64) -> Self {
        Self {
            sort: String::new(),
            id: access_id.id.get(),
            ocpp_id_tag: access_id.tag.to_string(),
            kind: access_id.kind.into(),
            name: access_id.name.to_string(),
            authorization_status: access_id.status.into(),
            authorized_at: access_id.authorized_at,
            revoked_at: access_id.revoked_at,
            created_at: access_id.created_at,
            updated_at: access_id.updated_at,
            vehicle_id: access_id.vehicle.map(Id::get),
            customer: access_id.customer.as_ref().map(|customer| customer.name().to_owned()),
            version,
        }
    }
}

impl TryFrom<AccessIdRecord> for Versioned<AccessId> {
    type Error = Corrupt;

    fn try_from(record: AccessIdRecord) -> Result<Self, Corrupt> {
        let status = record.authorization_status.into();
        if (status == AuthorizationStatus::Revoked) != record.revoked_at.is_some() {
            return Err(Corrupt::new("revokedAt and authorizationStatus disagree"));
        }
        let value = AccessId {
            id: stored_id(record.id, &record.sort)?,
            tag: stored_tag(&record.ocpp_id_tag)?,
            kind: record.kind.into(),
            name: text(&record.name)?,
            status,
            authorized_at: record.authorized_at,
            revoked_at: record.revoked_at,
            created_at: record.created_at,
            updated_at: record.updated_at,
            vehicle: record.vehicle_id.map(Id::new).transpose().map_err(Corrupt::new)?,
            customer: record.customer.map(Customer::stored),
        };
        Ok(Self { value, version: record.version })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VehicleRecord {
    /// Empty where it is no item of its own.
    #[serde(rename = "SK", default, skip_serializing)]
    sort: String,
    id: u64,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license_plate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    access_ids: Vec<SummaryRecord>,
    version: u64,
}

/// Short names: a vehicle holds up to a hundred of these, and a page up to a hundred vehicles.
#[derive(Serialize, Deserialize)]
struct SummaryRecord {
    id: u64,
    tag: String,
    status: StatusRecord,
}

impl Record for VehicleRecord {
    const OPTIONAL: &'static [&'static str] = &["make", "model", "vin", "licensePlate", "customer"];
}

impl Listed for VehicleRecord {
    fn sort(&self) -> &str {
        &self.sort
    }
}

impl VehicleRecord {
    pub fn new(vehicle: &Vehicle, version: u64) -> Self {
        fn optional<const MAX: usize>(text: Option<&Text<MAX>>) -> Option<String> {
            text.map(ToString::to_string)
        }
        Self {
            sort: String::new(),
            id: vehicle.id.get(),
            name: vehicle.name.to_string(),
            make: optional(vehicle.make.as_ref()),
            model: optional(vehicle.model.as_ref()),
            vin: optional(vehicle.vin.as_ref()),
            license_plate: optional(vehicle.license_plate.as_ref()),
            customer: vehicle.customer.as_ref().map(|customer| customer.name().to_owned()),
            access_ids: vehicle
                .access_ids
                .iter()
                .map(|summary| SummaryRecord {
                    id: summary.id.get(),
                    tag: summary.tag.to_string(),
                    status: summary.status.into(),
                })
                .collect(),
            version,
        }
    }
}

impl TryFrom<VehicleRecord> for Versioned<Vehicle> {
    type Error = Corrupt;

    fn try_from(record: VehicleRecord) -> Result<Self, Corrupt> {
        let access_ids = record.access_ids.into_iter().map(|summary| {
            Ok(AccessIdSummary {
                id: Id::new(summary.id).map_err(Corrupt::new)?,
                tag: stored_tag(&summary.tag)?,
                status: summary.status.into(),
            })
        });
        let access_ids: Vec<_> = access_ids.collect::<Result<_, Corrupt>>()?;
        // They are looked up by id: out of order, some would not be found.
        let is_in_order = access_ids.is_sorted_by(|before, after| before.id < after.id);
        if !is_in_order || access_ids.len() > MAX_ACCESS_IDS_PER_VEHICLE {
            return Err(Corrupt::new("accessIds are too many or not in the order of their ids"));
        }
        let value = Vehicle {
            id: stored_id(record.id, &record.sort)?,
            name: text(&record.name)?,
            make: record.make.as_deref().map(text).transpose()?,
            model: record.model.as_deref().map(text).transpose()?,
            vin: record.vin.as_deref().map(text).transpose()?,
            license_plate: record.license_plate.as_deref().map(text).transpose()?,
            customer: record.customer.map(Customer::stored),
            access_ids,
        };
        Ok(Self { value, version: record.version })
    }
}

/// What an RFID decision needs, under the tag. It changes together with its access ID.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagRecord {
    access_id: u64,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: TypeRecord,
    pub authorization_status: StatusRecord,
}

impl Record for TagRecord {
    const OPTIONAL: &'static [&'static str] = &[];
}

impl TagRecord {
    pub fn access_id(&self) -> Result<Id, Corrupt> {
        Id::new(self.access_id).map_err(Corrupt::new)
    }

    pub fn new(access_id: &AccessId) -> Self {
        Self {
            access_id: access_id.id.get(),
            name: access_id.name.to_string(),
            kind: access_id.kind.into(),
            authorization_status: access_id.status.into(),
        }
    }
}

/// A creation that was asked for with an Idempotency-Key, and what was created.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestRecord {
    /// The SHA-256 of the body.
    pub fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_id: Option<AccessIdRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vehicle: Option<VehicleRecord>,
    /// When it is forgotten, in seconds since 1970: the table's time to live.
    pub expires_at: i64,
}

impl Record for RequestRecord {
    const OPTIONAL: &'static [&'static str] = &[];
}

impl RequestRecord {
    pub fn of_access_id(created: &LinkedAccessId, fingerprint: String, expires_at: i64) -> Self {
        let vehicle = created.vehicle.as_ref().map(|vehicle| VehicleRecord::new(vehicle, 1));
        Self { fingerprint, access_id: Some(AccessIdRecord::new(&created.access_id, 1)), vehicle, expires_at }
    }

    pub fn of_vehicle(created: &Vehicle, fingerprint: String, expires_at: i64) -> Self {
        Self { fingerprint, access_id: None, vehicle: Some(VehicleRecord::new(created, 1)), expires_at }
    }

    pub fn into_access_id(self) -> Result<LinkedAccessId, Corrupt> {
        let access_id = self.access_id.ok_or_else(|| Corrupt::new("a request without its access ID"))?;
        let vehicle = self.vehicle.map(Versioned::<Vehicle>::try_from).transpose()?;
        Ok(LinkedAccessId {
            access_id: Versioned::try_from(access_id)?.value,
            vehicle: vehicle.map(|vehicle| vehicle.value),
        })
    }

    pub fn into_vehicle(self) -> Result<Vehicle, Corrupt> {
        let vehicle = self.vehicle.ok_or_else(|| Corrupt::new("a request without its vehicle"))?;
        Ok(Versioned::try_from(vehicle)?.value)
    }
}

/// A time as chrono reads it. For how we write it, in a tenth of the instructions: a page has three for each record.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    struct Time;
    impl Visitor<'_> for Time {
        type Value = Timestamp;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
            written_by_us(text).map_or_else(|| text.parse().map_err(E::custom), Ok)
        }
    }
    deserializer.deserialize_str(Time)
}

/// `2024-08-02T19:13:28.897Z`, or `2024-08-02T19:13:28Z`.
fn written_by_us(text: &str) -> Option<Timestamp> {
    let text = text.as_bytes();
    let number = |digits: Range<usize>| {
        text.get(digits)?
            .iter()
            .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
    };
    let is = |mark: &[(usize, u8)]| mark.iter().all(|(at, mark)| text.get(*at) == Some(mark));
    if !is(&[(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]) {
        return None;
    }
    let milliseconds = match text.len() {
        20 if is(&[(19, b'Z')]) => 0,
        24 if is(&[(19, b'.'), (23, b'Z')]) => number(20..23)?,
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(number(0..4)?.cast_signed(), number(5..7)?, number(8..10)?)?;
    let time = NaiveTime::from_hms_milli_opt(number(11..13)?, number(14..16)?, number(17..19)?, milliseconds)?;
    Some(date.and_time(time).and_utc())
}

fn text<const MAX: usize>(stored: &str) -> Result<Text<MAX>, Corrupt> {
    Text::new(stored).map_err(Corrupt::new)
}

/// The id that a record holds, if its key says the same.
fn stored_id(number: u64, sort: &str) -> Result<Id, Corrupt> {
    let id = Id::new(number).map_err(Corrupt::new)?;
    if sort.is_empty() || sort.parse() == Ok(number) { Ok(id) } else { Err(Corrupt::new("id and key disagree")) }
}

fn stored_tag(stored: &str) -> Result<OcppIdTag, Corrupt> {
    OcppIdTag::normalize(stored).map_err(Corrupt::new)
}

/// The time as the table and the wire keep it: to the millisecond.
pub(crate) fn milliseconds(time: Timestamp) -> chrono::DateTime<Utc> {
    time.trunc_subsecs(3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_read_as_chrono_reads_it(
            seconds in 0_i64..253_000_000_000,
            nanoseconds in 0_u32..1_000_000_000,
            at in 0..24_usize,
            other in any::<char>(),
        ) {
            let moment = milliseconds(Timestamp::from_timestamp(seconds, nanoseconds).unwrap());
            for text in [
                moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
                moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            ] {
                prop_assert_eq!(written_by_us(&text), Some(text.parse().unwrap()));
                if at < text.len() {
                    let changed = [&text[..at], &other.to_string(), &text[at + 1..]].concat();
                    if let Some(read) = written_by_us(&changed) {
                        prop_assert_eq!(Ok(read), changed.parse());
                    }
                }
            }
        }
    }
}
