//! Start-up, and the way of every management request: size, route, credential, input, answer, log line.

use std::{env, panic::AssertUnwindSafe, time::Instant};

use domain::Timestamp;
use futures_util::FutureExt;
use lambda_http::http::{Method, StatusCode};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use store::{Credential, Scope, Settings, SettingsError, Store};

use crate::{error::Error, event::Event, input::Input, json::Problems, log, reply::Reply};

/// Method and path of an endpoint, as API Gateway knows them, and the function that answers it.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name of the function and of its binary.
    pub function: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path, with `{id}` in place of a record's number.
    pub path: &'static str,
}

/// Who asks, when, and the table.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The table.
    pub store: &'a Store,
    /// Who asks. That the credential is valid, the store checks together with what it reads.
    pub caller: &'a Credential,
    /// The one time of this request.
    pub now: Timestamp,
}

/// The function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is not what it must be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The Runtime API does not answer.
    #[error("the Lambda Runtime API: {0}")]
    Runtime(#[from] lambda_runtime::Error),
}

/// Runs an endpoint until Lambda ends the process. `read` looks at the request, `answer` does what it asks for.
///
/// # Errors
/// [`StartError`] when the environment lacks something or the Runtime API is gone.
pub async fn serve<I>(
    route: Route,
    read: fn(&Input) -> Result<I, Problems>,
    answer: impl AsyncFn(Call<'_>, I) -> Result<Reply, Error>,
) -> Result<(), StartError> {
    start_logging();
    let store = &Store::new(&Settings::from_env()?)?;
    store.connect().await;
    let function = &function_name();
    let (route, answer) = (&route, &answer);
    let handler = service_fn(async |request: LambdaEvent<Event>| {
        let began = Instant::now();
        let LambdaEvent { payload: event, context } = request;
        let caller = event.bearer().and_then(|token| Credential::parse(token, Scope::Api));
        let reply = respond(store, route, event, caller.as_ref(), read, answer);
        let (reply, outcome) = match AssertUnwindSafe(reply).catch_unwind().await.unwrap_or(Err(Error::Internal)) {
            Ok(reply) => {
                let outcome = if reply.status() == StatusCode::CREATED { "created" } else { "ok" };
                (reply, outcome)
            }
            Err(error) => (Reply::error(&error, &context.request_id), error.code()),
        };
        log::write(&log::Record {
            function,
            request_id: &context.request_id,
            organization: caller.as_ref().map(|caller| caller.organization.as_str()),
            outcome,
            status: reply.status().as_u16(),
            duration: began.elapsed(),
            counts: store.take_counts(),
        });
        Ok::<_, lambda_runtime::Error>(reply)
    });
    Ok(Runtime::new(handler).run().await?)
}

async fn respond<I>(
    store: &Store,
    Route { method, path, .. }: &Route,
    event: Event,
    caller: Option<&Credential>,
    read: fn(&Input) -> Result<I, Problems>,
    answer: &impl AsyncFn(Call<'_>, I) -> Result<Reply, Error>,
) -> Result<Reply, Error> {
    if !event.is_for(method, path) {
        return Err(Error::NotFound);
    }
    let body = event.body().map_err(|_| Error::PayloadTooLarge)?;
    let caller = caller.ok_or(Error::Unauthorized)?;
    match read(&Input { event, body }) {
        // boxed: the compiler lays out no futures this deep
        Ok(input) => Box::pin(answer(Call { store, caller, now: now() }, input)).await,
        Err(problems) => {
            store.check(caller).await?;
            Err(problems.into())
        }
    }
}

/// The one place where the clock is read.
#[expect(clippy::disallowed_methods, reason = "everything else takes the time as an argument")]
fn now() -> Timestamp {
    chrono::Utc::now()
}

pub(crate) fn function_name() -> String {
    env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default()
}

/// Logs as JSON lines, as Lambda's log format JSON wants them, from the level that `LOG_LEVEL` names.
pub(crate) fn start_logging() {
    let level = env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level.unwrap_or(tracing::Level::WARN))
        .init();
}
