//! What the fuzz targets call of this crate beyond its public API. Only the feature `fuzzing` compiles it, which no function
//! has: see `testing/fuzz-targets`.

use serde_dynamo::Item;

use crate::{
    Cursor,
    items::{
        AccessIdItem, ChangeItem, CredentialItem, CustomerItem, Expiring as _, IdempotencyItem, OrganizationItem,
        StoredItem, TagItem, VehicleItem, VersionedItem, from_item, to_item, value_of,
    },
};

/// The scopes of two lists, which a cursor is bound to.
pub const SCOPES: [&str; 2] = ["ORG#abc123DEF456#ACCESS-ID", "ORG#abc123DEF456#VEHICLE"];

/// A cursor for a scope, signed with `key`, that goes on after the sort key `after`.
pub fn issue(key: &str, scope: &str, after: &str) -> String {
    Cursor::issue(key, scope, after)
}

/// The sort key that a cursor goes on after, if it was issued with `key` for this scope.
pub fn verified<'a>(cursor: &'a Cursor, key: &str, scope: &str) -> Option<&'a str> {
    cursor.verified(key, scope)
}

/// Reads an item as one of a kind and writes what was read. `None` if it cannot be read so.
pub type Rewrite = fn(Item) -> Option<Item>;

/// Every kind of item.
pub const KINDS: [(&str, Rewrite); 9] = [
    ("organization", rewrite::<OrganizationItem>),
    ("credential", rewrite::<CredentialItem>),
    ("customer", rewrite::<CustomerItem>),
    ("tag", rewrite::<TagItem>),
    ("access ID", rewrite_value::<AccessIdItem>),
    ("vehicle", rewrite_value::<VehicleItem>),
    ("change", rewrite_change),
    ("creation of an access ID", |item| rewrite_if(item, |item: IdempotencyItem| item.into_access_id().is_ok())),
    ("creation of a vehicle", |item| rewrite_if(item, |item: IdempotencyItem| item.into_vehicle().is_ok())),
];

fn rewrite<I: StoredItem>(item: Item) -> Option<Item> {
    Some(to_item(&from_item::<I>(item.into()).ok()?).ok()?.into())
}

fn rewrite_if<I: StoredItem>(item: Item, is_right: fn(I) -> bool) -> Option<Item> {
    from_item(item.clone().into()).is_ok_and(is_right).then(|| rewrite::<I>(item)).flatten()
}

/// The id of a change is its sort key alone, which is written with every item.
fn rewrite_change(item: Item) -> Option<Item> {
    let sort = item.get("SK")?.clone();
    let change: ChangeItem = from_item(item.into()).ok()?;
    let expires_at = change.expires_at();
    let mut written: Item = to_item(&ChangeItem::new(change.into_value().ok()?, expires_at)).ok()?.into();
    written.inner_mut().insert("SK".to_owned(), sort);
    Some(written)
}

fn rewrite_value<I: VersionedItem>(item: Item) -> Option<Item> {
    let read = value_of::<I>(item.into()).ok()?;
    Some(to_item(&I::new(&read.value, read.version)).ok()?.into())
}
