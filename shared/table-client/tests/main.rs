//! The client against a table that behaves as told.

#![expect(clippy::unwrap_used, reason = "a failure ends the test")]
#![expect(clippy::duplicate_mod, reason = "every test for either way to wait")]

mod calls;
#[path = "calls.rs"]
mod calls_blocking;
mod server;
mod tls;
#[path = "tls.rs"]
mod tls_blocking;

/// How the clients of a module's tests wait.
fn io(module: &str) -> table_client::Io {
    if module.ends_with("_blocking") { table_client::Io::Blocking } else { table_client::Io::Async }
}
