//! The service as a few maps in memory, written from the contract and not from the code under test, and the search for
//! an order of calls that explains their outcomes.
//!
//! - [`Model`] carries out a [`Call`] in one step;
//! - [`call`] makes random calls, and [`Known`] gives them the ids that a client can know;
//! - [`explain`] takes calls that overlapped, some of them without an answer, and finds an order in which each has the
//!   outcome that it had.
//!
//! A new operation is a variant of [`Call`], its effect in `writes.rs` or its result in [`Model::read`], and its share in
//! [`call`]. The compiler names the other places.

mod call;
mod explain;
mod generate;
mod state;
mod writes;

pub use call::{
    AccessId, Call, Change, Field, Imported, Kind, Link, Outcome, Remembered, Rules, Target, Vehicle, Window,
};
pub use explain::{Made, Unexplained, explain, story};
pub use generate::{Known, call, decide, imports, target};
pub use state::{Model, is_same_customer};
