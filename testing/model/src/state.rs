//! One organization, and what calls do to it.

use std::collections::{BTreeMap, BTreeSet};

/// A call, its names and tags drawn from a handful so that calls meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub enum Call {
    /// A new access ID, perhaps with an idempotency key.
    CreateAccessId {
        tag: u8,
        is_card: bool,
        name: u8,
        revoked: bool,
        customer: Option<u8>,
        vehicle: Link,
        key: Option<u8>,
    },
    /// A change of an access ID.
    UpdateAccessId { id: u64, name: Option<u8>, revoked: Option<bool>, customer: Field, vehicle: Change },
    /// A new vehicle with these tags, perhaps with an idempotency key.
    CreateVehicle { name: u8, customer: Option<u8>, tags: Vec<(u8, Option<bool>)>, key: Option<u8> },
    /// A change of a vehicle.
    UpdateVehicle { id: u64, name: Option<u8>, make: Field, customer: Field },
    /// One access ID with its vehicle.
    GetAccessId { id: u64 },
    /// One vehicle.
    GetVehicle { id: u64 },
    /// An RFID decision.
    Decide { tag: u8 },
    /// What a list shows of an access ID itself: no customer.
    ListAccessId { id: u64 },
    /// Name and make of its vehicle, as an access ID shows them.
    ListLinked { id: u64 },
    /// Whether there is a record after this id, as a list says.
    HasMore { kind: Kind, after: u64 },
}

/// The vehicle of a new access ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub enum Link {
    /// None.
    None,
    /// One that is created with it.
    New { make: Option<u8> },
    /// The one of this id.
    Existing(u64),
}

/// What an update does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Not mentioned.
    Keep,
    /// Given as null.
    Clear,
    /// Given.
    Set(u8),
}

/// What an update of an access ID does to its vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nothing.
    Keep,
    /// The link goes.
    Unlink,
    /// Its make changes; without a vehicle there is a new one.
    Make(Field),
}

/// Which of the two numbered records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Access IDs.
    AccessId,
    /// Vehicles.
    Vehicle,
}

/// What a call came to, as much of it as one moment decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub enum Outcome {
    /// An access ID: a card's `vehicle` is not shown. Of one that was just created also name and make of its vehicle;
    /// elsewhere these are a read of their own, [`Call::ListLinked`].
    AccessId { access_id: AccessId, shown: Option<(u8, Option<u8>)> },
    /// A vehicle with the id, tag and "is it revoked" of its access IDs.
    Vehicle { id: u64, vehicle: Vehicle, access_ids: Vec<(u64, u8, bool)> },
    /// Name and make of a vehicle, as an access ID shows them.
    Linked(u8, Option<u8>),
    /// Whether there is more.
    More(bool),
    /// A decision that lets charge.
    Authorized { id: u64, name: u8, is_card: bool },
    /// A decision that does not.
    Revoked,
    /// A decision on a tag that nobody has.
    Unknown,
    /// 404.
    NotFound,
    /// 409.
    TagTaken,
    /// 409.
    KeyReused,
    /// 400.
    Refused,
}

/// An access ID. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub struct AccessId {
    pub id: u64,
    pub tag: u8,
    pub is_card: bool,
    pub name: u8,
    pub revoked: bool,
    pub authorized_at: i64,
    pub revoked_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub vehicle: Option<u64>,
    pub customer: Option<u8>,
}

/// A vehicle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
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
    /// Its access IDs.
    pub access_ids: BTreeMap<u64, AccessId>,
    /// Its vehicles.
    pub vehicles: BTreeMap<u64, Vehicle>,
    /// The spellings in which customers were first given.
    pub customers: BTreeSet<u8>,
    /// The idempotency keys in use, with what was asked and what was answered.
    pub requests: BTreeMap<(Kind, u8), (Call, Outcome)>,
    /// How often each record was written.
    pub versions: BTreeMap<(Kind, u64), u64>,
}

/// What the model cannot know of a call: when it happened, and which ids the service gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen<'a> {
    /// The one time of the request.
    pub now: i64,
    /// The ids of the access IDs by their tags: a tag stays with the access ID that it came with.
    pub access_ids: &'a BTreeMap<u8, u64>,
    /// The id for a new vehicle.
    pub vehicle: u64,
}

