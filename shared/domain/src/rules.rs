use std::fmt;

use chrono::Datelike;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{ChargeBoxPattern, InvalidPattern, Timestamp};

/// When and where the tag of an access ID may begin to charge. A part that is `None` restricts nothing; the default
/// has no rule at all and is stored by leaving the attribute `rules` out.
///
/// Its serde form is the map that the table holds as attribute `rules` of the access ID and of its tag, with absent
/// parts left out. Reading it is strict: an attribute inside the map that this version does not know, and a value
/// that [`Rules::new`] would refuse, are errors, so that an older version never ignores a restriction that a newer
/// one has written. Whoever reads a tag's item takes such an error as
/// [`StoredRules::Unreadable`](crate::StoredRules).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge_boxes: Option<Vec<ChargeBoxPattern>>,
}

/// How many patterns one access ID's rules may have.
pub const MAX_PATTERNS: usize = 50;

/// How many bytes of UTF-8 all patterns of one access ID may have together: fifty of fifty bytes, which is room for
/// any fifty OCPP identities (48 characters) with a `*`.
///
/// This keeps the item of a tag below the 4,096 bytes of one read unit. DynamoDB counts the bytes of names and
/// strings, 3 for a list or a map, and 1 for each of its elements. So `rules` has at most 142 bytes (name 5, map 6,
/// times 33 and 34, the list without its texts 64) and these 2,500. The rest of the item has at most 975: keys 84,
/// number 29, type 11, status 29, vehicle 18, and the name 804 (200 code points of 4 bytes). Together that is 3,617,
/// which leaves 479 for attributes to come.
pub const MAX_PATTERNS_BYTES: usize = 2_500;

/// A part of the rules that was refused. Shows as its path below `rules`, such as `chargeBoxes[3]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleField {
    /// `validFrom`
    ValidFrom,
    /// `validUntil`
    ValidUntil,
    /// `chargeBoxes`, the list as a whole
    ChargeBoxes,
    /// One element of `chargeBoxes`, counted from 0
    ChargeBox(usize),
}

impl fmt::Display for RuleField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValidFrom => f.write_str("validFrom"),
            Self::ValidUntil => f.write_str("validUntil"),
            Self::ChargeBoxes => f.write_str("chargeBoxes"),
            Self::ChargeBox(at) => write!(f, "chargeBoxes[{at}]"),
        }
    }
}

/// Why a part of the rules was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// A time that RFC 3339 cannot show, once it is in UTC.
    #[error("must be in the years 0000 to 9999, in UTC")]
    Year,
    /// No moment lies between the times: the card could never charge, which is what revoking is for.
    #[error("must be after validFrom")]
    EmptyWindow,
    /// An empty list could mean everywhere or nowhere.
    #[error("must not be empty: null allows every charge box, revoking the access ID allows none")]
    NoPattern,
    /// More than [`MAX_PATTERNS`].
    #[error("must have at most {MAX_PATTERNS} elements")]
    TooManyPatterns,
    /// More than [`MAX_PATTERNS_BYTES`].
    #[error("must have at most {MAX_PATTERNS_BYTES} bytes in all elements together")]
    TooManyBytes,
    /// The element is no pattern.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
}

/// Everything that is wrong with rules, in the order of the fields. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidRules(pub Vec<RuleProblem>);

/// One part of the rules that was refused, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct RuleProblem {
    /// Which part.
    pub field: RuleField,
    /// What is wrong with it.
    pub problem: InvalidRule,
}

impl Rules {
    /// Rules of these parts. A part of a time below the millisecond is dropped, because times are stored in
    /// milliseconds. Patterns that repeat each other are harmless and stay, so that what is read back is what was
    /// written.
    ///
    /// # Errors
    /// [`InvalidRules`] with all problems at once. The elements of a list that is too long are not looked at.
    pub fn new(
        valid_from: Option<Timestamp>,
        valid_until: Option<Timestamp>,
        charge_boxes: Option<Vec<String>>,
    ) -> Result<Self, InvalidRules> {
        let mut problems = Problems::default();
        let valid_from = problems.time(RuleField::ValidFrom, valid_from);
        let valid_until = problems.time(RuleField::ValidUntil, valid_until);
        if valid_from.zip(valid_until).is_some_and(|(from, until)| from >= until) {
            problems.add(RuleField::ValidUntil, InvalidRule::EmptyWindow);
        }
        let charge_boxes = charge_boxes.map(|texts| problems.patterns(&texts));
        if problems.0.is_empty() {
            Ok(Self { valid_from, valid_until, charge_boxes })
        } else {
            Err(InvalidRules(problems.0))
        }
    }

