//! Drives one built function binary as Lambda would, and stands between it and the table.
//!
//! - [`Function`] starts the binary against a Runtime API of its own and invokes it;
//! - [`http_event`] and [`function_url_event`] make the events that API Gateway and function URLs send;
//! - [`Recorder`] sits between a function and its table: it counts, shows and breaks what passes.
//!
//! Nothing has a fixed port and everything ends when it is dropped, so tests run side by side.

mod events;
mod function;
mod http;
mod recorder;
mod runtime;

pub use events::{function_url_event, http_event};
pub use function::{Error, Function, Response};
pub use recorder::{Cut, Fault, Recorder, Request, Rule};
