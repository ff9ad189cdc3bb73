//! The use case of revocations: many access IDs are taken out of use at once.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use domain::{
    AccessId, AccessIdLabel, AuthorizationStatus, Id, LinkedAccessId, NearMiss, OcppIdTag, Revocation,
    RevocationTarget, UpdateAccessId, near_misses,
};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout};

use crate::{
    Cursor, Error, Origin, Page, PageRequest, Store, customers,
    items::{AccessIdItem, CustomerItem, TagItem, VehicleItem, readable, value_of},
    keys::{self, Key},
    table::{Access, Found, Walk},
};

/// How many access IDs one request revokes at most.
const MAX_REVOKED: usize = 100;
/// How many of them are revoked before the clock is looked at. Their near misses are read together.
const PORTION: usize = 20;
/// No portion is begun later than this after the first one.
const TIME_FOR_PORTIONS: Duration = Duration::from_secs(3);
/// When a request ends that does not end by itself. Lambda would end it after ten seconds, without an answer of ours.
const TIME_IN_ALL: Duration = Duration::from_secs(8);
/// How many access IDs are revoked at once. Those of one vehicle are revoked one after the other, because each of them changes
/// the vehicle.
const IN_FLIGHT: usize = 8;

/// What a revocation comes to, or would come to. All ids are in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// The access IDs that were authorized until now.
    pub revoked: Vec<Id>,
    /// Those that had been revoked before.
    pub already_revoked: Vec<Id>,
    /// Tags by which the same cards and vehicles may be known, and whose access IDs are still authorized and not among those
    /// that the revocation is about.
    pub near_misses: Vec<(NearMiss, AccessIdLabel)>,
    /// Where the revocation goes on, if it is not at its end.
    pub next_cursor: Option<String>,
}

/// Why a revocation was refused before it began.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRevocation {
    /// There are no access IDs of these numbers. Holds their places in the request, from 0.
    #[error("access IDs do not exist")]
    UnknownAccessIds(Vec<usize>),
    /// There is no such vehicle.
    #[error("the vehicle does not exist")]
    UnknownVehicle,
    /// There is no customer of this name.
    #[error("the customer does not exist")]
    UnknownCustomer,
    /// The cursor was not handed out for this revocation.
    #[error("the cursor was not handed out for this revocation")]
    ForgedCursor,
}

/// An access ID that a revocation is about, as it was read.
struct Candidate {
    id: Id,
    vehicle: Option<Id>,
    /// Its tag and whether it is revoked, if its item can be read.
    known: Option<(OcppIdTag, bool)>,
}

/// What became of a candidate.
enum Outcome {
    Revoked(Id, OcppIdTag),
    AlreadyRevoked(Id, OcppIdTag),
    /// It was deleted, or left the vehicle or the customer, since it was read.
    Gone,
    Failed(Error),
}

impl Store {
    /// Revokes access IDs, each in a transaction of its own, as an update does that sets the status. A part of them, if they
    /// are many or it takes long; the cursor then says where to go on. Revoked access IDs stay so, whatever happens later:
    /// a request that failed can be sent again.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Revocation`], and the table's own: then some are revoked, perhaps.
    pub async fn revoke(
        &self,
        origin: Origin<'_>,
        revocation: &Revocation,
        cursor: Option<&Cursor>,
    ) -> Result<Revoked, Error> {
        let work = Box::pin(self.revoke_part(origin, revocation, cursor));
        timeout(TIME_IN_ALL, work).await.unwrap_or_else(|_| {
            tracing::error!("a revocation did not end in time");
            Err(Error::Unavailable)
        })
    }

