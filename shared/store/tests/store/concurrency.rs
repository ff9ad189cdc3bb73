//! What the store promises to callers that come at the same time, on a real engine.

use std::{collections::HashSet, time::Duration};

use domain::{
    AccessIdType, AuthorizationStatus, LinkedAccessId, NewAccessId, NewVehicleDetails, Patch, UpdateAccessId,
    VehicleChange, VehicleLink,
};
use futures_util::future::join_all;
use harness::{Fault, Recorder};
use store::{Error, Idempotency, Settings, Store};

use AuthorizationStatus::Revoked;

use crate::support::{Fixture, at, by, card, customer, name, page, status, vehicle};

#[tokio::test]
async fn parallel_creations_of_one_tag_leave_one() {
    let fixture = &Fixture::new().await;
    let tasks = (0..24).map(async |at_ms| {
        let new = NewAccessId { customer: Some(customer("New Fleet")), ..card("raced") };
        fixture.store.create_access_id(by(&fixture.caller, at(at_ms)), &new, None).await
    });
    let mut created = 0;
    for outcome in join_all(tasks).await {
        match outcome {
            Ok(_) => created += 1,
            Err(error) => assert!(matches!(error, Error::TagTaken(_)), "{error:?}"),
        }
    }
    assert_eq!(created, 1);
    let listed = fixture.store.list_access_ids(&fixture.caller, &Default::default(), &page(100, None)).await.unwrap();
    assert_eq!(listed.records.len(), 1);
}

#[tokio::test]
async fn parallel_creations_share_one_new_customer() {
    let fixture = &Fixture::new().await;
    let tasks = (0..12).map(async |number| {
        let spelling = if number % 2 == 0 { "ÉLAN Fleet" } else { "e\u{301}lan fleet" };
        let new = NewAccessId { customer: Some(customer(spelling)), ..card(&format!("t{number}")) };
        fixture.store.create_access_id(by(&fixture.caller, at(0)), &new, None).await.unwrap()
    });
    let mut spellings = HashSet::new();
    for created in join_all(tasks).await {
        spellings.insert(created.access_id.customer.unwrap().name().to_owned());
    }
    assert_eq!(spellings.len(), 1, "{spellings:?}");
}

#[tokio::test]
async fn parallel_updates_of_different_fields_are_all_kept() {
    let fixture = &Fixture::new().await;
    let new = NewAccessId {
        kind: AccessIdType::Vehicle,
        vehicle: VehicleLink::New(NewVehicleDetails::default()),
        ..card("a")
    };
    let id = fixture.store.create_access_id(by(&fixture.caller, at(0)), &new, None).await.unwrap().access_id.id;
    let change = |make, model, vin| VehicleChange::Change { make, model, vin };
    let set = |text: &str| Patch::Set(domain::Make::new(text).unwrap());
    let updates = [
        UpdateAccessId { name: Some(name("Renamed")), ..Default::default() },
        status(Revoked),
        UpdateAccessId { customer: Patch::Set(customer("Fleet")), ..Default::default() },
        UpdateAccessId { vehicle: change(set("Tesla"), Patch::Keep, Patch::Keep), ..Default::default() },
        UpdateAccessId { vehicle: change(Patch::Keep, set("Model 3"), Patch::Keep), ..Default::default() },
    ];
    let tasks = updates.iter().map(|update| fixture.store.update_access_id(by(&fixture.caller, at(5)), id, update));
    for updated in join_all(tasks).await {
        updated.unwrap();
    }
    let after = fixture.store.get_access_id(&fixture.caller, id).await.unwrap();
    let vehicle = after.vehicle.unwrap();
    assert_eq!((after.access_id.name.as_str(), after.access_id.status), ("Renamed", Revoked));
    assert_eq!(after.access_id.customer.unwrap().name(), "Fleet");
    assert_eq!((vehicle.make.unwrap().as_str(), vehicle.model.unwrap().as_str()), ("Tesla", "Model 3"));
    assert_eq!(vehicle.access_ids[0].status, Revoked);
}

