//! The writes: one function for each operation.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AccessId, Call, Change, Field, Imported, Kind, Link, Model, Outcome, Rules, Target, Vehicle, is_same_customer,
};

/// What the model cannot know of a call: when it was carried out, and which ids the service gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen<'a> {
    /// The time of the request.
    pub now: i64,
    /// The ids for new access IDs by their tags.
    pub access_ids: &'a BTreeMap<u8, u64>,
    /// The id for a new vehicle.
    pub vehicle: u64,
}

impl Model {
    /// Carries out a call. None if it would create a record without an id, or with one that belongs or belonged to another
    /// record.
    pub(crate) fn carry_out(&mut self, call: &Call, chosen: Chosen<'_>) -> Option<Outcome> {
        match call {
            Call::CreateAccessId { .. } => self.create_access_id(call, chosen),
            Call::UpdateAccessId { .. } => self.update_access_id(call, chosen),
            Call::CreateVehicle { .. } => self.create_vehicle(call, chosen),
            Call::UpdateVehicle { .. } => self.update_vehicle(call),
            Call::PutRules { id, rules } => Some(self.put_rules(*id, *rules, chosen)),
            Call::Import { .. } => self.import(call, chosen),
            Call::Revoke { id, of } => Some(self.revoke(*id, of, chosen)),
            Call::DeleteAccessId { id } => Some(self.delete_access_id(*id)),
            Call::DeleteVehicle { id } => Some(self.delete_vehicle(*id)),
            read => Some(self.read(read)),
        }
    }

