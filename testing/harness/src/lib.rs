//! Runs one built function binary as Lambda would, with a proxy between the function and its table.
//!
//! - [`Function`] starts the binary against a Runtime API of its own and invokes it;
//! - [`HttpApi`] and [`function_url_event`] make the events that API Gateway and function URLs send;
//! - [`Recorder`] is the proxy between a function and its table: it records requests and injects faults.
//!
//! Every server listens on a free loopback port and ends when it is dropped, so tests can run side by side.

mod events;
mod fault;
mod function;
mod recorder;
mod response;
mod runtime;

pub use events::{HttpApi, function_url_event};
pub use fault::{Cut, Fault, Rule};
pub use function::{Error, Function};
pub use recorder::{Recorder, Request};
pub use response::Response;
pub use runtime::request_id;
