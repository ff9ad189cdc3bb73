//! Calls built management functions many times and fails if an answer is wrong or their memory grows with the calls.
//!
//! ```sh
//! cargo build --release -p functions --bin get-access-id --bin list-access-ids --bin update-access-id
//! cargo run --release -p bench --bin memory -- --calls 1000000 get-access-id list-access-ids update-access-id
//! ```
//!
//! Each function has one instance, which gets all its calls, one after the other, each with a trace id of its own as Lambda sends
//! it. The functions are called at the same time. The table is small and in memory.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{built, fill, most, resident, start, store};
use clap::Parser;
use domain::Timestamp;
use engine::Engine;
use harness::{Function, HttpApi};
use serde_json::{Value, json};
use store::Scope;

/// How much a function's memory may grow from the second tenth of its calls to the last, in KiB.
const GROWTH: u64 = 1024;
/// How often the memory is looked at.
const SAMPLES: u64 = 200;
/// The cards that the organization has, and how many of them a page shows.
const CARDS: u64 = 20;
const PAGE: usize = 5;

#[derive(Parser)]
struct Flags {
    /// The functions to call: get-access-id, list-access-ids, update-access-id, console.
    #[arg(value_name = "FUNCTION", default_values = ["get-access-id", "list-access-ids", "update-access-id"])]
    functions: Vec<String>,
    /// Calls of each function.
    #[arg(long, default_value_t = 1_000_000)]
    calls: u64,
    /// How many calls may be answered 503, on a machine that has other work too. The log is then counted, and not read.
    #[arg(long, default_value_t = 0)]
    busy: u64,
    /// Where the binaries are; unless given, those built with the same profile.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse();
    let engine = Engine::in_memory().await?;
    let now = Timestamp::from_timestamp_millis(1_800_000_000_000).ok_or("no such time")?;
    let store = store(&engine)?;
    let organization = fill(&store, CARDS, now).await?;
    let token = store.create_credential(&organization, Scope::Api, "memory", now).await?.token;

    let mut running = Vec::new();
    for name in &flags.functions {
        let binary = match &flags.folder {
            Some(folder) => folder.join(name),
            None => built(name)?,
        };
        let subject = Subject::new(name, &token)?;
        let function = start(&binary, &engine).await?;
        running.push((name, tokio::spawn(call(function, subject, flags.calls, flags.busy))));
    }
    let mut failures = Vec::new();
    for (name, running) in running {
        match running.await? {
            Ok(measured) => match measured.report(name, flags.calls) {
                Some(..=GROWTH) => {}
                Some(grown) => failures.push(format!("{name} has grown by {grown} KiB")),
                None => failures.push(format!("{name}: too few calls to tell")),
            },
            Err(failure) => {
                println!("{name}: {failure}");
                failures.push(format!("{name}: not all calls went well"));
            }
        }
    }
    println!("{} failures", failures.len());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// What a function is asked.
struct Subject {
    /// The event; each call has another number in the place of `{n}`.
    event: String,
    /// Whether this is the answer to the call of this number.
    is_right: fn(u64, &Value) -> bool,
}

impl Subject {
    fn new(function: &str, token: &str) -> Result<Self, String> {
        let update = json!({"accessId": {"name": "Card {n}"}});
        type IsRight = fn(u64, &Value) -> bool;
        let (method, path, query, body, is_right): (_, _, _, _, IsRight) = match function {
            "get-access-id" => ("GET", "/api/access-ids/1", "", None, |_, body| body["accessId"]["id"] == 1),
            "list-access-ids" => ("GET", "/api/access-ids", "limit=5", None, |_, body| {
                body["data"].as_array().is_some_and(|page| page.len() == PAGE)
            }),
            "update-access-id" => ("PATCH", "/api/access-ids/2", "", Some(update), |number, body| {
                body["accessId"]["name"] == format!("Card {number}")
            }),
            "console" => ("GET", "/openapi.json", "", None, |_, body| body["openapi"].is_string()),
            _ => return Err(format!("there is no event for {function}")),
        };
        let api = HttpApi::new([
            ("GET", "/api/access-ids", "list-access-ids"),
            ("GET", "/api/access-ids/{id}", "get-access-id"),
            ("PATCH", "/api/access-ids/{id}", "update-access-id"),
            ("GET", "/openapi.json", "console"),
        ]);
        let credential = format!("Bearer {token}");
        let headers = [("authorization", credential.as_str()), ("content-type", "application/json")];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        Ok(Self { event: api.event(method, path, query, &headers, body.as_bytes()).to_string(), is_right })
    }

