//! New ids: unique within an organization without a counter that is shared.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Id, Timestamp};

use crate::{Error, digest};

/// Makes ids that grow within the process.
#[derive(Debug)]
pub(crate) struct Ids {
    last_millisecond: AtomicU64,
    entries: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        // Processes begin at different numbers, so that entries of the same millisecond rarely meet.
        let entries = AtomicU64::new(u16::from_ne_bytes(digest::random()).into());
        Self { last_millisecond: AtomicU64::default(), entries }
    }
}

impl Ids {
    /// `count` consecutive new ids (at most 4,096), greater than all that this process has made before.
    ///
    /// # Errors
    /// [`Error::Unusable`] if the time is before 2024 or after 2093.
    pub fn next(&self, now: Timestamp, count: u64) -> Result<Vec<Id>, Error> {
        let now = u64::try_from(now.timestamp_millis()).map_err(|_| Error::Unusable)?;
        let mut milliseconds = now;
        let _ = self.last_millisecond.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            milliseconds = now.max(last + 1);
            Some(milliseconds)
        });
        let time =
            i64::try_from(milliseconds).ok().and_then(Timestamp::from_timestamp_millis).ok_or(Error::Unusable)?;
        let free = Id::PER_MILLISECOND.checked_sub(count).ok_or(Error::Unusable)? + 1;
        let low = u64::from(u16::from_ne_bytes(digest::random())) % free;
        let first = Id::at(time, low).map_err(|_| Error::Unusable)?.get();
        (first..first + count).map(|number| Id::new(number).map_err(|_| Error::Unusable)).collect()
    }

    /// An id of exactly this time, for an entry that is looked for by its time. The ids that one process makes for one
    /// millisecond are 4,096 different ones. Another process can make the same, so the entry is created on the condition that
    /// there is none.
    ///
    /// # Errors
    /// As [`Ids::next`].
    pub fn of_entry(&self, now: Timestamp) -> Result<Id, Error> {
        Id::at(now, self.entries.fetch_add(1, Ordering::Relaxed)).map_err(|_| Error::Unusable)
    }

    /// One new id.
    ///
    /// # Errors
    /// As [`Ids::next`].
    pub fn next_one(&self, now: Timestamp) -> Result<Id, Error> {
        self.next(now, 1)?.pop().ok_or(Error::Unusable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_an_id_of_its_time() {
        let ids = Ids::default();
        let now = Timestamp::from_timestamp_millis(1_800_000_000_000).unwrap();
        let [first, next] = [0, 1].map(|after| Id::at(now + chrono::TimeDelta::milliseconds(after), 0).unwrap());
        let made: std::collections::BTreeSet<_> = (0..4_096).map(|_| ids.of_entry(now).unwrap()).collect();
        assert_eq!(made.len(), 4_096);
        assert!(made.iter().all(|id| (first..next).contains(id)));
    }

    #[test]
    fn new_ids_increase_within_a_process_whatever_the_clock_does() {
        let ids = Ids::default();
        let time = |milliseconds: i64| Timestamp::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap();
        let mut last = 0;
        for milliseconds in [0, 0, 0, 5, 4, 6, 0] {
            let ids: Vec<_> = ids.next(time(milliseconds), 41).unwrap().into_iter().map(Id::get).collect();
            assert_eq!(ids.len(), 41);
            assert!(ids.is_sorted() && ids[0] > last && ids[40] == ids[0] + 40, "{ids:?}");
            last = ids[40];
        }
    }
}
