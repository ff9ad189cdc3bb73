use domain::OcppIdTag;

/// Normalizing takes what the contract takes and makes of it what the contract says, in one step, whatever the spelling.
pub fn tag(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let tag = OcppIdTag::normalize(&text).ok();
    assert_eq!(tag.as_ref().map(OcppIdTag::as_str), by_the_contract(&text).as_deref(), "{text:?}");
    let Some(tag) = tag else { return };
    assert!(is_tag(tag.as_str()), "{tag}");
    assert_eq!(OcppIdTag::stored(tag.to_string()), Ok(tag.clone()));
    for spelling in spellings(tag.as_str()) {
        for given in [format!("\u{2003} {} \0\r\n\0", spelling.to_ascii_uppercase()), spelling] {
            assert_eq!(OcppIdTag::normalize(&given).as_ref(), Ok(&tag), "{given:?}");
        }
    }
}

/// The tag that the contract makes of a text. The code under test parses the text; this tries the tags that the text could
/// be a spelling of.
fn by_the_contract(text: &str) -> Option<String> {
    const SPACES: &str = " \u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\
                          \u{2009}\u{200a}\u{202f}\u{205f}\u{3000}";
    let padding: Vec<char> = SPACES.chars().chain(['\0', '\r', '\n']).collect();
    let text = text.trim_start_matches(|c| SPACES.contains(c)).trim_end_matches(padding.as_slice());
    let text = text.to_ascii_lowercase();
    let without_separators = text.replace([':', '-', ' ', '.', '*'], "");
    let without_vid = without_separators.strip_prefix("vid").unwrap_or_default();
    let tag = [without_vid, &without_separators, &text].into_iter().find(|tag| spellings(tag).contains(&text))?;
    (is_tag(tag) && !is_number_in_exponent_form(&text)).then(|| tag.to_owned())
}

/// Every text, in lower case, that is this tag; for `vid` before a MAC address, that text too.
fn spellings(tag: &str) -> Vec<String> {
    let groups = |tag: &str, size: usize, separator: &str| {
        let groups: Vec<_> = tag.as_bytes().chunks(size).map(String::from_utf8_lossy).collect();
        groups.join(separator)
    };
    let emaid = |tag: &str, separator: &str| {
        let parts = [tag.get(..2), tag.get(2..5), tag.get(5..14), tag.get(14..).filter(|check| !check.is_empty())];
        parts.into_iter().flatten().collect::<Vec<_>>().join(separator)
    };
    let is_hex = tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut spellings = vec![tag.to_owned()];
    if is_hex && tag.len() >= 8 && tag.len().is_multiple_of(2) {
        spellings.extend([":", "-", " "].map(|separator| groups(tag, 2, separator)));
    }
    if is_hex && tag.len() == 12 {
        spellings.extend([":", "-", "."].map(|separator| groups(tag, 4, separator)));
        let prefixes = ["vid", "vid:", "vid-", "vid ", "vid: "];
        spellings.extend(
            prefixes.map(|vid| spellings.iter().map(move |mac| format!("{vid}{mac}")).collect::<Vec<_>>()).concat(),
        );
        spellings.extend(["-", "*"].map(|separator| emaid(&format!("vid{tag}"), separator)));
    }
    if matches!(tag.len(), 14 | 15)
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && tag.bytes().take(2).all(|byte| byte.is_ascii_alphabetic())
    {
        spellings.extend(["-", "*"].map(|separator| emaid(tag, separator)));
    }
    spellings
}

/// Whether a normalized text can be registered.
fn is_tag(tag: &str) -> bool {
    let bytes = [4, 7, 10, 6].into_iter();
    let is_failed_read = bytes.flat_map(|n| ["00".repeat(n), "ff".repeat(n)]).any(|failed| failed == tag);
    let errors = ["#n/a", "#ref!", "#value!", "#name?", "#num!", "#div/0!"];
    (1..=36).contains(&tag.len())
        && tag.chars().all(|c| ('!'..='~').contains(&c) && !c.is_uppercase())
        && !is_failed_read
        && !errors.contains(&tag)
        && !matches!(tag.as_bytes()[0], b'=' | b'\'' | b'"')
}

/// Whether a spreadsheet shows a number so.
fn is_number_in_exponent_form(text: &str) -> bool {
    (text.contains("e+") || text.contains("e-")) && text.replace(',', ".").parse::<f64>().is_ok()
}
