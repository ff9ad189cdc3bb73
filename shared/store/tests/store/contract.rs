//! What the store promises its callers, on a real engine.

use crate::support::{Fixture, at, by, card, customer, decide, name, organization, page, status, tag, vehicle};
use domain::{
    AccessIdLabel, AccessIdType, AuthorizationStatus, Id, LinkRefused, NewAccessId, NewVehicleDetails, Patch, Reason,
    RequestType::Start, RequestedTag, UpdateAccessId, UpdateVehicle, VehicleChange, VehicleLink,
};
use store::{Credential, Error, Idempotency, Known, Scope};

use AuthorizationStatus::{Authorized, Revoked};

#[tokio::test]
async fn what_is_created_is_read_back() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let new = NewAccessId {
        kind: AccessIdType::Vehicle,
        vehicle: VehicleLink::New(NewVehicleDetails::default()),
        customer: Some(customer("Electric Fleet")),
        ..card("04:E1:A2")
    };
    let created = store.create_access_id(by(caller, at(1)), &new, None).await.unwrap();
    assert_eq!(created.access_id.created_at, at(1));
    assert_eq!(store.get_access_id(caller, created.access_id.id).await.unwrap(), created);
    let vehicle = created.vehicle.clone().unwrap();
    assert_eq!(store.get_vehicle(caller, vehicle.id).await.unwrap(), vehicle);
    assert_eq!(store.list_access_ids(caller, &Default::default(), &page(10, None)).await.unwrap().records, [created]);
    assert_eq!(store.list_vehicles(caller, &Default::default(), &page(10, None)).await.unwrap().records, [vehicle]);
}

#[tokio::test]
async fn times_are_kept_to_the_millisecond() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let now = at(1) + chrono::Duration::microseconds(789);
    let created = store.create_access_id(by(caller, now), &card("a"), None).await.unwrap();
    assert_eq!(created.access_id.created_at, at(1));
    assert_eq!(store.get_access_id(caller, created.access_id.id).await.unwrap(), created);
}

#[tokio::test]
async fn a_decision_follows_the_status() {
    let Fixture { store, decider, caller, rfid, .. } = &Fixture::new().await;
    let decide = async |text: &str| decide(decider, rfid, Start, Some(&tag(text))).await.unwrap();
    let label = |id, name: &str| AccessIdLabel { id, name: name.to_owned(), kind: AccessIdType::Rfid };
    assert_eq!(decide("a").await, Err(Reason::Unknown));
    let id = store.create_access_id(by(caller, at(1)), &card("a"), None).await.unwrap().access_id.id;
    assert_eq!(decide("a").await, Ok(label(id, "Card")));
    store.update_access_id(by(caller, at(2)), id, &status(Revoked)).await.unwrap();
    assert_eq!(decide("a").await, Err(Reason::Revoked));
    let rename = UpdateAccessId { name: Some(name("New")), status: Some(Authorized), ..Default::default() };
    store.update_access_id(by(caller, at(3)), id, &rename).await.unwrap();
    assert_eq!(decide("a").await, Ok(label(id, "New")));
    assert_eq!(decider.look_up(rfid, None, None).await.unwrap(), Known::default());
}

#[tokio::test]
async fn a_tag_is_taken_once_per_organization() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let (other, _) = &organization(store).await;
    store.create_access_id(by(caller, at(1)), &card("a"), None).await.unwrap();
    assert!(matches!(store.create_access_id(by(caller, at(2)), &card("A"), None).await, Err(Error::TagTaken(_))));
    let theirs = store.create_access_id(by(other, at(2)), &card("a"), None).await.unwrap();
    assert!(matches!(store.get_access_id(caller, theirs.access_id.id).await, Err(Error::NotFound)));
    assert_eq!(store.list_access_ids(caller, &Default::default(), &page(10, None)).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn a_refused_request_creates_nothing_not_even_a_customer() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    store.create_access_id(by(caller, at(0)), &card("a"), None).await.unwrap();
    let refused = NewAccessId { customer: Some(customer("UPPER")), ..card("a") };
    assert!(store.create_access_id(by(caller, at(1)), &refused, None).await.is_err());
    let mut unknown = NewAccessId { kind: AccessIdType::Vehicle, customer: Some(customer("UPPER")), ..card("b") };
    unknown.vehicle = VehicleLink::Existing(Id::new(5).unwrap());
    let error = store.create_access_id(by(caller, at(1)), &unknown, None).await.unwrap_err();
    assert!(matches!(error, Error::Link(LinkRefused::UnknownVehicle)), "{error:?}");
    // Had "UPPER" been created, this would be shown in that spelling.
    let new = NewAccessId { customer: Some(customer("upper")), ..card("c") };
    let created = store.create_access_id(by(caller, at(2)), &new, None).await.unwrap();
    assert_eq!(created.access_id.customer.unwrap().name(), "upper");
}

