//! Random calls from several clients at once, with faults between the functions and the table. Every history must be one
//! that the model explains, and the table must hold what the model holds then.
//!
//! `SCHEDULES=10000 cargo test -p functions histories` is the campaign; `SEED=… SCHEDULES=50` runs one schedule again and
//! again. A seed fixes the calls and the faults; how the processes take turns is new each time.

mod observe;
mod schedule;

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    env,
    fmt::Write as _,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::join_all;
use model::{Call as Asked, Known, Made, Model, Outcome, explain, story};

use self::{
    observe::{Page, Request},
    schedule::{Ask, CLIENTS, Schedule, Step},
};
use crate::support::{Answer, Call, Fleet, World, functions};

/// How many schedules one set of processes serves.
const SCHEDULES_PER_WORLD: usize = 250;
/// From so many schedules on, every kind of fault must have happened.
const CAMPAIGN: usize = 1000;

#[test]
fn every_history_has_an_explanation() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let schedules = number("SCHEDULES").unwrap_or(16) as usize;
    let seed = number("SEED");
    let first = seed.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64);
    // Much of the time is spent waiting.
    let lanes = if schedules < 100 { 2 } else { number("LANES").unwrap_or(6) as usize };

    let (next, figures, failures) = (&AtomicUsize::new(0), &Mutex::new(Figures::default()), &Mutex::new(Vec::new()));
    let began = Instant::now();
    let lane = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = None;
        for served in 0.. {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= schedules || failures.lock().unwrap().len() > 2 {
                break;
            }
            if served % SCHEDULES_PER_WORLD == 0 || world.is_none() {
                world = Some(runtime.block_on(World::new()));
            }
            let seed = if seed.is_some() { first } else { first + at as u64 };
            let run = run(world.as_ref().unwrap(), seed, figures);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run))) {
                failures.lock().unwrap().push(format!("SEED={seed}: {}", said(panic.as_ref())));
                // What is still under way belongs to nobody.
                world = None;
            }
            if at % 500 == 499 {
                report(&format!("{} schedules in {:.0?}\n{}", at + 1, began.elapsed(), figures.lock().unwrap()));
            }
        }
    };
    thread::scope(|scope| (0..lanes).for_each(|_| _ = scope.spawn(lane)));

    let failures = failures.lock().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let figures = figures.lock().unwrap();
    if schedules >= 100 {
        report(&format!("{schedules} schedules in {:.0?}\n{figures}", began.elapsed()));
    }
    if schedules >= CAMPAIGN {
        figures.are_of_a_campaign();
    }
}

/// Past what the test harness catches.
fn report(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned()
}

/// What came of it all.
#[derive(Default)]
struct Figures {
    calls: usize,
    /// By status and code.
    answers: BTreeMap<String, usize>,
    /// By kind: of the authorizer, of the others.
    faults: BTreeMap<String, [usize; 2]>,
    /// Writes answered 503 that had happened.
    happened: usize,
    /// Writes answered 503 that had not.
    did_not: usize,
    /// 503 without any fault: the machine was too slow.
    without_fault: usize,
}

impl Figures {
    fn are_of_a_campaign(&self) {
        for kind in schedule::kinds() {
            let happened = self.faults.get(&kind).copied().unwrap_or_default();
            assert!(happened[1] > 0, "{kind} never happened:\n{self}");
            // a transaction is none of the authorizer's affairs
            assert!(
                happened[0] > 0 || kind.contains("Transaction"),
                "{kind} never happened to the authorizer:\n{self}"
            );
        }
        for answer in [
            "200",
            "201",
            "400 invalid_request",
            "403 revoked",
            "403 unknown",
            "404 not_found",
            "409 idempotency_key_reused",
            "409 tag_taken",
            "503 service_unavailable",
        ] {
            assert!(self.answers.contains_key(answer), "{answer} never came:\n{self}");
        }
        assert!(self.happened > 0 && self.did_not > 0, "{self}");
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} calls", self.calls)?;
        self.answers.iter().try_for_each(|(answer, count)| writeln!(f, "{count:8} {answer}"))?;
        writeln!(f, "faults (authorizer, others)")?;
        for (kind, [authorizer, others]) in &self.faults {
            writeln!(f, "{authorizer:8}{others:8} {kind}")?;
        }
        let Self { happened, did_not, without_fault, .. } = self;
        write!(f, "writes answered 503: {happened} happened, {did_not} did not; 503 without a fault: {without_fault}")
    }
}

/// One organization under test and what was asked in it.
struct Run<'a> {
    seed: u64,
    world: &'a World,
    fleet: Fleet,
    moment: Cell<usize>,
    history: RefCell<Vec<Made>>,
    pages: RefCell<Vec<Page>>,
    known: RefCell<Known>,
    figures: RefCell<Figures>,
}

