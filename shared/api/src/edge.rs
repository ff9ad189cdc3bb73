//! The lock of an edge in front of the functions, which `infra/edge.yaml` makes. If the environment has `EDGE_SECRET`, a request
//! must show the same text in the header `x-edge-secret`, which CloudFront adds. Otherwise its credential does not count.

use std::{env, sync::LazyLock};

/// The header that CloudFront adds.
pub(crate) const HEADER: &str = "x-edge-secret";

static SECRET: LazyLock<Option<String>> =
    LazyLock::new(|| env::var("EDGE_SECRET").ok().filter(|secret| !secret.is_empty()));

/// Whether a request with this value in the header came through the edge, or there is no edge.
pub(crate) fn admits(shown: Option<&[u8]>) -> bool {
    SECRET.as_deref().is_none_or(|secret| is_same(secret.as_bytes(), shown.unwrap_or_default()))
}

/// Takes the same time wherever the two differ, so that the time says nothing about the secret but its length.
fn is_same(secret: &[u8], shown: &[u8]) -> bool {
    let differences = secret.iter().zip(shown).fold(0, |differences, (left, right)| differences | (left ^ right));
    differences == 0 && secret.len() == shown.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_the_same() {
        assert!(is_same(b"0123456789abcdef", b"0123456789abcdef"));
        for other in
            [&b""[..], b"0", b"0123456789abcde", b"0123456789abcdefg", b"0123456789abcdeF", b"1123456789abcdef"]
        {
            assert!(!is_same(b"0123456789abcdef", other), "{other:?}");
        }
    }

    #[test]
    fn without_an_edge_everybody_may_come() {
        assert!(admits(None) && admits(Some(b"x")));
    }
}
