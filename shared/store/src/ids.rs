//! New ids: unique within an organization without a counter that is shared.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Id, Timestamp};

use crate::{Error, digest};

/// Makes ids that grow within the process.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    last_millisecond: AtomicU64,
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
