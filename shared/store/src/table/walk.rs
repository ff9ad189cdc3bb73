//! Reading a list in pages: a part of one partition, in the order of its sort keys or against it, with a filter.

use std::ops::RangeInclusive;

use super::Access;
use crate::{
    Error, Page, PageRequest,
    cursor::Cursor,
    items::{Item, VersionedItem, key_of},
    keys,
};

/// How many items one request looks at, at most, when a filter leaves most of them out.
pub(crate) const MAX_LOOKED_AT: usize = 5_000;
/// Each Query of a walk looks at so many times as many items as the one before it: a page that is filled soon costs little,
/// and one that is not takes few calls.
const GROWTH: usize = 8;

/// A part of a partition that is read in pages.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    /// The partition key. It has to be one of the caller's organization.
    pub partition: String,
    /// The first and the last sort key that are looked at, the lesser one first whatever the direction.
    pub range: RangeInclusive<String>,
    /// In which order.
    pub direction: Direction,
    /// What the filter looks for, as a text: equal filters give equal texts, different filters different texts, no filter an
    /// empty one. A cursor holds for this text, the partition, the range and the direction, and for no others.
    pub filters: &'a str,
    /// Which page.
    pub page: &'a PageRequest,
}

/// In which order a walk goes through the sort keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

impl Access<'_> {
    /// All records of a kind in ascending order of their ids.
    pub fn all<'a, I: VersionedItem>(&self, filters: &'a str, page: &'a PageRequest) -> Walk<'a> {
        let (partition, range) = (I::list(self.organization), keys::all_ids());
        Walk { partition, range, direction: Direction::Ascending, filters, page }
    }

    /// A page of what `take` makes of the items, without those of which it makes nothing.
    ///
    /// Every item is looked at once over all pages, strongly consistent. A page that is not full has a cursor all the same if
    /// [`MAX_LOOKED_AT`] items were looked at before it was filled. Otherwise there is a cursor exactly if the next page has
    /// a record. One Query if `take` takes all, a few more if not.
    ///
    /// # Errors
    /// [`Error::ForgedCursor`], before anything is read, and the table's own.
    pub async fn walk<T>(&self, walk: &Walk<'_>, mut take: impl FnMut(Item) -> Option<T>) -> Result<Page<T>, Error> {
        let mut start = self.start(walk)?.map(str::to_owned);
        // Of such a range the table would say that it is a mistake.
        if walk.range.is_empty() {
            return Ok(Page { records: Vec::new(), next_cursor: None });
        }
        let mut page = Page { records: Vec::with_capacity(walk.page.limit), next_cursor: None };
        let mut last_taken = String::new();
        let mut left = MAX_LOOKED_AT;
        // One more than is shown tells whether there is a next page.
        let mut size = walk.page.limit + 1;
        loop {
            let (items, last) = self.table.query_part(walk, start, size.min(left)).await?;
            left = left.saturating_sub(items.len());
            for item in items {
                let position = key_of(&item)?.sort;
                let Some(record) = take(item) else { continue };
                if page.records.len() == walk.page.limit {
                    page.next_cursor = Some(self.cursor(walk, &last_taken));
                    return Ok(page);
                }
                page.records.push(record);
                last_taken = position;
            }
            let Some(last) = last else { return Ok(page) };
            if left == 0 {
                page.next_cursor = Some(self.cursor(walk, &last));
                return Ok(page);
            }
            start = Some(last);
            size = size.saturating_mul(GROWTH);
        }
    }

    /// The cursor that goes on after this sort key.
    pub fn cursor(&self, walk: &Walk<'_>, after: &str) -> String {
        Cursor::issue(&self.cursor_key, &walk.scope(), after)
    }

    /// The sort key after which a page begins, if it is not the first one.
    ///
    /// # Errors
    /// [`Error::ForgedCursor`].
    pub fn start<'a>(&self, walk: &Walk<'a>) -> Result<Option<&'a str>, Error> {
        let Some(cursor) = &walk.page.cursor else { return Ok(None) };
        cursor.verified(&self.cursor_key, &walk.scope()).map(Some).ok_or(Error::ForgedCursor)
    }

    /// The page of a walk whose records were found by their keys instead: all of them, with their sort keys, in any order.
    ///
    /// # Errors
    /// [`Error::ForgedCursor`].
    pub fn page_of<T>(&self, walk: &Walk<'_>, found: impl IntoIterator<Item = (String, T)>) -> Result<Page<T>, Error> {
        let start = self.start(walk)?;
        let mut found: Vec<_> =
            found.into_iter().filter(|(sort, _)| start.is_none_or(|start| sort.as_str() > start)).collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let limit = walk.page.limit;
        let last = found.get(limit).and(found.get(limit - 1)).map(|(sort, _)| sort);
        let next_cursor = last.map(|last| self.cursor(walk, last));
        Ok(Page { records: found.into_iter().map(|(_, record)| record).take(limit).collect(), next_cursor })
    }
}

impl Walk<'_> {
    /// What a cursor holds for. The filters stand at the end, since only they can hold a line break.
    fn scope(&self) -> String {
        let Self { partition, range, direction, filters, .. } = self;
        let direction = match direction {
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        };
        format!("{partition}\n{}\n{}\n{direction}\n{filters}", range.start(), range.end())
    }
}
