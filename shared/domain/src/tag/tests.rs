use proptest::{prelude::*, sample::Index};

use super::*;

/// What the fuzzer holds tags against.
#[path = "../../../../testing/fuzz-targets/src/tag.rs"]
mod oracle;

fn normalized(text: &str) -> String {
    OcppIdTag::normalize(text).unwrap_or_else(|refused| panic!("{text:?} {refused}")).0
}

fn assert_tags(expected: &[(&str, &str)]) {
    for (text, tag) in expected {
        assert_eq!(normalized(text), *tag, "{text:?}");
    }
}

fn assert_stay(texts: &[&str]) {
    for text in texts {
        assert_eq!(normalized(text), *text);
    }
}

fn assert_refused(reason: InvalidTag, texts: &[&str]) {
    for text in texts {
        assert_eq!(OcppIdTag::normalize(text), Err(reason), "{text:?}");
    }
}

#[test]
fn the_contracts_examples() {
    assert_tags(&[
        ("04:E1:A2:B3", "04e1a2b3"),
        ("VID:92D50A693F80", "92d50a693f80"),
        ("92D5.0A69.3F80", "92d50a693f80"),
        ("DE-8AA-C12345678-9", "de8aac123456789"),
        ("DE*8AA*C12345678*9", "de8aac123456789"),
    ]);
    assert_stay(&["12:34", "80:38104", "test-ocpp-id-tag", "1921398740", "7823091235", "77.12.34", "7701-23456"]);
    assert_stay(&["550e8400-e29b-41d4-a716-446655440000", "04e1a2b3_serial", "nfc-04e1a2b3", "000004e1a2b3"]);
}

#[test]
fn white_space_goes_and_padding_after_the_tag() {
    assert_tags(&[
        (" \u{a0}\u{3000}04e1a2b3\u{2003} ", "04e1a2b3"),
        ("04e1a2b3\r\n", "04e1a2b3"),
        ("12345678901234567890\0", "12345678901234567890"),
        (" tag \0 \r\0\n \0", "tag"),
        ("04:E1:A2:B3 \0", "04e1a2b3"),
    ]);
    assert_refused(
        InvalidTag::Characters,
        &["\0tag", "\ntag", "\r\ntag", "ta\0g", "tag\t", "\ttag", "tag\u{7f}", "tag\u{85}"],
    );
    assert_refused(InvalidTag::Characters, &["tag\u{2028}", "\u{2029}tag", "\u{feff}tag", "tag\u{200b}"]);
    assert_refused(InvalidTag::Empty, &["", " \u{2003}", "\0", " \r\n"]);
}

#[test]
fn a_uid_has_four_or_more_pairs_and_one_kind_of_separator() {
    assert_tags(&[
        ("04-E1-A2-B3", "04e1a2b3"),
        (" 04 E1 A2 B3 ", "04e1a2b3"),
        ("04:e1:a2:b3:c4", "04e1a2b3c4"),
        ("04:E1:A2:B3:C4:D5:E6:F7:08:19", "04e1a2b3c4d5e6f70819"),
        ("00-00-00-01", "00000001"),
    ]);
    assert_stay(&[
        "04",
        "04-e1",
        "04:e1:a2",
        "04:e1:a2-b3",
        "04:e1:a2:b3:",
        "04::e1:a2:b3",
        ":04:e1:a2:b3",
        "04:e1:a2:b",
    ]);
    assert_stay(&["04:e1:a2:zz", "04_e1_a2_b3", "04.e1.a2.b3", "4e:1:a2:b3", "04e1:a2b3", "04e1-a2b3", "12-34-5678"]);
    assert_refused(InvalidTag::Characters, &["04 e1", "04 e1 a2 zz", "04e1 a2b3", "04  e1 a2 b3"]);
    // 18 pairs: 53 characters that become 36
    assert_eq!(normalized(&["ab"; 18].join(":")).len(), 36);
    assert_refused(InvalidTag::TooLong, &[&["ab"; 19].join(":"), &["ab"; 19].join(" ")]);
}

