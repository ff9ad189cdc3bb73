//! Instructions, counted by callgrind: they hardly move from run to run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use harness::Function;

use crate::Result;
use crate::measure::Subject;

/// What a call may take under callgrind.
const PATIENCE: Duration = Duration::from_secs(300);

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
    /// Runs it without a call, with one, and with one and `calls` more: the differences are the calls.
    pub async fn count(
        subject: &Subject,
        folder: &Path,
        numbers: &mut impl Iterator<Item = usize>,
        calls: usize,
    ) -> Result<Instructions> {
        let init = run(subject, folder, numbers.take(0)).await?;
        let cold = run(subject, folder, numbers.take(1)).await?;
        let all = run(subject, folder, numbers.take(1 + calls)).await?;
        Ok(Instructions { init, cold, warm: all.saturating_sub(cold) / calls.max(1) as u64 })
    }
}

async fn run(subject: &Subject, folder: &Path, numbers: impl Iterator<Item = usize>) -> Result<u64> {
    let file = folder.join(format!("callgrind.{}", subject.name));
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
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