    /// A new access ID, with a new vehicle, an existing one, or none.
    fn create_access_id(&mut self, call: &Call, chosen: Chosen<'_>) -> Option<Outcome> {
        let Call::CreateAccessId { tag, is_card, name, revoked, customer, vehicle, key: _ } = call else { return None };
        let now = chosen.now;
        if let Some(holder) = self.by_tag(*tag) {
            return Some(Outcome::TagTaken(vec![(None, holder.id)]));
        }
        if matches!(vehicle, Link::Existing(id) if !self.has_room(*id)) {
            return Some(Outcome::Refused);
        }
        let customer = customer.map(|customer| self.customer(customer));
        let vehicle = match vehicle {
            Link::None => None,
            Link::Existing(id) => Some(*id),
            Link::New { make } => Some(self.add_vehicle(chosen, Vehicle { name: *name, make: *make, customer })?),
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
        Some(Outcome::AccessId { access_id: self.access_ids.get(&id)?.clone(), shown })
    }

    /// A change of an access ID, and of its vehicle through it.
    fn update_access_id(&mut self, call: &Call, chosen: Chosen<'_>) -> Option<Outcome> {
        let Call::UpdateAccessId { id, name, revoked, customer, vehicle } = call else { return None };
        let Some(before) = self.access_ids.get(id).cloned() else { return Some(Outcome::NotFound) };
        let is_refused = match vehicle {
            Change::Make(_) => before.is_card,
            Change::Link(id) => before.vehicle != Some(*id) && !self.has_room(*id),
            Change::Keep | Change::Clear | Change::Unlink => false,
        };
        if is_refused {
            return Some(Outcome::Refused);
        }
        let now = chosen.now.max(before.updated_at);
        let mut after = before.clone();
        after.name = name.unwrap_or(before.name);
        after.set_revoked(revoked.unwrap_or(before.revoked), now);
        after.customer = self.replaced(before.customer, *customer);
        match vehicle {
            Change::Keep => {}
            Change::Clear if before.is_card => {}
            Change::Clear | Change::Unlink => after.vehicle = None,
            Change::Link(id) => after.vehicle = Some(*id),
            Change::Make(make) => {
                let linked = match before.vehicle {
                    Some(linked) => linked,
                    None => {
                        self.add_vehicle(chosen, Vehicle { name: after.name, make: None, customer: after.customer })?
                    }
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
        Some(self.access_id(*id))
    }

    /// A new vehicle. Unknown tags become access IDs of type Vehicle; known ones are linked.
    fn create_vehicle(&mut self, call: &Call, chosen: Chosen<'_>) -> Option<Outcome> {
        let Call::CreateVehicle { name, customer, tags, key: _ } = call else { return None };
        let holders = tags.iter().enumerate().filter_map(|(at, (tag, _))| Some((at, self.by_tag(*tag)?)));
        let linked = holders.filter(|(_, holder)| holder.vehicle.is_some());
        let taken: Vec<_> = linked.map(|(at, holder)| (Some(at), holder.id)).collect();
        if !taken.is_empty() {
            return Some(Outcome::TagTaken(taken));
        }
        let existing = tags.iter().filter_map(|(tag, _)| self.by_tag(*tag));
        let now = existing.map(|access_id| access_id.updated_at).fold(chosen.now, i64::max);
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
        Some(self.vehicle(id))
    }

    /// A change of a vehicle.
    fn update_vehicle(&mut self, call: &Call) -> Option<Outcome> {
        let Call::UpdateVehicle { id, name, make, customer } = call else { return None };
        let Some(mut vehicle) = self.vehicles.get(id).cloned() else { return Some(Outcome::NotFound) };
        vehicle.name = name.unwrap_or(vehicle.name);
        vehicle.make = make.apply(vehicle.make);
        vehicle.customer = self.replaced(vehicle.customer, *customer);
        self.vehicles.insert(*id, vehicle);
        Some(self.vehicle(*id))
    }

    /// New rules for an access ID.
    fn put_rules(&mut self, id: u64, rules: Rules, chosen: Chosen<'_>) -> Outcome {
        let is_changed = self.rules_of(id) != rules;
        let Some(access_id) = self.access_ids.get_mut(&id) else { return Outcome::NotFound };
        if is_changed {
            access_id.updated_at = chosen.now.max(access_id.updated_at);
            self.rules.insert(id, rules);
            self.rules.retain(|_, rules| *rules != Rules::default());
        }
        Outcome::Rules(rules)
    }

    /// One access ID of a batch.
    fn import(&mut self, call: &Call, chosen: Chosen<'_>) -> Option<Outcome> {
        let Call::Import { tag, is_card, name, revoked, customer } = *call else { return None };
        let Some(before) = self.by_tag(tag).cloned() else {
            let revoked = revoked.unwrap_or(false);
            let vehicle = Link::None;
            let create = Call::CreateAccessId { tag, is_card, name, revoked, customer, vehicle, key: None };
            return self.create_access_id(&create, chosen).map(|outcome| match outcome {
                Outcome::AccessId { access_id, .. } => Outcome::Imported { id: access_id.id, how: Imported::Created },
                other => other,
            });
        };
        if before.is_card != is_card {
            return Some(Outcome::Refused);
        }
        let (id, customer) = (before.id, customer.map_or(Field::Keep, Field::Set));
        let update = Call::UpdateAccessId { id, name: Some(name), revoked, customer, vehicle: Change::Keep };
        self.update_access_id(&update, chosen)?;
        let how = if self.access_ids.get(&id) == Some(&before) { Imported::Unchanged } else { Imported::Updated };
        Some(Outcome::Imported { id, how })
    }

    /// One access ID of those that a revocation is about.
    fn revoke(&mut self, id: u64, of: &Target, chosen: Chosen<'_>) -> Outcome {
        let is_meant = self.is_meant(id, of);
        match self.access_ids.get_mut(&id).filter(|access_id| is_meant && !access_id.revoked) {
            None => Outcome::NotFound,
            Some(access_id) => {
                let now = chosen.now.max(access_id.updated_at);
                access_id.set_revoked(true, now);
                access_id.updated_at = now;
                Outcome::Done
            }
        }
    }

    /// An access ID is deleted: its tag is free, and its vehicle stays.
    fn delete_access_id(&mut self, id: u64) -> Outcome {
        if self.access_ids.remove(&id).is_none() {
            return Outcome::NotFound;
        }
        self.rules.remove(&id);
        self.versions.insert((Kind::AccessId, id), 0);
        Outcome::Deleted
    }

    /// A vehicle is deleted, if no access ID is linked to it.
    fn delete_vehicle(&mut self, id: u64) -> Outcome {
        if !self.vehicles.contains_key(&id) {
            return Outcome::NotFound;
        }
        if !self.held(id).is_empty() {
            return Outcome::InUse;
        }
        self.vehicles.remove(&id);
        self.versions.insert((Kind::Vehicle, id), 0);
        Outcome::Deleted
    }

    /// Whether there is such a vehicle and it can hold one access ID more.
    fn has_room(&self, vehicle: u64) -> bool {
        self.vehicles.contains_key(&vehicle) && self.held(vehicle).len() < 100
    }

    /// Whether the call would create a vehicle if it was carried out now.
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
        let is_new = !self.has_had(Kind::AccessId, id);
        is_new.then(|| self.access_ids.insert(id, AccessId { id, ..access_id }));
        is_new.then_some(id)
    }

    fn add_vehicle(&mut self, chosen: Chosen<'_>, vehicle: Vehicle) -> Option<u64> {
        let id = chosen.vehicle;
        let is_new = !self.has_had(Kind::Vehicle, id);
        is_new.then(|| self.vehicles.insert(id, vehicle));
        is_new.then_some(id)
    }

    /// Whether there is a record of this id, or there was one until it was deleted.
    pub(crate) fn has_had(&self, kind: Kind, id: u64) -> bool {
        self.versions.contains_key(&(kind, id))
    }

    /// The customer in the spelling that was given first, which is the given one if the customer is new.
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

    /// Counts one write for each record that the call has changed. An update of an access ID that changes anything also
    /// writes the access ID itself, and the vehicle that it gives fields of.
    pub(crate) fn count_writes(&mut self, before: &Model, call: &Call) {
        let access_ids = self.access_ids.iter().filter(|(id, after)| {
            before.access_ids.get(id) != Some(after) || before.rules.get(id) != self.rules.get(id)
        });
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