    /// The status of the answer and what is wrong with it, if anything is.
    fn wrong(&self, number: u64, answer: &[u8]) -> Option<(u64, String)> {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        let is_right = answer["statusCode"] == 200 && (self.is_right)(number, &body);
        (!is_right).then(|| (answer["statusCode"].as_u64().unwrap_or_default(), format!("call {number}: {answer}")))
    }
}

/// How the calls of a function went.
struct Measured {
    took: Duration,
    /// How many calls were answered 503.
    unavailable: u64,
    /// Resident memory in KiB.
    samples: Vec<u64>,
}

/// Makes the calls one after the other. Each must be answered rightly and have its line in the log.
async fn call(function: Function, subject: Subject, calls: u64, busy: u64) -> Result<Measured, String> {
    let function = Arc::new(function);
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut lines = 0;
    let mut unavailable = 0;
    for number in 0..calls {
        let event = subject.event.replace("{n}", &number.to_string());
        let answer = function.invoke_raw(event).await.map_err(|error| error.to_string())?;
        match subject.wrong(number, &answer) {
            Some((503, _)) if unavailable < busy => unavailable += 1,
            Some((_, wrong)) => return Err(wrong),
            None => {}
        }
        if (number + 1) % (calls / SAMPLES).max(1) == 0 {
            samples.push(resident(&function).ok_or("its memory is not known")?);
            lines += logged(&function, busy > 0)?;
        }
    }
    let took = began.elapsed();
    // The last line may come later than the last answer.
    for _ in 0..500 {
        lines += logged(&function, busy > 0)?;
        if lines >= calls {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if lines != calls {
        return Err(format!("{lines} log lines of {calls} calls"));
    }
    Ok(Measured { took, unavailable, samples })
}

/// How many calls have a log line that was not counted yet. Unless the machine is busy, each line must say that its call went well,
/// and there must be no other lines.
fn logged(function: &Function, is_busy: bool) -> Result<u64, String> {
    let lines = function.take_lines();
    let is_well = |line: &&str| line.contains(r#""Outcome":"ok""#) && line.contains(r#""TableErrors":0"#);
    match lines.lines().find(|line| !is_busy && !is_well(line)) {
        Some(line) => Err(format!("in the log: {line}")),
        None => Ok(lines.lines().filter(|line| line.contains(r#""_aws""#)).count() as u64),
    }
}

impl Measured {
    /// Prints the memory of each tenth. Returns by how much it has grown from the second to the last, in KiB. `None` if there
    /// are no ten tenths.
    fn report(&self, name: &str, calls: u64) -> Option<u64> {
        let tenths = most(&self.samples, 10);
        println!(
            "{name}: {calls} calls in {:.0} s, {} of them answered 503",
            self.took.as_secs_f64(),
            self.unavailable
        );
        println!("  memory, at most, in each tenth of the calls: {tenths:?} KiB");
        let [_, second, _, _, _, _, _, _, _, last] = tenths[..] else { return None };
        let grown = last.saturating_sub(second);
        println!("  grown from the second tenth to the last by {grown} KiB, {:.1} bytes a call", bytes(grown, calls));
        Some(grown)
    }
}

/// By how many bytes the memory grew with each call of the last eight tenths.
fn bytes(grown: u64, calls: u64) -> f64 {
    grown as f64 * 1024.0 / (calls as f64 * 0.8)
}
