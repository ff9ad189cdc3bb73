//! The RFID authorizer's own DynamoDB client: one end point, one kept connection, two kinds of request. A BatchGetItem reads
//! what a decision needs, and a BatchWriteItem, after the answer and without conditions, writes what is kept of it.
//!
//! The SDK's client costs more instructions than everything else in the authorizer (`docs/performance.md` has the
//! figures). This one sends signed requests with hyper over rustls. It keeps what a decision needs: a deadline, one retry, the
//! response's checksum, error classes. It has no chain of credential providers, no
//! proxy, no HTTP/2, and no correction of the clock, because Lambda keeps the clock right.
//!
//! What DynamoDB leaves unprocessed (`UnprocessedKeys`, `UnprocessedItems`) is in the answer, for the caller to see to.

mod config;
mod connection;
mod error;
mod sign;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

pub use config::{Config, ConfigError, Keys};
use connection::{Connection, Endpoint, failure, read};
pub use error::Error;
use error::Failure;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use ring::rand::{SecureRandom, SystemRandom};
use sign::Signer;
use tokio::time::{Instant, sleep_until, timeout_at};

/// What [`Client::connect`] may take.
const CONNECT: Duration = Duration::from_secs(1);
/// What the first try may take at most, so that a connection that died unnoticed leaves time for another. It is also
/// never given more than half of what is left.
const FIRST_TRY: Duration = Duration::from_millis(400);
/// How long to leave a throttling table alone: so long and up to twice as long.
const THROTTLE_PAUSE: Duration = Duration::from_millis(25);

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// What can be asked of the table. Sending any of these twice does no more than sending it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads up to 100 items by their keys.
    BatchGetItem,
    /// Writes up to 25 items, each whether there is one at its key or not.
    BatchWriteItem,
}

impl Operation {
    /// The value of the `x-amz-target` header.
    fn target(self) -> &'static str {
        match self {
            Self::BatchGetItem => "DynamoDB_20120810.BatchGetItem",
            Self::BatchWriteItem => "DynamoDB_20120810.BatchWriteItem",
        }
    }
}

/// A client for one end point. It keeps one connection; calls that overlap open more.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    keys: Keys,
    signer: Signer,
    kept: Mutex<Option<Connection>>,
}

