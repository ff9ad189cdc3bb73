//! The notations in which the standards write one value: which characters of a text are the value, and which separate.

/// A trimmed text, read: the tag is the bytes of `text` that are not `separator`, in lower case.
pub(super) struct Notation<'a> {
    pub(super) text: &'a [u8],
    pub(super) separator: Option<u8>,
}

impl<'a> Notation<'a> {
    /// Reads a text. What is written in no standard's notation is the tag as it stands.
    pub(super) fn of(text: &'a [u8]) -> Self {
        without_vid(text)
            .and_then(mac_address)
            .or_else(|| mac_address(text))
            .or_else(|| uid(text))
            .or_else(|| emaid(text))
            .unwrap_or(Self { text, separator: None })
    }
}

/// ISO 14443: hex pairs with one kind of separator. Two or three pairs are a time of day or a version as often as a UID,
/// so they stay as they are.
fn uid(text: &[u8]) -> Option<Notation<'_>> {
    const FOUR_PAIRS: usize = "04:e1:a2:b3".len();
    let separator = hex_groups(text, 2, b":- ")?;
    (text.len() >= FOUR_PAIRS).then_some(Notation { text, separator: Some(separator) })
}

/// EUI-48: six hex pairs, three groups of four hex digits, or twelve hex digits.
fn mac_address(text: &[u8]) -> Option<Notation<'_>> {
    const PAIRS: usize = "92:d5:0a:69:3f:80".len();
    const FOURS: usize = "92d5.0a69.3f80".len();
    let separator = match text.len() {
        PAIRS => Some(hex_groups(text, 2, b":- ")?),
        FOURS => Some(hex_groups(text, 4, b".-:")?),
        12 if text.iter().all(u8::is_ascii_hexdigit) => None,
        _ => return None,
    };
    Some(Notation { text, separator })
}

/// What follows `vid` and at most one separator, or a colon and a space.
fn without_vid(text: &[u8]) -> Option<&[u8]> {
    let (vid, rest) = text.split_at_checked(3)?;
    vid.eq_ignore_ascii_case(b"vid").then_some(match rest {
        [b':', b' ', rest @ ..] | [b':' | b'-' | b' ', rest @ ..] => rest,
        _ => rest,
    })
}

/// ISO 15118: country, provider, instance and optionally a check character, with one kind of separator at every border.
fn emaid(text: &[u8]) -> Option<Notation<'_>> {
    const WITHOUT_CHECK: usize = "de-8aa-c12345678".len();
    const WITH_CHECK: usize = "de-8aa-c12345678-9".len();
    let separator = *text.get(2).filter(|separator| b"-*".contains(separator))?;
    let is_emaid = matches!(text.len(), WITHOUT_CHECK | WITH_CHECK)
        && text.iter().enumerate().all(|(at, byte)| match at {
            0 | 1 => byte.is_ascii_alphabetic(),
            2 | 6 | WITHOUT_CHECK => *byte == separator,
            _ => byte.is_ascii_alphanumeric(),
        });
    // Without separators, an EMAID of the country VI can read `vid` and a MAC address, and that spelling is the MAC
    // address. This spelling of the same EMAID has to become the same tag.
    let text = match text {
        [b'v' | b'V', b'i' | b'I', _, b'd' | b'D', mac @ ..]
            if text.len() == WITH_CHECK && mac.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == separator) =>
        {
            mac
        }
        _ => text,
    };
    is_emaid.then_some(Notation { text, separator: Some(separator) })
}

/// The separator of a text of groups of `size` hex digits, if one of `separators` stands between each two of them.
fn hex_groups(text: &[u8], size: usize, separators: &[u8]) -> Option<u8> {
    let separator = *text.get(size).filter(|separator| separators.contains(separator))?;
    let stride = size + 1;
    let is_grouped = text.len() % stride == size
        && text.iter().enumerate().all(
            |(at, byte)| {
                if at % stride == size { *byte == separator } else { byte.is_ascii_hexdigit() }
            },
        );
    is_grouped.then_some(separator)
}
