//! Items that this version did not write: unknown attributes, unknown values, damaged items. A damaged item does not affect
//! the others.

use serde_json::{Value, json};

use crate::support::{World, access_id, card, import, rfid, vehicle};

fn sort(number: u64) -> String {
    format!("{number:0>16}")
}

async fn world() -> World {
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(
        &world,
        &[linked.clone(), card(2, "card"), card(3, "other")],
        &[vehicle(1, "Van", &[linked]), vehicle(2, "Bus", &[])],
    )
    .await;
    world
}

#[tokio::test]
async fn attributes_of_a_later_version_are_ignored_and_kept() {
    let world = world().await;
    let later = json!({"budget": {"M": {"cents": {"N": "7"}}}, "expiresAt": {"NULL": true}});
    let places = [("#ACCESS-ID", sort(2)), ("#ACCESS-ID", sort(1)), ("#TAG#card", "TAG".into()), ("#VEHICLE", sort(1))];
    for (partition, sort) in &places {
        world.damage(partition, sort, later.clone()).await;
    }
    for id in [1, 2] {
        let update =
            json!({"accessId": {"name": "New", "authorizationStatus": "Revoked", "customer": {"name": "Fleet"}}});
        world.patch(&format!("/api/access-ids/{id}"), update).await.ok();
        let update = json!({"accessId": {"authorizationStatus": "Authorized"}});
        world.patch(&format!("/api/access-ids/{id}"), update).await.ok();
    }
    world.patch("/api/vehicles/1", json!({"vehicle": {"name": "New"}})).await.ok();
    world.ask("card").await.ok();
    assert_eq!(world.list("/api/access-ids").await.len(), 3);
    for (partition, sort) in places {
        let key = json!({"PK": {"S": format!("ORG#{}{partition}", world.fleet.id)}, "SK": {"S": sort}});
        let item = world.table("GetItem", json!({"Key": key})).await["Item"].take();
        assert_eq!(item["budget"], later["budget"], "{partition}: {item}");
        assert_eq!(item["name"], json!({"S": "New"}), "{partition}: {item}");
    }
}

/// Tags and texts that an earlier version stored and that are refused by now.
#[tokio::test]
async fn what_was_stored_under_earlier_rules_stays_readable() {
    let world = World::new().await;
    let tags = ["00000000", "vid:d0cf.5e00.0001", "#n/a"];
    let old = |number: u64| domain::AccessId {
        tag: domain::OcppIdTag::stored(tags[usize::try_from(number - 1).unwrap()].to_owned()).unwrap(),
        name: domain::Name::stored("a\u{202e}b".to_owned()).unwrap(),
        customer: Some(domain::Customer::stored("\u{200b}".to_owned())),
        ..access_id(number, "x", 1)
    };
    let held = [old(1), old(2), old(3)];
    import(&world, &held, &[vehicle(1, "Van", &held)]).await;
    let shown = |record: &Value| record["ocppIdTag"].as_str().unwrap().to_owned();
    assert_eq!(world.list("/api/access-ids").await.iter().map(shown).collect::<Vec<_>>(), tags);
    assert_eq!(world.list("/api/vehicles").await[0]["accessIds"].as_array().unwrap().len(), 3);
    for (at, tag) in tags.iter().enumerate() {
        let path = format!("/api/access-ids/{}", at + 1);
        let revoked = world.patch(&path, json!({"accessId": {"authorizationStatus": "Revoked"}})).await.ok();
        assert_eq!(
            (&revoked["accessId"]["ocppIdTag"], &revoked["accessId"]["name"]),
            (&json!(tag), &json!("a\u{202e}b"))
        );
        // No question finds it, which refuses the card.
        world.ask(tag).await.refuses("unknown");
        world.patch(&path, json!({"accessId": {"name": "a\u{202e}b"}})).await.names(&["accessId.name"]);
    }
    // The card can be registered anew.
    assert_eq!(world.create(rfid("VID:D0CF.5E00.0001", "Card")).await["ocppIdTag"], "d0cf5e000001");
}

