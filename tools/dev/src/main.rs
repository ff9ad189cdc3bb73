//! `cargo dev`: the whole service on this machine.
//!
//! An embedded table with demo data, the functions under `cargo lambda watch`, and in front of them the paths of the
//! deployed API. Everything it starts ends with it.

mod demo;
mod files;
mod gateway;
mod tools;
mod watch;

use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use demo::Demo;
use engine::Engine;
use files::Files;
use gateway::{Gateway, RFID_PATH};
use store::{Decider, JournalSettings, Settings, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use watch::Watch;

/// Runs the service on this machine, with an embedded table and demo data. Ctrl-C ends it.
#[derive(Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev")]
struct Flags {
    /// The folder for the data, the env file and the log, made if it is not there [default: target/local].
    #[arg(long)]
    folder: Option<PathBuf>,

    /// Keep the data in memory: they are gone at the end.
    #[arg(long)]
    in_memory: bool,

    /// The port of the API on 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 9000)]
    port: u16,

    /// Begin with the demo data alone: delete what earlier runs have stored. The tokens change.
    #[arg(long)]
    reset: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run_until_interrupted(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run_until_interrupted(flags: Flags) -> Result<(), String> {
    if flags.in_memory && flags.reset {
        return Err("--in-memory begins with the demo data alone anyway: leave out --reset".into());
    }
    let interrupted = interrupted()?;
    let files = Files::new(flags.folder.as_deref())?;
    let (address, listener) = listen(flags.port).await?;
    // Held until the end, also by one that is killed.
    let _lock = files.lock()?;
    files.not_ready();
    let mut service = Service::default();
    let result = tokio::select! {
        result = service.run(&flags, &files, address, listener) => result,
        () = interrupted => {
            say("ending");
            Ok(())
        }
    };
    files.not_ready();
    result.and(service.end().await)
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
        let began = Instant::now();
        let gateway = Gateway::new(address);
        tokio::spawn(gateway.clone().serve(listener));
        say("compiling the functions; from nothing this takes about two minutes");
        let build = async {
            watch::build(&files.root).await?;
            say(&format!("the functions are compiled ({} s)", began.elapsed().as_secs()));
            Ok(())
        };
        let target = files.root.join("target");
        let (cargo_lambda, demo, ()) =
            tokio::try_join!(tools::cargo_lambda(&target), table(&mut self.engine, flags, files), build)?;
        let engine = self.engine.as_ref().ok_or("the table engine is gone")?;

        say("starting the functions under cargo lambda watch");
        let table = [
            ("TABLE_NAME", engine.table_name().to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", engine.endpoint_url()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ];
        let watch = self.watch.insert(Watch::start(&cargo_lambda, files, &table)?);
        watch.started().await?;
        gateway.open(watch.address);

        let api = [
            ("API", format!("http://{address}")),
            ("TOKEN", demo.api.token),
            ("VIEW_TOKEN", demo.view.token),
            ("RFID", format!("http://{address}{RFID_PATH}/{}", demo.rfid.token)),
            ("ORGANIZATION", demo.organization_id),
            ("DYNAMODB_URL", engine.endpoint_url()),
        ];
        files.ready(api.iter().chain(&table))?;
        print(&ready(began, address, files));
        Err(watch.ended().await)
    }

    async fn end(self) -> Result<(), String> {
        let ended = match self.watch {
            Some(watch) => watch.end().await,
            None => Ok(()),
        };
        if let Some(engine) = self.engine {
            engine.shutdown().await;
        }
        ended
    }
}

/// Starts the table engine and puts the demo data into the table.
async fn table(engine: &mut Option<Engine>, flags: &Flags, files: &Files) -> Result<Demo, String> {
    if flags.reset {
        files.reset()?;
        say("the data of earlier runs are deleted, and $TOKEN, $VIEW_TOKEN and $RFID change: read the env file again");
    }
    let started = if flags.in_memory { Engine::in_memory().await } else { Engine::open(&files.data).await };
    let engine = engine.insert(started.map_err(|error| error.to_string())?);
    let settings = Settings::local(&engine.endpoint_url(), engine.table_name());
    let store = Store::new(&settings).map_err(|error| error.to_string())?;
    let kept = (!flags.in_memory).then_some(files.credentials.as_path());
    #[expect(clippy::disallowed_methods, reason = "the command begins here")]
    let now = chrono::Utc::now();
    let decider = Decider::new(&settings, JournalSettings::default()).map_err(|error| error.to_string())?;
    Demo::prepare(&store, &decider, kept, now).await
}

/// Says what to do next, in lines to paste.
fn ready(began: Instant, address: SocketAddr, files: &Files) -> String {
    let (env, log) = (files.env.display(), files.log.display());
    format!(
        r#"
Ready after {seconds} s: http://{address}. Ctrl-C ends it.
Console: http://{address}/console. API reference: http://{address}/docs.
Below is a line for each request; {log} has what the functions log.

Paste into another shell:

. '{env}'
curl "$API/api/access-ids" -H "Authorization: Bearer $TOKEN"
echo "$TOKEN"  # what the console asks for
curl -i $RFID -d '{{ "msg": "rfid", "id": "rfid-card-1", "chargebox": "EaJ7cU9NJ3YkTNgy", "type": "authorize" }}'

README.md goes on from here.

"#,
        seconds = began.elapsed().as_secs(),
    )
}

/// Prints a line with the time.
fn say(line: &str) {
    print(&format!("{} {line}\n", chrono::Local::now().format("%H:%M:%S")));
}

fn print(text: &str) {
    // Nobody may listen.
    _ = std::io::stdout().write_all(text.as_bytes());
}

/// Binds the API's port before anything else is begun.
async fn listen(port: u16) -> Result<(SocketAddr, TcpListener), String> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is taken: end what listens on it, or choose another with --port"),
        _ => format!("port {port} cannot be used: {error}"),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    Ok((listener.local_addr().map_err(failed)?, listener))
}

/// Waits for Ctrl-C, for the request to end, or for the terminal to go.
fn interrupted() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("signals cannot be caught: {error}"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(async move {
        _ = tokio::select! { it = interrupt.recv() => it, it = terminate.recv() => it, it = hang_up.recv() => it }
    })
}
