//! A function's process.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::runtime::Runtime;

/// How long one invocation may take, until [`Function::with_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why an invocation has no response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The binary could not be started.
    #[error("the function could not be started: {0}")]
    Start(#[from] std::io::Error),
    /// It reported an error instead of asking for its first invocation.
    #[error("the function could not initialise: {0}")]
    Init(String),
    /// It reported an error instead of a response: Lambda would answer 500 or 502.
    #[error("the function failed: {0}")]
    Function(String),
    /// What it answered is no HTTP response.
    #[error("the function's answer is no HTTP response: {0}")]
    Answer(String),
    /// Its process ended. What it printed is included.
    #[error("the function ended ({status:?}): {output}")]
    Exited {
        /// How, if known.
        status: Option<ExitStatus>,
        /// What it had printed.
        output: String,
    },
    /// No answer in time.
    #[error("the function did not answer within {0:?}")]
    TimedOut(Duration),
}

/// An HTTP response, as the function's caller would get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Reads what a function hands to API Gateway or to its function URL.
    fn read(answer: &[u8]) -> Result<Response, String> {
        let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let mut headers = BTreeMap::new();
        for (name, value) in answer["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().ok_or_else(|| format!("header {name}: {value}"))?;
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let body = answer["body"].as_str().unwrap_or_default();
        Ok(Response {
            status: status.ok_or_else(|| answer.to_string())?,
            headers,
            body: if answer["isBase64Encoded"] == true {
                BASE64_STANDARD.decode(body).map_err(|error| error.to_string())?
            } else {
                body.as_bytes().to_vec()
            },
        })
    }
}

/// A running instance of one function, killed when dropped.
pub struct Function {
    child: Mutex<Child>,
    runtime: Runtime,
    output: Arc<Output>,
    timeout: Duration,
}

/// What the function has printed so far, on either stream.
struct Output {
    text: Mutex<Vec<u8>>,
    /// How many of its two streams are still open: none when it has ended.
    open: watch::Sender<usize>,
}

impl Function {
    /// Starts the binary with this environment and what Lambda adds to it, and nothing else of this process's own.
    pub async fn start(binary: impl AsRef<Path>, env: &[(&str, &str)]) -> Result<Function, Error> {
        let binary = binary.as_ref();
        Function::run(Command::new(binary), binary, env).await
    }

    /// The same under a program that watches it: `["valgrind", "--tool=callgrind"]`, for example.
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

    /// The same with another time for each invocation; it is also the deadline that the function is told.
    pub fn with_timeout(self, timeout: Duration) -> Function {
        Function { timeout, ..self }
    }

    /// Waits until the function asks for its first invocation.
    pub async fn wait_ready(&self) -> Result<(), Error> {
        let mut init = self.runtime.init();
        let ready = async { init.wait_for(Option::is_some).await.map(|init| init.clone()) };
        match self.unless_it_ends(ready).await? {
            Ok(Some(Err(report))) => Err(Error::Init(String::from_utf8_lossy(&report).into())),
            _ => Ok(()),
        }
    }

    /// After an answer: waits until the function asks for its next invocation.
    pub async fn wait_idle(&self) -> Result<(), Error> {
        let mut idle = self.runtime.idle();
        let asks = async { idle.wait_for(|idle| *idle).await.map(drop) };
        self.unless_it_ends(asks).await?.map_err(|_| self.exited())
    }

    /// Invokes it with an HTTP event. Calls at the same time queue, as one instance has one call at a time.
    pub async fn invoke(&self, event: Value) -> Result<Response, Error> {
        let answer = self.invoke_raw(event.to_string()).await?;
        Response::read(&answer).map_err(Error::Answer)
    }

