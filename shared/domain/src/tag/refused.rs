//! What is never a tag, since it stands for many cards or for none.

/// Whether a normalized tag is what a reader sends after a failed read: a UID of 4, 7 or 10 bytes, or a MAC address, all
/// of whose digits are 0 or all of whose digits are F.
pub(super) fn is_failed_read(tag: &[u8]) -> bool {
    matches!(tag.len(), 8 | 12 | 14 | 20) && matches!(tag[0], b'0' | b'f') && tag.iter().all(|digit| *digit == tag[0])
}

/// Whether a trimmed text comes from a spreadsheet that changed it: a formula, a quoted cell, an error, or a number whose
/// digits were rounded away.
pub(super) fn is_of_a_spreadsheet(text: &str) -> bool {
    const ERRORS: [&str; 6] = ["#n/a", "#ref!", "#value!", "#name?", "#num!", "#div/0!"];
    text.starts_with(['=', '\'', '"'])
        || ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error))
        || is_number_in_exponent_form(text)
}

/// Whether the text is a decimal number, with a point or a comma, and a power of ten with a sign. Without the sign it can
/// be a card's number in hex, such as `12e4`.
fn is_number_in_exponent_form(text: &str) -> bool {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((number, exponent)) = text.split_once(['e', 'E']) else { return false };
    let Some(exponent) = exponent.strip_prefix(['+', '-']) else { return false };
    let number = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let lacks_digits = exponent.is_empty() || (whole.is_empty() && fraction.is_empty());
    !lacks_digits && are_digits(whole) && are_digits(fraction) && are_digits(exponent)
}
