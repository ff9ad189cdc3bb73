//! What an operator does on a working day, and how many requests it takes.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::support::{World, card, import};

/// A person with an API token, whose requests are counted.
struct Operator<'a> {
    world: &'a World,
    requests: Cell<usize>,
}

impl<'a> Operator<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, requests: Cell::new(0) }
    }

    async fn request(&self, method: &str, target: &str, body: Value) -> Value {
        self.requests.set(self.requests.get() + 1);
        self.world.request(method, target).json(&body).await.ok()
    }

    async fn get(&self, target: &str) -> Value {
        self.request("GET", target, Value::Null).await
    }

    async fn revoke(&self, revocation: &Value) -> Value {
        self.request("POST", "/api/revocations", json!({ "revocation": revocation })).await["revocation"].take()
    }

    /// Brings in these access IDs. Returns what has become of each.
    async fn put(&self, items: &[Value]) -> Vec<Value> {
        let body = json!({ "accessIds": items });
        self.request("PUT", "/api/access-ids/batch", body).await["results"].as_array().unwrap().clone()
    }
}

/// Where, among these results, the outcome is not this one.
fn all_but(outcome: &str, results: &[Value]) -> Vec<usize> {
    (0..results.len()).filter(|at| results[*at]["outcome"] != outcome).collect()
}

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect()
}

/// The driver reads the number off the card. One request says when and where it was refused, and why, whether anybody knows the
/// card or not.
#[tokio::test]
async fn why_was_this_card_refused_last_night() {
    let world = World::new().await;
    import(&world, &[card(1, "04e1a2b3")], &[]).await;
    world.ask("04E1A2B3").await.ok();
    world.request("PUT", "/api/access-ids/1/rules").json(&json!({"rules": {"chargeBoxes": ["DEPOT-*"]}})).await.ok();
    world.ask("04E1A2B3").await.refuses("not_here");
    world.ask("04E1A2B4").await.refuses("unknown");
    world.journalled().await;

    for (tag, reason, ocpp_status, card) in [
        ("04:E1:A2:B3", "not_here", "NotAtThisLocation", json!({"id": 1, "name": "Card", "type": "RFID"})),
        ("04:E1:A2:B4", "unknown", "Invalid", Value::Null),
    ] {
        let operator = Operator::of(&world);
        let evening = "2026-01-01T18:00:00%2B01:00";
        let target = format!("/api/decisions?ocppIdTag={tag}&authorized=false&decidedAfter={evening}");
        let refusals = operator.get(&target).await["data"].take();
        assert_eq!(refusals.as_array().unwrap().len(), 1, "{refusals:#}");
        let refusal = &refusals[0];
        assert_eq!((&refusal["reason"], &refusal["ocppStatus"]), (&json!(reason), &json!(ocpp_status)));
        assert_eq!((&refusal["chargeBox"], &refusal["accessId"]), (&json!("EaJ7cU9NJ3YkTNgy"), &card));
        assert_eq!(operator.requests.get(), 1);
    }
}

/// One request finds it by what is printed on it, one blocks it and names the other forms of its number.
#[tokio::test]
async fn a_lost_card_is_found_by_its_number_and_blocked() {
    let world = World::new().await;
    import(&world, &[card(1, "7186a61e"), card(2, "1ea68671"), card(3, "04e1a2b3")], &[]).await;
    let operator = Operator::of(&world);
    let found = operator.get("/api/access-ids?ocppIdTag=71:86:A6:1E").await["data"][0]["id"].take();
    let answer = operator.revoke(&json!({"accessIds": [found]})).await;
    assert_eq!(operator.requests.get(), 2);

    let other = json!({"ocppIdTag": "1ea68671", "how": "bytes_reversed", "accessId": {"id": 2, "name": "Card", "type": "RFID"}});
    assert_eq!(answer, json!({"revoked": [1], "alreadyRevoked": [], "nearMisses": [other], "nextPageCursor": null}));
    world.ask("7186a61e").await.refuses("revoked");
    world.ask("1ea68671").await.ok();
}

