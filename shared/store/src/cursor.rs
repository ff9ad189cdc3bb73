//! Pages of lists, and the cursors that say where a list goes on. A cursor is bound to the organization, the list and its
//! filters by a code that only the service can make, and its position is known only to who has verified that code.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The records in the list's order.
    pub records: Vec<T>,
    /// The cursor of the next page. It is there exactly if the next page has a record; only where a filter left out most of
    /// what was looked at, it may be there although no record follows.
    pub next_cursor: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many records at most, from 1 to 100.
    pub limit: usize,
    /// The cursor of the page before; `None` for the first page.
    pub cursor: Option<Cursor>,
}

const CODE_LENGTH: usize = 16;
/// The longest sort key at which a list goes on, in bytes.
const MAX_POSITION: usize = 128;

/// A cursor of the right shape. Whether the service issued it for a list can be told only with the organization's cursor
/// key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key after which the list goes on.
    after: String,
    code: [u8; CODE_LENGTH],
}

impl Cursor {
    /// Reads a cursor as it was handed out; `None` for anything that is not of that shape.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (code, after) = bytes.split_first_chunk::<CODE_LENGTH>()?;
        let after = str::from_utf8(after).ok().filter(|after| (1..=MAX_POSITION).contains(&after.len()))?;
        Some(Self { after: after.to_owned(), code: *code })
    }

    /// The cursor that goes on after the sort key `after`, as text. `scope` says of which list with which filters; it
    /// begins with the partition key, and so with the organization.
    pub(crate) fn issue(key: &str, scope: &str, after: &str) -> String {
        let mut bytes = code(key, scope, after).to_vec();
        bytes.extend(after.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The sort key after which the list goes on, if this cursor was issued with this key for this scope.
    pub(crate) fn verified(&self, key: &str, scope: &str) -> Option<&str> {
        // To compare in constant time is not needed: the code has 128 bits, and each guess at it costs a table read.
        (code(key, scope, &self.after) == self.code).then_some(&self.after)
    }
}

fn code(key: &str, scope: &str, after: &str) -> [u8; CODE_LENGTH] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    // With its length in front, the scope cannot be taken for a part of the position.
    let tag = hmac::sign(&key, format!("{} {scope}{after}", scope.len()).as_bytes());
    let mut code = [0; CODE_LENGTH];
    code.copy_from_slice(&tag.as_ref()[..CODE_LENGTH]);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_for_its_key_and_scope_alone() {
        let text = Cursor::issue("key", "ORG#a#ACCESS-ID", "0000000000000123");
        let cursor = Cursor::parse(&text).unwrap();
        assert_eq!(cursor.verified("key", "ORG#a#ACCESS-ID"), Some("0000000000000123"));
        for (key, scope) in [("key", "ORG#a#VEHICLE"), ("key", "ORG#b#ACCESS-ID"), ("other", "ORG#a#ACCESS-ID")] {
            assert_eq!(cursor.verified(key, scope), None, "{key} {scope}");
        }
        let moved = Cursor { after: "00123".to_owned(), ..cursor };
        assert_eq!(moved.verified("key", "ORG#a#ACCESS-ID00000000000"), None);
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = Cursor::issue("key", "scope", "9007199254740991");
        let genuine = |text: &str| Cursor::parse(text).is_some_and(|cursor| cursor.verified("key", "scope").is_some());
        assert!(genuine(&text));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!genuine(&String::from_utf8(changed).unwrap()), "{at}");
            assert!(!genuine(&text[..at]), "cut at {at}");
        }
        for text in [format!("{text}="), format!("{text}A"), format!(" {text}"), "NDMyNDc2".to_owned()] {
            assert!(!genuine(&text), "{text}");
        }
    }
}
