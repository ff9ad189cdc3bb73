//! Random calls from several tasks at once, in two organizations, with and without faults between the store and the
//! table: every history must be one that the model of `model.rs` explains, and what the table holds at the
//! end must be one of the states that the model can be in.

use std::{cell::Cell, cell::RefCell, collections::BTreeSet, time::Duration};

use domain::{
    AccessIdType, AuthorizationStatus, Id, LinkedAccessId, Make, NewAccessId, NewVehicle, NewVehicleDetails, Patch,
    RequestedTag, UpdateAccessId, UpdateVehicle, VehicleChange, VehicleLink,
};
use engine::Engine;
use futures_util::future::join_all;
use harness::{Fault, Recorder};
use proptest::{collection::vec, prelude::*};
use store::{Credential, Decider, Decision, Error, Settings, Store};

use crate::{
    model::{AccessId, Call, Change, Field, Link, Made, Model, Outcome, Vehicle, explanations, is_same_customer},
    support::{at, customer, name, organization, page, tag},
};

const CUSTOMERS: [&str; 4] = ["Fleet Ä", "fleet a\u{308}", "Other", "OTHER"];

fn number(text: &str) -> u8 {
    text.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap()
}

fn customer_number(customer: &domain::Customer) -> u8 {
    let composed = |text: &str| domain::Customer::new(text).unwrap().name().to_owned();
    let at = CUSTOMERS.iter().position(|spelling| composed(spelling) == customer.name()).unwrap();
    u8::try_from(at).unwrap()
}

fn status(revoked: bool) -> AuthorizationStatus {
    if revoked { AuthorizationStatus::Revoked } else { AuthorizationStatus::Authorized }
}

fn make(number: u8) -> Make {
    Make::new(&format!("make {number}")).unwrap()
}

fn patch<T>(field: Field, value: impl FnOnce(u8) -> T) -> Patch<T> {
    match field {
        Field::Keep => Patch::Keep,
        Field::Clear => Patch::Clear,
        Field::Set(number) => Patch::Set(value(number)),
    }
}

fn named(number: u8) -> domain::Customer {
    customer(CUSTOMERS[usize::from(number)])
}

fn seen_access_id(access_id: &domain::AccessId) -> AccessId {
    AccessId {
        id: access_id.id.get(),
        tag: number(access_id.tag.as_str()),
        is_card: access_id.kind == AccessIdType::Rfid,
        name: number(access_id.name.as_str()),
        revoked: access_id.status == AuthorizationStatus::Revoked,
        authorized_at: access_id.authorized_at,
        revoked_at: access_id.revoked_at,
        created_at: access_id.created_at,
        updated_at: access_id.updated_at,
        vehicle: access_id.vehicle.map(Id::get),
        customer: access_id.customer.as_ref().map(customer_number),
    }
}

fn seen_vehicle(vehicle: &domain::Vehicle) -> Outcome {
    let shown = |summary: &domain::AccessIdSummary| {
        (summary.id.get(), number(summary.tag.as_str()), summary.status == AuthorizationStatus::Revoked)
    };
    Outcome::Vehicle {
        id: vehicle.id.get(),
        vehicle: Vehicle {
            name: number(vehicle.name.as_str()),
            make: vehicle.make.as_ref().map(|make| number(make.as_str())),
            customer: vehicle.customer.as_ref().map(customer_number),
        },
        access_ids: vehicle.access_ids.iter().map(shown).collect(),
    }
}

/// One organization under test and what was called in it.
struct World<'a> {
    store: &'a Store,
    decider: &'a Decider,
    caller: Credential,
    rfid: Credential,
    moment: &'a Cell<usize>,
    history: RefCell<Vec<Made>>,
    access_ids: RefCell<Vec<u64>>,
    vehicles: RefCell<Vec<u64>>,
}

