//! One schedule against one organization: the clients' calls, and the search for an explanation.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt::Write as _,
    sync::Mutex,
    thread,
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use model::{Call as Asked, Known, Made, Model, explain, story};

use super::{
    batches::Batch,
    changes::{Changes, request_id},
    denials::{check_denials, remember_starts},
    figures::Figures,
    journal::{LOST, missing_decisions},
    observe::{Page, outcome},
    report,
    requests::Request,
    revocations::Revocation,
    schedule::{Ask, Schedule, Step, Trouble},
    stored::Stored,
};
use crate::support::{AUTHORIZER, Answer, Call, FUNCTIONS, Fleet, World};

/// A schedule under way, in an organization of its own.
struct Run<'a> {
    seed: u64,
    world: &'a World,
    fleet: Fleet,
    moment: Cell<usize>,
    history: RefCell<Vec<Made>>,
    pages: RefCell<Vec<Page>>,
    revocations: RefCell<Vec<Revocation>>,
    batches: RefCell<Vec<Batch>>,
    /// Whether connections of the authorizer were reset, which is no fault of a request.
    was_cut: Cell<bool>,
    /// How often the authorizer had lost an entry of the journal before.
    lost_before: usize,
    known: RefCell<Known>,
    figures: RefCell<Figures>,
}

