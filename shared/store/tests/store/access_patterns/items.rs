//! The kinds of items, and how large they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccessIdType, AuthorizationStatus, NewAccessId, NewVehicle, RequestType, Rules, VehicleLink};
use store::{Error, Idempotency};

use crate::{
    measure::{Table, decided, kind, text, with_new_vehicle},
    support::{at, by, card, customer, vehicle},
};

/// As many bytes as rules may have.
pub fn longest_rules() -> Rules {
    let [from, until] = ["0000-01-01T00:00:00.001Z", "9999-12-31T23:59:59.999Z"].map(|time| time.parse().ok());
    Rules::new(from, until, Some(vec!["x".repeat(50); 50])).unwrap()
}

/// Every kind of item: its key, what it holds, and how many bytes it has, usually and at most.
pub async fn items() -> Result<Vec<String>, Error> {
    let table = Table::new().await?;
    let idempotency = Idempotency::new("8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(), b"body");
    table
        .store
        .create_access_id(by(&table.caller, at(0)), &with_new_vehicle("92d50a693f80"), Some(&idempotency))
        .await?;
    decided(&table, RequestType::Start, "92d50a693f80", at(1)).await;
    decided(&table, RequestType::Start, "unknown", at(2)).await;
    let usual = table.items().await;

    let table = Table::new().await?;
    let longest = |length| "🚗".repeat(length);
    let customer = Some(customer(&longest(200)));
    let tags: Vec<_> = (1..41).map(|number| format!("{number:036}")).collect();
    let new = NewVehicle {
        name: text(&longest(200)),
        make: Some(text(&longest(100))),
        model: Some(text(&longest(100))),
        vin: Some(text(&longest(64))),
        license_plate: Some(text(&longest(64))),
        customer: customer.clone(),
        ..vehicle(&tags.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let full = table.store.create_vehicle(by(&table.caller, at(0)), &new, None).await?.id;
    let idempotency = Idempotency::new("~".repeat(255), b"body");
    for number in 41..101 {
        let new = NewAccessId {
            kind: AccessIdType::Vehicle,
            name: text(&longest(200)),
            status: AuthorizationStatus::Revoked,
            vehicle: VehicleLink::Existing(full),
            customer: customer.clone(),
            ..card(&format!("{number:036}"))
        };
        let idempotency = Some(&idempotency).filter(|_| number == 100);
        let id = table.store.create_access_id(by(&table.caller, at(0)), &new, idempotency).await?.access_id.id;
        if number == 100 {
            table.store.put_access_id_rules(by(&table.caller, at(0)), id, &longest_rules()).await?;
        }
    }
    let most = table.items().await;

    let mut kinds: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut shapes: BTreeMap<&str, (String, BTreeSet<&str>)> = BTreeMap::new();
    for (at, item) in usual.iter().map(|item| (0, item)).chain(most.iter().map(|item| (1, item))) {
        let [partition, sort] = ["PK", "SK"].map(|name| item[name].as_s().unwrap().as_str());
        let kind = kind(partition, sort);
        let bytes = &mut kinds.entry(kind).or_default()[at];
        *bytes = size(item).max(*bytes);
        let key = || format!("`{}` | `{}`", shape(partition), shape(sort));
        let (_, attributes) = shapes.entry(kind).or_insert_with(|| (key(), BTreeSet::new()));
        attributes.extend(item.keys().map(String::as_str).filter(|name| !["PK", "SK"].contains(name)));
    }
    // A decision reads it for one read unit.
    assert!(kinds["tag"][1] <= 4_096, "{kinds:?}");
    let rows = kinds.into_iter().map(|(kind, [usual, most])| {
        let (key, attributes) = &shapes[kind];
        let attributes: Vec<_> = attributes.iter().copied().collect();
        // The operator's labels have no limit.
        // What the test of the longest records does not write has no figure either.
        let most =
            if ["credential", "organization"].contains(&kind) || most == 0 { String::new() } else { most.to_string() };
        let key = if kind == "unknown tag" { &key.replace("`unknown`", "`<tag>`") } else { key };
        format!("| {kind} | {key} | {} | {usual} | {most} |", attributes.join(", "))
    });
    Ok(rows.collect())
}

/// A key with names in the place of what differs from item to item.
fn shape(key: &str) -> String {
    let mut segments: Vec<String> = Vec::new();
    for segment in key.split('#') {
        let is_of = |before: &str| segments.last().is_some_and(|last| last == before);
        let hex = segment.len() == 64 && segment.bytes().all(|byte| byte.is_ascii_hexdigit());
        segments.push(match segment {
            _ if ["TAG", "DECISION", "START"].iter().any(|before| is_of(before)) => "<tag>".to_owned(),
            _ if is_of("ORG") || segment.len() == 12 => "<organization>".to_owned(),
            _ if segments.iter().any(|before| before == "REQUEST") && !is_of("REQUEST") => "<key>".to_owned(),
            _ if hex => "<SHA-256>".to_owned(),
            _ if segment.len() == 16 => "<id>".to_owned(),
            _ => segment.to_owned(),
        });
    }
    segments.join("#")
}

/// The bytes that DynamoDB counts for an item.
fn size(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::Null(_) => 1,
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.len() + size(map),
        other => panic!("{other:?} is in no item"),
    }
}
