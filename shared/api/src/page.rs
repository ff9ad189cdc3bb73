//! Pages of lists: which one a request asks for (`?limit=` and `?nextPageCursor=`), and how an answer says whether there is
//! another one.

use serde::Serialize;
use store::{Cursor, PageRequest};

use crate::query::Query;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// Whether the list has another page, and where that begins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pagination<'a> {
    /// If true, the next page has at least one record.
    has_next_page: bool,
    /// Where the next page begins.
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    next_page_cursor: Option<&'a str>,
}

impl<'a> Pagination<'a> {
    pub(crate) fn new(next_cursor: Option<&'a str>) -> Self {
        Self { has_next_page: next_cursor.is_some(), next_page_cursor: next_cursor }
    }
}

/// The page that a query asks for: a limit that is an integer from 1 to 100, and a cursor of the right shape.
pub fn read(query: &mut Query) -> PageRequest {
    let limit = query.optional("limit", |text| {
        let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let limit = text.parse().ok().filter(|limit| canonical && (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| format!("must be an integer from 1 to {MAX_LIMIT}"))
    });
    let cursor = query.optional("nextPageCursor", |text| {
        Cursor::parse(text).ok_or("is not a cursor that this list handed out with these filters")
    });
    PageRequest { limit: limit.unwrap_or(DEFAULT_LIMIT), cursor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::Problems;

    fn parse(query: &str) -> Result<PageRequest, Problems> {
        Query::read(query, read)
    }

    #[test]
    fn limits() {
        assert_eq!(parse("").unwrap(), PageRequest { limit: 50, cursor: None });
        assert_eq!(parse("limit=1&").unwrap().limit, 1);
        assert_eq!(parse("&limit=100").unwrap().limit, 100);
        for query in [
            "limit=0",
            "limit=101",
            "limit=",
            "limit",
            "limit=1&limit=1",
            "limit=01",
            "limit=%2B1",
            "limit=1.0",
            "limit=99999999999999999999",
            "limit=ten",
            "limit=-1",
            "limit=%201",
        ] {
            let problems = parse(query).unwrap_err();
            assert_eq!(problems.0.len(), 1, "{query}");
            assert_eq!(problems.0[0].field, "limit", "{query}");
        }
    }

    #[test]
    fn everything_wrong_is_named() {
        let problems = parse("limit=0&nextPageCursor=NDMyNDc2").unwrap_err();
        assert_eq!(problems.0.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["limit", "nextPageCursor"]);
        assert!(parse("nextPageCursor=").is_err() && parse("nextPageCursor=%F0%9F").is_err());
    }
}
