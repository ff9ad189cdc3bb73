//! Start-up and requests of a function that is open to everybody: without a table, a credential and a store.

use std::time::Instant;

use lambda_http::{Body, Request, RequestExt as _, Response};

use crate::{
    error::Error,
    events, log, respond,
    runtime::Runtime,
    serve::{StartError, function_name, start_logging},
};

/// Answers requests with `answer` until Lambda ends the process. Each has its log line, as those of the API have.
///
/// # Errors
/// [`StartError`] when the Runtime API is gone.
pub async fn serve_public(answer: fn(&Request) -> Result<Response<Body>, Error>) -> Result<(), StartError> {
    start_logging();
    let function = function_name();
    let requests = |request: Request| {
        let response = respond(&function, &request, answer);
        async move { Ok(response) }
    };
    Ok(events::run(Runtime::from_env()?, requests).await?)
}

fn respond(function: &str, request: &Request, answer: fn(&Request) -> Result<Response<Body>, Error>) -> Response<Body> {
    let began = Instant::now();
    let context = request.lambda_context();
    let (response, outcome) = match answer(request) {
        Ok(response) => (response, "ok"),
        Err(error) => (respond::error(&error, &context.request_id), error.code()),
    };
    log::write(&log::Record {
        function,
        request_id: &context.request_id,
        organization: None,
        outcome,
        status: response.status().as_u16(),
        duration: began.elapsed(),
        counts: store::Counts { conflicts: 0, failures: 0, journal_lost: 0 },
    });
    response
}