#[test]
fn a_mac_address_has_seven_notations_and_may_follow_vid() {
    let notations = [
        "92:D5:0A:69:3F:80",
        "92-d5-0a-69-3f-80",
        "92 D5 0A 69 3F 80",
        "92d5.0a69.3f80",
        "92D5-0A69-3F80",
        "92d5:0A69:3f80",
    ];
    for notation in notations.into_iter().chain(["92d50a693f80"]) {
        for vid in ["", "vid", "VID:", "Vid-", "vid ", "vid: "] {
            assert_eq!(normalized(&format!("{vid}{notation}")), "92d50a693f80");
        }
    }
    assert_stay(&["vid:92d50a693f8", "vid:92d50a693f8g", "vid:04:e1:a2:b3", "vid:04e1a2b3", "vid:vid:92d50a693f80"]);
    assert_stay(&["xvid:92d50a693f80", "vid::92d50a693f80", "vid.92d50a693f80", "vid-:92d50a693f80", "vid", "vid:"]);
    assert_stay(&["92d5.0a69-3f80", "92d5_0a69_3f80", "92d.50a.693.f80", "92.d5.0a.69.3f.80", "92d50a:693f80"]);
    assert_refused(
        InvalidTag::Characters,
        &["92d5 0a69 3f80", "vid  92d50a693f80", "vid - 92d50a693f80", "vid -92d50a693f80"],
    );
}

#[test]
fn an_emaid_has_its_separator_at_every_border_or_stays() {
    assert_tags(&[
        ("DE-8AA-C12345678", "de8aac12345678"),
        ("de*8aa*c12345678", "de8aac12345678"),
        ("NL-TNM-012345678-X", "nltnm012345678x"),
        ("DE8AAC123456789", "de8aac123456789"),
    ]);
    assert_stay(&["de-8aa-c123456789", "de-8aac12345678", "de8aa-c12345678", "de-8aa*c12345678", "de8aa-c12345678-9"]);
    assert_stay(&[
        "d1-8aa-c12345678",
        "de-8a-c12345678",
        "de-8aa-c1234567",
        "de-8aa-c12345678-",
        "de-8aa-c12345678-90",
    ]);
    assert_stay(&["de-8aa-c1234567*", "de.8aa.c12345678", "de:8aa:c12345678", "-de-8aa-c12345678"]);
}

#[test]
fn values_of_two_standards_that_share_their_characters_are_one_tag() {
    assert_tags(&[("be-ad1-23456789a", "bead123456789a"), ("BE:AD:12:34:56:78:9A", "bead123456789a")]);
    // VI is the country code of the Virgin Islands of the United States
    assert_tags(&[("VI-D92-D50A693F8-0", "92d50a693f80"), ("VI*D92*D50A693F8*0", "92d50a693f80")]);
    assert_tags(&[("VID92D50A693F80", "92d50a693f80"), ("VI-D92-D50A693F8", "vid92d50a693f8")]);
}

#[test]
fn failed_reads_are_no_tags() {
    assert_refused(InvalidTag::FailedRead, &["00000000", "ffffffff", "00:00:00:00", "FF FF FF FF", "00000000\0"]);
    assert_refused(InvalidTag::FailedRead, &["00000000000000", "FF-FF-FF-FF-FF-FF-FF", "00000000000000000000"]);
    assert_refused(
        InvalidTag::FailedRead,
        &["FFFFFFFFFFFF", "VID:000000000000", "0000.0000.0000", "vid ff-ff-ff-ff-ff-ff"],
    );
    assert_refused(InvalidTag::FailedRead, &[&["ff"; 10].join(" "), "ff-fff-fffffffff", "VI-D00-000000000-0"]);
    assert_stay(&[
        "0",
        "0000",
        "0000000",
        "000000000",
        "0000000000",
        "0000000000000000",
        "ffff",
        "0000000f",
        "00000001",
    ]);
    assert_stay(&["ffffffff00000000", "vid:00000000", "11111111", "aaaaaaaa"]);
}

#[test]
fn what_spreadsheets_leave_behind_is_no_tag() {
    assert_refused(
        InvalidTag::Spreadsheet,
        &["4.12E+08", "4,12e+08", "4e+08", "1E+15", "1.2E-05", "-4.1e+8", "4.E+08"],
    );
    assert_refused(InvalidTag::Spreadsheet, &["=\"0412345678\"", "=A1", "'0412345678", "\"0412345678\"", "'", " =1 "]);
    assert_refused(InvalidTag::Spreadsheet, &["#N/A", "#ref!", "#VALUE!", "#Name?", "#NUM!", "#DIV/0!", "#n/a\r\n"]);
    assert_stay(&[
        "4e08",
        "12e4",
        "4.12e08",
        "e+08",
        "4e+",
        "4.1.2e+08",
        "4,1.2e+8",
        "4e+0a",
        "a4e+08",
        "4e+08-1",
        "+e+1",
    ]);
    assert_stay(&["#n/a1", "#null", "tag=1", "0412'", "#1", "@1", "+1", "-1"]);
    assert_tags(&[("12-4e-08-11", "124e0811")]);
}

#[test]
fn the_length_counts_after_normalization() {
    assert_eq!(normalized(&"x".repeat(36)).len(), 36);
    assert_refused(InvalidTag::TooLong, &[&"x".repeat(37), &"0".repeat(60_000)]);
    assert_refused(InvalidTag::Characters, &["a b", "é", "ＡＢ", &"é".repeat(60)]);
}

