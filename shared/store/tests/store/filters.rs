//! Lists with filters: what they show, how many calls they make, and where a walk stops.

use std::slice;

use domain::{
    AccessIdFilter, AccessIdType, AuthorizationStatus, Id, NewAccessId, OcppIdTag, Patch, Search, UpdateAccessId,
    VehicleChange, VehicleFilter, VehicleLink,
};
use serde_json::json;
use store::{Error, Page};

use crate::{
    measure::{Table, patiently, typical_vehicle, with_new_vehicle, write_cards},
    support::{Fixture, at, by, card, customer, page, status, tag, vehicle},
};

fn by_tag(text: &str) -> AccessIdFilter {
    AccessIdFilter { tag: Some(tag(text)), ..Default::default() }
}

fn by_vehicle(id: Id) -> AccessIdFilter {
    AccessIdFilter { vehicle: Some(id), ..Default::default() }
}

fn revoked() -> AccessIdFilter {
    AccessIdFilter { status: Some(AuthorizationStatus::Revoked), ..Default::default() }
}

fn search(text: &str) -> Option<Search> {
    Some(Search::new(text).unwrap())
}

/// The tags on a page of access IDs with this filter.
async fn tags(table: &Table, filter: &AccessIdFilter) -> Vec<String> {
    let Page { records, next_cursor } =
        table.store.list_access_ids(&table.caller, filter, &page(50, None)).await.unwrap();
    assert_eq!(next_cursor, None);
    records.iter().map(|linked| linked.access_id.tag.to_string()).collect()
}

async fn operations(table: &Table) -> Vec<String> {
    table.requests().await.into_iter().map(|request| request.operation).collect()
}

#[tokio::test]
async fn a_tag_is_found_with_its_vehicle_in_two_calls() {
    let table = patiently(Table::new).await;
    let (store, caller) = (&table.store, &table.caller);
    store.create_access_id(by(caller, at(0)), &card("04e1a2b3"), None).await.unwrap();
    let linked = store.create_access_id(by(caller, at(1)), &with_new_vehicle("92d50a693f80"), None).await.unwrap();
    let of_vehicle = VehicleFilter { tag: Some(tag("92d50a693f80")), ..Default::default() };
    operations(&table).await;

    for (text, found) in [("04:E1:A2:B3", 1), ("92D5.0A69.3F80", 1)] {
        let listed = store.list_access_ids(caller, &by_tag(text), &page(1, None)).await.unwrap();
        assert_eq!((listed.records.len(), &listed.next_cursor), (found, &None), "{text}");
        assert_eq!(operations(&table).await, ["BatchGetItem", "BatchGetItem"], "{text}");
        if text.starts_with('9') {
            assert_eq!(listed.records, slice::from_ref(&linked));
        }
    }
    let vehicles = store.list_vehicles(caller, &of_vehicle, &page(1, None)).await.unwrap();
    assert_eq!(vehicles.records, [linked.vehicle.clone().unwrap()]);
    assert_eq!(operations(&table).await, ["BatchGetItem", "BatchGetItem"]);
    assert_eq!(tags(&table, &by_tag("nobody")).await, [""; 0]);
    assert_eq!(operations(&table).await, ["BatchGetItem"]);

    // The tag's item follows each change of the link.
    let id = linked.access_id.id;
    let unlink = UpdateAccessId { vehicle: VehicleChange::Unlink, ..Default::default() };
    store.update_access_id(by(caller, at(2)), id, &unlink).await.unwrap();
    assert!(store.list_vehicles(caller, &of_vehicle, &page(1, None)).await.unwrap().records.is_empty());
    let van = store.create_vehicle(by(caller, at(3)), &vehicle(&["92d50a693f80", "04e1a2b3"]), None).await.unwrap();
    operations(&table).await;
    for text in ["92d50a693f80", "04e1a2b3"] {
        let filter = VehicleFilter { tag: Some(tag(text)), ..Default::default() };
        assert_eq!(store.list_vehicles(caller, &filter, &page(1, None)).await.unwrap().records, slice::from_ref(&van));
        assert_eq!(operations(&table).await, ["BatchGetItem", "BatchGetItem"]);
    }
}

