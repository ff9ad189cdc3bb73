//! What the fuzzer asks of this crate: see `testing/fuzz`.

use std::collections::{BTreeSet, HashSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    AccessIdType, Customer, Id, MAX_ACCESS_IDS_PER_REQUEST, NewAccessId, NewVehicle, OcppIdTag, Patch, UpdateAccessId,
    UpdateVehicle, VehicleChange, VehicleLink,
};
use lambda_http::{Request, RequestExt as _, http::Method};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Credential, Scope};

use crate::{
    access_ids,
    error::Error,
    filters,
    event::Event,
    json::{self, Json},
    problems::Problems,
    query::Query,
    respond, rfid,
    route::Route,
    uri, vehicles,
};

use Kind::{Number, Object, Objects, Text};
use Presence::{NotNull, Optional, Required};

/// Any JSON as an event of the authorizer. What can be read of it is read without fail, and says the same when nulls are
/// left out.
pub fn event(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
    if let Ok(mut whole) = serde_json::from_slice::<Value>(data) {
        leave_nulls_out(&mut whole);
        let Ok(again) = serde_json::from_value::<Event>(whole) else { panic!("needs nulls") };
        assert_eq!(format!("{again:?}"), format!("{event:?}"));
    }
    if event.bearer().and_then(|token| Credential::parse(token, Scope::Rfid)).is_some() {
        assert!(rfid::caller(&event).is_some());
    }
    if let Some(credential) = rfid::caller(&event) {
        assert_eq!(credential.scope, Scope::Rfid);
    }
    match rfid::read(&event) {
        Ok(_) => assert_eq!(event.method(), "POST"),
        Err(Error::MethodNotAllowed) => assert_ne!(event.method(), "POST"),
        Err(Error::PayloadTooLarge(_)) => assert!(event.body().is_err()),
        Err(Error::Invalid(problems)) => drop(check_refusal(&problems)),
        Err(error) => panic!("{error:?}"),
    }
}

fn leave_nulls_out(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.retain(|_, value| !value.is_null());
    fields.values_mut().for_each(leave_nulls_out);
}

/// A request as a client may write it, in lines: method, path, query, `Authorization`, `Idempotency-Key`, and the body
/// after them. Whatever it is that a gateway lets through, `lambda_http` makes a request of it that says what the client
/// wrote.
pub fn request(data: &[u8]) {
    let mut lines = data.splitn(6, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, path, query, authorization, key) = (line(), format!("/{}", line()), line(), line(), line());
    let body = lines.next().unwrap_or_default();
    let (text, is_encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let mut event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query,
        "headers": { "authorization": authorization, "idempotency-key": key, "host": authorization },
        "requestContext": { "routeKey": "$default", "http": { "method": method } },
        "body": text, "isBase64Encoded": is_encoded,
    });
    let read = |event: &Value| {
        let mut event = serde_json::from_value(event.clone()).ok()?;
        uri::repair(&mut event);
        Some(Request::from(event))
    };
    // no method, or a control character in a header: no client can send that
    let Some(by_path) = read(&event) else { return };
    assert_eq!((by_path.raw_http_path(), &**by_path.body()), (&*path, body));
    assert_eq!(by_path.headers()["idempotency-key"].as_bytes(), key.as_bytes());
    let queried = by_path.uri().query().unwrap_or_default();
    assert!(form_urlencoded::parse(queried.as_bytes()).eq(form_urlencoded::parse(query.as_bytes())));
    if let Err(problems) = Query::read(queried, filters::access_ids) {
        check_refusal(&problems);
    }

    // At most one endpoint answers, and the gateway's route says the same as the path.
    let segments: Vec<_> = path.split('/').collect();
    let expected = match (&*method, segments.as_slice()) {
        ("GET" | "POST", ["", "api", list @ ("access-ids" | "vehicles")]) => Some(format!("/api/{list}")),
        ("GET" | "PATCH", ["", "api", list @ ("access-ids" | "vehicles"), id]) if !id.is_empty() => {
            Some(format!("/api/{list}/{{id}}"))
        }
        _ => None,
    };
    let routes = [
        (Method::GET, "/api/access-ids"),
        (Method::POST, "/api/access-ids"),
        (Method::GET, "/api/access-ids/{id}"),
        (Method::PATCH, "/api/access-ids/{id}"),
        (Method::GET, "/api/vehicles"),
        (Method::POST, "/api/vehicles"),
        (Method::GET, "/api/vehicles/{id}"),
        (Method::PATCH, "/api/vehicles/{id}"),
    ];
    let routes = routes.map(|(method, path)| Route::new("", method, path));
    if let Some(credential) = routes[0].credential(&by_path) {
        assert_eq!(credential.scope, Scope::Api);
    }
    let of = |request: &Request| {
        let matching = routes.iter().filter(|route| route.is_of(request));
        matching.map(|route| (route.method.to_string(), route.path.to_owned())).collect::<Vec<_>>()
    };
    let expected = expected.map(|path| (method.clone(), path));
    assert_eq!(of(&by_path), expected.iter().cloned().collect::<Vec<_>>());
    if let Some((method, route)) = expected {
        event["requestContext"]["routeKey"] = format!("{method} {route}").into();
        event["rawPath"] = format!("/stage{path}").into();
        assert_eq!(read(&event).map(|request| of(&request)), Some(vec![(method, route)]));
    }
}

