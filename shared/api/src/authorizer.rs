//! The RFID authorizer: Thor's request in, a decision out. It authorizes only what the table says is authorized.
//!
//! Work that nobody waits for is done after the answer has been handed over and before the next event is asked for.

pub(crate) mod answer;
mod event;
mod message;

use std::{
    mem,
    time::{Duration, Instant},
};

use answer::Answer;
use chrono::SubsecRound as _;
use domain::{Asked, Decision, OcppIdTag, Question, Reason, RequestType, Timestamp};
use event::{Event, MAX_BODY};
use message::{Message, parse};
use store::{Credential, Decider, JournalSettings, Known, Scope, Settings};

use crate::{
    edge,
    error::Error,
    log,
    runtime::{Invocation, Runtime, RuntimeError, caught},
    serve::{StartError, function_name, now, start_logging},
};

/// Runs the authorizer until Lambda ends the process.
///
/// # Errors
/// [`StartError`] when the environment lacks something or the Runtime API is gone.
pub async fn serve_rfid() -> Result<(), StartError> {
    start_logging();
    let decider = Decider::new(&Settings::from_env()?, JournalSettings::from_env()?)?;
    let runtime = Runtime::from_env()?;
    decider.connect().await;
    // As a task, because the event loop wakes a task without a system call, and the future of `main` with two.
    let ended = tokio::spawn(run(runtime, decider, function_name())).await;
    ended.map_err(|error| StartError::Runtime(error.into()))?.map_err(StartError::from)
}

async fn run(mut runtime: Runtime, decider: Decider, function: String) -> Result<(), RuntimeError> {
    loop {
        let invocation = runtime.next().await?;
        let began = Instant::now();
        let call = caught(call(&decider, &invocation)).await.unwrap_or_else(|| {
            let answer = Answer::refused(&Error::Internal, &invocation.request_id);
            Some(Call { caller: None, answer, decided: None })
        });
        let Some(mut call) = call else {
            runtime.fail(&invocation, "InvalidEvent", "the event cannot be read").await;
            continue;
        };
        let duration = began.elapsed();
        runtime.respond(&invocation, mem::take(&mut call.answer.json)).await;
        // The caller has its answer, and Lambda lets the process run until it asks for the next event.
        caught(remember(&decider, &invocation, &call)).await;
        caught(async { record(&decider, &function, &invocation, &call, duration) }).await;
    }
}

/// What became of an event.
struct Call {
    /// Who the credential says that the caller is, be it valid or not.
    caller: Option<Credential>,
    answer: Answer,
    /// What was decided, if the credential is valid and the request well-formed.
    decided: Option<Decided>,
}

/// What Thor asks.
struct Request {
    pub message: Message,
    /// The tag, `None` if what Thor sent is none.
    pub tag: Option<OcppIdTag>,
}

/// What a decision was made of. The decision follows from it.
struct Decided {
    request: Request,
    known: Known,
    now: Timestamp,
}

impl Decided {
    fn decision(&self) -> Decision<'_> {
        let Self { request: Request { message, .. }, known, now } = self;
        let question = Question {
            kind: message.kind,
            charge_box: Some(&message.charge_box),
            now: *now,
            start_remembered_until: known.start_remembered_until,
        };
        Decision::on(known.tag.as_ref(), &question)
    }
}

/// From the event to the answer. `None` if the event cannot be read; Lambda itself sends no such event.
async fn call(decider: &Decider, invocation: &Invocation) -> Option<Call> {
    part("read");
    let event = match Event::parse(&invocation.event) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(category = ?error.classify(), "the event cannot be read");
            return None;
        }
    };
    let caller = caller(&event);
    let (answer, decided) = match decide(decider, &event, caller.as_ref()).await {
        Ok(decided) => {
            let decision = decided.decision();
            if decision.refusal() == Some(Reason::Unreadable) {
                tracing::error!("the stored item of a tag cannot be read: refused");
            }
            (Answer::decided(&decision), Some(decided))
        }
        Err(error) => (Answer::refused(&error, &invocation.request_id), None),
    };
    part("render");
    Some(Call { caller, answer, decided })
}

