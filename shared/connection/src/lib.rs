//! Connections to one HTTP/1.1 server, as AWS's end points and the Lambda Runtime API are: kept between two requests,
//! looked at before they are used again, and trusted only as far as TLS proves.
//!
//! It carries whole requests as bytes and reads whole answers. What they say is its users' business: those of the table
//! (`table-client` and the SDK in `store`) and of the Runtime API (`api`). `docs/performance.md` says what it costs, and
//! what a general HTTP client would.

mod connection;
mod endpoint;
mod tls;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[cfg(any(test, fuzzing))]
pub use connection::fuzzing;
pub use connection::{Connection, Response};
pub use endpoint::{Endpoint, EndpointError};
use tokio::time::timeout;

/// What [`Connections::connect`] may take.
const CONNECT: Duration = Duration::from_secs(1);

/// Why there is no answer: a word for the log, one of `DnsFailed`, `ConnectFailed`, `TlsFailed`, `ConnectionLost`,
/// `MalformedResponse`, `ChecksumMismatch` and `Timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub &'static str);

/// The connections to one server that wait for their next request.
#[derive(Debug)]
pub struct Connections {
    endpoint: Endpoint,
    kept: Mutex<Vec<Connection>>,
    most: usize,
}

impl Connections {
    /// None yet. At most so many are kept.
    pub fn new(endpoint: Endpoint, most: usize) -> Self {
        Self { endpoint, kept: Mutex::default(), most }
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
        self.keep(timeout(CONNECT, self.proven()).await.unwrap_or(Err(Failure("Timeout")))?);
        Ok(())
    }

    async fn proven(&self) -> Result<Connection, Failure> {
        let mut connection = Connection::open(&self.endpoint).await?;
        let health_check = ["GET / HTTP/1.1\r\nhost: ", self.authority(), "\r\n\r\n"].concat();
        connection.exchange(health_check.as_bytes()).await?;
        if !connection.is_sound() {
            // Closed after the answer to a stranger: the way is proven all the same.
            connection = Connection::open(&self.endpoint).await?;
        }
        Ok(connection)
    }

    /// Sends a request on a kept connection or, when that turns out to have been closed, on a new one. The server must
    /// not mind to be asked the same twice: what has come of a request before the end of its connection, none can tell.
    ///
    /// The answer's connection is the caller's, to [keep](Self::keep) if the answer is good.
    ///
    /// # Errors
    /// The server cannot be reached, or its answer not be understood.
    pub async fn exchange(&self, request: &[u8]) -> Result<(Connection, Response), Failure> {
        // Taken, not borrowed: whoever gives up half-way drops the connection, and with it all that might still come.
        while let Some(mut connection) = self.take() {
            if !connection.is_usable().await {
                continue;
            }
            match connection.exchange(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(failure) if connection.has_answered() => return Err(failure),
                Err(_) => break,
            }
        }
        let mut connection = Connection::open(&self.endpoint).await?;
        let response = connection.exchange(request).await?;
        Ok((connection, response))
    }

    /// Keeps a connection for another request, if it is good for one.
    pub fn keep(&self, connection: Connection) {
        let mut kept = self.lock();
        if connection.is_sound() && kept.len() < self.most {
            kept.push(connection);
        }
    }

    fn take(&self) -> Option<Connection> {
        self.lock().pop()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