/// Carries a schedule out in an organization of its own and looks for an explanation of what was seen.
async fn run(world: &World, seed: u64, all: &Mutex<Figures>) {
    let schedule = Schedule::of(seed);
    let fleet = world.another_fleet().await;
    let run = Run {
        seed,
        world,
        fleet,
        moment: Cell::default(),
        history: RefCell::default(),
        pages: RefCell::default(),
        known: RefCell::default(),
        figures: RefCell::default(),
    };
    join_all(schedule.clients.into_iter().enumerate().map(|(client, steps)| run.client(client, steps))).await;
    run.calm().await;
    run.check().await;

    let Figures { calls, answers, faults, happened, did_not, without_fault } = run.figures.take();
    let mut all = all.lock().unwrap();
    all.calls += calls;
    all.happened += happened;
    all.did_not += did_not;
    all.without_fault += without_fault;
    answers.into_iter().for_each(|(answer, count)| *all.answers.entry(answer).or_default() += count);
    for (kind, counts) in faults {
        let sums = all.faults.entry(kind).or_default();
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
}

impl Run<'_> {
    async fn client(&self, client: usize, steps: Vec<Step>) {
        let mut cursors = BTreeMap::new();
        for Step { ask, faults } in steps {
            match ask {
                Ask::Call(call) => {
                    let call = self.known.borrow_mut().concrete(call);
                    let request = Request::of(&call);
                    self.inject(request.function, faults).await;
                    // What a client with a key does when it does not know what happened.
                    for _ in 0..2 {
                        if self.call(client, &call, &request).await.is_some() || call.key().is_none() {
                            break;
                        }
                    }
                }
                Ask::List { kind, limit, goes_on } => {
                    let start = cursors.remove(&kind).filter(|_| goes_on);
                    let request = Request::page(kind, limit, start.as_ref());
                    self.inject(request.function, faults).await;
                    if let Some(cursor) = self.page(client, kind, limit, start.map(|(after, _)| after), &request).await
                    {
                        cursors.insert(kind, cursor);
                    }
                }
            }
        }
    }

    async fn inject(&self, function: &'static str, faults: Vec<schedule::Trouble>) {
        let recorder = self.world.recorder(function).await;
        for trouble in faults {
            let cuts = trouble.cuts();
            recorder.inject(trouble);
            if cuts {
                recorder.cut();
            }
        }
    }

    /// Makes a call and takes note of it. None if it is not known what it came to.
    async fn call(&self, client: usize, call: &Asked, request: &Request) -> Option<()> {
        let (answer, mut made) = self.send(client, call, request).await;
        made.outcome = observe::outcome(call, &answer);
        let Some(outcome) = made.outcome.take() else {
            // a read without an answer is as if it had not been
            if !call.is_read() {
                self.history.borrow_mut().push(made);
            }
            return None;
        };
        self.known.borrow_mut().learn(&outcome);
        let split = outcome.split(call).into_iter();
        let parts = split.map(|(call, outcome)| Made { call, outcome: Some(outcome), ..made.clone() });
        self.history.borrow_mut().extend(parts);
        Some(())
    }

    /// Reads a page; hands out where the next one begins.
    async fn page(
        &self,
        client: usize,
        kind: model::Kind,
        limit: usize,
        after: Option<u64>,
        request: &Request,
    ) -> Option<(u64, String)> {
        let after = after.unwrap_or_default();
        let (answer, made) = self.send(client, &Asked::HasMore { kind, after }, request).await;
        if answer.status == 503 {
            return None;
        }
        let page = Page::read(kind, after, limit, made, &answer);
        page.reads.iter().flatten().for_each(|(_, outcome)| self.known.borrow_mut().learn(outcome));
        let next = page.next.clone();
        self.pages.borrow_mut().push(page);
        next
    }

    async fn send(&self, client: usize, call: &Asked, request: &Request) -> (Answer, Made) {
        let Self { world, fleet, .. } = self;
        let recorder = world.recorder(request.function).await;
        let faults = || recorder.faults().len();
        let faults_before = faults();
        let message = match request.function {
            "rfid-authorizer" => Call::rfid(world, &format!("/{}", fleet.rfid.token)),
            _ => Call::api(world, request.method, &request.target).of(fleet),
        };
        // Reads need not overlap with reads.
        let instance = if call.is_read() { 0 } else { client };
        let mut message = message.json(&request.body).on(instance);
        if let Some((_, key)) = call.key() {
            message = message.header("idempotency-key", &format!("key-{key}"));
        }
        let (began, from) = (self.tick(), milliseconds());
        let answer = message.await;
        let (ended, to) = (self.tick(), milliseconds());

        let mut figures = self.figures.borrow_mut();
        figures.calls += 1;
        let what = answer.body["code"].as_str().or(answer.body["reason"].as_str()).unwrap_or_default();
        *figures.answers.entry(format!("{} {what}", answer.status).trim_end().to_owned()).or_default() += 1;
        figures.without_fault += usize::from(answer.status == 503 && faults() == faults_before);
        (answer, Made { call: call.clone(), from, to, began, ended, outcome: None })
    }

    fn tick(&self) -> usize {
        self.moment.set(self.moment.get() + 1);
        self.moment.get()
    }

    /// Ends all trouble and waits until nothing is under way any more.
    async fn calm(&self) {
        let is_uncertain = self.history.borrow().iter().any(|made| made.outcome.is_none());
        for function in functions() {
            let recorder = self.world.recorder(function).await;
            recorder.heal();
            recorder.quiet().await;
            for fault in recorder.faults() {
                let of = usize::from(function != "rfid-authorizer");
                self.figures.borrow_mut().faults.entry(fault.kind()).or_default()[of] += 1;
            }
        }
        if is_uncertain {
            // A request may have been in a socket yet.
            tokio::time::sleep(Duration::from_millis(20)).await;
            for function in functions() {
                self.world.recorder(function).await.quiet().await;
            }
        }
    }

    async fn check(&self) {
        let stored = observe::Stored::read(self.world, &self.fleet).await;
        for kind in [model::Kind::AccessId, model::Kind::Vehicle] {
            self.page(0, kind, 100, None, &Request::page(kind, 100, None)).await;
        }
        self.world.check_policies().await;
        for function in functions() {
            self.world.recorder(function).await.clear();
        }

        let end: &Model = &stored.state;
        let mut history = self.history.take();
        for page in self.pages.take() {
            // The search has one bit for each.
            if history.len() < 100 {
                history.extend(page.expand(end));
            }
        }
        history.truncate(128);
        let happened = match explain(&history, end, |model| stored.agrees(model)) {
            Ok(happened) => happened,
            Err(unexplained) => {
                let mut text = format!("{unexplained}\nthe table holds {stored:?}\nfaults:");
                self.figures.borrow().faults.iter().for_each(|fault| _ = write!(text, " {fault:?}"));
                panic!("{text}");
            }
        };
        let mut figures = self.figures.borrow_mut();
        figures.happened += happened.len();
        let uncertain = history.iter().filter(|made| made.outcome.is_none());
        figures.did_not += uncertain.count() - happened.len();
        self.never_after_a_revocation(&history);
    }

    /// What matters most, once more and without the model: between the acknowledgement of a revocation and the next call
    /// that may authorize again, no decision lets charge.
    fn never_after_a_revocation(&self, history: &[Made]) {
        for revoked in history {
            let Some(Outcome::AccessId { access_id, .. }) = &revoked.outcome else { continue };
            let is_revocation = matches!(revoked.call, Asked::UpdateAccessId { revoked: Some(true), .. });
            if !is_revocation {
                continue;
            }
            let may_authorize = |made: &&Made| match &made.call {
                Asked::UpdateAccessId { id, revoked: Some(false), .. } => *id == access_id.id,
                Asked::CreateVehicle { tags, .. } => tags.contains(&(access_id.tag, Some(false))),
                _ => false,
            };
            let authorizes = |made: &&Made| {
                // what is uncertain may happen at any time
                made.outcome.is_none() || made.ended > revoked.began
            };
            let next = history.iter().filter(may_authorize).filter(authorizes).map(|made| made.began).min();
            for decision in history.iter().filter(|made| made.call == Asked::Decide { tag: access_id.tag }) {
                let is_between = decision.began > revoked.ended && decision.ended < next.unwrap_or(usize::MAX);
                let lets_charge = matches!(decision.outcome, Some(Outcome::Authorized { .. }));
                assert!(!(is_between && lets_charge), "{decision:?} after {revoked:?}");
            }
        }
    }
}

/// A check that fails tells what it was about; before it goes, the history tells what led there.
impl Drop for Run<'_> {
    fn drop(&mut self) {
        let history = self.history.take();
        if thread::panicking() && !history.is_empty() {
            report(&format!("SEED={}:\n{}", self.seed, story(&history, &[])));
        }
    }
}

fn milliseconds() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

#[test]
fn a_seed_is_a_schedule() {
    assert_eq!(format!("{:?}", Schedule::of(7)), format!("{:?}", Schedule::of(7)));
    assert_ne!(format!("{:?}", Schedule::of(7)), format!("{:?}", Schedule::of(8)));
    assert_eq!(Schedule::of(7).clients.len(), CLIENTS);
}
