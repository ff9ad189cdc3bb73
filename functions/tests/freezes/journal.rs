//! Freezes before, while and after the authorizer writes down what it has decided: after its answer, with nobody waiting for
//! it. Every answer is right, and each decision and each accepted start is written down as it was, once, or logged as lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{AccessId, AuthorizationStatus};
use harness::{Cut, Fault, Function, Recorder};
use serde_json::{Value, json};

use super::{CUTS, Rounds, STARVED, waited};
use crate::support::{AUTHORIZER, Answer, Call, World, card, import, now};

/// What the first try of the journal's write may take. Within this time after the answer it has not been given up.
const FIRST_TRY: Duration = Duration::from_millis(100);
/// Tag, type, and why it is refused.
const ASKED: [(&str, &str, Option<&str>); 4] = [
    ("known", "start", None),
    ("revoked", "start", Some("revoked")),
    ("known", "authorize", None),
    ("nobody", "authorize", Some("unknown")),
];
const FATES: [Fate; 3] = [Fate::NeverArrives, Fate::IsCarriedOut, Fate::ArrivesLate];

/// When the process is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// The answer has been given, and the write has not been sent.
    Before,
    /// The write has been sent and not been answered, and this becomes of it.
    During(Fate),
    /// The write has been answered.
    After,
}

/// What becomes of a write whose answer does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    NeverArrives,
    IsCarriedOut,
    /// It is carried out, but only when the process may be running again.
    ArrivesLate,
}

impl Fate {
    fn fault(self) -> Fault {
        match self {
            Self::NeverArrives => Fault::BlackHole,
            Self::IsCarriedOut => Fault::DelayAnswer(Duration::from_secs(5)),
            Self::ArrivesLate => Fault::Delay(Duration::from_millis(80)),
        }
    }
}

/// What a test asks, and what became of it.
struct Journal {
    world: World,
    process: Arc<Function>,
    recorder: Arc<Recorder>,
    /// The number in [`ASKED`] of each decision, by its request's id. Each is asked at a charge box of its own.
    asked: BTreeMap<String, usize>,
    requests: u64,
}

impl Journal {
    async fn new() -> Self {
        let world = World::new().await;
        let revoked = AccessId { status: AuthorizationStatus::Revoked, revoked_at: Some(now()), ..card(2, "revoked") };
        import(&world, &[card(1, "known"), revoked], &[]).await;
        let process = world.instance(AUTHORIZER, 0).await;
        let recorder = world.recorder(AUTHORIZER).await;
        Self { world, process, recorder, asked: BTreeMap::new(), requests: 0 }
    }

    /// Asks the next question. The answer must be right, and must come within a second, unless the function had no processor
    /// for too long: then it may be 503. Returns whether it was given in time.
    async fn ask(&mut self) -> bool {
        let before = waited(&self.process);
        self.requests += 1;
        let which = self.asked.len() % ASKED.len();
        let (tag, kind, reason) = ASKED[which];
        let id = harness::request_id(1_000_000 + self.requests);
        let body = json!({"msg": "rfid", "id": tag, "chargebox": charge_box(&id), "type": kind});
        self.asked.insert(id.clone(), which);
        let call = self.world.thor(&format!("/{}", self.world.fleet.rfid.token)).json(&body).request_id(id.clone());
        let (answer, took) = call.timed().await;
        let is_in_time = answer.status != 503 && took < Duration::from_secs(1);
        let was_starved = waited(&self.process) - before >= STARVED;
        assert!(is_in_time || was_starved, "{id}: {took:?} {answer:?}");
        if answer.status == 503 {
            // Nothing was decided, so nothing of it may be in the journal.
            self.asked.remove(&id);
            return false;
        }
        match reason {
            Some(reason) => answer.refuses(reason),
            None => assert_eq!((answer.status, &answer.body["accessId"]["id"]), (200, &json!(1)), "{answer:?}"),
        }
        is_in_time
    }

