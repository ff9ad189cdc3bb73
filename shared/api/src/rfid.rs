//! The RFID authorizer: Thor's request in, a decision out. Nothing but a decision of the table authorizes.

use std::{
    fmt,
    hint::black_box,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use domain::{AccessIdType, OcppIdTag};
use futures_util::FutureExt;
use lambda_http::http::{Method, StatusCode};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor},
};
use store::{Credential, Decider, Decision, Io, Scope, Settings};

use crate::{
    error::Error,
    event::{Event, MAX_BODY},
    json, log,
    problems::Problems,
    reply::Reply,
    runtime::Runtime,
    serve::{StartError, function_name, start_logging},
};

/// Runs the authorizer until Lambda ends the process.
///
/// # Errors
/// [`StartError`] when the environment lacks something or the Runtime API is gone.
pub async fn serve_rfid() -> Result<(), StartError> {
    start_logging();
    let decider = Decider::new(&Settings::from_env()?, Io::Blocking)?;
    let runtime = Runtime::from_env()?;
    let function = function_name();
    decider.connect().await;
    rehearse(&decider, &function);
    loop {
        let invocation = runtime.next().await?;
        let began = Instant::now();
        let event: Event = match serde_json::from_slice(&invocation.event) {
            Ok(event) => event,
            // Lambda itself sends no such event.
            Err(error) => {
                tracing::error!(category = ?error.classify(), "the event cannot be read");
                runtime.fail(&invocation, "InvalidEvent", "the event cannot be read").await;
                continue;
            }
        };
        let caller = caller(&event);
        let decision = AssertUnwindSafe(decide(&decider, &event, caller.as_ref())).catch_unwind().await;
        let (reply, outcome) = match decision.unwrap_or(Err(Error::Internal)) {
            Ok(decision) => render(&decision),
            Err(error) => (Reply::error(&error, &invocation.request_id), error.code()),
        };
        let duration = began.elapsed();
        runtime.respond(&invocation, reply.to_json().as_bytes()).await;
        // Nobody waits any more, and Lambda lets the process run until it asks for the next event.
        log::write(&log::Record {
            function: &function,
            request_id: &invocation.request_id,
            organization: caller.as_ref().map(|caller| caller.organization.as_str()),
            outcome,
            status: reply.status().as_u16(),
            duration,
            counts: decider.take_counts(),
        });
    }
}

/// Goes a decision's whole way once, but for the table: what code that brings into memory, the first decision need not wait
/// for.
fn rehearse(decider: &Decider, function: &str) -> Option<String> {
    const EVENT: &str = r#"{
        "version": "2.0", "rawPath": "/rfid_0123456789Ab_0123456789012345678901234567890123456789012",
        "headers": {"content-type": "application/json"}, "requestContext": {"http": {"method": "POST"}},
        "body": "{\"msg\":\"rfid\",\"id\":\"04E1A2B3\",\"chargebox\":\"0\",\"type\":\"start\"}", "isBase64Encoded": false
    }"#;
    let event = serde_json::from_str(EVENT).ok()?;
    let caller = caller(&event)?;
    let (reply, outcome) = render(&decider.rehearse(&caller, &read(&event).ok()??).ok()?);
    log::rehearse(&log::Record {
        function,
        request_id: "",
        organization: Some(caller.organization.as_str()),
        outcome,
        status: reply.status().as_u16(),
        duration: Duration::from_micros(1_500),
        counts: decider.take_counts(),
    });
    Some(black_box(reply.to_json()))
}

/// The secret, from the path or, if that holds none, from `Authorization: Bearer`.
pub(crate) fn caller(event: &Event) -> Option<Credential> {
    let path = event.path().trim_matches('/');
    let parse = |token| Credential::parse(token, Scope::Rfid);
    parse(path).or_else(|| event.bearer().and_then(parse))
}

/// One call of the table, whatever is asked. The secret comes before anything else: while it is checked, the rest of
/// the request is not yet looked at, or, if it is well-formed, already decided.
async fn decide(decider: &Decider, event: &Event, caller: Option<&Credential>) -> Result<Decision, Error> {
    let caller = caller.ok_or(Error::Unauthorized)?;
    let request = read(event);
    let tag = request.as_ref().ok().and_then(Option::as_ref);
    let decision = decider.decide(caller, tag).await?;
    request.map(|_| decision)
}

