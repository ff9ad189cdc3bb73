//! Deletions beside other writes, and writes of deleted records that arrive late.

use std::time::Duration;

use harness::Fault;
use serde_json::{Value, json};

use super::{all, rounds, warm};
use crate::support::{Call, World, card, charging_vehicle, import, rfid, vehicle};

const FUNCTIONS: [&str; 4] = ["create-access-id", "update-access-id", "delete-access-id", "delete-vehicle"];

fn delete<'a>(world: &'a World, kind: &str, id: &Value) -> Call<'a> {
    world.request("DELETE", &format!("/api/{kind}/{id}"))
}

/// A tag belongs to nobody in between: whoever creates an access ID with it finds it taken, or free.
#[tokio::test]
async fn a_tag_that_is_freed_is_taken_or_given_anew() {
    let world = World::new().await;
    warm(&world, &FUNCTIONS, 2).await;
    let mut anew = 0;
    for _ in 0..rounds() {
        let old = world.create(charging_vehicle("tag", "Van")).await;
        let answers = all([
            delete(&world, "access-ids", &old["id"]),
            world.post("/api/access-ids", rfid("tag", "Card")),
            delete(&world, "access-ids", &old["id"]).on(1),
            world.patch(
                &format!("/api/access-ids/{}", old["id"]),
                json!({"accessId": {"authorizationStatus": "Revoked"}}),
            ),
        ])
        .await;
        let mut deleted = [answers[0].status, answers[2].status];
        deleted.sort_unstable();
        assert_eq!(deleted, [204, 404], "{answers:?}");
        assert!([200, 404].contains(&answers[3].status), "{answers:?}");
        world.get(&format!("/api/access-ids/{}", old["id"])).await.is(404, "not_found");
        assert_eq!(world.vehicle(&old["vehicle"]["id"]).await["accessIds"], json!([]));
        if answers[1].status == 201 {
            anew += 1;
            let new = &answers[1].body["accessId"]["id"];
            assert_eq!(&world.ask("tag").await.ok()["accessId"]["id"], new);
            delete(&world, "access-ids", new).await.done();
        } else {
            answers[1].conflicts_with(&[("accessId.ocppIdTag", &old["id"])]);
        }
        world.ask("tag").await.refuses("unknown");
        assert_eq!(world.list("/api/access-ids").await, Vec::<Value>::new());
        delete(&world, "vehicles", &old["vehicle"]["id"]).await.done();
    }
    println!("given anew in {anew} of {} rounds", rounds());
}

/// Of a deletion of a vehicle and a link to it, one happens, and the other sees it.
#[tokio::test]
async fn a_vehicle_is_linked_or_deleted() {
    let world = World::new().await;
    warm(&world, &FUNCTIONS, 2).await;
    import(&world, &[card(1, "card")], &[]).await;
    for round in 0..rounds() {
        let van = world.create(json!({"vehicle": {"name": "Van"}})).await["id"].clone();
        let new = json!({"accessId": {"type": "Vehicle", "ocppIdTag": "new", "name": "x", "vehicleId": van}});
        let link = if round % 2 == 0 {
            world.post("/api/access-ids", new)
        } else {
            world.patch("/api/access-ids/1", json!({"accessId": {"vehicleId": van}}))
        };
        let answers = all([delete(&world, "vehicles", &van), link]).await;
        let (deleted, linked) = (&answers[0], &answers[1]);
        if deleted.status == 204 {
            linked.names(&["accessId.vehicleId"]);
            world.get(&format!("/api/vehicles/{van}")).await.is(404, "not_found");
        } else {
            deleted.is(409, "vehicle_in_use");
            assert!([200, 201].contains(&linked.status), "{linked:?}");
            assert_eq!(world.vehicle(&van).await["accessIds"][0]["id"], linked.body["accessId"]["id"]);
            if round % 2 == 0 {
                delete(&world, "access-ids", &linked.body["accessId"]["id"]).await.done();
            } else {
                world.patch("/api/access-ids/1", json!({"accessId": {"vehicleId": null}})).await.ok();
            }
        }
        assert_eq!(world.list("/api/access-ids").await.len(), 1);
    }
}

