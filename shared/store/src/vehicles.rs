//! The use cases of vehicles.

use domain::{AccessId, Id, NewVehicle, Patch, Timestamp, UpdateVehicle, Vehicle};

use crate::{
    Credential, Error, Idempotency, Page, PageRequest, Store,
    cursor::List,
    keys,
    record::{AccessIdRecord, Corrupt, RequestRecord, TagRecord, VehicleRecord, Versioned, milliseconds},
    table::{Attempt, Replay},
};

/// What the keys of remembered requests call this kind of creation.
const KIND: &str = "VEHICLE";

impl Store {
    /// A page of the organization's vehicles. One call, and before it one for the credential.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_vehicles(&self, caller: &Credential, page: &PageRequest) -> Result<Page<Vehicle>, Error> {
        let credential = self.credential(caller).await?;
        let partition = keys::vehicles(&caller.organization);
        let (records, last) = self.page::<VehicleRecord, Vehicle>(page, &partition).await?;
        let next_cursor = credential.next_cursor(caller, page, List::Vehicles, last)?;
        Ok(Page { records, next_cursor })
    }

    /// One vehicle. One call.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn get_vehicle(&self, caller: &Credential, id: Id) -> Result<Vehicle, Error> {
        let key = keys::vehicle(&caller.organization, id);
        let mut found = self.batch_get([caller.key(), key.clone()]).await?;
        found.credential(caller)?;
        let vehicle: Versioned<Vehicle> = found.take_versioned::<VehicleRecord, _>(&key)?.ok_or(Error::NotFound)?;
        Ok(vehicle.value)
    }

    /// Creates a vehicle with its access IDs, linking those that exist, and its customer if it is new. Two calls, three
    /// if a tag exists.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::TagTaken`], [`Error::IdempotencyKeyReused`], and the table's own.
    pub async fn create_vehicle(
        &self,
        caller: &Credential,
        new: &NewVehicle,
        wish: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<Vehicle, Error> {
        let organization = &caller.organization;
        let now = milliseconds(now);
        let replay = Replay::new(wish, organization, KIND);
        let tag_keys: Vec<_> = new.tags.iter().map(|requested| keys::tag(organization, &requested.tag)).collect();

        self.settle(async || {
            let keys = tag_keys.iter().cloned().chain([caller.key()]);
            let keys = keys.chain(replay.as_ref().map(|replay| replay.key.clone()));
            let keys = keys.chain(new.customer.as_ref().map(|given| keys::customer(organization, &given.key())));
            let mut found = self.batch_get(keys).await?;
            found.credential(caller)?;
            if let Some(replay) = &replay
                && let Some(remembered) = replay.remembered(&mut found, now)?
            {
                return Ok(remembered.into_vehicle()?);
            }

            let mut new = new.clone();
            let customer = found.customer_of(organization, &mut new.customer)?;
            let mut existing_keys = Vec::new();
            for key in &tag_keys {
                if let Some(tag) = found.take::<TagRecord>(key)? {
                    existing_keys.push(keys::access_id(organization, tag.access_id()?));
                }
            }
            let mut existing: Vec<Versioned<AccessId>> = Vec::with_capacity(existing_keys.len());
            if !existing_keys.is_empty() {
                let mut found = self.batch_get(existing_keys.iter().cloned()).await?;
                for key in &existing_keys {
                    let access_id = found.take_versioned::<AccessIdRecord, _>(key)?;
                    existing.push(access_id.ok_or_else(|| Corrupt("a tag whose access ID is not there".to_owned()))?);
                }
            }

            let before: Vec<_> = existing.iter().map(|stored| stored.value.clone()).collect();
            let tags = u64::try_from(new.tags.len()).map_err(|_| Error::Unusable)?;
            let mut ids = self.new_ids(now, tags + 1)?;
            let id = ids.next().ok_or(Error::Unusable)?;
            let ids: Vec<Id> = ids.collect();
            let mut ids = ids.into_iter();
            let created = new.create(id, &before, || ids.next().unwrap_or(id), now);
            let (vehicle, access_ids) = match created {
                Ok(created) => created,
                // What refuses it may be the first request of this key, carried out since the read above.
                Err(refused) => {
                    let remembered = self.remembered_or(refused.into(), replay.as_ref(), now).await?;
                    return remembered.into_vehicle().map_err(Attempt::from);
                }
            };

            let mut transaction = self.transaction();
            transaction.create(keys::vehicle(organization, vehicle.id), &VehicleRecord::new(&vehicle, 1));
            for access_id in &access_ids {
                let key = keys::access_id(organization, access_id.id);
                let tag_key = keys::tag(organization, &access_id.tag);
                match existing.iter().find(|stored| stored.value.id == access_id.id) {
                    None => {
                        transaction.create(key, &AccessIdRecord::new(access_id, 1));
                        transaction.create(tag_key, &TagRecord::new(access_id));
                    }
                    Some(Versioned { value: before, version }) => {
                        transaction.replace(key, &AccessIdRecord::new(access_id, version + 1), *version);
                        if access_id.status != before.status {
                            transaction.follow(tag_key, &TagRecord::new(access_id));
                        }
                    }
                }
            }
            if let Some(customer) = customer {
                transaction.create_customer(organization, &customer);
            }
            if let Some(replay) = &replay {
                replay.remember(&mut transaction, now, |fingerprint, expires_at| {
                    RequestRecord::of_vehicle(&vehicle, fingerprint, expires_at)
                });
            }
            self.commit(transaction).await?;
            Ok(vehicle)
        })
        .await
    }

    /// Changes a vehicle. Two calls, one if nothing changes.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn update_vehicle(&self, caller: &Credential, id: Id, update: &UpdateVehicle) -> Result<Vehicle, Error> {
        let organization = &caller.organization;
        let key = keys::vehicle(organization, id);
        let customer_key = match &update.customer {
            Patch::Set(given) => Some(keys::customer(organization, &given.key())),
            Patch::Keep | Patch::Clear => None,
        };
        self.settle(async || {
            let keys = [caller.key(), key.clone()].into_iter().chain(customer_key.clone());
            let mut found = self.batch_get(keys).await?;
            found.credential(caller)?;
            let Versioned { value: before, version }: Versioned<Vehicle> =
                found.take_versioned::<VehicleRecord, _>(&key)?.ok_or(Error::NotFound)?;
            let mut update = update.clone();
            let mut transaction = self.transaction();
            if let Patch::Set(given) = &mut update.customer {
                let known = found.customer(organization, given)?;
                transaction.create_customer(organization, &known);
                *given = known.customer;
            }
            let after = before.update(update);
            if after != before {
                transaction.replace(key.clone(), &VehicleRecord::new(&after, version + 1), version);
            }
            if !transaction.is_empty() {
                self.commit(transaction).await?;
            }
            Ok(after)
        })
        .await
    }
}
