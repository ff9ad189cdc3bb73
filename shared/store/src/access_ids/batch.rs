//! Many access IDs in one request, each found by its tag and each in a transaction of its own.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use domain::{AccessId, Id, LinkedAccessId, PutAccessId, VehicleChange};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use super::plan::{PlannedUpdate, Pretended, keys_of_creation, keys_of_update};
use crate::{
    Error, Origin, Store,
    items::{AccessIdItem, TagItem, milliseconds},
    keys,
    table::{Access, Attempt, Transaction},
};

/// How many items are under way at the same time.
const AT_ONCE: usize = 8;

/// How a batch is carried out.
#[derive(Clone, Copy, Debug)]
pub struct BatchMode {
    /// Whether nothing is written, and the answer says what would have been.
    pub is_dry_run: bool,
    /// How long it may take. What has not been carried out then has to be sent again.
    pub time: Duration,
}

/// What has become of an item of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchItem {
    /// The access ID before, none if it was created. Its vehicle is there if it was read.
    pub before: Option<LinkedAccessId>,
    /// The access ID after.
    pub after: LinkedAccessId,
}

/// An item whose turn has not come.
struct Turn<'a> {
    at: usize,
    put: &'a PutAccessId,
    /// The access ID that had the tag when the batch began.
    holder: Option<Id>,
    /// The vehicle that it was linked to.
    vehicle: Option<Id>,
}

impl Store {
    /// Brings access IDs in by their tags, no tag twice: creates those that are unknown and changes the others. An item that
    /// fails changes nothing, and the others go on. `None` is one that did not fit into the time, of which it is not known
    /// whether it was carried out: sent again, it comes to the same.
    ///
    /// Items that concern one vehicle are carried out one after the other, so that what becomes of them is decided by their
    /// order, and a dry run can say it.
    ///
    /// The credential is read once, with up to 50 tags or before more of them. One call for each hundred tags, one for each hundred
    /// access IDs that have them, and for each item that is not plainly unchanged two calls; four or five if it has a vehicle.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], and the table's own before the first item. Those of an item are in its place: those of
    /// [`Store::create_access_id`] and [`Store::update_access_id`].
    pub async fn put_access_ids(
        &self,
        origin: Origin<'_>,
        puts: &[PutAccessId],
        mode: BatchMode,
    ) -> Result<Vec<Option<Result<BatchItem, Error>>>, Error> {
        let until = Instant::now() + mode.time;
        let organization = &origin.caller.organization;
        let mut results: Vec<_> = puts.iter().map(|_| None).collect();
        let prepare = async {
            let tags = puts.iter().map(|put| keys::tag(organization, &put.tag));
            let (access, mut found) = self.table.authorize_reading(origin.caller, tags).await?;
            let holder = |put: &PutAccessId| {
                let tag = found.take::<TagItem>(&keys::tag(organization, &put.tag));
                tag.map(|tag| tag.map(|tag| tag.access_id))
            };
            let holders = puts.iter().map(holder).collect::<Result<Vec<_>, _>>()?;
            let stored = access.read(holders.iter().flatten().map(|id| keys::access_id(organization, *id))).await?;
            let stored: HashMap<_, _> =
                stored.into_records::<AccessIdItem>().map(|access_id| (access_id.id, access_id)).collect();
            Ok::<_, Error>((access, holders, stored))
        };
        let (access, holders, stored) = timeout_at(until, prepare).await.map_err(|_| Error::Unavailable)??;

        let mut turns = Vec::new();
        for (at, (put, holder)) in puts.iter().zip(holders).enumerate() {
            let stored = holder.and_then(|id| stored.get(&id));
            match stored.and_then(|stored| unchanged(put, stored, origin)) {
                Some(item) => results[at] = Some(Ok(item)),
                None => turns.push(Turn { at, put, holder, vehicle: stored.and_then(|stored| stored.vehicle) }),
            }
        }
        let results = RefCell::new(results);
        let (access, results_of) = (&access, &results);
        let run = stream::iter(lanes(turns)).for_each_concurrent(AT_ONCE, async |lane| {
            let mut pretended = Pretended::new();
            for turn in lane {
                let result = self.put_access_id(origin, access, &turn, &mut pretended, mode.is_dry_run).await;
                results_of.borrow_mut()[turn.at] = Some(result);
            }
        });
        // What is under way when the time is over is dropped, and has no result.
        let _ = timeout_at(until, run).await;
        Ok(results.into_inner())
    }

    /// One item. In a dry run it leaves in `pretended` what it would have made of vehicles.
    async fn put_access_id(
        &self,
        origin: Origin<'_>,
        access: &Access<'_>,
        turn: &Turn<'_>,
        pretended: &mut Pretended,
        is_dry_run: bool,
    ) -> Result<BatchItem, Error> {
        let organization = &origin.caller.organization;
        let tag = keys::tag(organization, &turn.put.tag);
        // Who has the tag was read for all items together. If that has changed since, it is read again.
        let mut known = Some(turn.holder);
        let vehicles = &*pretended;
        let (item, unlinked) = self
            .table
            .settle(async || {
                let holder = match known.take() {
                    Some(holder) => holder,
                    None => access.read([tag.clone()]).await?.take::<TagItem>(&tag)?.map(|item| item.access_id),
                };
                let (item, unlinked, transaction) = match holder {
                    Some(id) => self.plan_change(origin, access, id, turn.put, vehicles).await?,
                    None => self.plan_new(origin, access, turn.put, vehicles).await?,
                };
                if !is_dry_run {
                    self.table.commit(transaction).await?;
                }
                Ok((item, unlinked))
            })
            .await?;
        if is_dry_run {
            let vehicles = unlinked.into_iter().chain(item.after.vehicle.clone());
            pretended.extend(vehicles.map(|vehicle| (vehicle.id, vehicle)));
        }
        Ok(item)
    }

