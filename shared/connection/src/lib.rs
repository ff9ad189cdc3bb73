//! Connections to one HTTP/1.1 server, as AWS's end points and the Lambda Runtime API are: kept between two requests,
//! looked at before they are used again, and trusted only as far as TLS proves.
//!
//! It carries whole requests as bytes and reads whole answers. What they say is its users' business: those of the table
//! (`table-client`, and over it the SDK in `store`) and of the Runtime API (`api`). `docs/performance.md` says what it
//! costs, and what a general HTTP client would.

mod blocking;
mod connection;
mod endpoint;
mod tls;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection::TIMEOUT;
#[cfg(any(test, fuzzing))]
pub use connection::fuzzing;
pub use connection::{Connection, Io, Response};
pub use endpoint::{Endpoint, EndpointError};
use tokio::time::{Instant, timeout_at};

/// What [`Connections::connect`] may take.
const CONNECT: Duration = Duration::from_secs(1);

/// Why there is no answer: a word for the log, one of `DnsFailed`, `ConnectFailed`, `TlsFailed`, `ConnectionLost`,
/// `MalformedResponse`, `ChecksumMismatch` and `Timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub &'static str);

/// The way to one server: the connection that waits for its next request, and new ones when it is in use or gone.
#[derive(Debug)]
pub struct Connections {
    endpoint: Endpoint,
    io: Io,
    kept: Mutex<Option<Connection>>,
}

impl Connections {
    /// None yet. With [`Io::Blocking`], a call keeps its thread until it is over.
    pub fn new(endpoint: Endpoint, io: Io) -> Self {
        Self { endpoint, io, kept: Mutex::default() }
    }

    /// Where they lead to: `http[s]://host[:port]`.
    pub fn url(&self) -> String {
        self.endpoint.url()
    }

    /// Where they lead to, as it stands in the `Host` header.
    pub fn authority(&self) -> &str {
        self.endpoint.authority()
    }

    /// Opens one, and proves it with the request that AWS's end points answer to anyone (`GET /`, "healthy: …"): no
    /// operation is counted, no permission needed. Takes a second at most.
    ///
    /// # Errors
    /// The server cannot be reached. There is no need to stop for it: the first request tries again.
    pub async fn connect(&self) -> Result<(), Failure> {
        let deadline = Some(Instant::now() + CONNECT);
        self.keep(in_time(deadline, self.proven(deadline)).await?);
        Ok(())
    }

    async fn proven(&self, deadline: Option<Instant>) -> Result<Connection, Failure> {
        let mut connection = self.open(deadline).await?;
        let health_check = ["GET / HTTP/1.1\r\nhost: ", self.authority(), "\r\n\r\n"].concat();
        connection.exchange(health_check.as_bytes(), deadline).await?;
        if !connection.is_sound() {
            // Closed after the answer to a stranger: the way is proven all the same.
            connection = self.open(deadline).await?;
        }
        Ok(connection)
    }

    /// Sends a request on the kept connection or, when that turns out to have been closed, on a new one. The server must
    /// not mind to be asked the same twice: what has come of a request before the end of its connection, none can tell.
    ///
    /// The answer's connection is the caller's, to [keep](Self::keep) if the answer is good.
    ///
    /// # Errors
    /// The server cannot be reached, its answer not be understood, or the time is up.
    pub async fn exchange(&self, request: &[u8], deadline: Option<Instant>) -> Result<(Connection, Response), Failure> {
        in_time(deadline, async {
            // Taken, not borrowed: whoever gives up half-way drops the connection, and with it all that might still come.
            if let Some(mut connection) = self.take()
                && connection.is_usable().await
            {
                match connection.exchange(request, deadline).await {
                    Ok(response) => return Ok((connection, response)),
                    Err(failure) if failure == TIMEOUT || connection.has_answered() => return Err(failure),
                    Err(_) => {}
                }
            }
            let mut connection = self.open(deadline).await?;
            let response = connection.exchange(request, deadline).await?;
            Ok((connection, response))
        })
        .await
    }

    /// Keeps a connection for another request, if it is good for one.
    pub fn keep(&self, connection: Connection) {
        if connection.is_sound() {
            *self.lock() = Some(connection);
        }
    }

    async fn open(&self, deadline: Option<Instant>) -> Result<Connection, Failure> {
        Connection::open(&self.endpoint, self.io, deadline).await
    }

    fn take(&self) -> Option<Connection> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For what is awaited; what blocks sees to the deadline itself.
async fn in_time<T>(
    deadline: Option<Instant>,
    attempt: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match deadline {
        None => attempt.await,
        Some(deadline) => timeout_at(deadline, attempt).await.unwrap_or(Err(TIMEOUT)),
    }
}
