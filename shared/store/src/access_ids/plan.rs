//! What the creation and the update of an access ID come to: decided here, from what was read, and written by whoever asked.

use std::collections::HashMap;

use domain::{
    AccessId, AccessIdUpdate, Id, LinkedAccessId, NewAccessId, OrganizationId, TagTaken, UpdateAccessId, Vehicle,
    VehicleChange, VehicleLink,
};

use crate::{
    Error, Origin, Store, customers,
    items::{AccessIdItem, Corrupt, TagItem, VehicleItem, Versioned, milliseconds},
    keys::{self, Key},
    table::{Access, Attempt, Found, Transaction},
};

/// Vehicles as earlier items of a dry run would have left them. Outside a dry run there are none.
pub(crate) type Pretended = HashMap<Id, Vehicle>;

/// An update that has been decided on and not yet been written.
pub(crate) struct PlannedUpdate<'a> {
    pub before: LinkedAccessId,
    pub after: LinkedAccessId,
    /// The vehicle that the access ID leaves.
    pub unlinked: Option<Vehicle>,
    pub transaction: Transaction<'a>,
}

/// The keys of the items that [`Store::plan_creation`] asks for.
pub(crate) fn keys_of_creation(organization: &OrganizationId, new: &NewAccessId) -> Vec<Key> {
    let vehicle = match new.vehicle {
        VehicleLink::Existing(id) => Some(keys::vehicle(organization, id)),
        VehicleLink::None | VehicleLink::New(_) => None,
    };
    let customer = new.customer.as_ref().map(|given| customers::key(organization, given));
    [keys::tag(organization, &new.tag)].into_iter().chain(vehicle).chain(customer).collect()
}

/// The keys of the items that [`Store::plan_update`] asks for.
pub(crate) fn keys_of_update(organization: &OrganizationId, id: Id, update: &UpdateAccessId) -> Vec<Key> {
    let vehicle = match update.vehicle {
        VehicleChange::Link(id) => Some(keys::vehicle(organization, id)),
        _ => None,
    };
    let customer = customers::named(&mut update.customer.clone()).map(|given| customers::key(organization, given));
    [keys::access_id(organization, id)].into_iter().chain(vehicle).chain(customer).collect()
}

impl Store {
    /// The access ID that a creation comes to, and what has to be written.
    ///
    /// # Errors
    /// [`Error::TagTaken`], [`Error::Link`], and those of items that cannot be read.
    pub(crate) fn plan_creation<'a>(
        &self,
        origin: Origin<'a>,
        found: &mut Found,
        new: &NewAccessId,
        pretended: &Pretended,
    ) -> Result<(LinkedAccessId, Transaction<'a>), Error> {
        let (organization, now) = (&origin.caller.organization, milliseconds(origin.now));
        let mut new = new.clone();
        let new_customer = customers::recognize(found, organization, new.customer.as_mut())?;
        let existing = match new.vehicle {
            VehicleLink::Existing(id) => take_vehicle(found, organization, id, pretended)?,
            VehicleLink::None | VehicleLink::New(_) => None,
        };
        let tag_key = keys::tag(organization, &new.tag);
        if let Some(holder) = found.take::<TagItem>(&tag_key)? {
            return Err(TagTaken::by(holder.access_id).into());
        }
        let ids = [self.ids.next_one(now)?, self.ids.next_one(now)?];
        let created = new.create(ids[0], ids[1], existing.as_ref().map(|vehicle| vehicle.value.clone()), now)?;

        let mut transaction = self.transaction(origin)?;
        transaction.write::<AccessIdItem>(organization, &created.access_id, None)?;
        transaction.create(tag_key, &TagItem::new(&created.access_id))?;
        if let Some(vehicle) = &created.vehicle {
            transaction.write::<VehicleItem>(organization, vehicle, existing.as_ref())?;
        }
        customers::create(&mut transaction, organization, new_customer.as_ref())?;
        Ok((created, transaction))
    }

    /// What an update comes to, and what has to be written: nothing if nothing changes. No call, one if there is a vehicle, and
    /// one more if its fields are given and are what they were.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Update`], [`Attempt::Conflict`], and the table's own.
    pub(crate) async fn plan_update<'a>(
        &self,
        origin: Origin<'a>,
        access: &Access<'_>,
        found: &mut Found,
        id: Id,
        update: &UpdateAccessId,
        pretended: &Pretended,
    ) -> Result<PlannedUpdate<'a>, Attempt> {
        let (organization, now) = (&origin.caller.organization, milliseconds(origin.now));
        let mut update = update.clone();
        let mut stored = read_linked(access, found, organization, id).await?;
        if let Some(vehicle) = &mut stored.vehicle
            && let Some(pretended) = pretended.get(&vehicle.value.id)
        {
            vehicle.value = pretended.clone();
        }
        let named = match update.vehicle {
            VehicleChange::Link(id) => take_vehicle(found, organization, id, pretended)?,
            _ => None,
        };
        let new_customer = customers::recognize(found, organization, customers::named(&mut update.customer))?;
        let changes_vehicle = matches!(update.vehicle, VehicleChange::Change { .. });
        let before = stored.value();
        if let Some(Versioned { value: named, .. }) = &named
            && before.access_id.vehicle != Some(named.id)
            && named.access_ids.iter().any(|summary| summary.id == id)
        {
            // Something changed between the reads of the two: whether the vehicle is full, for one, is not known.
            return Err(Attempt::Conflict);
        }
        let next = named.as_ref().map(|named| named.value.clone());
        let AccessIdUpdate { after, unlinked } = before.update(update, self.ids.next_one(now)?, next, now)?;

        let mut transaction = self.transaction(origin)?;
        if after == before {
            // Nothing is written that could fail. What the vehicle was read for holds only if the access ID, read
            // before it, is still the same.
            if changes_vehicle && stored.vehicle.is_some() {
                let again = access.get::<AccessIdItem>(keys::access_id(organization, id)).await?;
                if again.is_none_or(|again| again.version != stored.access_id.version) {
                    return Err(Attempt::Conflict);
                }
            }
        } else {
            // Whatever changes, all its records are as they were read, or nothing happens: what the answer says of the
            // one and of the other has to be true at one moment, and no change may be lost between the reads.
            let access_id = &after.access_id;
            transaction.write::<AccessIdItem>(organization, access_id, Some(&stored.access_id))?;
            let tag = TagItem::new(access_id);
            if tag != TagItem::new(&before.access_id) {
                transaction.follow(keys::tag(organization, &access_id.tag), &tag)?;
            }
            if let Some(vehicle) = &unlinked {
                transaction.write::<VehicleItem>(organization, vehicle, stored.vehicle.as_ref())?;
            }
            if (changes_vehicle || after.vehicle != before.vehicle)
                && let Some(vehicle) = &after.vehicle
            {
                let is_linked_anew = access_id.vehicle != before.access_id.vehicle;
                let before = if is_linked_anew { &named } else { &stored.vehicle };
                transaction.write::<VehicleItem>(organization, vehicle, before.as_ref())?;
            }
        }
        customers::create(&mut transaction, organization, new_customer.as_ref())?;
        Ok(PlannedUpdate { before, after, unlinked, transaction })
    }
}

