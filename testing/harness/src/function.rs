//! The process of a function.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::response::Response;
use crate::runtime::Runtime;

/// How long one invocation may take, until [`Function::with_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why an invocation has no response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The binary could not be started.
    #[error("the function could not be started: {0}")]
    Start(#[from] std::io::Error),
    /// It reported an error to the Runtime API before its first invocation.
    #[error("the function could not initialise: {0}")]
    Init(String),
    /// It reported an error for this invocation. Its caller would get 500 or 502 from AWS.
    #[error("the function failed: {0}")]
    Function(String),
    /// Its answer is not an HTTP response.
    #[error("the function's answer is no HTTP response: {0}")]
    Answer(String),
    /// Its process ended before an answer.
    #[error("the function ended ({status:?}): {output}")]
    Exited {
        /// Its exit status, if known.
        status: Option<ExitStatus>,
        /// What it had printed on both streams.
        output: String,
    },
    /// No answer came within the time of [`Function::with_timeout`].
    #[error("the function did not answer within {0:?}")]
    TimedOut(Duration),
}

/// A running instance of one function. Its process is killed when this is dropped.
pub struct Function {
    child: Mutex<Child>,
    runtime: Runtime,
    output: Arc<Output>,
    timeout: Duration,
}

/// What the function has printed so far on both streams.
struct Output {
    text: Mutex<Vec<u8>>,
    /// How many of its two streams are open. None are when the process has ended.
    open: watch::Sender<usize>,
}

impl Function {
    /// Starts the binary. Its environment is `env` and the variables that Lambda sets; nothing is inherited.
    ///
    /// # Errors
    /// [`Error::Start`] when there is no such binary or no loopback port is free.
    pub async fn start(binary: impl AsRef<Path>, env: &[(&str, &str)]) -> Result<Function, Error> {
        let binary = binary.as_ref();
        Function::run(Command::new(binary), binary, env).await
    }

