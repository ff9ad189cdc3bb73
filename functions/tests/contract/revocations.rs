//! Revoking many access IDs at once.

use domain::{AccessId, AuthorizationStatus};
use serde_json::{Value, json};

use crate::support::{Call, World, access_id, card, customer, id, import, now, rfid, vehicle};

fn revoke(world: &World, revocation: Value) -> Call<'_> {
    world.post("/api/revocations", json!({ "revocation": revocation }))
}

/// What became of the access IDs, over all pages, and how many requests it took.
async fn revoke_all(world: &World, mut revocation: Value) -> (Vec<u64>, Vec<u64>, usize) {
    let (mut revoked, mut already) = (Vec::new(), Vec::new());
    for calls in 1.. {
        let answer = revoke(world, revocation.clone()).await.ok()["revocation"].take();
        let ids =
            |name: &str| answer[name].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect::<Vec<_>>();
        revoked.extend(ids("revoked"));
        already.extend(ids("alreadyRevoked"));
        revocation["nextPageCursor"] = answer["nextPageCursor"].clone();
        if answer["nextPageCursor"].is_null() {
            return (revoked, already, calls);
        }
    }
    unreachable!()
}

/// Makes all access IDs the customer's.
async fn give_all(world: &World, customer: &str) {
    let new =
        json!({"accessId": {"type": "RFID", "ocppIdTag": "its-first", "name": "x", "customer": {"name": customer}}});
    let first = world.create(new).await["id"].clone();
    world.request("DELETE", &format!("/api/access-ids/{first}")).await.done();
    world.damage_all("#ACCESS-ID", json!({"customer": {"S": customer}})).await;
}

fn revoked(access_id: AccessId) -> AccessId {
    AccessId { status: AuthorizationStatus::Revoked, revoked_at: Some(now()), ..access_id }
}

#[tokio::test]
async fn access_ids_are_revoked_as_an_update_would() {
    let world = World::new().await;
    let linked = [access_id(1, "one", 1), access_id(2, "two", 1)];
    import(&world, &linked, &[vehicle(1, "Van", &linked)]).await;
    import(&world, &[revoked(card(3, "three")), card(4, "four")], &[]).await;
    let before = world.access_id(&json!(3)).await;
    let answer = revoke(&world, json!({"accessIds": [4, 3, 2]})).await.ok();
    assert_eq!(
        answer["revocation"],
        json!({"revoked": [2, 4], "alreadyRevoked": [3], "nearMisses": [], "nextPageCursor": null})
    );
    for tag in ["two", "three", "four"] {
        world.ask(tag).await.refuses("revoked");
    }
    world.ask("one").await.ok();
    assert_eq!(world.access_id(&json!(3)).await, before, "what was revoked stays as it was");
    let two = world.access_id(&json!(2)).await;
    assert_eq!((&two["authorizationStatus"], &two["revokedAt"]), (&json!("Revoked"), &two["updatedAt"]));
    assert_eq!(world.vehicle(&json!(1)).await["accessIds"][1]["authorizationStatus"], "Revoked");
    let again = revoke(&world, json!({"accessIds": [4, 3, 2]})).await.ok();
    assert_eq!(again["revocation"]["alreadyRevoked"], json!([2, 3, 4]));
    assert_eq!(world.access_id(&json!(2)).await, two);
}

#[tokio::test]
async fn what_does_not_exist_is_named_and_nothing_is_revoked() {
    let world = World::with_van().await;
    let other = world.another_fleet().await;
    let foreign =
        world.post("/api/access-ids", rfid("foreign", "x")).of(&other).await.created()["accessId"]["id"].clone();
    revoke(&world, json!({"accessIds": [9, 1, foreign]}))
        .await
        .names(&["revocation.accessIds[0]", "revocation.accessIds[2]"]);
    revoke(&world, json!({"vehicleId": 9})).await.names(&["revocation.vehicleId"]);
    revoke(&world, json!({"customer": {"name": "nobody"}})).await.names(&["revocation.customer.name"]);
    let two = json!({"accessIds": [1], "vehicleId": 1, "dryrun": true});
    revoke(&world, two).await.names(&["revocation.vehicleId", "revocation.dryrun"]);
    revoke(&world, json!({})).await.names(&["revocation.accessIds"]);
    revoke(&world, json!({"accessIds": [1]})).token("x").await.is(401, "unauthorized");
    revoke(&world, json!({"accessIds": [1]})).of(&other).await.names(&["revocation.accessIds[0]"]);
    world.ask("linked").await.ok();
}

/// A dry run, the revocation itself, and the same again.
#[tokio::test]
async fn all_access_ids_of_a_customer_are_revoked_over_several_pages() {
    let world = World::new().await;
    let vehicles: Vec<_> = (1..=60).map(|number| access_id(number, &format!("v{number}"), number)).collect();
    let van = |held: &AccessId| vehicle(held.id.get(), "Van", std::slice::from_ref(held));
    import(&world, &vehicles, &vehicles.iter().map(van).collect::<Vec<_>>()).await;
    import(&world, &(61..=201).map(|number| card(number, &format!("c{number}"))).collect::<Vec<_>>(), &[]).await;
    give_all(&world, "Lessee").await;
    import(&world, &[AccessId { customer: customer("Other"), ..card(251, "other") }, card(252, "nobody's")], &[]).await;
    world.ask("v7").await.ok();

    let target = json!({"customer": {"name": "lessee"}});
    let mut dry = target.clone();
    dry["dryRun"] = true.into();
    let (would, already, _) = revoke_all(&world, dry).await;
    assert_eq!((would, already), ((1..=201).collect(), vec![]));
    world.ask("v7").await.ok();

    let (done, already, calls) = revoke_all(&world, target.clone()).await;
    assert_eq!((done, already), ((1..=201).collect(), vec![]));
    assert!((3..=13).contains(&calls), "pages of a hundred, and of fewer if the machine is slow: {calls}");
    for tag in ["v7", "v60", "c61", "c201"] {
        world.ask(tag).await.refuses("revoked");
    }
    world.ask("other").await.ok();
    world.ask("nobody's").await.ok();
    let (done, already, _) = revoke_all(&world, target).await;
    assert_eq!((done, already), (vec![], (1..=201).collect()));
}

