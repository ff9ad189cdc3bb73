//! What the fuzz targets call of this crate beyond its public API. Only the feature `fuzzing` compiles it, which no function
//! has: see `testing/fuzz-targets`.

use domain::{Id, OrganizationId};
use serde_dynamo::Item;

use crate::{
    Cursor,
    cursor::List,
    items::{
        AccessIdItem, CredentialItem, CustomerItem, IdempotencyItem, OrganizationItem, StoredItem, TagItem,
        VehicleItem, VersionedItem, from_item, to_item, value_of,
    },
};

/// The lists that have cursors.
pub const LISTS: [&str; 2] = ["access IDs", "vehicles"];

/// A cursor for one of [`LISTS`], signed with `key`, that goes on after the record `after`.
pub fn issue(key: &str, organization: &OrganizationId, list: &str, after: Id) -> String {
    Cursor::issue(key, organization, list_of(list), after)
}

/// The last id of the page before, if the cursor was issued with `key` for this one of [`LISTS`].
pub fn verified(cursor: &Cursor, key: &str, organization: &OrganizationId, list: &str) -> Option<Id> {
    cursor.verified(key, organization, list_of(list))
}

fn list_of(name: &str) -> List {
    if name == LISTS[0] { List::AccessIds } else { List::Vehicles }
}

/// Reads an item as one of a kind and writes what was read. `None` if it cannot be read so.
pub type Rewrite = fn(Item) -> Option<Item>;

/// Every kind of item.
pub const KINDS: [(&str, Rewrite); 8] = [
    ("organization", rewrite::<OrganizationItem>),
    ("credential", rewrite::<CredentialItem>),
    ("customer", rewrite::<CustomerItem>),
    ("tag", |item| rewrite_if::<TagItem>(item, |tag| tag.access_id().is_ok())),
    ("access ID", rewrite_value::<AccessIdItem>),
    ("vehicle", rewrite_value::<VehicleItem>),
    ("creation of an access ID", |item| rewrite_if(item, |item: IdempotencyItem| item.into_access_id().is_ok())),
    ("creation of a vehicle", |item| rewrite_if(item, |item: IdempotencyItem| item.into_vehicle().is_ok())),
];

fn rewrite<I: StoredItem>(item: Item) -> Option<Item> {
    Some(to_item(&from_item::<I>(item.into()).ok()?).ok()?.into())
}

fn rewrite_if<I: StoredItem>(item: Item, is_right: fn(I) -> bool) -> Option<Item> {
    from_item(item.clone().into()).is_ok_and(is_right).then(|| rewrite::<I>(item)).flatten()
}

fn rewrite_value<I: VersionedItem>(item: Item) -> Option<Item> {
    let read = value_of::<I>(item.into()).ok()?;
    Some(to_item(&I::new(&read.value, read.version)).ok()?.into())
}
