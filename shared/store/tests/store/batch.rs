//! Many access IDs in one request.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AccessIdType, AuthorizationStatus, Id, LinkedAccessId, NewAccessId, NewVehicleDetails, Patch, PutAccessId, Vehicle,
    VehicleChange, VehicleLink, spell_customers_alike,
};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use store::{BatchItem, BatchMode, Credential, Error, Store};
use tokio::time::{Instant, timeout};

use crate::{
    measure::{Table, text},
    support::{Fixture, at, by, card, customer, name, organization, page, tag, vehicle},
};

pub const WRITE: BatchMode = BatchMode { is_dry_run: false, time: Duration::from_secs(24) };
const TRY: BatchMode = BatchMode { is_dry_run: true, ..WRITE };

type Outcomes = Vec<Option<Result<BatchItem, Error>>>;

pub fn put(text: &str) -> PutAccessId {
    PutAccessId {
        tag: tag(text),
        kind: AccessIdType::Rfid,
        name: name("Card"),
        status: None,
        customer: Patch::Keep,
        vehicle: VehicleChange::Keep,
    }
}

fn make(make: &str) -> VehicleChange {
    VehicleChange::Change { make: Patch::Set(text(make)), model: Patch::Keep, vin: Patch::Keep }
}

fn words(outcomes: &Outcomes) -> Vec<&'static str> {
    let word = |outcome: &Option<Result<BatchItem, Error>>| match outcome {
        None => "send again",
        Some(Err(_)) => "error",
        Some(Ok(BatchItem { before: None, .. })) => "created",
        Some(Ok(BatchItem { before: Some(before), after })) if before == after => "unchanged",
        Some(Ok(_)) => "updated",
    };
    outcomes.iter().map(word).collect()
}

/// Sends a batch as a client does: again as long as the time or the table's failures leave something undone. Some engines
/// are that slow.
async fn send_until_done(store: &Store, caller: &Credential, puts: &[PutAccessId]) -> Outcomes {
    for number in 1..=20 {
        let outcomes = store.put_access_ids(by(caller, at(number)), puts, WRITE).await.unwrap();
        if !outcomes.iter().any(|outcome| matches!(outcome, None | Some(Err(Error::Unavailable)))) {
            return outcomes;
        }
    }
    panic!("it does not come to an end")
}

/// All access IDs of an organization by their tags, without what is chosen by the service.
async fn state(store: &Store, caller: &Credential) -> BTreeMap<String, String> {
    let (mut state, mut cursor) = (BTreeMap::new(), None::<String>);
    loop {
        let page = store.list_access_ids(caller, &Default::default(), &page(100, cursor.as_deref())).await.unwrap();
        state.extend(page.records.iter().map(|linked| (linked.access_id.tag.to_string(), shown(linked))));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return state;
        }
    }
}

fn shown(LinkedAccessId { access_id, vehicle }: &LinkedAccessId) -> String {
    let of_vehicle = |Vehicle { name, make, model, vin, customer, access_ids, .. }: &Vehicle| {
        let mut held: Vec<_> = access_ids.iter().map(|held| (held.tag.as_str(), held.status)).collect();
        held.sort_by_key(|(tag, _)| *tag);
        format!("{name} {make:?} {model:?} {vin:?} {customer:?} {held:?}")
    };
    let domain::AccessId { kind, name, status, customer, .. } = access_id;
    format!("{kind:?} {name} {status:?} {customer:?} {:?}", vehicle.as_ref().map(of_vehicle))
}

#[tokio::test]
async fn each_item_is_created_changed_or_left_as_it_is() {
    let Fixture { store, caller, engine: _engine, .. } = Fixture::new().await;
    store.create_access_id(by(&caller, at(0)), &card("same"), None).await.unwrap();
    let other = NewAccessId { customer: Some(customer("Fleet")), ..card("other") };
    let other = store.create_access_id(by(&caller, at(0)), &other, None).await.unwrap().access_id;
    let puts = [
        put("new"),
        put("same"),
        PutAccessId { status: Some(AuthorizationStatus::Revoked), ..put("other") },
        PutAccessId { kind: AccessIdType::Vehicle, ..put("same-type") },
        PutAccessId {
            vehicle: VehicleChange::Change { make: Patch::Keep, model: Patch::Keep, vin: Patch::Keep },
            ..put("own")
        },
    ];
    let outcomes = store.put_access_ids(by(&caller, at(5)), &puts, WRITE).await.unwrap();
    assert_eq!(words(&outcomes), ["created", "unchanged", "updated", "created", "error"]);
    let [.., Some(Err(Error::Update(domain::RefusedUpdate::VehicleOfRfid)))] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    let Some(Ok(updated)) = &outcomes[2] else { panic!("{outcomes:?}") };
    assert_eq!((updated.after.access_id.id, updated.after.access_id.revoked_at), (other.id, Some(at(5))));
    assert_eq!(updated.after.access_id.customer, other.customer);
    let of_other_type = [PutAccessId { kind: AccessIdType::Vehicle, ..put("same") }];
    let outcomes = store.put_access_ids(by(&caller, at(6)), &of_other_type, WRITE).await.unwrap();
    assert!(matches!(outcomes[0], Some(Err(Error::Update(domain::RefusedUpdate::OtherType)))), "{outcomes:?}");
    assert_eq!(state(&store, &caller).await.len(), 4);
}

