//! Reads the deployment's templates, so that tests can hold them against the code and against each other.

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

/// Why a template could not be read, or what in it this reader does not know. It knows what the templates use: whoever
/// brings in something new teaches it here, so that no test passes over what it cannot see.
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
    /// As in the request line: `GET`. `*` stands for whatever has no route of its own.
    pub method: String,
    /// With parameters in braces: `/api/vehicles/{id}`. `*` stands for whatever has no route of its own.
    pub path: String,
    /// The function that answers, by the name of its binary.
    pub function: String,
}

/// The values of the dimension `Outcome` that the authorizer writes.
pub const RFID_OUTCOMES: [&str; 10] = [
    "authorized",
    "internal_error",
    "invalid_request",
    "method_not_allowed",
    "payload_too_large",
    "revoked",
    "service_unavailable",
    "unauthorized",
    "unknown",
    "unreadable",
];
/// Those that the management functions write.
pub const API_OUTCOMES: [&str; 10] = [
    "created",
    "idempotency_key_reused",
    "internal_error",
    "invalid_request",
    "not_found",
    "ok",
    "payload_too_large",
    "service_unavailable",
    "tag_taken",
    "unauthorized",
];

/// What the template calls the functions' names with: they begin with the stack's.
const STACK: &str = "${AWS::StackName}-";

/// The deployed functions by the names of their binaries.
///
/// # Errors
/// When the template cannot be read or names a function in another way.
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
/// When the template cannot be read or routes to a function in another way than by the events of an HTTP API.
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

/// The table actions that each function's policy allows, by the name of its binary; an action as DynamoDB calls it:
/// `PutItem`. A transaction is allowed by the actions of its members. Without those of [`kept`] grants.
///
/// # Errors
/// When the template cannot be read or a policy says something that this reader does not know.
pub fn policies() -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let actions = |grants: Vec<Grant>| grants.into_iter().flat_map(|grant| grant.actions).collect();
    Ok(grants()?.into_iter().map(|(function, grants)| (function, actions(grants))).collect())
}

/// The grants on the table of each function, by the name of its binary, to ask of a recorded call whether it would be
/// allowed. Without the [`kept`] ones: they are for the version before, so this one must do without them.
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
