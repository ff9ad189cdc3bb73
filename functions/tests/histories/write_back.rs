//! A client that writes back what it read changes nothing, whatever calls made the records.

use std::ops::Range;

use futures_util::future::join_all;
use model::Known;
use serde_json::{Value, json};

use super::{
    observe::outcome,
    requests::Request,
    schedule::{Ask, Schedule},
};
use crate::support::{Call, FUNCTIONS, Fleet, World};

/// How many organizations are made and written back.
const SEEDS: u64 = 12;

#[tokio::test]
async fn a_client_that_writes_back_what_it_read_changes_nothing() {
    // In one world one call follows the other, since it is asked what the last one did; so two worlds run at once.
    let parts = [0..SEEDS / 2, SEEDS / 2..SEEDS];
    let written = join_all(parts.map(async |seeds| writes_back(&World::alone().await, seeds).await)).await;
    assert!(written.iter().sum::<usize>() > 100, "{written:?}");
}

/// Makes an organization of each seed and writes back all its records. Returns how often.
async fn writes_back(world: &World, seeds: Range<u64>) -> usize {
    let mut written = 0;
    for seed in seeds {
        let fleet = world.another_fleet().await;
        make_records(world, &fleet, seed).await;
        let list = async |path: &str| world.get(&format!("{path}?limit=100")).of(&fleet).await.ok();
        let before = [list("/api/access-ids").await, list("/api/vehicles").await];
        for (path, list) in ["/api/access-ids", "/api/vehicles"].into_iter().zip(&before) {
            for record in list["data"].as_array().unwrap() {
                written += write_back(world, &fleet, &format!("{path}/{}", record["id"])).await;
            }
        }
        // The vehicle of a card shows whether the card is still linked.
        assert_eq!([list("/api/access-ids").await, list("/api/vehicles").await], before, "{seed}");
    }
    // Every function that changes a record has been asked, and none has written.
    for function in FUNCTIONS.iter().filter(|function| function.starts_with("update-")) {
        let operations = world.recorder(function).await.operations();
        assert!(!operations.is_empty(), "{function}: what of its records can be written back?");
    }
    written
}

/// Records as the calls of a schedule leave them.
async fn make_records(world: &World, fleet: &Fleet, seed: u64) {
    let mut known = Known::default();
    for step in Schedule::of(seed).clients.into_iter().chain(Schedule::of(seed + SEEDS).clients).flatten() {
        let Ask::Call(call) = step.ask else { continue };
        let call = known.concrete(call);
        let Request { function, method, target, body } = Request::of(&call);
        if call.is_read() {
            continue;
        }
        let mut request = Call::api(world, method, &target).to(function).of(fleet).json(&body);
        if let Some((_, key)) = call.key() {
            request = request.header("idempotency-key", &format!("key-{key}"));
        }
        if let Some(outcome) = outcome(&call, &request.await) {
            known.learn(&outcome);
        }
    }
}

/// Reads the record at this path, writes it back in each way in which the API takes it, and compares. Returns how often.
async fn write_back(world: &World, fleet: &Fleet, path: &str) -> usize {
    let read = async || world.get(path).of(fleet).await.ok();
    let before = read().await;
    let (root, record) = before.as_object().unwrap().iter().next().unwrap();
    let fields = |record: &Value, names: &[&str]| -> Value {
        names.iter().map(|name| ((*name).to_owned(), record[*name].clone())).collect()
    };
    let bodies = match root.as_str() {
        "accessId" => {
            let mut whole = fields(record, &["name", "authorizationStatus", "customer", "vehicle"]);
            if !whole["vehicle"].is_null() {
                whole["vehicle"] = fields(&whole["vehicle"], &["make", "model", "vin"]);
            }
            let mut linked = fields(record, &["name", "authorizationStatus", "customer"]);
            // A card does not show to which vehicle it is linked.
            if record["type"] == "Vehicle" {
                linked["vehicleId"] = record["vehicle"]["id"].clone();
            }
            vec![whole, linked]
        }
        "vehicle" => vec![fields(record, &["name", "make", "model", "vin", "licensePlate", "customer"])],
        other => panic!("{other}: what of it can be written back?"),
    };
    let function = if root == "vehicle" { "update-vehicle" } else { "update-access-id" };
    let recorder = world.recorder(function).await;
    for body in &bodies {
        recorder.clear();
        let answer = world.patch(path, json!({root: body})).of(fleet).await.ok();
        assert_eq!(answer.to_string(), before.to_string(), "{body}");
        assert_eq!(read().await.to_string(), before.to_string(), "{body}");
        assert!(!recorder.operations().contains(&"TransactWriteItems".to_owned()), "{body}");
    }
    bodies.len()
}
