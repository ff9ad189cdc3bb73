//! Lambda freezes a process between two calls, and its connection to the table may end meanwhile. The next call must be
//! answered correctly and in time.

mod journal;

use std::{env, fs, io::Write as _, time::Duration};

use domain::{AccessId, AuthorizationStatus};
use harness::{Cut, Function};

use crate::support::{AUTHORIZER, Answer, Call, World, card, charging_vehicle, import, now};

/// How the open connection ends, in turn.
const CUTS: [Cut; 3] = [Cut::Close, Cut::Reset, Cut::Silence];

/// How often each function is to be frozen, if the environment variable `FREEZES` is set.
fn freezes() -> Option<usize> {
    env::var("FREEZES").ok().map(|freezes| freezes.parse().unwrap())
}

/// A function that had to wait so long for a processor may be late. It has 950 ms, of which a silent connection takes 500.
const STARVED: Duration = Duration::from_millis(300);

/// How long the function, and this test that answers for the table, have waited for a processor so far, as Linux counts it.
/// Zero on other systems.
fn waited(process: &Function) -> Duration {
    let waited = |file: &std::path::Path| {
        let figures = fs::read_to_string(file).unwrap_or_default();
        Duration::from_nanos(figures.split(' ').nth(1).and_then(|figure| figure.parse().ok()).unwrap_or_default())
    };
    let threads = fs::read_dir(format!("/proc/{}/task", process.pid().unwrap())).into_iter().flatten().flatten();
    let threads = threads.map(|thread| waited(&thread.path().join("schedstat")));
    waited("/proc/thread-self/schedstat".as_ref()) + threads.sum::<Duration>()
}

/// Counts the freezes. Those in which processes waited for too long for a processor are made again, within bounds.
struct Rounds {
    wanted: usize,
    made: usize,
    in_all: usize,
}

impl Rounds {
    fn new(few: usize) -> Self {
        Self { wanted: freezes().unwrap_or(few), made: 0, in_all: 0 }
    }

    /// The number of the next freeze, if there is to be one.
    fn next(&mut self) -> Option<usize> {
        self.in_all += 1;
        assert!(self.in_all <= 3 * self.wanted + 30, "the machine is too busy: {} of {}", self.made, self.wanted);
        (self.made < self.wanted).then_some(self.made)
    }

    /// How long the process is to be frozen: every tenth time for longer than every time-out of the process.
    fn freeze(&self) -> Duration {
        let is_long = freezes().is_some() && self.made % 10 == 9;
        Duration::from_millis(if is_long { 1200 } else { 5 })
    }

    fn report(&self, text: &str) {
        if freezes().is_some() {
            let again = self.in_all - 1 - self.made;
            // Directly, since libtest would capture it.
            _ = writeln!(std::io::stderr(), "{text}: {} freezes, and {again} that had to be made again", self.made);
        }
    }
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
    let mut rounds = Rounds::new(few);
    while let Some(at) = rounds.next() {
        let cut = CUTS[at % CUTS.len()];
        process.wait_idle().await.unwrap();
        recorder.clear();
        let connections = recorder.connections();
        process.freeze().await.unwrap();
        recorder.cut_by(cut);
        tokio::time::sleep(rounds.freeze()).await;
        // The event is there before the process continues, as in Lambda.
        let thaw = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            process.thaw().unwrap();
        };
        let before = waited(&process);
        let ((answer, took), ()) = tokio::join!(call(at).timed(), thaw);
        process.wait_idle().await.unwrap();
        if waited(&process) - before >= STARVED {
            assert!(answer.status == 503 || is_right(at, &answer), "{at} {cut:?}: {answer:?}");
            // Opens a connection, if it has been given up.
            call(at).await;
            continue;
        }

        assert!(is_right(at, &answer), "{at} {cut:?}: {answer:?}");
        assert!(took < Duration::from_secs(1), "{at} {cut:?}: {took:?}");
        // No request is sent twice, except the one on the connection that no longer answers.
        let requests = recorder.requests();
        let asked: Vec<_> = requests.iter().map(|request| (request.connection, request.operation.as_str())).collect();
        let unheard = (cut == Cut::Silence).then(|| (connections - 1, operations[0]));
        let heard = operations.iter().map(|operation| (connections, *operation));
        let expected: Vec<_> = unheard.into_iter().chain(heard).collect();
        assert!(asked.starts_with(&expected), "{at} {cut:?}: {asked:?}");
        // A machine that is busy for 100 ms makes the journal's write a second one, after which a connection is opened.
        let after = &asked[expected.len()..];
        let is_journal = operations.last() == Some(&"BatchWriteItem");
        let is_again = |(_, operation): &(usize, &str)| is_journal && ["BatchWriteItem", ""].contains(operation);
        assert!(after.len() <= 2 && after.iter().all(is_again), "{at} {cut:?}: {asked:?}");
        let opened = asked.iter().map(|(connection, _)| *connection).max().unwrap() + 1;
        assert_eq!(recorder.connections(), opened, "{at} {cut:?}");
        rounds.made += 1;
    }
    rounds.report(function);
}

#[tokio::test]
async fn a_decision_after_a_freeze_is_right() {
    let world = World::alone().await;
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
    let world = World::alone().await;
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