/// One request and its pages, whatever the number of vehicles.
#[tokio::test]
async fn a_customer_is_offboarded() {
    let world = World::new().await;
    let of = |customer: &str, tag: String, kind: &str| {
        let mut item = json!({"ocppIdTag": tag, "name": "x", "type": kind, "customer": {"name": customer}});
        if kind == "Vehicle" {
            item["vehicle"] = json!({});
        }
        item
    };
    let mut fleet: Vec<_> = (0..30).map(|number| of("Lessee", format!("v{number}"), "Vehicle")).collect();
    fleet.extend((0..171).map(|number| of("Lessee", format!("c{number}"), "RFID")));
    fleet.push(of("Other", "other".to_owned(), "RFID"));
    // On a slow machine not all are brought in by one request. What is there already stays as it is.
    let mut results = Operator::of(&world).put(&fleet).await;
    for _ in 0..5 {
        if results.iter().all(|result| result["outcome"] != "error") {
            break;
        }
        results = Operator::of(&world).put(&fleet).await;
    }
    let mut theirs: Vec<_> = results.iter().map(|result| result["accessId"]["id"].as_u64().unwrap()).collect();
    theirs.pop();
    theirs.sort_unstable();

    let operator = Operator::of(&world);
    let mut revocation = json!({"customer": {"name": "lessee"}});
    let mut revoked = Vec::new();
    loop {
        let answer = operator.revoke(&revocation).await;
        revoked.extend(ids(&answer["revoked"]));
        assert_eq!(answer["alreadyRevoked"], json!([]));
        revocation["nextPageCursor"] = answer["nextPageCursor"].clone();
        if answer["nextPageCursor"].is_null() {
            break;
        }
    }
    let requests = operator.requests.get();
    assert!((3..=13).contains(&requests), "pages of a hundred, and of fewer if the machine is slow: {requests}");
    revoked.sort_unstable();
    assert_eq!(revoked, theirs);
    for tag in ["v7", "v29", "c61", "c170"] {
        world.ask(tag).await.refuses("revoked");
    }
    world.ask("other").await.ok();
}

/// One request finds the vehicle by the lost card, one gives it another card and revokes the lost one. It stays the same
/// vehicle.
#[tokio::test]
async fn the_card_of_a_vehicle_is_replaced() {
    for kind in ["RFID", "Vehicle"] {
        let world = World::new().await;
        let item = |tag: &str, name: &str| json!({"ocppIdTag": tag, "name": name, "type": kind});
        let operator = Operator::of(&world);
        operator.put(&[item("old", "Card of van 7")]).await;
        world.create(json!({"vehicle": {"name": "Van 7", "accessIds": [{"ocppIdTag": "old"}]}})).await;

        let operator = Operator::of(&world);
        let van = operator.get("/api/vehicles?ocppIdTag=OLD").await["data"][0].take();
        let mut new = item("NEW", "Card of van 7");
        new["vehicleId"] = van["id"].clone();
        let mut lost = item("OLD", "Lost card of van 7");
        lost["authorizationStatus"] = "Revoked".into();
        let results = operator.put(&[new, lost]).await;
        assert_eq!(operator.requests.get(), 2);

        assert_eq!((&results[0]["outcome"], &results[1]["outcome"]), (&json!("created"), &json!("updated")));
        let vehicles = world.list("/api/vehicles").await;
        assert_eq!((vehicles.len(), &vehicles[0]["id"]), (1, &van["id"]));
        let held: Vec<_> = vehicles[0]["accessIds"].as_array().unwrap().iter().collect();
        let held: Vec<_> = held.iter().map(|held| (&held["ocppIdTag"], &held["authorizationStatus"])).collect();
        let [old, new] = [("old", "Revoked"), ("new", "Authorized")].map(|(tag, status)| (json!(tag), json!(status)));
        assert_eq!(held, [(&old.0, &old.1), (&new.0, &new.1)]);
        assert_eq!(world.access_id(&results[0]["accessId"]["id"]).await["type"], kind);
        world.ask("old").await.refuses("revoked");
        world.ask("new").await.ok();
    }
}

/// One request for all, of which one row is wrong, and one more with the row corrected, which asks the table little.
#[tokio::test]
async fn five_hundred_cards_are_brought_in_and_one_row_is_corrected() {
    let world = World::new().await;
    let mut items: Vec<_> = (0..500)
        .map(|number| json!({"ocppIdTag": format!("card-{number}"), "name": "Card", "type": "RFID", "customer": {"name": "Fleet"}}))
        .collect();
    items[7]["name"] = json!("");
    let operator = Operator::of(&world);
    let results = operator.put(&items).await;
    assert_eq!(all_but("created", &results), [7]);
    assert_eq!(results[7]["error"]["details"][0]["field"], "accessIds[7].name");

    items[7]["name"] = json!("Card 7");
    let recorder = world.recorder("put-access-ids-batch").await;
    recorder.clear();
    let results = operator.put(&items).await;
    assert_eq!(operator.requests.get(), 2);
    assert_eq!((all_but("unchanged", &results), &results[7]["outcome"]), (vec![7], &json!("created")));
    // The credential alone, 500 tags, 499 access IDs, and the one card.
    let mut operations = recorder.operations();
    operations.sort();
    let expected = ["BatchGetItem"; 11].into_iter().chain(["GetItem", "TransactWriteItems"]).collect::<Vec<_>>();
    assert_eq!(operations, expected);
    assert_eq!(world.list("/api/access-ids").await.len(), 500);

    let row = json!({"ocppIdTag": "card-8", "name": "Renamed", "type": "RFID"});
    let operator = Operator::of(&world);
    assert_eq!(operator.put(&[row]).await[0]["outcome"], "updated", "a row alone may be sent too");
    assert_eq!(operator.requests.get(), 1);
}
