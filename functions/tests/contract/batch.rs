//! Many access IDs in one request.

use serde_json::{Value, json};

use crate::support::{Call, World, access_id, card, import, vehicle};

fn batch<'a>(world: &'a World, query: &str, items: &[Value]) -> Call<'a> {
    world.request("PUT", &format!("/api/access-ids/batch{query}")).json(&json!({ "accessIds": items }))
}

async fn put(world: &World, items: &[Value]) -> Vec<Value> {
    batch(world, "", items).await.ok()["results"].as_array().unwrap().clone()
}

async fn outcomes(world: &World, items: &[Value]) -> Vec<String> {
    put(world, items).await.iter().map(|result| result["outcome"].as_str().unwrap().to_owned()).collect()
}

fn item(tag: &str, more: Value) -> Value {
    let mut item = json!({"ocppIdTag": tag, "name": "Card", "type": "RFID"});
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

/// The fields that the error of a result names.
fn fields(result: &Value) -> Vec<&str> {
    result["error"]["details"].as_array().unwrap().iter().map(|detail| detail["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_bad_row_fails_alone_and_is_named() {
    let world = World::with_van().await;
    let items = [
        item("04:E1:A2:B3", json!({"customer": {"name": "Fleet"}})),
        item("b", json!({"name": " ", "authorisationStatus": "Revoked"})),
        json!("c"),
        item("LINKED", json!({"type": "Vehicle", "name": "Vehicle 1", "authorizationStatus": "Revoked"})),
        item("04E1A2B3", json!({"name": "Again"})),
        item("d", json!({"vehicle": {}})),
        item("e", json!({"type": "Vehicle", "vehicleId": 999})),
        item("f", json!({})),
    ];
    let results = put(&world, &items).await;
    let outcomes: Vec<_> = results.iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["created", "error", "error", "updated", "error", "error", "error", "created"]);
    assert_eq!(results[0]["ocppIdTag"], "04e1a2b3");
    assert_eq!(fields(&results[1]), ["accessIds[1].name", "accessIds[1].authorisationStatus"]);
    assert_eq!((&results[2]["ocppIdTag"], fields(&results[2])), (&Value::Null, vec!["accessIds[2]"]));
    assert_eq!(fields(&results[4]), ["accessIds[4].ocppIdTag"]);
    assert!(results[4]["error"]["error"].as_str().unwrap().contains("accessIds[0].ocppIdTag"), "{results:?}");
    assert_eq!(fields(&results[5]), ["accessIds[5].vehicle"]);
    assert_eq!(fields(&results[6]), ["accessIds[6].vehicleId"]);
    let first = world.access_id(&results[0]["accessId"]["id"]).await;
    assert_eq!((&first["name"], &first["customer"]["name"]), (&json!("Card"), &json!("Fleet")));
    assert_eq!(world.vehicle(&json!(1)).await["accessIds"][0]["authorizationStatus"], "Revoked");
    assert_eq!(world.list("/api/access-ids").await.len(), 3);
    world.ask("linked").await.refuses("revoked");
    assert_eq!(world.ask("F").await.ok()["authorized"], true);
}

#[tokio::test]
async fn an_access_id_that_exists_changes_as_by_patch() {
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(&world, &[linked.clone(), card(2, "card")], &[vehicle(1, "Van", &[linked]), vehicle(2, "Other", &[])]).await;
    let van = |more: Value| {
        let mut item = item("linked", json!({"type": "Vehicle", "name": "Vehicle 1"}));
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    for (item, outcome) in [
        (van(json!({})), "unchanged"),
        (van(json!({"vehicle": {}})), "unchanged"),
        (van(json!({"vehicle": {"make": "Tesla"}, "customer": {"name": "Straße"}})), "updated"),
        (van(json!({"vehicle": {"make": "Tesla"}, "customer": {"name": "STRASSE"}})), "unchanged"),
        (van(json!({"vehicleId": 1})), "unchanged"),
        (van(json!({"vehicleId": 2, "customer": null})), "updated"),
        (van(json!({"vehicle": null})), "updated"),
        (van(json!({"vehicle": null})), "unchanged"),
        (item("card", json!({"vehicleId": 2})), "updated"),
        (item("card", json!({"vehicle": null})), "unchanged"),
        (item("card", json!({"vehicleId": null})), "updated"),
        (item("card", json!({"type": "Vehicle"})), "error"),
    ] {
        assert_eq!(outcomes(&world, std::slice::from_ref(&item)).await, [outcome], "{item}");
    }
    assert_eq!(world.vehicle(&json!(1)).await["make"], "Tesla");
    let card = world.access_id(&json!(2)).await;
    assert_eq!((&card["name"], &card["type"]), (&json!("Card"), &json!("RFID")));
    assert_eq!(world.access_id(&json!(1)).await["customer"], Value::Null);
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused_whole() {
    let world = World::new().await;
    for (body, field) in [
        (json!({}), "accessIds"),
        (json!({"accessIds": []}), "accessIds"),
        (json!({"accessIds": [item("a", json!({}))], "dryRun": true}), "dryRun"),
        (json!({"accessIds": vec![1; 1_001]}), "accessIds"),
        (json!([]), ""),
    ] {
        world.request("PUT", "/api/access-ids/batch").json(&body).await.names(&[field]);
    }
    batch(&world, "?dryRun=1&limit=1", &[]).await.names(&["accessIds", "dryRun", "limit"]);
    batch(&world, "", &[item("a", json!({}))]).token("x").await.is(401, "unauthorized");
    assert!(world.list("/api/access-ids").await.is_empty());
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte() {
    let world = World::new().await;
    let mut body = json!({"accessIds": [item("a", json!({}))]}).to_string().into_bytes();
    body.resize(1 << 20, b' ');
    let send = |body: &[u8]| world.request("PUT", "/api/access-ids/batch").body(body.to_vec());
    assert_eq!(send(&body).await.ok()["results"][0]["outcome"], "created");
    body.push(b' ');
    send(&body).await.is(413, "payload_too_large");
}

#[tokio::test]
async fn another_organization_keeps_its_records() {
    let world = World::with_van().await;
    let other = world.another_fleet().await;
    let items = [
        item("linked", json!({"name": "Mine"})),
        item("b", json!({"type": "Vehicle", "vehicleId": 1})),
        item("c", json!({"customer": {"name": "Fleet"}})),
    ];
    let results = batch(&world, "", &items).token(&other.api.token).await.ok();
    let outcomes: Vec<_> = results["results"].as_array().unwrap().iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["created", "error", "created"]);
    assert_eq!(world.access_id(&json!(1)).await["name"], "Vehicle 1");
    assert_eq!(world.list("/api/customers").await, [] as [Value; 0]);
}

/// What a dry run says is what the records of the next request show.
#[tokio::test]
async fn a_dry_run_names_every_field_that_will_differ() {
    let world = World::with_van().await;
    let items = [
        item("new", json!({"customer": {"name": "Fleet"}})),
        item(
            "van",
            json!({"type": "Vehicle", "name": "Van", "vehicle": {"make": "Tesla"}, "customer": {"name": "FLEET"}}),
        ),
        item("linked", json!({"type": "Vehicle", "name": "Renamed", "vehicle": {"make": "Tesla", "vin": "v"}})),
        item("NEW", json!({})),
    ];
    let tried = batch(&world, "?dryRun=true", &items).await.ok()["results"].take();
    let changes = |result: usize| -> Vec<(String, Value, Value)> {
        let changes = tried[result]["changes"].as_array().unwrap().iter();
        changes
            .map(|change| (change["field"].as_str().unwrap().into(), change["from"].clone(), change["to"].clone()))
            .collect()
    };
    let created = |field: &str, to: Value| (field.to_owned(), Value::Null, to);
    assert_eq!(
        changes(1),
        [
            created("authorizationStatus", json!("Authorized")),
            // The customer is written as the first item writes it.
            created("customer", json!("Fleet")),
            created("name", json!("Van")),
            created("ocppIdTag", json!("van")),
            created("type", json!("Vehicle")),
            created("vehicle", json!({"make": "Tesla", "model": null, "vin": null})),
        ]
    );
    assert_eq!(
        changes(2),
        [
            ("name".to_owned(), json!("Vehicle 1"), json!("Renamed")),
            created("vehicle.make", json!("Tesla")),
            created("vehicle.vin", json!("v")),
        ]
    );
    assert_eq!(changes(3), []);
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
    assert_eq!(world.list("/api/customers").await.len(), 0);

    let done = put(&world, &items).await;
    for (tried, done) in tried.as_array().unwrap().iter().zip(&done) {
        for field in ["ocppIdTag", "outcome", "error"] {
            assert_eq!(tried[field], done[field]);
        }
    }
    let van = world.access_id(&done[1]["accessId"]["id"]).await;
    assert_eq!((&van["customer"]["name"], &van["vehicle"]["make"]), (&json!("Fleet"), &json!("Tesla")));
    let again = batch(&world, "?dryRun=true", &items[..3]).await.ok()["results"].take();
    for result in again.as_array().unwrap() {
        assert_eq!((&result["outcome"], &result["changes"]), (&json!("unchanged"), &json!([])), "{result}");
    }
    let wait = batch(&world, "?dryRun=false", &items[..1]).await.ok()["results"].take();
    assert_eq!(wait[0].get("changes"), None);
}
