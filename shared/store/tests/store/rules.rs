//! Rules and access checks, on a real engine.

use domain::{
    AccessCheck, AuthorizationStatus, ChargeBox, CheckedAccess, How, Id, NewVehicle, Patch, Reason, RequestType,
    RequestedTag, Rules, UpdateAccessId, UpdateVehicle, VehicleChange,
};
use futures_util::future::join_all;
use harness::{Fault, Recorder};
use serde_json::{Value, json};
use store::{Error, Settings, Store};

use crate::support::{Fixture, at, by, card, customer, name, organization, status, tag, vehicle};

/// Rules that allow the charge boxes of the depot, until this time.
fn depot(until: i64) -> Rules {
    Rules::new(Some(at(0)), Some(at(until)), Some(vec!["depot-*".to_owned()])).unwrap()
}

fn question(received: &str, charge_box: Option<&str>) -> AccessCheck {
    let charge_box = charge_box.map(|id| ChargeBox::received(id.to_owned()));
    AccessCheck { received: received.to_owned(), charge_box, kind: RequestType::Start, at: None }
}

impl Fixture {
    async fn card(&self, text: &str) -> Id {
        self.store.create_access_id(by(&self.caller, at(0)), &card(text), None).await.unwrap().access_id.id
    }

    async fn check(&self, received: &str, charge_box: &str, now: i64) -> CheckedAccess {
        self.store.check_access(&self.caller, &question(received, Some(charge_box)), at(now)).await.unwrap()
    }

    /// Why the tag would be refused at a charge box that no rule of these tests names.
    async fn refusal_elsewhere(&self, received: &str) -> Option<Reason> {
        self.check(received, "elsewhere", 5).await.refusal
    }

    async fn item(&self, partition: &str, sort: &str) -> Value {
        let partition = format!("ORG#{}{partition}", self.caller.organization);
        let key = json!({"PK": {"S": partition}, "SK": {"S": sort}});
        let get = json!({"TableName": self.engine.table_name(), "Key": key});
        self.engine.call("GetItem", &get).await.unwrap().1["Item"].take()
    }

    async fn put(&self, item: &Value) {
        let put = json!({"TableName": self.engine.table_name(), "Item": item});
        assert_eq!(self.engine.call("PutItem", &put).await.unwrap().0, 200);
    }
}

#[tokio::test]
async fn rules_are_written_to_the_access_id_and_its_tag_and_removed_from_both() {
    let fixture = &Fixture::new().await;
    let Fixture { store, caller, .. } = fixture;
    let id = fixture.card("a").await;
    let rules = async || store.get_access_id_rules(caller, id).await.unwrap();
    let updated_at = async || store.get_access_id(caller, id).await.unwrap().access_id.updated_at;
    assert_eq!(rules().await, Rules::default());
    store.put_access_id_rules(by(caller, at(1)), id, &depot(100)).await.unwrap();
    assert_eq!((rules().await, updated_at().await), (depot(100), at(1)));
    let stored = json!({"M": {
        "validFrom": {"S": "2027-01-15T08:00:00Z"}, "validUntil": {"S": "2027-01-15T08:00:00.100Z"},
        "chargeBoxes": {"L": [{"S": "depot-*"}]},
    }});
    assert_eq!(fixture.item("#ACCESS-ID", &format!("{:016}", id.get())).await["rules"], stored);
    assert_eq!(fixture.item("#TAG#a", "TAG").await["rules"], stored);
    assert_eq!(fixture.check("a", "depot-7", 5).await.refusal, None);
    assert_eq!(fixture.check("a", "depot-7", 100).await.refusal, Some(Reason::Expired));
    assert_eq!(fixture.refusal_elsewhere("a").await, Some(Reason::NotHere));

    let version = fixture.item("#ACCESS-ID", &format!("{:016}", id.get())).await["version"].clone();
    store.put_access_id_rules(by(caller, at(2)), id, &depot(100)).await.unwrap();
    assert_eq!(updated_at().await, at(1), "equal rules change nothing");
    assert_eq!(fixture.item("#ACCESS-ID", &format!("{:016}", id.get())).await["version"], version);

    store.put_access_id_rules(by(caller, at(3)), id, &Rules::default()).await.unwrap();
    assert_eq!((rules().await, updated_at().await), (Rules::default(), at(3)));
    for item in [fixture.item("#ACCESS-ID", &format!("{:016}", id.get())).await, fixture.item("#TAG#a", "TAG").await] {
        assert_eq!(item.get("rules"), None, "{item}");
    }
    assert_eq!(fixture.refusal_elsewhere("a").await, None);
}

