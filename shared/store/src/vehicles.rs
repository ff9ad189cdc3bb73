//! The use cases of vehicles.

use domain::{Id, NewVehicle, Timestamp, UpdateVehicle, Vehicle, VehicleFilter};

use crate::{
    Credential, Error, Idempotency, Page, PageRequest, Store, customers,
    idempotency::Remembered,
    items::{AccessIdItem, Corrupt, TagItem, VehicleItem, Versioned, milliseconds, readable},
    keys,
    table::Transaction,
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
    /// if a tag exists.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::TagTaken`], [`Error::IdempotencyKeyReused`], and the table's own.
    pub async fn create_vehicle(
        &self,
        caller: &Credential,
        new: &NewVehicle,
        idempotency: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<Vehicle, Error> {
        let organization = &caller.organization;
        let now = milliseconds(now);
        let remembered = Remembered::new(idempotency, organization, KIND);
        let tag_keys: Vec<_> = new.tags.iter().map(|requested| keys::tag(organization, &requested.tag)).collect();
        let customer_key = new.customer.as_ref().map(|given| customers::key(organization, given));

        self.table
            .settle(async || {
                let optional = [customer_key.clone(), remembered.key()];
                let keys = tag_keys.iter().cloned().chain(optional.into_iter().flatten());
                let (access, mut found) = self.table.authorize_reading(caller, keys).await?;
                if let Some(item) = remembered.answer(&mut found, now)? {
                    return Ok(item.into_vehicle()?);
                }

                let mut new = new.clone();
                let new_customer = customers::recognize(&mut found, organization, new.customer.as_mut())?;
                let mut existing_keys = Vec::new();
                for key in &tag_keys {
                    if let Some(tag) = found.take::<TagItem>(key)? {
                        existing_keys.push(keys::access_id(organization, tag.access_id()?));
                    }
                }
                let mut found = access.read(existing_keys.iter().cloned()).await?;
                let (mut existing, mut versions) = (Vec::new(), Vec::new());
                for key in &existing_keys {
                    let access_id = found.take_record::<AccessIdItem>(key)?;
                    let Versioned { value, version } =
                        access_id.ok_or_else(|| Corrupt::new("a tag whose access ID is not there"))?;
                    existing.push(value);
                    versions.push(version);
                }

                let tags = u64::try_from(new.tags.len()).map_err(|_| Error::Unusable)?;
                let mut ids = self.ids.next(now, tags + 1)?.into_iter();
                let id = ids.next().ok_or(Error::Unusable)?;
                let created = new.create(id, &existing, || ids.next().unwrap_or(id), now);
                let (vehicle, access_ids) = match created {
                    Ok(created) => created,
                    Err(refused) => {
                        return Ok(remembered.answer_or(refused.into(), &access, now).await?.into_vehicle()?);
                    }
                };

                let mut transaction = Transaction::default();
                transaction.write::<VehicleItem>(organization, &vehicle, None)?;
                for access_id in &access_ids {
                    let before = existing.iter().zip(&versions).find(|(before, _)| before.id == access_id.id);
                    let version = before.map(|(_, version)| *version);
                    transaction.write::<AccessIdItem>(organization, access_id, version)?;
                    let (key, item) = (keys::tag(organization, &access_id.tag), TagItem::new(access_id));
                    match before {
                        None => transaction.create(key, &item)?,
                        Some((before, _)) if TagItem::new(before) != item => transaction.follow(key, &item)?,
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
    pub async fn update_vehicle(&self, caller: &Credential, id: Id, update: &UpdateVehicle) -> Result<Vehicle, Error> {
        let organization = &caller.organization;
        let key = keys::vehicle(organization, id);
        self.table
            .settle(async || {
                let mut update = update.clone();
                let customer_key =
                    customers::named(&mut update.customer).map(|given| customers::key(organization, given));
                let keys = [key.clone()].into_iter().chain(customer_key);
                let (_, mut found) = self.table.authorize_reading(caller, keys).await?;
                let Versioned { value: before, version } =
                    found.take_record::<VehicleItem>(&key)?.ok_or(Error::NotFound)?;
                let new_customer =
                    customers::recognize(&mut found, organization, customers::named(&mut update.customer))?;
                let after = before.update(update);

                let mut transaction = Transaction::default();
                customers::create(&mut transaction, organization, new_customer.as_ref())?;
                if after != before {
                    transaction.write::<VehicleItem>(organization, &after, Some(version))?;
                }
                self.table.commit(transaction).await?;
                Ok(after)
            })
            .await
    }
}
