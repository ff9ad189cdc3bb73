#[cfg(test)]
mod tests;

use std::fmt;

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// A text that a person typed: trimmed, with something to see, without characters that hide or reorder others, of at most
/// `MAX` code points.
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

/// Why a text was refused. Each message is a sentence without its subject: the name of the field stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing can be seen: white space, format characters, fillers and default-ignorable code points alone.
    #[error("must not be blank")]
    Blank,
    /// Longer than the limit, in Unicode code points after trimming.
    #[error("must be at most {0} characters long")]
    TooLong(usize),
    /// A control character (Unicode category Cc), at any place.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// A character that changes the direction in which the text around it is shown, at any place.
    #[error("must not contain bidirectional controls (U+202A to U+202E, U+2066 to U+2069)")]
    BidirectionalControl,
    /// A line or paragraph separator, at any place.
    #[error("must not contain line or paragraph separators (U+2028, U+2029)")]
    LineSeparator,
    /// A code point that Unicode reserves for internal use, at any place.
    #[error("must not contain noncharacters (U+FDD0 to U+FDEF, U+FFFE, U+FFFF and the like)")]
    Noncharacter,
}

impl<const MAX: usize> Text<MAX> {
    /// Trims white space and checks the rules above.
    ///
    /// # Errors
    /// [`InvalidText`] names the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        if let Some(refused) = text.chars().find_map(refused) {
            return Err(refused);
        }
        let text = text.trim_matches(is_white_space);
        if text.chars().all(shows_nothing) {
            return Err(InvalidText::Blank);
        }
        if text.chars().count() > MAX {
            return Err(InvalidText::TooLong(MAX));
        }
        Ok(Self(text.to_owned()))
    }

    /// A text as it was stored, its spelling kept. Only the rules that have always held are checked, so a record stays
    /// readable when [`Text::new`] becomes stricter: 1 to `MAX` code points, no control characters.
    ///
    /// # Errors
    /// [`InvalidText`] for what was never a text.
    pub fn stored(text: String) -> Result<Self, InvalidText> {
        if text.is_empty() {
            Err(InvalidText::Blank)
        } else if text.chars().any(char::is_control) {
            Err(InvalidText::ControlCharacter)
        } else if text.chars().count() > MAX {
            Err(InvalidText::TooLong(MAX))
        } else {
            Ok(Self(text))
        }
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

/// Whether a character is trimmed from the ends of texts and tags: Unicode's white space without what is refused at any
/// place, which is control characters such as the tab, and the line and paragraph separators.
pub(crate) fn is_white_space(character: char) -> bool {
    character.is_whitespace() && !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}')
}

/// Why a text must not have this character, if it must not.
fn refused(character: char) -> Option<InvalidText> {
    match character {
        _ if character.is_control() => Some(InvalidText::ControlCharacter),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(InvalidText::BidirectionalControl),
        '\u{2028}' | '\u{2029}' => Some(InvalidText::LineSeparator),
        // the last two code points of each plane, too
        '\u{fdd0}'..='\u{fdef}' => Some(InvalidText::Noncharacter),
        _ if u32::from(character) & 0xfffe == 0xfffe => Some(InvalidText::Noncharacter),
        _ => None,
    }
}

/// Whether nobody can see the character.
fn shows_nothing(character: char) -> bool {
    // Blank by their definition, though no property of Unicode says so: the Braille pattern without dots, the musical null
    // notehead, two Egyptian blanks and the Khitan filler. (The Hangul fillers are default-ignorable.)
    const BLANKS: [char; 5] = ['\u{2800}', '\u{1d159}', '\u{13441}', '\u{13442}', '\u{16fe4}'];
    character.is_whitespace()
        || is_ignorable(character)
        || CodePointMapData::<GeneralCategory>::new().get(character) == GeneralCategory::Format
        || BLANKS.contains(&character)
}

/// Whether Unicode asks to show nothing for the character unless it is supported: joiners, soft hyphens, variation
/// selectors, fillers and the like.
pub(crate) fn is_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}
