//! The change history of an organization: which calls have changed something, and when.

use std::collections::BTreeMap;

use model::{Made, Model};
use serde_json::Value;

use super::{
    observe::{id, number},
    stored::items,
};
use crate::support::{Fleet, World, time};

/// The entries of the history by the calls that made them. A call is known by its beginning, which its request id is made of.
pub struct Changes {
    entries: BTreeMap<usize, Vec<Entry>>,
    /// The tags of all access IDs that there have been, by their ids.
    tags: BTreeMap<u64, u8>,
}

/// One entry.
#[derive(Debug)]
struct Entry {
    at: i64,
    item: Value,
}

/// The id of the request that began at this moment of a schedule.
pub fn request_id(began: usize) -> String {
    harness::request_id(u64::try_from(began).unwrap())
}

/// When the request of this id began.
pub fn began(request_id: &Value) -> usize {
    let number = request_id.as_str().and_then(|id| usize::from_str_radix(id.rsplit('-').next()?, 16).ok());
    number.unwrap_or_else(|| panic!("no request has this id: {request_id}"))
}

impl Changes {
    /// Reads the history past the service.
    pub async fn read(world: &World, fleet: &Fleet) -> Self {
        let mut changes: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
        let mut tags = BTreeMap::new();
        for item in items(world, fleet, "CHANGE").await {
            let at = time(item["changedAt"].as_str().unwrap()).timestamp_millis();
            for subject in subjects(&item) {
                let tag = &subject["fields"]["ocppIdTag"][1];
                if !tag.is_null() {
                    tags.insert(id(&subject["id"]), number(tag));
                }
            }
            changes.entry(began(&item["requestId"])).or_default().push(Entry { at, item });
        }
        Self { entries: changes, tags }
    }

    /// Notes of each write whether it has an entry, which a write has if and only if it has changed something, and takes the
    /// time of the request from it.
    pub fn note(&mut self, history: &mut [Made]) {
        for made in history.iter_mut().filter(|made| !made.call.is_read()) {
            let entries = self.entries.remove(&made.began).unwrap_or_default();
            assert!(entries.len() <= 1, "a call was carried out twice: {made:?}: {entries:?}");
            made.changed = Some(!entries.is_empty());
            entries.iter().for_each(|entry| entry.date(made));
        }
    }

    /// The same for one access ID of those that a request has revoked.
    pub fn note_revoked(&mut self, made: &mut Made, access_id: u64) {
        self.note_one(made, |id| id == access_id);
    }

    /// The same for the access ID of a tag, of those that a batch has brought in.
    pub fn note_imported(&mut self, made: &mut Made, tag: u8) {
        let tags = self.tags.clone();
        self.note_one(made, |id| tags.get(&id) == Some(&tag));
    }

    fn note_one(&mut self, made: &mut Made, is_it: impl Fn(u64) -> bool) {
        let entries = self.entries.entry(made.began).or_default();
        let is_of = |entry: &Entry| subjects(&entry.item).any(|subject| is_it(id(&subject["id"])));
        let at = entries.iter().position(is_of);
        made.changed = Some(at.is_some());
        if let Some(at) = at {
            entries.remove(at).date(made);
        }
    }

    /// The access IDs that the request that began then has changed, as far as nothing was noted of them.
    pub fn access_ids(&self, began: usize) -> Vec<u64> {
        let entries = self.entries.get(&began).into_iter().flatten();
        let subjects = entries.flat_map(|entry| subjects(&entry.item));
        subjects.filter(|subject| subject["kind"] == "accessId").map(|subject| id(&subject["id"])).collect()
    }

    /// Checks that no entry is left: each belongs to a write.
    pub fn are_all_noted(&self) {
        assert!(self.entries.values().all(Vec::is_empty), "no write has made these: {:?}", self.entries);
    }

    /// Checks of each field of each record that its changes lead from nothing to what it is in the end.
    pub fn lead_to(&self, end: &Model) {
        let mut fields: BTreeMap<(String, u64, String), BTreeMap<String, i32>> = BTreeMap::new();
        for subject in self.entries.values().flatten().flat_map(|entry| subjects(&entry.item)) {
            for (field, values) in subject["fields"].as_object().unwrap() {
                let key = (subject["kind"].as_str().unwrap().to_owned(), id(&subject["id"]), field.clone());
                let balance = fields.entry(key).or_default();
                // An empty list is nothing.
                let text = |value: &Value| {
                    if *value == Value::Array(vec![]) { Value::Null } else { value.clone() }.to_string()
                };
                *balance.entry(text(&values[0])).or_default() -= 1;
                *balance.entry(text(&values[1])).or_default() += 1;
            }
        }
        for ((kind, id, field), balance) in &fields {
            let ends: Vec<_> = balance.iter().filter(|(_, count)| **count != 0).collect();
            let last = match ends.as_slice() {
                [] => Value::Null,
                [(one, 1), (null, -1)] | [(null, -1), (one, 1)] if *null == "null" => {
                    serde_json::from_str(one).unwrap()
                }
                _ => panic!("{field} of {kind} {id}: {balance:?} of {:?}", self.entries),
            };
            let access_id = end.access_ids.get(id).filter(|_| kind == "accessId");
            let vehicle = end.vehicles.get(id).filter(|_| kind == "vehicle");
            let name = access_id.map(|access_id| access_id.name).or(vehicle.map(|vehicle| vehicle.name));
            let is_last = match (field.as_str(), name) {
                (_, None) => last.is_null(),
                ("name", Some(name)) => number(&last) == name,
                ("authorizationStatus", _) => access_id.is_some_and(|it| it.revoked == (last == "Revoked")),
                ("vehicleId", _) => access_id.is_some_and(|it| it.vehicle == last.as_u64()),
                ("make", _) => vehicle.is_some_and(|it| it.make.is_none() == last.is_null()),
                ("rules", _) => end.rules.contains_key(id) != last.is_null(),
                _ => true,
            };
            assert!(is_last, "{field} of {kind} {id} is {last} by its history: {:?}", self.entries);
        }
    }
}

impl Entry {
    /// The request has the entry's time.
    fn date(&self, made: &mut Made) {
        assert!((made.from..=made.to).contains(&self.at), "{self:?} of {made:?}");
        (made.from, made.to) = (self.at, self.at);
    }
}

fn subjects(item: &Value) -> impl Iterator<Item = &Value> {
    item["subjects"].as_array().unwrap().iter()
}
