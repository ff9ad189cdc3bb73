use domain::OcppIdTag;

/// Normalizing takes what the contract takes and makes of it what the contract says, in one step, whatever the spelling.
pub fn tag(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let tag = OcppIdTag::normalize(&text).ok();
    assert_eq!(tag.as_ref().map(OcppIdTag::as_str), by_the_contract(&text).as_deref());
    let Some(tag) = tag else { return };
    let again = |text: &str| OcppIdTag::normalize(text).is_ok_and(|again| again == tag);
    assert!(again(tag.as_str()), "twice is once");
    assert!(
        again(&format!("\u{2003}{} ", text.to_ascii_uppercase())),
        "neither case nor white space around it matters"
    );
    let plain = tag.as_str().as_bytes();
    if plain.len() >= 4 && plain.len() % 2 == 0 && plain.iter().all(u8::is_ascii_hexdigit) {
        for separator in [":", "-", " "] {
            let pairs: Vec<_> = plain.chunks(2).map(String::from_utf8_lossy).collect();
            assert!(again(&pairs.join(separator)), "nor do separators");
        }
    }
}

/// The three rules again, on characters and by another way.
fn by_the_contract(text: &str) -> Option<String> {
    let characters: Vec<char> = text.trim().chars().map(|c| c.to_ascii_lowercase()).collect();
    let is_hex = |c: &&char| c.is_ascii_digit() || ('a'..='f').contains(*c);
    // position 2, 5, 8 … of pairs is a separator, and all are the same
    let without_separators = |text: &[char]| {
        let kept: Vec<char> = text.iter().enumerate().filter(|(at, _)| at % 3 != 2).map(|(_, c)| *c).collect();
        let mut separators = text.iter().skip(2).step_by(3);
        let first = separators.next().filter(|c| [':', '-', ' '].contains(c));
        let joined = text.len() % 3 == 2 && first.is_some_and(|first| separators.all(|c| c == first));
        (joined && kept.iter().all(|c| is_hex(&c))).then_some(kept)
    };
    let mut tag = without_separators(&characters).unwrap_or_else(|| characters.clone());
    if let Some(rest) = characters.strip_prefix(&['v', 'i', 'd', ':']) {
        let mac = without_separators(rest).unwrap_or_else(|| rest.to_vec());
        if mac.len() == 12 && mac.iter().all(|c| is_hex(&c)) {
            tag = mac;
        }
    }
    let is_tag = (1..=36).contains(&tag.len()) && tag.iter().all(|c| ('!'..='~').contains(c));
    (is_tag && !text.chars().any(char::is_control)).then(|| tag.into_iter().collect())
}
