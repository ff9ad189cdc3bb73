//! Start-up, and the way of every management request: route, size, credential, handler, log line.

use std::{convert::Infallible, env, sync::Arc, time::Instant};

use domain::Timestamp;
use lambda_http::{Body, BoxFuture, Request, RequestExt as _, Response, http::StatusCode};
use store::{Credential, Settings, SettingsError, Store};
use tokio::task::{LocalSet, spawn_local};

use crate::{
    call::Call,
    error::Error,
    events, log, respond,
    route::Route,
    runtime::{Runtime, RuntimeError},
};

/// The function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is not what it must be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The Runtime API does not answer.
    #[error("the Lambda Runtime API: {0}")]
    Runtime(#[from] lambda_http::Error),
}

impl From<RuntimeError> for StartError {
    fn from(error: RuntimeError) -> Self {
        Self::Runtime(error.into())
    }
}

/// Runs an endpoint until Lambda ends the process.
///
/// # Errors
/// [`StartError`] when the environment lacks something or the Runtime API is gone.
pub async fn serve<F>(route: Route, handle: fn(Call) -> F) -> Result<(), StartError>
where
    F: Future<Output = Result<Response<Body>, Error>> + 'static,
{
    start_logging();
    let store = Arc::new(Store::new(&Settings::from_env()?)?);
    let runtime = Runtime::from_env()?;
    store.connect().await;
    let requests = requests(store, route, function_name(), handle);
    Ok(LocalSet::new().run_until(events::run(runtime, requests)).await?)
}

/// Answers each request, whatever becomes of it, and writes its log line. Must be called inside a [`LocalSet`].
fn requests<F>(
    store: Arc<Store>,
    route: Route,
    function: String,
    handle: fn(Call) -> F,
) -> impl Fn(Request) -> BoxFuture<'static, Result<Response<Body>, Infallible>>
where
    F: Future<Output = Result<Response<Body>, Error>> + 'static,
{
    let (route, function) = (Arc::new(route), Arc::<str>::from(function));
    move |request| {
        let began = Instant::now();
        let (store, function) = (store.clone(), function.clone());
        let context = request.lambda_context();
        let caller = route.credential(&request);
        let organization = caller.as_ref().map(|caller| caller.organization.clone());
        // As a task of its own, a request that panics ends with an error here, and the process lives. The task stays on this
        // thread, because the store's futures cannot be shown to be `Send`, which `lambda_http` asks for.
        let answer = spawn_local(answer(store.clone(), route.clone(), caller, request, handle));
        Box::pin(async move {
            let (response, outcome) = match answer.await.unwrap_or(Err(Error::Internal)) {
                Ok(response) if response.status() == StatusCode::CREATED => (response, "created"),
                Ok(response) => (response, "ok"),
                Err(error) => (respond::error(&error, &context.request_id), error.code()),
            };
            log::write(&log::Record {
                function: &function,
                request_id: &context.request_id,
                organization: organization.as_ref().map(|organization| organization.as_str()),
                outcome,
                status: response.status().as_u16(),
                duration: began.elapsed(),
                counts: store.take_counts(),
            });
            Ok(response)
        })
    }
}

async fn answer<F>(
    store: Arc<Store>,
    route: Arc<Route>,
    caller: Option<Credential>,
    request: Request,
    handle: fn(Call) -> F,
) -> Result<Response<Body>, Error>
where
    F: Future<Output = Result<Response<Body>, Error>>,
{
    if !route.is_of(&request) {
        return Err(Error::NotFound);
    }
    if request.body().len() > route.body_limit {
        return Err(Error::PayloadTooLarge(route.body_limit));
    }
    let caller = caller.ok_or(Error::Unauthorized)?;
    // boxed, because the compiler lays out no futures this deep
    Box::pin(handle(Call { store, caller, now: now(), operation: route.operation(), request })).await
}

/// The one place where the clock is read.
#[expect(clippy::disallowed_methods, reason = "everything else takes the time as an argument")]
pub(crate) fn now() -> Timestamp {
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

#[cfg(test)]
mod tests {
    use lambda_http::{Context, http::Method};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_and_the_process_lives() {
        let store = Arc::new(Store::new(&Settings::local("http://127.0.0.1:1", "table")).unwrap());
        let route = Route::new("function", Method::GET, "/path").with_body_limit(3);
        let requests = requests(store, route, "function".to_owned(), |_| async { panic!("on purpose") });
        let send = |body: &str| {
            let event = json!({
                "rawPath": "/path", "requestContext": {"http": {"method": "GET"}}, "body": body,
                "headers": {"authorization": format!("Bearer api_abc123DEF456_{}", "a".repeat(43))},
            });
            let mut context = Context::default();
            context.request_id = "r".to_owned();
            requests(lambda_http::request::from_str(&event.to_string()).unwrap().with_lambda_context(context))
        };
        let local = LocalSet::new();
        for (body, status, code) in
            [("", 500, "internal_error"), ("1234", 413, "payload_too_large"), ("123", 500, "internal_error")]
        {
            let response = local.run_until(async { send(body).await }).await.unwrap();
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(
                (response.status().as_u16(), &body["code"], &body["requestId"]),
                (status, &json!(code), &json!("r"))
            );
        }
    }
}