impl World<'_> {
    /// The call with the ids that it can know by now: of those that have been handed out, or one that nobody has.
    fn concrete(&self, mut call: Call) -> Call {
        let pick = |known: &RefCell<Vec<u64>>, wanted: u64| {
            let known = known.borrow();
            if known.is_empty() || wanted % 16 == 15 {
                7
            } else {
                known[usize::try_from(wanted).unwrap() % known.len()]
            }
        };
        match &mut call {
            Call::UpdateAccessId { id, .. } | Call::GetAccessId { id } => *id = pick(&self.access_ids, *id),
            Call::UpdateVehicle { id, .. } | Call::GetVehicle { id } => *id = pick(&self.vehicles, *id),
            Call::CreateAccessId { vehicle: Link::Existing(id), .. } => *id = pick(&self.vehicles, *id),
            Call::CreateAccessId { .. } | Call::CreateVehicle { .. } | Call::Decide { .. } => {}
        }
        call
    }

    fn tick(&self) -> usize {
        self.moment.set(self.moment.get() + 1);
        self.moment.get()
    }

    async fn make(&self, call: Call) {
        let call = self.concrete(call);
        let began = self.tick();
        let now = at(i64::try_from(began).unwrap());
        let (outcome, ids) = match self.send(&call, now).await {
            Ok((outcome, ids)) => (Some(outcome), ids),
            Err(Error::NotFound) => (Some(Outcome::NotFound), vec![]),
            Err(Error::TagTaken) => (Some(Outcome::TagTaken), vec![]),
            Err(Error::Link(_) | Error::Update(_)) => (Some(Outcome::Refused), vec![]),
            Err(Error::Unavailable) => (None, vec![]),
            Err(error) => panic!("{call:?}: {error:?}"),
        };
        let ended = self.tick();
        self.history.borrow_mut().push(Made { call, now, began, ended, outcome, ids });
    }

    async fn send(&self, call: &Call, now: domain::Timestamp) -> Result<(Outcome, Vec<u64>), Error> {
        let Self { store, caller, .. } = self;
        let id = |number: u64| Id::new(number).unwrap();
        match call {
            Call::CreateAccessId { tag: number, is_card, name: called, revoked, customer, vehicle } => {
                let new = NewAccessId {
                    tag: tag(&format!("TAG-{number}")),
                    kind: if *is_card { AccessIdType::Rfid } else { AccessIdType::Vehicle },
                    name: name(&format!("name {called}")),
                    status: status(*revoked),
                    customer: customer.map(named),
                    vehicle: match vehicle {
                        Link::None => VehicleLink::None,
                        Link::New { make: given } => {
                            VehicleLink::New(NewVehicleDetails { make: given.map(make), ..Default::default() })
                        }
                        Link::Existing(number) => VehicleLink::Existing(id(*number)),
                    },
                };
                self.seen(store.create_access_id(caller, &new, None, now).await?, matches!(vehicle, Link::New { .. }))
            }
            Call::UpdateAccessId { id: number, name: called, revoked, customer, vehicle } => {
                let update = UpdateAccessId {
                    name: called.map(|called| name(&format!("name {called}"))),
                    status: revoked.map(status),
                    customer: patch(*customer, named),
                    vehicle: match vehicle {
                        Change::Keep => VehicleChange::Keep,
                        Change::Unlink => VehicleChange::Unlink,
                        Change::Make(field) => {
                            VehicleChange::Change { make: patch(*field, make), model: Patch::Keep, vin: Patch::Keep }
                        }
                    },
                };
                self.seen(store.update_access_id(caller, id(*number), &update, now).await?, true)
            }
            Call::CreateVehicle { name: called, customer, tags } => {
                let requested = |(number, revoked): &(u8, Option<bool>)| RequestedTag {
                    tag: tag(&format!("tag-{number}")),
                    status: revoked.map(status),
                };
                let new = NewVehicle {
                    name: name(&format!("name {called}")),
                    make: None,
                    model: None,
                    vin: None,
                    license_plate: None,
                    customer: customer.map(named),
                    tags: tags.iter().map(requested).collect(),
                };
                let vehicle = store.create_vehicle(caller, &new, None, now).await?;
                self.vehicles.borrow_mut().push(vehicle.id.get());
                let known: BTreeSet<u64> = self.access_ids.borrow().iter().copied().collect();
                let mut made = vec![vehicle.id.get()];
                // new access IDs have later ids than all that the vehicle links, and come in the order of the tags
                for (number, _) in tags {
                    let text = format!("tag-{number}");
                    let summary = vehicle.access_ids.iter().find(|summary| summary.tag.as_str() == text).unwrap();
                    if summary.id > vehicle.id {
                        made.push(summary.id.get());
                    }
                    if !known.contains(&summary.id.get()) {
                        self.access_ids.borrow_mut().push(summary.id.get());
                    }
                }
                Ok((seen_vehicle(&vehicle), made))
            }
            Call::UpdateVehicle { id: number, name: called, make: field, customer } => {
                let update = UpdateVehicle {
                    name: called.map(|called| name(&format!("name {called}"))),
                    make: patch(*field, make),
                    customer: patch(*customer, named),
                    ..Default::default()
                };
                Ok((seen_vehicle(&store.update_vehicle(caller, id(*number), &update).await?), vec![]))
            }
            Call::GetAccessId { id: number } => {
                let linked = store.get_access_id(caller, id(*number)).await?;
                Ok((Outcome::AccessId(seen_access_id(&linked.access_id)), vec![]))
            }
            Call::GetVehicle { id: number } => {
                Ok((seen_vehicle(&store.get_vehicle(caller, id(*number)).await?), vec![]))
            }
            Call::Decide { tag: asked } => {
                let decision = self.decider.decide(&self.rfid, Some(&tag(&format!("tag-{asked}")))).await?;
                let outcome = match decision {
                    Decision::Unknown => Outcome::Unknown,
                    Decision::Revoked => Outcome::Revoked,
                    Decision::Unreadable => panic!("nothing else writes here"),
                    Decision::Authorized { id, name, kind } => {
                        Outcome::Authorized { id: id.get(), name: number(&name), is_card: kind == AccessIdType::Rfid }
                    }
                };
                Ok((outcome, vec![]))
            }
        }
    }

    fn seen(&self, linked: LinkedAccessId, may_make_vehicle: bool) -> Result<(Outcome, Vec<u64>), Error> {
        let id = linked.access_id.id.get();
        if !self.access_ids.borrow().contains(&id) {
            self.access_ids.borrow_mut().push(id);
        }
        let mut made = vec![id];
        if let Some(vehicle) = linked.vehicle.filter(|_| may_make_vehicle) {
            made.push(vehicle.id.get());
            if !self.vehicles.borrow().contains(&vehicle.id.get()) {
                self.vehicles.borrow_mut().push(vehicle.id.get());
            }
        }
        Ok((Outcome::AccessId(seen_access_id(&linked.access_id)), made))
    }

    /// What the lists show when all is quiet.
    async fn state(&self) -> Model {
        let mut model = Model::default();
        let mut cursor = None;
        loop {
            let listed = self.store.list_access_ids(&self.caller, &page(3, cursor.as_deref())).await.unwrap();
            for linked in listed.records {
                let access_id = seen_access_id(&linked.access_id);
                assert_eq!(linked.vehicle.is_some(), access_id.vehicle.is_some());
                let before = model.access_ids.insert(access_id.id, access_id);
                assert_eq!(before, None, "listed once");
            }
            cursor = listed.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let listed = self.store.list_vehicles(&self.caller, &page(100, None)).await.unwrap();
        for vehicle in &listed.records {
            let seen = seen_vehicle(vehicle);
            let Outcome::Vehicle { id, vehicle, .. } = seen.clone() else { panic!("{seen:?}") };
            model.vehicles.insert(id, vehicle);
            assert_eq!(model.vehicle(id), seen, "both sides agree");
        }
        let mut tags = BTreeSet::new();
        for access_id in model.access_ids.values() {
            assert!(tags.insert(access_id.tag), "a tag is there once");
            let decided = self.send(&Call::Decide { tag: access_id.tag }, at(0)).await.unwrap().0;
            let expected = model.clone().carry_out(&Call::Decide { tag: access_id.tag }, &[], at(0));
            assert_eq!(decided, expected, "the decision agrees with the record");
        }
        model
    }

    async fn check(&self) {
        let history = self.history.take();
        let explained = explanations(&history);
        assert!(!explained.is_empty(), "no order explains {history:#?}");
        let mut state = self.state().await;
        let agrees = explained.iter().any(|model| {
            // which customers exist shows in the records alone
            state.customers.clone_from(&model.customers);
            *model == state
        });
        assert!(agrees, "the table holds {state:#?}, after {history:#?}");
        let spellings = state.access_ids.values().filter_map(|access_id| access_id.customer);
        let spellings: Vec<u8> = spellings.chain(state.vehicles.values().filter_map(|v| v.customer)).collect();
        for one in &spellings {
            let same = spellings.iter().filter(|other| is_same_customer(*one, **other));
            assert!(same.clone().all(|other| other == one), "one customer, one spelling");
        }
    }
}