    async fn revoke_part(
        &self,
        origin: Origin<'_>,
        revocation: &Revocation,
        cursor: Option<&Cursor>,
    ) -> Result<Revoked, Error> {
        let text = revocation.text();
        let page = PageRequest { limit: MAX_REVOKED, cursor: cursor.cloned() };
        let (access, found) = self.table.authorize_reading(origin.caller, keys_of(revocation, origin)).await?;
        let walk = access.all::<AccessIdItem>(&text, &page);
        let selected = select(&access, found, revocation, origin, &walk).await.map_err(|error| match error {
            Error::ForgedCursor => RefusedRevocation::ForgedCursor.into(),
            error => error,
        })?;
        let end = Instant::now() + TIME_FOR_PORTIONS;
        let mut result = Revoked { next_cursor: selected.next_cursor, ..Revoked::default() };
        let mut failure = None;
        let mut portions = selected.records.chunks(PORTION).peekable();
        while let Some(portion) = portions.next() {
            let mut tags = Vec::new();
            for outcome in self.revoke_portion(origin, revocation, portion).await {
                match outcome {
                    Outcome::Revoked(id, tag) => {
                        result.revoked.push(id);
                        tags.push(tag);
                    }
                    Outcome::AlreadyRevoked(id, tag) => {
                        result.already_revoked.push(id);
                        tags.push(tag);
                    }
                    Outcome::Gone => {}
                    // The others are revoked all the same: a record that cannot be read must not keep them in use.
                    Outcome::Failed(error) => failure = Some(error),
                }
            }
            result.near_misses.extend(still_charging(&access, origin, &revocation.target, tags).await?);
            if portions.peek().is_some() && Instant::now() >= end {
                result.next_cursor = portion.last().map(|last| access.cursor(&walk, &keys::id_sort(last.id)));
                break;
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        result.revoked.sort_unstable();
        result.already_revoked.sort_unstable();
        let mut seen = HashSet::new();
        result.near_misses.retain(|(near_miss, _)| seen.insert(near_miss.tag.clone()));
        Ok(result)
    }

    async fn revoke_portion(&self, origin: Origin<'_>, revocation: &Revocation, portion: &[Candidate]) -> Vec<Outcome> {
        let mut groups: BTreeMap<(Option<Id>, Option<Id>), Vec<&Candidate>> = BTreeMap::new();
        for candidate in portion {
            let alone = candidate.vehicle.is_none().then_some(candidate.id);
            groups.entry((candidate.vehicle, alone)).or_default().push(candidate);
        }
        let revoke_group = async |group: Vec<&Candidate>| {
            let mut outcomes = Vec::with_capacity(group.len());
            for candidate in group {
                let outcome = self.revoke_one(origin, revocation, candidate).await;
                outcomes.push(outcome.unwrap_or_else(Outcome::Failed));
            }
            outcomes
        };
        stream::iter(groups.into_values()).map(revoke_group).buffer_unordered(IN_FLIGHT).concat().await
    }

    async fn revoke_one(
        &self,
        origin: Origin<'_>,
        revocation: &Revocation,
        candidate: &Candidate,
    ) -> Result<Outcome, Error> {
        let id = candidate.id;
        match &candidate.known {
            Some((tag, true)) => return Ok(Outcome::AlreadyRevoked(id, tag.clone())),
            Some((tag, false)) if revocation.is_dry_run => return Ok(Outcome::Revoked(id, tag.clone())),
            _ => {}
        }
        let update = UpdateAccessId { status: Some(AuthorizationStatus::Revoked), ..UpdateAccessId::default() };
        let is_meant = |access_id: &AccessId| revocation.target.covers(access_id);
        match self.change_access_id(origin, id, &update, is_meant).await {
            Ok(Some((LinkedAccessId { access_id, .. }, _))) => Ok(match access_id.status {
                AuthorizationStatus::Authorized => Outcome::Revoked(id, access_id.tag),
                AuthorizationStatus::Revoked => Outcome::AlreadyRevoked(id, access_id.tag),
            }),
            Ok(None) | Err(Error::NotFound) => Ok(Outcome::Gone),
            Err(error) => Err(error),
        }
    }
}

/// The keys of the items that say which access IDs are meant.
fn keys_of(revocation: &Revocation, origin: Origin<'_>) -> Vec<Key> {
    let organization = &origin.caller.organization;
    match &revocation.target {
        RevocationTarget::AccessIds(ids) => ids.iter().map(|id| keys::access_id(organization, *id)).collect(),
        RevocationTarget::Vehicle(id) => vec![keys::vehicle(organization, *id)],
        RevocationTarget::Customer(customer) => vec![customers::key(organization, customer)],
    }
}

/// The access IDs that a request is about, in ascending order of their ids. `found` has the items at [`keys_of`].
async fn select(
    access: &Access<'_>,
    mut found: Found,
    revocation: &Revocation,
    origin: Origin<'_>,
    walk: &Walk<'_>,
) -> Result<Page<Candidate>, Error> {
    let organization = &origin.caller.organization;
    access.start(walk)?;
    let with_sort = |candidate: Candidate| (keys::id_sort(candidate.id), candidate);
    match &revocation.target {
        RevocationTarget::AccessIds(ids) => {
            let mut take = |id: &Id| found.take_item(&keys::access_id(organization, *id));
            let items: Vec<_> = ids.iter().map(|id| (*id, take(id))).collect();
            let unknown: Vec<_> =
                items.iter().enumerate().filter(|(_, (_, item))| item.is_none()).map(|(at, _)| at).collect();
            // Whoever goes on has named access IDs that existed. Those that were deleted since cannot charge.
            if !unknown.is_empty() && walk.page.cursor.is_none() {
                return Err(RefusedRevocation::UnknownAccessIds(unknown).into());
            }
            let candidates = items.into_iter().filter_map(|(id, item)| {
                let read = value_of::<AccessIdItem>(item?).ok();
                Some(read.map_or(Candidate { id, vehicle: None, known: None }, |read| Candidate::of(read.value)))
            });
            access.page_of(walk, candidates.map(with_sort))
        }
        RevocationTarget::Vehicle(id) => {
            let vehicle = found.take_record::<VehicleItem>(&keys::vehicle(organization, *id))?;
            let vehicle = vehicle.ok_or(RefusedRevocation::UnknownVehicle)?.value;
            // A vehicle shows the status of its access IDs.
            let candidates = vehicle.access_ids.into_iter().map(|summary| Candidate {
                id: summary.id,
                vehicle: Some(*id),
                known: Some((summary.tag, summary.status == AuthorizationStatus::Revoked)),
            });
            access.page_of(walk, candidates.map(with_sort))
        }
        RevocationTarget::Customer(customer) => {
            let key = customers::key(organization, customer);
            found.take::<CustomerItem>(&key)?.ok_or(RefusedRevocation::UnknownCustomer)?;
            let covered = |item| readable::<AccessIdItem>(item).filter(|read| revocation.target.covers(read));
            access.walk(walk, |item| covered(item).map(Candidate::of)).await
        }
    }
}

impl Candidate {
    fn of(access_id: AccessId) -> Self {
        let is_revoked = access_id.status == AuthorizationStatus::Revoked;
        Self { id: access_id.id, vehicle: access_id.vehicle, known: Some((access_id.tag, is_revoked)) }
    }
}

/// The near misses of these tags that access IDs have which are authorized, without those that the revocation is about. One
/// call for each hundred near misses, and one for their access IDs if there are any.
async fn still_charging(
    access: &Access<'_>,
    origin: Origin<'_>,
    target: &RevocationTarget,
    tags: Vec<OcppIdTag>,
) -> Result<Vec<(NearMiss, AccessIdLabel)>, Error> {
    let organization = &origin.caller.organization;
    let mut seen = HashSet::new();
    let mut candidates: Vec<NearMiss> = tags.iter().flat_map(near_misses).collect();
    candidates.retain(|near_miss| seen.insert(near_miss.tag.clone()));
    let keys = candidates.iter().map(|near_miss| keys::tag(organization, &near_miss.tag));
    let mut found = access.read(keys).await?;
    let mut known = Vec::new();
    for near_miss in candidates {
        // An item that cannot be read authorizes nobody.
        let Ok(Some(item)) = found.take::<TagItem>(&keys::tag(organization, &near_miss.tag)) else { continue };
        if item.authorization_status == AuthorizationStatus::Authorized {
            known.push((near_miss, item.into_label()));
        }
    }
    let keys = known.iter().map(|(_, label)| keys::access_id(organization, label.id));
    let meant: HashSet<Id> = access
        .read(keys)
        .await?
        .into_records::<AccessIdItem>()
        .filter(|access_id| target.covers(access_id))
        .map(|access_id| access_id.id)
        .collect();
    known.retain(|(_, label)| !meant.contains(&label.id));
    Ok(known)
}