#[tokio::test]
async fn rules_of_another_organization_and_of_nobody_are_not_found() {
    let fixture = &Fixture::new().await;
    let (other, _) = &organization(&fixture.store).await;
    let id = fixture.card("a").await;
    for (caller, id) in [(other, id), (&fixture.caller, Id::new(5).unwrap())] {
        assert!(matches!(fixture.store.get_access_id_rules(caller, id).await, Err(Error::NotFound)));
        let put = fixture.store.put_access_id_rules(by(caller, at(1)), id, &depot(9)).await;
        assert!(matches!(put, Err(Error::NotFound)), "{put:?}");
    }
    let checked = fixture.store.check_access(other, &question("a", None), at(1)).await.unwrap();
    assert_eq!((checked.refusal, checked.access_id), (Some(Reason::Unknown), None));
}

/// Every way in which the access ID or its tag can be written by something other than its rules.
async fn write_in_every_other_way(fixture: &Fixture, id: Id, tag_text: &str) {
    let Fixture { store, caller, .. } = fixture;
    let update = async |update: UpdateAccessId| store.update_access_id(by(caller, at(2)), id, &update).await.unwrap();
    update(UpdateAccessId { name: Some(name("Renamed")), ..Default::default() }).await;
    update(UpdateAccessId { customer: Patch::Set(customer("Fleet")), ..Default::default() }).await;
    update(status(AuthorizationStatus::Revoked)).await;
    let status = Some(AuthorizationStatus::Authorized);
    let linking = NewVehicle { tags: vec![RequestedTag { tag: tag(tag_text), status }], ..vehicle(&[]) };
    let van = store.create_vehicle(by(caller, at(3)), &linking, None).await.unwrap();
    let renamed = UpdateVehicle { name: Some(name("Renamed")), ..Default::default() };
    store.update_vehicle(by(caller, at(0)), van.id, &renamed).await.unwrap();
    update(UpdateAccessId { vehicle: VehicleChange::Unlink, customer: Patch::Clear, ..Default::default() }).await;
}

#[tokio::test]
async fn no_other_write_loses_rules() {
    let fixture = &Fixture::new().await;
    let id = fixture.card("a").await;
    fixture.store.put_access_id_rules(by(&fixture.caller, at(1)), id, &depot(100)).await.unwrap();
    write_in_every_other_way(fixture, id, "a").await;
    assert_eq!(fixture.store.get_access_id_rules(&fixture.caller, id).await.unwrap(), depot(100));
    assert_eq!(fixture.refusal_elsewhere("a").await, Some(Reason::NotHere));
}

#[tokio::test]
async fn rules_of_a_later_version_refuse_and_stay_until_they_are_replaced() {
    for later in [
        json!({"M": {"weekdays": {"L": [{"S": "Mon"}]}}}),
        json!({"S": "x"}),
        json!({"NULL": true}),
        json!({"B": "AAAA"}),
    ] {
        let fixture = &Fixture::new().await;
        let Fixture { store, caller, .. } = fixture;
        let id = fixture.card("a").await;
        let keys = [("#ACCESS-ID", format!("{:016}", id.get())), ("#TAG#a", "TAG".to_owned())];
        for (partition, sort) in &keys {
            let mut item = fixture.item(partition, sort).await;
            item["rules"] = later.clone();
            fixture.put(&item).await;
        }
        // The access ID is shown and can be changed all the same.
        write_in_every_other_way(fixture, id, "a").await;
        for (partition, sort) in &keys {
            assert_eq!(fixture.item(partition, sort).await["rules"], later);
        }
        assert!(matches!(store.get_access_id_rules(caller, id).await, Err(Error::Unavailable)));
        assert_eq!(fixture.refusal_elsewhere("a").await, Some(Reason::Unreadable));
        store.put_access_id_rules(by(caller, at(9)), id, &Rules::default()).await.unwrap();
        assert_eq!(store.get_access_id_rules(caller, id).await.unwrap(), Rules::default());
        assert_eq!(fixture.refusal_elsewhere("a").await, None);
    }
}

#[tokio::test]
async fn rules_and_other_changes_at_the_same_time_are_all_kept() {
    let fixture = &Fixture::new().await;
    let Fixture { store, caller, .. } = fixture;
    let id = fixture.card("a").await;
    let update = async |update| store.update_access_id(by(caller, at(5)), id, &update).await.map(drop);
    let (some, others, van) = (depot(100), depot(200), vehicle(&["a"]));
    let (rules, rename, link, other_rules) = tokio::join!(
        store.put_access_id_rules(by(caller, at(5)), id, &some),
        update(UpdateAccessId { name: Some(name("Renamed")), ..Default::default() }),
        store.create_vehicle(by(caller, at(5)), &van, None),
        store.put_access_id_rules(by(caller, at(5)), id, &others),
    );
    for outcome in [rules, rename, other_rules] {
        outcome.unwrap();
    }
    let after = store.get_access_id(caller, id).await.unwrap().access_id;
    assert_eq!((after.name.as_str(), after.vehicle), ("Renamed", Some(link.unwrap().id)));
    let rules = store.get_access_id_rules(caller, id).await.unwrap();
    assert!([some, others].contains(&rules), "{rules:?}");
    let item = fixture.item("#ACCESS-ID", &format!("{:016}", id.get())).await;
    let tag_item = fixture.item("#TAG#a", "TAG").await;
    assert_eq!((&item["rules"], &item["name"]), (&tag_item["rules"], &tag_item["name"]));
}

