//! Sends requests to the built authorizer at a constant rate and prints how long the answers took.
//!
//! ```sh
//! cargo build --release -p functions --bin rfid-authorizer
//! cargo run --release -p bench --bin load -- --rate 2000 --seconds 60 --tags 100000 --instances 4
//! ```
//!
//! Requests are due at fixed times, whether earlier ones are answered or not, and each is timed from when it was due. So a
//! delay counts for every request that it holds up. An instance has one call at a time, as in Lambda; a request waits while
//! all instances are busy. Fails if an answer is wrong or missing, or if an instance's memory grows.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use domain::{AccessId, AccessIdType, AuthorizationStatus, Id, Name, OcppIdTag, Timestamp};
use engine::Engine;
use harness::{Function, function_url_event};
use serde_json::{Value, json};
use store::{Scope, Settings, Store};
use tokio::sync::{Mutex, mpsc};

/// The number of access IDs that one transaction creates.
const CHUNK: u64 = 50;

/// The tag in the template of the events; each request replaces it.
const TAG: &str = "a-tag-to-be-replaced";

/// How much an instance's memory may grow from the second quarter of the time to the last, in KiB.
const GROWTH: u64 = 512;

#[derive(Parser)]
struct Flags {
    /// Requests per second.
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// Duration in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Number of access IDs. Every tenth is revoked.
    #[arg(long, default_value_t = 100_000)]
    tags: u64,
    /// Number of processes of the authorizer.
    #[arg(long, default_value_t = 4)]
    instances: usize,
    /// The binary; unless given, the one built with the same profile.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// A request that is due.
struct Due {
    at: Instant,
    tag: u64,
}

/// A request that was answered.
struct Done {
    /// Time from when it was due to its answer.
    latency: Duration,
    /// Time from when an instance took it to its answer.
    service: Duration,
    failure: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse();
    let binary = match &flags.binary {
        Some(binary) => binary.clone(),
        None => std::env::current_exe()?.with_file_name("rfid-authorizer"),
    };
    let engine = Engine::in_memory().await?;
    let began = Instant::now();
    let secret = fill(&engine, flags.tags).await?;
    println!("{} access IDs are there after {:.0} s", flags.tags, began.elapsed().as_secs_f64());

    let body = json!({ "msg": "rfid", "id": TAG, "chargebox": "EaJ7cU9NJ3YkTNgy", "type": "start" }).to_string();
    let event = function_url_event("POST", &format!("/{secret}"), "", &[], body.as_bytes()).to_string();
    let mut instances = Vec::new();
    for _ in 0..flags.instances {
        let function = start(&binary, &engine).await?;
        // The first call is slower and not measured.
        function.invoke_raw(event.clone()).await?;
        instances.push(Arc::new(function));
    }

    let (due, queue) = mpsc::unbounded_channel();
    let queue = Arc::new(Mutex::new(queue));
    let workers: Vec<_> = instances
        .iter()
        .map(|function| tokio::spawn(work(Arc::clone(function), Arc::clone(&queue), event.clone(), flags.tags)))
        .collect();
    let before = Usage::of(&instances);
    let memory = tokio::spawn(sample(instances.clone(), flags.seconds));
    let began = Instant::now();
    let (rate, count) = (flags.rate, u64::from(flags.rate) * u64::from(flags.seconds));
    let tags = flags.tags;
    // In a thread, since a thread's sleep is more exact than the timer of the runtime.
    let schedule = std::thread::spawn(move || {
        for number in 0..count {
            let at = began + Duration::from_secs(1) * u32::try_from(number).unwrap_or(u32::MAX) / rate;
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            // One in twenty-one tags is unknown.
            let tag = number.wrapping_mul(7_919) % (tags + tags / 20);
            if due.send(Due { at, tag }).is_err() {
                return;
            }
        }
    });
    let mut done = Vec::new();
    for worker in workers {
        done.append(&mut worker.await?);
    }
    let took = began.elapsed();
    let used = Usage::of(&instances).since(&before);
    let memory = memory.await?;
    schedule.join().map_err(|_| "the schedule ended early")?;

