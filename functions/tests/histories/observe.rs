//! From answers to the model's outcomes.

use std::collections::BTreeSet;

use model::{AccessId, Call, Change, Kind, Known, Link, Made, Model, Outcome, Rules, Vehicle, Window};
use serde_json::Value;

use super::requests;
use crate::support::{Answer, time};

/// The customers of `requests::CUSTOMERS` as they are stored: in NFC.
const STORED_CUSTOMERS: [&str; 4] = ["Fleet Ä", "fleet ä", "Other", "OTHER"];

/// The outcome that an answer shows; none for a 503, which leaves it open.
pub fn outcome(call: &Call, answer: &Answer) -> Option<Outcome> {
    let code = answer.body["code"].as_str().or(answer.body["reason"].as_str());
    Some(match (answer.status, code) {
        (503, _) => return None,
        (404, _) => Outcome::NotFound,
        (409, Some("tag_taken")) => Outcome::TagTaken(answer.conflicts().into_iter().map(taken).collect()),
        (409, Some("idempotency_key_reused")) => Outcome::KeyReused,
        (409, Some("vehicle_in_use")) => Outcome::InUse,
        (204, _) => Outcome::Deleted,
        (400, _) => {
            let field = match call {
                Call::CreateAccessId { vehicle: Link::Existing(_), .. }
                | Call::UpdateAccessId { vehicle: Change::Link(_), .. } => "accessId.vehicleId",
                _ => "accessId.vehicle",
            };
            answer.names(&[field]);
            Outcome::Refused
        }
        (403, Some("revoked")) => Outcome::Revoked,
        (403, Some("unknown")) => Outcome::Unknown,
        (403, Some("not_yet_valid")) => Outcome::NotYetValid,
        (403, Some("expired")) => Outcome::Expired,
        (403, Some("not_here")) => Outcome::NotHere,
        (200, _) if matches!(call, Call::Decide { .. }) => {
            let access_id = &answer.body["accessId"];
            Outcome::Authorized {
                id: id(&access_id["id"]),
                name: number(&access_id["name"]),
                is_card: access_id["type"] == "RFID",
            }
        }
        (200, _) if answer.body.get("rules").is_some() => Outcome::Rules(rules(&answer.body["rules"])),
        (200 | 201, _) if answer.body.get("accessId").is_some() => access_id(&answer.body["accessId"]),
        (200 | 201, _) => vehicle(&answer.body["vehicle"]),
        _ => panic!("{call:?}: {answer:?}"),
    })
}

/// The place of a taken tag among those of a new vehicle, none for a new access ID, and the access ID that has the tag.
fn taken((field, access_id): (String, u64)) -> (Option<usize>, u64) {
    let place = field.strip_prefix("vehicle.accessIds[").and_then(|rest| rest.strip_suffix("].ocppIdTag"));
    assert!(place.is_some() || field == "accessId.ocppIdTag", "{field}");
    (place.map(|place| place.parse().unwrap()), access_id)
}

/// A page of a list.
pub struct Page {
    kind: Kind,
    after: u64,
    /// What the page shows of each record, as separate reads.
    pub reads: Vec<Vec<(Call, Outcome)>>,
    /// The last id on the page and the cursor of the next page.
    pub next: Option<(u64, String)>,
    made: Made,
}

impl Page {
    pub fn read(kind: Kind, after: u64, limit: usize, made: Made, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let records = answer.body["data"].as_array().unwrap();
        let ids: Vec<u64> = records.iter().map(|record| id(&record["id"])).collect();
        assert!(ids.len() <= limit && ids.iter().all(|id| *id > after), "after {after}, {limit}: {answer:?}");
        let cursor = answer.body["pagination"]["nextPageCursor"].as_str();
        assert!(cursor.is_none() || ids.len() == limit, "a page with a next one is full: {answer:?}");
        let next = cursor.map(|cursor| (*ids.last().unwrap(), cursor.to_owned()));
        let reads = records.iter().zip(ids).map(|(record, id)| match kind {
            Kind::AccessId => access_id(record).split(&Call::ListAccessId { id }),
            Kind::Vehicle => vec![(Call::GetVehicle { id }, vehicle(record))],
        });
        Self { kind, after, reads: reads.collect(), next, made }
    }

