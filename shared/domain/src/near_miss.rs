//! Which other tags the same card or vehicle may be known by, because readers report one number in many ways.

mod number;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

use crate::OcppIdTag;

/// How many near misses a tag has at most, so that one BatchGetItem (100 keys) reads them all.
pub const MAX_NEAR_MISSES: usize = 60;

/// Another tag that may stand for the same card or vehicle. It is a hint for a person and never authorizes
/// anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The other tag.
    pub tag: OcppIdTag,
    /// How it follows from the tag that was asked about.
    pub how: How,
}

/// How a near miss follows from the tag that was asked about. Serializes as the word that the API shows, such as
/// `bytes_reversed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(strum::VariantArray))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "How a tag follows from another."))]
pub enum How {
    /// `_` and digits at the end are off: some chargers append their serial or transaction number to the card's
    /// number.
    SerialSuffixOff,
    /// A vendor's or kind's word at the front is off (`nfc-`, `easee:`): chargers and back ends mark by it where a
    /// number came from.
    PrefixOff,
    /// `0000` before a MAC address is on or off: some chargers fill the six bytes up to eight for Autocharge.
    MacPadding,
    /// The check character of an EMAID is on or off: cards are printed with it, vehicles and roaming hubs often
    /// leave it out. Not every provider gives out the
    /// standard's character; others come last.
    EmaidCheckCharacter,
    /// The bytes are in the opposite order: readers differ in whether they send the first or the last byte of a UID
    /// first.
    BytesReversed,
    /// The UID as a decimal number: desktop (keyboard) readers and card printers show it so.
    HexToDecimal,
    /// The UID with its bytes reversed, as a decimal number: so show it the desktop readers that take the first
    /// byte as the lowest.
    HexToDecimalReversed,
    /// The decimal number as a UID in hex, as most chargers send it.
    DecimalToHex,
    /// The decimal number as a UID in hex with its bytes reversed, as chargers send it whose reader takes the first
    /// byte as the lowest.
    DecimalToHexReversed,
    /// The decimal number that the same UID has in the opposite byte order: two desktop readers that differ in the
    /// order show both.
    DecimalReversed,
    /// Zeros at the front are on or off: spreadsheets drop them, and readers with a fixed width fill numbers up
    /// with them.
    LeadingZeros,
    /// `00` bytes at the end are on or off: readers with a buffer of seven or ten bytes send its unused end too.
    TrailingZeroBytes,
    /// The first four or six bytes of a UID of seven: readers made for UIDs of four bytes cut off the rest, some
    /// firmware the last byte alone. Only a UID of seven bytes has this near miss: the three bytes that the reader
    /// lost cannot be guessed.
    FirstBytes,
    /// The last byte is off: some readers send the check byte (the XOR of a UID's bytes) as if it were part of the
    /// UID.
    LastByteOff,
    /// The XOR of all bytes is on at the end: the same readers, seen from the other side.
    XorByteOn,
    /// Every byte as the hex code of an ASCII character, or back: readers that send text, into firmware that takes
    /// it for bytes.
    AsciiCodes,
    /// The two hex digits of each byte have changed places: readers that send the low half of a byte first.
    NibblesSwapped,
    /// Every bit is inverted: Wiegand readers whose two data lines have been exchanged.
    BitsInverted,
    /// A vendor's word is on at the front: the operator copied the number from a log that shows it so.
    PrefixOn,
    /// A letter and a digit that look alike are exchanged (`o` and `0`, `i` or `l` and `1`, `b` and `8`): somebody
    /// typed the number off a card.
    LookAlikes,
    /// The low three bytes as a decimal number: Wiegand readers of 26 bits send no more. The lost bytes cannot be
    /// guessed back.
    WiegandNumber,
    /// Three bytes as the decimal number of the first (facility code) and that of the other two, as Wiegand cards
    /// are printed (`80:38104`, `080,38104`, `08038104`), or back to one number.
    WiegandFacility,
}

/// The tags that may stand for the same card or vehicle as `tag`: at most [`MAX_NEAR_MISSES`], each once, none of
/// them `tag` itself, the most likely ones first. The same tag always has the same ones.
///
/// If one tag is a near miss of another, mostly the reverse holds too. It does not where a reader has lost
/// something: what stood behind the first bytes of a UID, above the low three bytes, or after `_`. There only the
/// longer tag leads to the shorter one.
pub fn near_misses(tag: &OcppIdTag) -> Vec<NearMiss> {
    let mut found = Candidates { asked: tag, found: Vec::new() };
    text::decorations(&mut found);
    number::readings(&mut found);
    text::prefixes(&mut found);
    text::look_alikes(&mut found);
    number::wiegand(&mut found);
    text::single_look_alikes(&mut found);
    text::other_check_characters(&mut found);
    found.found
}

/// What has been found so far.
struct Candidates<'a> {
    asked: &'a OcppIdTag,
    found: Vec<NearMiss>,
}

impl<'a> Candidates<'a> {
    fn asked(&self) -> &'a str {
        self.asked.as_str()
    }

    /// Adds the tag that `text` is, if it is one and is new.
    fn add(&mut self, how: How, text: &str) {
        if self.found.len() == MAX_NEAR_MISSES {
            return;
        }
        let Ok(tag) = OcppIdTag::normalize(text) else { return };
        if tag != *self.asked && self.found.iter().all(|found| found.tag != tag) {
            self.found.push(NearMiss { tag, how });
        }
    }

    /// Adds a number as it is and filled up with zeros to the widths that readers use.
    fn add_decimal(&mut self, how: How, number: u128) {
        self.add(how, &number.to_string());
        for width in [10, 8, 14] {
            self.add(how, &format!("{number:0width$}"));
        }
    }
}
