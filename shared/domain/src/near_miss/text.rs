//! Tags as text: what chargers, back ends and people add to a number, leave out or take for something else.

use super::{Candidates, How};

/// Words that chargers and back ends put before a number.
const PREFIXES: [&str; 4] = ["nfc-", "easee:", "rfid:", "vid:"];

/// What was put before or behind the number.
pub(super) fn decorations(found: &mut Candidates<'_>) {
    let text = found.asked();
    if let Some((rest, serial)) = text.rsplit_once('_')
        && !serial.is_empty()
        && serial.bytes().all(|byte| byte.is_ascii_digit())
    {
        found.add(How::SerialSuffixOff, rest);
    }
    if let Some((word, rest)) = text.split_once([':', '-', '_', '='])
        && (2..=10).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        found.add(How::PrefixOff, rest);
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (text.len(), text.strip_prefix("0000")) {
        (12, _) if is_hex => found.add(How::MacPadding, &format!("0000{text}")),
        (16, Some(mac)) if is_hex => found.add(How::MacPadding, mac),
        _ => {}
    }
    if let Some((contract, has_check)) = emaid(text) {
        if has_check {
            found.add(How::EmaidCheckCharacter, contract);
        } else if let Some(check) = check_character(contract) {
            found.add(How::EmaidCheckCharacter, &format!("{contract}{check}"));
        }
    }
}

/// The tag with a vendor's word before it.
pub(super) fn prefixes(found: &mut Candidates<'_>) {
    let text = found.asked();
    for prefix in PREFIXES {
        found.add(How::PrefixOn, &format!("{prefix}{text}"));
    }
}

/// The tag with every occurrence of a letter replaced by the digit that looks like it, or the reverse: for people who always
/// type the one for the other.
pub(super) fn look_alikes(found: &mut Candidates<'_>) {
    let text = found.asked();
    found.add(How::LookAlikes, &text.replace('o', "0").replace(['i', 'l'], "1"));
    for (from, to) in [('b', "8"), ('0', "o"), ('1', "i"), ('8', "b")] {
        found.add(How::LookAlikes, &text.replace(from, to));
    }
}

/// The tag with a single letter replaced by the digit that looks like it, or the reverse: for people who mistyped one
/// character.
pub(super) fn single_look_alikes(found: &mut Candidates<'_>) {
    let text = found.asked();
    for (at, character) in text.char_indices() {
        let other = match character {
            'o' => '0',
            '0' => 'o',
            'i' | 'l' => '1',
            '1' => 'i',
            'b' => '8',
            '8' => 'b',
            _ => continue,
        };
        // Tags are ASCII: every character is one byte.
        found.add(How::LookAlikes, &format!("{}{other}{}", &text[..at], &text[at + 1..]));
    }
}

/// An EMAID without check character, with each that there is: not every provider gives out the one that the standard computes.
pub(super) fn other_check_characters(found: &mut Candidates<'_>) {
    if let Some((contract, false)) = emaid(found.asked()) {
        for check in ('0'..='9').chain('a'..='z') {
            found.add(How::EmaidCheckCharacter, &format!("{contract}{check}"));
        }
    }
}

/// The 14 characters of an EMAID without its check character, and whether it has one.
fn emaid(text: &str) -> Option<(&str, bool)> {
    let is_emaid = matches!(text.len(), 14 | 15)
        && text.bytes().take(2).all(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_emaid.then(|| Some((text.get(..14)?, text.len() == 15))).flatten()
}

/// The check character of an EMAID (ISO 15118-1, annex H; explained in eMI³'s "Check digit calculation for
/// Contract-IDs").
///
/// Each of the 36 characters is two digits modulo 2 and two modulo 3. The character at place i is multiplied by the
/// i-th power of a fixed matrix, one matrix for each modulus, and the check character makes the sum of all fifteen
/// zero.
fn check_character(contract: &str) -> Option<char> {
    type Pair = (u32, u32);
    // One multiplication of a row vector by the matrix (0 1; 1 1) modulo 2, or by (0 1; 1 2) modulo 3.
    let modulo_2 = |(a, b): Pair| (b, (a + b) % 2);
    let modulo_3 = |(a, b): Pair| (b, (a + 2 * b) % 3);
    let (mut binary, mut ternary) = ((0, 0), (0, 0));
    // From the last character to the first, so that each is multiplied once for every place that it stands after:
    // (x·M + y)·M …
    for character in contract.chars().rev() {
        let value = character.to_digit(36)?;
        binary = modulo_2((binary.0 + value / 18, binary.1 + value / 9));
        ternary = modulo_3(((ternary.0 + value / 3) % 3, (ternary.1 + value) % 3));
    }
    // The check character stands at place 15, so it is multiplied by the 15th power of each matrix. The first
    // matrix to the 3rd is one, hence also to the 15th. The second to the 8th is one, so its 15th power is its
    // inverse, and multiplying the sum by it once more gives the character.
    let (a, b) = modulo_3(ternary);
    let value = binary.0 % 2 * 18 + binary.1 % 2 * 9 + (3 - a) % 3 * 3 + (3 - b) % 3;
    char::from_digit(value, 36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_that_are_published() {
        for emaid in ["nn123abcdefghit", "de8aaca2b3c4d5l", "nltnm000122045u", "nltnm000722345x", "frxyz1234567892"] {
            let (contract, check) = emaid.split_at(14);
            assert_eq!(check_character(contract), check.chars().next(), "{emaid}");
        }
    }
}
