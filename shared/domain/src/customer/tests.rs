use proptest::prelude::*;

use super::*;

fn customer(name: &str) -> Customer {
    Customer::new(name).unwrap()
}

fn key(name: &str) -> String {
    Customer::stored(name.to_owned()).key().0
}

/// A name in each of Unicode's normalization forms.
fn forms(name: &str) -> [String; 4] {
    [
        ComposingNormalizerBorrowed::new_nfc().normalize(name),
        ComposingNormalizerBorrowed::new_nfkc().normalize(name),
        DecomposingNormalizerBorrowed::new_nfd().normalize(name),
        DecomposingNormalizerBorrowed::new_nfkd().normalize(name),
    ]
    .map(String::from)
}

#[test]
fn customers_are_the_same_whatever_the_case_the_composition_and_what_cannot_be_seen() {
    for (one, other) in [
        ("Élan Fleet", "  e\u{301}LAN fleet "),
        ("ΟΔΟΣ", "οδος"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("Straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("Fleet 1", "Fleet \u{a0}\u{3000} 1"),
        ("Fleet 1", "\u{200b} Fleet\u{ad}\u{200d} \u{feff} 1"),
        ("ＦＬＥＥＴ ﬁve", "fleet FIVE"),
        ("TEL", "℡"),
        ("ᾳ", "ΑΙ"),
        ("İ", "i\u{307}"),
    ] {
        assert_eq!(customer(one), customer(other));
    }
    for (one, other) in [("Fleet 1", "Fleet1"), ("Fleet", "Fléet"), ("ı", "i"), ("Fleet-1", "Fleet 1")] {
        assert_ne!(customer(one), customer(other));
    }
}

#[test]
fn a_customer_shows_its_first_spelling_in_nfc() {
    assert_eq!(customer(" e\u{301}  LAN ").name(), "é  LAN");
    assert_eq!(customer("\u{1d160}").name(), "\u{1d158}\u{1d165}\u{1d16e}");
    // In NFC this would be 600 code points, which nobody could write back.
    assert_eq!(customer(&"\u{1d160}".repeat(200)).name(), "\u{1d160}".repeat(200));
    assert_eq!(Customer::new("\u{2060}"), Err(InvalidText::Blank));
    assert_eq!(Customer::new(&"e\u{301}".repeat(101)), Err(InvalidText::TooLong(200)));
}

#[test]
fn the_key_of_every_character_is_its_own_key_and_what_is_seen_leaves_something() {
    // The planes that have characters and are not for private use.
    for character in ('\0'..='\u{3ffff}').chain('\u{e0000}'..='\u{e0fff}') {
        let name = character.to_string();
        let once = key(&name);
        if once != name {
            assert_eq!(key(&once), once, "{character:?}");
            assert!(!once.is_empty() || Name::new(&name).is_err(), "{character:?}");
        }
    }
}

/// Words of the letters for which case and composition are hardest, and of any other.
fn names() -> impl Strategy<Value = String> {
    let hard = "[aAßẞσςΣſK\u{212a}İiᾳᾼ\u{390}\u{1fd3}ŉǰﬁＡα\u{301}\u{308}\u{323}\u{327}\u{1100}\u{1161}한¨℡㍿ ]{1,12}";
    prop_oneof![Just(hard), Just("\\PC{1,30}"), Just("\\p{L}{1,12}( \\p{L}{1,8})?")].prop_flat_map(|pattern| {
        // A dotless i has the capital of the dotted one, and U+0345 is capitalized before the marks that belong before it.
        pattern.prop_filter("no case pair", |name| !name.chars().any(|c| matches!(c, 'ı' | '\u{345}')))
    })
}

proptest! {
    #[test]
    fn a_customer_key_is_its_own_key(name in names()) {
        let once = key(&name);
        prop_assert_eq!(key(&once), once);
    }

    #[test]
    fn a_customer_key_does_not_depend_on_composition_or_case(name in names()) {
        let key_of = key(&name);
        for form in forms(&name) {
            prop_assert_eq!(&key(&form), &key_of, "{:?}", form);
        }
        // The capital of a subscript iota is a letter, so marks have to stand before it: they do in NFD.
        let decomposed = &forms(&name)[2];
        for other in [decomposed.to_uppercase(), decomposed.to_lowercase()] {
            prop_assert_eq!(&key(&other), &key_of, "{:?}", other);
        }
    }

    #[test]
    fn a_customer_key_does_not_depend_on_what_cannot_be_seen(
        name in names(), at: prop::sample::Index, hidden in "[\u{200b}\u{200d}\u{ad}\u{34f}\u{3164}\u{fe0f}\u{2060}]",
    ) {
        let mut characters: Vec<char> = name.chars().collect();
        characters.splice(at.index(characters.len() + 1)..at.index(characters.len() + 1), hidden.chars());
        prop_assert_eq!(key(&characters.into_iter().collect::<String>()), key(&name));
        prop_assert_eq!(key(&format!("  {} ", name.replace(' ', " \u{3000} "))), key(&name));
    }

    #[test]
    fn a_customers_name_can_be_written_back(name in names()) {
        if let Ok(customer) = Customer::new(&name) {
            let again = Customer::new(customer.name()).unwrap();
            prop_assert_eq!(again.name(), customer.name());
            prop_assert_eq!(customer.key().0, key(&name));
            prop_assert!(!customer.key().0.is_empty());
        }
    }
}