/// A card's vehicle and its updates: the second reads the access ID, and then, after the first has changed it, its vehicle.
async fn overtaken(fixture: &Fixture, first: &UpdateAccessId, second: &UpdateAccessId) -> [LinkedAccessId; 2] {
    let Fixture { engine, store, caller, .. } = fixture;
    let new = NewAccessId {
        kind: AccessIdType::Vehicle,
        vehicle: VehicleLink::New(NewVehicleDetails::default()),
        ..card("a")
    };
    let id = store.create_access_id(by(caller, at(0)), &new, None).await.unwrap().access_id.id;
    let recorder = Recorder::start(engine.addr()).await.unwrap();
    let late = &Store::new(&Settings::local(&recorder.endpoint_url(), engine.table_name())).unwrap();
    recorder.inject(Fault::Delay(Duration::from_millis(200)).on("GetItem").times(1));
    let second = late.update_access_id(by(caller, at(2)), id, second);
    let first = async {
        while recorder.operations().last().is_none_or(|operation| operation != "GetItem") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.update_access_id(by(caller, at(1)), id, first).await
    };
    let (first, second) = tokio::join!(first, second);
    [first.unwrap(), second.unwrap()]
}

fn make(make: Patch<domain::Make>) -> VehicleChange {
    VehicleChange::Change { make, model: Patch::Keep, vin: Patch::Keep }
}

/// What the second was told to set the name to is what it has read, but no longer what is there.
#[tokio::test]
async fn an_update_between_the_two_reads_of_another_is_not_lost() {
    let fixture = &Fixture::new().await;
    let first = UpdateAccessId {
        name: Some(name("Other")),
        vehicle: make(Patch::Set(domain::Make::new("Tesla").unwrap())),
        ..Default::default()
    };
    let second = UpdateAccessId { name: Some(name("Card")), vehicle: make(Patch::Clear), ..Default::default() };
    let [_, second] = overtaken(fixture, &first, &second).await;
    let after = fixture.store.get_access_id(&fixture.caller, second.access_id.id).await.unwrap();
    assert_eq!(after, second);
    assert_eq!((after.access_id.name.as_str(), after.vehicle.unwrap().make), ("Card", None));
}

/// The second finds in the vehicle what it wants to be there: it writes nothing, and its answer is still of one moment.
#[tokio::test]
async fn an_update_that_changes_nothing_shows_one_moment() {
    let fixture = &Fixture::new().await;
    let vehicle = make(Patch::Set(domain::Make::new("Tesla").unwrap()));
    let second = UpdateAccessId { vehicle: vehicle.clone(), ..Default::default() };
    let first = UpdateAccessId { name: Some(name("Other")), vehicle, ..Default::default() };
    let [first, second] = overtaken(fixture, &first, &second).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_tag_raced_for_by_two_vehicles_goes_to_one() {
    let fixture = &Fixture::new().await;
    fixture.store.create_access_id(by(&fixture.caller, at(0)), &card("prize"), None).await.unwrap();
    let tasks = ["one", "two"].map(async |other| {
        fixture.store.create_vehicle(by(&fixture.caller, at(1)), &vehicle(&[other, "prize"]), None).await
    });
    let mut won = Vec::new();
    for outcome in join_all(tasks).await {
        match outcome {
            Ok(vehicle) => won.push(vehicle),
            Err(error) => assert!(matches!(error, Error::TagTaken(_)), "{error:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    let store = &fixture.store;
    assert_eq!(store.list_vehicles(&fixture.caller, &Default::default(), &page(10, None)).await.unwrap().records, won);
    assert_eq!(
        store.list_access_ids(&fixture.caller, &Default::default(), &page(10, None)).await.unwrap().records.len(),
        2
    );
}

#[tokio::test]
async fn parallel_requests_of_one_idempotency_key_all_get_the_first_answer() {
    let fixture = &Fixture::new().await;
    let tasks = (0..10).map(async |_| {
        let idempotency = Idempotency::new("key".to_owned(), b"body");
        let new = vehicle(&["a", "b"]);
        fixture.store.create_vehicle(by(&fixture.caller, at(0)), &new, Some(&idempotency)).await.unwrap()
    });
    let answers = join_all(tasks).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let listed = fixture.store.list_vehicles(&fixture.caller, &Default::default(), &page(10, None)).await.unwrap();
    assert_eq!(listed.records, answers[..1]);
}