#[tokio::test]
async fn a_damaged_record_is_an_error_of_its_own_alone() {
    let damages = [
        ("status", json!({"authorizationStatus": {"S": "Suspended"}})),
        ("type", json!({"type": {"S": "Phone"}})),
        ("name", json!({"name": null})),
        ("name of another kind", json!({"name": {"N": "1"}})),
        ("no status", json!({"authorizationStatus": null})),
        ("another's id", json!({"id": {"N": "3"}})),
    ];
    for (what, damage) in damages {
        let world = world().await;
        world.damage("#ACCESS-ID", &sort(2), damage.clone()).await;
        world.damage("#TAG#card", "TAG", damage.clone()).await;

        let ids: Vec<Value> = world.list("/api/access-ids").await.iter().map(|record| record["id"].clone()).collect();
        assert_eq!(ids, [1, 3], "{what}");
        let page = world.get("/api/access-ids?limit=2").await.ok();
        assert_eq!((&page["data"][1]["id"], &page["pagination"]["hasNextPage"]), (&json!(3), &json!(false)), "{what}");
        let page = world.get("/api/access-ids?limit=1").await.ok();
        let cursor = page["pagination"]["nextPageCursor"].as_str().unwrap();
        let rest = world.get(&format!("/api/access-ids?nextPageCursor={cursor}")).await.ok();
        assert_eq!(rest["data"][0]["id"], 3, "{what}: the walk goes on behind it");
        world.get("/api/access-ids/2").await.is(503, "service_unavailable");
        world.patch("/api/access-ids/2", json!({"accessId": {"name": "x"}})).await.is(503, "service_unavailable");
        assert_eq!(world.access_id(&json!(3)).await["id"], 3, "{what}");

        let answer = world.ask("card").await;
        // The tag item does not have the attribute `id`, so a wrong one does not matter there.
        assert_eq!(answer.status == 200, what == "another's id", "{what}: {answer:?}");
        assert_eq!(world.ask("other").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn a_damaged_vehicle_does_not_affect_other_records() {
    let world = world().await;
    world.damage("#VEHICLE", &sort(1), json!({"accessIds": {"S": "?"}})).await;
    let vehicles = world.list("/api/vehicles").await;
    assert_eq!((vehicles.len(), &vehicles[0]["id"]), (1, &json!(2)));
    world.get("/api/vehicles/1").await.is(503, "service_unavailable");
    assert_eq!(world.list("/api/access-ids").await.len(), 3);
    // The decision does not depend on the vehicle.
    assert_eq!(world.ask("linked").await.status, 200);
}

/// A credential whose item is damaged authorizes nothing.
#[tokio::test]
async fn a_damaged_credential_opens_nothing() {
    for damage in [
        json!({"scope": null}),
        json!({"scope": {"S": "admin"}}),
        json!({"scope": {"N": "1"}}),
        json!({"revokedAt": {"S": "2024-08-02T19:13:28.897Z"}}),
        json!({"revokedAt": {"S": "soon"}}),
        json!({"revokedAt": {"N": "0"}}),
        json!({"revokedAt": {"NULL": true}}),
    ] {
        let world = world().await;
        let key = json!({":p": {"S": format!("ORG#{}", world.fleet.id)}});
        let query = json!({"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": key});
        let credentials = world.table("Query", query).await["Items"].take();
        for credential in credentials.as_array().unwrap() {
            world.damage("", credential["SK"]["S"].as_str().unwrap(), damage.clone()).await;
        }
        let answer = world.get("/api/access-ids").await;
        assert!([401, 503].contains(&answer.status), "{damage}: {answer:?}");
        let answer = world.ask("card").await;
        assert!([401, 503].contains(&answer.status), "{damage}: {answer:?}");
    }
}
