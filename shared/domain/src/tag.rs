mod notation;
mod refused;
#[cfg(test)]
mod tests;

use std::fmt;

use notation::Notation;

use crate::text::is_white_space;

/// What a charging station sends to say who wants to charge: an RFID card's number, a vehicle's MAC address or a
/// contract id, in the one form in which the service compares and stores it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OcppIdTag(String);

/// Why a text is no ID tag. Each message is a sentence without its subject: the name of the field stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTag {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// The normalized tag is longer than 36 characters, which is the most that OCPP carries.
    #[error("must be at most 36 characters long, after normalization")]
    TooLong,
    /// The normalized tag has a space, a control character or one beyond ASCII.
    #[error("must be printable ASCII characters without spaces, after normalization")]
    Characters,
    /// A UID or a MAC address of zeros alone or of Fs alone: many cards would share it.
    #[error("must not be zeros alone or Fs alone: a reader sends that when it could not read the card")]
    FailedRead,
    /// A number that lost its digits to a spreadsheet, or a cell's formula, quotes or error.
    #[error(
        "must not be what a spreadsheet leaves behind: a number in exponent form such as 4.12E+08, a leading =, ' or \
         \", or an error such as #N/A"
    )]
    Spreadsheet,
}

/// The length of OCPP 2.0.1's `IdToken`; OCPP 1.6 has 20.
const MAX_LENGTH: usize = 36;

impl OcppIdTag {
    /// Normalizes a tag as it came in. Texts that a standard makes equal become one tag; nothing else is guessed: byte
    /// order, radix and leading zeros stay.
    ///
    /// - White space around it goes, and NUL, CR and LF after it, which readers pad with. ASCII letters become lower case.
    /// - A UID of four or more hex pairs, a MAC address in any notation of EUI-48, also after `vid`, and an EMAID lose
    ///   their separators: `04:E1:A2:B3` is `04e1a2b3`, `VID:92D5.0A69.3F80` is `92d50a693f80`, `DE*8AA*C12345678*9` is
    ///   `de8aac123456789`.
    ///
    /// Two values of different standards can have the same characters without separators, and are one tag then: an EMAID
    /// of 14 hex digits and the UID of 7 bytes, and an EMAID that reads `VID` and 12 hex digits and that MAC address.
    ///
    /// It takes any text, allocates the result alone, and normalizing a tag again changes nothing.
    ///
    /// # Errors
    /// [`InvalidTag`] says why what is left is no tag.
    pub fn normalize(text: &str) -> Result<Self, InvalidTag> {
        let text = text
            .trim_start_matches(is_white_space)
            .trim_end_matches(|character| is_white_space(character) || matches!(character, '\0' | '\r' | '\n'));
        if refused::is_of_a_spreadsheet(text) {
            return Err(InvalidTag::Spreadsheet);
        }
        let Notation { text, separator } = Notation::of(text.as_bytes());
        let mut tag = String::with_capacity(text.len().min(MAX_LENGTH));
        for &byte in text.iter().filter(|&&byte| Some(byte) != separator) {
            if !byte.is_ascii_graphic() {
                return Err(InvalidTag::Characters);
            }
            if tag.len() == MAX_LENGTH {
                return Err(InvalidTag::TooLong);
            }
            tag.push(char::from(byte.to_ascii_lowercase()));
        }
        if tag.is_empty() {
            return Err(InvalidTag::Empty);
        }
        if refused::is_failed_read(tag.as_bytes()) {
            return Err(InvalidTag::FailedRead);
        }
        Ok(Self(tag))
    }

    /// A tag as it was stored. It is not normalized again, and only what makes it safe to send is checked: 1 to 36
    /// printable ASCII characters without spaces.
    ///
    /// So a record stays readable when the rules of [`OcppIdTag::normalize`] become stricter, and its tag is shown as it
    /// was stored. If `normalize` no longer gives that very tag (`vid:d0cf.5e00.0001`, `00000000`), no charging station's
    /// request finds the record, which refuses the card, and the tag has to be registered anew.
    ///
    /// # Errors
    /// [`InvalidTag`] for a text that was never a tag.
    pub fn stored(text: String) -> Result<Self, InvalidTag> {
        match text.len() {
            0 => Err(InvalidTag::Empty),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(InvalidTag::Characters),
            1..=MAX_LENGTH => Ok(Self(text)),
            _ => Err(InvalidTag::TooLong),
        }
    }

    /// The tag as text: 1 to 36 printable ASCII characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OcppIdTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
