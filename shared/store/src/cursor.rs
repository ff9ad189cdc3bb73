//! Pages of lists, and the cursors that say where a list goes on. A cursor is bound to the organization and the list by a
//! code that only the service can make, and its position is known only to who has verified that code.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Id, OrganizationId};
use ring::hmac;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The records in ascending order of their ids.
    pub records: Vec<T>,
    /// The cursor of the next page. It is there exactly if the next page has a record.
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

/// The lists that have cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    AccessIds,
    Vehicles,
}

const CODE_LENGTH: usize = 16;

/// A cursor of the right shape. Whether the service issued it for a list can be told only with the organization's cursor
/// key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last id of the page before.
    after: Id,
    code: [u8; CODE_LENGTH],
}

impl Cursor {
    /// Reads a cursor as it was handed out; `None` for anything that is not of that shape.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 8 + CODE_LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (id, code) = bytes.split_first_chunk::<8>()?;
        Some(Self { after: Id::new(u64::from_be_bytes(*id)).ok()?, code: code.try_into().ok()? })
    }

    /// The cursor that goes on after the record `after`, as text.
    pub(crate) fn issue(key: &str, organization: &OrganizationId, list: List, after: Id) -> String {
        let mut bytes = after.get().to_be_bytes().to_vec();
        bytes.extend(code(key, organization, list, after));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The last id of the page before, if this cursor was issued with this key for this list of this organization.
    pub(crate) fn verified(&self, key: &str, organization: &OrganizationId, list: List) -> Option<Id> {
        // To compare in constant time is not needed: the code has 128 bits, and each guess at it costs a table read.
        (code(key, organization, list, self.after) == self.code).then_some(self.after)
    }
}

fn code(key: &str, organization: &OrganizationId, list: List, after: Id) -> [u8; CODE_LENGTH] {
    let list = match list {
        List::AccessIds => "access-ids",
        List::Vehicles => "vehicles",
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{organization}/{list}/{after}").as_bytes());
    let mut code = [0; CODE_LENGTH];
    code.copy_from_slice(&tag.as_ref()[..CODE_LENGTH]);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_for_its_key_organization_and_list_alone() {
        let (org, other): (OrganizationId, OrganizationId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let after = Id::new(123).unwrap();
        let text = Cursor::issue("key", &org, List::AccessIds, after);
        let cursor = Cursor::parse(&text).unwrap();
        assert_eq!(cursor.verified("key", &org, List::AccessIds), Some(after));
        assert_eq!(cursor.verified("key", &org, List::Vehicles), None);
        assert_eq!(cursor.verified("key", &other, List::AccessIds), None);
        assert_eq!(cursor.verified("other", &org, List::AccessIds), None);
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let org: OrganizationId = "a".parse().unwrap();
        let text = Cursor::issue("key", &org, List::Vehicles, Id::new(Id::MAX).unwrap());
        let genuine =
            |text: &str| Cursor::parse(text).is_some_and(|c| c.verified("key", &org, List::Vehicles).is_some());
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
