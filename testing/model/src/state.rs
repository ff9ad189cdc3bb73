//! The state of one organization, and what reads show of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{AccessId, Call, Kind, Outcome, Vehicle, writes::Chosen};

/// Whether two customers are spellings of one name: 2n and 2n + 1 are.
pub fn is_same_customer(one: u8, other: u8) -> bool {
    one / 2 == other / 2
}

/// The records of one organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    /// The access IDs by their ids.
    pub access_ids: BTreeMap<u64, AccessId>,
    /// The vehicles by their ids.
    pub vehicles: BTreeMap<u64, Vehicle>,
    /// The customers, each in the spelling that was given first.
    pub customers: BTreeSet<u8>,
    /// The idempotency keys in use, with the call and its outcome.
    pub requests: BTreeMap<(Kind, u8), (Call, Outcome)>,
    /// How often each record was written.
    pub versions: BTreeMap<(Kind, u64), u64>,
}

impl Model {
    /// The state after a call, and the call's outcome. A repetition under an idempotency key gets the first outcome. None if
    /// the call would create a record whose id does not exist in the end, or belongs to another record.
    pub(crate) fn after(&self, call: &Call, chosen: Chosen<'_>) -> Option<(Model, Outcome)> {
        let mut model = self.clone();
        let outcome = match call.key().and_then(|key| self.requests.get(&key)) {
            Some((first, outcome)) if first == call => outcome.clone(),
            Some(_) => Outcome::KeyReused,
            None => {
                let outcome = model.carry_out(call, chosen)?;
                if let Some(key) = call.key()
                    && matches!(outcome, Outcome::AccessId { .. } | Outcome::Vehicle { .. })
                {
                    model.requests.insert(key, (call.clone(), outcome.clone()));
                }
                outcome
            }
        };
        model.count_writes(self, call);
        Some((model, outcome))
    }

    /// What a read shows now. Panics if the call is a write.
    pub fn read(&self, call: &Call) -> Outcome {
        match call {
            Call::GetAccessId { id } => self.access_id(*id),
            Call::GetVehicle { id } => self.vehicle(*id),
            Call::Decide { tag } => match self.by_tag(*tag) {
                None => Outcome::Unknown,
                Some(AccessId { revoked: true, .. }) => Outcome::Revoked,
                Some(AccessId { id, name, is_card, .. }) => {
                    Outcome::Authorized { id: *id, name: *name, is_card: *is_card }
                }
            },
            Call::ListAccessId { id } => match self.access_id(*id) {
                Outcome::AccessId { mut access_id, .. } => {
                    access_id.customer = None;
                    Outcome::AccessId { access_id, shown: None }
                }
                other => other,
            },
            Call::ListLinked { id } => {
                self.vehicles.get(id).map_or(Outcome::NotFound, |vehicle| Outcome::Linked(vehicle.name, vehicle.make))
            }
            Call::HasMore { kind: Kind::AccessId, after } => {
                Outcome::More(self.access_ids.range(after + 1..).next().is_some())
            }
            Call::HasMore { kind: Kind::Vehicle, after } => {
                Outcome::More(self.vehicles.range(after + 1..).next().is_some())
            }
            _ => unreachable!("{call:?} is a write"),
        }
    }

    /// The access ID as a single read shows it.
    pub(crate) fn access_id(&self, id: u64) -> Outcome {
        let Some(mut access_id) = self.access_ids.get(&id).cloned() else { return Outcome::NotFound };
        access_id.vehicle = access_id.vehicle.filter(|_| !access_id.is_card);
        Outcome::AccessId { access_id, shown: None }
    }

    /// The vehicle as a read shows it.
    pub(crate) fn vehicle(&self, id: u64) -> Outcome {
        match self.vehicles.get(&id) {
            None => Outcome::NotFound,
            Some(vehicle) => Outcome::Vehicle { id, vehicle: vehicle.clone(), access_ids: self.held(id) },
        }
    }

    /// The access IDs that are linked to a vehicle: id, tag and whether it is revoked.
    pub fn held(&self, vehicle: u64) -> Vec<(u64, u8, bool)> {
        let held = self.access_ids.values().filter(|access_id| access_id.vehicle == Some(vehicle));
        held.map(|access_id| (access_id.id, access_id.tag, access_id.revoked)).collect()
    }

    /// The access ID that has a tag.
    pub(crate) fn by_tag(&self, tag: u8) -> Option<&AccessId> {
        self.access_ids.values().find(|access_id| access_id.tag == tag)
    }
}
