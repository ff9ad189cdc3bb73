//! New ids: unique within an organization without a counter that is shared.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Id, Timestamp};

use crate::{Error, digest};

/// An id is at most so far above the one that the process has made before in the same millisecond. It is a random one of these, so that
/// of two processes that make many for the same milliseconds one makes an id of the other about once in eight times, and not each time.
/// A record is created on the condition that there is none, and gets another id then.
const STEP: u64 = 16;

/// Makes ids that grow within the process.
#[derive(Debug)]
pub(crate) struct Ids {
    last: AtomicU64,
    entries: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        // Processes begin at different numbers, so that entries of the same millisecond rarely meet.
        let entries = AtomicU64::new(u16::from_ne_bytes(digest::random()).into());
        Self { last: AtomicU64::default(), entries }
    }
}

impl Ids {
    /// `count` consecutive new ids (at most 4,096) of this time, greater than all that this process has made before. A process that
    /// makes more of them for one millisecond than fit into it goes on with those of the next: 2,000, as a batch of 1,000 new
    /// access IDs takes, are at most 9 ms ahead.
    ///
    /// # Errors
    /// [`Error::Unusable`] if the time is before 2024 or after 2093.
    pub fn next(&self, now: Timestamp, count: u64) -> Result<Vec<Id>, Error> {
        let free = Id::PER_MILLISECOND.checked_sub(count).ok_or(Error::Unusable)? + 1;
        let random = u64::from(u16::from_ne_bytes(digest::random()));
        let of_now = Id::at(now, random % free).map_err(|_| Error::Unusable)?.get();
        let after = |last: u64| of_now.max(last + 1 + random % STEP);
        let advance = |last| Some(after(last) + count - 1);
        // The function always gives a number, so this is always `Ok`.
        let last =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance).map_err(|_| Error::Unusable)?;
        (after(last)..after(last) + count).map(|number| Id::new(number).map_err(|_| Error::Unusable)).collect()
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

    #[test]
    fn many_ids_of_one_time_are_below_those_of_a_little_later_in_another_process() {
        let now = Timestamp::from_timestamp_millis(1_800_000_000_000).unwrap();
        let ids = Ids::default();
        // A batch of 1,000 new access IDs with a new vehicle each.
        let last = (0..2_000).map(|_| ids.next_one(now).unwrap()).max().unwrap();
        assert!(Ids::default().next_one(now + chrono::TimeDelta::milliseconds(10)).unwrap() > last);
    }
}
