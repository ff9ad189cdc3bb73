use std::fmt;

use serde::{Serialize, Serializer};

use crate::{InvalidText, Text};

/// The charging station that a request names, exactly as Thor sent it: any text, the empty one included.
///
/// Nothing is trimmed and no letter is folded. Thor's own ids (`EaJ7cU9NJ3YkTNgy`) are random letters of both
/// cases, so the case carries information. Two ids are the same if their bytes are; keys hold the SHA-256 of these
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChargeBox(String);

impl ChargeBox {
    /// The id as it was received. It is not copied.
    pub fn received(id: String) -> Self {
        Self(id)
    }

    /// The id as it was received: up to the size of a request's body, with whatever characters the sender chose.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One entry of a rule about places: a charge box id, or the beginning of ids followed by one `*`.
///
/// `*` alone stands for every charge box. Letters are compared with their case: a rule restricts, so an id in a
/// doubtful spelling must refuse, and an access check says when only the case differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeBoxPattern(String);

/// How long a pattern may be, in bytes of UTF-8, a final `*` included. OCPP 2.0.1 allows 48 characters for an
/// identity.
pub const MAX_PATTERN_BYTES: usize = 128;

/// Why a text is no [`ChargeBoxPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It breaks the rules of every text that a person types: blank, or with characters that do not show.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// Longer than [`MAX_PATTERN_BYTES`].
    #[error("must be at most {MAX_PATTERN_BYTES} bytes long")]
    TooLong,
    /// A `*` that is not the last character. Taken as an ordinary character it would refuse every charge of
    /// somebody who meant a wildcard. The separators of an EVSE ID (`DE*ICE*E45B*78C`) are allowed, because its
    /// standard puts them there.
    #[error("may contain one \"*\", at its end; \"*\" elsewhere is taken in an EVSE ID alone")]
    MisplacedStar,
}

impl ChargeBoxPattern {
    /// Takes a pattern as a person wrote it: white space around it goes.
    ///
    /// # Errors
    /// [`InvalidPattern`] names the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        // Ids of plain characters, which is nearly all, need no look at each character's properties: the authorizer
        // reads patterns on its way to an answer.
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let pattern =
            Self(if is_plain { text.to_owned() } else { Text::<MAX_PATTERN_BYTES>::new(text)?.as_str().to_owned() });
        if pattern.as_str().len() > MAX_PATTERN_BYTES {
            return Err(InvalidPattern::TooLong);
        }
        let literal = pattern.prefix().unwrap_or(pattern.as_str());
        if literal.contains('*') && (pattern.as_str().contains("**") || !begins_an_evse_id(literal.as_bytes())) {
            return Err(InvalidPattern::MisplacedStar);
        }
        Ok(pattern)
    }

    /// The pattern as it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern names this charge box.
    pub fn matches(&self, charge_box: &str) -> bool {
        match self.prefix() {
            Some(prefix) => charge_box.starts_with(prefix),
            None => charge_box == self.as_str(),
        }
    }

    /// Whether the pattern would name this charge box if ASCII letters had no case.
    pub(crate) fn matches_in_another_case(&self, charge_box: &str) -> bool {
        let literal = self.prefix().unwrap_or(self.as_str());
        let start = charge_box.get(..literal.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(literal))
            && (self.prefix().is_some() || charge_box.len() == literal.len())
    }

    fn prefix(&self) -> Option<&str> {
        self.as_str().strip_suffix('*')
    }
}

