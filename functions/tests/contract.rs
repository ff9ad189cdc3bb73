//! The contract's rules for the API, topic by topic.

mod access_ids;
mod batch;
mod bodies;
mod changes;
mod credentials;
mod customers;
mod decisions;
mod deletions;
mod filters;
mod idempotency;
mod isolation;
mod lists;
mod revocations;
mod routes;
mod rules;
mod stored;
mod tasks;
mod texts;
mod unknown_tags;
mod updates;
mod vehicles;