#[tokio::test]
async fn a_credential_that_does_not_hold_changes_nothing() {
    let Fixture { store, caller, engine: _engine, .. } = Fixture::new().await;
    let token = format!("api_{}_{}", caller.organization, "a".repeat(43));
    let unknown = Credential::parse(&token, store::Scope::Api).unwrap();
    for puts in [vec![], vec![put("a")]] {
        let refused = store.put_access_ids(by(&unknown, at(0)), &puts, WRITE).await;
        assert!(matches!(refused, Err(Error::Unauthorized)), "{refused:?}");
    }
    assert!(state(&store, &caller).await.is_empty());
}

/// Of three items that want the last two places of a vehicle the first two get them, and a dry run says so.
#[tokio::test]
async fn items_of_one_vehicle_are_carried_out_in_their_order() {
    let Fixture { store, caller, engine: _engine, .. } = Fixture::new().await;
    let tags: Vec<_> = (0..40).map(|number| format!("a{number}")).collect();
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    let van = store.create_vehicle(by(&caller, at(0)), &vehicle(&tags), None).await.unwrap().id;
    let linked = |number| PutAccessId { kind: AccessIdType::Vehicle, vehicle: VehicleChange::Link(van), ..put(number) };
    let numbers: Vec<_> = (0..58).map(|number| format!("b{number}")).collect();
    let puts: Vec<_> = numbers.iter().map(|number| linked(number)).collect();
    send_until_done(&store, &caller, &puts).await;
    assert_eq!(store.get_vehicle(&caller, van).await.unwrap().access_ids.len(), 98);
    let puts = ["c1", "c2", "c3"].map(linked);
    let outcomes = store.put_access_ids(by(&caller, at(2)), &puts, TRY).await.unwrap();
    assert_eq!(words(&outcomes), ["created", "created", "error"]);
    let outcomes = send_until_done(&store, &caller, &puts).await;
    assert!(matches!(outcomes[..], [Some(Ok(_)), Some(Ok(_)), Some(Err(_))]), "{outcomes:?}");
}

/// An item as a test may ask for it; numbers choose the tag and the vehicle.
fn items() -> impl Strategy<Value = Vec<(usize, PutAccessId, Option<usize>)>> {
    let customers = prop_oneof![
        2 => Just(Patch::Keep),
        1 => Just(Patch::Clear),
        3 => prop::sample::select(vec!["Fleet", "FLEET", "New", "new"]).prop_map(|name| Patch::Set(customer(name))),
    ];
    let makes = prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        prop::sample::select(vec!["Tesla", "Toyota"]).prop_map(|make| Patch::Set(text(make))),
    ];
    let vehicles = prop_oneof![
        3 => Just((VehicleChange::Keep, None)),
        1 => Just((VehicleChange::Clear, None)),
        1 => Just((VehicleChange::Unlink, None)),
        3 => (0..3_usize).prop_map(|number| (VehicleChange::Keep, Some(number))),
        3 => makes.prop_map(|make| (VehicleChange::Change { make, model: Patch::Keep, vin: Patch::Clear }, None)),
    ];
    let kinds = prop::sample::select(vec![AccessIdType::Rfid, AccessIdType::Vehicle, AccessIdType::Vehicle]);
    let statuses =
        prop::option::of(prop::sample::select(vec![AuthorizationStatus::Authorized, AuthorizationStatus::Revoked]));
    let names = prop::sample::select(vec!["Card", "Van"]).prop_map(name);
    let item = (0..10_usize, kinds, names, statuses, customers, vehicles).prop_map(
        |(number, kind, name, status, customer, (vehicle, link))| {
            let tag = tag(&format!("t{number}"));
            (number, PutAccessId { tag, kind, name, status, customer, vehicle }, link)
        },
    );
    prop::collection::vec(item, 1..9)
}

