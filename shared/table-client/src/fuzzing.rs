//! What the fuzzer asks of this crate: see `testing/fuzz`.

use crate::{Error, error::Failure};

/// What a refusal says becomes a class and a name for the log, whatever its status (the first two bytes) and its body.
pub fn refusal(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk::<2>() else { return };
    let status = 200 + u16::from_be_bytes(*status) % 400;
    let error = Failure::from_answer(status, body).into_error();
    let code = error.code();
    assert!((1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert!(status < 500 || matches!(error, Error::Unavailable(_)), "what the server has failed may pass");
}

#[cfg(test)]
#[path = "../../../testing/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn seeds() {
    replay::replay("refusal", refusal);
}