impl Outcome {
    /// Whether a write that comes to this has changed nothing.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotFound | Self::TagTaken | Self::KeyReused | Self::Refused)
    }

    /// The call and what it came to, and, if it shows an access ID's vehicle that it may have read at another moment,
    /// that as a read of its own.
    pub fn split(mut self, call: &Call) -> Vec<(Call, Outcome)> {
        let linked = match (&mut self, call) {
            (Self::AccessId { access_id: AccessId { vehicle: Some(id), .. }, shown }, _)
                if !matches!(call, Call::CreateAccessId { .. }) =>
            {
                shown.take().map(|(name, make)| (Call::ListLinked { id: *id }, Self::Linked(name, make)))
            }
            _ => None,
        };
        [(call.clone(), self)].into_iter().chain(linked).collect()
    }
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
    fn set_revoked(&mut self, revoked: bool, now: i64) {
        if self.revoked != revoked {
            self.revoked = revoked;
            self.revoked_at = revoked.then_some(now);
            if !revoked {
                self.authorized_at = now;
            }
        }
    }
}

impl Call {
    /// Its idempotency key.
    pub fn key(&self) -> Option<(Kind, u8)> {
        match self {
            Self::CreateAccessId { key, .. } => key.map(|key| (Kind::AccessId, key)),
            Self::CreateVehicle { key, .. } => key.map(|key| (Kind::Vehicle, key)),
            _ => None,
        }
    }

    /// Whether it changes nothing, whatever it comes to.
    pub fn is_read(&self) -> bool {
        use Call::*;
        !matches!(self, CreateAccessId { .. } | UpdateAccessId { .. } | CreateVehicle { .. } | UpdateVehicle { .. })
    }
}

impl Model {
    /// The state after a call, and what the call comes to. None if the call would create a record of an id that no
    /// record has in the end, or that another record has.
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

