//! What the fuzzer asks of this crate: see `testing/fuzz`.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Body, Connection, Failure, Head, MAX_BODY, Response, Stream};

/// The bytes of an answer mean the same however they come in pieces, and nothing is taken that they do not hold.
pub fn answer(data: &[u8]) {
    let (whole, _) = exchanged(data, usize::MAX);
    let (pieces, is_sound) = exchanged(data, 1);
    let Ok(response) = whole else { return assert_eq!(whole.err(), pieces.err()) };
    assert!(pieces.is_ok_and(|pieces| parts(&pieces) == parts(&response)));

    let Ok(Some(head)) = Head::parse(data) else { panic!("an answer without a head") };
    let (lines, body) = data.split_at(head.length);
    let fields = String::from_utf8_lossy(lines).to_ascii_lowercase();
    let values = |wanted: &str| -> Vec<String> {
        let fields = fields.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(name, _)| *name == wanted).map(|(_, value)| value.trim().to_owned()).collect()
    };
    let (lengths, encodings) = (values("content-length"), values("transfer-encoding"));
    match head.body {
        Body::Length(length) => {
            assert_eq!(response.body, body[..length]);
            assert!(encodings.is_empty() && lengths.iter().all(|value| value.parse() == Ok(length)));
        }
        Body::Chunks => {
            assert!(lengths.is_empty() && encodings.iter().all(|value| value == "chunked"));
            assert!(response.body.len() < body.len());
        }
        Body::Unknown => assert!(response.status >= 400 && response.body.is_empty() && !is_sound),
    }
    assert!(response.body.len() <= MAX_BODY && (!is_sound || head.keeps_alive));
    let sum = crc32fast::hash(&response.body);
    assert_eq!(response.check().is_ok(), response.checksum.is_none_or(|checksum| checksum == sum));
    response.for_each_header(|name, _| assert!(!name.is_empty()));
}

fn parts(response: &Response) -> (u16, Option<u32>, &[u8]) {
    (response.status, response.checksum, &response.body)
}

/// What an exchange makes of these bytes, followed by the end.
fn exchanged(bytes: &[u8], piece: usize) -> (Result<Response, Failure>, bool) {
    let mut connection = Connection {
        stream: Stream::Async(Box::new(Canned { bytes: bytes.to_vec(), at: 0, piece })),
        is_sound: true,
        has_answered: false,
    };
    let response = {
        let exchange = pin!(connection.exchange(b"ask", None));
        let Poll::Ready(response) = exchange.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("waits for more than there is");
        };
        response
    };
    (response, connection.is_sound())
}

struct Canned {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
}

impl AsyncRead for Canned {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rest = &self.bytes[self.at..];
        let length = rest.len().min(self.piece).min(into.remaining());
        into.put_slice(&rest[..length]);
        self.at += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Canned {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, request: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(request.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
#[path = "../../../../testing/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn seeds() {
    replay::replay("answer", answer);
}