#[test]
fn a_stored_tag_stays_readable() {
    for text in ["vid:d0cf.5e00.0001", "00000000", "4.12e+08", "12:34:56:78", "=a", "~"] {
        assert_eq!(OcppIdTag::stored(text.to_owned()).unwrap().as_str(), text);
    }
    let refused = |text: &str| OcppIdTag::stored(text.to_owned()).unwrap_err();
    assert_eq!((refused(""), refused(&"x".repeat(37))), (InvalidTag::Empty, InvalidTag::TooLong));
    assert_eq!([refused("a b"), refused("a\n"), refused("é")], [InvalidTag::Characters; 3]);
}

#[test]
fn nothing_but_the_result_is_allocated() {
    let long = "a:".repeat(30_000);
    let given = ["", "04:E1:A2:B3", "VID: 92D5.0A69.3F80", "VI-D92-D50A693F8-0", "4.12e+08", "a b", &long, "ＡＢ"];
    for text in given.into_iter().chain([["AB"; 18].join("-").as_str()]) {
        let used = allocation_counter::measure(|| drop(OcppIdTag::normalize(text)));
        assert!(used.count_total <= 1 && used.bytes_total <= 36, "{text:?} {used:?}");
    }
}

/// A value of one of the standards.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Uid(Vec<u8>),
    Mac([u8; 6]),
    Emaid { country: String, provider: String, instance: String, check: String },
}

impl Value {
    fn plain(&self) -> String {
        self.joined("")
    }

    fn joined(&self, separator: &str) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
        match self {
            Self::Uid(bytes) => hex(bytes),
            Self::Mac(bytes) => hex(bytes),
            Self::Emaid { country, provider, instance, check } => {
                let parts = [country, provider, instance, check].into_iter().filter(|part| !part.is_empty());
                parts.map(String::as_str).collect::<Vec<_>>().join(separator)
            }
        }
    }

    /// Everything that the standard lets one write for it.
    fn notations(&self) -> Vec<String> {
        match self {
            Self::Uid(_) => ["", ":", "-", " "].map(|separator| self.joined(separator)).to_vec(),
            Self::Emaid { .. } => ["", "-", "*"].map(|separator| self.joined(separator)).to_vec(),
            Self::Mac(_) => {
                let plain = self.plain();
                let fours = [".", "-", ":"].map(|s| [&plain[..4], &plain[4..8], &plain[8..]].join(s));
                let pairs = ["", ":", "-", " "].map(|separator| self.joined(separator));
                let alone = [fours.as_slice(), &pairs].concat();
                let vid = |vid: &str| alone.iter().map(|mac| format!("{vid}{mac}")).collect::<Vec<_>>();
                ["", "vid", "vid:", "vid-", "vid ", "vid: "].map(vid).concat()
            }
        }
    }

    /// The same characters as values of the other standards.
    fn read_otherwise(&self) -> Vec<Self> {
        let plain = self.plain();
        let emaid = |text: &str| {
            let ends = text.len().checked_sub(14).filter(|check| *check <= 1)?;
            let [country, provider, instance, check] = [&text[..2], &text[2..5], &text[5..14], &text[14..14 + ends]];
            let is_country = country.bytes().all(|byte| byte.is_ascii_alphabetic());
            let [country, provider, instance, check] = [country, provider, instance, check].map(str::to_owned);
            is_country.then_some(Self::Emaid { country, provider, instance, check })
        };
        let pairs =
            || plain.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).ok());
        let bytes = plain.len().is_multiple_of(2).then(|| pairs().collect::<Option<Vec<_>>>()).flatten();
        let mac = bytes.clone().and_then(|bytes| bytes.try_into().ok()).map(Self::Mac);
        let uid = bytes.filter(|bytes| bytes.len() >= 4).map(Self::Uid);
        [emaid(&plain), emaid(&format!("vid{plain}")), mac, uid].into_iter().flatten().collect()
    }
}

fn values() -> impl Strategy<Value = Value> {
    let uid = prop_oneof![Just(4_usize), Just(6), Just(7), Just(10), 4_usize..=18]
        .prop_flat_map(|bytes| prop::collection::vec(any::<u8>(), bytes));
    let emaid = prop_oneof![
        ("[a-z]{2}", "[a-z0-9]{3}", "[a-z0-9]{9}", "[a-z0-9]?"),
        ("[a-f]{2}", "[a-f0-9]{3}", "[a-f0-9]{9}", "[a-f0-9]?"),
        (Just("vi".to_owned()), "d[a-f0-9]{2}", "[a-f0-9]{9}", "[a-f0-9]?"),
    ];
    prop_oneof![
        uid.prop_map(Value::Uid),
        any::<[u8; 6]>().prop_map(Value::Mac),
        emaid.prop_map(|(country, provider, instance, check)| Value::Emaid { country, provider, instance, check }),
    ]
    .prop_filter("a failed read", |value| OcppIdTag::normalize(&value.plain()) != Err(InvalidTag::FailedRead))
}

