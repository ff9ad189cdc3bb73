//! Concurrent requests to several instances of each function, and writes while the table fails: each is carried out once or
//! not at all.

mod failures;
mod races;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Call};

async fn all<'a>(calls: impl IntoIterator<Item = Call<'a>>) -> Vec<Answer> {
    join_all(calls.into_iter().map(IntoFuture::into_future)).await
}

fn with_customer(mut body: Value, customer: &str) -> Value {
    let root = body.as_object_mut().unwrap().values_mut().next().unwrap();
    root["customer"] = json!({"name": customer});
    body
}
