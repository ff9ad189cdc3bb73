//! Builds the functions and runs them under `cargo lambda watch`.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::body::Bytes;
use functions::{ROUTES, console};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use crate::Files;

/// The function that is called by its URL, not by a path of the API.
pub(crate) const RFID_AUTHORIZER: &str = "rfid-authorizer";

/// How many instances a function may have at a time: enough to show races.
const CONCURRENCY: &str = "4";

/// How long `cargo lambda watch` may take to listen, and then a function, which is built already, to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long `cargo lambda watch` may take to end the functions and itself.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The log file begins anew at this many bytes; the part before is kept once, as `functions.log.1`.
const LOG_SIZE: u64 = 4 * 1024 * 1024;

/// Runs a command until it ends, or until standard input does. That also happens when `cargo dev` is killed: then nobody else
/// would delete its env file (`$0`) and end `cargo lambda watch`, which ends the functions.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 2>&1 3<&- &
watch=$!
{ cat <&3; rm -f "$0"; kill "$watch"; } >/dev/null 2>&1 &
exec 3<&-
wait "$watch"
"#;

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ROUTES.into_iter().map(|route| route.function).chain([console::FUNCTION, RFID_AUTHORIZER])
}

/// Builds all functions, in the way that `cargo lambda watch` builds each: by the same selection of packages, and so
/// with the same features.
pub(crate) async fn build(root: &Path) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.arg("build").current_dir(root).args(names().flat_map(|name| ["--bin", name]));
    match clean(&mut command).stdin(Stdio::null()).kill_on_drop(true).status().await {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the functions could not be built".into()),
        Err(error) => Err(format!("cargo could not be started: {error}")),
    }
}

/// `cargo lambda watch`, running. When this is dropped, it ends.
pub(crate) struct Watch {
    guard: Child,
    /// Ends it when dropped.
    input: Option<ChildStdin>,
    pub(crate) address: SocketAddr,
}

