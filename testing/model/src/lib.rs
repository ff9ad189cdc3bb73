//! The service as a few maps in memory, written from the contract and not from the code under test, and the search for
//! an order of calls that explains what was seen.
//!
//! - [`Model`] carries a [`Call`] out in one moment;
//! - [`call`] makes random calls, and [`Known`] gives them the ids that a client can know by now;
//! - [`explain`] finds an order in which calls that overlapped, some of them with an unknown end, came to what they came to.

mod explain;
mod generate;
mod state;

pub use explain::{Made, Unexplained, explain, story};
pub use generate::{Known, call};
pub use state::{AccessId, Call, Change, Field, Kind, Link, Model, Outcome, Vehicle, is_same_customer};
