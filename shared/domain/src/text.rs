use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// A text that a person typed: trimmed, not blank, without control characters, of at most `MAX` code points.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

/// The name of an access ID or a vehicle.
pub type Name = Text<200>;
/// A vehicle's make.
pub type Make = Text<100>;
/// A vehicle's model.
pub type Model = Text<100>;
/// A vehicle identification number.
pub type Vin = Text<64>;
/// A vehicle's licence plate.
pub type LicensePlate = Text<64>;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be blank")]
    Blank,
    /// Longer than the limit, in Unicode code points after trimming.
    #[error("must be at most {0} characters long")]
    TooLong(usize),
    /// A control character (Unicode category Cc), at any place.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl<const MAX: usize> Text<MAX> {
    /// Trims white space and checks the rules above.
    ///
    /// # Errors
    /// [`InvalidText`] names the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        if text.chars().any(char::is_control) {
            return Err(InvalidText::ControlCharacter);
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidText::Blank);
        }
        if text.chars().count() > MAX {
            return Err(InvalidText::TooLong(MAX));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A customer, known by name alone. Two spellings of one name are one customer: see [`Customer::key`].
#[derive(Clone, Debug)]
pub struct Customer(String);

/// What makes two customer names the same: NFC, lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey(String);

impl Customer {
    /// Checks a name as [`Name`] does (1 to 200 code points after trimming) and brings it to Unicode NFC.
    ///
    /// # Errors
    /// [`InvalidText`] names the rule that the name breaks.
    pub fn new(name: &str) -> Result<Self, InvalidText> {
        Name::new(name).map(|name| Self(name.0.nfc().collect()))
    }

    /// A name as it was stored: already checked, its spelling kept.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name in the spelling it was first given.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The form under which customers are found and told apart.
    pub fn key(&self) -> CustomerKey {
        CustomerKey(self.0.nfc().collect::<String>().to_lowercase().nfc().collect())
    }
}

impl PartialEq for Customer {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.key() == other.key()
    }
}

impl Eq for Customer {}

impl CustomerKey {
    /// The folded name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_trimmed_and_counted_in_code_points() {
        assert_eq!(Name::new("  Card 1\u{a0}").unwrap().as_str(), "Card 1");
        assert_eq!(Vin::new(&"🚗".repeat(64)).unwrap().as_str().chars().count(), 64);
        assert_eq!(Vin::new(&format!(" {} ", "🚗".repeat(64))).unwrap().as_str().chars().count(), 64);
        assert_eq!(Vin::new(&"🚗".repeat(65)), Err(InvalidText::TooLong(64)));
        assert_eq!(Name::new(""), Err(InvalidText::Blank));
        assert_eq!(Name::new(" \u{2003} "), Err(InvalidText::Blank));
    }

    #[test]
    fn control_characters_are_refused_even_at_the_ends() {
        for text in ["a\tb", "a\n", "\ra", "a\u{0}", "\u{85}a", "a\u{7f}", "\t"] {
            assert_eq!(Name::new(text), Err(InvalidText::ControlCharacter), "{text:?}");
        }
    }

    #[test]
    fn customers_are_the_same_whatever_the_case_and_the_composition() {
        let customer = |name| Customer::new(name).unwrap();
        assert_eq!(customer("Élan Fleet"), customer("  e\u{301}LAN fleet "));
        assert_eq!(customer("ΟΔΟΣ"), customer("οδος"));
        assert_eq!(customer("e\u{301}").name(), "é");
        assert_ne!(customer("Straße"), customer("STRASSE"));
        assert_ne!(customer("Fleet 1"), customer("Fleet  1"));
    }

    proptest! {
        #[test]
        fn an_accepted_text_is_accepted_again_unchanged(text in "\\PC{0,80}") {
            if let Ok(name) = Text::<60>::new(&text) {
                prop_assert_eq!(&Text::<60>::new(name.as_str()).unwrap(), &name);
                prop_assert!(name.as_str().chars().count() <= 60);
            }
        }

        #[test]
        fn a_customer_key_does_not_depend_on_case_or_composition(name in "\\PC{1,40}") {
            if let Ok(customer) = Customer::new(&name) {
                let decomposed: String = customer.name().nfd().collect();
                prop_assert_eq!(Customer::stored(decomposed).key(), customer.key());
                prop_assert_eq!(Customer::stored(customer.key().0.clone()).key(), customer.key());
            }
        }
    }
}
