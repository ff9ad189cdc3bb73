//! The templates, the pipeline and the documents against the code and against each other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod alarms;
mod costs;
mod documents;
mod functions;
mod kept_grants;
mod metrics;
mod operations;
mod pipeline;
mod references;
mod routes;
mod size;
mod size_of_files;
