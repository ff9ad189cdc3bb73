//! The service's OpenAPI document, made from the code. The tests build it, hold it against the code and against
//! `openapi.json`; no function carries it.
//!
//! What an answer holds is what its struct serializes, an error response is what [`Reply::error`] makes. Request bodies
//! are read by hand, so [`requests`] describes them, and a test holds that against the readers. [`fields`] says what
//! may stand in a field.
#![expect(dead_code, reason = "the functions and the fields of request bodies are there to be described")]

mod fields;
mod requests;
mod tests;

use std::{collections::BTreeMap, fs, path::Path};

use lambda_http::http::StatusCode;
use requests::{AccessIdUpdateRequest, NewAccessIdRequest, NewVehicleRequest, VehicleUpdateRequest};
use serde_json::{Value, json};
use utoipa::{
    IntoParams, OpenApi,
    openapi::{
        Content, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        example::ExampleBuilder,
        path::Operation,
        schema::{AdditionalProperties, AllOfBuilder, AnyOfBuilder, Object, Schema},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    access_ids::{AccessIdDocument, AccessIdList},
    error::Error,
    json::Problems,
    reply::{ErrorBody, Reply},
    vehicles::{VehicleDocument, VehicleList},
};

const JSON: &str = "application/json";
const ACCESS_IDS: &str = "Access IDs";
const VEHICLES: &str = "Vehicles";

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
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(),
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
        (name = ACCESS_IDS, description = "RFID cards and vehicles' MAC addresses: what a charger identifies a driver by."),
        (name = VEHICLES, description = "Electric vehicles, each with the access IDs that are linked to it.")
    ),
    paths(
        list_access_ids,
        get_access_id,
        create_access_id,
        update_access_id,
        list_vehicles,
        get_vehicle,
        create_vehicle,
        update_vehicle
    ),
    components(schemas(ErrorBody<'_>)),
    security(("credential" = []))
)]
struct Document;

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// How many records at most.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u64>,
    /// Where the page begins: as the page before said. It never expires, and holds for any `limit`.
    #[param(rename = "nextPageCursor", min_length = 1)]
    next_page_cursor: Option<String>,
}

/// Which record.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
struct Record {
    /// The record's id, in decimal, without a sign or leading zeros.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    id: u64,
}

/// The wish that a creation happens once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
struct Once {
    /// For 24 hours the same key on the same path with the same body is answered by the first 201 again and creates
    /// nothing; with another body it is refused. 1 to 255 printable ASCII characters.
    #[param(rename = "Idempotency-Key", nullable = false, pattern = "^[!-~]([ -~]{0,253}[!-~])?$")]
    idempotency_key: Option<String>,
}

/// List access IDs
///
/// In ascending order of their ids, without their customers. Every page but the last is full.
#[utoipa::path(
    get,
    path = "/api/access-ids",
    operation_id = "listAccessIds",
    tag = ACCESS_IDS,
    params(Page),
    responses((
        status = 200,
        description = "A page of access IDs.",
        body = AccessIdList,
        links(
            ("nextPage" = (
                operation_id = "listAccessIds",
                parameters(("nextPageCursor" = "$response.body#/pagination/nextPageCursor"))
            )),
            ("first" = (operation_id = "getAccessId", parameters(("id" = "$response.body#/data/0/id"))))
        )
    ))
)]
fn list_access_ids() {}

/// Get an access ID
#[utoipa::path(
    get,
    path = "/api/access-ids/{id}",
    operation_id = "getAccessId",
    tag = ACCESS_IDS,
    params(Record),
    responses((
        status = 200,
        description = "The access ID.",
        body = AccessIdDocument,
        links(
            ("update" = (operation_id = "updateAccessId", parameters(("id" = "$response.body#/accessId/id")))),
            ("vehicle" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/accessId/vehicle/id"))))
        )
    ))
)]
fn get_access_id() {}

/// Create an access ID
///
/// A vehicle's access ID may bring a new vehicle with it (`vehicle`, which takes the access ID's name and customer) or
/// be linked to one that exists (`vehicleId`); a vehicle holds at most 100 access IDs.
#[utoipa::path(
    post,
    path = "/api/access-ids",
    operation_id = "createAccessId",
    tag = ACCESS_IDS,
    params(Once),
    request_body = NewAccessIdRequest,
    responses((
        status = 201,
        description = "The access ID was created.",
        body = AccessIdDocument,
        headers(("Location" = String, description = "The path of the new access ID.")),
        links(
            ("get" = (operation_id = "getAccessId", parameters(("id" = "$response.body#/accessId/id")))),
            ("update" = (operation_id = "updateAccessId", parameters(("id" = "$response.body#/accessId/id")))),
            ("vehicle" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/accessId/vehicle/id"))))
        )
    ))
)]
fn create_access_id() {}

