use proptest::prelude::*;
use strum::VariantArray;

use super::*;

fn tag(text: &str) -> OcppIdTag {
    OcppIdTag::normalize(text).unwrap()
}

fn how(asked: &str, stored: &str) -> Option<How> {
    let stored = tag(stored);
    near_misses(&tag(asked)).into_iter().find(|near_miss| near_miss.tag == stored).map(|near_miss| near_miss.how)
}

/// Pairs that operators have reported, and what each finds of the other.
#[test]
fn pairs_from_the_field() {
    for (one, other, there, back) in [
        ("7186A61E", "1EA68671", Some(How::BytesReversed), Some(How::BytesReversed)),
        ("3570234960", "D4CD7650", Some(How::DecimalToHex), Some(How::HexToDecimal)),
        ("1349963220", "D4CD7650", Some(How::DecimalToHexReversed), Some(How::HexToDecimalReversed)),
        ("3570234960", "1349963220", Some(How::DecimalReversed), Some(How::DecimalReversed)),
        ("0458D8C2126F81", "0458D8C2", Some(How::FirstBytes), None),
        ("0458D8C2126F81", "0458D8C2126F", Some(How::FirstBytes), None),
        ("0458D8C2126F81", "1223587899010945", Some(How::HexToDecimal), Some(How::DecimalToHex)),
        ("0000a453ee033156", "a453ee033156", Some(How::MacPadding), Some(How::MacPadding)),
        ("000000137fabcdef", "00137fabcdef", Some(How::MacPadding), Some(How::MacPadding)),
        ("04E1A2B9_17056456", "04E1A2B9", Some(How::SerialSuffixOff), None),
        ("5280984", "0005280984", Some(How::LeadingZeros), Some(How::LeadingZeros)),
        ("05280984", "0005280984", Some(How::LeadingZeros), Some(How::LeadingZeros)),
        ("58D8C2", "000058D8C2", Some(How::LeadingZeros), Some(How::LeadingZeros)),
        ("458D8C2", "0458D8C2", Some(How::LeadingZeros), Some(How::LeadingZeros)),
        ("04E1A2B9000000", "04E1A2B9", Some(How::TrailingZeroBytes), Some(How::TrailingZeroBytes)),
        ("04E1A200", "04E1A200000000", Some(How::TrailingZeroBytes), Some(How::TrailingZeroBytes)),
        ("04E1A2B9FE", "04E1A2B9", Some(How::LastByteOff), Some(How::XorByteOn)),
        ("AB5094D8", "5280984", Some(How::WiegandNumber), None),
        ("AB5094D8", "0005280984", Some(How::WiegandNumber), None),
        ("D89450AB", "5280984", Some(How::WiegandNumber), None),
        ("2874184920", "5280984", Some(How::WiegandNumber), None),
        ("5280984", "5094D8", Some(How::DecimalToHex), Some(How::HexToDecimal)),
        ("5280984", "80:38104", Some(How::WiegandFacility), Some(How::WiegandFacility)),
        ("0005280984", "080,38104", Some(How::WiegandFacility), Some(How::WiegandFacility)),
        ("5094D8", "08038104", Some(How::WiegandFacility), Some(How::WiegandFacility)),
        ("3034453141324239", "04E1A2B9", Some(How::AsciiCodes), Some(How::AsciiCodes)),
        ("04E1A2B9", "401E2A9B", Some(How::NibblesSwapped), Some(How::NibblesSwapped)),
        ("04E1A2B9", "FB1E5D46", Some(How::BitsInverted), Some(How::BitsInverted)),
        ("nfc-04E1A2B9", "04E1A2B9", Some(How::PrefixOff), Some(How::PrefixOn)),
        ("easee:04E1A2B9", "04E1A2B9", Some(How::PrefixOff), Some(How::PrefixOn)),
        ("zaptec_04E1A2B9", "04E1A2B9", Some(How::PrefixOff), None),
        ("card-04:E1:A2:B9", "04E1A2B9", Some(How::PrefixOff), None),
        ("O4E1A2B9", "04E1A2B9", Some(How::LookAlikes), Some(How::LookAlikes)),
        ("O4EIA2B9", "04E1A2B9", Some(How::LookAlikes), None),
        ("04E1A289", "04E1A2B9", Some(How::LookAlikes), Some(How::LookAlikes)),
        ("NN123ABCDEFGHIT", "NN123ABCDEFGHI", Some(How::EmaidCheckCharacter), Some(How::EmaidCheckCharacter)),
        // Other check characters than the standard's.
        ("DE-8AA-C12345678-9", "DE-8AA-C12345678", Some(How::EmaidCheckCharacter), Some(How::EmaidCheckCharacter)),
        ("NN123ABCDEFGHIZ", "NN123ABCDEFGHI", Some(How::EmaidCheckCharacter), Some(How::EmaidCheckCharacter)),
        ("04E1A2B9", "04E1A2BA", None, None),
    ] {
        assert_eq!((how(one, other), how(other, one)), (there, back), "{one} {other}");
    }
}

#[test]
fn each_way_has_one_word_and_is_found() {
    let mut found: Vec<How> = Vec::new();
    for asked in ["04e1a2b9", "0458d8c2126f81", "3570234960", "a453ee033156", "nn123abcdefghi", "nfc-1_2", "04e1a2b900"]
    {
        found.extend(near_misses(&tag(asked)).into_iter().map(|near_miss| near_miss.how));
    }
    for how in How::VARIANTS {
        assert!(found.contains(how), "{how:?}");
    }
    assert_eq!(serde_json::to_value(How::HexToDecimalReversed).unwrap(), "hex_to_decimal_reversed");
}

/// Ways that lead back by the same or another way, whatever the tag. The others lose something, or may be cut off
/// at the bound.
fn leads_back(how: How, asked: &OcppIdTag) -> bool {
    let bytes = asked.as_str().len() / 2;
    match how {
        How::MacPadding | How::BytesReversed | How::XorByteOn | How::NibblesSwapped | How::BitsInverted => true,
        How::HexToDecimal | How::HexToDecimalReversed => matches!(bytes, 4 | 5 | 7),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn near_misses_are_few_distinct_other_tags(
        text in prop_oneof![
            "[ -~]{1,36}",
            "[0-9]{1,36}",
            "[0-9a-f]{1,36}",
            "([0-9a-f]{2}){3,18}",
            "[0-9bilo]{1,36}",
            "[a-z]{2}[a-z0-9]{12,13}"
        ],
    ) {
        if let Ok(asked) = OcppIdTag::normalize(&text) {
            let found = near_misses(&asked);
            prop_assert!(found.len() <= MAX_NEAR_MISSES);
            for (at, near_miss) in found.iter().enumerate() {
                prop_assert_ne!(&near_miss.tag, &asked);
                prop_assert_eq!(&tag(near_miss.tag.as_str()), &near_miss.tag, "normalized");
                prop_assert!(found[..at].iter().all(|before| before.tag != near_miss.tag), "{:?} twice", near_miss);
            }
            prop_assert_eq!(near_misses(&asked), found);
        }
    }

    #[test]
    fn what_loses_nothing_leads_back(text in "([0-9a-f]{2}){3,10}") {
        if let Ok(asked) = OcppIdTag::normalize(&text) {
            for near_miss in near_misses(&asked) {
                if leads_back(near_miss.how, &asked) {
                    let back = near_misses(&near_miss.tag);
                    prop_assert!(back.iter().any(|back| back.tag == asked), "{} {:?}", asked, near_miss);
                }
            }
        }
    }
}
