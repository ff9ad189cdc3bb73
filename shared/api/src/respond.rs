//! Responses: JSON documents, and the contract's bodies for errors.

use lambda_http::{
    Body, Response,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;

use crate::{
    error::Error,
    problems::{Conflict, Problem},
};

/// What is wrong with a request, or with the service.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ApiError))]
pub struct ErrorBody<'a> {
    /// One sentence for a person.
    error: String,
    /// What a program goes by. The examples of each response show its codes. They never change; a later version may add some.
    code: &'a str,
    /// What to name when asking for help.
    request_id: &'a str,
    /// Every problem of an invalid request. Other errors have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, nullable = false))]
    details: Option<&'a [Problem]>,
    /// Of `tag_taken`: every element whose tag is taken. Other errors have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, nullable = false))]
    conflicts: Option<Vec<Conflict>>,
}

impl<'a> ErrorBody<'a> {
    /// The body for an error that the request `request_id` ended with.
    pub fn new(error: &'a Error, request_id: &'a str) -> Self {
        let (details, conflicts) = match error {
            Error::Invalid(problems) => (Some(problems.0.as_slice()), None),
            Error::TagTaken(taken) => (None, Some(taken.conflicts.iter().map(Conflict::new).collect())),
            _ => (None, None),
        };
        Self { error: error.sentence(), code: error.code(), request_id, details, conflicts }
    }
}

/// A document under this status.
pub fn json(status: StatusCode, document: &impl Serialize) -> Response<Body> {
    #[expect(clippy::expect_used, reason = "documents are plain structs of strings, numbers and lists")]
    let body = serde_json::to_string(document).expect("a document is JSON");
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Answers hold what a credential opens: no cache may keep them.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 200 with this document.
pub fn ok(document: &impl Serialize) -> Response<Body> {
    json(StatusCode::OK, document)
}

/// 201 with the document of a new record, which is now to be found at `path` followed by `id`.
pub fn created(path: &str, id: domain::Id, document: &impl Serialize) -> Response<Body> {
    let mut response = json(StatusCode::CREATED, document);
    if let Ok(location) = HeaderValue::from_str(&format!("{path}/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// 204: what was asked for is done, and there is nothing to show.
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What an error is answered with.
pub fn error(error: &Error, request_id: &str) -> Response<Body> {
    let mut response = json(error.status(), &ErrorBody::new(error, request_id));
    match error.status() {
        StatusCode::SERVICE_UNAVAILABLE => response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1")),
        StatusCode::UNAUTHORIZED => response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        _ => None,
    };
    response
}
