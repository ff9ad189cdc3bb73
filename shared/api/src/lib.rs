//! What the functions share: from a request to a domain command, from a result to a response, and the start-up.
//!
//! An endpoint is a [`Route`] and a handler, a function of a [`Call`]: see `functions/src`.

pub mod access_checks;
pub mod access_ids;
mod authorizer;
pub mod batch;
mod call;
pub mod changes;
pub mod customers;
pub mod decisions;
mod edge;
mod error;
mod events;
pub mod filters;
mod json;
mod log;
pub mod page;
mod problems;
mod public;
mod query;
pub mod respond;
pub mod revocations;
/// For the API's document alone: what the RFID authorizer answers.
#[cfg(feature = "openapi")]
pub mod rfid {
    pub use crate::authorizer::answer::{Authorized, Refused};
}
mod route;
pub mod rules;
mod runtime;
#[cfg(feature = "openapi")]
pub mod schemas;
mod serve;
pub mod unknown_tags;
pub mod uri;
pub mod vehicles;

pub use authorizer::serve_rfid;
#[cfg(feature = "fuzzing")]
pub use authorizer::{AskedEvent, asked};
pub use call::{Call, Read};
pub use error::Error;
pub use lambda_http::{
    Body, Request, Response,
    http::{self, Method},
};
pub use log::{METRICS, Metric, Metrics, NAMESPACE};
pub use problems::{Problem, Problems};
pub use public::serve_public;
pub use query::Query;
pub use route::Route;
pub use serve::{StartError, serve};
pub use store::{BatchMode, Scope};
