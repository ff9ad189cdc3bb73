//! The decision journal on the wire.

use domain::{
    AccessIdLabel, AccessIdType, DecisionRecord, Excerpt, Id, OcppIdTag, OcppStatus, Reason, RequestType, rfc3339,
};
use serde::Serialize;
use store::{DecisionFilter, PageRequest};

#[cfg(feature = "openapi")]
use crate::schemas::{ShownTag, Time};
use crate::{
    json::{time_of, word_of},
    page::{self, Pagination},
    query::Query,
};

/// A page of decisions.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionList<'a> {
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    data: Vec<DecisionBody<'a>>,
    pagination: Pagination<'a>,
}

/// What was asked of the RFID authorizer, and what it decided.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Decision))]
struct DecisionBody<'a> {
    id: Id,
    /// The moment that was decided about.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    decided_at: String,
    #[serde(rename = "type")]
    kind: RequestType,
    /// Where, as it was received, cut after 128 characters.
    charge_box: &'a str,
    /// The tag; null if what was received is none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ShownTag>))]
    ocpp_id_tag: Option<&'a str>,
    /// What was received, cut after 128 characters.
    received_id: &'a str,
    authorized: bool,
    /// Why it was refused; null if it was authorized.
    reason: Option<Reason>,
    ocpp_status: OcppStatus,
    /// Whose tag it was at that moment; null for an unknown one.
    access_id: Option<AccessIdLabelBody<'a>>,
    /// The request's id, as the authorizer's log has it.
    request_id: &'a str,
}

/// An access ID in few words.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AccessIdLabel))]
pub(crate) struct AccessIdLabelBody<'a> {
    id: Id,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    name: &'a str,
    #[serde(rename = "type")]
    kind: AccessIdType,
}

impl<'a> AccessIdLabelBody<'a> {
    pub fn new(label: &'a AccessIdLabel) -> Self {
        Self { id: label.id, name: &label.name, kind: label.kind }
    }
}

impl<'a> DecisionList<'a> {
    /// The document of a page.
    pub fn new(page: &'a store::Page<DecisionRecord>) -> Self {
        Self {
            data: page.records.iter().map(DecisionBody::new).collect(),
            pagination: Pagination::new(page.next_cursor.as_deref()),
        }
    }
}

impl<'a> DecisionBody<'a> {
    fn new(record: &'a DecisionRecord) -> Self {
        Self {
            id: record.id,
            decided_at: rfc3339(record.decided_at),
            kind: record.kind,
            charge_box: record.charge_box.as_str(),
            ocpp_id_tag: record.tag.as_ref().map(OcppIdTag::as_str),
            received_id: record.received_id.as_str(),
            authorized: record.authorized(),
            reason: record.refusal,
            ocpp_status: record.ocpp_status(),
            access_id: record.access_id.as_ref().map(AccessIdLabelBody::new),
            request_id: &record.request_id,
        }
    }
}

/// What `GET /api/decisions` asks for.
pub fn query(query: &mut Query) -> (DecisionFilter, PageRequest) {
    let filter = DecisionFilter {
        tag: query.optional("ocppIdTag", OcppIdTag::normalize),
        access_id: query.optional("accessId", str::parse),
        charge_box: query.optional("chargeBox", |text| Ok::<_, String>(Excerpt::of(text))),
        authorized: query.optional("authorized", |text| text.parse().map_err(|_| "must be true or false")),
        reason: query.optional("reason", word_of),
        kind: query.optional("type", word_of),
        after: query.optional("decidedAfter", time_of),
        before: query.optional("decidedBefore", time_of),
    };
    (filter, page::read(query))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::Problems;

    fn parse(text: &str) -> Result<(DecisionFilter, PageRequest), Problems> {
        Query::read(text, query)
    }

    #[test]
    fn filters_are_read_in_any_spelling() {
        let (filter, page) = parse(
            "ocppIdTag=04:E1:A2:B3&accessId=7&chargeBox=a%2Fb%20&authorized=false&reason=not_here&type=start\
            &decidedAfter=2026-03-01T01:00:00%2B01:00&decidedBefore=2026-03-01T00:00:01Z&limit=3",
        )
        .unwrap();
        assert_eq!(filter.tag.unwrap().as_str(), "04e1a2b3");
        assert_eq!((filter.access_id.map(domain::Id::get), filter.authorized), (Some(7), Some(false)));
        assert_eq!(filter.charge_box, Some(Excerpt::of("a/b ")));
        assert_eq!((filter.reason, filter.kind), (Some(Reason::NotHere), Some(RequestType::Start)));
        let seconds = filter.before.unwrap() - filter.after.unwrap();
        assert_eq!((seconds.num_milliseconds(), page.limit), (1_000, 3));
        assert_eq!(parse("").unwrap().0, DecisionFilter::default());
    }

    #[test]
    fn everything_wrong_is_named() {
        for (query, field) in [
            ("ocppIdTag=%20", "ocppIdTag"),
            ("accessId=0", "accessId"),
            ("chargeBox=", "chargeBox"),
            ("authorized=yes", "authorized"),
            ("reason=Unknown", "reason"),
            ("type=stop", "type"),
            ("decidedAfter=yesterday", "decidedAfter"),
            ("decidedAfter=2026-03-01", "decidedAfter"),
            ("decidedAfter=2026-03-01T01:00:00+01:00", "decidedAfter"),
            ("decidedBefore=2026-03-01T01:00:00Z&decidedBefore=2026-03-01T01:00:00Z", "decidedBefore"),
            ("customer=x", "customer"),
        ] {
            let problems = parse(query).unwrap_err();
            assert_eq!(problems.0.iter().map(|problem| &*problem.field).collect::<Vec<_>>(), [field], "{query}");
        }
    }
}
