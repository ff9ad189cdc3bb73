use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The number of a record: positive, unique per kind and organization, increasing with creation time, and at most
/// 2^53 − 1 so that a JavaScript client can hold it.
///
/// New ids are 41 bits of milliseconds since 2024-01-01 and 12 further bits; no counter is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = RecordId, value_type = u64, minimum = 1, maximum = 9_007_199_254_740_991_u64, description = "A later record of its kind has a greater one.")
)]
pub struct Id(NonZeroU64);

/// Not the canonical decimal form of a positive integer of at most 2^53 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a positive integer of at most 9007199254740991")]
pub struct InvalidId;

/// 2024-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH_MILLISECONDS: i64 = 1_704_067_200_000;
const LOW_BITS: u32 = 12;

impl Id {
    /// The greatest id, 2^53 − 1.
    pub const MAX: u64 = (1 << 53) - 1;

    /// How many ids one millisecond has.
    pub const PER_MILLISECOND: u64 = 1 << LOW_BITS;

    /// An id of this number.
    ///
    /// # Errors
    /// [`InvalidId`] for zero and for numbers above [`Id::MAX`].
    pub fn new(number: u64) -> Result<Self, InvalidId> {
        match NonZeroU64::new(number) {
            Some(number) if number.get() <= Self::MAX => Ok(Self(number)),
            _ => Err(InvalidId),
        }
    }

    /// The id of the millisecond `time` with the low bits `low` (of which 12 count).
    ///
    /// # Errors
    /// [`InvalidId`] for times before 2024 or after 2093.
    pub fn at(time: Timestamp, low: u64) -> Result<Self, InvalidId> {
        let milliseconds = time.timestamp_millis().checked_sub(EPOCH_MILLISECONDS).ok_or(InvalidId)?;
        let milliseconds = u64::try_from(milliseconds).map_err(|_| InvalidId)?;
        if milliseconds > Self::MAX >> LOW_BITS {
            return Err(InvalidId);
        }
        Self::new((milliseconds << LOW_BITS) | (low % Self::PER_MILLISECOND))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl TryFrom<u64> for Id {
    type Error = InvalidId;

    fn try_from(number: u64) -> Result<Self, InvalidId> {
        Self::new(number)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    /// Takes the canonical decimal form alone: no sign, no leading zero, no white space.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        if !canonical {
            return Err(InvalidId);
        }
        text.parse().map_err(|_| InvalidId).and_then(Self::new)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(milliseconds: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(milliseconds).unwrap()
    }

    #[test]
    fn as_json_it_is_a_number_within_the_bounds() {
        for number in [1, Id::MAX] {
            let id: Id = serde_json::from_value(number.into()).unwrap();
            assert_eq!((id.get(), serde_json::to_string(&id).unwrap()), (number, number.to_string()));
        }
        for refused in ["0", "9007199254740992", "18446744073709551615", "-1", "1.5", "\"1\"", "null", "[1]"] {
            assert!(serde_json::from_str::<Id>(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn only_the_canonical_form_is_an_id() {
        assert_eq!("1".parse::<Id>().unwrap().get(), 1);
        assert_eq!("9007199254740991".parse::<Id>().unwrap().get(), Id::MAX);
        for text in
            ["", "0", "01", "+1", "-1", " 1", "1 ", "1.0", "1e3", "9007199254740992", "18446744073709551616", "١"]
        {
            assert_eq!(text.parse::<Id>(), Err(InvalidId), "{text:?}");
        }
    }

    #[test]
    fn ids_last_from_2024_to_2093() {
        assert_eq!(Id::at(time(EPOCH_MILLISECONDS - 1), 5), Err(InvalidId));
        assert_eq!(Id::at(time(EPOCH_MILLISECONDS), 5).unwrap().get(), 5);
        let last = time(EPOCH_MILLISECONDS + (1 << 41) - 1);
        assert_eq!(Id::at(last, 4095).unwrap().get(), Id::MAX);
        assert_eq!(Id::at(time(EPOCH_MILLISECONDS + (1 << 41)), 0), Err(InvalidId));
        assert!(last > time(3_870_000_000_000), "2092-08");
    }

    proptest! {
        #[test]
        fn a_later_millisecond_has_a_greater_id(at in 1_i64..2_000_000_000_000, low in 0_u64..4096, later_low in 0_u64..4096) {
            let id = Id::at(time(EPOCH_MILLISECONDS + at), low).unwrap();
            let later = Id::at(time(EPOCH_MILLISECONDS + at + 1), later_low).unwrap();
            prop_assert!(id < later);
            prop_assert_eq!(id.to_string().parse::<Id>(), Ok(id));
        }
    }
}
