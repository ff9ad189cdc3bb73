//! What counts as an answer, whatever its form on the wire.

use std::time::Duration;

use crate::{
    server::{Act, Server, answer_with},
    support::{SECOND, ask, asked, client, fine, keys},
};
use proptest::prelude::*;
use table_client::{Error, Operation::BatchGetItem};
use tokio::time::Instant;

#[tokio::test]
async fn an_answer_is_read_to_its_end_and_no_further() {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amz-Crc32: 907060870\r\n\r\nhello";
    for piece in [1, 2, 7, 1000] {
        let server = Server::start(move |_, _, _| Act::Pieces(ANSWER.to_vec(), piece)).await;
        let client = client(server.url(), keys());
        for _ in 0..2 {
            assert_eq!(ask(&client).await.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.requests().len()), (1, 2));
    }
    // Whatever follows would be taken for the next answer, so there is none on this connection.
    let server = Server::start(|connection, _, _| match connection {
        0 => Act::Answer([ANSWER, b"more"].concat()),
        _ => fine(),
    })
    .await;
    let client = client(server.url(), keys());
    assert_eq!(ask(&client).await.unwrap(), "hello");
    assert_eq!(ask(&client).await.unwrap(), "fine");
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test]
async fn an_answer_may_come_in_chunks() {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nX: y\r\n\r\n\
        2\r\nhe\r\n3;name=value\r\nllo\r\n0\r\nTrailer: z\r\n\r\n";
    for piece in [1, 2, 7, 1000] {
        let server = Server::start(move |_, _, _| Act::Pieces(ANSWER.to_vec(), piece)).await;
        let client = client(server.url(), keys());
        for _ in 0..2 {
            assert_eq!(ask(&client).await.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.requests().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_connection_is_given_up_when_the_server_says_so() {
    for head in ["HTTP/1.1 200 OK\r\nConnection: Close", "HTTP/1.0 200 OK"] {
        let server =
            Server::start(move |_, _, _| Act::Answer(format!("{head}\r\nContent-Length: 2\r\n\r\n{{}}").into_bytes()))
                .await;
        let client = client(server.url(), keys());
        for _ in 0..2 {
            assert_eq!(ask(&client).await.unwrap(), "{}");
        }
        assert_eq!((server.connections(), server.requests().len()), (2, 2), "{head}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\n{{}}", "x".repeat(32 << 10));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\n{{}}", "x: y\r\n".repeat(1000));
    for (bytes, code) in [
        ("SSH-2.0-OpenSSH_9.9\r\n", "MalformedResponse"),
        ("HTTP/2 200 OK\r\n\r\n", "MalformedResponse"),
        ("HTTP/1.1 2 OK\r\n\r\n", "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\n\r\n", "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n{}", "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}", "MalformedResponse"),
        (&long, "MalformedResponse"),
        (&many, "MalformedResponse"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n{}", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\r\n0\r\n\r\n", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "ConnectionLost"),
        ("", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\n", "ConnectionLost"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n", "ConnectionLost"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32: 4294967296\r\n\r\n{}", "ChecksumMismatch"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32: none\r\n\r\n{}", "ChecksumMismatch"),
    ] {
        let bytes = bytes.to_owned();
        let (server, _, answer, took) = asked({
            let bytes = bytes.clone();
            move |_, _, _| Act::Last(bytes.clone().into_bytes())
        })
        .await;
        assert_eq!(answer, Err(Error::Unavailable(code.into())), "{bytes}");
        assert!(took < SECOND, "{bytes}: {took:?}");
        assert_eq!(server.requests().len(), 2, "{bytes}");
    }
    // A balancer's error page may come without a length.
    let (_, _, answer, _) = asked(|_, _, _| Act::Answer(answer_with(503, "", b"sorry"))).await;
    assert_eq!(answer, Err(Error::Unavailable("Http503".into())));
}

const CHUNKS: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: z\r\n\r\n";
const REFUSAL: &[u8] = b"HTTP/1.1 400 No\r\nConnection: keep-alive\r\nContent-Length: 24\r\nX-Amz-Crc32: 1\r\n\r\n\
    {\"__type\":\"x#Throttling\"}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_panic_or_a_delay(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        flips in prop::collection::vec((0..CHUNKS.len(), any::<u8>()), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for answer in [CHUNKS, REFUSAL, &bytes] {
            let mut answer = answer.to_vec();
            for (at, byte) in &flips {
                if let Some(place) = answer.get_mut(*at) {
                    *place = *byte;
                }
            }
            runtime.block_on(async {
                let server = Server::start(move |_, _, _| Act::Last(answer.clone())).await;
                let client = client(server.url(), keys());
                let start = Instant::now();
                _ = client.call(BatchGetItem, b"{}", start + Duration::from_millis(300)).await;
                assert!(start.elapsed() < SECOND);
            });
        }
    }
}
