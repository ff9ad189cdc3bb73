//! Every key of the table is made here and nowhere else.

use std::ops::RangeInclusive;

use chrono::{Datelike as _, SubsecRound as _, TimeDelta};
use domain::{ChargeBox, CustomerKey, Id, OcppIdTag, OrganizationId, Timestamp};

use crate::digest;

/// Name of the partition key attribute.
pub(crate) const PARTITION: &str = "PK";
/// Name of the sort key attribute.
pub(crate) const SORT: &str = "SK";
/// Partition of all organizations.
pub(crate) const ORGANIZATIONS: &str = "ORG";

/// The primary key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub partition: String,
    pub sort: String,
}

fn key(partition: String, sort: impl Into<String>) -> Key {
    Key { partition, sort: sort.into() }
}

/// An id with 16 digits, as many as 2^53 has, so that ids sort as numbers.
pub(crate) fn id_sort(id: Id) -> String {
    format!("{:016}", id.get())
}

/// The sort keys of all ids.
pub(crate) fn all_ids() -> RangeInclusive<String> {
    ids(0..=Id::MAX)
}

/// The sort keys of the ids with these numbers.
pub(crate) fn ids(numbers: RangeInclusive<u64>) -> RangeInclusive<String> {
    format!("{:016}", numbers.start())..=format!("{:016}", numbers.end())
}

/// The sort keys of the ids that were made between these times. The moments themselves are left out.
pub(crate) fn ids_between(after: Option<Timestamp>, before: Option<Timestamp>) -> RangeInclusive<String> {
    let millisecond = TimeDelta::milliseconds(1);
    let next = |time: Timestamp| time.trunc_subsecs(3).checked_add_signed(millisecond).unwrap_or(time);
    let first = after.map_or(0, |after| first_number(next(after)));
    let last = before.map_or(Id::MAX, |before| {
        let whole = before.trunc_subsecs(3);
        first_number(if whole == before { before } else { next(before) }).saturating_sub(1)
    });
    ids(first..=last)
}

/// The least number that an id of this millisecond or a later one can have.
fn first_number(time: Timestamp) -> u64 {
    match Id::at(time, 0) {
        Ok(id) => id.get(),
        // The years of ids are 2024 to 2093.
        Err(_) if time.year() < 2050 => 0,
        Err(_) => Id::MAX + 1,
    }
}

/// The sort keys of all tags, which are printable ASCII.
pub(crate) fn all_tags() -> RangeInclusive<String> {
    "!".to_owned()..="\u{7f}".to_owned()
}

/// The id in the sort key of a record, a decision or a change.
pub(crate) fn id_of(sort: &str) -> Option<Id> {
    Id::new(sort.parse().ok()?).ok()
}

pub(crate) fn organization(organization: &OrganizationId) -> Key {
    key(ORGANIZATIONS.to_owned(), organization.as_str())
}

pub(crate) fn credentials(organization: &OrganizationId) -> String {
    format!("ORG#{organization}")
}

pub(crate) const CREDENTIAL_SORT_PREFIX: &str = "CREDENTIAL#";

pub(crate) fn credential(organization: &OrganizationId, digest: &str) -> Key {
    key(credentials(organization), format!("{CREDENTIAL_SORT_PREFIX}{digest}"))
}

pub(crate) fn access_ids(organization: &OrganizationId) -> String {
    format!("ORG#{organization}#ACCESS-ID")
}

pub(crate) fn access_id(organization: &OrganizationId, id: Id) -> Key {
    key(access_ids(organization), id_sort(id))
}

pub(crate) fn tag(organization: &OrganizationId, tag: &OcppIdTag) -> Key {
    key(format!("ORG#{organization}#TAG#{tag}"), "TAG")
}

pub(crate) fn vehicles(organization: &OrganizationId) -> String {
    format!("ORG#{organization}#VEHICLE")
}

pub(crate) fn vehicle(organization: &OrganizationId, id: Id) -> Key {
    key(vehicles(organization), id_sort(id))
}

/// The partition of an organization's customers, and the sort keys of all of them.
pub(crate) fn customers(organization: &OrganizationId) -> (String, RangeInclusive<String>) {
    (format!("ORG#{organization}#CUSTOMER"), "0".repeat(64)..="f".repeat(64))
}

/// The folded name can be longer than the 1,024 bytes of a sort key, its digest cannot.
pub(crate) fn customer(organization: &OrganizationId, customer: &CustomerKey) -> Key {
    let (partition, _) = customers(organization);
    key(partition, digest::sha256_hex(customer.as_str().as_bytes()))
}