/// The item of an earlier version, or one that was read just before the link changed.
#[tokio::test]
async fn a_tags_item_that_does_not_know_the_vehicle_takes_a_call_more() {
    let table = patiently(Table::new).await;
    let (store, caller) = (&table.store, &table.caller);
    let linked = store.create_access_id(by(caller, at(0)), &with_new_vehicle("92d50a693f80"), None).await.unwrap();
    let other = store.create_vehicle(by(caller, at(1)), &vehicle(&[]), None).await.unwrap().id;
    for vehicle_id in [None, Some(json!({"N": other.to_string()})), Some(json!({"S": "?"}))] {
        let mut item = json!({
            "PK": {"S": format!("ORG#{}#TAG#92d50a693f80", caller.organization)}, "SK": {"S": "TAG"},
            "accessId": {"N": linked.access_id.id.to_string()}, "name": {"S": "Card"}, "type": {"S": "Vehicle"},
            "authorizationStatus": {"S": "Authorized"},
        });
        if let Some(vehicle_id) = vehicle_id {
            item["vehicleId"] = vehicle_id;
        }
        let put = json!({"TableName": table.engine.table_name(), "Item": item});
        assert_eq!(table.engine.call("PutItem", &put).await.unwrap().0, 200);
        operations(&table).await;
        let listed = store.list_access_ids(caller, &by_tag("92d50a693f80"), &page(1, None)).await.unwrap();
        assert_eq!(listed.records, slice::from_ref(&linked), "{item}");
        assert_eq!(operations(&table).await, ["BatchGetItem", "BatchGetItem", "GetItem"], "{item}");
    }
}

#[tokio::test]
async fn a_vehicles_access_ids_are_listed_in_two_calls() {
    let table = patiently(Table::new).await;
    let (store, caller) = (&table.store, &table.caller);
    store.create_access_id(by(caller, at(0)), &card("card"), None).await.unwrap();
    store.create_access_id(by(caller, at(0)), &card("other"), None).await.unwrap();
    let van = store.create_vehicle(by(caller, at(1)), &typical_vehicle(&["a", "b", "card"]), None).await.unwrap();
    operations(&table).await;
    let filter = by_vehicle(van.id);
    let first = store.list_access_ids(caller, &filter, &page(2, None)).await.unwrap();
    assert_eq!(operations(&table).await, ["BatchGetItem", "BatchGetItem"]);
    assert!(first.records.iter().all(|linked| linked.vehicle.as_ref() == Some(&van)));
    let rest = store.list_access_ids(caller, &filter, &page(2, first.next_cursor.as_deref())).await.unwrap();
    let listed: Vec<_> =
        first.records.iter().chain(&rest.records).map(|linked| linked.access_id.tag.as_str()).collect();
    assert_eq!((listed, rest.next_cursor), (vec!["card", "a", "b"], None), "in the order of their ids");
    let cards = AccessIdFilter { kind: Some(AccessIdType::Rfid), ..filter };
    assert_eq!(tags(&table, &cards).await, ["card"]);
    let unknown = by_vehicle(Id::new(1).unwrap());
    assert_eq!(tags(&table, &unknown).await, [""; 0]);
}

#[tokio::test]
async fn of_several_filters_all_apply() {
    let table = patiently(Table::new).await;
    let (store, caller) = (&table.store, &table.caller);
    let of = |text: &str, name: &str| NewAccessId { customer: Some(customer(name)), ..card(text) };
    store.create_access_id(by(caller, at(0)), &of("a1", "Straße"), None).await.unwrap();
    let second = store.create_access_id(by(caller, at(1)), &of("a2", "STRASSE"), None).await.unwrap().access_id.id;
    store.create_access_id(by(caller, at(2)), &of("b1", "Other"), None).await.unwrap();
    store.create_access_id(by(caller, at(3)), &with_new_vehicle("a3"), None).await.unwrap();
    store.update_access_id(by(caller, at(4)), second, &status(AuthorizationStatus::Revoked)).await.unwrap();

    let none = AccessIdFilter::default();
    let strasse = AccessIdFilter { customer: Some(customer("strasse").key()), ..none.clone() };
    let a = AccessIdFilter { search: search("A"), ..none.clone() };
    assert_eq!(tags(&table, &none).await, ["a1", "a2", "b1", "a3"]);
    assert_eq!(tags(&table, &strasse).await, ["a1", "a2"]);
    assert_eq!(tags(&table, &AccessIdFilter { search: search("a1"), ..none.clone() }).await, ["a1"]);
    assert_eq!(tags(&table, &a).await, ["a1", "a2", "b1", "a3"], "all are called Card");
    assert_eq!(tags(&table, &AccessIdFilter { kind: Some(AccessIdType::Vehicle), ..a }).await, ["a3"]);
    assert_eq!(tags(&table, &AccessIdFilter { customer: strasse.customer.clone(), ..revoked() }).await, ["a2"]);
    assert_eq!(tags(&table, &AccessIdFilter { tag: Some(tag("a1")), ..revoked() }).await, [""; 0]);
    assert_eq!(tags(&table, &AccessIdFilter { tag: Some(tag("a2")), ..revoked() }).await, ["a2"]);

    let filter = VehicleFilter { search: search("model 3"), ..Default::default() };
    assert_eq!(store.list_vehicles(caller, &filter, &page(1, None)).await.unwrap().records.len(), 1);
    let filter = VehicleFilter { customer: Some(customer("strasse").key()), ..filter };
    assert_eq!(store.list_vehicles(caller, &filter, &page(1, None)).await.unwrap().records.len(), 0);
}