/// Thor's message as `serde_json` reads it, which lets the last of repeated keys count too.
pub fn rfid_body(data: &[u8]) {
    let read = rfid::parse(data);
    let whole: Option<Value> = serde_json::from_slice(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)).ok();
    let expected: BTreeSet<&str> = match whole.as_ref().and_then(Value::as_object) {
        None => [""].into(),
        Some(message) => {
            let keeps = |name: &str| match (name, message.get(name).and_then(Value::as_str)) {
                (_, None) => false,
                ("msg", Some(word)) => word == "rfid",
                ("type", Some(word)) => word == "authorize" || word == "start",
                _ => true,
            };
            ["msg", "id", "chargebox", "type"].into_iter().filter(|name| !keeps(name)).collect()
        }
    };
    match read {
        Err(problems) => {
            check_refusal(&problems);
            assert_eq!(fields(&problems), expected.into_iter().map(str::to_owned).collect());
        }
        Ok(Message { id, charge_box, kind }) => {
            assert!(expected.is_empty());
            let text = |name: &str| whole.as_ref().and_then(|message| message[name].as_str());
            assert_eq!((text("id"), text("chargebox")), (Some(&*id), Some(charge_box.as_str())));
            assert_eq!(text("type"), Some(kind.into()));
        }
    }
}

/// The body of a new access ID.
pub fn new_access_id(data: &[u8]) {
    const FIELDS: &[Field] = &[
        Field("type", Required, Text(|text| text == "RFID" || text == "Vehicle")),
        Field("name", Required, NAME),
        Field("ocppIdTag", Required, TAG),
        Field("authorizationStatus", NotNull, STATUS),
        Field("vehicle", Optional, Object(DETAILS)),
        Field("vehicleId", Optional, Number),
        Field("customer", Optional, CUSTOMER),
    ];
    let (mut expected, record) = wrong_fields(data, "accessId", FIELDS);
    let has = |name| field(&record, name).is_some_and(|value| *value != Json::Null);
    let is_rfid = field(&record, "type") == Some(&Json::String("RFID".to_owned()));
    if is_rfid && has("vehicle") {
        expected.insert("accessId.vehicle".to_owned());
    }
    if has("vehicleId") && (is_rfid || has("vehicle")) {
        expected.insert("accessId.vehicleId".to_owned());
    }
    check_body(data, access_ids::parse_new, &expected, "accessId", |new: &NewAccessId, document| {
        assert!(new.kind == AccessIdType::Vehicle || new.vehicle == VehicleLink::None);
        document["type"] = json!(new.kind);
        document["name"] = new.name.as_str().into();
        document["ocppIdTag"] = new.tag.as_str().into();
        document["authorizationStatus"] = json!(new.status);
        document["customer"] = new.customer.as_ref().map(named).into();
        match &new.vehicle {
            VehicleLink::None => {}
            VehicleLink::Existing(id) => document["vehicleId"] = id.get().into(),
            VehicleLink::New(details) => {
                let vehicle = &mut document["vehicle"];
                vehicle["make"] = details.make.as_ref().map(text).into();
                vehicle["model"] = details.model.as_ref().map(text).into();
                vehicle["vin"] = details.vin.as_ref().map(text).into();
            }
        }
    });
}

/// The body of an update of an access ID.
pub fn access_id_update(data: &[u8]) {
    const FIELDS: &[Field] = &[
        Field("name", NotNull, NAME),
        Field("authorizationStatus", NotNull, STATUS),
        Field("vehicle", Optional, Object(DETAILS)),
        Field("customer", Optional, CUSTOMER),
    ];
    let (expected, _) = wrong_fields(data, "accessId", FIELDS);
    check_body(data, access_ids::parse_update, &expected, "accessId", |update: &UpdateAccessId, document| {
        if let Some(name) = &update.name {
            document["name"] = name.as_str().into();
        }
        if let Some(status) = update.status {
            document["authorizationStatus"] = json!(status);
        }
        put(document, "customer", &update.customer, named);
        match &update.vehicle {
            VehicleChange::Keep => {}
            VehicleChange::Clear | VehicleChange::Unlink => document["vehicle"] = Value::Null,
            VehicleChange::Link(id) => document["vehicleId"] = id.get().into(),
            VehicleChange::Change { make, model, vin } => {
                document["vehicle"] = json!({});
                put(&mut document["vehicle"], "make", make, text);
                put(&mut document["vehicle"], "model", model, text);
                put(&mut document["vehicle"], "vin", vin, text);
            }
        }
    });
}

