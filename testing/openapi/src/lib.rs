//! The service's OpenAPI document, made from the code. Its tests hold it against the code and against `openapi.json`.
//!
//! An operation is documented on its handler, in `functions`. What an answer holds is what its struct serializes, and an
//! error response is what [`api::respond::error`] makes. Bodies of requests are read by hand and described in
//! `api::schemas`.

mod errors;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use api::{respond::ErrorBody, schemas::GatewayError};
use serde_json::{Value, json};
use utoipa::{
    OpenApi,
    openapi::{
        Content, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Type,
        example::ExampleBuilder,
        link::LinkBuilder,
        path::Operation,
        schema::{AdditionalProperties, AnyOfBuilder, Object, Schema},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

const CREDENTIAL: &str = "A credential of scope `api`. For GET and for access checks, which change nothing, one of scope `view` does \
    too: `view_<organization>_<secret>`.";
const JSON: &str = "application/json";
/// Where the RFID authorizer is, under its own server.
const WEBHOOK: &str = "/{secret}";
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
            empty, and later versions may add keys; in a request an unknown or repeated key is refused, and so is an \
            unknown parameter of a query. Bodies may have 64 KiB, that of a batch 1 MiB.",
        contact(name = "Whoever operates the deployment"),
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
        (name = "access-ids", description = "RFID cards and vehicles' MAC addresses: what a charger identifies a driver by."),
        (name = "changes", description = "Who changed what, and when."),
        (name = "checks", description = "Whether a tag would charge, and why not."),
        (name = "customers", description = "Whom access IDs and vehicles belong to, by name."),
        (name = "decisions", description = "What the RFID authorizer decided, and the tags that nobody has."),
        (name = "revocations", description = "Taking many access IDs out of use at once."),
        (name = "rfid", description = "The question of a charging platform. It has a URL and a secret of its own."),
        (name = "rules", description = "When and where access IDs may begin to charge."),
        (name = "vehicles", description = "Electric vehicles, each with the access IDs that are linked to it.")
    ),
    components(schemas(ErrorBody<'_>, GatewayError)),
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
    let components = document.components.get_or_insert_default();
    for (name, response) in errors::responses() {
        components.responses.insert(name.to_owned(), response.into());
    }
    let answers = answers(&document);
    let components = document.components.get_or_insert_default();
    for (name, format, description) in [
        ("credential", "api_<organization>_<secret>", CREDENTIAL),
        ("secret", "rfid_<organization>_<secret>", "A credential of scope `rfid`, if it is not in the path."),
    ] {
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format).description(Some(description));
        components.security_schemes.insert(name.to_owned(), SecurityScheme::Http(bearer.build()).into());
    }
    let whole = components.schemas.clone();
    for (name, schema) in &mut components.schemas {
        complete(name, schema, answers.contains(name), &whole);
    }
    errors::name_schemas(&mut components.schemas);

    let webhook = document.paths.paths.get_mut(WEBHOOK).and_then(|item| item.post.as_mut());
    finish(webhook.expect("the webhook is documented"), "rfid-authorizer", &errors::OF_WEBHOOK);
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
            operation.operation_id = Some(route.operation());
            let errors = errors::of(route.path, operation);
            finish(operation, route.function, &errors);
        }
    }
    document
}

/// Adds what follows from the function's events, the answer's schema and the errors, each a status and a response's name.
fn finish(operation: &mut Operation, function: &str, errors: &[(u16, &str)]) {
    let examples = examples(function, &operation.responses.responses.keys().cloned().collect());
    if let Some(RefOr::T(request)) = &mut operation.request_body {
        request.required = Some(utoipa::openapi::Required::True);
        add_examples(request.content.values_mut(), examples.iter(), "request");
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let examples = examples.iter().filter(|(_, example)| example["status"] == **status);
        add_examples(response.content.values_mut(), examples, "response");
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
    for (status, name) in errors {
        operation.responses.responses.insert(status.to_string(), RefOr::Ref(Ref::from_response_name(*name)));
    }
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
    pending.push(&document["components"]["responses"]);
    // The other schemas of errors are made of it later.
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

/// Makes the schema of an object as exact as the contract: a request has nothing but what is documented, an answer all of
/// it. What else an answer may have one day is left open, so that a generated client of today reads it.
fn complete(name: &str, schema: &mut RefOr<Schema>, is_answer: bool, whole: &BTreeMap<String, RefOr<Schema>>) {
    if let RefOr::T(Schema::OneOf(forms)) = schema {
        // Of an untagged enum: answers are open, so what has one form may have another too.
        let forms = std::mem::take(&mut forms.items).into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
        *schema = RefOr::T(Schema::AnyOf(forms.build()));
    }
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
    if is_answer {
        object.required = object.properties.keys().filter(|key| !is_of_some_answers(name, key)).cloned().collect();
        return;
    }
    // Thor may send what it likes besides.
    let is_open = object.properties.contains_key("chargebox");
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(is_open)));
    for (name, field) in &mut object.properties {
        if let RefOr::T(Schema::Array(list)) = field {
            list.unique_items = name == "accessIds";
        }
    }
}

/// Whether a key is in some answers alone. (What belongs to one error alone, [`errors::name_schemas`] knows.)
fn is_of_some_answers(schema: &str, key: &str) -> bool {
    matches!((schema, key), ("BatchResult", "accessId" | "error" | "changes") | ("BatchError", "details"))
}

/// The requests under `events/` that are answered with one of these statuses, and their answers.
fn examples(function: &str, statuses: &BTreeSet<String>) -> BTreeMap<String, Value> {
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
        let status = answer["status"].to_string();
        if statuses.contains(&status) {
            let body: Value =
                request["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
            examples.insert(case.to_owned(), json!({ "request": body, "response": answer["body"], "status": status }));
        }
    }
    examples
}

fn add_examples<'a>(
    contents: impl Iterator<Item = &'a mut RefOr<Content>>,
    examples: impl Iterator<Item = (&'a String, &'a Value)> + Clone,
    side: &str,
) {
    for content in contents {
        let RefOr::T(content) = content else { continue };
        for (case, example) in examples.clone() {
            let example = ExampleBuilder::new().value(example.get(side).cloned()).build();
            content.examples.insert(case.clone(), example.into());
        }
    }
}