#[tokio::test]
async fn a_vehicle_holds_a_hundred_access_ids_and_no_more() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let tags: Vec<String> = (0..40).map(|number| format!("tag-{number}")).collect();
    let new = vehicle(&tags.iter().map(String::as_str).collect::<Vec<_>>());
    let id = store.create_vehicle(by(caller, at(0)), &new, None).await.unwrap().id;
    let link = |number: u32| NewAccessId {
        kind: AccessIdType::Vehicle,
        vehicle: VehicleLink::Existing(id),
        ..card(&format!("more-{number}"))
    };
    for number in 0..60 {
        store.create_access_id(by(caller, at(1)), &link(number), None).await.unwrap();
    }
    let error = store.create_access_id(by(caller, at(1)), &link(60), None).await.unwrap_err();
    assert!(matches!(error, Error::Link(LinkRefused::VehicleFull)), "{error:?}");
    let vehicle = store.get_vehicle(caller, id).await.unwrap();
    assert_eq!(vehicle.access_ids.len(), 100);
    assert!(vehicle.access_ids.is_sorted_by_key(|summary| summary.id));
}

#[tokio::test]
async fn the_largest_request_fits_one_transaction() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    for number in 0..20 {
        store.create_access_id(by(caller, at(0)), &card(&format!("{number:036}")), None).await.unwrap();
    }
    let mut new = vehicle(&[]);
    new.name = name(&"🚗".repeat(200));
    new.make = Some(domain::Make::new(&"🚗".repeat(100)).unwrap());
    new.model = new.make.clone();
    new.vin = Some(domain::Vin::new(&"🚗".repeat(64)).unwrap());
    new.license_plate = new.vin.clone();
    new.customer = Some(customer(&"𝅘𝅥𝅯".repeat(66)));
    new.tags =
        (0..40).map(|number| RequestedTag { tag: tag(&format!("{number:036}")), status: Some(Revoked) }).collect();
    let idempotency = Idempotency::new("~".repeat(255), b"body");
    let created = store.create_vehicle(by(caller, at(1)), &new, Some(&idempotency)).await.unwrap();
    assert_eq!(created.access_ids.len(), 40);
    assert_eq!(store.get_vehicle(caller, created.id).await.unwrap(), created);
    assert_eq!(store.create_vehicle(by(caller, at(2)), &new, Some(&idempotency)).await.unwrap(), created);
}

#[tokio::test]
async fn linking_and_unlinking_show_on_both_sides() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let id = store.create_access_id(by(caller, at(0)), &card("card"), None).await.unwrap().access_id.id;
    let created = store.create_vehicle(by(caller, at(1)), &vehicle(&["card", "new"]), None).await.unwrap();
    let linked = store.get_access_id(caller, id).await.unwrap();
    assert_eq!((linked.access_id.vehicle, linked.access_id.updated_at), (Some(created.id), at(1)));
    assert_eq!(linked.access_id.name.as_str(), "Card");

    let unlink = UpdateAccessId { vehicle: VehicleChange::Unlink, ..Default::default() };
    store.update_access_id(by(caller, at(2)), id, &unlink).await.unwrap();
    let vehicle = store.get_vehicle(caller, created.id).await.unwrap();
    assert_eq!(vehicle.access_ids.iter().map(|summary| summary.tag.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(store.get_access_id(caller, id).await.unwrap().vehicle, None);
}

#[tokio::test]
async fn an_update_that_changes_nothing_writes_nothing() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let new = NewAccessId { customer: Some(customer("Fleet")), ..card("a") };
    let created = store.create_access_id(by(caller, at(0)), &new, None).await.unwrap();
    let same = UpdateAccessId {
        kind: None,
        name: Some(name("Card")),
        status: Some(Authorized),
        customer: Patch::Set(customer("FLEET")),
        vehicle: VehicleChange::Unlink,
    };
    assert_eq!(store.update_access_id(by(caller, at(9)), created.access_id.id, &same).await.unwrap(), created);
    assert_eq!(store.get_access_id(caller, created.access_id.id).await.unwrap(), created);
    let empty = UpdateAccessId::default();
    assert_eq!(store.update_access_id(by(caller, at(9)), created.access_id.id, &empty).await.unwrap(), created);
}

