//! A table that tells what is asked of it and what that consumes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use domain::{
    AccessIdLabel, AccessIdType, Asked, ChargeBox, Decision, Id, NewAccessId, NewVehicle, NewVehicleDetails, OcppIdTag,
    Reason, RequestType, Text, Timestamp, VehicleLink,
};
use engine::Engine;
use harness::{Recorder, Request};
use serde_json::{Value, json};
use store::{Credential, Decider, Error, JournalSettings, Scope, Settings, Store};

use crate::support::{at, card, customer, vehicle};

pub const FLEET: &str = "Electric Fleet Transportation";

/// A table with one organization, and what is asked of it.
pub struct Table {
    pub engine: Engine,
    pub recorder: Recorder,
    pub store: Store,
    pub decider: Decider,
    pub caller: Credential,
    pub rfid: Credential,
    pub rows: Vec<String>,
}

impl Table {
    pub async fn new() -> Result<Self, Error> {
        let engine = Engine::in_memory().await.unwrap();
        let recorder = Recorder::start(engine.addr()).await.unwrap();
        recorder.measure();
        let settings = Settings::local(&recorder.endpoint_url(), engine.table_name());
        let (store, decider) =
            (Store::new(&settings).unwrap(), Decider::new(&settings, JournalSettings::default()).unwrap());
        let organization = store.create_organization("Fleet", at(0)).await?.id;
        let [api, rfid] = [Scope::Api, Scope::Rfid];
        let caller = store.create_credential(&organization, api, "", at(0)).await?.token;
        let rfid_caller = store.create_credential(&organization, rfid, "", at(0)).await?.token;
        let (caller, rfid) = (Credential::parse(&caller, api).unwrap(), Credential::parse(&rfid_caller, rfid).unwrap());
        Ok(Self { engine, recorder, store, decider, caller, rfid, rows: Vec::new() })
    }

    /// What has been asked since the last time. What was sent again, because the machine was slow, counts once.
    pub async fn requests(&self) -> Vec<Request> {
        let mut requests = self.recorder.requests();
        for _ in 0..500 {
            if requests.iter().all(|request| request.capacity.is_some()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            requests = self.recorder.requests();
        }
        self.recorder.clear();
        let mut seen = HashSet::new();
        requests.retain(|request| match request.header("amz-sdk-invocation-id") {
            Some(invocation) => seen.insert(invocation.to_owned()),
            None => seen.insert(request.body.to_string()),
        });
        requests
    }

    /// Tells of what has been asked since the last time.
    pub async fn tell(&mut self, endpoint: &str, case: &str) {
        let requests = self.requests().await;
        let calls: Vec<_> = requests.iter().map(call).collect();
        let consumed = |is_write: bool| -> String {
            let of_kind = requests.iter().filter(|request| request.operation.contains("Write") == is_write);
            let units: f64 = of_kind.map(|request| request.capacity.unwrap()).sum();
            if units == 0.0 { String::new() } else { units.to_string() }
        };
        let (reads, writes) = (consumed(false), consumed(true));
        self.rows.push(format!("| {endpoint} | {case} | {} | {reads} | {writes} |", calls.join("; ")));
    }

    /// Every item as it is stored.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(
                engine::ACCESS_KEY_ID,
                engine::SECRET_ACCESS_KEY,
                None,
                None,
                "local",
            ))
            .endpoint_url(self.engine.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let scan = Client::from_conf(config).scan().table_name(self.engine.table_name());
        scan.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap()
    }
}

/// A call to the table: `BatchGetItem access ID, credential`.
fn call(request: &Request) -> String {
    let body = &request.body;
    let key = |key: &Value| kind(key["PK"]["S"].as_str().unwrap(), key["SK"]["S"].as_str().unwrap()).to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut items: Vec<String> = match request.operation.as_str() {
        "GetItem" => vec![key(&body["Key"])],
        "BatchGetItem" => {
            let table = body["RequestItems"].as_object().unwrap().values().next().unwrap();
            assert_eq!(table["ConsistentRead"], true);
            list(&table["Keys"]).iter().map(key).collect()
        }
        "Query" => {
            assert_eq!(body["ConsistentRead"], true);
            let partition = body["ExpressionAttributeValues"][":partition"]["S"].as_str().unwrap();
            vec![format!("{}, at most {}", kind(partition, ""), body["Limit"])]
        }
        "BatchWriteItem" => {
            let table = body["RequestItems"].as_object().unwrap().values().next().unwrap();
            list(table).iter().map(|put| key(&put["PutRequest"]["Item"])).collect()
        }
        "TransactWriteItems" => list(&body["TransactItems"])
            .iter()
            .map(|member| match (&member["Put"], &member["Update"], &member["Delete"]) {
                (Value::Null, Value::Null, delete) => format!("no {} any more", key(&delete["Key"])),
                (Value::Null, update, _) => key(&update["Key"]),
                (put, ..) => format!("new {}", key(&put["Item"])),
            })
            .collect(),
        other => panic!("{other} is not one of the table's ways of asking"),
    };
    items.sort();
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        *counted.entry(item).or_default() += 1;
    }
    let counted = counted.into_iter().map(|(item, count)| if count == 1 { item } else { format!("{count} × {item}") });
    format!("{} {}", request.operation, counted.collect::<Vec<_>>().join(", "))
}