impl fmt::Display for ChargeBoxPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ChargeBoxPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether the text is an EVSE ID with separators (ISO 15118: country, operator, `E` and outlet) or the beginning
/// of one that reaches at least to the end of the operator.
fn begins_an_evse_id(text: &[u8]) -> bool {
    text.len() >= 6
        && text.iter().enumerate().all(|(at, byte)| match at {
            0 | 1 => byte.is_ascii_alphabetic(),
            2 | 6 => *byte == b'*',
            7 => byte.eq_ignore_ascii_case(&b'e'),
            3..=5 => byte.is_ascii_alphanumeric(),
            _ => byte.is_ascii_alphanumeric() || *byte == b'*',
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> ChargeBoxPattern {
        ChargeBoxPattern::new(text).unwrap()
    }

    #[test]
    fn a_pattern_names_one_charge_box_or_all_that_begin_alike() {
        for (text, named, others) in [
            (
                "EaJ7cU9NJ3YkTNgy",
                &["EaJ7cU9NJ3YkTNgy"][..],
                &["eaj7cu9nj3yktngy", "EaJ7cU9NJ3YkTNg", " EaJ7cU9NJ3YkTNgy"][..],
            ),
            ("depot-*", &["depot-", "depot-1", "depot-*"], &["depot", "Depot-1", "a-depot-1"]),
            ("*", &["", "x", "*"], &[]),
            (" a b\u{a0}", &["a b"], &["a", " a b"]),
            ("DE*ICE*E45B*78C", &["DE*ICE*E45B*78C"], &["DE*ICE*E45B*78CX", "DE*ICE*E45BX78C"]),
            ("DE*ICE*E45B*", &["DE*ICE*E45B", "DE*ICE*E45B*78C"], &["DE*ICE*E45"]),
            ("DE*ICE*", &["DE*ICE*E1", "DE*ICE"], &["DE*ICX*E1"]),
        ] {
            for charge_box in named {
                assert!(pattern(text).matches(charge_box), "{text} {charge_box}");
            }
            for charge_box in others {
                assert!(!pattern(text).matches(charge_box), "{text} {charge_box}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["**", "a**", "*a", "a*b", "a*b*", "*a*", "DE*ICE**", "DE*ICE*X1", "DE*IC*E1", "D1*ICE*E1*"] {
            assert_eq!(ChargeBoxPattern::new(text), Err(InvalidPattern::MisplacedStar), "{text}");
        }
        assert_eq!(ChargeBoxPattern::new(" "), Err(InvalidText::Blank.into()));
        assert_eq!(ChargeBoxPattern::new("a\n"), Err(InvalidText::ControlCharacter.into()));
        assert!(ChargeBoxPattern::new(&"x".repeat(128)).is_ok());
        assert_eq!(ChargeBoxPattern::new(&"x".repeat(129)), Err(InvalidPattern::TooLong));
        assert_eq!(ChargeBoxPattern::new(""), Err(InvalidText::Blank.into()));
        assert!(ChargeBoxPattern::new(&"é".repeat(64)).is_ok());
        assert_eq!(ChargeBoxPattern::new(&"é".repeat(65)), Err(InvalidPattern::TooLong));
    }

    #[test]
    fn a_charge_box_in_another_case_is_another_one_that_can_be_pointed_out() {
        assert!(pattern("Depot-*").matches_in_another_case("dEPOT-7"));
        assert!(pattern("Depot-7").matches_in_another_case("depot-7"));
        assert!(!pattern("Depot-7").matches_in_another_case("depot-77"));
        assert!(!pattern("Depot-7*").matches_in_another_case("depo"));
        assert!(!pattern("ab*").matches_in_another_case("éé"));
    }

    proptest! {
        #[test]
        fn a_pattern_written_back_is_the_same_pattern(text in "\\PC{0,40}\\*?", charge_box in any::<String>()) {
            if let Ok(pattern) = ChargeBoxPattern::new(&text) {
                prop_assert_eq!(ChargeBoxPattern::new(pattern.as_str()), Ok(pattern.clone()));
                prop_assert!(!pattern.matches(&charge_box) || pattern.matches_in_another_case(&charge_box));
            }
        }

        #[test]
        fn without_a_star_a_pattern_names_itself_alone(id in "[!-)+-~]{1,40}", other in "[!-~]{1,40}") {
            prop_assert!(pattern(&id).matches(&id));
            prop_assert_eq!(pattern(&id).matches(&other), id == other);
            let (longer, begins_alike) = (format!("{id}{other}"), pattern(&format!("{id}*")));
            prop_assert!(begins_alike.matches(&longer));
        }
    }
}
