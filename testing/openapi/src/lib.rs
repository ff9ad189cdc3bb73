//! The service's OpenAPI document, made from the code. Its tests hold it against the code and against `openapi.json`.
//!
//! An operation is documented on its handler, in `functions`. What an answer holds is what its struct serializes, and an
//! error response is what [`api::respond::error`] makes. Bodies of requests are read by hand and described in
//! `api::schemas`.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use api::{
    Error, Problems, Route,
    respond::{self, ErrorBody},
};
use serde_json::{Value, json};
use utoipa::{
    OpenApi,
    openapi::{
        Content, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        example::ExampleBuilder,
        link::LinkBuilder,
        path::Operation,
        schema::{AdditionalProperties, AllOfBuilder, AnyOfBuilder, Object, Schema},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

const JSON: &str = "application/json";
/// What the functions are tested with: a folder for each, in it requests and the answers to them.
const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Charge access",
        description = "Access IDs (RFID cards and vehicles) and the vehicles they belong to.\n\n\
            Every record lives in the organization of the credential that is shown; another organization's records do \
            not exist for it. Texts are trimmed of white space; lengths are in Unicode code points and do not count \
            what is trimmed. Timestamps are UTC with milliseconds. In a response every key is present, `null` where \
            empty; in a request an unknown or repeated key is refused. Bodies may have 64 KiB.",
    ),
    servers(
        (
            url = "https://{api}.execute-api.{region}.amazonaws.com",
            description = "A deployment: the stack's output has the whole URL",
            variables(("api" = (default = "abcdefghij")), ("region" = (default = "eu-central-1")))
        ),
        (url = "http://127.0.0.1:9000", description = "`cargo dev`")
    ),
    tags(
        (name = "Access IDs", description = "RFID cards and vehicles' MAC addresses: what a charger identifies a driver by."),
        (name = "Decisions", description = "What the RFID authorizer decided, and the tags that nobody has."),
        (name = "Vehicles", description = "Electric vehicles, each with the access IDs that are linked to it."),
        (name = "Customers", description = "Whom access IDs and vehicles belong to, by name."),
        (name = "Rules and checks", description = "When and where access IDs may begin to charge, and what that means for a tag.")
    ),
    components(schemas(ErrorBody<'_>)),
    security(("credential" = []))
)]
struct Document;

/// The whole document.
///
/// # Panics
/// If `events/` does not hold a request and its answer for every operation.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi().merge_from(functions::Operations::openapi());
    // No licence has been chosen; without this line `utoipa` would write an empty one.
    document.info.license = None;
    let answers = answers(&document);
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("api_<organization>_<secret>");
    let bearer = SecurityScheme::Http(bearer.description(Some("A credential of scope `api`.")).build());
    components.security_schemes.insert("credential".to_owned(), bearer.into());
    for (name, description, errors) in errors() {
        components.responses.insert(name.to_owned(), error_response(description, &errors).into());
    }
    components.responses.insert("Throttled".to_owned(), throttled().into());

    let whole = components.schemas.clone();
    for (name, schema) in &mut components.schemas {
        complete(schema, answers.contains(name), &whole);
    }
    // `details` are there for 400 and for nothing else.
    let codes = errors().into_iter().flat_map(|(_, _, errors)| errors).map(|error| error.code());
    let (invalid, others): (Vec<_>, Vec<_>) = codes.partition(|code| *code == "invalid_request");
    if let Some(RefOr::T(Schema::Object(error))) = components.schemas.get_mut("ApiError") {
        let mut refused = error.clone();
        restrict(&mut refused, "code", &invalid);
        restrict(error, "code", &others);
        error.properties.shift_remove("details");
        error.required.retain(|name| name != "details");
        components.schemas.insert("InvalidRequest".to_owned(), RefOr::T(refused.into()));
    }
    if let Some(access_id) = components.schemas.get_mut("NewAccessId") {
        let fields = std::mem::replace(access_id, RefOr::T(Schema::default()));
        *access_id = AllOfBuilder::new().item(fields).item(vehicle_rules()).into();
    }

    for route in functions::ROUTES {
        let Some(item) = document.paths.paths.get_mut(route.path) else { continue };
        let operation = match route.method.as_str() {
            "GET" => &mut item.get,
            "POST" => &mut item.post,
            "PUT" => &mut item.put,
            "PATCH" => &mut item.patch,
            _ => &mut item.delete,
        };
        if let Some(operation) = operation {
            finish(operation, &route);
        }
    }
    document
}

/// Adds what follows from the route, the answer's schema and the events.
fn finish(operation: &mut Operation, route: &Route) {
    operation.operation_id = Some(operation_id(route.function));
    let examples = examples(route.function);
    if let Some(RefOr::T(request)) = &mut operation.request_body {
        request.required = Some(utoipa::openapi::Required::True);
        add_examples(request.content.values_mut(), &examples, "request");
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        add_examples(response.content.values_mut(), &examples, "response");
        if status == "201" {
            let location = header(Type::String, "The path of the new record.");
            response.headers.insert("Location".to_owned(), location.into());
        }
        let schema = json!(response.content.get(JSON));
        for &(name, operation, parameter, value) in links(schema["schema"]["$ref"].as_str().unwrap_or_default()) {
            let value = format!("$response.body#/{value}");
            let link = LinkBuilder::new().operation_id(operation).parameter(parameter, value).build();
            response.links.insert(name.to_owned(), link.into());
        }
    }
    for (status, name) in errors_of(route.path, operation) {
        operation.responses.responses.insert(status.to_string(), RefOr::Ref(Ref::from_response_name(name)));
    }
}