/// Decides about an id at a charge box and writes it down.
pub async fn decided(table: &Table, kind: RequestType, received_id: &str, now: Timestamp) {
    let (tag, charge_box) =
        (OcppIdTag::normalize(received_id).ok(), ChargeBox::received("EaJ7cU9NJ3YkTNgy".to_owned()));
    let label = AccessIdLabel { id: Id::new(1).unwrap(), name: "Card".to_owned(), kind: AccessIdType::Rfid };
    let is_known = ["04e1a2b3", "92d50a693f80"].contains(&received_id);
    let decision = match is_known {
        true => Decision::Authorized(&label),
        false => Decision::Refused { reason: Reason::Unknown, access_id: None },
    };
    let request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
    let asked = Asked { kind, charge_box: &charge_box, received_id, tag: tag.as_ref(), request_id };
    table.decider.remember(&table.caller.organization, now, &asked, &decision).await;
}

/// Does it again when the store's time-outs, which are those of production, were too short for a busy machine.
pub async fn patiently<T>(run: impl AsyncFn() -> Result<T, Error>) -> T {
    for _ in 0..20 {
        match run().await {
            Err(Error::Unavailable) => {}
            result => return result.unwrap(),
        }
    }
    panic!("the table does not answer in time");
}

/// What an item of this key is.
pub fn kind(partition: &str, sort: &str) -> &'static str {
    let (mut segments, is_credential) = (partition.split('#').skip(2), sort.starts_with("CREDENTIAL#"));
    match segments.next() {
        None if is_credential => "credential",
        None => "organization",
        Some("ACCESS-ID") => "access ID",
        Some("TAG") => "tag",
        Some("VEHICLE") => "vehicle",
        Some("CUSTOMER") => "customer",
        Some("REQUEST") => "idempotency",
        Some("DECISION") if segments.next().is_none() => "decision",
        Some("DECISION") => "decision about a tag",
        Some("UNKNOWN-TAG") => "unknown tag",
        Some("CHANGE") => "change",
        Some("START") => "accepted start",
        Some(other) => panic!("{other} is no kind of item"),
    }
}

pub fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).unwrap()
}

pub fn typical_vehicle(tags: &[&str]) -> NewVehicle {
    NewVehicle {
        make: Some(text("Tesla")),
        model: Some(text("Model 3")),
        vin: Some(text("5YJ3E1EA7KF317000")),
        license_plate: Some(text("ABC123")),
        customer: Some(customer(FLEET)),
        ..vehicle(tags)
    }
}

pub fn with_new_vehicle(tag: &str) -> NewAccessId {
    let NewVehicle { make, model, vin, .. } = typical_vehicle(&[]);
    let vehicle = VehicleLink::New(NewVehicleDetails { make, model, vin });
    NewAccessId { kind: AccessIdType::Vehicle, vehicle, customer: Some(customer(FLEET)), ..card(tag) }
}

/// Writes cards straight into the table, past the store: so many are quick. Every card whose number is in `revoked` is
/// Revoked.
pub async fn write_cards(table: &Table, numbers: Range<u64>, revoked: &[u64]) {
    let numbers: Vec<_> = numbers.collect();
    for numbers in numbers.chunks(25) {
        let puts = numbers.iter().map(|number| {
            let (time, number) = ("2024-08-02T19:13:28.897Z", *number);
            let mut item = json!({
                "PK": {"S": format!("ORG#{}#ACCESS-ID", table.caller.organization)}, "SK": {"S": format!("{number:016}")},
                "id": {"N": number.to_string()}, "ocppIdTag": {"S": format!("{number:08x}")}, "type": {"S": "RFID"},
                "name": {"S": format!("Card {number}")}, "authorizationStatus": {"S": "Authorized"},
                "authorizedAt": {"S": time}, "createdAt": {"S": time}, "updatedAt": {"S": time}, "version": {"N": "1"},
            });
            if revoked.contains(&number) {
                item["authorizationStatus"] = json!({"S": "Revoked"});
                item["revokedAt"] = json!({"S": time});
            }
            json!({"PutRequest": {"Item": item}})
        });
        let body = json!({"RequestItems": {table.engine.table_name(): puts.collect::<Vec<_>>()}});
        let (status, answer) = table.engine.call("BatchWriteItem", &body).await.unwrap();
        assert_eq!((status, &answer["UnprocessedItems"]), (200, &json!({})), "{answer}");
    }
}

/// Brings access IDs in, each with a vehicle of its own.
pub async fn fill(table: &Table, numbers: Range<u64>) {
    let id = |number| Id::new(number).unwrap();
    let records = numbers.map(|number| {
        let new = NewAccessId { customer: None, ..with_new_vehicle(&format!("a{number:011x}")) };
        new.create(id(1_000_000 + number), id(2_000_000 + number), None, at(0)).unwrap()
    });
    let (access_ids, vehicles): (Vec<_>, Vec<_>) =
        records.map(|linked| (linked.access_id, linked.vehicle.unwrap())).unzip();
    // at most 100 items at a time, and an access ID is two
    for (access_ids, vehicles) in access_ids.chunks(33).zip(vehicles.chunks(33)) {
        let import = async || match table.store.import(&table.caller.organization, access_ids, vehicles).await {
            // they are there: from a try that was not answered in time
            Err(Error::Exists) => Ok(()),
            result => result,
        };
        patiently(import).await;
    }
}
