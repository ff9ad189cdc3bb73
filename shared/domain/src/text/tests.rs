use proptest::prelude::*;

use super::*;

fn assert_refused(reason: InvalidText, texts: &[&str]) {
    for text in texts {
        assert_eq!(Name::new(text), Err(reason), "{text:?}");
    }
}

#[test]
fn a_text_is_trimmed_and_counted_in_code_points() {
    assert_eq!(Name::new("  Card 1\u{a0}").unwrap().as_str(), "Card 1");
    assert_eq!(Vin::new(&"🚗".repeat(64)).unwrap().as_str().chars().count(), 64);
    assert_eq!(Vin::new(&format!(" {} ", "🚗".repeat(64))).unwrap().as_str().chars().count(), 64);
    assert_eq!(Vin::new(&"🚗".repeat(65)), Err(InvalidText::TooLong(64)));
    assert_refused(InvalidText::Blank, &["", " \u{2003} "]);
}

#[test]
fn a_text_that_shows_nothing_is_blank() {
    assert_refused(InvalidText::Blank, &["\u{200b}", " \u{200d} \u{feff}", "\u{ad}", "\u{34f}", "\u{200e}\u{200f}"]);
    assert_refused(
        InvalidText::Blank,
        &["\u{3164}", "\u{115f}\u{1160}", "\u{ffa0}", "\u{180e}", "\u{fe0f}", "\u{e0100}"],
    );
    assert_refused(InvalidText::Blank, &["\u{2800}", "\u{fff9}\u{fffb}", "\u{e0041}", "\u{2060}\u{2800}", "\u{16fe4}"]);
    for text in ["\u{200b}a", "a\u{200d}", "👩\u{200d}🔧", "\u{301}", "·", "\u{e000}", "\u{fffd}", "\u{2801}"] {
        assert_eq!(Name::new(text).unwrap().as_str(), text);
    }
}

#[test]
fn characters_that_hide_or_reorder_others_are_refused_even_at_the_ends() {
    let around = |character: char| {
        [format!("a{character}b"), format!("a{character}"), format!("{character}a"), character.into()]
    };
    for (reason, ranges) in [
        (InvalidText::ControlCharacter, vec!['\0'..='\u{1f}', '\u{7f}'..='\u{9f}']),
        (InvalidText::BidirectionalControl, vec!['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}']),
        (InvalidText::LineSeparator, vec!['\u{2028}'..='\u{2029}']),
        (
            InvalidText::Noncharacter,
            vec!['\u{fdd0}'..='\u{fdef}', '\u{fffe}'..='\u{ffff}', '\u{10fffe}'..='\u{10ffff}'],
        ),
    ] {
        for character in ranges.into_iter().flatten() {
            assert_refused(reason, &around(character).each_ref().map(String::as_str));
        }
    }
}

#[test]
fn a_stored_text_stays_readable() {
    for text in ["\u{200b}", "a\u{202e}b", "\u{2800}", "a\u{ffff}", " a"] {
        assert_eq!(Name::stored(text.to_owned()).unwrap().as_str(), text);
    }
    assert_eq!(Vin::stored("x".repeat(65)), Err(InvalidText::TooLong(64)));
    assert_eq!(Vin::stored(String::new()), Err(InvalidText::Blank));
    assert_eq!(Vin::stored("a\n".to_owned()), Err(InvalidText::ControlCharacter));
}

proptest! {
    #[test]
    fn an_accepted_text_is_accepted_again_unchanged(text in "[ \u{200b}\u{2028}]{0,2}\\PC{0,80}[ \u{3000}\u{3164}]{0,2}") {
        if let Ok(name) = Text::<60>::new(&text) {
            prop_assert_eq!(&Text::<60>::new(name.as_str()).unwrap(), &name);
            prop_assert_eq!(&Text::<60>::stored(name.to_string()).unwrap(), &name);
            prop_assert!((1..=60).contains(&name.as_str().chars().count()));
        }
    }
}
