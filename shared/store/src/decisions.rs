//! Reading the decision journal.

use chrono::SecondsFormat;
use domain::{DecisionRecord, Excerpt, Id, OcppIdTag, Reason, RequestType, Timestamp, filter_text};

use crate::{
    Credential, Error, Page, PageRequest, Store,
    items::{DecisionItem, current},
    keys,
    table::{Direction, Walk},
};

/// Which decisions are wanted: those that all parts name which are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Those about this tag.
    pub tag: Option<OcppIdTag>,
    /// Those about a tag that belonged to this access ID then.
    pub access_id: Option<Id>,
    /// Those for this charge box.
    pub charge_box: Option<Excerpt>,
    /// Those that authorized, or those that refused.
    pub authorized: Option<bool>,
    /// Those that refused for this reason.
    pub reason: Option<Reason>,
    /// Those about requests of this type.
    pub kind: Option<RequestType>,
    /// Those later than this.
    pub after: Option<Timestamp>,
    /// Those earlier than this.
    pub before: Option<Timestamp>,
}

impl DecisionFilter {
    /// Whether the decision is one of those that are wanted. The times are not looked at: they are in the key.
    fn shows(&self, record: &DecisionRecord) -> bool {
        let is = |wanted: Option<bool>| wanted.unwrap_or(true);
        is(self.tag.as_ref().map(|tag| record.tag.as_ref() == Some(tag)))
            && is(self.access_id.map(|id| record.access_id.as_ref().is_some_and(|access_id| access_id.id == id)))
            && is(self.charge_box.as_ref().map(|charge_box| record.charge_box == *charge_box))
            && is(self.authorized.map(|authorized| record.authorized() == authorized))
            && is(self.reason.map(|reason| record.refusal == Some(reason)))
            && is(self.kind.map(|kind| record.kind == kind))
    }

    /// The filter as a text, which is empty for a filter without parts: equal filters give equal texts, different filters
    /// different texts.
    fn text(&self) -> String {
        let time = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Nanos, true);
        filter_text([
            ("ocppIdTag", self.tag.as_ref().map(ToString::to_string)),
            ("accessId", self.access_id.map(|id| id.to_string())),
            // A charge box may send anything, line breaks too.
            ("chargeBox", self.charge_box.as_ref().map(|charge_box| charge_box.as_str().escape_default().to_string())),
            ("authorized", self.authorized.map(|authorized| authorized.to_string())),
            ("reason", self.reason.map(|reason| <&str>::from(reason).to_owned())),
            ("type", self.kind.map(|kind| <&str>::from(kind).to_owned())),
            ("decidedAfter", self.after.map(time)),
            ("decidedBefore", self.before.map(time)),
        ])
    }
}

impl Store {
    /// A page of the organization's decisions, newest first. Two calls, a few more if the filter leaves most decisions out.
    /// Such a page may be short, or empty, although others follow: see [`Page::next_cursor`].
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_decisions(
        &self,
        caller: &Credential,
        filter: &DecisionFilter,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<DecisionRecord>, Error> {
        let access = self.table.authorize(caller).await?;
        let organization = &caller.organization;
        let about_the_tag = filter.tag.as_ref().map(|tag| keys::decisions_about(organization, tag));
        let walk = Walk {
            partition: about_the_tag.unwrap_or_else(|| keys::decisions(organization)),
            range: keys::ids_between(filter.after, filter.before),
            direction: Direction::Descending,
            filters: &filter.text(),
            page,
        };
        access.walk(&walk, |item| current::<DecisionItem>(item, now).filter(|record| filter.shows(record))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_filters_have_different_texts_and_equal_ones_the_same() {
        let time: Timestamp = "2026-03-01T01:00:00.0001+01:00".parse().unwrap();
        let at = |charge_box: &str| DecisionFilter { charge_box: Some(Excerpt::of(charge_box)), ..Default::default() };
        let filters = [
            DecisionFilter::default(),
            at("a"),
            at("a\nauthorized=true"),
            at("a\\nauthorized=true"),
            DecisionFilter { authorized: Some(true), ..at("a") },
            DecisionFilter { authorized: Some(false), ..at("a") },
            DecisionFilter { reason: Some(Reason::Unknown), kind: Some(RequestType::Start), ..Default::default() },
            DecisionFilter { after: Some(time), ..Default::default() },
            DecisionFilter { before: Some(time), ..Default::default() },
        ];
        for (number, filter) in filters.iter().enumerate() {
            assert!(filters.iter().enumerate().all(|(it, other)| (other.text() == filter.text()) == (it == number)));
        }
        assert_eq!(filters[0].text(), "");
        assert_eq!(filters[2].text(), "chargeBox=a\\nauthorized=true\n");
        assert_eq!(filters[6].text(), "reason=unknown\ntype=start\n");
        assert_eq!(filters[7].text(), "decidedAfter=2026-03-01T00:00:00.000100000Z\n");
    }
}