    /// The writes that have been sent in this round, by the id of the request whose decision they hold.
    fn writes(&self) -> BTreeMap<String, Vec<Value>> {
        let mut writes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for request in self.recorder.requests().into_iter().filter(|request| request.operation == "BatchWriteItem") {
            let items = request.body["RequestItems"][engine::TABLE_NAME].clone();
            let id = items[0]["PutRequest"]["Item"]["requestId"]["S"].as_str().unwrap().to_owned();
            writes.entry(id).or_default().push(items);
        }
        writes
    }

    /// Whether the table holds the first item of the write that was sent in this round.
    async fn is_there(&self) -> bool {
        let writes = self.writes();
        let item = &writes.values().next().unwrap()[0][0]["PutRequest"]["Item"];
        let key = json!({"Key": {"PK": item["PK"], "SK": item["SK"]}, "ConsistentRead": true});
        !self.world.table("GetItem", key).await["Item"].is_null()
    }

    /// Freezes the process around a write and cuts its connection. Then the process goes on, and the next question is there
    /// already. Returns whether the moment was met and the answers were in time, which on a busy machine may not be so.
    async fn freeze(&mut self, moment: Moment, cut: Cut, frozen: Duration) -> bool {
        self.process.wait_idle().await.unwrap();
        self.recorder.clear();
        match moment {
            Moment::Before => self.process.hold_receipts(true),
            Moment::During(fate) => self.recorder.inject(fate.fault().on("BatchWriteItem").times(1)),
            Moment::After => {}
        }
        if !self.ask().await {
            self.process.hold_receipts(false);
            self.recorder.heal();
            return false;
        }
        let answered = Instant::now();
        match moment {
            Moment::Before => {}
            Moment::During(_) => {
                while self.writes().is_empty() {
                    assert!(answered.elapsed() < Duration::from_secs(5), "there is no write");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Moment::After => self.process.wait_idle().await.unwrap(),
        }
        self.process.freeze().await.unwrap();
        let was_given_up = answered.elapsed() >= FIRST_TRY;
        let writes: usize = self.writes().values().map(Vec::len).sum();
        let is_met = match moment {
            Moment::Before => writes == 0,
            Moment::During(Fate::ArrivesLate) => writes == 1 && !was_given_up,
            Moment::During(fate) => {
                self.recorder.quiet().await;
                let is_there = self.is_there().await;
                writes == 1 && !was_given_up && is_there == (fate == Fate::IsCarriedOut)
            }
            Moment::After => writes == 1 && self.is_there().await,
        };
        self.process.hold_receipts(false);
        self.recorder.cut_by(cut);
        tokio::time::sleep(frozen).await;
        let process = Arc::clone(&self.process);
        let thaw = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            process.thaw().unwrap();
        };
        let (is_in_time, ()) = tokio::join!(self.ask(), thaw);
        self.process.wait_idle().await.unwrap();
        self.recorder.heal();
        for (id, writes) in self.writes() {
            // Two tries, and a request that did not get through because the connection had been closed.
            assert!(writes.len() <= 3, "{moment:?} {cut:?}: {writes:?}");
            assert!(writes.iter().all(|write| *write == writes[0]), "{moment:?} {cut:?}, {id}: {writes:?}");
        }
        is_met && is_in_time
    }

    /// The ids of the requests whose decisions the authorizer has logged as lost.
    async fn lost(&self) -> BTreeSet<String> {
        let lines = self.process.log_lines(self.asked.len()).await;
        let lines = lines.iter().filter(|line| line["JournalLost"].as_u64().is_some_and(|lost| lost > 0));
        lines.map(|line| line["requestId"].as_str().unwrap().to_owned()).collect()
    }

    /// All decisions of a list. None is there twice, each is one that was asked, and each says what was asked and answered.
    async fn listed(&self, filter: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let page = answered(|| self.world.get(&format!("/api/decisions?limit=100{filter}{cursor}"))).await.ok();
            for decision in page["data"].as_array().unwrap() {
                let id = decision["requestId"].as_str().unwrap();
                let (tag, kind, reason) = ASKED[*self.asked.get(id).unwrap_or_else(|| panic!("{decision}"))];
                let expected = [json!(tag), json!(kind), json!(reason), json!(charge_box(id))];
                let said = ["ocppIdTag", "type", "reason", "chargeBox"].map(|name| decision[name].clone());
                assert_eq!(said, expected, "{decision}");
                assert_eq!(decision["authorized"], reason.is_none(), "{decision}");
                assert!(seen.insert(id.to_owned()), "twice: {decision}");
            }
            match page["pagination"]["nextPageCursor"].as_str() {
                Some(next) => cursor = format!("&nextPageCursor={next}"),
                None => return seen,
            }
        }
    }