/// The body of a new vehicle.
pub fn new_vehicle(data: &[u8]) {
    const FIELDS: &[Field] = &[
        Field("name", Required, NAME),
        Field("make", Optional, MAKE),
        Field("model", Optional, MAKE),
        Field("vin", Optional, VIN),
        Field("licensePlate", Optional, VIN),
        Field("customer", Optional, CUSTOMER),
        Field("accessIds", Optional, Objects(ACCESS_ID)),
    ];
    const ACCESS_ID: &[Field] = &[Field("ocppIdTag", Required, TAG), Field("authorizationStatus", NotNull, STATUS)];
    let (mut expected, record) = wrong_fields(data, "vehicle", FIELDS);
    if let Some(Json::Array(access_ids)) = field(&record, "accessIds")
        && access_ids.len() <= MAX_ACCESS_IDS_PER_REQUEST
    {
        let mut seen = HashSet::new();
        for (at, access_id) in access_ids.iter().enumerate() {
            let Json::Object(access_id) = access_id else { continue };
            let Some(Json::String(tag)) = field(access_id, "ocppIdTag") else { continue };
            if OcppIdTag::normalize(tag).is_ok_and(|tag| !seen.insert(tag)) {
                expected.insert(format!("vehicle.accessIds[{at}].ocppIdTag"));
            }
        }
    }
    check_body(data, vehicles::parse_new, &expected, "vehicle", |new: &NewVehicle, document| {
        document["name"] = new.name.as_str().into();
        document["make"] = new.make.as_ref().map(text).into();
        document["model"] = new.model.as_ref().map(text).into();
        document["vin"] = new.vin.as_ref().map(text).into();
        document["licensePlate"] = new.license_plate.as_ref().map(text).into();
        document["customer"] = new.customer.as_ref().map(named).into();
        let access_ids = new.tags.iter().map(|requested| {
            let mut access_id = json!({ "ocppIdTag": requested.tag.as_str() });
            if let Some(status) = requested.status {
                access_id["authorizationStatus"] = json!(status);
            }
            access_id
        });
        document["accessIds"] = access_ids.collect();
    });
}

/// The body of an update of a vehicle.
pub fn vehicle_update(data: &[u8]) {
    const FIELDS: &[Field] = &[
        Field("name", NotNull, NAME),
        Field("make", Optional, MAKE),
        Field("model", Optional, MAKE),
        Field("vin", Optional, VIN),
        Field("licensePlate", Optional, VIN),
        Field("customer", Optional, CUSTOMER),
    ];
    let (expected, _) = wrong_fields(data, "vehicle", FIELDS);
    check_body(data, vehicles::parse_update, &expected, "vehicle", |update: &UpdateVehicle, document| {
        if let Some(name) = &update.name {
            document["name"] = name.as_str().into();
        }
        put(document, "make", &update.make, text);
        put(document, "model", &update.model, text);
        put(document, "vin", &update.vin, text);
        put(document, "licensePlate", &update.license_plate, text);
        put(document, "customer", &update.customer, named);
    });
}

