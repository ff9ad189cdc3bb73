//! Tags that are numbers: the bytes of a UID in hex, or the number that they make in decimal.

use std::ops::RangeInclusive;

use super::{Candidates, How};

/// How many bytes a UID may have. ISO 14443 has 4, 7 and 10, Wiegand cards 3, a check byte makes 5, a MAC address
/// has 6 and ISO 15693 8.
const UID: RangeInclusive<usize> = 3..=10;
/// How many bytes the ASCII codes of a tag may be.
const ASCII: RangeInclusive<usize> = 3..=18;

/// The other ways to report the same number, but for Wiegand's.
pub(super) fn readings(found: &mut Candidates<'_>) {
    let uid = hex_bytes(found.asked(), UID);
    // What is all digits is more often a decimal number than a UID that happens to have no letter.
    if let Some(number) = decimal(found.asked()) {
        from_decimal(found, number);
    }
    if let Some(uid) = &uid {
        let reversed = reversed(uid);
        found.add(How::BytesReversed, &hex(&reversed));
        found.add_decimal(How::HexToDecimal, number(uid));
        found.add_decimal(How::HexToDecimalReversed, number(&reversed));
    }
    leading_zeros(found);
    if let Some(uid) = &uid {
        trailing_zero_bytes(found, uid);
        if uid.len() == 7 {
            found.add(How::FirstBytes, &hex(&uid[..4]));
            found.add(How::FirstBytes, &hex(&uid[..6]));
        }
        check_byte(found, uid);
    }
    ascii_codes(found);
    if let Some(uid) = &uid {
        found.add(How::NibblesSwapped, &hex(&uid.iter().map(|byte| byte.rotate_left(4)).collect::<Vec<_>>()));
        found.add(How::BitsInverted, &hex(&uid.iter().map(|byte| !byte).collect::<Vec<_>>()));
    }
}

fn from_decimal(found: &mut Candidates<'_>, value: u128) {
    let all = value.to_be_bytes();
    let least = all.len() - value.leading_zeros() as usize / 8;
    let widths = [4, 7, 5, 3, least].map(|width| width.max(1)).into_iter().filter(|width| *width >= least);
    let uids: Vec<_> = widths.filter(|width| UID.contains(width)).map(|width| &all[all.len() - width..]).collect();
    for uid in &uids {
        found.add(How::DecimalToHex, &hex(uid));
        found.add(How::DecimalToHexReversed, &hex(&reversed(uid)));
    }
    if let Some(uid) = uids.first() {
        found.add_decimal(How::DecimalReversed, number(&reversed(uid)));
    }
}

fn leading_zeros(found: &mut Candidates<'_>) {
    let text = found.asked();
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let significant = text.trim_start_matches('0');
        found.add(How::LeadingZeros, significant);
        for width in [10, 8, 14, 16, 20] {
            found.add(How::LeadingZeros, &format!("{significant:0>width$}"));
        }
    }
}

fn trailing_zero_bytes(found: &mut Candidates<'_>, uid: &[u8]) {
    let length = uid.len();
    let significant = length - uid.iter().rev().take_while(|byte| **byte == 0).count();
    for shorter in [significant, 4, 7, length - 1] {
        if (significant..length).contains(&shorter) && UID.contains(&shorter) {
            found.add(How::TrailingZeroBytes, &hex(&uid[..shorter]));
        }
    }
    for longer in [7, 10, length + 1] {
        if longer > length && UID.contains(&longer) {
            let width = longer * 2;
            found.add(How::TrailingZeroBytes, &format!("{:0<width$}", hex(uid)));
        }
    }
}

fn check_byte(found: &mut Candidates<'_>, uid: &[u8]) {
    if uid.len() > 4 {
        found.add(How::LastByteOff, &hex(&uid[..uid.len() - 1]));
    }
    if (4..10).contains(&uid.len()) {
        let check = uid.iter().fold(0, |check, byte| check ^ byte);
        found.add(How::XorByteOn, &format!("{}{check:02x}", hex(uid)));
    }
}

fn ascii_codes(found: &mut Candidates<'_>) {
    let text = found.asked();
    if let Some(codes) = hex_bytes(text, ASCII)
        && codes.iter().all(u8::is_ascii_graphic)
    {
        found.add(How::AsciiCodes, &String::from_utf8_lossy(&codes));
    }
    // Readers write hex digits as capital letters more often than not.
    for text in [text.to_ascii_uppercase(), text.to_owned()] {
        if ASCII.contains(&text.len()) {
            found.add(How::AsciiCodes, &hex(text.as_bytes()));
        }
    }
}

/// What Wiegand readers and cards make of a number, and numbers made of what they show.
pub(super) fn wiegand(found: &mut Candidates<'_>) {
    let text = found.asked();
    if let Some((facility, card)) = facility_and_card(text) {
        let value = u128::from(facility) << 16 | u128::from(card);
        found.add_decimal(How::WiegandFacility, value);
        found.add(How::WiegandFacility, &format!("{value:06x}"));
        add_facility(found, value);
    }
    let low = |bytes: &[u8]| bytes.len().checked_sub(3).map(|from| number(&bytes[from..]));
    if let Some(value) = decimal(text) {
        let value = low(&value.to_be_bytes()).unwrap_or_default();
        found.add_decimal(How::WiegandNumber, value);
        add_facility(found, value);
    }
    if let Some(uid) = hex_bytes(text, UID) {
        for value in [low(&uid), low(&reversed(&uid))].into_iter().flatten() {
            found.add_decimal(How::WiegandNumber, value);
            add_facility(found, value);
        }
    }
}

fn add_facility(found: &mut Candidates<'_>, value: u128) {
    let (facility, card) = (value >> 16, value & 0xffff);
    found.add(How::WiegandFacility, &format!("{facility}:{card}"));
    found.add(How::WiegandFacility, &format!("{facility:03},{card:05}"));
    found.add(How::WiegandFacility, &format!("{facility:03}{card:05}"));
}

/// Facility code and card number, as Wiegand cards are printed.
fn facility_and_card(text: &str) -> Option<(u8, u16)> {
    let eight_digits = || (text.len() == 8).then(|| text.split_at_checked(3)).flatten();
    let (facility, card) = text.split_once([':', ',']).or_else(eight_digits)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(facility) && is_number(card)).then(|| Some((facility.parse().ok()?, card.parse().ok()?))).flatten()
}

/// The bytes of a text that is hex digits, if they are as many as `lengths` says.
fn hex_bytes(text: &str, lengths: RangeInclusive<usize>) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let fits = text.len().is_multiple_of(2) && lengths.contains(&(text.len() / 2));
    let bytes = text.as_bytes().chunks_exact(2).map(|pair| Some(digit(&pair[0])? << 4 | digit(&pair[1])?));
    fits.then(|| bytes.collect()).flatten()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// The number that at most 16 bytes are, the first byte being the highest.
fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The number that a text of decimal digits is. A tag has at most 36 digits, which 128 bits hold.
fn decimal(text: &str) -> Option<u128> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