    /// The first moment at which a charge may begin.
    pub fn valid_from(&self) -> Option<Timestamp> {
        self.valid_from
    }

    /// The first moment at which a charge may no longer begin.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// The charge boxes at which a charge may begin, 1 to [`MAX_PATTERNS`].
    pub fn charge_boxes(&self) -> Option<&[ChargeBoxPattern]> {
        self.charge_boxes.as_deref()
    }

    /// Whether there is no rule: such rules are not stored.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `validFrom ≤ now`, or there is no `validFrom`.
    pub fn have_begun(&self, now: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= now)
    }

    /// Whether `validUntil ≤ now`.
    pub fn have_ended(&self, now: Timestamp) -> bool {
        self.valid_until.is_some_and(|until| until <= now)
    }

    /// Whether a pattern names this charge box, or there is no pattern.
    pub fn allow_at(&self, charge_box: &str) -> bool {
        self.charge_boxes().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(charge_box)))
    }
}

/// The rules as the table holds them, not yet checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    charge_boxes: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for Rules {
    /// Takes a map alone. What serde derives would also take a list of the values, and three nulls for no rules.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Rules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of rules")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rules, A::Error> {
                let stored = Stored::deserialize(MapAccessDeserializer::new(map))?;
                Rules::new(stored.valid_from, stored.valid_until, stored.charge_boxes).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[derive(Default)]
struct Problems(Vec<RuleProblem>);

impl Problems {
    fn add(&mut self, field: RuleField, problem: InvalidRule) {
        self.0.push(RuleProblem { field, problem });
    }

    fn time(&mut self, field: RuleField, time: Option<Timestamp>) -> Option<Timestamp> {
        let time = Timestamp::from_timestamp_millis(time?.timestamp_millis());
        let shown = time.filter(|time| (0..=9999).contains(&time.year()));
        if shown.is_none() {
            self.add(field, InvalidRule::Year);
        }
        shown
    }

