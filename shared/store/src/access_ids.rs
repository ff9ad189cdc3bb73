//! The use cases of access IDs.

use std::collections::HashMap;

use domain::{
    AccessId, AccessIdUpdate, Customer, Id, LinkedAccessId, NewAccessId, Patch, Timestamp, UpdateAccessId, Vehicle,
    VehicleChange, VehicleLink,
};

use crate::{
    Credential, Error, Idempotency, Page, PageRequest, Store,
    cursor::List,
    keys,
    record::{
        AccessIdRecord, Corrupt, RequestRecord, TagRecord, VehicleRecord, Versioned, from_item, milliseconds, readable,
    },
    table::{Attempt, Found, Replay},
};

/// What the keys of remembered requests call this kind of creation.
const KIND: &str = "ACCESS-ID";

impl Store {
    /// A page of the organization's access IDs, each with its vehicle. Two calls, three with a hundred vehicles.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_access_ids(
        &self,
        caller: &Credential,
        page: &PageRequest,
    ) -> Result<Page<LinkedAccessId>, Error> {
        let organization = &caller.organization;
        let (access_ids, last) = self.page::<AccessIdRecord, AccessId>(page, &keys::access_ids(organization)).await?;

        let linked = access_ids.iter().filter_map(|access_id| access_id.vehicle);
        let vehicle_keys = linked.map(|id| keys::vehicle(organization, id));
        let mut found = self.batch_get(vehicle_keys.chain([caller.key()])).await?;
        let next_cursor = found.credential(caller)?.next_cursor(caller, page, List::AccessIds, last)?;
        let vehicles: HashMap<Id, Vehicle> = found
            .into_items()
            .filter_map(|item| readable(from_item::<VehicleRecord>(&item).and_then(Versioned::<Vehicle>::try_from)))
            .map(|vehicle| (vehicle.value.id, vehicle.value))
            .collect();
        let records = access_ids.into_iter().map(|access_id| {
            let vehicle = access_id.vehicle.and_then(|id| vehicles.get(&id)).cloned();
            LinkedAccessId { access_id, vehicle }
        });
        Ok(Page { records: records.collect(), next_cursor })
    }

    /// One access ID with its vehicle. Two calls, one if it is linked to none.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn get_access_id(&self, caller: &Credential, id: Id) -> Result<LinkedAccessId, Error> {
        self.settle(async || {
            let (stored, _) = self.read_linked(caller, id, None).await?;
            Ok(stored.linked())
        })
        .await
    }

    /// Creates an access ID, and with it its vehicle and its customer if they are new. Two calls.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::TagTaken`], [`Error::Link`], [`Error::IdempotencyKeyReused`], and the table's
    /// own.
    pub async fn create_access_id(
        &self,
        caller: &Credential,
        new: &NewAccessId,
        wish: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<LinkedAccessId, Error> {
        let organization = &caller.organization;
        let now = milliseconds(now);
        let replay = Replay::new(wish, organization, KIND);
        let tag_key = keys::tag(organization, &new.tag);
        let vehicle_key = match new.vehicle {
            VehicleLink::Existing(id) => Some(keys::vehicle(organization, id)),
            VehicleLink::None | VehicleLink::New(_) => None,
        };

        self.settle(async || {
            let keys = [caller.key(), tag_key.clone()].into_iter();
            let keys = keys.chain(vehicle_key.clone()).chain(replay.as_ref().map(|replay| replay.key.clone()));
            let keys = keys.chain(new.customer.as_ref().map(|given| keys::customer(organization, &given.key())));
            let mut found = self.batch_get(keys).await?;
            found.credential(caller)?;
            if let Some(replay) = &replay
                && let Some(remembered) = replay.remembered(&mut found, now)?
            {
                return Ok(remembered.into_access_id()?);
            }

            let mut new = new.clone();
            let customer = found.customer_of(organization, &mut new.customer)?;
            let existing: Option<Versioned<Vehicle>> =
                vehicle_key.as_ref().map(|key| found.take_versioned::<VehicleRecord, _>(key)).transpose()?.flatten();
            let version = existing.as_ref().map(|vehicle| vehicle.version);
            let ids = [self.new_id(now)?, self.new_id(now)?];
            let created = if found.has(&tag_key) {
                Err(Error::TagTaken)
            } else {
                new.create(ids[0], ids[1], existing.map(|vehicle| vehicle.value), now).map_err(Error::from)
            };
            let created = match created {
                Ok(created) => created,
                // What refuses it may be the first request of this key, carried out since the read above.
                Err(refused) => {
                    return self
                        .remembered_or(refused, replay.as_ref(), now)
                        .await?
                        .into_access_id()
                        .map_err(Attempt::from);
                }
            };

            let mut transaction = self.transaction();
            let access_id = &created.access_id;
            transaction.create(keys::access_id(organization, access_id.id), &AccessIdRecord::new(access_id, 1));
            transaction.create(tag_key.clone(), &TagRecord::new(access_id));
            if let Some(vehicle) = &created.vehicle {
                let key = keys::vehicle(organization, vehicle.id);
                transaction.write(key, version, |version| VehicleRecord::new(vehicle, version));
            }
            if let Some(customer) = customer {
                transaction.create_customer(organization, &customer);
            }
            if let Some(replay) = &replay {
                replay.remember(&mut transaction, now, |fingerprint, expires_at| {
                    RequestRecord::of_access_id(&created, fingerprint, expires_at)
                });
            }
            self.commit(transaction).await?;
            Ok(created)
        })
        .await
    }

    /// Changes an access ID, and with it its vehicle's view of it. Two or three calls.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], [`Error::Update`], and the table's own.
    pub async fn update_access_id(
        &self,
        caller: &Credential,
        id: Id,
        update: &UpdateAccessId,
        now: Timestamp,
    ) -> Result<LinkedAccessId, Error> {
        let organization = &caller.organization;
        let now = milliseconds(now);
        let given = match &update.customer {
            Patch::Set(customer) => Some(customer),
            Patch::Keep | Patch::Clear => None,
        };
        self.settle(async || {
            let (stored, mut found) = self.read_linked(caller, id, given).await?;
            let mut update = update.clone();
            let mut customer = None;
            if let Patch::Set(given) = &mut update.customer {
                let known = found.customer(organization, given)?;
                *given = known.customer.clone();
                customer = Some(known);
            }
            let before = stored.linked();
            let AccessIdUpdate { after, unlinked } = before.update(update.clone(), self.new_id(now)?, None, now)?;

            let is_named = matches!(update.vehicle, VehicleChange::Change { .. });
            let mut transaction = self.transaction();
            if after == before {
                // Nothing is written that could fail. What the vehicle was read for holds only if the access ID, read before
                // it, is still the same.
                if is_named && stored.vehicle.is_some() {
                    let key = keys::access_id(organization, id);
                    let mut found = self.batch_get([key.clone()]).await?;
                    let again = found.take_versioned::<AccessIdRecord, AccessId>(&key)?;
                    if again.is_none_or(|again| again.version != stored.access_id.version) {
                        return Err(Attempt::Conflict);
                    }
                }
            } else {
                // Whatever changes, both records are as they were read, or nothing happens: what the answer says of the
                // one and of the other has to be true at one moment, and no change may be lost between the two reads.
                let access_id = &after.access_id;
                let version = stored.access_id.version;
                let record = AccessIdRecord::new(access_id, version + 1);
                transaction.replace(keys::access_id(organization, id), &record, version);
                if (&access_id.name, access_id.status) != (&before.access_id.name, before.access_id.status) {
                    transaction.follow(keys::tag(organization, &access_id.tag), &TagRecord::new(access_id));
                }
                if (is_named || after.vehicle != before.vehicle)
                    && let Some(vehicle) = unlinked.as_ref().or(after.vehicle.as_ref())
                {
                    let version = stored.vehicle.as_ref().map(|vehicle| vehicle.version);
                    let key = keys::vehicle(organization, vehicle.id);
                    transaction.write(key, version, |version| VehicleRecord::new(vehicle, version));
                }
            }
            if let Some(customer) = customer {
                transaction.create_customer(organization, &customer);
            }
            if !transaction.is_empty() {
                self.commit(transaction).await?;
            }
            Ok(after)
        })
        .await
    }

    /// The access ID and its vehicle as they are now, and what else was found: the credential is valid.
    async fn read_linked(
        &self,
        caller: &Credential,
        id: Id,
        customer: Option<&Customer>,
    ) -> Result<(Stored, Found), Attempt> {
        let organization = &caller.organization;
        let key = keys::access_id(organization, id);
        let customer = customer.map(|given| keys::customer(organization, &given.key()));
        let mut found = self.batch_get([caller.key(), key.clone()].into_iter().chain(customer)).await?;
        found.credential(caller)?;
        let access_id = found.take_versioned::<AccessIdRecord, AccessId>(&key)?.ok_or(Error::NotFound)?;
        let mut vehicle = None;
        if let Some(linked) = access_id.value.vehicle {
            let item = self.get(&keys::vehicle(organization, linked)).await?;
            let item = item.ok_or_else(|| Corrupt("an access ID whose vehicle is not there".to_owned()))?;
            let read = Versioned::<Vehicle>::try_from(from_item::<VehicleRecord>(&item)?)?;
            if !read.value.shows(&access_id.value.summary()) {
                // Changed between the two reads: what was read first no longer holds.
                return Err(Attempt::Conflict);
            }
            vehicle = Some(read);
        }
        Ok((Stored { access_id, vehicle }, found))
    }
}

/// An access ID and its vehicle as they were read.
struct Stored {
    access_id: Versioned<AccessId>,
    vehicle: Option<Versioned<Vehicle>>,
}

impl Stored {
    fn linked(&self) -> LinkedAccessId {
        LinkedAccessId {
            access_id: self.access_id.value.clone(),
            vehicle: self.vehicle.as_ref().map(|vehicle| vehicle.value.clone()),
        }
    }
}