#[tokio::test]
async fn a_cursor_holds_for_its_filters_in_any_spelling_and_for_no_others() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    for text in ["a1", "a2", "b1", "b2"] {
        let new = NewAccessId { customer: Some(customer("Fleet")), ..card(text) };
        store.create_access_id(by(caller, at(0)), &new, None).await.unwrap();
    }
    let filter = |text: &str, name: Option<&str>| AccessIdFilter {
        search: search(text),
        customer: name.map(|name| customer(name).key()),
        ..Default::default()
    };
    let list = async |filter: &AccessIdFilter, cursor: Option<&str>| {
        store.list_access_ids(caller, filter, &page(1, cursor)).await.map(|page| page.next_cursor)
    };
    let all = AccessIdFilter::default();
    let unfiltered = list(&all, None).await.unwrap();
    let filtered = list(&filter("card", Some("fleet")), None).await.unwrap();
    assert!(list(&filter("CARD ", Some("FLEET")), filtered.as_deref()).await.unwrap().is_some());
    for (filter, cursor) in [
        (all, &filtered),
        (filter("card", None), &filtered),
        (filter("cards", Some("fleet")), &filtered),
        (filter("card", Some("fleet")), &unfiltered),
        (by_tag("a1"), &filtered),
        (by_vehicle(Id::new(1).unwrap()), &unfiltered),
    ] {
        assert!(matches!(list(&filter, cursor.as_deref()).await, Err(Error::ForgedCursor)), "{filter:?}");
    }
}

#[tokio::test]
async fn a_walk_looks_at_5000_records_and_shows_each_match_once() {
    let table = patiently(Table::new).await;
    let wanted = [1, 2, 51, 52, 500, 4_999, 5_000, 5_001, 5_199];
    write_cards(&table, 1..5_200, &wanted).await;
    let (store, caller) = (&table.store, &table.caller);
    operations(&table).await;

    for limit in [1, 3, 6, 7, 100] {
        let (mut seen, mut cursor, mut requests) = (Vec::new(), None, 0);
        loop {
            let request = page(limit, cursor.as_deref());
            let listed = patiently(async || store.list_access_ids(caller, &revoked(), &request).await).await;
            requests += 1;
            let queries: Vec<_> = table.requests().await.into_iter().filter(|call| call.operation == "Query").collect();
            let looked_at: u64 = queries.iter().map(|query| query.body["Limit"].as_u64().unwrap()).sum();
            assert!(looked_at <= 5_000 && queries.len() <= 6, "{looked_at} in {} Queries", queries.len());
            let is_full = listed.records.len() == limit;
            assert!(is_full || listed.next_cursor.is_none() || looked_at == 5_000, "short only at the bound");
            seen.extend(listed.records.iter().map(|linked| linked.access_id.id.get()));
            cursor = listed.next_cursor;
            if cursor.is_none() {
                break;
            }
            // Created during the walk: the ids of new records are greater than all before.
            if requests == 1 {
                store.create_access_id(by(caller, at(0)), &card(&format!("late-{limit}")), None).await.unwrap();
            }
        }
        assert_eq!(seen, wanted, "limit {limit}");
        assert!(requests > 1, "the bound was met");
    }

    // What shows nothing is looked at to its end, 5,000 at a time.
    let nobody = AccessIdFilter { search: search("nobody"), ..Default::default() };
    let first = patiently(async || store.list_access_ids(caller, &nobody, &page(50, None)).await).await;
    assert!(first.records.is_empty() && first.next_cursor.is_some());
    let request = page(50, first.next_cursor.as_deref());
    let last = patiently(async || store.list_access_ids(caller, &nobody, &request).await).await;
    assert!(last.records.is_empty() && last.next_cursor.is_none());

    // By its key one is found among them as among few.
    write_tag(&table, 5_199).await;
    operations(&table).await;
    assert_eq!(tags(&table, &by_tag("0000144F")).await, ["0000144f"]);
    assert_eq!(operations(&table).await, ["BatchGetItem", "BatchGetItem"]);
}