impl Client {
    /// A client for the given configuration. Opens nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] names what is wrong with the configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            endpoint: Endpoint::new(&config.url()?, config.ca_bundle.as_deref())?,
            keys: config.keys.printable()?,
            signer: Signer::new(config.region, "dynamodb"),
            kept: Mutex::default(),
        })
    }

    /// Opens the connection before the first call needs it, and proves it with `GET /`, which AWS's end points answer to
    /// anyone ("healthy: …"): it needs no permission and counts as no operation. Takes a second at most.
    ///
    /// # Errors
    /// The table cannot be reached. There is no need to stop for it: the first call tries again.
    pub async fn connect(&self) -> Result<(), Error> {
        let proven = async {
            let mut connection = self.endpoint.connect().await?;
            let health_check = Request::get("/").header(HOST, &self.endpoint.authority).body(Full::default());
            let health_check = health_check.map_err(|_| Failure::of("MalformedRequest"))?;
            read(connection.send_request(health_check).await.map_err(|error| failure(&error))?).await?;
            if connection.ready().await.is_err() {
                // The server closed it after its answer. The way to the server is proven all the same.
                connection = self.endpoint.connect().await?;
            }
            Ok(connection)
        };
        self.keep(in_time(Instant::now() + CONNECT, proven).await.map_err(Failure::into_error)?);
        // Derives the signing key of this day, so that the first call need not.
        self.request(Operation::BatchGetItem, b"{}").map_err(Failure::into_error).map(drop)
    }

    /// Whether a connection is kept for the next call: not before the first call or [`Client::connect`], nor after a call that
    /// was given up. The server may have closed it since, which the next call makes good.
    pub fn is_connected(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Sends `body`, the operation's request in JSON, and returns the body of DynamoDB's answer, its checksum compared.
    /// What takes longer than the deadline, the one retry included, is given up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the table did not answer well in time, [`Error::Rejected`] when it refused the
    /// request or the credentials.
    pub async fn call(&self, operation: Operation, body: &[u8], deadline: Instant) -> Result<Bytes, Error> {
        let now = Instant::now();
        let half = deadline.saturating_duration_since(now) / 2;
        let failure = match self.attempt(operation, body, now + half.min(FIRST_TRY)).await {
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
        self.attempt(operation, body, deadline).await.map_err(Failure::into_error)
    }

    /// The same as [`Client::call`] without the retry, for a caller that decides itself what is sent again.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_once(&self, operation: Operation, body: &[u8], deadline: Instant) -> Result<Bytes, Error> {
        self.attempt(operation, body, deadline).await.map_err(Failure::into_error)
    }

    async fn attempt(&self, operation: Operation, body: &[u8], deadline: Instant) -> Result<Bytes, Failure> {
        let exchange = async {
            let (connection, response) = self.send(operation, body).await?;
            let answer = read(response).await?;
            self.keep(connection);
            Ok(answer)
        };
        match in_time(deadline, exchange).await? {
            (StatusCode::OK, answer) => Ok(answer),
            (status, refusal) => Err(Failure::from_answer(status.as_u16(), &refusal)),
        }
    }

    /// Sends the request on the kept connection or, when that turns out to have been closed, on a new one. Returns the
    /// connection too, to be kept when the answer was read to its end.
    async fn send(&self, operation: Operation, body: &[u8]) -> Result<(Connection, Response<Incoming>), Failure> {
        // The connection is taken out, not borrowed: when the caller gives up half-way, it is dropped together with the answer
        // that is still to come, and the next call cannot take that answer for its own.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut request = self.request(operation, body)?;
        if let Some(mut connection) = kept
            && connection.ready().await.is_ok()
        {
            match connection.send_request(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(error) if error.is_parse() => return Err(failure(&error)),
                // It was closed while the request was on its way.
                Err(_) => request = self.request(operation, body)?,
            }
        }
        let mut connection = self.endpoint.connect().await?;
        let response = connection.send_request(request).await.map_err(|error| failure(&error))?;
        Ok((connection, response))
    }

    /// A request, signed now.
    fn request(&self, operation: Operation, body: &[u8]) -> Result<Request<Full<Bytes>>, Failure> {
        let stamp = sign::stamp(SystemTime::now());
        let mut headers = Vec::with_capacity(5);
        headers.extend([
            (CONTENT_TYPE, "application/x-amz-json-1.0"),
            (HOST, &*self.endpoint.authority),
            (DATE, &*stamp),
        ]);
        headers.extend(self.keys.session_token.as_deref().map(|token| (TOKEN, token)));
        headers.push((TARGET, operation.target()));
        let signed: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let authorization = self.signer.authorization(&self.keys, &stamp, "POST", &signed, body);
        // Its path is `/`, as that of every request that is made so.
        let mut request = Request::new(Full::from(body.to_vec()));
        *request.method_mut() = Method::POST;
        for (name, value) in headers.into_iter().chain([(AUTHORIZATION, &*authorization)]) {
            let value = HeaderValue::from_str(value).map_err(|_| Failure::of("MalformedRequest"))?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn keep(&self, connection: Connection) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }
}

async fn in_time<T>(deadline: Instant, attempt: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout_at(deadline, attempt).await.unwrap_or_else(|_| Err(Failure::of("Timeout")))
}

/// What an answer other than 200 is to the caller: the error that is left when there is no further try. For the fuzz targets.
#[cfg(feature = "fuzzing")]
pub fn refusal(status: u16, body: &[u8]) -> Error {
    Failure::from_answer(status, body).into_error()
}

/// `pause` and up to as much again, so that clients that were throttled together do not all come back together.
fn jitter(pause: Duration) -> Duration {
    let mut random = [0];
    // Without randomness all wait for the same time, which is no reason to fail.
    _ = SystemRandom::new().fill(&mut random);
    pause.mul_f64(1.0 + f64::from(random[0]) / f64::from(u8::MAX))
}
