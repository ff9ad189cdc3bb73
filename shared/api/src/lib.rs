//! What the functions share: from a Lambda event to a domain command, from a result to a response, and the start-up.
//!
//! An endpoint is a [`Route`], a function that reads the request ([`Input`]) and one that answers it:
//! see `functions/src/bin`.

mod access_ids;
mod authorizer;
mod error;
mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod input;
mod json;
mod log;
#[cfg(test)]
mod openapi;
mod page;
mod reply;
mod serve;
mod vehicles;

pub use access_ids::{AccessIdDocument, AccessIdList};
pub use authorizer::serve_rfid;
pub use error::Error;
pub use input::Input;
pub use json::{Problem, Problems};
pub use lambda_http::http::Method;
pub use log::{METRICS, Metric, Metrics, NAMESPACE};
pub use reply::Reply;
pub use serve::{Call, Route, StartError, serve};
pub use vehicles::{VehicleDocument, VehicleList};
