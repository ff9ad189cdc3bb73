//! Cursors: where a list goes on, bound to the organization and the list by a code that only the service can make.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Id, OrganizationId};
use ring::hmac;

use crate::{Credential, Error, PageRequest, record::CredentialRecord};

/// The lists that have cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    AccessIds,
    Vehicles,
}

const CODE_LENGTH: usize = 16;

/// A cursor of the right shape. Whether the service made it for this list is known when the organization's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last id of the page before.
    pub(crate) after: Id,
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

    /// Whether this cursor was issued with this key for this list of this organization.
    pub(crate) fn is_genuine(&self, key: &str, organization: &OrganizationId, list: List) -> bool {
        // The code is no secret that could be guessed byte by byte: 128 bits, and every try is a table read.
        code(key, organization, list, self.after) == self.code
    }
}

impl CredentialRecord {
    /// The cursor that goes on after the id `last`, if there is one.
    ///
    /// # Errors
    /// [`Error::ForgedCursor`] if the list did not hand out the cursor that the page was asked for with.
    pub(crate) fn next_cursor(
        &self,
        caller: &Credential,
        page: &PageRequest,
        list: List,
        last: Option<Id>,
    ) -> Result<Option<String>, Error> {
        let organization = &caller.organization;
        if page.cursor.as_ref().is_some_and(|cursor| !cursor.is_genuine(&self.cursor_key, organization, list)) {
            return Err(Error::ForgedCursor);
        }
        Ok(last.map(|last| Cursor::issue(&self.cursor_key, organization, list, last)))
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
        assert_eq!(cursor.after, after);
        assert!(cursor.is_genuine("key", &org, List::AccessIds));
        assert!(!cursor.is_genuine("key", &org, List::Vehicles));
        assert!(!cursor.is_genuine("key", &other, List::AccessIds));
        assert!(!cursor.is_genuine("other", &org, List::AccessIds));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let org: OrganizationId = "a".parse().unwrap();
        let text = Cursor::issue("key", &org, List::Vehicles, Id::new(Id::MAX).unwrap());
        let genuine = |text: &str| Cursor::parse(text).is_some_and(|c| c.is_genuine("key", &org, List::Vehicles));
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