/// The secret, from the path or, if that holds none, from `Authorization: Bearer`.
fn caller(event: &Event<'_>) -> Option<Credential> {
    if !edge::admits(event.edge_secret()) {
        return None;
    }
    let parse = |token| Credential::parse(token, Scope::Rfid);
    parse(event.path().trim_matches('/')).or_else(|| event.bearer().and_then(parse))
}

/// The decision, with one call of the table whatever is asked. A secret that does not hold is answered before anything that is
/// wrong with the request: the same call of the table checks the secret, be the request well-formed or not.
async fn decide(decider: &Decider, event: &Event<'_>, caller: Option<&Credential>) -> Result<Decided, Error> {
    part("decide");
    let caller = caller.ok_or(Error::Unauthorized)?;
    let now = now().trunc_subsecs(3);
    let request = read(event);
    let tag = request.as_ref().ok().and_then(|request| request.tag.as_ref());
    // Whether a start was accepted before matters to `authorize` alone.
    let started_at = request.as_ref().ok().map(|request| &request.message);
    let started_at = started_at.filter(|message| message.kind == RequestType::Authorize);
    let known = decider.look_up(caller, tag, started_at.map(|message| &message.charge_box)).await?;
    Ok(Decided { request: request?, known, now })
}

/// What Thor asks.
fn read(event: &Event<'_>) -> Result<Request, Error> {
    if event.method() != "POST" {
        return Err(Error::MethodNotAllowed);
    }
    let body = event.body().ok_or(Error::PayloadTooLarge(MAX_BODY))?;
    let message = parse(&body).map_err(Error::Invalid)?;
    Ok(Request { tag: OcppIdTag::normalize(&message.id).ok(), message })
}

/// Writes down what was decided, for the journal and for decisions to come.
async fn remember(decider: &Decider, invocation: &Invocation, call: &Call) {
    part("journal");
    let Some((caller, decided)) = call.caller.as_ref().zip(call.decided.as_ref()) else { return };
    let Request { message, tag } = &decided.request;
    let asked = Asked {
        kind: message.kind,
        charge_box: &message.charge_box,
        received_id: &message.id,
        tag: tag.as_ref(),
        request_id: &invocation.request_id,
    };
    decider.remember(&caller.organization, decided.now, &asked, &decided.decision()).await;
}

/// What an event asks: the secret that it shows, and the tag or why the request is refused.
#[cfg(feature = "fuzzing")]
pub type AskedEvent = (Option<Credential>, Result<Option<OcppIdTag>, Error>);

/// What an event asks, `None` if the event cannot be read. For the fuzz targets.
#[cfg(feature = "fuzzing")]
pub fn asked(event: &[u8]) -> Option<AskedEvent> {
    let event = Event::parse(event).ok()?;
    Some((caller(&event), read(&event).map(|request| request.tag)))
}

/// Writes the call's log line.
fn record(decider: &Decider, function: &str, invocation: &Invocation, call: &Call, duration: Duration) {
    part("log");
    log::write(&log::Record {
        function,
        request_id: &invocation.request_id,
        organization: call.caller.as_ref().map(|caller| caller.organization.as_str()),
        outcome: call.answer.outcome,
        status: call.answer.status,
        duration,
        counts: decider.take_counts(),
    });
}

