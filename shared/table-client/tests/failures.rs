//! What the client makes of a table that answers badly, late or not at all.

use std::time::Duration;

use crate::{
    server::{Act, Server, answer, answer_with, refusal},
    support::{SECOND, SLACK, ask, asked, client, fine, keys, unavailable},
};
use table_client::{
    Error,
    Operation::{BatchGetItem, BatchWriteItem},
};
use tokio::time::Instant;

#[tokio::test]
async fn the_deadline_holds() {
    let server = Server::start(|_, _, _| Act::Hang).await;
    let client = client(server.url(), keys());
    for millis in [0, 50, 300] {
        let given = Duration::from_millis(millis);
        let start = Instant::now();
        assert_eq!(client.call(BatchGetItem, b"{}", start + given).await, unavailable("Timeout"));
        let took = start.elapsed();
        assert!((given..given + SLACK).contains(&took), "{millis} ms: {took:?}");
    }
}

#[tokio::test]
async fn the_deadline_holds_for_an_answer_that_trickles() {
    let (server, _, answer, took) =
        asked(|_, _, _| Act::AndThen(answer_with(200, "Content-Length: 100\r\n", b"not"), b"all of it")).await;
    assert_eq!(answer, unavailable("Timeout"));
    assert!((SECOND..SECOND + SLACK).contains(&took), "{took:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn one_failure_is_made_good_by_one_retry() {
    let failures: [fn() -> Act; 9] = [
        || Act::Close,
        || Act::Answer(answer_with(503, "", b"<html>")),
        || Act::Answer(answer_with(502, "Transfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
        || Act::Answer(answer(504, b"")),
        || Act::Answer(refusal(500, "InternalServerError")),
        || Act::Answer(answer_with(200, "Content-Length: 4\r\nx-amz-crc32: 1\r\n", b"evil")),
        || Act::Last(answer_with(200, "Content-Length: 100\r\n", b"{\"Responses\":{")),
        || Act::Answer(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        || Act::Answer(answer(408, b"")),
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        let first = std::sync::atomic::AtomicBool::new(true);
        let is_first = move || first.swap(false, std::sync::atomic::Ordering::Relaxed);
        let (server, _, answer, took) = asked(move |_, _, _| if is_first() { failure() } else { fine() }).await;
        assert_eq!(answer.unwrap(), "fine", "{number}");
        assert_eq!(server.requests().len(), 2, "{number}");
        assert!(took < SLACK, "{number}: {took:?}");
    }
}

#[tokio::test]
async fn there_is_no_second_retry() {
    type Fail = fn() -> Act;
    let failures: [(Fail, &str); 8] = [
        (|| Act::Close, "ConnectionLost"),
        (|| Act::Answer(answer_with(503, "", b"<html>")), "Http503"),
        (|| Act::Answer(refusal(500, "InternalServerError")), "InternalServerError"),
        (|| Act::Answer(refusal(400, "ThrottlingException")), "ThrottlingException"),
        (|| Act::Answer(answer(429, b"")), "Http429"),
        (|| Act::Answer(answer_with(200, "Content-Length: 4\r\nx-amz-crc32: 1\r\n", b"evil")), "ChecksumMismatch"),
        (|| Act::Last(answer_with(200, "Content-Length: 100\r\n", b"{\"Responses\":{")), "ConnectionLost"),
        (|| Act::Answer(answer_with(200, "", b"{}")), "MalformedResponse"),
    ];
    for (failure, code) in failures {
        let (server, _, answer, _) = asked(move |_, _, _| failure()).await;
        assert_eq!(answer, unavailable(code));
        assert_eq!(server.requests().len(), 2, "{code}");
    }
}

#[tokio::test]
async fn a_table_that_throttles_is_left_alone_for_a_moment() {
    for kind in ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"] {
        let (server, _, answer, took) =
            asked(move |_, number, _| if number == 0 { Act::Answer(refusal(400, kind)) } else { fine() }).await;
        assert_eq!(answer.unwrap(), "fine");
        assert_eq!((server.connections(), server.requests().len()), (1, 2));
        assert!((Duration::from_millis(25)..Duration::from_millis(50) + SLACK).contains(&took), "{took:?}");
    }
    // There is no time left to leave it alone.
    let server = Server::start(|_, _, _| Act::Answer(refusal(400, "ThrottlingException"))).await;
    let client = client(server.url(), keys());
    let answer = client.call(BatchGetItem, b"{}", Instant::now() + Duration::from_millis(20)).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_will_not_change_is_not_tried_again() {
    for kind in [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ValidationException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "InvalidSignatureException",
    ] {
        let (server, client, answer, _) = asked(move |_, _, _| Act::Answer(refusal(400, kind))).await;
        assert_eq!(answer, Err(Error::Rejected(kind.into())));
        assert_eq!(server.requests().len(), 1);
        // It says no, but it is well.
        ask(&client).await.unwrap_err();
        assert_eq!((server.connections(), server.requests().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_checksum_is_compared_if_there_is_one() {
    let (_, _, answer, _) = asked(|_, _, _| Act::Answer(answer_with(200, "Content-Length: 2\r\n", b"{}"))).await;
    assert_eq!(answer.unwrap(), "{}");
}

#[tokio::test]
async fn a_call_that_was_given_up_takes_the_connection_with_it() {
    let server =
        Server::start(|connection, number, _| if (connection, number) == (0, 0) { fine() } else { Act::Hang }).await;
    let client = client(server.url(), keys());
    assert!(!client.is_connected());
    ask(&client).await.unwrap();
    assert!(client.is_connected());
    let given_up = client.call(BatchWriteItem, b"{}", Instant::now() + Duration::from_millis(30)).await;
    assert_eq!((given_up, client.is_connected()), (unavailable("Timeout"), false));
    let (head, _) = server.requests().remove(1);
    assert!(head.contains("x-amz-target: DynamoDB_20120810.BatchWriteItem\r\n"), "{head}");
}