/// An organization with cards t0 and t1, vehicles' access IDs t2 to t5, and vehicles, the first with t2 and t3.
async fn fleet(store: &Store) -> (Credential, Vec<Id>) {
    let (caller, _) = organization(store).await;
    let create = async |new: NewAccessId| store.create_access_id(by(&caller, at(0)), &new, None).await.unwrap();
    create(card("t0")).await;
    create(NewAccessId { customer: Some(customer("Fleet")), ..card("t1") }).await;
    let details = NewVehicleDetails { make: Some(text("Tesla")), ..Default::default() };
    let new = |tag: &str, vehicle| NewAccessId { kind: AccessIdType::Vehicle, vehicle, name: name("Van"), ..card(tag) };
    let first = create(new("t2", VehicleLink::New(details.clone()))).await.vehicle.unwrap().id;
    create(new("t3", VehicleLink::Existing(first))).await;
    let second = create(new("t4", VehicleLink::New(details))).await.vehicle.unwrap().id;
    create(new("t5", VehicleLink::None)).await;
    (caller, vec![first, second, Id::new(7).unwrap()])
}

fn puts(items: Vec<(usize, PutAccessId, Option<usize>)>, vehicles: &[Id]) -> Vec<PutAccessId> {
    let by_tag: BTreeMap<_, _> = items.into_iter().map(|(number, put, link)| (number, (put, link))).collect();
    let put = |(put, link): (PutAccessId, Option<usize>)| {
        let vehicle = link.map_or(put.vehicle, |link| VehicleChange::Link(vehicles[link]));
        PutAccessId { vehicle, ..put }
    };
    let mut puts: Vec<_> = by_tag.into_values().rev().map(put).collect();
    spell_customers_alike(puts.iter_mut());
    puts
}

/// `CASES=1000 cargo test -p store a_dry_run` tries more.
#[tokio::test]
async fn a_dry_run_says_exactly_what_the_next_request_does() {
    let Table { store, recorder, engine: _engine, .. } = Table::new().await.unwrap();
    let mut runner = TestRunner::new(Config::default());
    let mut seen = BTreeMap::<_, u32>::new();
    let cases = std::env::var("CASES").map_or(30, |cases| cases.parse().unwrap());
    // Most of the time is spent on making the records, so each organization gets one batch after the other.
    const BATCHES: u32 = 3;
    for _ in 0..cases / BATCHES {
        let (caller, vehicles) = fleet(&store).await;
        let mut before = state(&store, &caller).await;
        for time in (0..BATCHES).map(|batch| i64::from(9 + 2 * batch)) {
            let puts = puts(items().new_tree(&mut runner).unwrap().current(), &vehicles);
            recorder.clear();
            let predicted = store.put_access_ids(by(&caller, at(time)), &puts, TRY).await.unwrap();
            let operations = recorder.operations();
            assert!(!operations.iter().any(|operation| operation.contains("Write")), "a dry run writes nothing");
            assert_eq!(state(&store, &caller).await, before);
            let done = store.put_access_ids(by(&caller, at(time)), &puts, WRITE).await.unwrap();
            assert_eq!(words(&predicted), words(&done), "{puts:#?}");
            for ((put, predicted), done) in puts.iter().zip(&predicted).zip(&done) {
                match (predicted.as_ref().unwrap(), done.as_ref().unwrap()) {
                    (Ok(predicted), Ok(done)) => {
                        // The numbers of what other items create differ.
                        assert_eq!(predicted.before.as_ref().map(shown), done.before.as_ref().map(shown), "{put:?}");
                        assert_eq!(shown(&predicted.after), shown(&done.after), "{put:?}");
                    }
                    (predicted, done) => assert_eq!(format!("{predicted:?}"), format!("{done:?}"), "{put:?}"),
                }
            }
            // The same again comes to the same.
            let after = state(&store, &caller).await;
            let again = store.put_access_ids(by(&caller, at(time + 1)), &puts, WRITE).await.unwrap();
            words(&done).into_iter().chain(words(&again)).for_each(|word| *seen.entry(word).or_default() += 1);
            assert_eq!(state(&store, &caller).await, after, "{puts:#?}");
            before = after;
        }
    }
    assert!(["created", "updated", "unchanged", "error"].iter().all(|word| seen[word] > 3), "{seen:?}");
}