/// Reads go on while records vanish: no answer is a failure, and each shows a record or does not.
#[tokio::test]
async fn reads_beside_deletions_never_fail() {
    let world = World::new().await;
    warm(&world, &FUNCTIONS, 1).await;
    for _ in 0..rounds() {
        let made = world.create(charging_vehicle("tag", "Van")).await;
        let path = format!("/api/access-ids/{}", made["id"]);
        let vehicle = &made["vehicle"]["id"];
        let remove = async {
            world.patch(&path, json!({"accessId": {"vehicle": null}})).await.ok();
            delete(&world, "vehicles", vehicle).await.done();
            delete(&world, "access-ids", &made["id"]).await.done();
        };
        let read = async {
            for _ in 0..4 {
                let answers = all([
                    world.get(&path),
                    world.get("/api/access-ids"),
                    world.get("/api/access-ids?ocppIdTag=tag"),
                    world.get("/api/vehicles?ocppIdTag=tag"),
                    world.get(&format!("/api/access-ids?vehicleId={vehicle}")),
                ])
                .await;
                assert!([200, 404].contains(&answers[0].status), "{answers:?}");
                assert!(answers[1..].iter().all(|answer| answer.status == 200), "{answers:?}");
            }
        };
        tokio::join!(remove, read);
    }
}

/// The first sending of a creation reaches the table late. Meanwhile another access ID gets the tag, so that the second sending
/// is refused, and is deleted. An answer that the tag is taken would then be followed by the creation that it denies: what
/// becomes of the creation is not known, and the answer says so.
#[tokio::test]
async fn a_creation_that_may_arrive_late_is_not_refused() {
    let world = World::alone().await;
    warm(&world, &["create-access-id", "create-vehicle", "delete-access-id"], 1).await;
    let recorder = world.recorder("create-access-id").await;
    recorder.inject(Fault::Delay(Duration::from_millis(2_500)).on("TransactWriteItems").times(1));
    let new = || world.post("/api/access-ids", rfid("tag", "Late")).header("idempotency-key", "k");
    let other = async {
        while recorder.faults().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.create(json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": "tag"}]}})).await
    };
    let (late, van) = tokio::join!(new().into_future(), other);
    late.is(503, "service_unavailable");
    assert_eq!(recorder.operations().iter().filter(|operation| *operation == "TransactWriteItems").count(), 2);
    delete(&world, "access-ids", &van["accessIds"][0]["id"]).await.done();
    world.ask("tag").await.refuses("unknown");
    recorder.quiet().await;
    // It was carried out after all, once, and a repetition gets its answer.
    let made = world.ask("tag").await.ok()["accessId"]["id"].clone();
    assert_eq!(new().await.created()["accessId"]["id"], made);
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
}

/// Without a sending of which the end is not known, a tag that is taken is a conflict, also after others have failed.
#[tokio::test]
async fn a_tag_that_is_taken_in_between_is_a_conflict() {
    let world = World::alone().await;
    warm(&world, &["create-access-id", "create-vehicle"], 1).await;
    let recorder = world.recorder("create-access-id").await;
    recorder.inject(Fault::error(400, "ThrottlingException", "").on("TransactWriteItems").times(2));
    recorder.inject(Fault::cancelled(&["TransactionConflict"]).on("TransactWriteItems").times(1));
    recorder.inject(Fault::DelayAnswer(Duration::from_millis(300)).on("BatchGetItem").times(1));
    let other = async {
        while recorder.faults().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        world.create(json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": "tag"}]}})).await
    };
    let (refused, van) = tokio::join!(world.post("/api/access-ids", rfid("tag", "x")).into_future(), other);
    refused.conflicts_with(&[("accessId.ocppIdTag", &van["accessIds"][0]["id"])]);
}

/// A vehicle whose version is another cannot come back to the one that was read, so a change of it is decided anew even if an
/// earlier sending may arrive late.
#[tokio::test]
async fn a_change_that_may_arrive_late_is_decided_anew() {
    let world = World::alone().await;
    warm(&world, &["update-vehicle", "delete-vehicle"], 1).await;
    import(&world, &[], &[vehicle(1, "Van", &[])]).await;
    let recorder = world.recorder("update-vehicle").await;
    recorder.inject(Fault::Delay(Duration::from_millis(1_500)).on("TransactWriteItems").times(1));
    let deletion = async {
        while recorder.faults().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        delete(&world, "vehicles", &json!(1)).await.done();
    };
    let change = world.patch("/api/vehicles/1", json!({"vehicle": {"name": "Late"}})).into_future();
    let (changed, ()) = tokio::join!(change, deletion);
    changed.is(404, "not_found");
    recorder.quiet().await;
    world.get("/api/vehicles/1").await.is(404, "not_found");
}