#[tokio::test]
async fn cleared_fields_are_gone_from_the_table() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let mut new = vehicle(&[]);
    new.make = Some(domain::Make::new("Tesla").unwrap());
    new.customer = Some(customer("Fleet"));
    let id = store.create_vehicle(by(caller, at(0)), &new, None).await.unwrap().id;
    let clear = UpdateVehicle { make: Patch::Clear, customer: Patch::Clear, ..Default::default() };
    let cleared = store.update_vehicle(by(caller, at(0)), id, &clear).await.unwrap();
    assert_eq!((&cleared.make, &cleared.customer), (&None, &None));
    assert_eq!(store.get_vehicle(caller, id).await.unwrap(), cleared);
}

#[tokio::test]
async fn pages_are_full_exact_and_in_order_whatever_is_created_meanwhile() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(
            store
                .create_access_id(by(caller, at(number)), &card(&format!("t{number}")), None)
                .await
                .unwrap()
                .access_id
                .id,
        );
    }
    for limit in [1, 2, 3, 6, 7, 100] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let listed =
                store.list_access_ids(caller, &Default::default(), &page(limit, cursor.as_deref())).await.unwrap();
            seen.extend(listed.records.iter().map(|linked| linked.access_id.id));
            assert!(listed.next_cursor.is_none() || listed.records.len() == limit);
            cursor = listed.next_cursor;
            if cursor.is_none() {
                break;
            }
            assert!(seen.len() < 7, "a next page has at least one record");
        }
        assert_eq!(seen, ids, "limit {limit}");
    }
    // one created during the walk comes last, and nothing is seen twice
    let first = store.list_access_ids(caller, &Default::default(), &page(4, None)).await.unwrap();
    ids.push(store.create_access_id(by(caller, at(50)), &card("late"), None).await.unwrap().access_id.id);
    let rest =
        store.list_access_ids(caller, &Default::default(), &page(100, first.next_cursor.as_deref())).await.unwrap();
    let walked: Vec<_> = first.records.iter().chain(&rest.records).map(|linked| linked.access_id.id).collect();
    assert_eq!(walked, ids);
}

#[tokio::test]
async fn a_cursor_of_another_list_or_organization_is_forged() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let (other, _) = &organization(store).await;
    for text in ["a", "b"] {
        store.create_access_id(by(caller, at(0)), &card(text), None).await.unwrap();
        store.create_vehicle(by(caller, at(0)), &vehicle(&[]), None).await.unwrap();
    }
    let cursor = store.list_access_ids(caller, &Default::default(), &page(1, None)).await.unwrap().next_cursor;
    let cursor = page(1, cursor.as_deref());
    assert!(store.list_access_ids(caller, &Default::default(), &cursor).await.is_ok());
    assert!(matches!(store.list_vehicles(caller, &Default::default(), &cursor).await, Err(Error::ForgedCursor)));
    assert!(matches!(store.list_access_ids(other, &Default::default(), &cursor).await, Err(Error::ForgedCursor)));
}