    /// Starts the binary under another program, for example `["valgrind", "--tool=callgrind"]`.
    ///
    /// # Errors
    /// As [`Function::start`].
    pub async fn start_under(
        program: &[&str],
        binary: impl AsRef<Path>,
        env: &[(&str, &str)],
    ) -> Result<Function, Error> {
        let binary = binary.as_ref();
        let mut words = program.iter().map(OsStr::new).chain([binary.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        Function::run(command, binary, env).await
    }

    async fn run(mut command: Command, binary: &Path, env: &[(&str, &str)]) -> Result<Function, Error> {
        let runtime = Runtime::start().await?;
        let name = binary.file_stem().unwrap_or_default();
        let mut child = command
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/harness")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "harness")
            .env("AWS_LAMBDA_RUNTIME_API", runtime.address.to_string())
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = Arc::new(Output { text: Mutex::default(), open: watch::Sender::new(2) });
        tokio::spawn(Arc::clone(&output).read(child.stdout.take()));
        tokio::spawn(Arc::clone(&output).read(child.stderr.take()));
        Ok(Function { child: Mutex::new(child), runtime, output, timeout: TIMEOUT })
    }

    /// Sets how long one invocation may take (30 s unless set). The function is told this as its deadline.
    pub fn with_timeout(self, timeout: Duration) -> Function {
        Function { timeout, ..self }
    }

    /// Makes each trace id at least this long. Unless set, they have the length of Lambda's, about 100 bytes.
    pub fn with_trace_ids_of(self, length: usize) -> Function {
        self.runtime.lengthen_trace_ids(length);
        self
    }

    /// Waits until the function asks for its first invocation.
    ///
    /// # Errors
    /// [`Error::Init`], [`Error::Exited`] or [`Error::TimedOut`].
    pub async fn wait_ready(&self) -> Result<(), Error> {
        let mut init = self.runtime.init();
        let ready = async { init.wait_for(Option::is_some).await.map(|init| init.clone()) };
        match self.unless_it_ends(ready).await? {
            Ok(Some(Err(report))) => Err(Error::Init(String::from_utf8_lossy(&report).into())),
            _ => Ok(()),
        }
    }

    /// After an answer: waits until the function asks for its next invocation. Work that it does after an answer is
    /// finished then, and its requests are in the [`Recorder`](crate::Recorder).
    ///
    /// # Errors
    /// [`Error::Exited`] or [`Error::TimedOut`].
    pub async fn wait_idle(&self) -> Result<(), Error> {
        let mut idle = self.runtime.idle();
        let asks = async { idle.wait_for(|idle| *idle).await.map(drop) };
        match self.unless_it_ends(asks).await? {
            Ok(asked) => Ok(asked),
            Err(_) => Err(self.exited().await),
        }
    }

    /// Invokes it with an HTTP event. Concurrent calls wait for each other: an instance has one call at a time.
    ///
    /// # Errors
    /// Every [`Error`] but those of the start.
    pub async fn invoke(&self, event: Value) -> Result<Response, Error> {
        self.invoke_as(event, None).await
    }

    /// The same with this request id.
    ///
    /// # Errors
    /// As [`Function::invoke`].
    pub async fn invoke_as(&self, event: Value, id: Option<String>) -> Result<Response, Error> {
        let answer = self.answer(event.to_string().into(), id).await?;
        Response::read(&answer).map_err(Error::Answer)
    }

    /// Invokes it with any payload and returns its answer unread.
    ///
    /// # Errors
    /// As [`Function::invoke`], without [`Error::Answer`].
    pub async fn invoke_raw(&self, payload: impl Into<Bytes>) -> Result<Bytes, Error> {
        self.answer(payload.into(), None).await
    }

    async fn answer(&self, payload: Bytes, id: Option<String>) -> Result<Bytes, Error> {
        let answer = self.runtime.invoke(payload, id, self.timeout);
        match self.unless_it_ends(answer).await? {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(report)) => Err(Error::Function(String::from_utf8_lossy(&report).into())),
            Err(_) => Err(self.exited().await),
        }
    }

    /// The id of the process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child().id()
    }

    /// From now on, leaves the function without the receipt of its answers, which their callers have at once, until this is
    /// called with `false`. What it does after an answer does not begin before it has the receipt.
    pub fn hold_receipts(&self, holds: bool) {
        self.runtime.hold_receipts(holds);
    }

