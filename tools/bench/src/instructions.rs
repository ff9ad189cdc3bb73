//! Instructions, counted by callgrind: they hardly move from run to run.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::{Function, Recorder};

use crate::measure::{Sample, Subject};
use crate::{Result, binaries};

/// What a call may take under callgrind.
const PATIENCE: Duration = Duration::from_secs(300);
/// Callgrind is slow: on a busy machine a call of the table may come to its time-out and be made again.
const ATTEMPTS: usize = 4;

/// The instructions of one function.
pub struct Instructions {
    /// From the start of the process to its first request for an invocation.
    pub init: u64,
    /// The same and the first call.
    pub cold: u64,
    /// One call after the first.
    pub warm: u64,
}

/// Whether there is a valgrind to count with.
pub fn can_be_counted() -> bool {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    valgrind.is_ok_and(|status| status.success())
}

impl Instructions {
    /// Runs it without a call, with one, and with one and `calls` more: the differences are the calls. `like` is a sample
    /// without callgrind: a run that asked the table more often than that does not count.
    pub async fn count(
        subject: &Subject,
        like: &Sample,
        recorder: &Recorder,
        numbers: &mut impl Iterator<Item = usize>,
        calls: usize,
    ) -> Result<Instructions> {
        let [init, first, warm] = like.phases.map(|phase| phase.operations);
        let runs = [(0, init), (1, init + first), (1 + calls, init + first + warm * calls as f64)];
        let mut counted = [0; 3];
        for (counted, (calls, operations)) in counted.iter_mut().zip(runs) {
            for attempt in 1..=ATTEMPTS {
                recorder.clear();
                let run = run(subject, numbers.take(calls)).await;
                let asked = recorder.operations().iter().filter(|operation| !operation.is_empty()).count() as f64;
                match run {
                    Ok(instructions) if (asked - operations).abs() < 0.5 => {
                        *counted = instructions;
                        break;
                    }
                    Err(error) if attempt == ATTEMPTS => return Err(error),
                    _ if attempt == ATTEMPTS => {
                        return Err(format!("{} asked {asked} times, not {operations}", subject.name).into());
                    }
                    _ => eprintln!("a call had to be repeated, or failed: counting again"),
                }
            }
        }
        let [init, cold, all] = counted;
        Ok(Instructions { init, cold, warm: all.saturating_sub(cold) / calls.max(1) as u64 })
    }
}

async fn run(subject: &Subject, numbers: impl Iterator<Item = usize>) -> Result<u64> {
    // An earlier run's must not be taken for this one's.
    let file = binaries::root()?.join(binaries::FOLDER).join("callgrind");
    _ = fs::remove_file(&file);
    let out = format!("--callgrind-out-file={}", file.display());
    let callgrind = ["valgrind", "--tool=callgrind", &out];
    let function = Function::start_under(&callgrind, &subject.binary, &subject.env()).await?.with_timeout(PATIENCE);
    function.wait_ready().await?;
    for number in numbers {
        subject.call(&function, number).await?;
    }
    // Asked to end, callgrind writes what it has counted.
    let end = function.terminate().await;
    let counted = fs::read_to_string(&file).map_err(|error| format!("callgrind: {error}: {end}"))?;
    let total = counted.lines().find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")));
    Ok(total.ok_or("callgrind counted nothing")?.trim().parse()?)
}
