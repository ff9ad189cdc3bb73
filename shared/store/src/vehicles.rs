//! The use cases of vehicles.

use domain::{AccessId, Id, NewVehicle, OrganizationId, UpdateVehicle, Vehicle, VehicleFilter};

use crate::{
    Credential, Error, Idempotency, Origin, Page, PageRequest, Store, customers,
    idempotency::Remembered,
    items::{AccessIdItem, Corrupt, TagItem, VehicleItem, Versioned, milliseconds, readable},
    keys::{self, Key},
    table::{Attempt, Found},
};

/// What the keys of remembered requests call this kind of creation.
const KIND: &str = "VEHICLE";

impl Store {
    /// A page of the organization's vehicles that a filter shows. Two calls: a filter without a tag may take a few more to
    /// fill the page, and looks at 5,000 vehicles at most.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_vehicles(
        &self,
        caller: &Credential,
        filter: &VehicleFilter,
        page: &PageRequest,
    ) -> Result<Page<Vehicle>, Error> {
        let text = filter.text();
        if let Some(tag) = &filter.tag {
            let (access, linked) = self.find_by_tag(caller, tag).await?;
            let vehicle = linked.and_then(|linked| linked.vehicle).filter(|vehicle| filter.shows(vehicle));
            return access.page_of(
                &access.all::<VehicleItem>(&text, page),
                vehicle.map(|vehicle| (keys::id_sort(vehicle.id), vehicle)),
            );
        }
        let access = self.table.authorize(caller).await?;
        let walk = access.all::<VehicleItem>(&text, page);
        access.walk(&walk, |item| readable::<VehicleItem>(item).filter(|vehicle| filter.shows(vehicle))).await
    }

    /// One vehicle. One call.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn get_vehicle(&self, caller: &Credential, id: Id) -> Result<Vehicle, Error> {
        let key = keys::vehicle(&caller.organization, id);
        let (_, mut found) = self.table.authorize_reading(caller, [key.clone()]).await?;
        let vehicle = found.take_record::<VehicleItem>(&key)?.ok_or(Error::NotFound)?;
        Ok(vehicle.value)
    }

    /// Creates a vehicle with its access IDs, linking those that exist, and its customer if it is new. Two calls, three
    /// if a tag exists, be it taken or not.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::TagTaken`], [`Error::IdempotencyKeyReused`], and the table's own.
    pub async fn create_vehicle(
        &self,
        origin: Origin<'_>,
        new: &NewVehicle,
        idempotency: Option<&Idempotency>,
    ) -> Result<Vehicle, Error> {
        let Origin { caller, now, .. } = origin;
        let (organization, now) = (&caller.organization, milliseconds(now));
        let remembered = Remembered::new(idempotency, organization, KIND);
        let tag_keys: Vec<_> = new.tags.iter().map(|requested| keys::tag(organization, &requested.tag)).collect();
        let customer_key = new.customer.as_ref().map(|given| customers::key(organization, given));

        self.table
            .settle(async || {
                let optional = [customer_key.clone(), remembered.key()];
                let keys = tag_keys.iter().cloned().chain(optional.into_iter().flatten());
                let (access, mut found) = self.table.authorize_reading(caller, keys).await?;
                if let Some(item) = remembered.answer(&mut found, &access, now).await? {
                    return Ok(item.into_vehicle()?);
                }

                let mut new = new.clone();
                let new_customer = customers::recognize(&mut found, organization, new.customer.as_mut())?;
                let existing_keys = holders(&mut found, organization, &tag_keys)?;
                let mut found = access.read(existing_keys.iter().cloned()).await?;
                let Some(stored) = access_ids(&mut found, &existing_keys)? else {
                    // An access ID is deleted together with its tag, and no other one is ever given its number.
                    let mut again = access.read(tag_keys.iter().cloned()).await?;
                    let is_same = holders(&mut again, organization, &tag_keys)? == existing_keys;
                    let corrupt = || Corrupt::new("a tag whose access ID is not there").into();
                    return Err(if is_same { corrupt() } else { Attempt::Conflict });
                };
                let existing: Vec<_> = stored.iter().map(|stored| stored.value.clone()).collect();

                let tags = u64::try_from(new.tags.len()).map_err(|_| Error::Unusable)?;
                let mut ids = self.ids.next(now, tags + 1)?.into_iter();
                let id = ids.next().ok_or(Error::Unusable)?;
                let created = new.create(id, &existing, || ids.next().unwrap_or(id), now);
                let (vehicle, access_ids) = match created {
                    Ok(created) => created,
                    Err(refused) => {
                        // Tags and access IDs were read one after the other. All that the refusal says of them was true at
                        // one moment if none of them has changed since.
                        let keys = tag_keys.iter().chain(&existing_keys).cloned().chain(remembered.key());
                        let mut again = access.read(keys).await?;
                        if let Some(item) = remembered.answer(&mut again, &access, now).await? {
                            return Ok(item.into_vehicle()?);
                        }
                        let is_same = holders(&mut again, organization, &tag_keys)? == existing_keys
                            && access_ids(&mut again, &existing_keys)?.map(|again| versions(&again))
                                == Some(versions(&stored));
                        return Err(if is_same { refused.into() } else { Attempt::Conflict });
                    }
                };

                let mut transaction = self.transaction(origin)?;
                transaction.write::<VehicleItem>(organization, &vehicle, None)?;
                for access_id in &access_ids {
                    let before = stored.iter().find(|before| before.value.id == access_id.id);
                    transaction.write::<AccessIdItem>(organization, access_id, before)?;
                    let (key, item) = (keys::tag(organization, &access_id.tag), TagItem::new(access_id));
                    match before {
                        None => transaction.create(key, &item)?,
                        Some(before) if TagItem::new(&before.value) != item => transaction.follow(key, &item)?,
                        Some(_) => {}
                    }
                }
                customers::create(&mut transaction, organization, new_customer.as_ref())?;
                remembered.remember(&mut transaction, None, Some(&vehicle), now)?;
                self.table.commit(transaction).await?;
                Ok(vehicle)
            })
            .await
    }

    /// Changes a vehicle. Two calls, one if nothing changes.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn update_vehicle(&self, origin: Origin<'_>, id: Id, update: &UpdateVehicle) -> Result<Vehicle, Error> {
        let organization = &origin.caller.organization;
        let key = keys::vehicle(organization, id);
        self.table
            .settle(async || {
                let mut update = update.clone();
                let customer_key =
                    customers::named(&mut update.customer).map(|given| customers::key(organization, given));
                let keys = [key.clone()].into_iter().chain(customer_key);
                let (_, mut found) = self.table.authorize_reading(origin.caller, keys).await?;
                let before = found.take_record::<VehicleItem>(&key)?.ok_or(Error::NotFound)?;
                let new_customer =
                    customers::recognize(&mut found, organization, customers::named(&mut update.customer))?;
                let after = before.value.update(update);

                let mut transaction = self.transaction(origin)?;
                customers::create(&mut transaction, organization, new_customer.as_ref())?;
                if after != before.value {
                    transaction.write::<VehicleItem>(organization, &after, Some(&before))?;
                }
                self.table.commit(transaction).await?;
                Ok(after)
            })
            .await
    }

    /// Deletes a vehicle. Two calls.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], [`Error::VehicleInUse`], and the table's own.
    pub async fn delete_vehicle(&self, origin: Origin<'_>, id: Id) -> Result<(), Error> {
        let organization = &origin.caller.organization;
        let key = keys::vehicle(organization, id);
        self.table
            .settle(async || {
                let (_, mut found) = self.table.authorize_reading(origin.caller, [key.clone()]).await?;
                let vehicle = found.take_record::<VehicleItem>(&key)?.ok_or(Error::NotFound)?;
                match vehicle.value.access_ids.len() {
                    0 => {}
                    linked => return Err(Error::VehicleInUse(linked).into()),
                }
                let mut transaction = self.transaction(origin)?;
                // To link an access ID changes the vehicle's version too.
                transaction.delete::<VehicleItem>(organization, &vehicle);
                self.table.commit(transaction).await
            })
            .await
    }
}

/// The keys of the access IDs that have these tags.
fn holders(found: &mut Found, organization: &OrganizationId, tags: &[Key]) -> Result<Vec<Key>, Corrupt> {
    let mut holders = Vec::new();
    for key in tags {
        if let Some(tag) = found.take::<TagItem>(key)? {
            holders.push(keys::access_id(organization, tag.access_id));
        }
    }
    Ok(holders)
}

/// The access IDs at these keys; `None` if one is not there.
fn access_ids(found: &mut Found, keys: &[Key]) -> Result<Option<Vec<Versioned<AccessId>>>, Corrupt> {
    keys.iter().map(|key| found.take_record::<AccessIdItem>(key)).collect()
}

fn versions(access_ids: &[Versioned<AccessId>]) -> Vec<u64> {
    access_ids.iter().map(|access_id| access_id.version).collect()
}