    /// Stops the process with SIGSTOP, as Lambda freezes it between two invocations, and waits until it is stopped.
    ///
    /// # Errors
    /// When the process has ended.
    pub async fn freeze(&self) -> std::io::Result<()> {
        let pid = self.signal(Signal::STOP)?;
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(pid), stopped)?.is_none() {
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Lets a frozen process continue.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn thaw(&self) -> std::io::Result<()> {
        self.signal(Signal::CONT).map(drop)
    }

    /// Sends SIGTERM and waits for the end of the process. Returns its exit status and its output as [`Error::Exited`].
    pub async fn terminate(&self) -> Error {
        if let Err(error) = self.signal(Signal::TERM)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return error.into();
        }
        let never = std::future::pending::<std::convert::Infallible>();
        match self.unless_it_ends(never).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn signal(&self, signal: Signal) -> std::io::Result<Pid> {
        // The lock is held until the signal is sent. Nobody else can wait for the process meanwhile, so its id cannot be
        // given to another process.
        let child = self.child();
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).ok_or(std::io::ErrorKind::NotFound)?;
        kill_process(pid, signal)?;
        Ok(pid)
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.text()).into_owned()
    }

    /// The whole lines that it has printed since this was last called. They are forgotten, so that a million of them take
    /// no memory.
    pub fn take_lines(&self) -> String {
        let mut text = self.output.text();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = text.drain(..whole).collect();
        String::from_utf8_lossy(&lines).into_owned()
    }

    /// The lines of JSON that it has printed so far. Waits until there are `at_least` so many of them, for at most 5 s:
    /// lines may arrive later than the response.
    pub async fn log_lines(&self, at_least: usize) -> Vec<Value> {
        let lines =
            || -> Vec<Value> { self.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect() };
        for _ in 0..500 {
            if lines().len() >= at_least {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        lines()
    }

    /// Kills the process, as Lambda does, and waits for its end.
    pub async fn stop(self) {
        _ = self.child().start_kill();
        let mut open = self.output.open.subscribe();
        _ = timeout(self.timeout, open.wait_for(|open| *open == 0)).await;
    }

    async fn unless_it_ends<T>(&self, wanted: impl Future<Output = T>) -> Result<T, Error> {
        let mut open = self.output.open.subscribe();
        let ends = async { drop(open.wait_for(|open| *open == 0).await) };
        let either = async {
            tokio::select! {
                biased;
                wanted = wanted => Ok(wanted),
                () = ends => Err(self.exited().await),
            }
        };
        timeout(self.timeout, either).await.unwrap_or(Err(Error::TimedOut(self.timeout)))
    }

    async fn exited(&self) -> Error {
        // Its streams close a moment before it can be waited for. One that has closed them and goes on has no status.
        let mut status = None;
        for _ in 0..500 {
            status = self.child().try_wait().ok().flatten();
            if status.is_some() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
        Error::Exited { status, output: self.output() }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    async fn read(self: Arc<Self>, stream: Option<impl AsyncRead + Unpin>) {
        if let Some(mut stream) = stream {
            let mut chunk = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = stream.read(&mut chunk).await {
                self.text().extend_from_slice(&chunk[..length]);
            }
        }
        self.open.send_modify(|open| *open -= 1);
    }

    fn text(&self) -> MutexGuard<'_, Vec<u8>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_process_gets_its_environment_and_its_end_is_reported() {
        let function = Function::start("/usr/bin/env", &[("TABLE_NAME", "t")]).await.unwrap();
        let Err(Error::Exited { output, .. }) = function.wait_ready().await else { panic!() };
        assert!(output.contains("TABLE_NAME=t\n") && output.contains("AWS_LAMBDA_FUNCTION_NAME=env\n"));
        assert!(!output.contains("CARGO"), "the environment of the test itself must not be inherited: {output}");
        assert!(matches!(function.invoke(json!({})).await, Err(Error::Exited { .. })));
    }

    #[tokio::test]
    async fn a_process_can_run_under_another_program_and_be_terminated() {
        let script = "trap 'kill $!; echo asked; exit 3' TERM; echo $UNDER $AWS_LAMBDA_FUNCTION_NAME; sleep 9 & wait";
        let under = ["/usr/bin/env", "UNDER=env", "/bin/sh", "-c", script];
        let function = Function::start_under(&under, "/bin/true", &[]).await.unwrap();
        while !function.output().contains("env true\n") {
            sleep(Duration::from_millis(1)).await;
        }
        let Error::Exited { status, output } = function.terminate().await else { panic!() };
        assert!(output.ends_with("asked\n"), "{output}");
        assert_eq!(status.and_then(|status| status.code()), Some(3));
    }

    #[tokio::test]
    async fn lines_are_taken_once_and_whole() {
        let printing = ["/bin/sh", "-c", "printf 'one\\ntwo\\nth'; sleep 9"];
        let function = Function::start_under(&printing, "/bin/true", &[]).await.unwrap();
        while !function.output().ends_with("th") {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(function.take_lines(), "one\ntwo\n");
        assert_eq!((function.take_lines(), function.output()), (String::new(), "th".to_owned()));
    }

    #[tokio::test]
    async fn a_function_that_never_answers_times_out_and_can_be_stopped() {
        let function = Function::start("/bin/cat", &[]).await.unwrap().with_timeout(Duration::from_millis(50));
        assert!(matches!(function.invoke(json!({})).await, Err(Error::Exited { .. } | Error::TimedOut(_))));
        function.stop().await;
    }
}