/// `getAccessId` for the function `get-access-id`.
fn operation_id(function: &str) -> String {
    let mut words = function.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |id, word| id + &word[..1].to_uppercase() + &word[1..])
}

/// What can be asked for with what an answer of this schema holds: name, operation, its parameter, and where its value is.
fn links(schema: &str) -> &'static [(&'static str, &'static str, &'static str, &'static str)] {
    const CURSOR: &str = "pagination/nextPageCursor";
    match schema.rsplit('/').next() {
        Some("AccessIdDocument") => &[
            ("get", "getAccessId", "id", "accessId/id"),
            ("update", "updateAccessId", "id", "accessId/id"),
            ("vehicle", "getVehicle", "id", "accessId/vehicle/id"),
        ],
        Some("AccessIdList") => {
            &[("nextPage", "listAccessIds", "nextPageCursor", CURSOR), ("first", "getAccessId", "id", "data/0/id")]
        }
        Some("VehicleDocument") => &[
            ("get", "getVehicle", "id", "vehicle/id"),
            ("update", "updateVehicle", "id", "vehicle/id"),
            ("accessId", "getAccessId", "id", "vehicle/accessIds/0/id"),
        ],
        Some("VehicleList") => {
            &[("nextPage", "listVehicles", "nextPageCursor", CURSOR), ("first", "getVehicle", "id", "data/0/id")]
        }
        Some("CustomerList") => &[("nextPage", "listCustomers", "nextPageCursor", CURSOR)],
        _ => &[],
    }
}

/// A header of a response.
fn header(kind: Type, description: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind);
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

/// The names of the schemas that answers are made of, nested ones too: all their keys are always there.
fn answers(document: &utoipa::openapi::OpenApi) -> BTreeSet<String> {
    let document = json!(document);
    let operations = document["paths"].as_object().into_iter().flatten().flat_map(|(_, path)| path.as_object());
    let mut pending: Vec<&Value> = operations.flatten().map(|(_, operation)| &operation["responses"]).collect();
    pending.push(&document["components"]["schemas"]["ApiError"]);
    let mut found = BTreeSet::from(["ApiError".to_owned()]);
    while let Some(part) = pending.pop() {
        match part {
            Value::Object(fields) => pending.extend(fields.values()),
            Value::Array(elements) => pending.extend(elements),
            Value::String(reference) => {
                if let Some(name) = reference.strip_prefix("#/components/schemas/")
                    && found.insert(name.to_owned())
                {
                    pending.push(&document["components"]["schemas"][name]);
                }
            }
            _ => {}
        }
    }
    found
}

/// Makes the schema of an object as exact as the contract: nothing but what is documented, and in answers all of it.
fn complete(schema: &mut RefOr<Schema>, is_answer: bool, whole: &BTreeMap<String, RefOr<Schema>>) {
    if let RefOr::T(Schema::AllOf(parts)) = schema {
        // of `#[serde(flatten)]`: one object on the wire
        let mut merged = Object::new();
        merged.description = parts.description.take();
        for part in &parts.items {
            let part = match part {
                RefOr::Ref(part) => part.ref_location.rsplit('/').next().and_then(|name| whole.get(name)),
                part => Some(part),
            };
            if let Some(RefOr::T(Schema::Object(part))) = part {
                merged.properties.extend(part.properties.clone());
            }
        }
        *schema = RefOr::T(Schema::Object(merged));
    }
    let RefOr::T(Schema::Object(object)) = schema else { return };
    if object.properties.is_empty() {
        return;
    }
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    if is_answer {
        object.required = object.properties.keys().cloned().collect();
        return;
    }
    for (name, field) in &mut object.properties {
        if let RefOr::T(Schema::Array(list)) = field {
            list.unique_items = name == "accessIds";
        }
    }
}

/// Restricts a field to some words.
fn restrict(object: &mut Object, field: &str, words: &[&str]) {
    if let Some(RefOr::T(Schema::Object(field))) = object.properties.get_mut(field) {
        field.enum_values = Some(words.iter().map(|word| (*word).into()).collect());
    }
}

/// What of `vehicle` and `vehicleId` goes with which type.
fn vehicle_rules() -> Schema {
    let rule = |title: &str, kind: &str, absent: &[&str]| {
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind]));
        let rule = ObjectBuilder::new().title(Some(title)).property("type", kind);
        absent.iter().fold(rule, |rule, name| rule.property(*name, ObjectBuilder::new().schema_type(Type::Null)))
    };
    AnyOfBuilder::new()
        .item(rule("An RFID card", "RFID", &["vehicle", "vehicleId"]))
        .item(rule("A vehicle's access ID, perhaps with a new vehicle", "Vehicle", &["vehicleId"]))
        .item(rule("A vehicle's access ID, perhaps with a vehicle that exists", "Vehicle", &["vehicle"]))
        .build()
        .into()
}

