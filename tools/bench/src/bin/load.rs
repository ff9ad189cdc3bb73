//! Sends requests to the built authorizer at a constant rate and prints how long the answers took.
//!
//! ```sh
//! cargo build --release -p functions --bin rfid-authorizer
//! cargo run --release -p bench --bin load -- --rate 2000 --seconds 60 --tags 100000 --instances 4
//! ```
//!
//! Requests are due at fixed times, whether earlier ones are answered or not, and each is timed from when it was due. So a
//! delay counts for every request that it holds up. An instance has one call at a time, as in Lambda; a request waits while
//! all instances are busy. Every decision is journalled. Fails if an answer is wrong or missing, if an instance's memory grows, or
//! if the journal lacks an entry.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{built, fill, most, resident, start, store, tag};
use clap::Parser;
use domain::Timestamp;
use engine::Engine;
use harness::{Function, function_url_event};
use serde_json::{Value, json};
use store::Scope;
use tokio::sync::{Mutex, mpsc};

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
        None => built("rfid-authorizer")?,
    };
    let engine = Engine::in_memory().await?;
    let began = Instant::now();
    let store = store(&engine)?;
    let now = Timestamp::from_timestamp_millis(1_800_000_000_000).ok_or("no such time")?;
    let organization = fill(&store, flags.tags, now).await?;
    let secret = store.create_credential(&organization, Scope::Rfid, "load", now).await?.token;
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
    let seen = tokio::spawn(look(instances.clone(), flags.seconds));
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
    let mut seen = seen.await?;
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
    for (number, (function, seen)) in instances.iter().zip(&mut seen).enumerate() {
        let quarters = most(&seen.memory, 4);
        println!("memory of instance {number}, at most, in each quarter of the time: {quarters:?} KiB");
        match quarters[..] {
            [_, second, .., last] if last <= second + GROWTH => {}
            _ => failures.push(format!("instance {number} has grown")),
        }
        // What it does after its last answer is done then, but the last line may still be on its way.
        function.wait_idle().await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        seen.read_log(function);
        failures.append(&mut seen.odd);
    }
    // The first call of each instance is logged and journalled too.
    let asked = count + flags.instances as u64;
    let logged: u64 = seen.iter().map(|seen| seen.logged).sum();
    let (of_organization, of_tags) = journalled(&engine).await?;
    println!(
        "journal: of {asked} decisions {logged} are logged as journalled, {of_tags} are in the lists of their tags, and \
        {of_organization} in the organization's list"
    );
    if [logged, of_tags] != [asked, asked] || of_organization == 0 {
        failures.push("entries of the journal are missing".to_owned());
    }
    println!("{} failures", failures.len());
    failures.truncate(5);
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
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

/// What an instance showed of itself.
#[derive(Default)]
struct Seen {
    /// The resident memory in KiB, once a second.
    memory: Vec<u64>,
    /// How many decisions it has logged.
    logged: u64,
    /// The lines that say anything but that a decision was made and journalled.
    odd: Vec<String>,
}

impl Seen {
    fn read_log(&mut self, function: &Function) {
        for line in function.take_lines().lines() {
            if line.contains(r#""JournalLost":0"#) && line.contains(r#""TableErrors":0"#) {
                self.logged += 1;
            } else {
                self.odd.push(line.to_owned());
            }
        }
    }
}

/// Looks at the instances once a second.
async fn look(instances: Vec<Arc<Function>>, seconds: u32) -> Vec<Seen> {
    let mut seen: Vec<Seen> = instances.iter().map(|_| Seen::default()).collect();
    for _ in 0..seconds {
        for (function, seen) in instances.iter().zip(&mut seen) {
            seen.memory.extend(resident(function));
            seen.read_log(function);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    seen
}

/// The journal's entries, read from the table itself: those of the organization's list, and those of the tags' lists. Two
/// decisions of one millisecond share an id once in 4,096 times, and then the organization's list has the later one alone. They
/// are about different tags here, so the tags' lists have both.
async fn journalled(engine: &Engine) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut of_organization, mut of_tags) = (0, 0);
    let mut request = json!({ "TableName": engine.table_name(), "ProjectionExpression": "PK" });
    loop {
        let (status, mut page) = engine.call("Scan", &request).await?;
        if status != 200 {
            return Err(page.to_string().into());
        }
        for item in page["Items"].as_array().into_iter().flatten() {
            match item["PK"]["S"].as_str().and_then(|partition| partition.split_once("#DECISION")) {
                Some((_, "")) => of_organization += 1,
                Some(_) => of_tags += 1,
                None => {}
            }
        }
        match page["LastEvaluatedKey"].take() {
            Value::Null => return Ok((of_organization, of_tags)),
            last => request["ExclusiveStartKey"] = last,
        }
    }
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
