//! Processes that end with this one, however it ends.
//!
//! A child is started through this same program as its supervisor, which holds one end of a pipe. The pipe breaks when
//! the [`Supervised`] is dropped, and also when this process is killed; then the supervisor ends the child and all that
//! the child started in its process group.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

/// The argument that makes this program a supervisor. A file follows it, or an empty argument, and then a command.
pub(crate) const SUPERVISE: &str = "--supervise";

/// How long a child may take to end when asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running child.
pub(crate) struct Supervised {
    supervisor: Child,
    pipe: Option<ChildStdin>,
}

impl Supervised {
    /// Starts a program that `prepare` has given its arguments, and the like. The file says that the program can be used:
    /// it is deleted when the program is ended.
    pub(crate) fn start(
        program: impl AsRef<OsStr>,
        file: Option<&Path>,
        prepare: impl FnOnce(&mut Command),
    ) -> std::io::Result<Supervised> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SUPERVISE).arg(file.unwrap_or(Path::new(""))).arg(program);
        prepare(&mut command);
        // In a group of its own, an interrupt from the terminal does not reach it: we say when it ends.
        let mut supervisor = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let pipe = supervisor.stdin.take();
        Ok(Supervised { supervisor, pipe })
    }

    /// Waits until the child ends by itself.
    pub(crate) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.supervisor.wait().await
    }

    /// Ends the child and waits until it is gone.
    pub(crate) async fn end(mut self) {
        self.pipe = None;
        _ = self.supervisor.wait().await;
    }
}

/// The supervisor's side: runs the command until it ends or the pipe on our standard input breaks. In the second case
/// the process that started us is gone or ending, and may not have deleted the file.
pub(crate) fn supervise(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let file = arguments.next().unwrap_or_default();
    let program = arguments.next().unwrap_or_default();
    let child = std::process::Command::new(&program).args(arguments).stdin(Stdio::null()).process_group(0).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{} could not be started: {error}", program.display());
            return ExitCode::from(127);
        }
    };
    let group = Pid::from_child(&child);
    std::thread::spawn(move || {
        _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        _ = std::fs::remove_file(file);
        _ = kill_process_group(group, Signal::TERM);
        std::thread::sleep(PATIENCE);
        _ = kill_process_group(group, Signal::KILL);
    });
    let status = child.wait();
    _ = kill_process_group(group, Signal::KILL);
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