#[tokio::test]
async fn rules_whose_answer_was_lost_are_put_once() {
    let fixture = &Fixture::new().await;
    let id = fixture.card("a").await;
    let recorder = Recorder::start(fixture.engine.addr()).await.unwrap();
    let store = Store::new(&Settings::local(&recorder.endpoint_url(), fixture.engine.table_name())).unwrap();
    recorder.inject(Fault::ResetAfter.on("TransactWriteItems").times(1));
    store.put_access_id_rules(by(&fixture.caller, at(1)), id, &depot(100)).await.unwrap();
    assert!(recorder.operations().iter().filter(|operation| *operation == "TransactWriteItems").count() > 1);
    let item = fixture.item("#ACCESS-ID", &format!("{:016}", id.get())).await;
    assert_eq!(item["version"], json!({"N": "2"}));
    assert_eq!(fixture.item("#TAG#a", "TAG").await["rules"], item["rules"]);
}

#[tokio::test]
async fn a_check_finds_who_else_it_may_be_in_one_more_call() {
    let fixture = &Fixture::new().await;
    let ids = join_all(["1ea68671", "0511085169", "other"].map(|text| fixture.card(text))).await;
    let recorder = Recorder::start(fixture.engine.addr()).await.unwrap();
    let store = Store::new(&Settings::local(&recorder.endpoint_url(), fixture.engine.table_name())).unwrap();
    let checked = store.check_access(&fixture.caller, &question("7186A61E", Some("x")), at(1)).await.unwrap();
    assert_eq!((checked.refusal, checked.access_id), (Some(Reason::Unknown), None));
    let found: Vec<_> = checked.near_misses.iter().map(|known| (known.0.how, known.1.id)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0], (How::BytesReversed, ids[0]));
    assert_eq!(recorder.operations(), ["BatchGetItem", "BatchGetItem"]);
    recorder.clear();
    let checked = store.check_access(&fixture.caller, &question("no tag", Some("x")), at(1)).await.unwrap();
    assert_eq!((checked.tag, checked.refusal), (None, Some(Reason::Unknown)));
    assert_eq!(recorder.operations(), ["BatchGetItem"]);
}

#[tokio::test]
async fn a_check_remembers_an_accepted_start_as_the_authorizer_does() {
    let fixture = &Fixture::new().await;
    let id = fixture.card("a").await;
    fixture.store.put_access_id_rules(by(&fixture.caller, at(1)), id, &depot(10)).await.unwrap();
    let authorize = AccessCheck { kind: RequestType::Authorize, ..question("a", Some("elsewhere")) };
    let refusal = async |check: &AccessCheck, now| {
        fixture.store.check_access(&fixture.caller, check, at(now)).await.unwrap().refusal
    };
    assert_eq!(refusal(&authorize, 5).await, Some(Reason::NotHere));
    let partition = format!("ORG#{}#START#a", fixture.caller.organization);
    // printf elsewhere | sha256sum
    let sort = "7b1b763ee8f62eb88e4742a760f912d0b19bcd58b2b948999784bacc15a7f4d7";
    let start = |expires_at: Value| json!({"PK": {"S": partition}, "SK": {"S": sort}, "expiresAt": expires_at});
    let until = |milliseconds| json!({"N": at(milliseconds).timestamp().to_string()});
    fixture.put(&start(until(1_000))).await;
    assert_eq!(refusal(&authorize, 5).await, None);
    assert_eq!(refusal(&authorize, 1_000).await, Some(Reason::Expired), "it is no longer remembered");
    assert_eq!(refusal(&question("a", Some("elsewhere")), 5).await, Some(Reason::NotHere), "a start obeys always");
    let somewhere = AccessCheck { charge_box: Some(ChargeBox::received("other".to_owned())), ..authorize.clone() };
    assert_eq!(refusal(&somewhere, 5).await, Some(Reason::NotHere));
    // A memory that cannot be read is none.
    fixture.put(&start(json!({"S": "soon"}))).await;
    assert_eq!(refusal(&authorize, 5).await, Some(Reason::NotHere));
    fixture
        .store
        .update_access_id(by(&fixture.caller, at(6)), id, &status(AuthorizationStatus::Revoked))
        .await
        .unwrap();
    fixture.put(&start(until(1_000))).await;
    assert_eq!(refusal(&authorize, 7).await, Some(Reason::Revoked));
}
