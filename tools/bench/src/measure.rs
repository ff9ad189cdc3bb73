//! One start of a function and its calls, by the clock, the kernel's accounts and the table's proxy.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::{Function, Recorder};
use serde_json::Value;
use tokio::time::sleep;

use crate::Result;

/// A function, or what it is compared with.
pub struct Subject {
    pub name: String,
    pub binary: PathBuf,
    pub env: Vec<(String, String)>,
    /// The event, with `{n}` where each call has another number.
    pub event: String,
    /// The status that every answer must have.
    pub status: u64,
}

/// What a part of a function's life took.
#[derive(Clone, Copy)]
pub struct Phase {
    pub wall: Duration,
    pub cpu: Duration,
    /// DynamoDB operations.
    pub operations: f64,
    pub connections: f64,
}

/// What one start and its calls took.
pub struct Sample {
    /// From the start of the process to its first request for an invocation; the first call; one of the others, whose
    /// wall time is the median.
    pub phases: [Phase; 3],
    /// The most memory that it ever had, in bytes.
    pub memory: u64,
}

impl Subject {
    /// The environment, as the harness takes it.
    pub fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Calls it. `number` should be another one each time.
    pub async fn call(&self, function: &Function, number: usize) -> Result<Duration> {
        let event = self.event.replace("{n}", &number.to_string());
        let began = Instant::now();
        let answer = function.invoke_raw(event).await?;
        let took = began.elapsed();
        let status = serde_json::from_slice::<Value>(&answer)?["statusCode"].as_u64();
        if status != Some(self.status) {
            return Err(format!("{} answered {}", self.name, String::from_utf8_lossy(&answer)).into());
        }
        function.wait_idle().await?;
        Ok(took)
    }

    /// Starts it and calls it once and then `calls` times.
    pub async fn sample(
        &self,
        recorder: &Recorder,
        numbers: &mut impl Iterator<Item = usize>,
        calls: usize,
    ) -> Result<Sample> {
        recorder.clear();
        let mut meter = Meter { recorder, cpu: Duration::ZERO, connections: recorder.connections() };
        let began = Instant::now();
        let function = Function::start(&self.binary, &self.env()).await?;
        function.wait_ready().await?;
        let wall = began.elapsed();
        let process = format!("/proc/{}", function.pid().ok_or("the function has ended")?);
        let init = meter.read(&process, wall).await?;

        let mut call = async || self.call(&function, numbers.next().unwrap_or_default()).await;
        let wall = call().await?;
        let first = meter.read(&process, wall).await?;
        let mut walls = Vec::with_capacity(calls);
        for _ in 0..calls {
            walls.push(call().await?);
        }
        let sum = meter.read(&process, median(walls)).await?;
        let each = calls.max(1) as f64;
        let warm = Phase {
            cpu: sum.cpu.div_f64(each),
            operations: sum.operations / each,
            connections: sum.connections / each,
            ..sum
        };
        let memory = memory(&process)?;
        function.stop().await;
        Ok(Sample { phases: [init, first, warm], memory })
    }
}

/// Tells what came since it was last read.
struct Meter<'a> {
    recorder: &'a Recorder,
    cpu: Duration,
    connections: usize,
}

impl Meter<'_> {
    async fn read(&mut self, process: &str, wall: Duration) -> Result<Phase> {
        // The function has asked for its next invocation, but its threads may still run for a moment, and the CPU time of a
        // running thread is not yet counted in full.
        sleep(Duration::from_millis(2)).await;
        let (cpu, connections) = (cpu(process)?, self.recorder.connections());
        // `GET /`, which opens a connection in advance, is recorded without an operation.
        let operations = self.recorder.operations().iter().filter(|operation| !operation.is_empty()).count();
        let phase = Phase {
            wall,
            cpu: cpu.saturating_sub(self.cpu),
            operations: operations as f64,
            connections: (connections - self.connections) as f64,
        };
        self.recorder.clear();
        (self.cpu, self.connections) = (cpu, connections);
        Ok(phase)
    }
}

/// What all threads of a process have taken, from `schedstat`: exact for those that sleep.
fn cpu(process: &str) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("{process}/task"))? {
        let account = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += account.split_whitespace().next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn memory(process: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse::<u64>()? * 1024)
}

/// The middle one of some values.
pub fn median<T: PartialOrd + Default>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    let middle = values.len() / 2;
    values.into_iter().nth(middle).unwrap_or_default()
}
