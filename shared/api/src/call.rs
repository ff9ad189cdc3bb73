//! A request as an endpoint's handler sees it.

use std::sync::Arc;

use domain::{Id, InvalidId, Timestamp};
use lambda_http::{Request, RequestExt as _};
use store::{Credential, Idempotency, Origin, Store};

use crate::{error::Error, problems::Problems, query::Query};

/// A request whose route and size are right and whose credential is well-formed. Whether the credential is valid, the
/// store finds out together with what it reads.
#[derive(Debug)]
pub struct Call {
    /// The table.
    pub store: Arc<Store>,
    /// Who asks.
    pub caller: Credential,
    /// The one time of this request.
    pub now: Timestamp,
    /// The operation's name in the API's document.
    pub(crate) operation: String,
    pub(crate) request: Request,
}

/// A part of a request as it was read: a value, or what is wrong with it. Only [`Call::accept`] opens it, because nobody
/// may learn what is wrong without a valid credential.
#[derive(Debug)]
#[must_use]
pub struct Read<T> {
    value: Result<T, Problems>,
    /// Whether the query is a part of it, which was then read whole.
    is_of_query: bool,
}

impl<T> Read<T> {
    fn of(value: Result<T, Problems>) -> Self {
        Self { value, is_of_query: false }
    }

    /// This part and another one. What is wrong with either is told at once.
    pub fn and<U>(self, other: Read<U>) -> Read<(T, U)> {
        let value = match (self.value, other.value) {
            (Ok(this), Ok(other)) => Ok((this, other)),
            (Err(mut these), Err(others)) => {
                these.0.extend(others.0);
                Err(these)
            }
            (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
        };
        Read { value, is_of_query: self.is_of_query || other.is_of_query }
    }
}

impl Call {
    /// The value that was read of the request. Every handler asks for it once, before anything else. If the query is no part
    /// of it, the endpoint has no query parameters, and all that are given are refused here.
    ///
    /// # Errors
    /// [`Error::Invalid`] if something is wrong with it, and the credential is valid; else what the store says of the
    /// credential.
    pub async fn accept<T>(&self, read: Read<T>) -> Result<T, Error> {
        let read = if read.is_of_query { read.and(Read::of(Ok(()))) } else { read.and(self.query(|_| ())) };
        match read.value {
            Ok((value, ())) => Ok(value),
            Err(problems) => {
                self.store.check(&self.caller).await?;
                Err(Error::Invalid(problems))
            }
        }
    }

    /// What the history says of a change besides what was changed.
    pub fn origin(&self) -> Origin<'_> {
        let request_id = self.request.lambda_context_ref().map_or("", |context| &context.request_id);
        Origin { caller: &self.caller, request_id, operation: &self.operation, now: self.now }
    }

    /// The `{id}` of the path: a positive integer of at most 2^53 − 1 in its canonical form.
    pub fn id(&self) -> Read<Id> {
        let parameters = self.request.path_parameters_ref();
        // `cargo lambda watch` gives no parameters. Every path with an id begins `/api/<kind>/{id}`.
        let segment = || self.request.raw_http_path().split('/').nth(3).unwrap_or_default();
        let id = parameters.and_then(|parameters| parameters.first("id")).unwrap_or_else(segment);
        Read::of(id.parse().map_err(|invalid: InvalidId| Problems::one("id", invalid.to_string())))
    }

    /// The query string as `read` reads it, which names each parameter of the endpoint by asking for it. All others are
    /// refused, because a filter that is misspelt must not return everything.
    pub fn query<T>(&self, read: impl FnOnce(&mut Query) -> T) -> Read<T> {
        let query = self.request.uri().query().unwrap_or_default();
        Read { value: Query::read(query, read), is_of_query: true }
    }

    /// The body as `parse` reads it.
    pub fn body<T>(&self, parse: impl FnOnce(&[u8]) -> Result<T, Problems>) -> Read<T> {
        Read::of(parse(self.request.body()))
    }

    /// The `Idempotency-Key`, if there is one: 1 to 255 printable ASCII characters. The store keeps it with the body's hash.
    pub fn idempotency(&self) -> Read<Option<Idempotency>> {
        let Some(key) = self.request.headers().get("idempotency-key") else { return Read::of(Ok(None)) };
        let is_printable = key.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte));
        Read::of(match key.to_str() {
            Ok(key) if (1..=255).contains(&key.len()) && is_printable => {
                Ok(Some(Idempotency::new(key.to_owned(), self.request.body())))
            }
            _ => Err(Problems::one("Idempotency-Key", "must be 1 to 255 printable ASCII characters")),
        })
    }
}
