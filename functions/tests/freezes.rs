//! Lambda freezes a process between two calls, and its connection to the table may end meanwhile. The next call must be
//! answered correctly and in time.

mod journal;

use std::{env, time::Duration};

use domain::{AccessId, AuthorizationStatus};
use harness::Cut;

use crate::support::{AUTHORIZER, Answer, Call, World, card, charging_vehicle, import, now};

/// How the open connection ends, in turn.
const CUTS: [Cut; 3] = [Cut::Close, Cut::Reset, Cut::Silence];

/// How often each function is to be frozen, if the environment variable `FREEZES` is set.
fn freezes() -> Option<usize> {
    env::var("FREEZES").ok().map(|freezes| freezes.parse().unwrap())
}

/// Repeatedly freezes the function's process, ends its connection, and makes a call. `operations` are the requests of one
/// call to the table. `few` is the number of repetitions without `FREEZES`.
async fn survives<'a>(
    world: &'a World,
    function: &'static str,
    call: impl Fn(usize) -> Call<'a>,
    is_right: impl Fn(usize, &Answer) -> bool,
    operations: &[&str],
    few: usize,
) {
    let recorder = world.recorder(function).await;
    let process = world.instance(function, 0).await;
    let answer = call(0).await;
    assert!(is_right(0, &answer), "{answer:?}");
    for at in 0..freezes().unwrap_or(few) {
        let cut = CUTS[at % CUTS.len()];
        process.wait_idle().await.unwrap();
        recorder.clear();
        let connections = recorder.connections();
        process.freeze().await.unwrap();
        recorder.cut_by(cut);
        // Every tenth freeze is longer than every time-out of the process.
        let frozen =
            if freezes().is_some() && at % 10 == 9 { Duration::from_millis(1200) } else { Duration::from_millis(5) };
        tokio::time::sleep(frozen).await;
        // The event is there before the process continues, as in Lambda.
        let thaw = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            process.thaw().unwrap();
        };
        let ((answer, took), ()) = tokio::join!(call(at).timed(), thaw);

        process.wait_idle().await.unwrap();
        assert!(is_right(at, &answer), "{at} {cut:?}: {answer:?}");
        assert!(took < Duration::from_secs(1), "{at} {cut:?}: {took:?}");
        // No request is sent twice, except the one on the connection that no longer answers.
        let requests = recorder.requests();
        let asked = requests.iter().map(|request| (request.connection, request.operation.as_str()));
        let unheard = (cut == Cut::Silence).then(|| (connections - 1, operations[0]));
        let heard = operations.iter().map(|operation| (connections, *operation));
        assert_eq!(asked.collect::<Vec<_>>(), unheard.into_iter().chain(heard).collect::<Vec<_>>(), "{at} {cut:?}");
        assert_eq!(recorder.connections(), connections + 1, "{at} {cut:?}");
    }
}

#[tokio::test]
async fn a_decision_after_a_freeze_is_right() {
    let world = World::new().await;
    let revoked = AccessId { status: AuthorizationStatus::Revoked, revoked_at: Some(now()), ..card(2, "revoked") };
    import(&world, &[card(1, "known"), revoked], &[]).await;
    let tags = [("known", 200), ("revoked", 403), ("nobody", 403), ("known", 200)];
    survives(
        &world,
        AUTHORIZER,
        |at| world.ask(tags[at % 4].0),
        |at, answer| answer.status == tags[at % 4].1,
        &["BatchGetItem", "BatchWriteItem"],
        12,
    )
    .await;
}

#[tokio::test]
async fn a_read_after_a_freeze_is_right() {
    let world = World::new().await;
    let created = world.create(charging_vehicle("known", "Van")).await;
    let path = format!("/api/access-ids/{}", created["id"]);
    survives(
        &world,
        "get-access-id",
        |_| world.get(&path),
        |_, answer| answer.status == 200 && answer.body["accessId"] == created,
        &["BatchGetItem", "GetItem"],
        6,
    )
    .await;
}