    let per_decision = |cpu: Duration| cpu.as_secs_f64() * 1e6 / done.len().max(1) as f64;
    println!(
        "{} decisions in {:.1} s, {:.0} a second, {} instances",
        done.len(),
        took.as_secs_f64(),
        done.len() as f64 / took.as_secs_f64(),
        flags.instances
    );
    println!("from when it was due  {}", percentiles(done.iter().map(|done| done.latency)));
    println!("in the instance       {}", percentiles(done.iter().map(|done| done.service)));
    println!(
        "CPU per decision: authorizer {:.0} µs, engine and this program {:.0} µs",
        per_decision(used.instances),
        per_decision(used.own)
    );
    let mut failures: Vec<String> = done.into_iter().filter_map(|done| done.failure).collect();
    for (number, samples) in memory.iter().enumerate() {
        let most = |quarter: &[u64]| quarter.iter().max().copied().unwrap_or_default();
        let quarters: Vec<u64> = samples.chunks(samples.len().div_ceil(4).max(1)).map(most).collect();
        println!("memory of instance {number}, at most, in each quarter of the time: {quarters:?} KiB");
        if let [_, second, .., last] = quarters[..]
            && last > second + GROWTH
        {
            failures.push(format!("instance {number} has grown"));
        }
    }
    println!("{} failures", failures.len());
    failures.truncate(5);
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// Creates an organization with `tags` cards. Returns its secret.
async fn fill(engine: &Engine, tags: u64) -> Result<String, Box<dyn Error>> {
    let store = Store::new(&Settings::local(&engine.endpoint_url(), engine.table_name()))?;
    let now = Timestamp::from_timestamp_millis(1_800_000_000_000).ok_or("no such time")?;
    let organization = store.create_organization("Fleet", now).await?.id;
    for first in (0..tags).step_by(usize::try_from(CHUNK)?) {
        let cards: Option<Vec<_>> = (first..tags.min(first + CHUNK)).map(|number| card(number, now)).collect();
        store.import(&organization, &cards.ok_or("a card cannot be")?, &[]).await?;
    }
    Ok(store.create_credential(&organization, Scope::Rfid, "load", now).await?.token)
}

fn card(number: u64, now: Timestamp) -> Option<AccessId> {
    let is_revoked = number % 10 == 9;
    Some(AccessId {
        id: Id::new(number + 1).ok()?,
        tag: OcppIdTag::normalize(&tag(number)).ok()?,
        kind: AccessIdType::Rfid,
        name: Name::new("Card").ok()?,
        status: if is_revoked { AuthorizationStatus::Revoked } else { AuthorizationStatus::Authorized },
        authorized_at: now,
        revoked_at: is_revoked.then_some(now),
        created_at: now,
        updated_at: now,
        vehicle: None,
        customer: None,
        rules: domain::StoredRules::default(),
    })
}

fn tag(number: u64) -> String {
    format!("a{number:07x}")
}

async fn start(binary: &Path, engine: &Engine) -> Result<Function, Box<dyn Error>> {
    let url = engine.endpoint_url();
    let env = [
        ("TABLE_NAME", engine.table_name()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", engine::ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", engine::SECRET_ACCESS_KEY),
        ("AWS_ENDPOINT_URL_DYNAMODB", &url),
    ];
    let function = Function::start(binary, &env).await?;
    function.wait_ready().await?;
    Ok(function)
}

/// Sends requests that are due to one instance, until the queue ends.
async fn work(
    function: Arc<Function>,
    queue: Arc<Mutex<mpsc::UnboundedReceiver<Due>>>,
    event: String,
    tags: u64,
) -> Vec<Done> {
    let mut done = Vec::new();
    loop {
        let Some(Due { at, tag: number }) = queue.lock().await.recv().await else { return done };
        let began = Instant::now();
        let answer = function.invoke_raw(event.replace(TAG, &tag(number))).await;
        let failure = match answer {
            Ok(answer) => wrong(number, tags, &answer),
            Err(error) => Some(error.to_string()),
        };
        done.push(Done { latency: at.elapsed(), service: began.elapsed(), failure });
    }
}

/// What is wrong with the answer for this tag.
fn wrong(number: u64, tags: u64, answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let refused = |reason: &str| (403, json!({ "authorized": false, "reason": reason }));
    let (status, expected) = match number {
        unknown if unknown >= tags => refused("unknown"),
        revoked if revoked % 10 == 9 => refused("revoked"),
        id => (200, json!({ "authorized": true, "accessId": { "id": id + 1, "name": "Card", "type": "RFID" } })),
    };
    (answer["statusCode"] != status || body != expected).then(|| format!("{}: {answer}", tag(number)))
}

/// The resident memory of each instance in KiB, once a second.
async fn sample(instances: Vec<Arc<Function>>, seconds: u32) -> Vec<Vec<u64>> {
    let mut samples = vec![Vec::new(); instances.len()];
    for _ in 0..seconds {
        for (function, samples) in instances.iter().zip(&mut samples) {
            samples.extend(resident(function));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    samples
}

/// The resident memory of one instance in KiB. Known on Linux only.
fn resident(function: &Function) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid()?)).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

/// CPU time of the instances, and of this process, which runs the engine.
struct Usage {
    instances: Duration,
    own: Duration,
}

impl Usage {
    fn of(instances: &[Arc<Function>]) -> Usage {
        let instances = instances.iter().filter_map(|function| cpu(&function.pid()?.to_string())).sum();
        Usage { instances, own: cpu("self").unwrap_or_default() }
    }

    fn since(&self, before: &Usage) -> Usage {
        Usage { instances: self.instances.saturating_sub(before.instances), own: self.own.saturating_sub(before.own) }
    }
}

/// The CPU time of a process. Known on Linux only.
fn cpu(process: &str) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.collect::<Result<Vec<_>, _>>().ok()?.iter().sum();
    Some(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}

fn percentiles(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
        .map(|(name, share)| format!("{name} {:.2} ms", at(share).copied().unwrap_or_default().as_secs_f64() * 1e3))
        .join(", ")
}