/// The tag that Thor asks about, `None` if what it sent is no tag.
pub(crate) fn read(event: &Event) -> Result<Option<OcppIdTag>, Error> {
    if event.method() != Method::POST.as_str() {
        return Err(Error::MethodNotAllowed);
    }
    let body = event.body().map_err(|_| Error::PayloadTooLarge(MAX_BODY))?;
    let id = parse(&body).map_err(Error::Invalid)?;
    Ok(OcppIdTag::normalize(&id).ok())
}

/// The `id` of Thor's message, if the message keeps to Thor's schema.
pub(crate) fn parse(body: &[u8]) -> Result<String, Problems> {
    let message: Message = json::parse(body)?;
    let mut problems = Problems::default();
    let mut id = None;
    for (name, value, words) in [
        ("msg", message.msg, ["rfid"].as_slice()),
        ("id", message.id, &[]),
        ("chargebox", message.chargebox, &[]),
        ("type", message.kind, &["authorize", "start"]),
    ] {
        match value {
            None => problems.add(name, "is required"),
            Some(Field::Other) => problems.add(name, "must be a string"),
            Some(Field::Text(text)) if !words.is_empty() && !words.contains(&text.as_str()) => {
                problems.add(name, format!("must be {}", words.join(" or ")));
            }
            Some(Field::Text(text)) if name == "id" => id = Some(text),
            Some(Field::Text(_)) => {}
        }
    }
    problems.or(id)
}

/// Thor's message: other keys are ignored, of a repeated key the last counts.
#[derive(Default)]
struct Message {
    msg: Option<Field>,
    id: Option<Field>,
    chargebox: Option<Field>,
    kind: Option<Field>,
}

enum Field {
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Message;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Message, A::Error> {
                let mut message = Message::default();
                while let Some(key) = object.next_key::<String>()? {
                    let value = Some(object.next_value()?);
                    match key.as_str() {
                        "msg" => message.msg = value,
                        "id" => message.id = value,
                        "chargebox" => message.chargebox = value,
                        "type" => message.kind = value,
                        _ => {}
                    }
                }
                Ok(message)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// Visits every value, ignored ones too: what is no Unicode text anywhere makes the message invalid.
impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_str<E>(self, text: &str) -> Result<Field, E> {
                Ok(Field::Text(text.to_owned()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Field, E> {
                Ok(Field::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Field, E> {
                Ok(Field::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Field, E> {
                Ok(Field::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Field, E> {
                Ok(Field::Other)
            }
            fn visit_unit<E>(self) -> Result<Field, E> {
                Ok(Field::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
                while list.next_element::<Field>()?.is_some() {}
                Ok(Field::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Field, A::Error> {
                while object.next_entry::<Field, Field>()?.is_some() {}
                Ok(Field::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn render(decision: &Decision) -> (Reply, &'static str) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Authorized<'a> {
        authorized: bool,
        access_id: Shown<'a>,
    }
    #[derive(Serialize)]
    struct Shown<'a> {
        id: u64,
        name: &'a str,
        #[serde(rename = "type")]
        kind: AccessIdType,
    }
    #[derive(Serialize)]
    struct Refused {
        authorized: bool,
        reason: &'static str,
    }
    let refused = |reason| (Reply::new(StatusCode::FORBIDDEN, &Refused { authorized: false, reason }), reason);
    match decision {
        Decision::Authorized { id, name, kind } => {
            let access_id = Shown { id: id.get(), name, kind: *kind };
            (Reply::ok(&Authorized { authorized: true, access_id }), "authorized")
        }
        Decision::Unknown => refused("unknown"),
        Decision::Revoked => refused("revoked"),
        Decision::Unreadable => refused("unreadable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rehearsal_goes_all_the_way() {
        let decider = Decider::new(&Settings::local("http://127.0.0.1:1", "table"), Io::Blocking).unwrap();
        assert!(rehearse(&decider, "rfid-authorizer").unwrap().contains("authorized"));
    }
}
