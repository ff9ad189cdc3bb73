//! Tags that were refused because no access ID has them.

use domain::{
    AccessIdLabel, DecisionRecord, Id, NearMiss, OcppIdTag, OrganizationId, Reason, Timestamp, UnknownTag, near_misses,
};

use crate::{
    Credential, Error, Page, PageRequest, Store,
    items::{DecisionItem, Item, UnknownTagItem, current},
    keys,
    table::{Access, Direction, Found, MAX_LOOKED_AT, Walk},
};

/// A tag that was refused because no access ID had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTag {
    /// What is known of its latest sight.
    pub unknown: UnknownTag,
    /// The access ID that has the tag by now.
    pub access_id: Option<AccessIdLabel>,
}

/// What an operator needs to say whose such a tag is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTagDetails {
    /// The tag.
    pub seen_tag: SeenTag,
    /// When it was first refused, as far as the journal reaches back.
    pub first_seen_at: Timestamp,
    /// How often it was refused, as far as the journal reaches back: at least once, and 5,000 times stand for more.
    pub seen: usize,
    /// Access IDs whose tags may stand for the same card or vehicle.
    pub near_misses: Vec<(NearMiss, AccessIdLabel)>,
    /// The card that was authorized at the same charge box within 60 seconds after.
    pub paired_with: Option<AccessIdLabel>,
}

impl Store {
    /// A page of the organization's unknown tags, in the order of the tags. Three calls, two if there are none.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_unknown_tags(
        &self,
        caller: &Credential,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<SeenTag>, Error> {
        let access = self.table.authorize(caller).await?;
        let organization = &caller.organization;
        let walk = Walk {
            partition: keys::unknown_tags(organization),
            range: keys::all_tags(),
            direction: Direction::Ascending,
            filters: "",
            page,
        };
        let Page { records, next_cursor } = access.walk(&walk, |item| current::<UnknownTagItem>(item, now)).await?;
        let mut found = access.read(records.iter().map(|unknown| keys::tag(organization, &unknown.tag))).await?;
        let with_access_id = |unknown: UnknownTag| {
            let access_id = found.take_label(&keys::tag(organization, &unknown.tag));
            SeenTag { unknown, access_id }
        };
        Ok(Page { records: records.into_iter().map(with_access_id).collect(), next_cursor })
    }

    /// One unknown tag with what may tell whose it is, `None` if it was not seen. Three calls, a few more if the tag or the
    /// charge box is busy; one if it was not seen. One tag fits on the first page, so a cursor was never handed out for it,
    /// and every cursor is refused; the page's limit changes nothing.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn get_unknown_tag(
        &self,
        caller: &Credential,
        tag: &OcppIdTag,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Option<SeenTagDetails>, Error> {
        let organization = &caller.organization;
        let [unknown_key, tag_key] = [keys::unknown_tag(organization, tag), keys::tag(organization, tag)];
        let near_misses = near_misses(tag);
        let others = near_misses.iter().map(|near_miss| keys::tag(organization, &near_miss.tag));
        let keys = [unknown_key.clone(), tag_key.clone()].into_iter().chain(others);
        let (access, mut found) = self.table.authorize_reading(caller, keys).await?;
        if page.cursor.is_some() {
            return Err(Error::ForgedCursor);
        }
        let Some(unknown) = found.take_current::<UnknownTagItem>(&unknown_key, now) else { return Ok(None) };
        let refusals = refusals(&access, organization, tag, now).await?;
        let paired_with = paired_with(&access, organization, &unknown, now).await?;
        Ok(Some(SeenTagDetails {
            first_seen_at: refusals.first().map_or(unknown.last_seen_at, |first| unknown.last_seen_at.min(*first)),
            seen: refusals.len().max(1),
            near_misses: known(&mut found, organization, near_misses),
            paired_with,
            seen_tag: SeenTag { unknown, access_id: found.take_label(&tag_key) },
        }))
    }
}

/// Those of the near misses that access IDs have.
pub(crate) fn known(
    found: &mut Found,
    organization: &OrganizationId,
    near_misses: Vec<NearMiss>,
) -> Vec<(NearMiss, AccessIdLabel)> {
    let mut label = |near_miss: &NearMiss| found.take_label(&keys::tag(organization, &near_miss.tag));
    near_misses.into_iter().filter_map(|near_miss| label(&near_miss).map(|label| (near_miss, label))).collect()
}

/// When the tag was refused as unknown, the oldest first.
async fn refusals(
    access: &Access<'_>,
    organization: &OrganizationId,
    tag: &OcppIdTag,
    now: Timestamp,
) -> Result<Vec<Timestamp>, Error> {
    let walk = Walk {
        partition: keys::decisions_about(organization, tag),
        range: keys::all_ids(),
        direction: Direction::Ascending,
        filters: "",
        page: &PageRequest { limit: MAX_LOOKED_AT, cursor: None },
    };
    let refusal = |item: Item| {
        let record = current::<DecisionItem>(item, now)?;
        (record.refusal == Some(Reason::Unknown)).then_some(record.decided_at)
    };
    Ok(access.walk(&walk, refusal).await?.records)
}

/// The card that was authorized at the same charge box within 60 seconds after.
async fn paired_with(
    access: &Access<'_>,
    organization: &OrganizationId,
    unknown: &UnknownTag,
    now: Timestamp,
) -> Result<Option<AccessIdLabel>, Error> {
    let times = [unknown.last_seen_at, unknown.last_seen_at + UnknownTag::PAIRING_TIME];
    let [Ok(first), Ok(last)] = [(times[0], 0), (times[1], Id::PER_MILLISECOND - 1)].map(|(at, low)| Id::at(at, low))
    else {
        return Ok(None);
    };
    let walk = Walk {
        partition: keys::decisions(organization),
        range: keys::ids(first.get()..=last.get()),
        direction: Direction::Ascending,
        filters: "",
        page: &PageRequest { limit: 1, cursor: None },
    };
    let pair = |record: DecisionRecord| record.access_id.clone().filter(|_| unknown.may_pair_with(&record));
    let found = access.walk(&walk, |item| current::<DecisionItem>(item, now).and_then(pair)).await?;
    Ok(found.records.into_iter().next())
}
