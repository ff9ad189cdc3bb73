use domain::{Customer, Text};

/// The longest text that the target makes, in code points. The rules are the same for every length.
const MAX: usize = 64;

/// A text that a person typed, and a customer's name.
pub fn text(data: &[u8]) {
    let given = String::from_utf8_lossy(data);
    let text = Text::<MAX>::new(&given).ok();
    if given.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        let trimmed = given.trim_matches(' ');
        let expected = (1..=MAX).contains(&trimmed.len()).then_some(trimmed);
        assert_eq!(text.as_ref().map(Text::as_str), expected, "printable ASCII is taken as it is");
    }
    if let Some(text) = text {
        let shown = text.as_str();
        assert!(given.contains(shown) && shown.trim() == shown && (1..=MAX).contains(&shown.chars().count()));
        assert!(!shown.contains(char::is_control));
        assert_eq!(Text::new(&format!("\u{2003} {given}\u{a0}")), Ok(text), "white space around it does not count");
    }
    customer(&given);
}

fn customer(given: &str) {
    let customer = Customer::new(given);
    assert_eq!(customer.is_ok(), domain::Name::new(given).is_ok(), "every name can be a customer's");
    let Ok(customer) = customer else { return };
    let key = customer.key();
    let same = |name: &str| Customer::stored(name.to_owned()).key() == key;
    assert!(same(key.as_str()), "a key's own key is the same");
    assert!(same(&customer.name().to_ascii_uppercase()) && same(&customer.name().to_ascii_lowercase()));
    assert!(
        Customer::new(&format!(" {given} ")).is_ok_and(|again| again == customer && again.name() == customer.name())
    );
}
