//! `cargo dev`: the whole service on this machine.
//!
//! An embedded table with demo data, the functions under `cargo lambda watch`, and in front of them the paths of the
//! deployed API. Everything it starts ends with it.

mod demo;
mod functions;
mod gateway;
mod routes;
mod supervise;
mod tools;

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use demo::Demo;
use engine::Engine;
use functions::Watch;
use gateway::Gateway;
use routes::{RFID_URL, Routes};
use serde::Serialize;
use store::{Settings, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the service on this machine, with an embedded table and demo data.
#[derive(Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev")]
struct Flags {
    /// The folder for the data, `endpoints.json` and the log, made if it is not there [default: target/local].
    #[arg(long)]
    folder: Option<PathBuf>,

    /// Keep the data in memory: they are gone at the end.
    #[arg(long)]
    in_memory: bool,

    /// The port of the API on 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 9000)]
    port: u16,

    /// Begin with the demo data alone: delete what earlier runs have stored.
    #[arg(long)]
    reset: bool,
}

/// What `endpoints.json` says while the service is ready.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoints {
    api_url: String,
    api_token: String,
    rfid_url: String,
    dynamodb_url: String,
    table_name: String,
    organization_id: String,
}

/// The files of the local service, all in one folder.
struct Files {
    root: PathBuf,
    folder: PathBuf,
    endpoints: PathBuf,
    data: PathBuf,
    credentials: PathBuf,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|argument| argument == supervise::SUPERVISE).is_some() {
        return supervise::supervise(arguments);
    }
    let flags = Flags::parse();
    let result = tokio::runtime::Runtime::new()
        .map_err(|error| format!("there is no runtime: {error}"))
        .and_then(|runtime| runtime.block_on(run_until_interrupted(flags)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run_until_interrupted(flags: Flags) -> Result<(), String> {
    let interrupted = interrupted()?;
    let files = Files::new(flags.folder.as_deref())?;
    let (gateway_address, listener) = listen(flags.port).await?;
    // Held until the end, also by one that is killed.
    let _lock = files.lock()?;
    files.not_ready();

    let mut service = Service::default();
    let result = tokio::select! {
        result = service.run(&flags, &files, gateway_address, listener) => result,
        () = interrupted => Ok(()),
    };
    files.not_ready();
    service.end().await;
    result
}

/// What has been started so far.
#[derive(Default)]
struct Service {
    engine: Option<Engine>,
    watch: Option<Watch>,
}

impl Service {
    /// Starts everything, says when it is ready, and goes on until something fails.
    async fn run(
        &mut self,
        flags: &Flags,
        files: &Files,
        address: SocketAddr,
        listener: TcpListener,
    ) -> Result<(), String> {
        let gateway = Arc::new(Gateway::new(Routes::read()?, address));
        let routes = gateway.routes();
        tokio::spawn(Arc::clone(&gateway).serve(listener));

        let cargo_lambda = tools::cargo_lambda(&files.root.join("target")).await?;
        if flags.reset && !flags.in_memory {
            files.reset()?;
        }
        let engine = if flags.in_memory { Engine::in_memory().await } else { Engine::open(&files.data).await };
        let engine = self.engine.insert(engine.map_err(|error| error.to_string())?);
        let settings = Settings::local(&engine.endpoint_url(), engine.table_name());
        let store = Store::new(&settings).map_err(|error| error.to_string())?;
        let kept = (!flags.in_memory).then_some(files.credentials.as_path());
        #[expect(clippy::disallowed_methods, reason = "the command begins here")]
        let now = chrono::Utc::now();
        let demo = Demo::prepare(&store, kept, now).await?;

        functions::build(&files.root, routes).await?;
        let watch = Watch::start(&cargo_lambda, files, engine).await?;
        let watch = self.watch.insert(watch);
        watch.warm(routes).await?;
        gateway.open(watch.address);

        let endpoints = Endpoints {
            api_url: format!("http://{address}"),
            api_token: demo.api.token,
            rfid_url: format!("http://{address}{RFID_URL}/{}", demo.rfid.token),
            dynamodb_url: engine.endpoint_url(),
            table_name: engine.table_name().to_owned(),
            organization_id: demo.organization_id,
        };
        write(&files.endpoints, &endpoints)?;
        endpoints.print(files);
        Err(watch.ended().await)
    }

    async fn end(self) {
        if let Some(watch) = self.watch {
            watch.end().await;
        }
        if let Some(engine) = self.engine {
            engine.shutdown().await;
        }
    }
}

impl Files {
    fn new(folder: Option<&Path>) -> Result<Files, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().map_err(|error| format!("{} is gone: {error}", root.display()))?;
        let folder = folder.map_or_else(|| root.join("target/local"), Path::to_owned);
        let failed = |error| format!("{} cannot be made: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(failed)?;
        // Others use it from folders of their own.
        let folder = folder.canonicalize().map_err(failed)?;
        Ok(Files {
            endpoints: folder.join("endpoints.json"),
            data: folder.join("data.db"),
            credentials: folder.join("credentials.json"),
            root,
            folder,
        })
    }

    /// Makes sure that this is the only one on these files.
    fn lock(&self) -> Result<File, String> {
        let lock = File::create(self.folder.join("lock")).map_err(|error| error.to_string());
        lock.and_then(|file| match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err("another `cargo dev` runs on it; end that first".into()),
            Err(TryLockError::Error(error)) => Err(error.to_string()),
        })
        .map_err(|error| format!("{} cannot be used: {error}", self.folder.display()))
    }

    /// Whoever finds `endpoints.json` may rely on it.
    fn not_ready(&self) {
        _ = std::fs::remove_file(&self.endpoints);
    }

    /// Deletes what was stored.
    fn reset(&self) -> Result<(), String> {
        let data = self.data.display();
        for file in [format!("{data}"), format!("{data}-wal"), format!("{data}-shm")] {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(format!("{file} cannot be deleted: {error}"));
                }
                _ => {}
            }
        }
        _ = std::fs::remove_file(&self.credentials);
        Ok(())
    }
}