fn field(values: u8) -> impl Strategy<Value = Field> {
    prop_oneof![2 => Just(Field::Keep), 1 => Just(Field::Clear), 3 => (0..values).prop_map(Field::Set)]
}

fn call() -> impl Strategy<Value = Call> {
    let link = prop_oneof![
        2 => Just(Link::None),
        2 => proptest::option::of(0..3_u8).prop_map(|make| Link::New { make }),
        2 => any::<u64>().prop_map(Link::Existing),
    ];
    let change = prop_oneof![2 => Just(Change::Keep), 1 => Just(Change::Unlink), 3 => field(3).prop_map(Change::Make)];
    let customer = || proptest::option::of(0..4_u8);
    let tags = vec((0..5_u8, proptest::option::of(any::<bool>())), 0..4).prop_map(|mut tags| {
        let mut seen = BTreeSet::new();
        tags.retain(|(tag, _)| seen.insert(*tag));
        tags
    });
    let name = || proptest::option::of(0..3_u8);
    prop_oneof![
        4 => (0..5_u8, any::<bool>(), 0..3_u8, any::<bool>(), customer(), link).prop_map(
            |(tag, is_card, name, revoked, customer, vehicle)| Call::CreateAccessId {
                tag,
                // a card is created without a vehicle
                is_card: is_card && vehicle == Link::None,
                name,
                revoked,
                customer,
                vehicle,
            }
        ),
        6 => (any::<u64>(), name(), proptest::option::of(any::<bool>()), field(4), change).prop_map(
            |(id, name, revoked, customer, vehicle)| Call::UpdateAccessId { id, name, revoked, customer, vehicle }
        ),
        3 => (0..3_u8, customer(), tags)
            .prop_map(|(name, customer, tags)| Call::CreateVehicle { name, customer, tags }),
        3 => (any::<u64>(), name(), field(3), field(4))
            .prop_map(|(id, name, make, customer)| Call::UpdateVehicle { id, name, make, customer }),
        1 => any::<u64>().prop_map(|id| Call::GetAccessId { id }),
        1 => any::<u64>().prop_map(|id| Call::GetVehicle { id }),
        2 => (0..5_u8).prop_map(|tag| Call::Decide { tag }),
    ]
}