/// Update an access ID
///
/// What is left out stays. `null` unlinks the customer or the vehicle. `vehicle` changes the linked vehicle, or creates
/// one if none is linked; an RFID card has none to change, and is refused.
#[utoipa::path(
    patch,
    path = "/api/access-ids/{id}",
    operation_id = "updateAccessId",
    tag = ACCESS_IDS,
    params(Record),
    request_body = AccessIdUpdateRequest,
    responses((
        status = 200,
        description = "The access ID after the update.",
        body = AccessIdDocument,
        links(("get" = (operation_id = "getAccessId", parameters(("id" = "$response.body#/accessId/id")))))
    ))
)]
fn update_access_id() {}

/// List vehicles
///
/// In ascending order of their ids. Every page but the last is full.
#[utoipa::path(
    get,
    path = "/api/vehicles",
    operation_id = "listVehicles",
    tag = VEHICLES,
    params(Page),
    responses((
        status = 200,
        description = "A page of vehicles.",
        body = VehicleList,
        links(
            ("nextPage" = (
                operation_id = "listVehicles",
                parameters(("nextPageCursor" = "$response.body#/pagination/nextPageCursor"))
            )),
            ("first" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/data/0/id"))))
        )
    ))
)]
fn list_vehicles() {}

/// Get a vehicle
#[utoipa::path(
    get,
    path = "/api/vehicles/{id}",
    operation_id = "getVehicle",
    tag = VEHICLES,
    params(Record),
    responses((
        status = 200,
        description = "The vehicle.",
        body = VehicleDocument,
        links(
            ("update" = (operation_id = "updateVehicle", parameters(("id" = "$response.body#/vehicle/id")))),
            ("accessId" = (
                operation_id = "getAccessId",
                parameters(("id" = "$response.body#/vehicle/accessIds/0/id"))
            ))
        )
    ))
)]
fn get_vehicle() {}

/// Create a vehicle
///
/// Of its access IDs, a tag that is unknown becomes a new one of type Vehicle with the vehicle's name and customer; one
/// that exists and is linked to no vehicle is linked, and takes the status if one is given.
#[utoipa::path(
    post,
    path = "/api/vehicles",
    operation_id = "createVehicle",
    tag = VEHICLES,
    params(Once),
    request_body = NewVehicleRequest,
    responses((
        status = 201,
        description = "The vehicle was created.",
        body = VehicleDocument,
        headers(("Location" = String, description = "The path of the new vehicle.")),
        links(
            ("get" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/vehicle/id")))),
            ("update" = (operation_id = "updateVehicle", parameters(("id" = "$response.body#/vehicle/id")))),
            ("accessId" = (
                operation_id = "getAccessId",
                parameters(("id" = "$response.body#/vehicle/accessIds/0/id"))
            ))
        )
    ))
)]
fn create_vehicle() {}

/// Update a vehicle
///
/// What is left out stays, `null` removes.
#[utoipa::path(
    patch,
    path = "/api/vehicles/{id}",
    operation_id = "updateVehicle",
    tag = VEHICLES,
    params(Record),
    request_body = VehicleUpdateRequest,
    responses((
        status = 200,
        description = "The vehicle after the update.",
        body = VehicleDocument,
        links(("get" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/vehicle/id")))))
    ))
)]
fn update_vehicle() {}

