//! The state of one organization, and what reads show of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{AccessId, Call, Kind, Outcome, Remembered, Rules, Target, Vehicle, Window, writes::Chosen};

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
    /// The rules of the access IDs that have any.
    pub rules: BTreeMap<u64, Rules>,
    /// The customers, each in the spelling that was given first.
    pub customers: BTreeSet<u8>,
    /// The idempotency keys in use, with the call and its outcome.
    pub requests: BTreeMap<(Kind, u8), (Call, Outcome)>,
    /// How often each record was written; 0 if it was deleted.
    pub versions: BTreeMap<(Kind, u64), u64>,
}

impl Model {
    /// The state after a call, and the call's outcome. A repetition under an idempotency key gets the first outcome, as long as
    /// the record exists. None if the call would create a record without an id of its own.
    pub(crate) fn after(&self, call: &Call, chosen: Chosen<'_>) -> Option<(Model, Outcome)> {
        let mut model = self.clone();
        let outcome = match call.key().and_then(|key| self.requests.get(&key)) {
            Some((first, outcome)) if first == call && self.has_record_of(outcome) => outcome.clone(),
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
            Call::GetRules { id } => match self.access_ids.contains_key(id) {
                true => Outcome::Rules(self.rules_of(*id)),
                false => Outcome::NotFound,
            },
            Call::Decide { tag, begins, charge_box, remembered } => {
                let may_end_a_charge = !begins && *remembered == Remembered::Yes;
                match self.by_tag(*tag) {
                    None => Outcome::Unknown,
                    Some(AccessId { revoked: true, .. }) => Outcome::Revoked,
                    Some(AccessId { id, name, is_card, .. }) => {
                        let authorized = Outcome::Authorized { id: *id, name: *name, is_card: *is_card };
                        match self.rules_of(*id) {
                            _ if may_end_a_charge => authorized,
                            Rules { window: Window::Later, .. } => Outcome::NotYetValid,
                            Rules { window: Window::Over, .. } => Outcome::Expired,
                            Rules { charge_box: Some(only), .. } if only != *charge_box => Outcome::NotHere,
                            _ => authorized,
                        }
                    }
                }
            }
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
                Outcome::Is(self.access_ids.range(after + 1..).next().is_some())
            }
            Call::HasMore { kind: Kind::Vehicle, after } => {
                Outcome::Is(self.vehicles.range(after + 1..).next().is_some())
            }
            Call::IsRevoked { id } => {
                self.access_ids.get(id).map_or(Outcome::NotFound, |access_id| Outcome::Is(access_id.revoked))
            }
            Call::IsMeant { id, of } => Outcome::Is(self.is_meant(*id, of)),
            Call::HasCustomer { customer } => {
                Outcome::Is(self.customers.iter().any(|known| is_same_customer(*known, *customer)))
            }
            _ => unreachable!("{call:?} is a write"),
        }
    }

    /// Whether a read may show this now. An `authorize` may be decided as if a start was remembered or as if none was, if its
    /// memory may be lost.
    pub(crate) fn shows(&self, read: &Call, outcome: &Outcome) -> bool {
        if let Call::Decide { tag, begins, charge_box, remembered: Remembered::Perhaps } = *read {
            let decide = |remembered| self.read(&Call::Decide { tag, begins, charge_box, remembered });
            return [Remembered::No, Remembered::Yes].into_iter().any(|remembered| decide(remembered) == *outcome);
        }
        self.read(read) == *outcome
    }

    /// Whether there is such an access ID and a revocation is about it.
    pub(crate) fn is_meant(&self, id: u64, of: &Target) -> bool {
        self.access_ids.get(&id).is_some_and(|access_id| match of {
            Target::These(ids) => ids.contains(&id),
            Target::Vehicle(vehicle) => access_id.vehicle == Some(*vehicle),
            Target::Customer(wanted) => access_id.customer.is_some_and(|customer| is_same_customer(customer, *wanted)),
        })
    }

    /// The rules of an access ID.
    pub(crate) fn rules_of(&self, id: u64) -> Rules {
        self.rules.get(&id).copied().unwrap_or_default()
    }

    /// Whether the record that a creation came to has not been deleted.
    fn has_record_of(&self, created: &Outcome) -> bool {
        match created {
            Outcome::AccessId { access_id, .. } => self.access_ids.contains_key(&access_id.id),
            Outcome::Vehicle { id, .. } => self.vehicles.contains_key(id),
            _ => false,
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