/// `kind` tells the endpoints apart, `idempotency_key` is the client's.
pub(crate) fn idempotency(organization: &OrganizationId, kind: &str, idempotency_key: &str) -> Key {
    key(format!("ORG#{organization}#REQUEST#{kind}#{idempotency_key}"), "REQUEST")
}

/// Partition of an organization's decisions.
pub(crate) fn decisions(organization: &OrganizationId) -> String {
    format!("ORG#{organization}#DECISION")
}

/// Partition of the decisions about one tag.
pub(crate) fn decisions_about(organization: &OrganizationId, tag: &OcppIdTag) -> String {
    format!("ORG#{organization}#DECISION#{tag}")
}

/// Partition of an organization's history: what its management requests changed.
pub(crate) fn changes(organization: &OrganizationId) -> String {
    format!("ORG#{organization}#CHANGE")
}

/// An entry of a list by id.
pub(crate) fn by_id(partition: String, id: Id) -> Key {
    key(partition, id_sort(id))
}

/// Partition of the tags that were refused because no access ID has them.
pub(crate) fn unknown_tags(organization: &OrganizationId) -> String {
    format!("ORG#{organization}#UNKNOWN-TAG")
}

pub(crate) fn unknown_tag(organization: &OrganizationId, tag: &OcppIdTag) -> Key {
    key(unknown_tags(organization), tag.as_str())
}

/// A start that was accepted. A charge box id can be longer than the 1,024 bytes of a sort key, its digest cannot.
pub(crate) fn start(organization: &OrganizationId, tag: &OcppIdTag, charge_box: &ChargeBox) -> Key {
    let digest = digest::sha256_hex(charge_box.as_str().as_bytes());
    key(format!("ORG#{organization}#START#{tag}"), digest)
}

#[cfg(test)]
mod tests {
    use domain::Customer;

    use super::*;

    #[test]
    fn keys_stay_within_dynamodbs_limits() {
        let org: OrganizationId = "z".repeat(32).parse().unwrap();
        // U+1D160 becomes three code points of four bytes under NFC
        let longest = Customer::new(&"\u{1d160}".repeat(200)).unwrap();
        assert!(longest.key().as_str().len() > 1_024);
        let keys = [
            customer(&org, &longest.key()),
            idempotency(&org, "ACCESS-ID", &"~".repeat(255)),
            tag(&org, &OcppIdTag::normalize(&"x".repeat(36)).unwrap()),
            unknown_tag(&org, &OcppIdTag::normalize(&"x".repeat(36)).unwrap()),
            start(
                &org,
                &OcppIdTag::normalize(&"x".repeat(36)).unwrap(),
                &ChargeBox::received("\u{1f50c}".repeat(9_999)),
            ),
            access_id(&org, Id::new(Id::MAX).unwrap()),
        ];
        for key in keys {
            assert!(key.partition.len() <= 2_048 && key.sort.len() <= 1_024, "{key:?}");
        }
    }

    #[test]
    fn ids_sort_as_numbers() {
        let sort = |number| id_sort(Id::new(number).unwrap());
        assert!(sort(9) < sort(10) && sort(99) < sort(Id::MAX));
        assert_eq!(sort(Id::MAX).len(), 16);
    }

    #[test]
    fn times_are_keys_and_the_moments_themselves_are_left_out() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let number = |time: &str| Id::at(at(time), 0).unwrap().get();
        let range = |after: Option<&str>, before: Option<&str>| ids_between(after.map(at), before.map(at));
        let (first, last) = (number("2026-03-01T00:00:00.001Z"), number("2026-03-01T00:00:00.003Z") - 1);
        for after in ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00.0009Z"] {
            for before in ["2026-03-01T00:00:00.003Z", "2026-03-01T00:00:00.0021Z"] {
                assert_eq!(range(Some(after), Some(before)), ids(first..=last), "{after} {before}");
            }
        }
        assert_eq!(range(None, None), all_ids());
        assert_eq!(range(Some("1999-01-01T00:00:00Z"), Some("2094-01-01T00:00:00Z")), all_ids());
        assert_eq!(range(None, Some("2024-01-01T00:00:00Z")), ids(0..=0));
        assert!(range(Some("2094-01-01T00:00:00Z"), None).is_empty());
        assert!(range(Some("2026-03-01T00:00:00Z"), Some("2026-03-01T00:00:00Z")).is_empty());
    }
}