/// A value and one that differs from it in little.
fn neighbours() -> impl Strategy<Value = (Value, Value)> {
    (values(), values(), any::<[Index; 2]>(), any::<u8>()).prop_map(|(value, other, [kind, at], byte)| {
        let mut near = value.clone();
        match (&mut near, kind.index(4)) {
            (_, 0) => near = other,
            (_, 1) => near = at.get(&[value.read_otherwise(), vec![other]].concat()).clone(),
            (Value::Uid(bytes), 2) => bytes.push(byte),
            (Value::Uid(bytes), _) => *at.get_mut(bytes) = byte,
            (Value::Mac(bytes), _) => *at.get_mut(bytes.as_mut_slice()) = byte,
            (Value::Emaid { check, .. }, 2) => check.truncate(0),
            (Value::Emaid { check, .. }, _) => *check = char::from(b'a' + byte % 26).to_string(),
        }
        (value, near)
    })
}

fn with_case(text: &str, upper: u64) -> String {
    let change = |(at, c): (usize, char)| if upper >> (at % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c };
    text.chars().enumerate().map(change).collect()
}

proptest! {
    #[test]
    fn all_spellings_of_a_value_are_one_tag(
        value in values(), upper: u64, before in "[ \u{a0}\u{3000}]{0,2}", after in "[ \u{2003}\0\r\n]{0,3}",
    ) {
        let tag = normalized(&value.plain());
        prop_assert!([tag.clone(), "vid".to_owned() + &tag].contains(&value.plain()));
        for notation in value.notations() {
            prop_assert_eq!(&normalized(&format!("{before}{}{after}", with_case(&notation, upper))), &tag);
        }
    }

    #[test]
    fn two_values_are_never_one_tag_unless_they_share_their_characters((value, near) in neighbours()) {
        let shares = value.read_otherwise().contains(&near) || near.read_otherwise().contains(&value);
        for notation in near.notations() {
            if let Ok(tag) = OcppIdTag::normalize(&notation) {
                prop_assert_eq!(tag.as_str() == normalized(&value.plain()), shares, "{}", notation);
            }
        }
        if shares && value != near {
            use Value::{Emaid, Mac, Uid};
            let is_named = match (&value, &near) {
                (Emaid { .. }, Emaid { .. }) => false,
                (Emaid { .. }, Uid(bytes)) | (Uid(bytes), Emaid { .. }) => matches!(bytes.len(), 6 | 7),
                (Emaid { .. }, Mac(_)) | (Mac(_), Emaid { .. }) => true,
                (Uid(a), Mac(b)) | (Mac(b), Uid(a)) => a == b,
                (Uid(_), Uid(_)) | (Mac(_), Mac(_)) => false,
            };
            prop_assert!(is_named);
        }
    }

    #[test]
    fn a_notation_with_one_mistake_is_what_the_contract_says(
        value in values(), upper: u64, at: [Index; 3], change in 0..4, character in "[ :\\-.*_0-9a-zA-Z=+\0\n\u{e9}]",
    ) {
        let mut text: Vec<char> = with_case(at[0].get::<String>(&value.notations()), upper).chars().collect();
        let [place, other] = [at[1].index(text.len()), at[2].index(text.len())];
        match change {
            0 => drop(text.remove(place)),
            1 => text.insert(place, character.chars().next().unwrap()),
            2 => text[place] = character.chars().next().unwrap(),
            _ => text.swap(place, other),
        }
        oracle::tag(text.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn what_looks_like_a_notation_is_what_the_contract_says(
        text in "[ \0]?(vid|VI|v|d)?[:\\- ]{0,2}([0-9a-fA-F]{2,4}[:\\-. *]?){0,10}[ \0\n]{0,2}|[+-]?[0-9]{0,3}[.,]?[0-9]{0,3}[eE][+-]?[0-9]{0,3}|[0fF:\\- ]{8,20}",
    ) {
        oracle::tag(text.as_bytes());
    }

    #[test]
    fn any_text_is_what_the_contract_says(text in prop_oneof![any::<String>(), "[ -~]{0,40}"]) {
        oracle::tag(text.as_bytes());
    }

    #[test]
    fn a_plain_number_stays_as_it_is(number in "[0-9]{0,35}[1-9]") {
        prop_assert_eq!(normalized(&number), number);
    }
}
