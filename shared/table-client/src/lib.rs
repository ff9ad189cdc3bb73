//! The table, for the one function that must answer at once: a DynamoDB client that can do `BatchGetItem` and nothing
//! else; and the [`Transport`] below it, which the SDK of the other functions uses too.
//!
//! The SDK's client costs more than all the rest of the RFID authorizer together (the figures are in
//! `docs/performance.md`). This one keeps what matters of it: SigV4, TLS that is checked, a deadline, one retry, the
//! response's checksum, error classes. It leaves out what a Lambda function does not need: no chain of credential
//! providers (the environment is read at each use), no proxy, no correction of the clock (Lambda keeps it; a request
//! that is refused for its date is [`Error::Rejected`]), no HTTP/2.
//!
//! What was left unprocessed in an answer (`UnprocessedKeys`) is for the caller to see to.

mod config;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod sign;
mod transport;

use std::time::Duration;

pub use config::{Config, ConfigError, Credentials, Keys};
pub use connection::Io;
pub use error::Error;
use error::Failure;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{Instant, sleep_until};
pub use transport::Transport;

/// What the first try may take at most, so that a connection that died unnoticed leaves time for another. It is also
/// never given more than half of what is left.
const FIRST_TRY: Duration = Duration::from_millis(400);
/// How long to leave a throttling table alone: so long and up to twice as long.
const THROTTLE_PAUSE: Duration = Duration::from_millis(25);

const TARGET: &str = "DynamoDB_20120810.BatchGetItem";

/// A client for one endpoint. It keeps one connection; calls that overlap open more.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client for the given configuration. Opens nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] names what is wrong with the configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self { transport: Transport::new(config)? })
    }

    /// Opens the connection and proves it, without an operation of the table. Takes a second at most.
    ///
    /// # Errors
    /// That the table cannot be reached. There is no need to stop for it: the first call tries again.
    pub async fn connect(&self) -> Result<(), Error> {
        self.transport.connections.connect().await.map_err(|failure| Failure::from(failure).into_error())?;
        // Derives the day's key, and brings the code of the first call into memory.
        self.transport.request(TARGET, b"{}", []).map(drop)
    }

    /// Sends `body`, a `BatchGetItem` request in JSON, and returns the answer's body, its checksum checked. What takes
    /// longer than the deadline, the one retry included, is given up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the table did not answer well in time, [`Error::Rejected`] when it refused the
    /// request or the credentials.
    pub async fn batch_get_item(&self, body: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        let now = Instant::now();
        let half = deadline.saturating_duration_since(now) / 2;
        let failure = match self.attempt(body, now + half.min(FIRST_TRY)).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let pause = match failure {
            Failure::Rejected(_) => return Err(failure.into_error()),
            Failure::Throttled(_) => jitter(THROTTLE_PAUSE),
            Failure::Unavailable(_) => Duration::ZERO,
        };
        let again = Instant::now() + pause;
        if again >= deadline {
            return Err(failure.into_error());
        }
        sleep_until(again).await;
        self.attempt(body, deadline).await.map_err(Failure::into_error)
    }

    async fn attempt(&self, body: &[u8], deadline: Instant) -> Result<Vec<u8>, Failure> {
        let Transport { connections, .. } = &self.transport;
        let request = self.transport.request(TARGET, body, []).map_err(Failure::from)?;
        let (connection, response) = connections.exchange(&request, Some(deadline)).await?;
        response.check()?;
        connections.keep(connection);
        match response.status {
            200 => Ok(response.body),
            status => Err(Failure::from_answer(status, &response.body)),
        }
    }
}

/// `pause`, and up to as much again: those who were told to come later shall not all come at once.
fn jitter(pause: Duration) -> Duration {
    let mut random = [0];
    // Without randomness everybody waits for the same time, which is no reason to fail.
    _ = SystemRandom::new().fill(&mut random);
    pause.mul_f64(1.0 + f64::from(random[0]) / f64::from(u8::MAX))
}