/// The contract's rules for bodies once more, as tables: a field's name, whether it may be left out or null, its value.
struct Field(&'static str, Presence, Kind);

#[derive(PartialEq)]
enum Presence {
    Required,
    NotNull,
    Optional,
}

enum Kind {
    Text(fn(&str) -> bool),
    Number,
    Object(&'static [Field]),
    Objects(&'static [Field]),
}

const NAME: Kind = Text(|text| domain::Name::new(text).is_ok());
const MAKE: Kind = Text(|text| domain::Make::new(text).is_ok());
const VIN: Kind = Text(|text| domain::Vin::new(text).is_ok());
const TAG: Kind = Text(|text| OcppIdTag::normalize(text).is_ok());
const STATUS: Kind = Text(|text| text == "Authorized" || text == "Revoked");
const CUSTOMER: Kind = Object(&[Field("name", Required, NAME)]);
const DETAILS: &[Field] = &[Field("make", Optional, MAKE), Field("model", Optional, MAKE), Field("vin", Optional, VIN)];

/// The paths of all fields of a body that break a rule of the tables, and the fields of its record.
fn wrong_fields(body: &[u8], root: &'static str, rules: &'static [Field]) -> (BTreeSet<String>, Vec<(String, Json)>) {
    let Ok(Json::Object(body)) = json::parse(body) else { return ([String::new()].into(), Vec::new()) };
    let mut wrong = BTreeSet::new();
    check_fields(&body, "", &[Field(root, Required, Object(rules))], &mut wrong);
    let record = body.into_iter().find(|(name, _)| name == root);
    match record {
        Some((_, Json::Object(record))) => (wrong, record),
        _ => (wrong, Vec::new()),
    }
}

fn check_fields(fields: &[(String, Json)], path: &str, rules: &[Field], wrong: &mut BTreeSet<String>) {
    let mut seen = HashSet::new();
    for (name, _) in fields {
        if !seen.insert(name) || rules.iter().all(|rule| rule.0 != name) {
            wrong.insert(join(path, name));
        }
    }
    for Field(name, presence, kind) in rules {
        let path = join(path, name);
        let is_right = match (field(fields, name), kind) {
            (None, _) => *presence != Required,
            (Some(Json::Null), _) => *presence == Optional,
            (Some(Json::String(text)), Text(is_right)) => is_right(text),
            (Some(Json::Number(Some(number))), Number) => (1..=Id::MAX).contains(number),
            (Some(Json::Object(fields)), Object(rules)) => {
                check_fields(fields, &path, rules, wrong);
                true
            }
            (Some(Json::Array(elements)), Objects(rules)) if elements.len() <= MAX_ACCESS_IDS_PER_REQUEST => {
                for (at, element) in elements.iter().enumerate() {
                    let path = format!("{path}[{at}]");
                    match element {
                        Json::Object(fields) => check_fields(fields, &path, rules, wrong),
                        _ => drop(wrong.insert(path)),
                    }
                }
                true
            }
            _ => false,
        };
        if !is_right {
            wrong.insert(path);
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Of a repeated field the first.
fn field<'j>(fields: &'j [(String, Json)], name: &str) -> Option<&'j Json> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

/// A body is refused for exactly the fields that break a rule; what is accepted reads the same when it is written
/// again, and is refused with one field more.
fn check_body<T: PartialEq + std::fmt::Debug>(
    body: &[u8],
    parse: fn(&[u8]) -> Result<T, Problems>,
    expected: &BTreeSet<String>,
    root: &str,
    write: impl Fn(&T, &mut Value),
) {
    match parse(body) {
        Err(problems) => {
            assert_eq!(fields(&problems), *expected);
            // 64 KiB make no answer above the 6 MB that Lambda takes
            assert!(check_refusal(&problems) <= 32 * body.len() + 16 * 1024);
        }
        Ok(value) => {
            assert_eq!(*expected, BTreeSet::new());
            let mut document = json!({ root: {} });
            write(&value, &mut document[root]);
            assert_eq!(parse(format!("\u{feff}{document:#}").as_bytes()).as_ref(), Ok(&value));
            document[root]["misspelt"] = true.into();
            let refusal = parse(document.to_string().as_bytes()).err();
            assert_eq!(refusal.as_ref().map(fields), Some([format!("{root}.misspelt")].into()));
        }
    }
}

/// A refusal names what is wrong, and the answer that is made of it is whole. Its length in bytes.
fn check_refusal(problems: &Problems) -> usize {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Body<'a> {
        error: String,
        code: &'a str,
        request_id: &'a str,
        details: Vec<Detail>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Detail {
        field: String,
        message: String,
    }
    assert!(!problems.0.is_empty() && problems.0.iter().all(|problem| !problem.message.is_empty()));
    let response = respond::error(&Error::Invalid(problems.clone()), "r");
    let Ok(body) = serde_json::from_slice::<Body<'_>>(response.body()) else { panic!("{response:?}") };
    assert_eq!((response.status().as_u16(), body.code, body.request_id), (400, "invalid_request", "r"));
    assert!(body.error.starts_with("The request is invalid: "));
    let details = body.details.iter().map(|detail| (&detail.field, &detail.message));
    assert!(details.eq(problems.0.iter().map(|problem| (&problem.field, &problem.message))));
    response.body().len()
}

fn fields(problems: &Problems) -> BTreeSet<String> {
    problems.0.iter().map(|problem| problem.field.clone()).collect()
}

fn text<const MAX: usize>(text: &domain::Text<MAX>) -> Value {
    text.as_str().into()
}

fn named(customer: &Customer) -> Value {
    json!({ "name": customer.name() })
}

fn put<T>(document: &mut Value, name: &str, patch: &Patch<T>, show: impl FnOnce(&T) -> Value) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => document[name] = Value::Null,
        Patch::Set(value) => document[name] = show(value),
    }
}

#[cfg(test)]
#[path = "../../../testing/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn seeds() {
    replay::replay("event", event);
    replay::replay("request", request);
    replay::replay("rfid-body", rfid_body);
    replay::replay("new-access-id", new_access_id);
    replay::replay("access-id-update", access_id_update);
    replay::replay("new-vehicle", new_vehicle);
    replay::replay("vehicle-update", vehicle_update);
}
