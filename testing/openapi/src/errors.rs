//! Errors in the document: which operation is answered with which, and what they hold.

use std::collections::BTreeMap;

use api::{Error, Problems, respond};
use domain::{Id, TagTaken};
use serde_json::{Value, json};
use utoipa::openapi::{
    Content, Ref, RefOr, Response, ResponseBuilder, Type,
    example::ExampleBuilder,
    path::Operation,
    schema::{Object, Schema},
};

use crate::{JSON, header};

/// The errors that an operation may be answered with.
pub(crate) fn of(path: &str, operation: &Operation) -> Vec<(u16, &'static str)> {
    let (has_parameters, has_body) = (operation.parameters.is_some(), operation.request_body.is_some());
    let is_on_record = path.contains('{');
    let answers = |status: &str| operation.responses.responses.contains_key(status);
    let errors = [
        (has_parameters || has_body, 400, "InvalidRequest"),
        (true, 401, "Unauthorized"),
        (is_on_record, 404, "NotFound"),
        (answers("201"), 409, "Conflict"),
        (answers("204") && path.starts_with("/api/vehicles/"), 409, "VehicleInUse"),
        (has_body, 413, "PayloadTooLarge"),
        (true, 429, "Throttled"),
        (true, 503, "ServiceUnavailable"),
    ];
    errors.into_iter().filter(|(applies, ..)| *applies).map(|(_, status, name)| (status, name)).collect()
}

/// The errors of the RFID authorizer.
pub(crate) const OF_WEBHOOK: [(u16, &str); 5] = [
    (400, "InvalidRequest"),
    (401, "Unauthorized"),
    (405, "MethodNotAllowed"),
    (413, "PayloadTooLarge"),
    (503, "ServiceUnavailable"),
];

/// Every response to an error, with its name.
pub(crate) fn responses() -> impl Iterator<Item = (&'static str, Response)> {
    let errors = errors().into_iter().map(|(name, description, errors)| (name, response(description, &errors)));
    errors.chain([("Throttled", throttled())])
}

/// What belongs to one error alone is taken out of `ApiError`. Each such error has a schema of its own, which has it.
pub(crate) fn name_schemas(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let Some(RefOr::T(Schema::Object(whole))) = schemas.get("ApiError").cloned() else { return };
    let without = |absent: &[&str], optional: &[&str]| {
        let mut schema: Object = whole.clone();
        schema.properties.retain(|name, _| !absent.contains(&name.as_str()));
        schema.required.retain(|name| !absent.contains(&name.as_str()) && !optional.contains(&name.as_str()));
        RefOr::T(Schema::Object(schema))
    };
    schemas.insert("InvalidRequest".to_owned(), without(&["conflicts"], &[]));
    // A reused Idempotency-Key has no conflicts.
    schemas.insert("ConflictError".to_owned(), without(&["details"], &["conflicts"]));
    schemas.insert("ApiError".to_owned(), without(&["details", "conflicts"], &[]));
}

/// The responses to errors: name, description, and the errors that they are for.
fn errors() -> [(&'static str, &'static str, Vec<Error>); 8] {
    let misspelt = Problems::one("accessId.authorisationStatus", "is not a field that can be set here");
    let blank = Problems::one("accessId.vehicle.vin", "must not be blank");
    let invalid = Error::Invalid(Problems([misspelt.0, blank.0].concat()));
    let taken = Id::new(123).into_iter().map(|holder| Error::TagTaken(TagTaken::by(holder)));
    [
        ("InvalidRequest", "The request breaks a rule; `details` names every field that does.", vec![invalid]),
        (
            "Unauthorized",
            "There is no valid credential of the scope that the operation asks for.",
            vec![Error::Unauthorized],
        ),
        ("MethodNotAllowed", "The method is not POST.", vec![Error::MethodNotAllowed]),
        ("NotFound", "The organization has no such record.", vec![Error::NotFound]),
        (
            "Conflict",
            "The tag belongs to another access ID; or the Idempotency-Key came with another body before, or what was created \
             with it has been deleted.",
            taken.chain([Error::IdempotencyKeyReused]).collect(),
        ),
        ("VehicleInUse", "Access IDs are linked to the vehicle.", vec![Error::VehicleInUse(2)]),
        (
            "PayloadTooLarge",
            "The body is above 64 KiB; that of a batch, above 1 MiB.",
            vec![Error::PayloadTooLarge(64 * 1024)],
        ),
        ("ServiceUnavailable", "The table did not answer in time. Nothing is half-written.", vec![Error::Unavailable]),
    ]
}

/// What these errors are answered with: the same status, each its own code.
fn response(description: &str, errors: &[Error]) -> Response {
    let schema = match errors.first().map(Error::code) {
        Some("invalid_request") => "InvalidRequest",
        Some("tag_taken") => "ConflictError",
        _ => "ApiError",
    };
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
    let mut content = Content::new(Some(Ref::from_schema_name("GatewayError")));
    content.example = Some(json!({ "message": "Too Many Requests" }));
    ResponseBuilder::new()
        .description("There are more requests than the deployment lets through. Answered by API Gateway.")
        .content(JSON, content)
        .build()
}
