//! An organization can neither read, change nor link the records of another, nor find out whether they exist.

use serde_json::{Value, json};

use crate::support::{World, access_id, card, import, rfid, thor, vehicle};

#[tokio::test]
async fn anothers_records_are_as_if_they_did_not_exist() {
    let world = World::new().await;
    let linked = access_id(1, "linked", 1);
    import(&world, &[linked.clone(), card(2, "card")], &[vehicle(1, "Van", &[linked])]).await;
    let before = (world.list("/api/access-ids").await, world.list("/api/vehicles").await);
    let other = &world.another_fleet().await;

    for path in ["/api/access-ids", "/api/vehicles"] {
        let empty = json!({"data": [], "pagination": {"hasNextPage": false, "nextPageCursor": null}});
        assert_eq!(world.get(path).of(other).await.ok(), empty);
        let root = if path == "/api/vehicles" { "vehicle" } else { "accessId" };
        // An id of the other organization and an id that does not exist have the same answers, apart from the request id.
        let mut answers = [Vec::new(), Vec::new()];
        for (id, answers) in [1, 999].into_iter().zip(&mut answers) {
            let target = format!("{path}/{id}");
            for mut answer in [
                world.get(&target).of(other).await,
                world.patch(&target, json!({root: {"name": "Theirs"}})).of(other).await,
                world.patch(&target, json!({root: {"customer": {"name": "X"}}})).of(other).await,
                world.patch(&target, json!({root: {}})).of(other).await,
            ] {
                answer.is(404, "not_found");
                answer.body["requestId"] = Value::Null;
                answers.push(answer);
            }
        }
        assert_eq!(answers[0], answers[1]);
    }
    for id in [1, 999] {
        let body = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "x", "name": "x", "vehicleId": id}});
        world.post("/api/access-ids", body).of(other).await.names(&["accessId.vehicleId"]);
    }
    assert_eq!((world.list("/api/access-ids").await, world.list("/api/vehicles").await), before);
}

#[tokio::test]
async fn a_tag_is_unique_and_known_within_its_organization() {
    let world = World::new().await;
    let other = &world.another_fleet().await;
    let theirs_asks = |tag: &str| world.thor(&format!("/{}", other.rfid.token)).json(&thor(tag, "start"));
    let ours = world.create(rfid("tag", "Ours")).await;
    theirs_asks("tag").await.refuses("unknown");
    let theirs = world.post("/api/access-ids", rfid("TAG", "Theirs")).of(other).await.created()["accessId"].take();
    world
        .patch(&format!("/api/access-ids/{}", ours["id"]), json!({"accessId": {"authorizationStatus": "Revoked"}}))
        .await
        .ok();
    world.ask("tag").await.refuses("revoked");
    assert_eq!(
        theirs_asks("tag").await.ok()["accessId"],
        json!({"id": theirs["id"], "name": "Theirs", "type": "RFID"})
    );

    // A vehicle of the other organization links the card there; our card with the same tag is unchanged.
    let body =
        json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": "tag", "authorizationStatus": "Revoked"}]}});
    let van = world.post("/api/vehicles", body).of(other).await.created();
    assert_eq!(van["vehicle"]["accessIds"][0]["id"], theirs["id"]);
    theirs_asks("tag").await.refuses("revoked");
    assert_eq!(world.access_id(&ours["id"]).await["name"], "Ours");
    assert!(world.list("/api/vehicles").await.is_empty());
}

#[tokio::test]
async fn customers_are_the_organizations_own() {
    let world = World::new().await;
    let other = &world.another_fleet().await;
    let van = |name: &str| json!({"vehicle": {"name": "Van", "customer": {"name": name}}});
    assert_eq!(world.create(van("Fleet")).await["customer"]["name"], "Fleet");
    let theirs = world.post("/api/vehicles", van("FLEET")).of(other).await.created();
    assert_eq!(theirs["vehicle"]["customer"]["name"], "FLEET");
    assert_eq!(world.create(van("fleet")).await["customer"]["name"], "Fleet");
}

/// A tag or an idempotency key that looks like a key of the table cannot reach other items.
#[tokio::test]
async fn no_text_reaches_into_another_key() {
    let world = World::new().await;
    let other = &world.another_fleet().await;
    import(&world, &[card(1, "tag")], &[vehicle(1, "Van", &[])]).await;
    let ours = world.fleet.id.as_str();
    let short = format!("#tag#{}", &ours.to_lowercase()[..8]);
    for (at, tag) in ["tag#tag", "#tag#tag", "tag#", "credential#x", &short].into_iter().enumerate() {
        let call = world.post("/api/access-ids", rfid(tag, "Card")).of(other);
        call.header("idempotency-key", &format!("{at}#ORG#{ours}#TAG#tag")).await.created();
        world.ask(tag).await.refuses("unknown");
    }
    assert_eq!(world.ask("tag").await.status, 200);
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
}
