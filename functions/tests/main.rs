//! The built functions, driven through the Lambda Runtime API over a table engine of each test's own.

#![expect(clippy::unwrap_used, reason = "a failure ends the test")]

mod authorizer;
mod concurrency;
mod console;
mod contract;
mod freezes;
mod histories;
mod log;
mod memory;
mod policies;
mod reference;
mod support;