/// The whole document.
fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.contact = None;
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("api_<organization>_<secret>");
    let bearer = SecurityScheme::Http(bearer.description(Some("A credential of scope `api`.")).build());
    components.security_schemes.insert("credential".to_owned(), bearer.into());
    for (name, description, errors) in errors() {
        components.responses.insert(name.to_owned(), error_response(description, &errors).into());
    }
    components.responses.insert("Throttled".to_owned(), throttled().into());

    let (whole, requests) = (components.schemas.clone(), requests::names());
    for (name, schema) in &mut components.schemas {
        complete(name, requests.contains(name), schema, &whole);
    }
    components.schemas.extend(fields::shared());
    // `details` are there for 400 and for nothing else.
    let codes = errors().into_iter().flat_map(|(_, _, errors)| errors).map(|error| error.code());
    let (invalid, others): (Vec<_>, Vec<_>) = codes.partition(|code| *code == "invalid_request");
    if let Some(RefOr::T(Schema::Object(error))) = components.schemas.get_mut("Error") {
        let mut refused = error.clone();
        fields::restrict(&mut refused, "code", &invalid);
        fields::restrict(error, "code", &others);
        error.properties.shift_remove("details");
        error.required.retain(|name| name != "details");
        components.schemas.insert("InvalidRequest".to_owned(), RefOr::T(refused.into()));
    }
    if let Some(access_id) = components.schemas.get_mut("NewAccessId") {
        let fields = std::mem::replace(access_id, RefOr::T(Schema::default()));
        *access_id = AllOfBuilder::new().item(fields).item(vehicle_rules()).into();
    }

    for (path, item) in &mut document.paths.paths {
        for operation in [&mut item.get, &mut item.post, &mut item.patch].into_iter().flatten() {
            for (status, name) in errors_of(path, operation) {
                let reference = RefOr::Ref(Ref::from_response_name(name));
                operation.responses.responses.insert(status.as_str().to_owned(), reference);
            }
            let examples = examples(operation.operation_id.as_deref().unwrap_or_default());
            if let Some(RefOr::T(request)) = &mut operation.request_body {
                request.required = Some(utoipa::openapi::Required::True);
                add_examples(request.content.values_mut(), &examples, "request");
            }
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    add_examples(response.content.values_mut(), &examples, "response");
                }
            }
        }
    }
    document
}

/// Makes a schema as exact as the contract: nothing but what is documented, in answers everything that is, and what
/// each field may hold.
fn complete(name: &str, is_request: bool, schema: &mut RefOr<Schema>, whole: &BTreeMap<String, RefOr<Schema>>) {
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
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    if !is_request {
        object.required = object.properties.keys().cloned().collect();
    }
    for (field, schema) in &mut object.properties {
        fields::complete(name, field, is_request, schema);
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
fn errors_of(path: &str, operation: &Operation) -> Vec<(StatusCode, &'static str)> {
    let (has_parameters, has_body) = (operation.parameters.is_some(), operation.request_body.is_some());
    let is_on_record = path.contains('{');
    let errors = [
        (has_parameters || has_body, StatusCode::BAD_REQUEST, "InvalidRequest"),
        (true, StatusCode::UNAUTHORIZED, "Unauthorized"),
        (is_on_record, StatusCode::NOT_FOUND, "NotFound"),
        (has_body && !is_on_record, StatusCode::CONFLICT, "Conflict"),
        (has_body, StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge"),
        (true, StatusCode::TOO_MANY_REQUESTS, "Throttled"),
        (true, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
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
        ("PayloadTooLarge", "The body is above 64 KiB.", vec![Error::PayloadTooLarge]),
        ("ServiceUnavailable", "The table did not answer in time. Nothing is half-written.", vec![Error::Unavailable]),
    ]
}

/// What these errors are answered with: the same status, each its own code.
fn error_response(description: &str, errors: &[Error]) -> Response {
    let schema = if matches!(errors, [Error::Invalid(_)]) { "InvalidRequest" } else { "Error" };
    let mut content = Content::new(Some(Ref::from_schema_name(schema)));
    let mut response = ResponseBuilder::new().description(description);
    for error in errors {
        let reply = serde_json::to_value(Reply::error(error, "8476a536-e9f4-11e8-9739-2dfe598c3fcd"));
        let reply = reply.expect("a reply is JSON");
        let body = reply["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
        content.examples.insert(error.code().to_owned(), ExampleBuilder::new().value(body).into());
        for (name, value) in reply["headers"].as_object().into_iter().flatten() {
            if let Some((name, header)) = fields::header(name, value) {
                response = response.header(name, header);
            }
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
fn examples(operation: &str) -> BTreeMap<String, Value> {
    let read = |path: &Path| -> Value {
        serde_json::from_slice(&fs::read(path).expect("an event has an answer beside it")).expect("events are JSON")
    };
    let mut examples = BTreeMap::new();
    for entry in fs::read_dir(Path::new(EVENTS).join(function(operation))).expect("a function has events") {
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

/// The function that carries an operation out: `get-access-id` for `getAccessId`.
fn function(operation: &str) -> String {
    let words = operation.chars().map(|letter| match letter {
        'A'..='Z' => format!("-{}", letter.to_ascii_lowercase()),
        _ => letter.to_string(),
    });
    words.collect()
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
