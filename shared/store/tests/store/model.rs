//! The service as a few maps in memory, written from the contract and not from the code under test.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;

/// A call, its names and tags drawn from a handful so that calls meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    CreateAccessId { tag: u8, is_card: bool, name: u8, revoked: bool, customer: Option<u8>, vehicle: Link },
    UpdateAccessId { id: u64, name: Option<u8>, revoked: Option<bool>, customer: Field, vehicle: Change },
    CreateVehicle { name: u8, customer: Option<u8>, tags: Vec<(u8, Option<bool>)> },
    UpdateVehicle { id: u64, name: Option<u8>, make: Field, customer: Field },
    GetAccessId { id: u64 },
    GetVehicle { id: u64 },
    Decide { tag: u8 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    None,
    New { make: Option<u8> },
    Existing(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Keep,
    Clear,
    Set(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Keep,
    Unlink,
    Make(Field),
}

/// What a call came to, as much of it as one moment decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    AccessId(AccessId),
    Vehicle { id: u64, vehicle: Vehicle, access_ids: Vec<(u64, u8, bool)> },
    Authorized { id: u64, name: u8, is_card: bool },
    Revoked,
    Unknown,
    NotFound,
    TagTaken,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessId {
    pub id: u64,
    pub tag: u8,
    pub is_card: bool,
    pub name: u8,
    pub revoked: bool,
    pub authorized_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub vehicle: Option<u64>,
    pub customer: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vehicle {
    pub name: u8,
    pub make: Option<u8>,
    pub customer: Option<u8>,
}

/// Customers 2n and 2n + 1 are two spellings of one name.
pub fn is_same_customer(one: u8, other: u8) -> bool {
    one / 2 == other / 2
}

/// One organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    pub access_ids: BTreeMap<u64, AccessId>,
    pub vehicles: BTreeMap<u64, Vehicle>,
    /// The spellings in which customers were first given.
    pub customers: BTreeSet<u8>,
}

impl Field {
    fn apply(self, before: Option<u8>) -> Option<u8> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl AccessId {
    fn set_revoked(&mut self, revoked: bool, now: Timestamp) {
        if self.revoked != revoked {
            self.revoked = revoked;
            self.revoked_at = revoked.then_some(now);
            if !revoked {
                self.authorized_at = now;
            }
        }
    }
}

impl Model {
    /// Carries a call out. `made` are the ids that the service gave to what the call created: access ID and vehicle, or
    /// vehicle and access IDs.
    pub fn carry_out(&mut self, call: &Call, made: &[u64], now: Timestamp) -> Outcome {
        match call {
            Call::CreateAccessId { tag, is_card, name, revoked, customer, vehicle } => {
                if self.by_tag(*tag).is_some() {
                    return Outcome::TagTaken;
                }
                if matches!(vehicle, Link::Existing(id) if !self.vehicles.contains_key(id) || self.held(*id).len() >= 100)
                {
                    return Outcome::Refused;
                }
                let customer = customer.map(|customer| self.customer(customer));
                let vehicle = match vehicle {
                    Link::None => None,
                    Link::Existing(id) => Some(*id),
                    Link::New { make } => {
                        let id = made.get(1).copied().unwrap_or_default();
                        self.vehicles.insert(id, Vehicle { name: *name, make: *make, customer });
                        Some(id)
                    }
                };
                let access_id = AccessId {
                    id: made.first().copied().unwrap_or_default(),
                    tag: *tag,
                    is_card: *is_card,
                    name: *name,
                    revoked: *revoked,
                    authorized_at: now,
                    revoked_at: revoked.then_some(now),
                    created_at: now,
                    updated_at: now,
                    vehicle,
                    customer,
                };
                self.access_ids.insert(access_id.id, access_id.clone());
                Outcome::AccessId(access_id)
            }
            Call::UpdateAccessId { id, name, revoked, customer, vehicle } => {
                let Some(before) = self.access_ids.get(id).cloned() else { return Outcome::NotFound };
                if before.is_card && matches!(vehicle, Change::Make(_)) {
                    return Outcome::Refused;
                }
                let now = now.max(before.updated_at);
                let mut after = before.clone();
                after.name = name.unwrap_or(before.name);
                after.set_revoked(revoked.unwrap_or(before.revoked), now);
                after.customer = self.replaced(before.customer, *customer);
                match vehicle {
                    Change::Keep => {}
                    Change::Unlink => after.vehicle = None,
                    Change::Make(make) => {
                        let id = before.vehicle.or(made.get(1).copied()).unwrap_or_default();
                        let new = Vehicle { name: after.name, make: None, customer: after.customer };
                        let vehicle = self.vehicles.entry(id).or_insert(new);
                        vehicle.make = make.apply(vehicle.make);
                        after.vehicle = Some(id);
                    }
                }
                if after != before {
                    after.updated_at = now;
                }
                self.access_ids.insert(*id, after.clone());
                Outcome::AccessId(after)
            }
            Call::CreateVehicle { name, customer, tags } => {
                if tags.iter().any(|(tag, _)| self.by_tag(*tag).is_some_and(|found| found.vehicle.is_some())) {
                    return Outcome::TagTaken;
                }
                let existing = tags.iter().filter_map(|(tag, _)| self.by_tag(*tag));
                let now = existing.map(|access_id| access_id.updated_at).fold(now, Timestamp::max);
                let customer = customer.map(|customer| self.customer(customer));
                let mut made = made.iter().copied();
                let id = made.next().unwrap_or_default();
                self.vehicles.insert(id, Vehicle { name: *name, make: None, customer });
                for (tag, revoked) in tags {
                    let access_id = match self.by_tag(*tag).cloned() {
                        Some(mut known) => {
                            known.set_revoked(revoked.unwrap_or(known.revoked), now);
                            AccessId { vehicle: Some(id), updated_at: now, ..known }
                        }
                        None => AccessId {
                            id: made.next().unwrap_or_default(),
                            tag: *tag,
                            is_card: false,
                            name: *name,
                            revoked: revoked.unwrap_or(false),
                            authorized_at: now,
                            revoked_at: (*revoked == Some(true)).then_some(now),
                            created_at: now,
                            updated_at: now,
                            vehicle: Some(id),
                            customer,
                        },
                    };
                    self.access_ids.insert(access_id.id, access_id);
                }
                self.vehicle(id)
            }
            Call::UpdateVehicle { id, name, make, customer } => {
                let Some(mut vehicle) = self.vehicles.get(id).cloned() else { return Outcome::NotFound };
                vehicle.name = name.unwrap_or(vehicle.name);
                vehicle.make = make.apply(vehicle.make);
                vehicle.customer = self.replaced(vehicle.customer, *customer);
                self.vehicles.insert(*id, vehicle);
                self.vehicle(*id)
            }
            Call::GetAccessId { id } => self.access_ids.get(id).cloned().map_or(Outcome::NotFound, Outcome::AccessId),
            Call::GetVehicle { id } => self.vehicle(*id),
            Call::Decide { tag } => match self.by_tag(*tag) {
                None => Outcome::Unknown,
                Some(AccessId { revoked: true, .. }) => Outcome::Revoked,
                Some(AccessId { id, name, is_card, .. }) => {
                    Outcome::Authorized { id: *id, name: *name, is_card: *is_card }
                }
            },
        }
    }

    pub fn vehicle(&self, id: u64) -> Outcome {
        match self.vehicles.get(&id) {
            None => Outcome::NotFound,
            Some(vehicle) => Outcome::Vehicle { id, vehicle: vehicle.clone(), access_ids: self.held(id) },
        }
    }

    fn held(&self, vehicle: u64) -> Vec<(u64, u8, bool)> {
        let held = self.access_ids.values().filter(|access_id| access_id.vehicle == Some(vehicle));
        held.map(|access_id| (access_id.id, access_id.tag, access_id.revoked)).collect()
    }

    fn by_tag(&self, tag: u8) -> Option<&AccessId> {
        self.access_ids.values().find(|access_id| access_id.tag == tag)
    }

    /// The customer in its first spelling.
    fn customer(&mut self, given: u8) -> u8 {
        let known = self.customers.iter().copied().find(|known| is_same_customer(*known, given));
        known.unwrap_or_else(|| {
            self.customers.insert(given);
            given
        })
    }

    fn replaced(&mut self, before: Option<u8>, field: Field) -> Option<u8> {
        match field {
            Field::Set(given) => Some(self.customer(given)),
            Field::Keep | Field::Clear => field.apply(before),
        }
    }
}

/// A call that was made, with what came back. Moments are counted, not timed.
#[derive(Clone, Debug)]
pub struct Made {
    pub call: Call,
    pub now: Timestamp,
    pub began: usize,
    pub ended: usize,
    /// `None` when the service could not say whether it happened.
    pub outcome: Option<Outcome>,
    /// The ids of what it created.
    pub ids: Vec<u64>,
}

/// All states that some order of the calls leads to in which every call takes effect between its beginning and its end
/// and has the outcome that it had. Empty: no order explains the history.
pub fn explanations(history: &[Made]) -> Vec<Model> {
    assert!(history.len() <= 64, "one bit per call");
    let (mut ends, mut seen) = (Vec::new(), std::collections::HashSet::new());
    let mut open = vec![(0_u64, Model::default())];
    while let Some((done, model)) = open.pop() {
        let is_open = |at: &usize| done & (1 << at) == 0;
        let waiting = (0..history.len()).filter(is_open);
        let certain: Vec<usize> = waiting.clone().filter(|at| history[*at].outcome.is_some()).collect();
        if certain.is_empty() && !ends.contains(&model) {
            ends.push(model.clone());
        }
        // A call can come next only if none of those still to come ended before it began.
        let first_end = certain.iter().map(|at| history[*at].ended).min().unwrap_or(usize::MAX);
        for at in waiting.filter(|at| history[*at].began < first_end) {
            let Made { call, now, outcome, ids, .. } = &history[at];
            let mut next = model.clone();
            let came_to = next.carry_out(call, ids, *now);
            if outcome.as_ref().is_none_or(|outcome| *outcome == came_to) && seen.insert((done | 1 << at, next.clone()))
            {
                open.push((done | 1 << at, next));
            }
        }
    }
    ends
}
