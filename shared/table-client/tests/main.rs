//! The client against a table that behaves as told.

#![expect(clippy::unwrap_used, reason = "a failure ends the test")]

mod answers;
mod calls;
mod connections;
mod failures;
mod server;
mod support;
mod tls;