/// What may happen to a request on its way.
fn fault() -> impl Strategy<Value = (Fault, usize)> {
    let kind = prop_oneof![
        3 => Just(Fault::cancelled(&["TransactionConflict", "None"])),
        2 => Just(Fault::error(400, "ThrottlingException", "slow down")),
        1 => Just(Fault::error(500, "InternalServerError", "oops")),
        3 => Just(Fault::ResetAfter),
        2 => Just(Fault::ResetBefore),
        1 => Just(Fault::Delay(Duration::from_millis(20))),
    ];
    (kind, 0..40_usize)
}

/// Makes the calls of each task in turn, the tasks at once, and checks each organization's history.
fn run(organizations: &[Vec<Vec<Call>>], faults: &[(Fault, usize)]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Engine::in_memory().await.unwrap();
        let recorder = Recorder::start(engine.addr()).await.unwrap();
        let settings = Settings::local(&recorder.endpoint_url(), engine.table_name());
        let (store, decider) = (&Store::new(&settings).unwrap(), &Decider::new(&settings).unwrap());
        let moment = &Cell::new(0);
        let mut worlds = Vec::new();
        for _ in organizations {
            let (caller, rfid) = organization(store).await;
            worlds.push(World {
                store,
                decider,
                caller,
                rfid,
                moment,
                history: RefCell::default(),
                access_ids: RefCell::default(),
                vehicles: RefCell::default(),
            });
        }
        for (fault, after) in faults {
            recorder.inject(fault.clone().on("TransactWriteItems").times(1).after(*after));
        }
        let tasks = worlds.iter().zip(organizations).flat_map(|(world, tasks)| {
            tasks.iter().map(async move |calls| {
                for call in calls {
                    world.make(call.clone()).await;
                }
            })
        });
        join_all(tasks).await;
        recorder.heal();
        for world in &worlds {
            world.check().await;
        }
    });
}

fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn one_task_sees_exactly_the_model(calls in vec(call(), 1..40)) {
        run(&[vec![calls]], &[]);
    }

    #[test]
    fn tasks_at_once_see_some_order_of_their_calls(
        ours in vec(vec(call(), 1..7), 2..5),
        theirs in vec(vec(call(), 1..5), 1..2),
    ) {
        run(&[ours, theirs], &[]);
    }

    #[test]
    fn faults_on_the_way_leave_one_effect_or_none(
        ours in vec(vec(call(), 1..7), 2..5),
        faults in vec(fault(), 1..8),
    ) {
        run(&[ours], &faults);
    }
}