async fn write_tag(table: &Table, number: u64) {
    let tag = OcppIdTag::normalize(&format!("{number:08x}")).unwrap();
    let item = json!({
        "PK": {"S": format!("ORG#{}#TAG#{tag}", table.caller.organization)}, "SK": {"S": "TAG"},
        "accessId": {"N": number.to_string()}, "name": {"S": format!("Card {number}")}, "type": {"S": "RFID"},
        "authorizationStatus": {"S": "Revoked"},
    });
    let put = json!({"TableName": table.engine.table_name(), "Item": item});
    assert_eq!(table.engine.call("PutItem", &put).await.unwrap().0, 200);
}

#[tokio::test]
async fn customers_are_listed_once_each_and_found_by_a_part_of_their_name() {
    let table = patiently(Table::new).await;
    let (store, caller) = (&table.store, &table.caller);
    let names = ["Fleet One", "Fleet Two", "Straße", "Zoë", "Electric"];
    for (number, name) in names.into_iter().enumerate() {
        for spelling in [name.to_owned(), name.to_uppercase()] {
            let tag = format!("{number}-{spelling}").replace(|character: char| !character.is_ascii_graphic(), "_");
            let new = NewAccessId { customer: Some(customer(&spelling)), ..card(&tag) };
            let update = UpdateAccessId { customer: Patch::Clear, ..Default::default() };
            if let Ok(created) = store.create_access_id(by(caller, at(0)), &new, None).await {
                store.update_access_id(by(caller, at(1)), created.access_id.id, &update).await.unwrap();
            }
        }
    }
    operations(&table).await;
    let list = async |text: Option<&str>, limit: usize| {
        let (search, mut seen, mut cursor) = (text.and_then(search), Vec::new(), None);
        loop {
            let listed = store.list_customers(caller, search.as_ref(), &page(limit, cursor.as_deref())).await.unwrap();
            assert_eq!(table.requests().await.len(), 2);
            assert!(listed.records.len() == limit || listed.next_cursor.is_none());
            seen.extend(listed.records.iter().map(|customer| customer.name().to_owned()));
            cursor = listed.next_cursor;
            if cursor.is_none() {
                return seen;
            }
        }
    };
    let all = list(None, 100).await;
    assert_eq!((list(None, 1).await, list(None, 2).await), (all.clone(), all.clone()), "always in one order");
    let mut sorted = all;
    sorted.sort();
    assert_eq!(sorted, ["Electric", "Fleet One", "Fleet Two", "Straße", "Zoë"]);
    assert_eq!(list(Some("STRASSE"), 100).await, ["Straße"]);
    assert_eq!(list(Some("fleet"), 100).await.len(), 2);
    assert_eq!(list(Some("nobody"), 100).await, [""; 0]);
}

#[tokio::test]
async fn a_filter_needs_a_credential_that_holds() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let linked = NewAccessId { vehicle: VehicleLink::None, ..card("a") };
    store.create_access_id(by(caller, at(0)), &linked, None).await.unwrap();
    let organization = &caller.organization;
    let ended = store.create_credential(organization, store::Scope::Api, "", at(0)).await.unwrap();
    store.revoke_credential(&ended.id, at(1)).await.unwrap();
    let ended = store::Credential::parse(&ended.token, store::Scope::Api).unwrap();
    for filter in [by_tag("a"), by_vehicle(Id::new(1).unwrap()), revoked()] {
        let listed = store.list_access_ids(&ended, &filter, &page(1, None)).await;
        assert!(matches!(listed, Err(Error::Unauthorized)), "{filter:?}");
    }
    let filter = VehicleFilter { tag: Some(tag("a")), ..Default::default() };
    assert!(matches!(store.list_vehicles(&ended, &filter, &page(1, None)).await, Err(Error::Unauthorized)));
    assert!(matches!(store.list_customers(&ended, None, &page(1, None)).await, Err(Error::Unauthorized)));
}
