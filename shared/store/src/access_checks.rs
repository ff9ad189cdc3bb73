//! The use case of access checks.

use domain::{AccessCheck, CheckedAccess, Timestamp, near_misses};

use crate::{
    Credential, Error, Store,
    items::{StartItem, stored_tag},
    keys,
    unknown_tags::known,
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
            Some(tag) => {
                let candidates = near_misses(tag);
                let keys = candidates.iter().map(|candidate| keys::tag(organization, &candidate.tag));
                known(&mut access.read(keys).await?, organization, candidates)
            }
            None => Vec::new(),
        };
        let start_remembered_until = start.and_then(|start| Timestamp::from_timestamp(start.expires_at, 0));
        Ok(check.answer(stored.as_ref(), start_remembered_until, near_misses, now))
    }
}
