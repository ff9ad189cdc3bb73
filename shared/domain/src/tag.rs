use std::fmt;

/// What a charging station sends to say who wants to charge: an RFID card's number or a vehicle's MAC address, in the
/// one form in which the service compares and stores it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OcppIdTag(String);

/// The text is no ID tag: after normalization it is not 1 to 36 printable ASCII characters without a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 36 printable ASCII characters without spaces, after normalization")]
pub struct InvalidTag;

const MAX_LENGTH: usize = 36;
const MAC_DIGITS: usize = 12;

impl OcppIdTag {
    /// Normalizes a tag as it came in: trims white space, folds ASCII letters to lower case, drops the separators of
    /// hex pairs (`04:E1:A2` is `04e1a2`), drops `vid:` before a MAC address. Byte order and radix are never guessed,
    /// leading zeros stay.
    ///
    /// # Errors
    /// [`InvalidTag`] when what is left is no tag.
    pub fn normalize(text: &str) -> Result<Self, InvalidTag> {
        if text.chars().any(char::is_control) {
            return Err(InvalidTag);
        }
        let mut tag = text.trim().to_ascii_lowercase();
        if let Some(rest) = tag.strip_prefix("vid:") {
            let joined = join_hex_pairs(rest);
            let digits = joined.as_deref().unwrap_or(rest);
            if digits.len() == MAC_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                tag = digits.to_owned();
            }
        } else if let Some(joined) = join_hex_pairs(&tag) {
            tag = joined;
        }
        if (1..=MAX_LENGTH).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(tag))
        } else {
            Err(InvalidTag)
        }
    }

    /// The normalized tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OcppIdTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hex digits of two or more pairs joined by one kind of separator; `None` if the text is anything else.
fn join_hex_pairs(text: &str) -> Option<String> {
    let separator = *text.as_bytes().get(2)?;
    if !matches!(separator, b':' | b'-' | b' ') {
        return None;
    }
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = || text.split(char::from(separator));
    pairs().all(is_pair).then(|| pairs().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalized(text: &str) -> String {
        OcppIdTag::normalize(text).unwrap().0
    }

    #[test]
    fn the_contracts_examples() {
        assert_eq!(normalized("04:E1:A2:B3"), "04e1a2b3");
        assert_eq!(normalized("VID:92D50A693F80"), "92d50a693f80");
        assert_eq!(normalized("test-ocpp-id-tag"), "test-ocpp-id-tag");
        assert_eq!(normalized("1921398740"), "1921398740");
        assert_eq!(normalized("7823091235"), "7823091235");
    }

    #[test]
    fn separators_go_only_when_the_whole_text_is_hex_pairs_with_one_separator() {
        assert_eq!(normalized("04-e1"), "04e1");
        assert_eq!(normalized(" 04 E1 A2 "), "04e1a2");
        assert_eq!(normalized("04:e1-a2"), "04:e1-a2");
        assert_eq!(normalized("04:e1:"), "04:e1:");
        assert_eq!(normalized("04::e1"), "04::e1");
        assert_eq!(normalized("04:e1:a"), "04:e1:a");
        assert_eq!(normalized("04:e1:zz"), "04:e1:zz");
        assert_eq!(normalized("04_e1"), "04_e1");
        assert_eq!(normalized("4e:1"), "4e:1");
        assert_eq!(normalized("04"), "04");
        assert_eq!(normalized("0004"), "0004");
    }

    #[test]
    fn vid_goes_only_before_a_mac_address() {
        assert_eq!(normalized("VID:92:D5:0A:69:3F:80"), "92d50a693f80");
        assert_eq!(normalized("vid:92-d5-0a-69-3f-80"), "92d50a693f80");
        assert_eq!(normalized("vid:92d50a693f8"), "vid:92d50a693f8");
        assert_eq!(normalized("vid:92d50a693f8g"), "vid:92d50a693f8g");
        assert_eq!(normalized("vid:04:e1"), "vid:04:e1");
        assert_eq!(normalized("vid:vid:92d50a693f80"), "vid:vid:92d50a693f80");
        assert_eq!(normalized("xvid:92d50a693f80"), "xvid:92d50a693f80");
        assert_eq!(OcppIdTag::normalize("vid: 92d50a693f80"), Err(InvalidTag));
    }

    #[test]
    fn what_is_no_tag() {
        for text in ["", "  ", "a b", "é", "a\u{0}", "a\n", "\ttag", "tag\u{7f}", "ＡＢ", "04 e1 zz"] {
            assert_eq!(OcppIdTag::normalize(text), Err(InvalidTag), "{text:?}");
        }
        assert_eq!(normalized(&"x".repeat(36)).len(), 36);
        assert_eq!(OcppIdTag::normalize(&"x".repeat(37)), Err(InvalidTag));
        // 18 pairs: 53 characters that become 36
        assert_eq!(normalized(&["ab"; 18].join(":")).len(), 36);
        assert_eq!(OcppIdTag::normalize(&["ab"; 19].join(":")), Err(InvalidTag));
    }

    proptest! {
        #[test]
        fn normalizing_twice_changes_nothing(text in "([vV][iI][dD]:)?([0-9a-fA-F]{2}[:\\- ]){0,6}[\\PC]{0,14}") {
            if let Ok(tag) = OcppIdTag::normalize(&text) {
                prop_assert_eq!(OcppIdTag::normalize(tag.as_str()), Ok(tag.clone()));
                prop_assert!(tag.0.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase()));
                prop_assert!((1..=36).contains(&tag.0.len()));
            }
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            let _ = OcppIdTag::normalize(&text);
        }

        #[test]
        fn every_spelling_of_a_mac_address_is_one_tag(mac in proptest::array::uniform6(any::<u8>())) {
            let pairs: Vec<String> = mac.iter().map(|byte| format!("{byte:02X}")).collect();
            let plain = pairs.concat().to_lowercase();
            for separator in ["", ":", "-", " "] {
                let text = pairs.join(separator);
                prop_assert_eq!(&normalized(&text), &plain);
                prop_assert_eq!(&normalized(&format!("  {} ", text.to_lowercase())), &plain);
                prop_assert_eq!(&normalized(&format!("VID:{text}")), &plain);
            }
        }

        #[test]
        fn a_plain_number_stays_as_it_is(number in "[0-9]{1,36}") {
            prop_assert_eq!(normalized(&number), number);
        }
    }
}