#[tokio::test]
async fn near_misses_are_those_that_would_still_charge() {
    let world = World::new().await;
    let lessee = |access_id| AccessId { customer: customer("Lessee"), ..access_id };
    let records = [
        lessee(card(1, "7186a61e")),
        lessee(card(2, "1ea68671")),
        revoked(card(3, "0458d8c2")),
        card(4, "0458d8c2126f81"),
    ];
    import(&world, &records, &[]).await;
    let near = async |revocation: Value| revoke(&world, revocation).await.ok()["revocation"]["nearMisses"].take();
    let tags =
        |near: Value| near.as_array().unwrap().iter().map(|near| near["accessId"]["id"].clone()).collect::<Vec<_>>();
    // Not among those that the revocation is about, neither by id nor by customer, also before they are revoked.
    assert_eq!(tags(near(json!({"accessIds": [1, 2], "dryRun": true})).await), Vec::<Value>::new());
    assert_eq!(tags(near(json!({"accessIds": [1], "dryRun": true})).await), [json!(2)]);
    // Revoked ones do not charge.
    assert_eq!(tags(near(json!({"accessIds": [4]})).await), Vec::<Value>::new());
    // Found also for a card that had been revoked before.
    world.patch("/api/access-ids/4", json!({"accessId": {"authorizationStatus": "Authorized"}})).await.ok();
    world.patch("/api/access-ids/3", json!({"accessId": {"authorizationStatus": "Authorized"}})).await.ok();
    revoke(&world, json!({"accessIds": [4]})).await.ok();
    assert_eq!(tags(near(json!({"accessIds": [4]})).await), [json!(3)]);
}

#[tokio::test]
async fn a_full_vehicle_is_revoked_with_its_cards() {
    let world = World::new().await;
    let mut held: Vec<_> = (1..=99).map(|number| access_id(number, &format!("t{number}"), 1)).collect();
    held.push(AccessId { vehicle: Some(id(1)), ..card(100, "card") });
    import(&world, &held, &[vehicle(1, "Van", &held)]).await;
    let (done, already, _) = revoke_all(&world, json!({"vehicleId": 1})).await;
    assert_eq!((done, already), ((1..=100).collect(), vec![]));
    let van = world.vehicle(&json!(1)).await;
    assert!(
        van["accessIds"].as_array().unwrap().iter().all(|shown| shown["authorizationStatus"] == "Revoked"),
        "{van:#}"
    );
    world.ask("card").await.refuses("revoked");
}

/// A cursor goes on with the same revocation and no other: one of a dry run would leave out what it only looked at.
#[tokio::test]
async fn a_cursor_holds_for_its_revocation() {
    let world = World::new().await;
    import(&world, &(1..=101).map(|number| card(number, &format!("c{number}"))).collect::<Vec<_>>(), &[]).await;
    give_all(&world, "Lessee").await;
    import(&world, &[AccessId { customer: customer("Other"), ..card(102, "other") }], &[]).await;
    let dry = json!({"customer": {"name": "Lessee"}, "dryRun": true});
    let cursor = revoke(&world, dry).await.ok()["revocation"]["nextPageCursor"].clone();
    assert!(cursor.is_string());
    let listed =
        world.get("/api/access-ids?customer=Lessee&limit=100").await.ok()["pagination"]["nextPageCursor"].clone();
    for (customer, cursor) in [("Lessee", &cursor), ("Other", &cursor), ("Lessee", &listed), ("Lessee", &json!("x"))] {
        let revocation = json!({"customer": {"name": customer}, "nextPageCursor": cursor});
        revoke(&world, revocation).await.names(&["revocation.nextPageCursor"]);
    }
    let spelled = json!({"customer": {"name": " LESSEE "}, "dryRun": true, "nextPageCursor": cursor});
    assert_eq!(revoke(&world, spelled).await.ok()["revocation"]["revoked"], json!([101]));
    world.ask("c101").await.ok();
    world
        .get(&format!("/api/access-ids?customer=Lessee&nextPageCursor={}", cursor.as_str().unwrap()))
        .await
        .names(&["nextPageCursor"]);
}

/// A record that cannot be read must not keep the others in use, and is not passed over in silence.
#[tokio::test]
async fn an_unreadable_record_fails_alone() {
    let world = World::new().await;
    import(&world, &[card(1, "one"), card(2, "two"), card(3, "three")], &[]).await;
    world.damage("#ACCESS-ID", "0000000000000002", json!({"name": {"S": ""}})).await;
    revoke(&world, json!({"accessIds": [1, 2, 3]})).await.is(503, "service_unavailable");
    world.ask("one").await.refuses("revoked");
    world.ask("three").await.refuses("revoked");
    world.ask("two").await.ok();
}
