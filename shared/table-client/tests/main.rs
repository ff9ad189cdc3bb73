//! The client against a table that behaves as told.

#![expect(clippy::unwrap_used, reason = "a failure ends the test")]

mod calls;
mod server;
mod tls;
