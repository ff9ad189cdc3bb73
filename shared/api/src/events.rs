//! From an event to a request, and from its response to what is handed over: `lambda_http` on the loop of [`Runtime`].

use std::convert::Infallible;

use lambda_http::{
    Adapter, Body, Context, LambdaEvent, Request, Response, Service, request::LambdaRequest, service_fn,
};
use serde::Serialize;

use crate::{
    runtime::{Invocation, Runtime, RuntimeError, caught},
    uri,
};

/// Answers each event with the response to its request. This is what `lambda_http::run` does, with one step before it, without
/// its tracing span, which our log lines do not show, and without a trace id in the environment.
pub(crate) async fn run<F>(mut runtime: Runtime, respond: impl Fn(Request) -> F) -> Result<(), RuntimeError>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send,
{
    let mut service = Adapter::from(service_fn(respond));
    loop {
        let invocation = runtime.next().await?;
        match caught(answer(&mut service, &invocation)).await {
            Some(Ok(answer)) => runtime.respond(&invocation, answer).await,
            Some(Err(error)) => {
                tracing::error!(category = ?error.classify(), "the event cannot be read");
                runtime.fail(&invocation, "InvalidEvent", "the event cannot be read").await;
            }
            None => runtime.fail(&invocation, "Panic", "the function panicked").await,
        }
    }
}

async fn answer<S>(service: &mut S, invocation: &Invocation) -> serde_json::Result<Vec<u8>>
where
    S: Service<LambdaEvent<LambdaRequest>, Error = Infallible, Response: Serialize>,
{
    let mut request: LambdaRequest = serde_json::from_slice(&invocation.event)?;
    uri::repair(&mut request);
    // Of the context, the functions read the request's id alone.
    let mut context = Context::default();
    context.request_id.clone_from(&invocation.request_id);
    let Ok(response) = service.call(LambdaEvent::new(request, context)).await;
    serde_json::to_vec(&response)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use lambda_http::RequestExt as _;

    use super::*;
    use crate::runtime::tests::{ACCEPTED, GONE, api, event};

    /// What `lambda_http` itself panics of, and what is no event, is an error of the function, and the next event is answered.
    #[tokio::test]
    async fn each_event_has_an_answer_or_an_error_and_the_loop_goes_on() {
        let request = |body: &str, is_base64: bool| {
            event(&format!(
                r#"{{"rawPath": "/p", "requestContext": {{"http": {{"method": "GET"}}}}, "body": "{body}", "isBase64Encoded": {is_base64}}}"#
            ))
        };
        let (no_event, panics, plain) = (event("[1"), request("?", true), request("x", false));
        let (address, answered) = api(&[&[&no_event, ACCEPTED, &panics, ACCEPTED, &plain, ACCEPTED, GONE]]);
        let asked = Mutex::new(Vec::new());
        let ended = run(Runtime::new(&address).unwrap(), |request| {
            asked.lock().unwrap().push((request.uri().path().to_owned(), request.lambda_context().request_id));
            async { Ok(Response::builder().status(418).body(Body::Text("é".to_owned())).unwrap()) }
        })
        .await;
        assert!(matches!(ended, Err(RuntimeError::Refused(_))), "{ended:?}");
        assert_eq!(*asked.lock().unwrap(), [("/p".to_owned(), "r-1".to_owned())]);
        let answers = answered.join().unwrap();
        for (number, end, part) in [
            (1, "/r-1/error", r#""errorType":"InvalidEvent""#),
            (3, "/r-1/error", r#""errorType":"Panic""#),
            (5, "/r-1/response", r#""statusCode":418"#),
        ] {
            let answer = &answers[number];
            assert!(answer.starts_with("POST") && answer.contains(end) && answer.contains(part), "{answer}");
        }
        assert!(answers[5].contains(r#""body":"é""#), "{}", answers[5]);
    }
}
