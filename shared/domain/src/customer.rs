#[cfg(test)]
mod tests;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::{InvalidText, Name, Patch, text::is_ignorable};

/// A customer, known by name alone. Two spellings of one name are one customer: see [`Customer::key`].
#[derive(Clone, Debug)]
pub struct Customer(String);

/// What makes two customer names the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey(String);

impl Customer {
    /// Checks a name as [`Name`] does (1 to 200 code points after trimming) and brings it to Unicode NFC.
    ///
    /// A name that NFC would make longer than a name may be keeps the spelling given, so that a client can always write
    /// back the name that it read. (U+1D160 is an example of a character that NFC takes apart.)
    ///
    /// # Errors
    /// [`InvalidText`] names the rule that the name breaks.
    pub fn new(name: &str) -> Result<Self, InvalidText> {
        let name = Name::new(name)?;
        let composed = Name::new(&ComposingNormalizerBorrowed::new_nfc().normalize(name.as_str()));
        Ok(Self(composed.unwrap_or(name).to_string()))
    }

    /// A name as it was stored: already checked, its spelling kept.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name in the spelling it was first given.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The form under which customers are found and told apart: the name in NFKC with full Unicode case folding, without
    /// default-ignorable code points, and with one space for each run of white space. A key's own key is the same.
    pub fn key(&self) -> CustomerKey {
        CustomerKey(fold(&self.0))
    }
}

/// A text in NFKC with full Unicode case folding, without default-ignorable code points, and with one space for each run of
/// white space.
pub(crate) fn fold(text: &str) -> String {
    let visible: String = text.chars().filter(|character| !is_ignorable(*character)).collect();
    // Folding works on each character alone, so it comes after the compatibility forms were taken apart (`℡` is `TEL`,
    // then `tel`), and nothing that it gives can be taken apart or folded again.
    let apart = DecomposingNormalizerBorrowed::new_nfkd().normalize(&visible);
    let folded = CaseMapper::new().fold_string(&apart);
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(&folded);
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
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

/// The customer of a record after an update. The same customer in another spelling keeps the spelling it has.
pub(crate) fn replace_customer(before: Option<Customer>, patch: Patch<Customer>) -> Option<Customer> {
    match (before, patch) {
        (Some(before), Patch::Set(after)) if before == after => Some(before),
        (before, patch) => patch.apply(before),
    }
}
