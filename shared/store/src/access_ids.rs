//! The use cases of access IDs.

mod batch;
mod plan;

use std::collections::HashMap;

use domain::{AccessId, AccessIdFilter, Id, LinkedAccessId, NewAccessId, OcppIdTag, UpdateAccessId, Vehicle};

use crate::{
    Credential, Error, Idempotency, Origin, Page, PageRequest, Store,
    idempotency::Remembered,
    items::{AccessIdItem, TagItem, VehicleItem, milliseconds, readable},
    keys,
    table::Access,
};

pub use batch::{BatchItem, BatchMode};
use plan::{Pretended, Stored, keys_of_creation, keys_of_update, read_linked};

/// What the keys of remembered requests call this kind of creation.
const KIND: &str = "ACCESS-ID";

impl Store {
    /// A page of the organization's access IDs that a filter shows, each with its vehicle. By tag or by vehicle two calls.
    /// Otherwise three, two if none has a vehicle: a filter may take a few more to fill the page, and looks at 5,000 access IDs
    /// at most.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_access_ids(
        &self,
        caller: &Credential,
        filter: &AccessIdFilter,
        page: &PageRequest,
    ) -> Result<Page<LinkedAccessId>, Error> {
        let organization = &caller.organization;
        let text = filter.text();
        if let Some(tag) = &filter.tag {
            let (access, linked) = self.find_by_tag(caller, tag).await?;
            let walk = access.all::<AccessIdItem>(&text, page);
            let linked = linked.filter(|linked| filter.shows(&linked.access_id));
            return access.page_of(&walk, linked.map(|linked| (keys::id_sort(linked.access_id.id), linked)));
        }
        if let Some(id) = filter.vehicle {
            let key = keys::vehicle(organization, id);
            let (access, mut found) = self.table.authorize_reading(caller, [key.clone()]).await?;
            let walk = access.all::<AccessIdItem>(&text, page);
            access.start(&walk)?;
            let vehicle = found.take_record::<VehicleItem>(&key)?.map(|vehicle| vehicle.value);
            let held = vehicle.iter().flat_map(|vehicle| &vehicle.access_ids);
            let found = access.read(held.map(|summary| keys::access_id(organization, summary.id))).await?;
            let shown = found.into_records::<AccessIdItem>().filter(|access_id| filter.shows(access_id));
            return access.page_of(
                &walk,
                shown.map(|access_id| {
                    (keys::id_sort(access_id.id), LinkedAccessId { access_id, vehicle: vehicle.clone() })
                }),
            );
        }
        let access = self.table.authorize(caller).await?;
        let walk = access.all::<AccessIdItem>(&text, page);
        let shown = |item| readable::<AccessIdItem>(item).filter(|access_id| filter.shows(access_id));
        let Page { records: access_ids, next_cursor } = access.walk(&walk, shown).await?;
        let linked = access_ids.iter().filter_map(|access_id| access_id.vehicle);
        let found = access.read(linked.map(|id| keys::vehicle(organization, id))).await?;
        let vehicles: HashMap<Id, Vehicle> =
            found.into_records::<VehicleItem>().map(|vehicle| (vehicle.id, vehicle)).collect();
        let with_vehicle = |access_id: AccessId| {
            let vehicle = access_id.vehicle.and_then(|id| vehicles.get(&id)).cloned();
            LinkedAccessId { access_id, vehicle }
        };
        Ok(Page { records: access_ids.into_iter().map(with_vehicle).collect(), next_cursor })
    }

    /// The access ID that has this tag, with its vehicle. Two calls, three if its vehicle is another one than its tag item
    /// says: that of an earlier version does not say it, and another request may change it between the calls.
    pub(crate) async fn find_by_tag<'a>(
        &'a self,
        caller: &'a Credential,
        tag: &OcppIdTag,
    ) -> Result<(Access<'a>, Option<LinkedAccessId>), Error> {
        let organization = &caller.organization;
        let tag_key = keys::tag(organization, tag);
        let (access, mut found) = self.table.authorize_reading(caller, [tag_key.clone()]).await?;
        let Some(item) = found.take::<TagItem>(&tag_key)? else { return Ok((access, None)) };
        let key = keys::access_id(organization, item.access_id);
        let vehicle_key = |id| keys::vehicle(organization, id);
        let mut found = access.read([key.clone()].into_iter().chain(item.vehicle_id.map(vehicle_key))).await?;
        let Some(access_id) = found.take_record::<AccessIdItem>(&key)? else { return Ok((access, None)) };
        let vehicle = match access_id.value.vehicle.map(vehicle_key) {
            None => None,
            Some(key) => match found.take_record::<VehicleItem>(&key)? {
                Some(vehicle) => Some(vehicle),
                None => access.get::<VehicleItem>(key).await?,
            },
        };
        let vehicle = vehicle.map(|vehicle| vehicle.value);
        Ok((access, Some(LinkedAccessId { access_id: access_id.value, vehicle })))
    }

    /// One access ID with its vehicle. Two calls, one if it is linked to none.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn get_access_id(&self, caller: &Credential, id: Id) -> Result<LinkedAccessId, Error> {
        let key = keys::access_id(&caller.organization, id);
        self.table
            .settle(async || {
                let (access, mut found) = self.table.authorize_reading(caller, [key.clone()]).await?;
                Ok(read_linked(&access, &mut found, &caller.organization, id).await?.value())
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
        origin: Origin<'_>,
        new: &NewAccessId,
        idempotency: Option<&Idempotency>,
    ) -> Result<LinkedAccessId, Error> {
        let Origin { caller, now, .. } = origin;
        let (organization, now) = (&caller.organization, milliseconds(now));
        let remembered = Remembered::new(idempotency, organization, KIND);
        let keys = keys_of_creation(organization, new);

        self.table
            .settle(async || {
                let keys = keys.iter().cloned().chain(remembered.key());
                let (access, mut found) = self.table.authorize_reading(caller, keys).await?;
                if let Some(item) = remembered.answer(&mut found, &access, now).await? {
                    return Ok(item.into_access_id()?);
                }

                let (created, mut transaction) = match self.plan_creation(origin, &mut found, new, &Pretended::new()) {
                    Ok(planned) => planned,
                    Err(refused) => return Ok(remembered.answer_or(refused, &access, now).await?.into_access_id()?),
                };
                let (access_id, vehicle) = (Some(&created.access_id), created.vehicle.as_ref());
                remembered.remember(&mut transaction, access_id, vehicle, now)?;
                self.table.commit(transaction).await?;
                Ok(created)
            })
            .await
    }

    /// Changes an access ID, and with it what the vehicles that it was and is linked to show of it. Two or three calls.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], [`Error::Update`], and the table's own.
    pub async fn update_access_id(
        &self,
        origin: Origin<'_>,
        id: Id,
        update: &UpdateAccessId,
    ) -> Result<LinkedAccessId, Error> {
        let changed = self.change_access_id(origin, id, update, |_| true).await?;
        changed.map(|(_, after)| after).ok_or(Error::NotFound)
    }

    /// The same for an access ID of which `is_meant` says, as it is when it is changed, that it is one of those that are to be.
    /// Gives it back as it was before and as it is now; `None`, and nothing changes, if it is not meant.
    pub(crate) async fn change_access_id(
        &self,
        origin: Origin<'_>,
        id: Id,
        update: &UpdateAccessId,
        is_meant: impl Fn(&AccessId) -> bool,
    ) -> Result<Option<(LinkedAccessId, LinkedAccessId)>, Error> {
        let Origin { caller, .. } = origin;
        let keys = keys_of_update(&caller.organization, id, update);
        self.table
            .settle(async || {
                let (access, mut found) = self.table.authorize_reading(caller, keys.iter().cloned()).await?;
                let pretended = Pretended::new();
                let planned = self.plan_update(origin, &access, &mut found, id, update, &pretended).await?;
                if !is_meant(&planned.before.access_id) {
                    return Ok(None);
                }
                self.table.commit(planned.transaction).await?;
                Ok(Some((planned.before, planned.after)))
            })
            .await
    }

    /// Deletes an access ID and frees its tag. Its vehicle stays, without it. Two calls, three if it has a vehicle.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::NotFound`], and the table's own.
    pub async fn delete_access_id(&self, origin: Origin<'_>, id: Id) -> Result<(), Error> {
        let organization = &origin.caller.organization;
        let key = keys::access_id(organization, id);
        self.table
            .settle(async || {
                let (access, mut found) = self.table.authorize_reading(origin.caller, [key.clone()]).await?;
                let Stored { access_id, vehicle } = read_linked(&access, &mut found, organization, id).await?;
                let mut transaction = self.transaction(origin)?;
                transaction.delete::<AccessIdItem>(organization, &access_id);
                transaction.remove(keys::tag(organization, &access_id.value.tag), id);
                if let Some(before) = &vehicle {
                    let after = before.value.clone().without(id);
                    transaction.write::<VehicleItem>(organization, &after, Some(before))?;
                }
                self.table.commit(transaction).await
            })
            .await
    }
}