    async fn plan_new<'a>(
        &self,
        origin: Origin<'a>,
        access: &Access<'_>,
        put: &PutAccessId,
        pretended: &Pretended,
    ) -> Result<Planned<'a>, Attempt> {
        let new = put.creation()?;
        let mut found = access.read(keys_of_creation(&origin.caller.organization, &new)).await?;
        match self.plan_creation(origin, &mut found, &new, pretended) {
            Ok((after, transaction)) => Ok((BatchItem { before: None, after }, None, transaction)),
            Err(Error::TagTaken(_)) => Err(Attempt::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn plan_change<'a>(
        &self,
        origin: Origin<'a>,
        access: &Access<'_>,
        id: Id,
        put: &PutAccessId,
        pretended: &Pretended,
    ) -> Result<Planned<'a>, Attempt> {
        let update = put.update();
        let mut found = access.read(keys_of_update(&origin.caller.organization, id, &update)).await?;
        match self.plan_update(origin, access, &mut found, id, &update, pretended).await {
            Ok(PlannedUpdate { before, after, unlinked, transaction }) => {
                Ok((BatchItem { before: Some(before), after }, unlinked, transaction))
            }
            // It was deleted, and its tag may be somebody else's.
            Err(Attempt::Failed(Error::NotFound)) => Err(Attempt::Conflict),
            Err(attempt) => Err(attempt),
        }
    }
}

/// What an item comes to, the vehicle that its access ID leaves, and what has to be written.
type Planned<'a> = (BatchItem, Option<domain::Vehicle>, Transaction<'a>);

/// The item, if the access ID as it is stored shows that nothing changes. Whether a vehicle's fields change, its own item
/// says, which is not read here.
fn unchanged(put: &PutAccessId, stored: &AccessId, origin: Origin<'_>) -> Option<BatchItem> {
    if matches!(put.vehicle, VehicleChange::Change { .. }) {
        return None;
    }
    let before = LinkedAccessId { access_id: stored.clone(), vehicle: None };
    let update = before.update(put.update(), stored.id, None, milliseconds(origin.now)).ok()?;
    (update.after == before).then_some(BatchItem { before: Some(before), after: update.after })
}

/// The items in lists, each of which is carried out from its beginning to its end: two items that concern one vehicle are in
/// one list, in their order.
fn lanes(turns: Vec<Turn<'_>>) -> impl Iterator<Item = Vec<Turn<'_>>> {
    fn named(turn: &Turn<'_>) -> Option<Id> {
        if let VehicleChange::Link(id) = turn.put.vehicle { Some(id) } else { None }
    }
    // Vehicles of one list lead to one of them.
    let mut leads = HashMap::new();
    let end = |leads: &HashMap<Id, Id>, mut vehicle: Id| {
        while let Some(next) = leads.get(&vehicle) {
            vehicle = *next;
        }
        vehicle
    };
    for turn in &turns {
        if let (Some(linked), Some(named)) = (turn.vehicle, named(turn)) {
            let (linked, named) = (end(&leads, linked), end(&leads, named));
            if linked != named {
                leads.insert(linked, named);
            }
        }
    }
    // A list stands at the place of its first item. An item without a vehicle is a list of its own.
    let mut places = HashMap::new();
    let mut lanes = BTreeMap::<_, Vec<_>>::new();
    for turn in turns {
        let vehicle = turn.vehicle.or_else(|| named(&turn)).map(|vehicle| end(&leads, vehicle));
        let place = vehicle.map_or(turn.at, |vehicle| *places.entry(vehicle).or_insert(turn.at));
        lanes.entry(place).or_default().push(turn);
    }
    lanes.into_values()
}

#[cfg(test)]
mod tests {
    use domain::{AccessIdType, Name, OcppIdTag, Patch};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Items of one vehicle, be it the linked or the named one, are in one list and in their order; each item is in one.
        #[test]
        fn what_concerns_one_vehicle_is_in_one_list(vehicles in prop::collection::vec(any::<[Option<bool>; 2]>().prop_flat_map(
            |[linked, named]| (linked.map_or(0..1_u64, |_| 1..9), named.map_or(0..1_u64, |_| 1..9))), 0..20)) {
            let id = |number: u64| Id::new(number).ok();
            let puts: Vec<_> = vehicles.iter().map(|(_, named)| PutAccessId {
                tag: OcppIdTag::normalize("tag").unwrap(),
                kind: AccessIdType::Rfid,
                name: Name::new("Card").unwrap(),
                status: None,
                customer: Patch::Keep,
                vehicle: id(*named).map_or(VehicleChange::Keep, VehicleChange::Link),
            }).collect();
            let turns = puts.iter().enumerate().map(|(at, put)| Turn { at, put, holder: None, vehicle: id(vehicles[at].0) });
            let lanes: Vec<Vec<_>> = lanes(turns.collect()).map(|lane| lane.iter().map(|turn| turn.at).collect()).collect();
            let mut all = lanes.concat();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..vehicles.len()));
            prop_assert!(lanes.iter().all(|lane| lane.is_sorted()));
            for (at, this) in vehicles.iter().enumerate() {
                for (other, that) in vehicles.iter().enumerate() {
                    let share = [this.0, this.1].iter().any(|one| *one != 0 && [that.0, that.1].contains(one));
                    let together = lanes.iter().any(|lane| lane.contains(&at) && lane.contains(&other));
                    prop_assert!(together || !share, "{at} and {other}: {lanes:?}");
                }
            }
        }
    }
}
