//! Reading for a caller. There is no way to an item but through a credential that was found to hold.

use std::collections::HashMap;

use domain::OrganizationId;

use super::Table;
use crate::{
    Credential, Error,
    cursor::{Cursor, List, PageRequest},
    items::{
        Corrupt, CredentialItem, Item, StoredItem, Versioned, VersionedItem, from_item, key_of, readable, value_of,
    },
    keys::{self, Key},
};

/// A credential that was found to hold, and with it the way to the items of its organization. Nothing else makes one than
/// [`Table::authorize`] and [`Table::authorize_reading`].
pub(crate) struct Access<'a> {
    table: &'a Table,
    organization: &'a OrganizationId,
    cursor_key: String,
}

/// Items that were asked for by key, by a caller whose credential holds.
pub(crate) struct Found(HashMap<Key, Item>);

impl Table {
    /// Reads the credential alone. One call.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it does not hold, and the table's own.
    pub async fn authorize<'a>(&'a self, caller: &'a Credential) -> Result<Access<'a>, Error> {
        Access::new(self, caller, self.get(caller.key()).await?)
    }

    /// Reads the credential and the items at some keys at once. One call for each hundred keys.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it does not hold, and the table's own.
    pub async fn authorize_reading<'a>(
        &'a self,
        caller: &'a Credential,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<(Access<'a>, Found), Error> {
        let credential = caller.key();
        let mut items = self.batch_get(keys.into_iter().chain([credential.clone()])).await?;
        let access = Access::new(self, caller, items.remove(&credential))?;
        Ok((access, Found(items)))
    }
}

impl<'a> Access<'a> {
    fn new(table: &'a Table, caller: &'a Credential, item: Option<Item>) -> Result<Self, Error> {
        let item = item.ok_or(Error::Unauthorized)?;
        // Whatever stands there, even a null, was meant to end the credential.
        let is_revoked = item.contains_key("revokedAt");
        let CredentialItem { scope, cursor_key, .. } = from_item(item)?;
        if is_revoked || scope != caller.scope {
            return Err(Error::Unauthorized);
        }
        Ok(Self { table, organization: &caller.organization, cursor_key })
    }

    /// One record. One call.
    pub async fn get<I: VersionedItem>(&self, key: Key) -> Result<Option<Versioned<I::Value>>, Error> {
        Ok(self.table.get(key).await?.map(value_of::<I>).transpose()?)
    }

    /// The items at some keys. One call for each hundred keys.
    pub async fn read(&self, keys: impl IntoIterator<Item = Key>) -> Result<Found, Error> {
        self.table.batch_get(keys).await.map(Found)
    }

    /// A page of a list, and the cursor of the next page if there is one. One call. What cannot be read is logged and left
    /// out.
    ///
    /// # Errors
    /// [`Error::ForgedCursor`], before anything is read, and the table's own.
    pub async fn page<I: VersionedItem>(&self, page: &PageRequest) -> Result<(Vec<I::Value>, Option<String>), Error> {
        let list = I::LIST;
        let after = match &page.cursor {
            None => "0".to_owned(),
            Some(cursor) => {
                keys::id_sort(cursor.verified(&self.cursor_key, self.organization, list).ok_or(Error::ForgedCursor)?)
            }
        };
        let partition = match list {
            List::AccessIds => keys::access_ids(self.organization),
            List::Vehicles => keys::vehicles(self.organization),
        };
        // One more than is shown tells whether there is a next page.
        let mut items = self.table.query(&partition, "SK > :sort", &after, page.limit + 1).await?;
        let mut next_cursor = None;
        if items.len() > page.limit {
            items.truncate(page.limit);
            let last = items.last().map(key_of).transpose()?.and_then(|key| keys::id_of(&key.sort));
            let last = last.ok_or_else(|| Corrupt::new("a record's sort key"))?;
            next_cursor = Some(Cursor::issue(&self.cursor_key, self.organization, list, last));
        }
        Ok((items.into_iter().filter_map(readable::<I>).collect(), next_cursor))
    }
}

impl Found {
    /// The item at this key, if there is one.
    pub fn take<I: StoredItem>(&mut self, key: &Key) -> Result<Option<I>, Corrupt> {
        self.0.remove(key).map(from_item).transpose()
    }

    /// The item at this key as it is stored, if there is one.
    pub fn take_item(&mut self, key: &Key) -> Option<Item> {
        self.0.remove(key)
    }

    /// The record at this key with its version.
    pub fn take_record<I: VersionedItem>(&mut self, key: &Key) -> Result<Option<Versioned<I::Value>>, Corrupt> {
        self.0.remove(key).map(value_of::<I>).transpose()
    }

    /// Whether there is an item at this key that was not taken.
    pub fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// All records that can be read; the others are logged.
    pub fn into_records<I: VersionedItem>(self) -> impl Iterator<Item = I::Value> {
        self.0.into_values().filter_map(readable::<I>)
    }
}
