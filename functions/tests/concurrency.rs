//! Concurrent requests to several instances of each function, and writes while the table fails: each is carried out once or
//! not at all.

mod deletions;
mod failures;
mod races;

use std::env;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Call, World};

async fn all<'a>(calls: impl IntoIterator<Item = Call<'a>>) -> Vec<Answer> {
    join_all(calls.into_iter().map(IntoFuture::into_future)).await
}

fn with_customer(mut body: Value, customer: &str) -> Value {
    let root = body.as_object_mut().unwrap().values_mut().next().unwrap();
    root["customer"] = json!({"name": customer});
    body
}

/// How often each race is run: the environment variable `ROUNDS`, or four times.
fn rounds() -> usize {
    env::var("ROUNDS").map_or(4, |rounds| rounds.parse().unwrap())
}

/// Starts instances beforehand, so that the requests of a race begin at the same time.
async fn warm(world: &World, functions: &[&'static str], instances: usize) {
    for function in functions {
        join_all((0..instances).map(|number| world.instance(function, number))).await;
    }
}
