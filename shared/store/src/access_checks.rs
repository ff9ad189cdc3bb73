//! The use case of access checks.

use domain::{AccessCheck, CheckedAccess, KnownNearMiss, OcppIdTag, Timestamp, near_misses};

use crate::{
    Credential, Error, Store,
    items::{StartItem, stored_tag},
    keys,
    table::Access,
};

impl Store {
    /// What the authorizer would answer about a tag, and why. Reads what a decision reads, and then the tags that it may
    /// have been taken for; writes nothing. Two calls, one if it is no tag or can be taken for no other.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], and the table's own.
    pub async fn check_access(
        &self,
        caller: &Credential,
        check: &AccessCheck,
        now: Timestamp,
    ) -> Result<CheckedAccess, Error> {
        let organization = &caller.organization;
        let tag = check.tag().ok();
        let tag_key = tag.as_ref().map(|tag| keys::tag(organization, tag));
        let start_key = tag.as_ref().zip(check.charge_box.as_ref());
        let start_key = start_key.map(|(tag, charge_box)| keys::start(organization, tag, charge_box));
        let keys = tag_key.iter().chain(&start_key).cloned();
        let (access, mut found) = self.table.authorize_reading(caller, keys).await?;
        let stored = tag_key.and_then(|key| found.take_item(&key)).map(stored_tag);
        // A memory that cannot be read is none, since a lost memory refuses.
        let start = start_key.and_then(|key| found.take::<StartItem>(&key).ok().flatten());
        let near_misses = match &tag {
            Some(tag) => known_near_misses(&access, caller, tag).await?,
            None => Vec::new(),
        };
        Ok(check.answer(stored.as_ref(), start.and_then(|start| start.remembered_until()), near_misses, now))
    }
}

/// The near misses that are tags of the organization, the most likely first. One call for all of them.
async fn known_near_misses(
    access: &Access<'_>,
    caller: &Credential,
    tag: &OcppIdTag,
) -> Result<Vec<KnownNearMiss>, Error> {
    let candidates = near_misses(tag);
    let key = |tag: &OcppIdTag| keys::tag(&caller.organization, tag);
    let mut found = access.read(candidates.iter().map(|candidate| key(&candidate.tag))).await?;
    let known = candidates.into_iter().filter_map(|near_miss| {
        let item = found.take_item(&key(&near_miss.tag))?;
        Some(KnownNearMiss { near_miss, access_id: stored_tag(item).access_id })
    });
    Ok(known.collect())
}