impl Watch {
    /// Starts it with these variables for the functions.
    pub(crate) fn start(
        cargo_lambda: &Path,
        files: &Files,
        variables: &[(&'static str, String)],
    ) -> Result<Watch, String> {
        let failed = |error: std::io::Error| format!("cargo lambda watch could not be started: {error}");
        let address = free_address().map_err(failed)?;
        let mut command = Command::new("sh");
        command.args(["-c", GUARD]).arg(&files.env).arg(cargo_lambda);
        command.args(["lambda", "watch", "--manifest-path"]).arg(files.root.join("Cargo.toml"));
        command.args(["--invoke-address", "127.0.0.1", "--invoke-port", &address.port().to_string()]);
        command.args(["--concurrency", CONCURRENCY, "--disable-cors"]);
        clean(&mut command).current_dir(sources(files).map_err(failed)?).envs(variables.iter().cloned());
        // What cargo and cargo-lambda have to say on each start of each instance is noise; errors are shown.
        let level = std::env::var_os("RUST_LOG").unwrap_or("warn".into());
        command.env("CARGO_TERM_QUIET", "true").env("RUST_LOG", level);
        // In a group of its own, a Ctrl-C in the terminal does not reach it: `end` ends it in good order.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let log = Log::create(&files.log).map_err(failed)?;
        let mut guard = command.spawn().map_err(failed)?;
        if let Some(output) = guard.stdout.take() {
            tokio::spawn(log.take(output));
        }
        Ok(Watch { input: guard.stdin.take(), guard, address })
    }

    /// Waits until it listens and each function has answered once.
    pub(crate) async fn started(&mut self) -> Result<(), String> {
        let address = self.address;
        tokio::select! {
            ended = self.ended() => Err(ended),
            answered = all_answer(address) => answered,
        }
    }

    /// Waits until it ends by itself, and says so.
    pub(crate) async fn ended(&mut self) -> String {
        match self.guard.wait().await {
            Ok(status) => format!("cargo lambda watch ended by itself ({status})"),
            Err(error) => format!("cargo lambda watch cannot be waited for: {error}"),
        }
    }

    /// Ends it and all functions, and waits until they are gone.
    pub(crate) async fn end(mut self) -> Result<(), String> {
        self.input = None;
        let ended = timeout(END_WITHIN, self.guard.wait()).await;
        ended.map(|_| ()).map_err(|_| format!("cargo lambda watch still runs after {} s", END_WITHIN.as_secs()))
    }
}

/// Waits until `cargo lambda watch` listens and every function has answered. One function after the other: while a request waits
/// for its first instance, `cargo lambda watch` starts more and more of them.
async fn all_answer(watch: SocketAddr) -> Result<(), String> {
    let listens = async {
        while TcpStream::connect(watch).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let late = |who: &str| format!("{who} does not answer after {} s", PATIENCE.as_secs());
    timeout(PATIENCE, listens).await.map_err(|_| late("cargo lambda watch"))?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    for function in names() {
        // A request without a credential changes nothing.
        let uri = format!("http://{watch}/lambda-url/{function}/").parse().map_err(|_| late(function))?;
        let answer = timeout(PATIENCE, client.get(uri)).await.map_err(|_| late(function))?;
        match answer {
            Ok(answer) if !answer.status().is_server_error() => {}
            Ok(answer) => return Err(format!("the function {function} does not work: {}", answer.status())),
            Err(error) => return Err(format!("the function {function} does not work: {error}")),
        }
    }
    Ok(())
}

/// The file that takes what the functions and `cargo lambda watch` print, one metrics record in JSON for each request among it.
struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    fn create(path: &Path) -> std::io::Result<Log> {
        Ok(Log { path: path.to_owned(), file: File::create(path)? })
    }

    /// Takes all lines until the output ends. Those that are no log record are for the terminal too: errors of the compiler,
    /// for one, when a source has changed.
    async fn take(mut self, output: ChildStdout) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
            // `cargo lambda watch` sets this variable, and each instance then says that it handles one request at a time.
            if !String::from_utf8_lossy(&line).contains("AWS_LAMBDA_MAX_CONCURRENCY") {
                _ = self.write(&line);
                if !is_record(&line) {
                    _ = std::io::stdout().write_all(&line);
                }
            }
            line.clear();
        }
    }

    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.file.stream_position()? + line.len() as u64 > LOG_SIZE {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = File::create(&self.path)?;
        }
        self.file.write_all(line)
    }
}

/// A function's record is JSON. Those of `cargo lambda watch` complain of each function that it ends.
fn is_record(line: &[u8]) -> bool {
    [&b"{"[..], b"ERROR ", b" WARN "].iter().any(|start| line.starts_with(start))
}

/// A folder with nothing but links to the functions' sources. Each instance watches its working folder, file system
/// watches being scarce; from the workspace's root it would watch `target/` too, and start anew at every commit.
fn sources(files: &Files) -> std::io::Result<PathBuf> {
    // The link is not followed everywhere.
    if !cfg!(target_os = "linux") {
        return Ok(files.root.clone());
    }
    let folder = files.folder.join("watch");
    std::fs::create_dir_all(&folder)?;
    for source in ["functions", "shared"] {
        let link = folder.join(source);
        _ = std::fs::remove_file(&link);
        symlink(files.root.join(source), link)?;
    }
    Ok(folder)
}

/// Takes out of a command's environment what `cargo run` put into ours for this package, which would make cargo build
/// some dependencies anew, and whatever AWS account the user works with.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if ["AWS_", "CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded() {
        let folder = std::env::temp_dir().join(format!("dev-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("functions.log");
        let mut log = Log::create(&path).unwrap();
        let line = vec![b'x'; 1024 * 1024];
        for _ in 0..10 {
            log.write(&line).unwrap();
        }
        let sizes: Vec<u64> =
            std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|&size| size <= LOG_SIZE), "{sizes:?}");
    }
}
