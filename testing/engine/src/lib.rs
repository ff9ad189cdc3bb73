//! The table engine that the tests and `cargo dev` run on: dynoxide, a DynamoDB in SQLite, inside this process.
//!
//! Each [`Engine`] has a thread and a loopback port of its own, so that any number of tests run side by side, and ends
//! with everything it opened when it is dropped.
//!
//! The same tests run on another engine if [`ENGINE_URL`] names one: then an [`Engine`] is a way to that.

mod call;
mod template;

use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use dynoxide::actions::describe_time_to_live::DescribeTimeToLiveRequest;
use dynoxide::{Database, DynoxideError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use template::Definition;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The table that every engine starts with.
pub const TABLE_NAME: &str = "charge-access";

/// The variable that names another engine, which runs already: `http://HOST:PORT`. All tests use one table of it and keep
/// apart by their organizations. Nothing is deleted there.
pub const ENGINE_URL: &str = "ENGINE_URL";

/// The access key of AWS's documentation, known to other engines as well. This one takes any.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// The secret that belongs to it.
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// How long requests under way may take to finish when the engine is shut down.
const GRACE: Duration = Duration::from_millis(250);

/// What every SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file exists but holds something else, or something broken, or cannot be opened.
    #[error("{} is not a table data file: {reason}", path.display())]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The template's `Table` is none.
    #[error("template.yaml defines no table: {0}")]
    Template(String),
    /// The engine refused to set up the table or its data.
    #[error("the table could not be set up: {0}")]
    Table(#[from] DynoxideError),
    /// The other engine's address is none.
    #[error("{ENGINE_URL} is not http://HOST:PORT")]
    Url,
    /// The other engine refused to set up the table.
    #[error("the other engine refused the table: {0}")]
    Refused(Value),
    /// No port or no thread was to be had.
    #[error("the table engine could not be started: {0}")]
    Start(#[from] std::io::Error),
}

/// A running table engine.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    server: Option<Server>,
}

/// The thread that serves the table, and what ends it: a message lets it finish what it is at, a drop does not.
#[derive(Debug)]
struct Server {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Engine {
    /// Starts an engine whose data live as long as it does, or makes a way to the one that [`ENGINE_URL`] names.
    pub async fn in_memory() -> Result<Engine, Error> {
        match other()? {
            Some(address) => Engine::elsewhere(address).await,
            None => Engine::start(Database::memory()?).await,
        }
    }

    /// A way to an engine that runs already, gone when this is dropped.
    async fn elsewhere(address: SocketAddr) -> Result<Engine, Error> {
        let engine = Engine::serve(async move |listener, stopped| {
            let mut connections = tokio::task::JoinSet::new();
            let pass_on = async {
                while let Ok((mut client, _)) = listener.accept().await {
                    connections.spawn(async move {
                        let mut engine = TcpStream::connect(address).await?;
                        client.set_nodelay(true)?;
                        engine.set_nodelay(true)?;
                        tokio::io::copy_bidirectional(&mut client, &mut engine).await
                    });
                }
            };
            tokio::select! {
                () = pass_on => {}
                _ = stopped => {}
            }
        })?;
        let Definition { create, time_to_live } = Definition::read(TABLE_NAME).map_err(Error::Template)?;
        let (status, answer) = engine.call("CreateTable", &create).await?;
        let is_there = answer["__type"].as_str().is_some_and(|kind| kind.ends_with("#ResourceInUseException"));
        if status != 200 && !is_there {
            return Err(Error::Refused(answer));
        }
        // Others take their time to make a table.
        let table = json!({ "TableName": TABLE_NAME });
        while engine.call("DescribeTable", &table).await?.1["Table"]["TableStatus"] == "CREATING" {
            tokio::time::sleep(GRACE).await;
        }
        if let Some(request) = time_to_live.filter(|_| !is_there) {
            engine.call("UpdateTimeToLive", &request).await?;
        }
        Ok(engine)
    }

    /// Starts an engine on a data file, which is made if it is not there. Of two engines on one file each sees the
    /// other's data, but the engine is not made for that.
    pub async fn open(path: impl AsRef<Path>) -> Result<Engine, Error> {
        let path = path.as_ref();
        let broken = |reason: String| Error::DataFile { path: path.to_owned(), reason };
        check(path).map_err(broken)?;
        let name = path.to_str().ok_or_else(|| broken("its name is not UTF-8".into()))?;
        let database = Database::new(name).map_err(|error| broken(first_sentence(&error)))?;
        Engine::start(database).await.map_err(|error| match error {
            // The file opened, but its content failed at the first use.
            Error::Table(error) => broken(first_sentence(&error)),
            error => error,
        })
    }

    /// Starts an engine over a database that the caller may keep a handle of: to put in a million items at once, say.
    pub async fn start(database: Database) -> Result<Engine, Error> {
        create_table(&database)?;
        Engine::serve(async |listener, stopped| {
            let stop = async { _ = stopped.await };
            _ = dynoxide::server::serve_with_shutdown(listener, database, stop).await;
        })
    }

    /// Runs a server on a thread and a port of its own. When the engine is shut down it is told to stop, and has a moment
    /// for it; when the engine is dropped, the server is.
    fn serve<F>(serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F + Send + 'static) -> Result<Engine, Error>
    where
        F: Future<Output = ()>,
    {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let (finish, finished) = oneshot::channel::<()>();
                let stop = async {
                    if stopped.await.is_ok() {
                        drop(finish);
                        tokio::time::sleep(GRACE).await;
                    }
                };
                tokio::select! {
                    () = serve(listener, finished) => {}
                    () = stop => {}
                }
            });
            // The runtime goes, and with it each connection and its handle on the database: the file is closed.
        })?;
        Ok(Engine { address, server: Some(Server { stop, thread }) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL, for an SDK client.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The table's name.
    pub fn table_name(&self) -> &'static str {
        TABLE_NAME
    }

    /// Ends the engine after the requests under way; the data file is closed when this returns.
    pub async fn shutdown(mut self) {
        if let Some(Server { stop, thread }) = self.server.take() {
            _ = stop.send(());
            _ = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(Server { stop, thread }) = self.server.take() {
            drop(stop);
            _ = thread.join();
        }
    }
}

/// Where the other engine is, if there is to be one.
fn other() -> Result<Option<SocketAddr>, Error> {
    let Ok(url) = std::env::var(ENGINE_URL) else { return Ok(None) };
    let address = url.strip_prefix("http://").and_then(|address| address.trim_end_matches('/').to_socket_addrs().ok());
    address.and_then(|mut addresses| addresses.next()).map(Some).ok_or(Error::Url)
}

/// Says what is wrong with a file that is there and is no SQLite file. (An empty one is: nothing was written to it yet.)
fn check(path: &Path) -> Result<(), String> {
    let mut start = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(SQLITE.len() as u64).read_to_end(&mut start).map_err(|error| error.to_string())?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if start.is_empty() || start == SQLITE { Ok(()) } else { Err("it holds something else".into()) }
}

/// What the engine says of a file it cannot use, without its advice on builds of its own.
fn first_sentence(error: &DynoxideError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Internal error: ").unwrap_or(&text);
    text.split(". ").next().unwrap_or(text).to_owned()
}

/// Makes the template's table, or what is missing of it: an earlier run may have been killed half-way. Throws out what has
/// expired.
fn create_table(database: &Database) -> Result<(), Error> {
    let definition = Definition::read(TABLE_NAME).map_err(Error::Template)?;
    if database.get_table_metadata(TABLE_NAME)?.is_none() {
        database.create_table(request(definition.create)?)?;
    }
    if let Some(time_to_live) = definition.time_to_live {
        let now = database.describe_time_to_live(DescribeTimeToLiveRequest { table_name: TABLE_NAME.into() })?;
        if now.time_to_live_description.time_to_live_status != "ENABLED" {
            database.update_time_to_live(request(time_to_live)?)?;
        }
    }
    database.sweep_ttl()?;
    Ok(())
}

/// The template's words as a request of the embedded engine.
fn request<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Template(error.to_string()))
}
