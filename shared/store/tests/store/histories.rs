//! Random calls from several tasks at once, in two organizations, with and without faults between the store and the
//! table: every history must be one that the model explains, and what the table holds at the
//! end must be one of the states that the model can be in.

mod terms;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    time::Duration,
};

use domain::{
    AccessIdLabel, AccessIdType, ChargeBox, Decision, Id, NewAccessId, NewVehicle, NewVehicleDetails, Patch, Question,
    Reason, RequestType, RequestedTag, UpdateAccessId, UpdateVehicle, VehicleChange, VehicleLink,
};
use engine::Engine;
use futures_util::future::join_all;
use harness::{Fault, Recorder};
use model::{Call, Change, Known, Link, Made, Model, Outcome, Remembered, Rules, call, explain, is_same_customer};
use proptest::{collection::vec, prelude::*};
use store::{Credential, Decider, Error, JournalSettings, Settings, Store};

use self::terms::*;
use crate::support::{at, by, name, organization, page, tag};

/// One organization under test and what was called in it.
struct World<'a> {
    store: &'a Store,
    decider: &'a Decider,
    caller: Credential,
    rfid: Credential,
    moment: &'a Cell<usize>,
    history: RefCell<Vec<Made>>,
    known: RefCell<Known>,
}

impl World<'_> {
    fn tick(&self) -> usize {
        self.moment.set(self.moment.get() + 1);
        self.moment.get()
    }

    async fn make(&self, call: Call) {
        let call = self.known.borrow_mut().concrete(call);
        let began = self.tick();
        let now = at(i64::try_from(began).unwrap());
        let outcome = match self.send(&call, now).await {
            Ok(outcome) => Some(outcome),
            Err(Error::NotFound) => Some(Outcome::NotFound),
            Err(Error::TagTaken(taken)) => {
                let taken = taken.conflicts.iter().map(|conflict| (conflict.index, conflict.access_id.get()));
                Some(Outcome::TagTaken(taken.collect()))
            }
            Err(Error::VehicleInUse(_)) => Some(Outcome::InUse),
            Err(Error::IdempotencyKeyReused) => Some(Outcome::KeyReused),
            Err(Error::Link(_) | Error::Update(_)) => Some(Outcome::Refused),
            Err(Error::Unavailable) => None,
            Err(error) => panic!("{call:?}: {error:?}"),
        };
        outcome.iter().for_each(|outcome| self.known.borrow_mut().learn(outcome));
        let ended = self.tick();
        let now = now.timestamp_millis();
        let mut history = self.history.borrow_mut();
        let mut push = |call, outcome| {
            history.push(Made { call, from: now, to: now, began, ended, outcome, changed: None });
        };
        match outcome {
            // a read without an answer is as if it had not been
            None if call.is_read() => {}
            Some(outcome) => outcome.split(&call).into_iter().for_each(|(call, outcome)| push(call, Some(outcome))),
            None => push(call, None),
        }
    }

    async fn send(&self, call: &Call, now: domain::Timestamp) -> Result<Outcome, Error> {
        let Self { store, caller, .. } = self;
        let id = |number: u64| Id::new(number).unwrap();
        match call {
            Call::CreateAccessId { tag: number, is_card, name: called, revoked, customer, vehicle, key: _ } => {
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
                Ok(seen(&store.create_access_id(by(caller, now), &new, idempotency(call).as_ref()).await?))
            }
            Call::UpdateAccessId { id: number, name: called, revoked, customer, vehicle } => {
                let update = UpdateAccessId {
                    kind: None,
                    name: called.map(|called| name(&format!("name {called}"))),
                    status: revoked.map(status),
                    customer: patch(*customer, named),
                    vehicle: match vehicle {
                        Change::Keep => VehicleChange::Keep,
                        Change::Clear => VehicleChange::Clear,
                        Change::Unlink => VehicleChange::Unlink,
                        Change::Link(number) => VehicleChange::Link(id(*number)),
                        Change::Make(field) => {
                            VehicleChange::Change { make: patch(*field, make), model: Patch::Keep, vin: Patch::Keep }
                        }
                    },
                };
                Ok(seen(&store.update_access_id(by(caller, now), id(*number), &update).await?))
            }
            Call::CreateVehicle { name: called, customer, tags, key: _ } => {
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
                Ok(seen_vehicle(&store.create_vehicle(by(caller, now), &new, idempotency(call).as_ref()).await?))
            }
            Call::UpdateVehicle { id: number, name: called, make: field, customer } => {
                let update = UpdateVehicle {
                    name: called.map(|called| name(&format!("name {called}"))),
                    make: patch(*field, make),
                    customer: patch(*customer, named),
                    ..Default::default()
                };
                Ok(seen_vehicle(&store.update_vehicle(by(caller, at(0)), id(*number), &update).await?))
            }
            Call::GetAccessId { id: number } => Ok(seen(&store.get_access_id(caller, id(*number)).await?)),
            Call::GetVehicle { id: number } => Ok(seen_vehicle(&store.get_vehicle(caller, id(*number)).await?)),
            Call::GetRules { id: number } => {
                Ok(Outcome::Rules(seen_rules(&store.get_access_id_rules(caller, id(*number)).await?)))
            }
            Call::PutRules { id: number, rules: asked } => {
                store.put_access_id_rules(by(caller, now), id(*number), &rules(*asked)).await?;
                Ok(Outcome::Rules(*asked))
            }
            Call::DeleteAccessId { id: number } => {
                store.delete_access_id(by(caller, now), id(*number)).await.map(|()| Outcome::Deleted)
            }
            Call::DeleteVehicle { id: number } => {
                store.delete_vehicle(by(caller, now), id(*number)).await.map(|()| Outcome::Deleted)
            }
            Call::Decide { tag: asked, begins, charge_box, .. } => {
                let asked = tag(&format!("tag-{asked}"));
                // Nobody writes down accepted starts here, so none is remembered.
                let kind = if *begins { RequestType::Start } else { RequestType::Authorize };
                let here = ChargeBox::received(format!("box-{charge_box}"));
                let started_at = Some(&here).filter(|_| !begins);
                let found = self.decider.look_up(&self.rfid, Some(&asked), started_at).await?;
                let start_remembered_until = found.start_remembered_until;
                let question = Question { kind, charge_box: Some(&here), now: at(0), start_remembered_until };
                Ok(match Decision::on(found.tag.as_ref(), &question) {
                    Decision::Refused { reason: Reason::Unknown, .. } => Outcome::Unknown,
                    Decision::Refused { reason: Reason::Revoked, .. } => Outcome::Revoked,
                    Decision::Refused { reason: Reason::NotYetValid, .. } => Outcome::NotYetValid,
                    Decision::Refused { reason: Reason::Expired, .. } => Outcome::Expired,
                    Decision::Refused { reason: Reason::NotHere, .. } => Outcome::NotHere,
                    Decision::Refused { reason: Reason::Unreadable, .. } => panic!("nothing else writes here"),
                    Decision::Authorized(AccessIdLabel { id, name, kind }) => {
                        Outcome::Authorized { id: id.get(), name: number(name), is_card: *kind == AccessIdType::Rfid }
                    }
                })
            }
            Call::ListAccessId { .. }
            | Call::ListLinked { .. }
            | Call::HasMore { .. }
            | Call::Import { .. }
            | Call::Revoke { .. }
            | Call::IsRevoked { .. }
            | Call::IsMeant { .. }
            | Call::HasCustomer { .. } => panic!("{call:?}"),
        }
    }

    /// What the lists show when all is quiet.
    async fn state(&self) -> Model {
        let mut model = Model::default();
        let mut cursor = None;
        loop {
            let listed = self
                .store
                .list_access_ids(&self.caller, &Default::default(), &page(3, cursor.as_deref()))
                .await
                .unwrap();
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
        let listed = self.store.list_vehicles(&self.caller, &Default::default(), &page(100, None)).await.unwrap();
        for vehicle in &listed.records {
            model.vehicles.insert(vehicle.id.get(), plain(vehicle));
            let id = vehicle.id.get();
            assert_eq!(model.read(&Call::GetVehicle { id }), seen_vehicle(vehicle), "both sides agree");
        }
        let mut tags = BTreeSet::new();
        for access_id in model.access_ids.values() {
            assert!(tags.insert(access_id.tag), "a tag is there once");
            let Outcome::Rules(rules) = self.send(&Call::GetRules { id: access_id.id }, at(0)).await.unwrap() else {
                panic!("no rules")
            };
            if rules != Rules::default() {
                model.rules.insert(access_id.id, rules);
            }
        }
        for access_id in model.access_ids.values() {
            for (begins, charge_box) in [(false, 0), (true, 0), (true, 1)] {
                let ask = Call::Decide { tag: access_id.tag, begins, charge_box, remembered: Remembered::No };
                let decided = self.send(&ask, at(0)).await.unwrap();
                assert_eq!(decided, model.read(&ask), "the decision agrees with the record");
            }
        }
        model
    }

    async fn check(&self) {
        let history = self.history.take();
        let state = self.state().await;
        // The rest of the state (customers, requests, versions) shows in the records alone.
        if let Err(unexplained) = explain(&history, &state, |_| true) {
            panic!("{unexplained}\nthe table holds {state:?}");
        }
        let spellings = state.access_ids.values().filter_map(|access_id| access_id.customer);
        let spellings: Vec<u8> = spellings.chain(state.vehicles.values().filter_map(|v| v.customer)).collect();
        for one in &spellings {
            let same = spellings.iter().filter(|other| is_same_customer(*one, **other));
            assert!(same.clone().all(|other| other == one), "one customer, one spelling");
        }
    }
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
        let store = &Store::new(&settings).unwrap();
        let decider = &Decider::new(&settings, JournalSettings::default()).unwrap();
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
                known: RefCell::default(),
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
    #![proptest_config(cases(16))]

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