    /// The page as separate reads: of each record that it shows, of each that exists in the end and that it does not show,
    /// and of whether there is a next page. So it is of those that a client has known and that were deleted.
    pub fn expand(self, end: &Model, known: &Known) -> Vec<Made> {
        let shown: BTreeSet<u64> = self.reads.iter().filter_map(|reads| listed_id(&reads.first()?.0)).collect();
        let last = self.next.as_ref().map_or(u64::MAX, |(last, _)| *last);
        let mut all: BTreeSet<u64> = match self.kind {
            Kind::AccessId => end.access_ids.keys().copied().collect(),
            Kind::Vehicle => end.vehicles.keys().copied().collect(),
        };
        all.extend(known.ids(self.kind));
        let missing = all.into_iter().filter(|id| *id > self.after && *id <= last && !shown.contains(id));
        let missing = missing.map(|id| match self.kind {
            Kind::AccessId => (Call::ListAccessId { id }, Outcome::NotFound),
            Kind::Vehicle => (Call::GetVehicle { id }, Outcome::NotFound),
        });
        let more = self.next.map(|_| (Call::HasMore { kind: self.kind, after: last }, Outcome::Is(true)));
        let reads = self.reads.into_iter().flatten().chain(missing).chain(more);
        reads.map(|(call, outcome)| Made { call, outcome: Some(outcome), ..self.made.clone() }).collect()
    }
}

fn listed_id(call: &Call) -> Option<u64> {
    match call {
        Call::ListAccessId { id } | Call::GetVehicle { id } => Some(*id),
        _ => None,
    }
}

/// An access ID in an answer.
pub fn access_id(value: &Value) -> Outcome {
    let linked = &value["vehicle"];
    let is_linked = !linked.is_null();
    let access_id = AccessId {
        id: id(&value["id"]),
        tag: number(&value["ocppIdTag"]),
        is_card: value["type"] == "RFID",
        name: number(&value["name"]),
        revoked: value["authorizationStatus"] == "Revoked",
        authorized_at: moment(&value["authorizedAt"]).unwrap(),
        revoked_at: moment(&value["revokedAt"]),
        created_at: moment(&value["createdAt"]).unwrap(),
        updated_at: moment(&value["updatedAt"]).unwrap(),
        vehicle: is_linked.then(|| id(&linked["id"])),
        customer: customer(&value["customer"]["name"]),
    };
    if is_linked {
        assert!(linked["model"].is_null() && linked["vin"].is_null(), "{value}");
    }
    Outcome::AccessId { access_id, shown: is_linked.then(|| (number(&linked["name"]), optional(&linked["make"]))) }
}

/// A vehicle in an answer.
fn vehicle(value: &Value) -> Outcome {
    for field in ["model", "vin", "licensePlate"] {
        assert!(value[field].is_null(), "{value}");
    }
    let shown = |access_id: &Value| {
        let is_revoked = access_id["authorizationStatus"] == "Revoked";
        (id(&access_id["id"]), number(&access_id["ocppIdTag"]), is_revoked)
    };
    Outcome::Vehicle {
        id: id(&value["id"]),
        vehicle: Vehicle {
            name: number(&value["name"]),
            make: optional(&value["make"]),
            customer: customer(&value["customer"]["name"]),
        },
        access_ids: value["accessIds"].as_array().unwrap().iter().map(shown).collect(),
    }
}

/// Rules in an answer or an item.
pub fn rules(value: &Value) -> Rules {
    let windows = [Window::Any, Window::Later, Window::Now, Window::Over];
    let charge_boxes = [None, Some(0), Some(1)];
    let all = windows.into_iter().flat_map(|window| charge_boxes.map(|charge_box| Rules { window, charge_box }));
    let same = all.into_iter().find(|rules| {
        let written = requests::rules(*rules);
        // The table leaves out milliseconds that are 0.
        let is_same_time = |name| moment(&written[name]) == moment(&value[name]);
        is_same_time("validFrom") && is_same_time("validUntil") && written["chargeBoxes"] == value["chargeBoxes"]
    });
    same.unwrap_or_else(|| panic!("no call has written this: {value}"))
}

/// The id in an answer or an item.
pub fn id(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no id: {value}"))
}

/// The number at the end of a name, make or tag that `requests` makes.
pub fn number(value: &Value) -> u8 {
    let text = value.as_str().unwrap_or_default();
    let number = ["name ", "make ", "tag-"].iter().find_map(|start| text.strip_prefix(start)?.parse().ok());
    number.unwrap_or_else(|| panic!("no call has written this: {value}"))
}

/// As [`number`]; none for null.
pub fn optional(value: &Value) -> Option<u8> {
    (!value.is_null()).then(|| number(value))
}

/// The number of a customer by its stored name.
pub fn customer(value: &Value) -> Option<u8> {
    let text = value.as_str()?;
    let at = STORED_CUSTOMERS.iter().position(|stored| *stored == text);
    Some(u8::try_from(at.unwrap_or_else(|| panic!("no call has written this: {text}"))).unwrap())
}

fn moment(value: &Value) -> Option<i64> {
    value.as_str().map(|text| time(text).timestamp_millis())
}
