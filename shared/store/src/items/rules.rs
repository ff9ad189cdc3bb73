//! The attribute `rules`, which an access ID and its tag both have, if there are rules.

use domain::{Rules, StoredRules};
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

pub(super) const ATTRIBUTE: &str = "rules";

/// Whether the attribute is left out of an item that is written: because there are no rules, or because they cannot be read
/// and so not be written either.
pub(super) fn are_not_written(rules: &StoredRules) -> bool {
    match rules {
        StoredRules::Readable(rules) => rules.is_empty(),
        StoredRules::Unreadable => true,
    }
}

/// Whether an update leaves the attribute as it is stored. Without this, a version that does not know a rule would remove it
/// with the next change of a name.
pub(super) fn are_kept(rules: &StoredRules, attribute: &str) -> bool {
    attribute == ATTRIBUTE && *rules == StoredRules::Unreadable
}

/// Reads whatever stands there. What is not understood makes only the rules unreadable, so that the access ID is still shown
/// and can still be revoked. `serde_dynamo` hands over each attribute by itself, so the others can be read all the same.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StoredRules, D::Error> {
    Ok(Rules::deserialize(deserializer).into())
}

pub(super) fn serialize<S: Serializer>(rules: &StoredRules, serializer: S) -> Result<S::Ok, S::Error> {
    match rules {
        StoredRules::Readable(rules) => rules.serialize(serializer),
        StoredRules::Unreadable => serializer.serialize_none(),
    }
}
