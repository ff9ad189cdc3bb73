//! Pages of lists: which one a request asks for (`?limit=` and `?nextPageCursor=`), and how an answer says whether there is
//! another one.

use serde::Serialize;
use store::{Cursor, PageRequest};

use crate::problems::Problems;

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

/// The parameters that [`parse`] reads.
pub const PARAMETERS: &[&str] = &["limit", "nextPageCursor"];

/// Reads the page that a query string asks for. Parameters of other names are for others to read.
///
/// # Errors
/// A limit that is no integer from 1 to 100, a cursor that is none, and either of them if it is empty or given twice.
pub fn parse(query: &str) -> Result<PageRequest, Problems> {
    let mut problems = Problems::default();
    let limit = parameter(query, "limit", &mut problems, |text| {
        let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let limit = text.parse().ok().filter(|limit| canonical && (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| format!("must be an integer from 1 to {MAX_LIMIT}"))
    });
    let cursor = parameter(query, "nextPageCursor", &mut problems, |text| {
        Cursor::parse(text).ok_or_else(|| "is not a cursor that this list handed out".to_owned())
    });
    problems.or(Some(PageRequest { limit: limit.unwrap_or(DEFAULT_LIMIT), cursor }))
}

fn parameter<T>(
    query: &str,
    name: &str,
    problems: &mut Problems,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = values.next()?;
    let read = if values.next().is_some() {
        Err("is given more than once".to_owned())
    } else if value.is_empty() {
        Err("must not be empty".to_owned())
    } else {
        read(&value)
    };
    read.map_err(|message| problems.add(name, message)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(parse("").unwrap(), PageRequest { limit: 50, cursor: None });
        assert_eq!(parse("limit=1&other=%FF&other").unwrap().limit, 1);
        assert_eq!(parse("x&limit=100").unwrap().limit, 100);
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
