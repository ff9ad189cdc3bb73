//! The store on a real engine, one for each test.

#![expect(clippy::unwrap_used, reason = "a failure ends the test")]

mod access_patterns;
mod batch;
mod concurrency;
mod connection;
mod contract;
mod filters;
mod histories;
mod measure;
mod rules;
mod settings;
mod support;