/// Carries out the schedule of a seed in an organization of its own. Panics if no order of the calls explains the answers.
pub async fn run(world: &World, seed: u64, all: &Mutex<Figures>) {
    let schedule = Schedule::of(seed);
    let fleet = world.another_fleet().await;
    let run = Run {
        seed,
        world,
        fleet,
        moment: Cell::default(),
        history: RefCell::default(),
        pages: RefCell::default(),
        revocations: RefCell::default(),
        batches: RefCell::default(),
        was_cut: Cell::default(),
        lost_before: lost(world).await,
        known: RefCell::default(),
        figures: RefCell::default(),
    };
    join_all(schedule.clients.into_iter().enumerate().map(|(client, steps)| run.client(client, steps))).await;
    run.calm().await;
    run.check().await;

    all.lock().unwrap().add(run.figures.take());
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
                    // After a 503 a client with an idempotency key repeats its call once.
                    for _ in 0..2 {
                        if self.call(client, &call, &request).await.is_some() || call.key().is_none() {
                            break;
                        }
                    }
                }
                Ask::Import(items) => {
                    let request = Request::batch(&items);
                    self.inject(request.function, faults).await;
                    let (answer, made) = self.send(client, &items[0], &request).await;
                    let batch = Batch { items, made, answer };
                    let mut figures = self.figures.borrow_mut();
                    batch.words().for_each(|word| *figures.answers.entry(word).or_default() += 1);
                    let outcomes = (0..batch.items.len()).filter_map(|at| batch.outcome(at));
                    outcomes.for_each(|outcome| self.known.borrow_mut().learn(&outcome));
                    self.batches.borrow_mut().push(batch);
                }
                Ask::Revoke { target, is_dry_run } => {
                    let target = self.known.borrow().concrete_target(target);
                    let request = Request::revocation(&target, is_dry_run);
                    self.inject(request.function, faults).await;
                    let step = Asked::Revoke { id: 0, of: target.clone() };
                    let (answer, made) = self.send(client, &step, &request).await;
                    self.revocations.borrow_mut().push(Revocation { target, is_dry_run, made, answer });
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

    async fn inject(&self, function: &'static str, faults: Vec<Trouble>) {
        let recorder = self.world.recorder(function).await;
        for trouble in faults {
            let cuts = trouble.cuts();
            recorder.inject(trouble);
            if cuts {
                recorder.cut();
                self.was_cut.set(self.was_cut.get() || function == AUTHORIZER);
            }
        }
    }

    /// Makes a call and adds it to the history. None if the answer leaves its outcome open.
    async fn call(&self, client: usize, call: &Asked, request: &Request) -> Option<()> {
        let (answer, mut made) = self.send(client, call, request).await;
        made.outcome = outcome(call, &answer);
        let Some(outcome) = made.outcome.take() else {
            // A read that failed says nothing and changes nothing.
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

    /// Reads a page. Returns the last id on it and the cursor of the next page, if there is one.
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
            AUTHORIZER => Call::rfid(world, &format!("/{}", fleet.rfid.token)),
            _ => Call::api(world, request.method, &request.target).of(fleet),
        };
        // All reads share an instance, so reads do not overlap with each other; fewer processes are started.
        let instance = if call.is_read() { 0 } else { client };
        let mut message = message.json(&request.body).on(instance);
        if let Some((_, key)) = call.key() {
            message = message.header("idempotency-key", &format!("key-{key}"));
        }
        let (began, from) = (self.tick(), milliseconds());
        let answer = message.request_id(request_id(began)).await;
        let (ended, to) = (self.tick(), milliseconds());

        let mut figures = self.figures.borrow_mut();
        figures.calls += 1;
        let what = answer.body["code"].as_str().or(answer.body["reason"].as_str()).unwrap_or_default();
        *figures.answers.entry(format!("{} {what}", answer.status).trim_end().to_owned()).or_default() += 1;
        figures.without_fault += usize::from(answer.status == 503 && faults() == faults_before);
        (answer, Made { call: call.clone(), from, to, began, ended, outcome: None, changed: None })
    }

    fn tick(&self) -> usize {
        self.moment.set(self.moment.get() + 1);
        self.moment.get()
    }

    /// Removes all faults and waits until the table has finished every request.
    async fn calm(&self) {
        let is_uncertain = self.history.borrow().iter().any(|made| made.outcome.is_none())
            || !self.batches.borrow().is_empty()
            || self.revocations.borrow().iter().any(|revocation| revocation.answer.status == 503);
        for function in FUNCTIONS.iter().copied() {
            let recorder = self.world.recorder(function).await;
            recorder.heal();
            recorder.quiet().await;
            for fault in recorder.faults() {
                let of = usize::from(function != AUTHORIZER);
                self.figures.borrow_mut().faults.entry(fault.kind()).or_default()[of] += 1;
            }
        }
        if is_uncertain {
            // A request of a client that gave up may not have been read from its socket yet.
            tokio::time::sleep(Duration::from_millis(20)).await;
            for function in FUNCTIONS.iter().copied() {
                self.world.recorder(function).await.quiet().await;
            }
        }
    }

    /// Reads the end state and looks for an order of the calls that explains it and all answers.
    async fn check(&self) {
        let stored = Stored::read(self.world, &self.fleet).await;
        for kind in [model::Kind::AccessId, model::Kind::Vehicle] {
            self.page(0, kind, 100, None, &Request::page(kind, 100, None)).await;
        }
        self.world.check_policies();
        for function in FUNCTIONS.iter().copied() {
            self.world.recorder(function).await.clear();
        }

        let end: &Model = &stored.state;
        let mut history = self.history.take();
        let mut changes = Changes::read(self.world, &self.fleet).await;
        changes.lead_to(end);
        changes.note(&mut history);
        let revocations = self.revocations.take();
        history.extend(revocations.iter().flat_map(|revocation| revocation.writes(&mut changes)));
        history.extend(self.batches.take().iter().flat_map(|batch| batch.writes(&mut changes)));
        changes.are_all_noted();
        let may_be_lost = self.check_journal(&history).await;
        for revocation in revocations.iter().filter(|_| history.len() < 100).collect::<Vec<_>>() {
            history.extend(revocation.reads(end, &self.known.borrow()));
        }
        for page in self.pages.take() {
            // The search takes at most 128 calls.
            if history.len() < 100 {
                history.extend(page.expand(end, &self.known.borrow()));
            }
        }
        history.truncate(128);
        remember_starts(&mut history, may_be_lost);
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
        check_denials(&history);
    }

    /// Checks that no decision is missing in the journal but those that the authorizer says it has lost, and that it loses none
    /// without a cause. Returns whether one may be lost.
    async fn check_journal(&self, history: &[Made]) -> bool {
        self.world.journalled().await;
        let missing = missing_decisions(self.world, &self.fleet, history).await;
        let mut lost = self::lost(self.world).await - self.lost_before;
        for _ in 0..100 {
            if lost >= missing {
                break;
            }
            // A line of the log may arrive later than the write.
            tokio::time::sleep(Duration::from_millis(10)).await;
            lost = self::lost(self.world).await - self.lost_before;
        }
        assert!(missing <= lost, "{missing} decisions are missing in the journal, {lost} are lost by the log");
        let mut figures = self.figures.borrow_mut();
        let has_failed = self.was_cut.get() || figures.faults.values().any(|[authorizer, _]| *authorizer > 0);
        figures.lost += lost;
        figures.lost_without_fault += if has_failed { 0 } else { lost };
        has_failed || lost > 0
    }
}

/// How many entries of the journal the authorizer says it has lost.
async fn lost(world: &World) -> usize {
    world.instance(AUTHORIZER, 0).await.output().matches(LOST).count()
}

/// When a check fails, prints the history that led to it.
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