impl Endpoints {
    /// Says what to do next, in lines to paste.
    fn print(&self, files: &Files) {
        let Endpoints { api_url, api_token, rfid_url, .. } = self;
        let folder = files.folder.strip_prefix(&files.root).unwrap_or(&files.folder).display();
        let text = format!(
            r#"
Ready: {api_url}, described in {folder}/endpoints.json. Ctrl-C ends it.

# the access IDs
curl {api_url}/api/access-ids -H 'Authorization: Bearer {api_token}'

# register a card
ID=$(curl -s {api_url}/api/access-ids -H 'Authorization: Bearer {api_token}' -d '{{
  "accessId": {{ "type": "RFID", "ocppIdTag": "04:E1:A2:B3", "name": "My card" }}
}}' | tee /dev/stderr | sed -E 's/.*"id":([0-9]+).*/\1/')

# ask as Thor asks: 200
curl -i {rfid_url} \
  -d '{{ "msg": "rfid", "id": "04e1a2b3", "chargebox": "EaJ7cU9NJ3YkTNgy", "type": "authorize" }}'

# revoke the card
curl -X PATCH {api_url}/api/access-ids/$ID -H 'Authorization: Bearer {api_token}' \
  -d '{{ "accessId": {{ "authorizationStatus": "Revoked" }} }}'

# ask again: 403
curl -i {rfid_url} \
  -d '{{ "msg": "rfid", "id": "04e1a2b3", "chargebox": "EaJ7cU9NJ3YkTNgy", "type": "start" }}'
"#
        );
        // Nobody may listen.
        _ = std::io::stdout().write_all(text.as_bytes());
    }
}

/// Binds the API's port before anything else is begun.
async fn listen(port: u16) -> Result<(SocketAddr, TcpListener), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is taken: end what listens on it, or choose another by --port"),
        _ => format!("port {port} cannot be used: {error}"),
    })?;
    let address = listener.local_addr().map_err(|error| format!("port {port} cannot be used: {error}"))?;
    Ok((address, listener))
}

/// Waits for Ctrl-C, for the request to end, or for the terminal to go.
fn interrupted() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("signals cannot be caught: {error}"));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Writes a file of JSON so that it is there whole or not at all.
fn write(file: &Path, content: &impl Serialize) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}", file.display());
    let partial = file.with_extension("partial");
    let mut content = serde_json::to_vec_pretty(content).map_err(|error| failed(error.into()))?;
    content.push(b'\n');
    std::fs::write(&partial, content).map_err(failed)?;
    std::fs::rename(&partial, file).map_err(failed)
}