/// A vehicle that a request names, if there is one, as an earlier item of a dry run would have left it.
fn take_vehicle(
    found: &mut Found,
    organization: &OrganizationId,
    id: Id,
    pretended: &Pretended,
) -> Result<Option<Versioned<Vehicle>>, Corrupt> {
    let mut vehicle = found.take_record::<VehicleItem>(&keys::vehicle(organization, id))?;
    if let (Some(vehicle), Some(pretended)) = (&mut vehicle, pretended.get(&id)) {
        vehicle.value = pretended.clone();
    }
    Ok(vehicle)
}

/// The access ID that was found and its vehicle, both as they are now. One call if there is a vehicle, two if it was deleted
/// meanwhile.
pub(crate) async fn read_linked(
    access: &Access<'_>,
    found: &mut Found,
    organization: &OrganizationId,
    id: Id,
) -> Result<Stored, Attempt> {
    let key = keys::access_id(organization, id);
    let access_id = found.take_record::<AccessIdItem>(&key)?.ok_or(Error::NotFound)?;
    let Some(linked) = access_id.value.vehicle else { return Ok(Stored { access_id, vehicle: None }) };
    let Some(vehicle) = access.get::<VehicleItem>(keys::vehicle(organization, linked)).await? else {
        // A vehicle is deleted only after it was unlinked, which gave the access ID another version.
        let again = access.get::<AccessIdItem>(key).await?;
        let is_same = again.is_some_and(|again| again.version == access_id.version);
        let corrupt = || Corrupt::new("an access ID whose vehicle is not there").into();
        return Err(if is_same { corrupt() } else { Attempt::Conflict });
    };
    if !vehicle.value.shows(&access_id.value.summary()) {
        // Something changed between the two reads: what was read first no longer holds.
        return Err(Attempt::Conflict);
    }
    Ok(Stored { access_id, vehicle: Some(vehicle) })
}

/// An access ID and its vehicle as they were read.
pub(crate) struct Stored {
    pub access_id: Versioned<AccessId>,
    pub vehicle: Option<Versioned<Vehicle>>,
}

impl Stored {
    pub fn value(&self) -> LinkedAccessId {
        LinkedAccessId {
            access_id: self.access_id.value.clone(),
            vehicle: self.vehicle.as_ref().map(|vehicle| vehicle.value.clone()),
        }
    }
}