/// The errors that an operation may be answered with.
fn errors_of(path: &str, operation: &Operation) -> Vec<(u16, &'static str)> {
    let (has_parameters, has_body) = (operation.parameters.is_some(), operation.request_body.is_some());
    let is_on_record = path.contains('{');
    let errors = [
        (has_parameters || has_body, 400, "InvalidRequest"),
        (true, 401, "Unauthorized"),
        (is_on_record, 404, "NotFound"),
        (operation.responses.responses.contains_key("201"), 409, "Conflict"),
        (has_body, 413, "PayloadTooLarge"),
        (true, 429, "Throttled"),
        (true, 503, "ServiceUnavailable"),
    ];
    errors.into_iter().filter(|(applies, ..)| *applies).map(|(_, status, name)| (status, name)).collect()
}

/// The responses to errors: name, description, and the errors that they are for.
fn errors() -> [(&'static str, &'static str, Vec<Error>); 6] {
    let misspelt = Problems::one("accessId.authorisationStatus", "is not a field that can be set here");
    let blank = Problems::one("accessId.vehicle.vin", "must not be blank");
    let invalid = Error::Invalid(Problems([misspelt.0, blank.0].concat()));
    [
        ("InvalidRequest", "The request breaks a rule; `details` names every field that does.", vec![invalid]),
        ("Unauthorized", "There is no valid credential of scope `api`.", vec![Error::Unauthorized]),
        ("NotFound", "The organization has no such record.", vec![Error::NotFound]),
        (
            "Conflict",
            "The tag belongs to another access ID, or the Idempotency-Key came with another body before.",
            vec![Error::TagTaken, Error::IdempotencyKeyReused],
        ),
        ("PayloadTooLarge", "The body is above 64 KiB.", vec![Error::PayloadTooLarge(64 * 1024)]),
        ("ServiceUnavailable", "The table did not answer in time. Nothing is half-written.", vec![Error::Unavailable]),
    ]
}

/// What these errors are answered with: the same status, each its own code.
fn error_response(description: &str, errors: &[Error]) -> Response {
    let schema = if matches!(errors, [Error::Invalid(_)]) { "InvalidRequest" } else { "ApiError" };
    let mut content = Content::new(Some(Ref::from_schema_name(schema)));
    let mut response = ResponseBuilder::new().description(description);
    for error in errors {
        let answer = respond::error(error, "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        let body = serde_json::from_slice(answer.body()).ok();
        content.examples.insert(error.code().to_owned(), ExampleBuilder::new().value(body).into());
        let value = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(seconds) = value("retry-after") {
            let mut header = header(Type::Integer, "After how many seconds to try again.");
            header.example = seconds.parse::<u32>().ok().map(Value::from);
            response = response.header("Retry-After", header);
        }
        if let Some(scheme) = value("www-authenticate") {
            let mut header = header(Type::String, "The scheme of the credential.");
            header.example = Some(scheme.into());
            response = response.header("WWW-Authenticate", header);
        }
    }
    response.content(JSON, content).build()
}

/// The one answer that API Gateway gives in place of the service.
fn throttled() -> Response {
    let message = ObjectBuilder::new().schema_type(Type::String);
    let schema = ObjectBuilder::new().property("message", message).required("message");
    let mut content = Content::new(Some(schema));
    content.example = Some(json!({ "message": "Too Many Requests" }));
    ResponseBuilder::new()
        .description("There are more requests than the deployment lets through. Answered by API Gateway.")
        .content(JSON, content)
        .build()
}

/// The requests under `events/` that do what they ask for, with their answers.
fn examples(function: &str) -> BTreeMap<String, Value> {
    let read = |path: &Path| -> Value {
        serde_json::from_slice(&fs::read(path).expect("an event has an answer beside it")).expect("events are JSON")
    };
    let mut examples = BTreeMap::new();
    for entry in fs::read_dir(Path::new(EVENTS).join(function)).expect("a function has events") {
        let path = entry.expect("events can be listed").path();
        let Some(case) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".answer.json")) else {
            continue;
        };
        let (request, answer) = (read(&path.with_file_name(format!("{case}.json"))), read(&path));
        if answer["status"].as_u64().is_some_and(|status| status < 300) {
            let body: Value =
                request["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
            examples.insert(case.to_owned(), json!({ "request": body, "response": answer["body"] }));
        }
    }
    examples
}

fn add_examples<'a>(
    contents: impl Iterator<Item = &'a mut RefOr<Content>>,
    examples: &BTreeMap<String, Value>,
    side: &str,
) {
    for content in contents {
        let RefOr::T(content) = content else { continue };
        for (case, example) in examples {
            let example = ExampleBuilder::new().value(example.get(side).cloned()).build();
            content.examples.insert(case.clone(), example.into());
        }
    }
}
