//! Builds the functions and runs them under `cargo lambda watch`.

use std::ffi::OsString;
use std::fs::File;
use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Bytes;
use engine::Engine;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Files;
use crate::routes::{RFID_AUTHORIZER, Routes};
use crate::supervise::Supervised;

/// How many instances a function may have at a time: enough to show races. All of them are started at the first request
/// on a slow machine, and again at each change of a source.
const CONCURRENCY: &str = "4";

/// How many instances the authorizer shall have from the start: Thor's requests overlap.
const AUTHORIZERS: usize = 4;

/// How long `cargo lambda watch` may take to listen, and then a function, which is built already, to answer.
const PATIENCE: Duration = Duration::from_secs(60);

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// Builds all functions, in the way that `cargo lambda watch` builds each: by the same selection of packages, and so
/// with the same features.
pub(crate) async fn build(root: &Path, routes: &Routes) -> Result<(), String> {
    let mut cargo = Supervised::start(std::env::var_os("CARGO").unwrap_or("cargo".into()), None, |command| {
        command.arg("build").current_dir(root);
        for function in routes.functions() {
            command.args(["--bin", function]);
        }
        clean(command);
    })
    .map_err(|error| format!("cargo could not be started: {error}"))?;
    match cargo.wait().await {
        Ok(status) if status.success() => Ok(()),
        _ => Err("the functions could not be built".into()),
    }
}

/// `cargo lambda watch`, running.
pub(crate) struct Watch {
    process: Supervised,
    pub(crate) address: SocketAddr,
}

impl Watch {
    /// Starts it over the table of this engine and waits until it listens.
    pub(crate) async fn start(cargo_lambda: &Path, files: &Files, engine: &Engine) -> Result<Watch, String> {
        let Files { root, folder: local, .. } = files;
        let address = free_address().map_err(|error| format!("there is no free port: {error}"))?;
        let failed = |error: std::io::Error| format!("cargo lambda watch could not be started: {error}");
        let folder = sources(root, local).map_err(failed)?;
        // On a terminal, what the functions print is of interest. Elsewhere nobody may read it, and they would stop at
        // a full pipe.
        let output: [Stdio; 2] = if std::io::stdout().is_terminal() {
            [Stdio::inherit(), Stdio::inherit()]
        } else {
            let log = File::create(local.join("functions.log")).map_err(failed)?;
            [log.try_clone().map_err(failed)?.into(), log.into()]
        };
        let process = Supervised::start(cargo_lambda, Some(&files.endpoints), |command| {
            clean(command);
            let [stdout, stderr] = output;
            command
                .current_dir(folder)
                .args(["lambda", "watch", "--manifest-path"])
                .arg(root.join("Cargo.toml"))
                .args(["--invoke-address", "127.0.0.1", "--invoke-port", &address.port().to_string()])
                .args(["--concurrency", CONCURRENCY, "--disable-cors"])
                // What cargo and cargo-lambda have to say on each start of each instance is noise; errors are shown.
                .env("CARGO_TERM_QUIET", "true")
                .env("RUST_LOG", std::env::var_os("RUST_LOG").unwrap_or("warn".into()))
                .env("TABLE_NAME", engine.table_name())
                .env("AWS_ENDPOINT_URL_DYNAMODB", engine.endpoint_url())
                .env("AWS_REGION", "us-east-1")
                .env("AWS_ACCESS_KEY_ID", "local")
                .env("AWS_SECRET_ACCESS_KEY", "local")
                .stdout(stdout)
                .stderr(stderr);
        })
        .map_err(failed)?;
        let mut watch = Watch { process, address };
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            ended = watch.ended() => Err(ended),
            listening = timeout(PATIENCE, listening) => match listening {
                Ok(()) => Ok(watch),
                Err(_) => Err(format!("cargo lambda watch does not listen after {} s", PATIENCE.as_secs())),
            },
        }
    }

    /// Calls every function, so that each runs when the service is said to be ready. One after the other: while a
    /// request waits for its first instance, `cargo lambda watch` starts more and more of them.
    pub(crate) async fn warm(&mut self, routes: &Routes) -> Result<(), String> {
        let address = self.address;
        let all = async {
            let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
            for function in routes.functions() {
                let times = if function == RFID_AUTHORIZER { AUTHORIZERS } else { 1 };
                let mut calls = JoinSet::new();
                for _ in 0..times {
                    calls.spawn(call(client.clone(), address, function.to_owned()));
                }
                for result in calls.join_all().await {
                    result?;
                }
            }
            Ok(())
        };
        tokio::select! {
            ended = self.ended() => Err(ended),
            result = all => result,
        }
    }

    /// Waits until it ends by itself, and says so.
    pub(crate) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => format!("cargo lambda watch ended by itself ({status})"),
            Err(error) => format!("cargo lambda watch cannot be waited for: {error}"),
        }
    }

    /// Ends it and all functions.
    pub(crate) async fn end(self) {
        self.process.end().await;
    }
}

/// Calls a function with a request that changes nothing: it carries no credential.
async fn call(client: HttpClient, watch: SocketAddr, function: String) -> Result<(), String> {
    let uri = format!("http://{watch}/lambda-url/{function}/").parse().map_err(|_| "a function's name is no path")?;
    let answer = async {
        let response = client.get(uri).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if status.is_server_error() {
            return Err(format!("{status} {}", String::from_utf8_lossy(&body)));
        }
        Ok(())
    };
    match timeout(PATIENCE, answer).await {
        Ok(result) => result.map_err(|error| format!("the function {function} does not work: {error}")),
        Err(_) => Err(format!("the function {function} does not answer after {} s", PATIENCE.as_secs())),
    }
}

/// A folder with nothing but links to the functions' sources. Each instance watches its working folder, file system
/// watches being scarce; from the workspace's root it would watch `target/` too, and start anew at every commit.
fn sources(root: &Path, local: &Path) -> std::io::Result<std::path::PathBuf> {
    // The link is not followed everywhere.
    if !cfg!(target_os = "linux") {
        return Ok(root.to_owned());
    }
    let folder = local.join("watch");
    std::fs::create_dir_all(&folder)?;
    for source in ["functions", "shared"] {
        let link = folder.join(source);
        _ = std::fs::remove_file(&link);
        symlink(root.join(source), link)?;
    }
    Ok(folder)
}

/// Takes out of a command's environment what `cargo run` put into ours for this package, which would make cargo build
/// some dependencies anew, and whatever AWS account the user works with.
fn clean(command: &mut Command) {
    let foreign = |name: &OsString| {
        let name = name.to_string_lossy();
        ["AWS_", "CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| foreign(name)) {
        command.env_remove(name);
    }
}

fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