/// Interrupted again and again, by the caller's end or by that of the connections, a batch ends as one that was not.
#[tokio::test]
async fn a_batch_that_was_interrupted_is_sent_again() {
    let Table { store, recorder, engine: _engine, .. } = Table::new().await.unwrap();
    let batch = |vehicles: &[Id]| {
        let mut puts: Vec<_> = (0..30)
            .map(|number| PutAccessId {
                customer: Patch::Set(customer(["Fleet", "New", "Newer"][number % 3])),
                kind: AccessIdType::Vehicle,
                vehicle: [make("Toyota"), VehicleChange::Link(vehicles[0]), VehicleChange::Keep][number % 3].clone(),
                status: Some(AuthorizationStatus::Revoked),
                ..put(&format!("t{}", number + 2))
            })
            .collect();
        spell_customers_alike(puts.iter_mut());
        puts
    };
    let (caller, vehicles) = fleet(&store).await;
    let outcomes = store.put_access_ids(by(&caller, at(1)), &batch(&vehicles), WRITE).await.unwrap();
    assert!(words(&outcomes).iter().all(|word| ["created", "updated"].contains(word)), "{outcomes:?}");
    let expected = state(&store, &caller).await;
    let count = async |caller: &Credential| {
        let vehicles = store.list_vehicles(caller, &Default::default(), &page(100, None)).await.unwrap();
        let customers = store.list_customers(caller, None, &page(100, None)).await.unwrap();
        (vehicles.records.len(), customers.records.len())
    };
    let expected_counts = count(&caller).await;
    let mut runner = TestRunner::new(Config::default());
    let mut interrupted = 0;
    for round in 0..6 {
        let (caller, vehicles) = fleet(&store).await;
        let puts = batch(&vehicles);
        for attempt in 0..6 {
            let time = (1..60_u64).new_tree(&mut runner).unwrap().current();
            let run = store.put_access_ids(by(&caller, at(attempt)), &puts, WRITE);
            if round % 2 == 0 {
                interrupted += u32::from(timeout(Duration::from_millis(time), run).await.is_err());
            } else {
                let cut = async {
                    tokio::time::sleep(Duration::from_millis(time)).await;
                    recorder.cut();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    recorder.heal();
                };
                let (outcomes, ()) = tokio::join!(run, cut);
                interrupted += u32::from(outcomes.is_err());
            }
        }
        let outcomes = store.put_access_ids(by(&caller, at(9)), &puts, WRITE).await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Some(Ok(_)))), "{outcomes:?}");
        assert_eq!(state(&store, &caller).await, expected);
        assert_eq!(count(&caller).await, expected_counts);
    }
    assert!(interrupted > 5, "a test of little: {interrupted}");
}

#[tokio::test]
async fn what_does_not_fit_into_the_time_is_sent_again() {
    let Fixture { store, caller, engine: _engine, .. } = Fixture::new().await;
    let puts: Vec<_> = (0..200).map(|number| put(&format!("card-{number}"))).collect();
    let mut mode = BatchMode { time: Duration::from_millis(100), ..WRITE };
    let (mut requests, mut left) = (0, true);
    while left {
        let outcomes = store.put_access_ids(by(&caller, at(requests)), &puts, mode).await;
        left = outcomes
            .map_or(true, |outcomes| words(&outcomes).iter().any(|word| ["send again", "error"].contains(word)));
        requests += 1;
        // A machine that does more besides needs more.
        mode.time = mode.time * 5 / 4;
        assert!(requests < 30, "it does not converge");
    }
    assert!(requests > 1, "all fitted into the time");
    assert_eq!(state(&store, &caller).await.len(), 200);
}

/// How long 1,000 items take: `cargo test -p store -- --ignored --nocapture a_thousand`.
#[tokio::test]
#[ignore = "a measurement"]
async fn a_thousand_items_take() {
    let Fixture { store, caller, engine: _engine, .. } = Fixture::new().await;
    let fleet = Patch::Set(customer("Fleet"));
    let cards = |name_of: &str| -> Vec<_> {
        let of =
            |number| PutAccessId { name: name(name_of), customer: fleet.clone(), ..put(&format!("card-{number}")) };
        (0..1_000).map(of).collect()
    };
    let vans: Vec<_> = (0..1_000)
        .map(|number| PutAccessId {
            kind: AccessIdType::Vehicle,
            vehicle: make("Tesla"),
            ..put(&format!("van-{number}"))
        })
        .collect();
    for (case, puts) in [
        ("new cards", cards("Card")),
        ("the same again", cards("Card")),
        ("another name", cards("Other")),
        ("new vehicles", vans.clone()),
        ("the same again", vans),
    ] {
        let began = Instant::now();
        let outcomes = store.put_access_ids(by(&caller, at(0)), &puts, WRITE).await.unwrap();
        println!("1,000 {case}: {:.2} s", began.elapsed().as_secs_f64());
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Some(Ok(_)))));
    }
}