    /// What a read shows now.
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
            _ => unreachable!("{call:?} is no read"),
        }
    }

    fn carry_out(&mut self, call: &Call, chosen: Chosen<'_>) -> Option<Outcome> {
        let Chosen { now, .. } = chosen;
        Some(match call {
            Call::CreateAccessId { tag, is_card, name, revoked, customer, vehicle, key: _ } => {
                if self.by_tag(*tag).is_some() {
                    return Some(Outcome::TagTaken);
                }
                if matches!(vehicle, Link::Existing(id) if !self.vehicles.contains_key(id) || self.held(*id).len() >= 100)
                {
                    return Some(Outcome::Refused);
                }
                let customer = customer.map(|customer| self.customer(customer));
                let vehicle = match vehicle {
                    Link::None => None,
                    Link::Existing(id) => Some(*id),
                    Link::New { make } => {
                        Some(self.add_vehicle(chosen, Vehicle { name: *name, make: *make, customer })?)
                    }
                };
                let id = self.add_access_id(
                    chosen,
                    AccessId {
                        id: 0,
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
                    },
                )?;
                let shown = vehicle.and_then(|id| self.vehicles.get(&id)).map(|vehicle| (vehicle.name, vehicle.make));
                Outcome::AccessId { access_id: self.access_ids.get(&id)?.clone(), shown }
            }
            Call::UpdateAccessId { id, name, revoked, customer, vehicle } => {
                let Some(before) = self.access_ids.get(id).cloned() else { return Some(Outcome::NotFound) };
                if before.is_card && matches!(vehicle, Change::Make(_)) {
                    return Some(Outcome::Refused);
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
                        let linked = match before.vehicle {
                            Some(linked) => linked,
                            None => self.add_vehicle(
                                chosen,
                                Vehicle { name: after.name, make: None, customer: after.customer },
                            )?,
                        };
                        let vehicle = self.vehicles.get_mut(&linked)?;
                        vehicle.make = make.apply(vehicle.make);
                        after.vehicle = Some(linked);
                    }
                }
                if after != before {
                    after.updated_at = now;
                }
                self.access_ids.insert(*id, after);
                self.access_id(*id)
            }
            Call::CreateVehicle { name, customer, tags, key: _ } => {
                if tags.iter().any(|(tag, _)| self.by_tag(*tag).is_some_and(|found| found.vehicle.is_some())) {
                    return Some(Outcome::TagTaken);
                }
                let existing = tags.iter().filter_map(|(tag, _)| self.by_tag(*tag));
                let now = existing.map(|access_id| access_id.updated_at).fold(now, i64::max);
                let customer = customer.map(|customer| self.customer(customer));
                let id = self.add_vehicle(chosen, Vehicle { name: *name, make: None, customer })?;
                for (tag, revoked) in tags {
                    match self.by_tag(*tag).cloned() {
                        Some(mut known) => {
                            known.set_revoked(revoked.unwrap_or(known.revoked), now);
                            self.access_ids.insert(known.id, AccessId { vehicle: Some(id), updated_at: now, ..known });
                        }
                        None => {
                            let new = AccessId {
                                id: 0,
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
                            };
                            self.add_access_id(chosen, new)?;
                        }
                    }
                }
                self.vehicle(id)
            }
            Call::UpdateVehicle { id, name, make, customer } => {
                let Some(mut vehicle) = self.vehicles.get(id).cloned() else { return Some(Outcome::NotFound) };
                vehicle.name = name.unwrap_or(vehicle.name);
                vehicle.make = make.apply(vehicle.make);
                vehicle.customer = self.replaced(vehicle.customer, *customer);
                self.vehicles.insert(*id, vehicle);
                self.vehicle(*id)
            }
            read => self.read(read),
        })
    }

    /// Whether the call, carried out now, would take a new id for a vehicle.
    pub(crate) fn makes_vehicle(&self, call: &Call) -> bool {
        match call {
            _ if call.key().is_some_and(|key| self.requests.contains_key(&key)) => false,
            Call::CreateAccessId { vehicle, .. } => matches!(vehicle, Link::New { .. }),
            Call::UpdateAccessId { id, vehicle: Change::Make(_), .. } => {
                self.access_ids.get(id).is_some_and(|access_id| !access_id.is_card && access_id.vehicle.is_none())
            }
            Call::CreateVehicle { .. } => true,
            _ => false,
        }
    }

    fn add_access_id(&mut self, chosen: Chosen<'_>, access_id: AccessId) -> Option<u64> {
        let id = *chosen.access_ids.get(&access_id.tag)?;
        self.access_ids.insert(id, AccessId { id, ..access_id }).is_none().then_some(id)
    }

    fn add_vehicle(&mut self, chosen: Chosen<'_>, vehicle: Vehicle) -> Option<u64> {
        self.vehicles.insert(chosen.vehicle, vehicle).is_none().then_some(chosen.vehicle)
    }

    fn access_id(&self, id: u64) -> Outcome {
        let Some(mut access_id) = self.access_ids.get(&id).cloned() else { return Outcome::NotFound };
        access_id.vehicle = access_id.vehicle.filter(|_| !access_id.is_card);
        Outcome::AccessId { access_id, shown: None }
    }

    fn vehicle(&self, id: u64) -> Outcome {
        match self.vehicles.get(&id) {
            None => Outcome::NotFound,
            Some(vehicle) => Outcome::Vehicle { id, vehicle: vehicle.clone(), access_ids: self.held(id) },
        }
    }

    /// What the vehicle shows of its access IDs.
    pub fn held(&self, vehicle: u64) -> Vec<(u64, u8, bool)> {
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

    /// A record is written when something of it changes, once. An update of an access ID that changes anything writes the
    /// access ID, and the vehicle that it names.
    fn count_writes(&mut self, before: &Model, call: &Call) {
        let access_ids = self.access_ids.iter().filter(|(id, after)| before.access_ids.get(id) != Some(after));
        let mut written: BTreeSet<_> = access_ids.map(|(id, _)| (Kind::AccessId, *id)).collect();
        let vehicles = self
            .vehicles
            .iter()
            .filter(|(id, after)| before.vehicles.get(id) != Some(after) || before.held(**id) != self.held(**id));
        written.extend(vehicles.map(|(id, _)| (Kind::Vehicle, *id)));
        if let Call::UpdateAccessId { id, vehicle, .. } = call
            && !written.is_empty()
        {
            written.insert((Kind::AccessId, *id));
            let linked = self.access_ids.get(id).and_then(|access_id| access_id.vehicle);
            written.extend(linked.filter(|_| matches!(vehicle, Change::Make(_))).map(|id| (Kind::Vehicle, id)));
        }
        for record in written {
            *self.versions.entry(record).or_default() += 1;
        }
    }
}