/// Marks a part of a call, for a test that lets it panic there. Does nothing otherwise.
fn part(_name: &str) {
    #[cfg(test)]
    tests::panic_if_chosen(_name);
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::runtime;

    thread_local! {
        static CHOSEN: Cell<&'static str> = const { Cell::new("") };
    }

    pub fn panic_if_chosen(part: &str) {
        assert_ne!(CHOSEN.get(), part, "as the test wants it");
    }

    fn decider() -> Decider {
        Decider::new(&Settings::local("http://127.0.0.1:1", "table"), JournalSettings::default()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_anywhere_in_a_call_is_answered_and_does_not_end_the_process() {
        const EVENT: &str = r#"{"rawPath": "/", "requestContext": {"http": {"method": "POST"}}, "body": "{}"}"#;
        for part in ["read", "decide", "render", "journal", "log"] {
            // Two calls: the second shows that the process lives on. There is no third.
            let (api, answered) = runtime::tests::api(&[
                &[&runtime::tests::event(EVENT), runtime::tests::ACCEPTED],
                &[&runtime::tests::event(EVENT), runtime::tests::ACCEPTED, runtime::tests::GONE],
            ]);
            let decider = decider();
            CHOSEN.set(part);
            let ended = run(Runtime::new(&api).unwrap(), decider, "rfid-authorizer".to_owned()).await;
            CHOSEN.set("");
            assert!(matches!(ended, Err(RuntimeError::Refused(_))), "{ended:?}");
            let answers = answered.join().unwrap();
            // Without a secret it is 401; a panic after that changes nothing.
            let expected =
                if ["journal", "log"].contains(&part) { r#""statusCode":401"# } else { r#""statusCode":500"# };
            for answer in [&answers[1], &answers[3]] {
                assert!(answer.contains("/r-1/response") && answer.contains(expected), "{part}: {answer}");
            }
        }
    }

    /// What happens, in order, on the way from an event to the next: a table and a Runtime API that note it.
    #[tokio::test]
    async fn the_answer_is_out_before_the_journal_is_written_and_the_next_event_waits_for_it() {
        use std::sync::{Arc, Mutex};

        use hyper::{Request as HttpRequest, Response, body::Incoming, server::conn::http1, service::service_fn};
        use hyper_util::rt::TokioIo;

        const SECRET: &str = "rfid_abc123DEF456_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
        let noted = Arc::new(Mutex::new(Vec::<&str>::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = {
            let noted = noted.clone();
            move |request: HttpRequest<Incoming>| {
                let noted = noted.clone();
                async move {
                    let target =
                        request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
                    let what = match (target.as_deref(), request.uri().path().rsplit('/').next()) {
                        (Some("DynamoDB_20120810.BatchGetItem"), _) => "read",
                        (Some("DynamoDB_20120810.BatchWriteItem"), _) => "journal",
                        (_, Some("next")) => "next",
                        (_, Some("response")) => "answer",
                        other => panic!("{other:?}"),
                    };
                    let body = http_body_util::BodyExt::collect(request.into_body()).await.unwrap().to_bytes();
                    let note = |what| {
                        let mut noted = noted.lock().unwrap();
                        noted.push(what);
                        noted.iter().filter(|noted| **noted == "next").count()
                    };
                    let events = note(what);
                    if ["answer", "journal"].contains(&what) {
                        // Time enough for whatever does not wait for the end of it.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        note("done");
                    }
                    let response = Response::builder();
                    let response = match what {
                        "next" if events > 2 => response.status(403).body(String::new()),
                        "next" => response.header("lambda-runtime-aws-request-id", "r").body(
                            serde_json::json!({
                                "rawPath": format!("/{SECRET}"), "requestContext": {"http": {"method": "POST"}},
                                "body": r#"{"msg": "rfid", "id": "x", "chargebox": "y", "type": "authorize"}"#,
                            })
                            .to_string(),
                        ),
                        // The credential is there, and nothing else.
                        "read" => {
                            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                            let mut credential = body["RequestItems"]["table"]["Keys"][0].clone();
                            credential["scope"] = serde_json::json!({"S": "rfid"});
                            response.body(serde_json::json!({"Responses": {"table": [credential]}}).to_string())
                        }
                        _ => response.body("{}".to_owned()),
                    };
                    response.map_err(|error| error.to_string())
                }
            }
        };
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serve = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer.clone()));
                tokio::spawn(async move { drop(serve.await) });
            }
        });
        let settings = Settings::local(&format!("http://{address}"), "table");
        let decider = Decider::new(&settings, JournalSettings::default()).unwrap();
        let ended = run(Runtime::new(&address).unwrap(), decider, String::new()).await;
        server.abort();
        assert!(matches!(ended, Err(RuntimeError::Refused(_))), "{ended:?}");
        let one = ["next", "read", "answer", "done", "journal", "done"];
        assert_eq!(*noted.lock().unwrap(), [&one[..], &one, &["next"]].concat());
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_read_is_an_error_of_the_function() {
        let (api, answered) =
            runtime::tests::api(&[&[&runtime::tests::event("[1"), runtime::tests::ACCEPTED, runtime::tests::GONE]]);
        let decider = decider();
        run(Runtime::new(&api).unwrap(), decider, String::new()).await.unwrap_err();
        let answers = answered.join().unwrap();
        assert!(answers[1].contains("/r-1/error") && answers[1].contains("InvalidEvent"), "{answers:?}");
    }
}