    /// Checks what is written down when nothing is under way any more. Returns how many decisions were logged as lost.
    async fn check(&self) -> usize {
        self.recorder.cut();
        self.recorder.quiet().await;
        let lost = self.lost().await;
        let listed = self.listed("").await;
        let mut by_tag = BTreeSet::new();
        for tag in ["known", "revoked", "nobody"] {
            by_tag.append(&mut self.listed(&format!("&ocppIdTag={tag}")).await);
        }
        for id in self.asked.keys().filter(|id| !lost.contains(*id)) {
            assert!(listed.contains(id) && by_tag.contains(id), "{id} is neither in the journal nor logged as lost");
        }
        // With a rule that forbids it, the card is let in where the start was remembered, and nowhere else.
        let rules = json!({"rules": {"validFrom": null, "validUntil": null, "chargeBoxes": ["elsewhere"]}});
        let ruled = answered(|| self.world.request("PUT", "/api/access-ids/1/rules").json(&rules)).await;
        assert_eq!(ruled.status, 200, "{ruled:?}");
        for (id, which) in &self.asked {
            let body = json!({"msg": "rfid", "id": "known", "chargebox": charge_box(id), "type": "authorize"});
            let path = format!("/{}", self.world.fleet.rfid.token);
            let answer = answered(|| self.world.thor(&path).json(&body)).await;
            let is_accepted_start = *which == 0;
            match answer.status {
                200 => assert!(is_accepted_start, "{id} was no accepted start"),
                _ => {
                    answer.refuses("not_here");
                    assert!(!is_accepted_start || lost.contains(id), "{id} is not remembered, nor logged as lost");
                }
            }
        }
        lost.len()
    }
}

/// The answer to a call when nothing else is under way. A machine that is too busy makes a 503, which is asked again.
async fn answered<'a>(call: impl Fn() -> Call<'a>) -> Answer {
    for _ in 0..4 {
        let answer = call().await;
        if answer.status != 503 {
            return answer;
        }
    }
    call().await
}

/// The charge box that a question is asked at.
fn charge_box(request_id: &str) -> String {
    format!("box {request_id}")
}

/// Freezes the process at these moments in turn, with every cut, until all were met so often: `few` times without `FREEZES`.
async fn survives(name: &str, moments: &[Moment], few: usize) {
    let mut journal = Journal::new().await;
    let mut met: BTreeMap<(Moment, String), usize> = BTreeMap::new();
    let mut rounds = Rounds::new(few);
    while let Some(at) = rounds.next() {
        let cut = CUTS[at % CUTS.len()];
        let moment = moments[at / CUTS.len() % moments.len()];
        if journal.freeze(moment, cut, rounds.freeze()).await {
            rounds.made += 1;
            *met.entry((moment, format!("{cut:?}"))).or_default() += 1;
        }
    }
    assert_eq!(met.len(), moments.len() * CUTS.len(), "{met:?}");
    let lost = journal.check().await;
    let decisions = journal.asked.len();
    rounds.report(&format!("{name} the journal's write ({decisions} decisions, {lost} logged as lost; {met:?})"));
}

#[tokio::test]
async fn a_freeze_before_the_journals_write_loses_nothing_unnoticed() {
    survives("before", &[Moment::Before], 3).await;
}

#[tokio::test]
async fn a_freeze_during_the_journals_write_loses_nothing_unnoticed() {
    survives("during", &FATES.map(Moment::During), 9).await;
}

#[tokio::test]
async fn a_freeze_after_the_journals_write_loses_nothing_unnoticed() {
    survives("after", &[Moment::After], 3).await;
}
