//! Reading for a caller. There is no way to an item but through a credential that was found to hold.

use std::collections::HashMap;

use domain::{AccessIdLabel, OrganizationId, Timestamp};

use super::Table;
use crate::{
    Credential, Error,
    items::{
        Corrupt, CredentialItem, Expiring, Item, StoredItem, TagItem, Versioned, VersionedItem, current, from_item,
        readable, value_of,
    },
    keys::Key,
};

/// How many items are read together with a credential that may not hold. More than any request for one record needs.
const MOST_WITH_CREDENTIAL: usize = 50;

/// A credential that was found to hold, and with it the way to the items of its organization. Nothing else makes one than
/// [`Table::authorize`] and [`Table::authorize_reading`].
pub(crate) struct Access<'a> {
    pub(super) table: &'a Table,
    pub(super) organization: &'a OrganizationId,
    pub(super) cursor_key: String,
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

    /// Reads the credential and the items at some keys. One call for up to 50 keys. Of more the credential is read first, so that
    /// nobody without one can make the table read them; then one call for each hundred keys.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it does not hold, and the table's own.
    pub async fn authorize_reading<'a>(
        &'a self,
        caller: &'a Credential,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<(Access<'a>, Found), Error> {
        let credential = caller.key();
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.len() > MOST_WITH_CREDENTIAL {
            let access = self.authorize(caller).await?;
            let found = access.read(keys).await?;
            return Ok((access, found));
        }
        let mut items = self.batch_get([credential.clone()].into_iter().chain(keys)).await?;
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

    /// Whether there is an item at this key. One call.
    pub async fn exists(&self, key: Key) -> Result<bool, Error> {
        Ok(self.table.get(key).await?.is_some())
    }

    /// The items at some keys. One call for each hundred keys.
    pub async fn read(&self, keys: impl IntoIterator<Item = Key>) -> Result<Found, Error> {
        self.table.batch_get(keys).await.map(Found)
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

    /// Whose tag is at this key, if it is anybody's. An item that cannot be read is logged and left out.
    pub fn take_label(&mut self, key: &Key) -> Option<AccessIdLabel> {
        let label = self.0.remove(key).map(from_item::<TagItem>)?.map(TagItem::into_label);
        label.inspect_err(|corrupt| tracing::error!(reason = %corrupt, "stored item left out of an answer")).ok()
    }

    /// The item at this key, if it can be read and has not expired.
    pub fn take_current<I: Expiring>(&mut self, key: &Key, now: Timestamp) -> Option<I::Value> {
        current::<I>(self.0.remove(key)?, now)
    }

    /// The record at this key with its version.
    pub fn take_record<I: VersionedItem>(&mut self, key: &Key) -> Result<Option<Versioned<I::Value>>, Corrupt> {
        self.0.remove(key).map(value_of::<I>).transpose()
    }

    /// All records that can be read; the others are logged.
    pub fn into_records<I: VersionedItem>(self) -> impl Iterator<Item = I::Value> {
        self.0.into_values().filter_map(readable::<I>)
    }
}
