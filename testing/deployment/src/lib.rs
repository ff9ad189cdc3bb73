//! Reads the deployment's templates, so that tests can compare them with the code and with each other.

mod kept;
mod policy;
mod resolve;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use kept::{Kept, kept};
pub use policy::{Grant, Statement, statements};
pub use resolve::Parameters;
pub use template::Template;

/// Why a template could not be read. A construct that this reader does not know is an error too, so that no test passes
/// because it does not see something.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    fn new(text: impl Into<String>) -> Error {
        Error(text.into())
    }
}

/// One route of the management API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The HTTP method in capitals; `*` in the route for all requests that match no other.
    pub method: String,
    /// The path with parameters in braces: `/api/vehicles/{id}`; `*` in the route for all requests that match no other.
    pub path: String,
    /// The function that answers the request, by the name of its binary.
    pub function: String,
}

/// The values of the dimension `Outcome` that the authorizer writes.
pub const RFID_OUTCOMES: [&str; 13] = [
    "authorized",
    "expired",
    "internal_error",
    "invalid_request",
    "method_not_allowed",
    "not_here",
    "not_yet_valid",
    "payload_too_large",
    "revoked",
    "service_unavailable",
    "unauthorized",
    "unknown",
    "unreadable",
];
/// The values of the dimension `Outcome` that the management functions write.
pub const API_OUTCOMES: [&str; 11] = [
    "created",
    "idempotency_key_reused",
    "internal_error",
    "invalid_request",
    "not_found",
    "ok",
    "payload_too_large",
    "service_unavailable",
    "tag_taken",
    "vehicle_in_use",
    "unauthorized",
];

/// The beginning of each function's name in the template: the name of the stack.
const STACK: &str = "${AWS::StackName}-";

/// The logical ids of the deployed functions, by the names of their binaries.
///
/// # Errors
/// When a function is not named after the stack and a binary.
pub fn functions(template: &Template) -> Result<BTreeMap<String, String>, Error> {
    template
        .of_type("AWS::Serverless::Function")
        .map(|(id, function)| {
            function
                .pointer("/Properties/FunctionName/Fn::Sub")
                .and_then(Value::as_str)
                .and_then(|name| name.strip_prefix(STACK))
                .map(|name| (name.to_owned(), id.to_owned()))
                .ok_or_else(|| Error::new(format!("{id} is not named after the stack and a binary")))
        })
        .collect()
}

/// The routes of the management API.
///
/// # Errors
/// When a function has an event of another kind, or an event with only one of method and path.
pub fn routes(template: &Template) -> Result<BTreeSet<Route>, Error> {
    let mut routes = BTreeSet::new();
    for (function, id) in functions(template)? {
        let Some(events) = template.resource(&id)?.pointer("/Properties/Events") else { continue };
        for (name, event) in events.as_object().into_iter().flatten() {
            if event["Type"] != "HttpApi" {
                return Err(Error::new(format!("{id}'s event {name} is not of an HTTP API")));
            }
            let text = |key: &str| event["Properties"].get(key).and_then(Value::as_str).map(str::to_owned);
            let (method, path) = match (text("Method"), text("Path")) {
                (Some(method), Some(path)) => (method, path),
                (None, None) => ("*".to_owned(), "*".to_owned()),
                _ => return Err(Error::new(format!("{id}'s event {name} has a method or a path alone"))),
            };
            routes.insert(Route { method, path, function: function.clone() });
        }
    }
    Ok(routes)
}

/// The table actions that each function's policy allows, by the name of its binary. Actions are written as `PutItem`,
/// without `dynamodb:`. A transaction needs the actions of its members. Those of [`kept`] grants are left out.
///
/// # Errors
/// When the template cannot be read or a policy has a statement of an unknown form.
pub fn policies() -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let actions = |grants: Vec<Grant>| grants.into_iter().flat_map(|grant| grant.actions).collect();
    Ok(grants()?.into_iter().map(|(function, grants)| (function, actions(grants))).collect())
}

/// Each function's grants on the table, by the name of its binary. They tell whether a recorded call would be allowed. The
/// [`kept`] ones are left out: they are for the version before, so this one must do without them.
///
/// # Errors
/// As [`policies`].
pub fn grants() -> Result<BTreeMap<String, Vec<Grant>>, Error> {
    let mut grants = deployed_grants()?;
    for kept in kept()? {
        if let Some(of) = grants.get_mut(&kept.function) {
            *of = kept.taken_from(std::mem::take(of));
        }
    }
    Ok(grants)
}

/// The grants as they stand in the template, [`kept`] ones included.
///
/// # Errors
/// As [`policies`].
pub fn deployed_grants() -> Result<BTreeMap<String, Vec<Grant>>, Error> {
    let template = Template::read("template.yaml")?;
    functions(&template)?.into_iter().map(|(function, id)| Ok((function, Grant::of(&template, &id)?))).collect()
}
