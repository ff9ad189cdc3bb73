//! The history: who changed what, and when.

use chrono::SecondsFormat;
use domain::{Change, Id, SubjectKind, Timestamp, filter_text};

use crate::{
    Credential, Error, Page, PageRequest, Store,
    items::{ChangeItem, current},
    keys,
    table::{Direction, Walk},
};

/// Where a change comes from: what its entry in the history says besides what was changed.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Who asks for it.
    pub caller: &'a Credential,
    /// The Lambda request's id.
    pub request_id: &'a str,
    /// The operation as the API's document names it, such as `updateAccessId`.
    pub operation: &'a str,
    /// The one time of the request.
    pub now: Timestamp,
}

/// Which changes are wanted: those that all parts name which are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Those of this access ID.
    pub access_id: Option<Id>,
    /// Those of this vehicle.
    pub vehicle: Option<Id>,
    /// Those later than this.
    pub after: Option<Timestamp>,
    /// Those earlier than this.
    pub before: Option<Timestamp>,
}

impl ChangeFilter {
    /// Whether the change is one of those that are wanted. The times are not looked at: they are in the key.
    fn shows(&self, change: &Change) -> bool {
        let is_of = |kind, id: Option<Id>| {
            id.is_none_or(|id| change.subjects.iter().any(|subject| (subject.kind, subject.id) == (kind, id)))
        };
        is_of(SubjectKind::AccessId, self.access_id) && is_of(SubjectKind::Vehicle, self.vehicle)
    }

    /// The filter as a text, which is empty for a filter without parts: equal filters give equal texts, different filters
    /// different texts.
    fn text(&self) -> String {
        let time = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Nanos, true);
        filter_text([
            ("accessId", self.access_id.map(|id| id.to_string())),
            ("vehicleId", self.vehicle.map(|id| id.to_string())),
            ("changedAfter", self.after.map(time)),
            ("changedBefore", self.before.map(time)),
        ])
    }
}

impl Store {
    /// A page of what the organization's management requests changed, newest first. Two calls, a few more if the filter leaves
    /// most changes out. Such a page may be short, or empty, although others follow: see [`Page::next_cursor`].
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_changes(
        &self,
        caller: &Credential,
        filter: &ChangeFilter,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Change>, Error> {
        let access = self.table.authorize(caller).await?;
        let walk = Walk {
            partition: keys::changes(&caller.organization),
            range: keys::ids_between(filter.after, filter.before),
            direction: Direction::Descending,
            filters: &filter.text(),
            page,
        };
        access.walk(&walk, |item| current::<ChangeItem>(item, now).filter(|change| filter.shows(change))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_filters_have_different_texts() {
        let id = Id::new(7).ok();
        let time: Timestamp = "2026-03-01T01:00:00.0001+01:00".parse().unwrap();
        let filters = [
            ChangeFilter::default(),
            ChangeFilter { access_id: id, ..ChangeFilter::default() },
            ChangeFilter { vehicle: id, ..ChangeFilter::default() },
            ChangeFilter { access_id: id, vehicle: id, ..ChangeFilter::default() },
            ChangeFilter { after: Some(time), ..ChangeFilter::default() },
            ChangeFilter { before: Some(time), ..ChangeFilter::default() },
        ];
        let texts = filters.map(|filter| filter.text());
        assert_eq!(texts[0], "");
        assert_eq!(texts[3], "accessId=7\nvehicleId=7\n");
        assert_eq!(texts.iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
    }
}
