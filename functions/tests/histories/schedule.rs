//! Random schedules: what each client asks, and which faults are injected meanwhile.

use std::time::Duration;

use harness::{Fault, Rule};
use model::{Call, Kind, Target, call, decide, imports, target};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// How many clients ask at the same time.
pub const CLIENTS: usize = 3;

/// One step of a client.
#[derive(Clone, Debug)]
pub struct Step {
    pub ask: Ask,
    /// Faults that are injected before the step, for the function that it asks.
    pub faults: Vec<Trouble>,
}

#[derive(Clone, Debug)]
pub enum Ask {
    Call(Call),
    /// A page of a list: the first, or, with `goes_on`, the one after the page that this client read last.
    List {
        kind: Kind,
        limit: usize,
        goes_on: bool,
    },
    /// A batch, each item a [`Call::Import`].
    Import(Vec<Call>),
    /// A revocation of many access IDs.
    Revoke {
        target: Target,
        is_dry_run: bool,
    },
}

/// A fault, for some of the next requests.
#[derive(Clone, Debug)]
pub struct Trouble {
    fault: Fault,
    on_write: bool,
    after: usize,
    times: usize,
}

/// The steps of each client.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub clients: Vec<Vec<Step>>,
}

impl Schedule {
    pub fn of(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let client = (beginning(), vec(step(), 1..6)).prop_map(|(first, rest)| [vec![first], rest].concat());
        let clients = vec(client, CLIENTS).new_tree(&mut runner).unwrap().current();
        Self { clients }
    }
}

impl Trouble {
    /// Whether open connections are reset too: the fault refuses new connections, so there must be some.
    pub fn cuts(&self) -> bool {
        self.fault == Fault::Refuse
    }
}

impl From<Trouble> for Rule {
    fn from(Trouble { fault, on_write, after, times }: Trouble) -> Rule {
        let rule = Rule::from(fault).times(times);
        // A refused connection has no operation.
        if on_write { rule.after(after).on("TransactWriteItems") } else { rule.after(after) }
    }
}

/// The faults with their weights. Those that a client waits for are rare, to save time.
fn faults() -> Vec<(u32, Fault)> {
    let error = |status, code: &str| Fault::error(status, code, "no");
    vec![
        (10, Fault::Refuse),
        (10, Fault::ResetBefore),
        (16, Fault::ResetAfter),
        (6, Fault::Delay(Duration::from_millis(15))),
        (6, Fault::DelayAnswer(Duration::from_millis(15))),
        (1, Fault::DelayAnswer(Duration::from_millis(700))),
        (1, Fault::BlackHole),
        (8, Fault::TruncateBody),
        (8, Fault::CorruptBody),
        (6, Fault::WrongChecksum),
        (8, error(400, "ThrottlingException")),
        (4, error(400, "ProvisionedThroughputExceededException")),
        (3, error(400, "ExpiredTokenException")),
        (6, error(500, "InternalServerError")),
        (4, error(503, "ServiceUnavailable")),
        (4, error(400, "TransactionInProgressException")),
        (4, error(400, "TransactionConflictException")),
        (8, Fault::cancelled(&["None", "TransactionConflict"])),
        (4, Fault::cancelled(&["ConditionalCheckFailed", "None"])),
        (4, Fault::cancelled(&["ThrottlingError", "None"])),
    ]
}

/// The kinds of all faults.
pub fn kinds() -> Vec<String> {
    faults().iter().map(|(_, fault)| fault.kind()).collect()
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let fault = proptest::strategy::Union::new_weighted(
        faults().into_iter().map(|(weight, fault)| (weight, Just(fault))).collect(),
    );
    let times = prop_oneof![6 => Just(1), 2 => Just(2_usize), 1 => Just(3), 3 => Just(5), 1 => Just(8)];
    (fault, any::<bool>(), prop_oneof![4 => Just(0), 2 => Just(1_usize), 1 => Just(2)], times).prop_map(
        |(fault, on_write, after, times)| {
            let is_of_writes = fault.kind().contains("Transaction");
            let is_slow = matches!(&fault, Fault::BlackHole | Fault::DelayAnswer(_));
            // Longer than a transaction is sent again, so that it is carried out and nobody knows.
            let is_long = fault == Fault::ResetAfter && on_write && times > 3;
            let times = if is_long { 40 } else { times };
            Trouble {
                on_write: (on_write || is_of_writes) && fault != Fault::Refuse,
                fault,
                after,
                times: if is_slow { times.min(2) } else { times },
            }
        },
    )
}

/// A client's first step: a creation, so that later steps find records.
fn beginning() -> impl Strategy<Value = Step> {
    let creates = |call: &Call| matches!(call, Call::CreateAccessId { .. } | Call::CreateVehicle { .. });
    with_faults(call().prop_filter("a creation", creates).prop_map(Ask::Call).boxed())
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Kind::AccessId), Just(Kind::Vehicle)];
    let list = (kind, 1..4_usize, any::<bool>()).prop_map(|(kind, limit, goes_on)| Ask::List { kind, limit, goes_on });
    let revoke = (target(), proptest::bool::weighted(0.25));
    let revoke = revoke.prop_map(|(target, is_dry_run)| Ask::Revoke { target, is_dry_run });
    with_faults(
        prop_oneof![7 => call().prop_map(Ask::Call), 3 => decide().prop_map(Ask::Call), 1 => list, 1 => revoke, 1 => imports().prop_map(Ask::Import)].boxed(),
    )
}

fn with_faults(ask: BoxedStrategy<Ask>) -> impl Strategy<Value = Step> {
    let faults = prop_oneof![7 => vec(trouble(), 0), 3 => vec(trouble(), 1), 1 => vec(trouble(), 2)];
    (ask, faults).prop_map(|(ask, mut faults)| {
        let is_write = match &ask {
            Ask::Call(call) => !call.is_read(),
            Ask::Import(_) => true,
            Ask::Revoke { is_dry_run, .. } => !is_dry_run,
            Ask::List { .. } => false,
        };
        if !is_write {
            faults.retain(|trouble| !trouble.fault.kind().contains("Transaction"));
            faults.iter_mut().for_each(|trouble| trouble.on_write = false);
        }
        Step { ask, faults }
    })
}