    /// Invokes it with any payload and hands back what it answered, as it is.
    pub async fn invoke_raw(&self, payload: impl Into<Bytes>) -> Result<Bytes, Error> {
        let answer = self.runtime.invoke(payload.into(), self.timeout);
        match self.unless_it_ends(answer).await? {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(report)) => Err(Error::Function(String::from_utf8_lossy(&report).into())),
            Err(_) => Err(self.exited()),
        }
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child().id()
    }

    /// Stops the process where it is, as Lambda does between two invocations, and waits until it stands.
    pub async fn freeze(&self) -> std::io::Result<()> {
        let pid = self.signal(Signal::STOP)?;
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(pid), stopped)?.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) -> std::io::Result<()> {
        self.signal(Signal::CONT).map(drop)
    }

    /// Asks it to end, and waits until it has. How, and what it had printed, is in the error.
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
        // The lock is held until the signal is sent: nobody else waits for the process, and its number stays its own.
        let child = self.child();
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).ok_or(std::io::ErrorKind::NotFound)?;
        kill_process(pid, signal)?;
        Ok(pid)
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.text()).into_owned()
    }

    /// The lines of JSON that it has printed so far. Waits until there are so many of them, for at most 5 s: what is
    /// printed may come later than the response.
    pub async fn log_lines(&self, at_least: usize) -> Vec<Value> {
        let lines =
            || -> Vec<Value> { self.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect() };
        for _ in 0..500 {
            if lines().len() >= at_least {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        lines()
    }

    /// Kills it, as Lambda does, and waits until it is gone.
    pub async fn stop(self) {
        _ = self.child().start_kill();
        let mut open = self.output.open.subscribe();
        _ = timeout(self.timeout, open.wait_for(|open| *open == 0)).await;
    }

    async fn unless_it_ends<T>(&self, wanted: impl Future<Output = T>) -> Result<T, Error> {
        let mut open = self.output.open.subscribe();
        let either = async {
            tokio::select! {
                biased;
                wanted = wanted => Ok(wanted),
                _ = open.wait_for(|open| *open == 0) => Err(self.exited()),
            }
        };
        timeout(self.timeout, either).await.unwrap_or(Err(Error::TimedOut(self.timeout)))
    }

    fn exited(&self) -> Error {
        Error::Exited { status: self.child().try_wait().ok().flatten(), output: self.output() }
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
    async fn a_process_gets_its_environment_and_its_end_is_told() {
        let function = Function::start("/usr/bin/env", &[("TABLE_NAME", "t")]).await.unwrap();
        let Err(Error::Exited { output, .. }) = function.wait_ready().await else { panic!() };
        assert!(output.contains("TABLE_NAME=t\n") && output.contains("AWS_LAMBDA_FUNCTION_NAME=env\n"));
        assert!(!output.contains("CARGO"), "the environment of the test itself must not leak: {output}");
        assert!(matches!(function.invoke(json!({})).await, Err(Error::Exited { .. })));
    }

    #[tokio::test]
    async fn a_process_can_be_run_under_another_and_be_asked_to_end() {
        let script = "trap 'kill $!; echo asked; exit 3' TERM; echo $UNDER $AWS_LAMBDA_FUNCTION_NAME; sleep 9 & wait";
        let under = ["/usr/bin/env", "UNDER=env", "/bin/sh", "-c", script];
        let function = Function::start_under(&under, "/bin/true", &[]).await.unwrap();
        while !function.output().contains("env true\n") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let Error::Exited { status, output } = function.terminate().await else { panic!() };
        assert!(output.ends_with("asked\n"), "{output}");
        assert_eq!(status.and_then(|status| status.code()), Some(3));
    }

    #[tokio::test]
    async fn a_function_that_never_answers_times_out_and_is_gone_when_stopped() {
        let function = Function::start("/bin/cat", &[]).await.unwrap().with_timeout(Duration::from_millis(50));
        assert!(matches!(function.invoke(json!({})).await, Err(Error::Exited { .. } | Error::TimedOut(_))));
        function.stop().await;
    }

    #[test]
    fn reads_what_a_function_answers() {
        let answer = json!({
            "statusCode": 200, "headers": { "Content-Type": "x" }, "body": "//4=", "isBase64Encoded": true
        });
        let response = Response::read(answer.to_string().as_bytes()).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, b"\xff\xfe".as_slice()));
        assert_eq!(response.headers["content-type"], "x");
        assert_eq!(Response::read(br#"{"errorType":"x"}"#), Err(r#"{"errorType":"x"}"#.into()));
    }
}
