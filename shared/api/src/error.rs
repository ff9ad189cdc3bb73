//! Everything that can go wrong, and what the caller is told of it.

use domain::{RefusedUpdate, TagTaken};
use lambda_http::http::StatusCode;

use crate::{
    problems::{Conflict, Problems},
    revocations,
};

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It breaks the rules of its endpoint.
    Invalid(Problems),
    /// It shows no valid credential.
    Unauthorized,
    /// The organization has no such record, or the service no such path or method.
    NotFound,
    /// The RFID authorizer takes POST alone.
    MethodNotAllowed,
    /// Access IDs of the organization have tags of the request.
    TagTaken(TagTaken),
    /// The Idempotency-Key came with another body before, or what it created has been deleted.
    IdempotencyKeyReused,
    /// So many access IDs are linked to the vehicle that was to be deleted.
    VehicleInUse(usize),
    /// The body is larger than the endpoint's limit, which is this many bytes.
    PayloadTooLarge(usize),
    /// The table did not answer in time.
    Unavailable,
    /// Something is wrong on our side.
    Internal,
}

impl Error {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TagTaken(_) | Self::IdempotencyKeyReused | Self::VehicleInUse(_) => StatusCode::CONFLICT,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The name that a program goes by. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TagTaken(_) => "tag_taken",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::VehicleInUse(_) => "vehicle_in_use",
            Self::PayloadTooLarge(_) => "payload_too_large",
            Self::Internal => "internal_error",
            Self::Unavailable => "service_unavailable",
        }
    }

    fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(Problems::one(field, message))
    }

    /// One sentence for a person.
    pub fn sentence(&self) -> String {
        let sentence = match self {
            Self::Invalid(problems) => {
                let named = problems.0.iter().map(|problem| {
                    let field = if problem.field.is_empty() { "the body" } else { &problem.field };
                    format!("{field} {}", problem.message)
                });
                return format!("The request is invalid: {}.", named.collect::<Vec<_>>().join("; "));
            }
            Self::Unauthorized => "A valid credential is required.",
            Self::NotFound => "There is no such record, path or method.",
            Self::MethodNotAllowed => "Only POST is answered here.",
            Self::TagTaken(taken) => {
                let holders = taken.conflicts.iter().map(|conflict| {
                    let Conflict { field, access_id } = Conflict::new(conflict);
                    format!("{field} belongs to access ID {access_id}")
                });
                return format!("The ID tag is taken: {}.", holders.collect::<Vec<_>>().join("; "));
            }
            Self::IdempotencyKeyReused => {
                "The Idempotency-Key was used with another body, or for a record that has been deleted."
            }
            Self::VehicleInUse(1) => "The vehicle cannot be deleted: 1 access ID is linked to it.",
            Self::VehicleInUse(linked) => {
                return format!("The vehicle cannot be deleted: {linked} access IDs are linked to it.");
            }
            Self::PayloadTooLarge(limit) => return format!("The body must be at most {} KiB.", limit / 1024),
            Self::Internal => "Something went wrong on our side.",
            Self::Unavailable => "The service could not answer in time; try again.",
        };
        sentence.to_owned()
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        use store::Error as Store;
        match error {
            Store::Unauthorized => Self::Unauthorized,
            Store::NotFound => Self::NotFound,
            Store::ForgedCursor => {
                Self::invalid("nextPageCursor", "is not a cursor that this list handed out with these filters")
            }
            Store::TagTaken(taken) => Self::TagTaken(taken),
            Store::Link(refused) | Store::Update(RefusedUpdate::Link(refused)) => {
                Self::invalid("accessId.vehicleId", refused.to_string())
            }
            Store::Update(refused @ RefusedUpdate::VehicleOfRfid) => {
                Self::invalid("accessId.vehicle", format!("is not accepted: {refused}"))
            }
            Store::Update(refused @ RefusedUpdate::OtherType) => Self::invalid("accessId.type", refused.to_string()),
            Store::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            Store::VehicleInUse(linked) => Self::VehicleInUse(linked),
            Store::Revocation(refused) => Self::Invalid(revocations::problems(refused)),
            Store::Unavailable => Self::Unavailable,
            // An endpoint imports nothing.
            Store::Exists | Store::Unusable => Self::Internal,
        }
    }
}
