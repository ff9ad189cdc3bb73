//! The table engine of the tests and of `cargo dev`: dynoxide, which implements DynamoDB on SQLite, in this process.
//!
//! Each [`Engine`] has a thread and a loopback port of its own, so that any number of tests can run side by side. Dropping
//! it ends the thread and closes what it opened.
//!
//! If [`ENGINE_URL`] names another engine, the same tests run on that one, and an [`Engine`] only forwards connections.

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

/// The environment variable that names another engine, which runs already: `http://HOST:PORT`. All tests use one table there,
/// each with organizations of its own. Nothing is deleted.
pub const ENGINE_URL: &str = "ENGINE_URL";

/// The access key ID of AWS's documentation, which other engines know too. The embedded engine accepts any.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// The secret access key that belongs to [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// How long requests under way may take to finish when the engine is shut down.
const GRACE: Duration = Duration::from_millis(250);

/// What every SQLite file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file exists but cannot be opened, is damaged, or is not a data file.
    #[error("{} is not a table data file: {reason}", path.display())]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The resource `Table` of the template cannot be turned into a CreateTable call.
    #[error("template.yaml defines no table: {0}")]
    Template(String),
    /// The engine refused to set up the table or its data.
    #[error("the table could not be set up: {0}")]
    Table(#[from] DynoxideError),
    /// The value of [`ENGINE_URL`] is not an address.
    #[error("{ENGINE_URL} is not http://HOST:PORT")]
    Url,
    /// The other engine refused to set up the table.
    #[error("the other engine refused the table: {0}")]
    Refused(Value),
    /// No port could be bound or no thread started.
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

    /// Forwards connections to an engine that runs already, until it is dropped.
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
        // Other engines create a table in the background.
        let table = json!({ "TableName": TABLE_NAME });
        while engine.call("DescribeTable", &table).await?.1["Table"]["TableStatus"] == "CREATING" {
            tokio::time::sleep(GRACE).await;
        }
        if let Some(request) = time_to_live.filter(|_| !is_there) {
            engine.call("UpdateTimeToLive", &request).await?;
        }
        Ok(engine)
    }

    /// Starts an engine on a data file, which is created if it does not exist. Two engines on one file see each other's
    /// data, but dynoxide does not support that.
    ///
    /// # Errors
    /// [`Error::DataFile`] when the file cannot be used, and those of [`Engine::start`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Engine, Error> {
        let path = path.as_ref();
        let broken = |reason: String| Error::DataFile { path: path.to_owned(), reason };
        check(path).map_err(broken)?;
        let name = path.to_str().ok_or_else(|| broken("its name is not UTF-8".into()))?;
        let database = Database::new(name).map_err(|error| broken(first_sentence(&error)))?;
        Engine::start(database).await.map_err(|error| match error {
            // The file could be opened, but reading the table from it failed.
            Error::Table(error) => broken(first_sentence(&error)),
            error => error,
        })
    }

    /// Starts an engine on a database of the caller, who can keep a handle to fill it directly, for example with a million
    /// items.
    ///
    /// # Errors
    /// When the table cannot be created or the server cannot be started.
    pub async fn start(database: Database) -> Result<Engine, Error> {
        create_table(&database)?;
        Engine::serve(async |listener, stopped| {
            let stop = async { _ = stopped.await };
            _ = dynoxide::server::serve_with_shutdown(listener, database, stop).await;
        })
    }

    /// Runs a server on a thread and a port of its own. A shutdown tells the server to stop and waits for at most `GRACE`;
    /// a drop ends it at once.
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
            // Dropping the runtime here drops each connection with its handle to the database, and so closes the file.
        })?;
        Ok(Engine { address, server: Some(Server { stop, thread }) })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL, for an SDK client.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The table's name.
    pub fn table_name(&self) -> &'static str {
        TABLE_NAME
    }

    /// Ends the engine after the requests under way. The data file is closed when this returns.
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

/// The address of the other engine, if [`ENGINE_URL`] is set.
fn other() -> Result<Option<SocketAddr>, Error> {
    let Ok(url) = std::env::var(ENGINE_URL) else { return Ok(None) };
    let address = url.strip_prefix("http://").and_then(|address| address.trim_end_matches('/').to_socket_addrs().ok());
    address.and_then(|mut addresses| addresses.next()).map(Some).ok_or(Error::Url)
}

/// Fails if the file exists and is not an SQLite file. An empty file is one that nothing was written to yet.
fn check(path: &Path) -> Result<(), String> {
    let mut start = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(SQLITE.len() as u64).read_to_end(&mut start).map_err(|error| error.to_string())?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if start.is_empty() || start == SQLITE { Ok(()) } else { Err("it holds something else".into()) }
}

/// The first sentence of the engine's error. The later ones are advice on how to build dynoxide.
fn first_sentence(error: &DynoxideError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Internal error: ").unwrap_or(&text);
    text.split(". ").next().unwrap_or(text).to_owned()
}

/// Creates the table of the template. If an earlier run was killed after it had created the table, only the time to live is
/// set. Deletes expired items.
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

/// Properties of the template as a request of the embedded engine.
fn request<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Template(error.to_string()))
}
