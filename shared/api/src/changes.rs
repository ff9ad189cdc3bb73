//! The history of changes on the wire.

use std::collections::BTreeMap;

use domain::{Change, Id, Subject, SubjectKind, rfc3339};
use serde::Serialize;
use serde_json::Value;
use store::{ChangeFilter, PageRequest};

#[cfg(feature = "openapi")]
use crate::schemas::{ChangedFields, Time};
use crate::{
    json::time_of,
    page::{self, Pagination},
    query::Query,
};

/// A page of changes.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeList<'a> {
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    data: Vec<ChangeBody<'a>>,
    pagination: Pagination<'a>,
}

/// What one request changed, and who made it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Change))]
struct ChangeBody<'a> {
    id: Id,
    /// The time of the request.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    changed_at: String,
    /// The id of the credential that the request came with, as `cargo admin` shows it. It is no secret.
    credential_id: &'a str,
    /// The request's id, as the function's log has it.
    request_id: &'a str,
    /// The request's operation, by the name that it has in this document.
    operation: &'a str,
    /// The records that it changed.
    subjects: Vec<SubjectBody<'a>>,
}

/// A record that a request changed.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ChangedRecord))]
struct SubjectBody<'a> {
    kind: SubjectKind,
    id: Id,
    #[cfg_attr(feature = "openapi", schema(value_type = ChangedFields))]
    fields: &'a BTreeMap<String, [Value; 2]>,
}

impl<'a> ChangeList<'a> {
    /// The document of a page.
    pub fn new(page: &'a store::Page<Change>) -> Self {
        Self {
            data: page.records.iter().map(ChangeBody::new).collect(),
            pagination: Pagination::new(page.next_cursor.as_deref()),
        }
    }
}

impl<'a> ChangeBody<'a> {
    fn new(change: &'a Change) -> Self {
        let subject = |Subject { kind, id, fields }: &'a Subject| SubjectBody { kind: *kind, id: *id, fields };
        Self {
            id: change.id,
            changed_at: rfc3339(change.changed_at),
            credential_id: &change.credential_id,
            request_id: &change.request_id,
            operation: &change.operation,
            subjects: change.subjects.iter().map(subject).collect(),
        }
    }
}

/// What `GET /api/changes` asks for.
pub fn query(query: &mut Query) -> (ChangeFilter, PageRequest) {
    let filter = ChangeFilter {
        access_id: query.optional("accessId", str::parse),
        vehicle: query.optional("vehicleId", str::parse),
        after: query.optional("changedAfter", time_of),
        before: query.optional("changedBefore", time_of),
    };
    (filter, page::read(query))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::Problems;

    fn parse(text: &str) -> Result<(ChangeFilter, PageRequest), Problems> {
        Query::read(text, query)
    }

    #[test]
    fn filters_are_read() {
        let (filter, page) = parse(
            "accessId=7&vehicleId=8&changedAfter=2026-03-01T01:00:00%2B01:00&changedBefore=2026-03-01T00:00:01Z&limit=3",
        )
        .unwrap();
        assert_eq!([filter.access_id, filter.vehicle].map(|id| id.map(domain::Id::get)), [Some(7), Some(8)]);
        let seconds = filter.before.unwrap() - filter.after.unwrap();
        assert_eq!((seconds.num_milliseconds(), page.limit), (1_000, 3));
        assert_eq!(parse("").unwrap().0, ChangeFilter::default());
    }

    #[test]
    fn everything_wrong_is_named() {
        let problems =
            parse("accessId=0&vehicleId=x&changedAfter=2026-03-01&changedBefore=now&operation=x").unwrap_err();
        let mut fields: Vec<_> = problems.0.iter().map(|problem| &*problem.field).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["accessId", "changedAfter", "changedBefore", "operation", "vehicleId"]);
    }
}