    fn patterns(&mut self, texts: &[String]) -> Vec<ChargeBoxPattern> {
        if texts.is_empty() {
            self.add(RuleField::ChargeBoxes, InvalidRule::NoPattern);
        }
        if texts.len() > MAX_PATTERNS {
            self.add(RuleField::ChargeBoxes, InvalidRule::TooManyPatterns);
            return Vec::new();
        }
        let mut patterns = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            match ChargeBoxPattern::new(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.add(RuleField::ChargeBox(at), error.into()),
            }
        }
        if patterns.iter().map(|pattern| pattern.as_str().len()).sum::<usize>() > MAX_PATTERNS_BYTES {
            self.add(RuleField::ChargeBoxes, InvalidRule::TooManyBytes);
        }
        patterns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn problems(from: Option<&str>, until: Option<&str>, charge_boxes: Option<Vec<String>>) -> Vec<String> {
        let rules = Rules::new(from.map(at), until.map(at), charge_boxes);
        rules.map_or_else(|invalid| invalid.0.iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    fn read(stored: Value) -> Result<Rules, serde_json::Error> {
        serde_json::from_value(stored)
    }

    #[test]
    fn a_window_holds_its_first_moment_and_not_its_last() {
        let (from, until) = (at("2026-03-01T00:00:00Z"), at("2026-03-01T00:00:00.001Z"));
        let rules = Rules::new(Some(from), Some(until), None).unwrap();
        let edges = |now| (rules.have_begun(now), rules.have_ended(now));
        assert_eq!(edges(from - chrono::TimeDelta::milliseconds(1)), (false, false));
        assert_eq!(edges(from), (true, false));
        assert_eq!(edges(until), (true, true));
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let day = Some("2026-03-01T00:00:00Z");
        assert_eq!(problems(day, day, None), ["validUntil must be after validFrom"]);
        // less than a millisecond apart
        assert_eq!(problems(day, Some("2026-03-01T00:00:00.0009Z"), None), ["validUntil must be after validFrom"]);
        assert_eq!(problems(None, None, Some(vec!["x".to_owned(); 50])), [""; 0]);
        assert_eq!(
            problems(None, None, Some(vec!["x y*z".to_owned(); 51])),
            ["chargeBoxes must have at most 50 elements"]
        );
        assert_eq!(
            problems(
                Some("9999-12-31T23:59:59-01:00"),
                day,
                Some(vec!["a".to_owned(), String::new(), "*b".to_owned()])
            ),
            [
                "validFrom must be in the years 0000 to 9999, in UTC",
                "chargeBoxes[1] must not be blank",
                "chargeBoxes[2] may contain one \"*\", at its end; \"*\" elsewhere is taken in an EVSE ID alone",
            ]
        );
        let nowhere = problems(None, None, Some(Vec::new()));
        assert_eq!(
            nowhere,
            ["chargeBoxes must not be empty: null allows every charge box, revoking the access ID allows none"]
        );
        let mut bytes = vec!["x".repeat(50); 50];
        assert_eq!(problems(None, None, Some(bytes.clone())), [""; 0]);
        bytes[7].push('*');
        let too_many = ["chargeBoxes must have at most 2500 bytes in all elements together"];
        assert_eq!(problems(None, None, Some(bytes)), too_many);
    }

    #[test]
    fn the_table_holds_what_restricts_and_nothing_else() {
        assert_eq!(serde_json::to_value(Rules::default()).unwrap(), json!({}));
        assert!(Rules::new(None, None, None).unwrap().is_empty());
        assert!(read(json!({"validFrom": null})).unwrap().is_empty());
        let stored = json!({
            "validFrom": "2026-03-01T07:00:00.001Z",
            "validUntil": "2026-04-01T00:00:00Z",
            "chargeBoxes": ["depot-*", "x"],
        });
        let rules = read(stored.clone()).unwrap();
        assert!(!rules.is_empty());
        assert_eq!(
            (rules.valid_from(), rules.charge_boxes().map(<[_]>::len)),
            (Some(at("2026-03-01T07:00:00.001Z")), Some(2))
        );
        assert_eq!(serde_json::to_value(&rules).unwrap(), stored);
    }

    #[test]
    fn what_this_version_does_not_understand_is_an_error() {
        for stored in [
            json!({"weekdays": ["mon"]}),
            json!({"validFrom": "2026-03-01T00:00:00Z", "later": null}),
            json!({"validFrom": "tomorrow"}),
            json!({"validFrom": 1_772_323_200}),
            json!({"validFrom": "2026-03-02T00:00:00Z", "validUntil": "2026-03-01T00:00:00Z"}),
            json!({"chargeBoxes": "depot-1"}),
            json!({"chargeBoxes": []}),
            json!({"chargeBoxes": ["a*b"]}),
            json!({"chargeBoxes": [{"id": "depot-1"}]}),
            json!({"chargeBoxes": vec!["x"; 51]}),
            json!(null),
            json!([]),
            json!([null, null, null]),
            json!({"validFrom": {}, "chargeBoxes": null}),
            json!("none"),
        ] {
            assert!(read(stored.clone()).is_err(), "{stored}");
        }
    }

    /// What DynamoDB counts for a value.
    fn size(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(list) => 3 + list.iter().map(|element| 1 + size(element)).sum::<usize>(),
            Value::Object(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + size(value)).sum::<usize>(),
            Value::Number(_) => 21,
            Value::Null | Value::Bool(_) => 1,
        }
    }

    #[test]
    fn the_largest_item_of_a_tag_stays_below_one_read_unit() {
        let latest = Some(at("9999-12-31T23:59:59.999Z"));
        let earliest = latest.map(|time| time - chrono::TimeDelta::milliseconds(1));
        let rules = Rules::new(earliest, latest, Some(vec!["🔌".repeat(12) + "x*"; 50])).unwrap();
        let full: usize = rules.charge_boxes().unwrap().iter().map(|pattern| pattern.as_str().len()).sum();
        assert_eq!(full, MAX_PATTERNS_BYTES);
        let item = json!({
            "PK": format!("ORG#{}#TAG#{}", "o".repeat(32), "t".repeat(36)),
            "SK": "TAG",
            "accessId": crate::Id::MAX,
            "name": "🚗".repeat(200),
            "type": "Vehicle",
            "authorizationStatus": "Authorized",
            "rules": rules,
        });
        // An item is its attributes without the 3 + 1 a map would add; all numbers are taken at their greatest
        // size.
        let bytes = size(&item) - 3 - item.as_object().unwrap().len();
        assert_eq!(bytes, 3_599, "the comment of MAX_PATTERNS_BYTES says so");
        assert!(bytes < 4_096);
    }

    proptest! {
        #[test]
        fn rules_read_back_are_the_rules_written(
            from in proptest::option::of(0_i64..4_000_000_000_000),
            until in proptest::option::of(0_i64..4_000_000_000_000),
            charge_boxes in proptest::option::of(proptest::collection::vec("\\PC{0,20}\\*?", 0..4)),
        ) {
            let time = |milliseconds: Option<i64>| milliseconds.and_then(Timestamp::from_timestamp_millis);
            if let Ok(rules) = Rules::new(time(from), time(until), charge_boxes) {
                prop_assert_eq!(read(serde_json::to_value(&rules).unwrap()).unwrap(), rules);
            }
        }
    }
}
