#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{AccessId, Customer, Id, Rules, StoredRules, Text, Timestamp, Vehicle, rfc3339};

/// What one request of the management API changed: an entry of the organization's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The entry's number.
    pub id: Id,
    /// The time of the request.
    pub changed_at: Timestamp,
    /// The id of the credential that the request came with, which is no secret.
    pub credential_id: String,
    /// The Lambda request's id, under which the log has the same request.
    pub request_id: String,
    /// The operation as the API's document names it.
    pub operation: String,
    /// The records that are no longer as they were, in the order in which they were written.
    pub subjects: Vec<Subject>,
}

/// A record that a request changed. The history stores its serde form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of record it is.
    pub kind: SubjectKind,
    /// The record's number.
    pub id: Id,
    /// The fields that differ, by the names that the API has for them: the value before and the value after. What a record
    /// has not, and all of one that does not exist, is null.
    pub fields: BTreeMap<String, [Value; 2]>,
}

/// A kind of record whose changes are kept. Serializes as the word that the wire and the table use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "What kind of record was changed."))]
pub enum SubjectKind {
    /// An access ID.
    AccessId,
    /// A vehicle.
    Vehicle,
}

/// A record whose changes are kept.
pub trait Recorded {
    /// What kind of record it is.
    const KIND: SubjectKind;

    /// Its number.
    fn id(&self) -> Id;

    /// What people set of it, in the names and the form that the API has. Its number and its times are left out: the entry has
    /// them.
    fn fields(&self) -> Vec<(&'static str, Value)>;
}

impl Subject {
    /// What differs between a record before and after a change. A record that was created had no value before, one that was
    /// deleted has none after. `None` if no field differs.
    pub fn between<R: Recorded>(before: Option<&R>, after: Option<&R>) -> Option<Self> {
        let record = after.or(before)?;
        let fields = |record: Option<&R>| -> BTreeMap<&str, Value> {
            record.map(|record| record.fields().into_iter().collect()).unwrap_or_default()
        };
        let (mut before, mut after) = (fields(before), fields(after));
        let change = |(name, _)| {
            let values = [&mut before, &mut after].map(|fields| fields.remove(name).unwrap_or_default());
            // A record that does not exist and one with an empty list both have nothing there.
            let is_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let is_same = values[0] == values[1] || values.iter().all(is_nothing);
            (!is_same).then(|| (String::from(name), values))
        };
        let fields: BTreeMap<_, _> = record.fields().into_iter().filter_map(change).collect();
        (!fields.is_empty()).then(|| Self { kind: R::KIND, id: record.id(), fields })
    }
}

impl Recorded for AccessId {
    const KIND: SubjectKind = SubjectKind::AccessId;

    fn id(&self) -> Id {
        self.id
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("ocppIdTag", json!(self.tag.as_str())),
            ("type", json!(self.kind)),
            ("name", json!(self.name.as_str())),
            ("authorizationStatus", json!(self.status)),
            ("vehicleId", json!(self.vehicle.map(Id::get))),
            ("customer", json!(self.customer.as_ref().map(Customer::name))),
            ("rules", rules(&self.rules)),
        ]
    }
}

impl Recorded for Vehicle {
    const KIND: SubjectKind = SubjectKind::Vehicle;

    fn id(&self) -> Id {
        self.id
    }

    /// Of its access IDs only which they are: what else it shows of them are their own fields.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        fn optional<const MAX: usize>(text: Option<&Text<MAX>>) -> Value {
            json!(text.map(Text::as_str))
        }
        vec![
            ("name", json!(self.name.as_str())),
            ("make", optional(self.make.as_ref())),
            ("model", optional(self.model.as_ref())),
            ("vin", optional(self.vin.as_ref())),
            ("licensePlate", optional(self.license_plate.as_ref())),
            ("customer", json!(self.customer.as_ref().map(Customer::name))),
            ("accessIds", json!(self.access_ids.iter().map(|summary| summary.id.get()).collect::<Vec<_>>())),
        ]
    }
}

/// Rules as the API writes them, null for none. Rules that this version cannot read are the word for that.
fn rules(rules: &StoredRules) -> Value {
    match rules {
        StoredRules::Readable(rules) if *rules == Rules::default() => Value::Null,
        StoredRules::Readable(rules) => json!({
            "validFrom": rules.valid_from().map(rfc3339),
            "validUntil": rules.valid_until().map(rfc3339),
            "chargeBoxes": rules.charge_boxes(),
        }),
        StoredRules::Unreadable => json!("unreadable"),
    }
}