#[tokio::test]
async fn a_credential_opens_its_scope_until_it_is_revoked() {
    let Fixture { store, .. } = &Fixture::new().await;
    let organization = store.create_organization("Other", at(0)).await.unwrap();
    let new = store.create_credential(&organization.id, Scope::Api, "laptop", at(1)).await.unwrap();
    let caller = Credential::parse(&new.token, Scope::Api).unwrap();
    store.check(&caller).await.unwrap();
    let listed = store.credentials(&organization.id).await.unwrap();
    assert_eq!(
        (listed[0].id.as_str(), listed[0].label.as_str(), listed[0].revoked_at),
        (new.id.as_str(), "laptop", None)
    );
    store.revoke_credential(&new.id, at(2)).await.unwrap();
    assert_eq!(store.revoke_credential(&new.id, at(3)).await.unwrap().revoked_at, Some(at(2)));
    let id = Id::new(1).unwrap();
    assert!(matches!(store.check(&caller).await, Err(Error::Unauthorized)));
    assert!(matches!(store.get_access_id(&caller, id).await, Err(Error::Unauthorized)));
    assert!(matches!(
        store.list_vehicles(&caller, &Default::default(), &page(1, None)).await,
        Err(Error::Unauthorized)
    ));
    assert!(matches!(store.create_access_id(by(&caller, at(4)), &card("a"), None).await, Err(Error::Unauthorized)));

    let mut forged = new.token.clone();
    forged.replace_range(forged.len() - 1.., if forged.ends_with('a') { "b" } else { "a" });
    let forged = Credential::parse(&forged, Scope::Api).unwrap();
    assert!(matches!(store.check(&forged).await, Err(Error::Unauthorized)));
    assert!(matches!(store.revoke_credential("x.0123456789abcdef", at(0)).await, Err(Error::NotFound)));
    let nobody = "nobody".parse().unwrap();
    assert!(matches!(store.create_credential(&nobody, Scope::Api, "", at(0)).await, Err(Error::NotFound)));
    assert!(store.organizations().await.unwrap().contains(&organization));
}

#[tokio::test]
async fn an_idempotency_key_creates_once() {
    let Fixture { store, caller, .. } = &Fixture::new().await;
    let idempotency = |body: &[u8]| Idempotency::new("key 1".to_owned(), body);
    let new = NewAccessId {
        kind: AccessIdType::Vehicle,
        vehicle: VehicleLink::New(NewVehicleDetails::default()),
        ..card("a")
    };
    let first = store.create_access_id(by(caller, at(0)), &new, Some(&idempotency(b"1"))).await.unwrap();
    store.update_access_id(by(caller, at(1)), first.access_id.id, &status(Revoked)).await.unwrap();
    let again = store.create_access_id(by(caller, at(2)), &new, Some(&idempotency(b"1"))).await.unwrap();
    assert_eq!(again, first, "the first answer, not the record's state");
    let other = store.create_access_id(by(caller, at(2)), &card("b"), Some(&idempotency(b"2"))).await;
    assert!(matches!(other, Err(Error::IdempotencyKeyReused)));
    // the same key for a vehicle is another request
    store.create_vehicle(by(caller, at(2)), &vehicle(&[]), Some(&idempotency(b"1"))).await.unwrap();
    // a refusal is not remembered
    let refused = Idempotency::new("key 2".to_owned(), b"x");
    assert!(matches!(
        store.create_access_id(by(caller, at(3)), &card("a"), Some(&refused)).await,
        Err(Error::TagTaken(_))
    ));
    store.create_access_id(by(caller, at(3)), &card("c"), Some(&refused)).await.unwrap();
    // after a day it is forgotten, whether or not the table has removed it yet
    let day = 24 * 60 * 60 * 1_000;
    assert!(matches!(
        store.create_access_id(by(caller, at(day - 1)), &card("d"), Some(&idempotency(b"2"))).await,
        Err(Error::IdempotencyKeyReused)
    ));
    store.create_access_id(by(caller, at(day)), &card("d"), Some(&idempotency(b"2"))).await.unwrap();
}

#[tokio::test]
async fn without_a_table_everything_is_unavailable() {
    let fixture = Fixture::new().await;
    let Fixture { engine, store, decider, caller, rfid } = fixture;
    engine.shutdown().await;
    let started = std::time::Instant::now();
    assert!(matches!(decider.look_up(&rfid, Some(&tag("a")), None).await, Err(Error::Unavailable)));
    assert!(matches!(store.get_vehicle(&caller, Id::new(1).unwrap()).await, Err(Error::Unavailable)));
    assert!(started.elapsed() < std::time::Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(store.take_counts().failures == 1 && decider.take_counts().failures == 1);
}
