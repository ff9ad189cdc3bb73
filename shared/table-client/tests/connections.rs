//! When a connection is kept, and what becomes of the calls that it fails.

use std::time::Duration;

use crate::{
    server::{Act, Server, answer, answer_with, refusal},
    support::{SECOND, SLACK, ask, client, fine, keys, unavailable},
};
use table_client::{Error, Operation::BatchGetItem};
use tokio::time::{Instant, sleep, timeout};

#[tokio::test]
async fn connecting_in_advance_proves_the_connection_with_a_strangers_request() {
    let server = Server::start(|_, _, _| fine()).await;
    let client = client(server.url(), keys());
    client.connect().await.unwrap();
    let (head, _) = server.requests().remove(0);
    assert_eq!(head, format!("GET / HTTP/1.1\r\nhost: {}", server.address));
    ask(&client).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
}

#[tokio::test]
async fn connecting_in_advance_may_end_with_the_connection_closed() {
    let server = Server::start(|connection, _, _| match connection {
        0 => Act::Last(answer_with(403, "Content-Length: 0\r\nConnection: close\r\n", b"")),
        _ => fine(),
    })
    .await;
    let client = client(server.url(), keys());
    client.connect().await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test]
async fn connecting_in_advance_gives_up_and_the_first_call_tries_again() {
    let server = Server::start(|connection, _, _| if connection == 0 { Act::Hang } else { fine() }).await;
    let client = client(server.url(), keys());
    let start = Instant::now();
    assert_eq!(client.connect().await, Err(Error::Unavailable("Timeout".into())));
    assert!(start.elapsed() < SECOND + SLACK);
    ask(&client).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_closed_between_two_calls_costs_no_request() {
    let server = Server::start(|connection, _, _| match connection {
        0 => Act::Last(answer(200, b"fine")),
        _ => fine(),
    })
    .await;
    let client = client(server.url(), keys());
    ask(&client).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    ask(&client).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_connection_closed_under_the_request_costs_no_retry() {
    let server = Server::start(|connection, number, _| match (connection, number) {
        (0, 1) => Act::Close,
        (1, 0) => Act::Answer(refusal(500, "InternalServerError")),
        _ => fine(),
    })
    .await;
    let client = client(server.url(), keys());
    ask(&client).await.unwrap();
    assert_eq!(ask(&client).await.unwrap(), "fine");
    assert_eq!((server.connections(), server.requests().len()), (2, 4));
}

#[tokio::test]
async fn what_comes_unasked_is_not_taken_for_an_answer() {
    const FAREWELL: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for at_once in [false, true] {
        let server = Server::start(move |connection, _, _| match (connection, at_once) {
            (0, false) => Act::AndThen(answer(200, b"fine"), FAREWELL),
            (0, true) => Act::Answer([answer(200, b"fine").as_slice(), FAREWELL].concat()),
            _ => fine(),
        })
        .await;
        let client = client(server.url(), keys());
        assert_eq!(ask(&client).await.unwrap(), "fine");
        sleep(Duration::from_millis(40)).await;
        assert_eq!(ask(&client).await.unwrap(), "fine");
        assert_eq!((server.connections(), server.requests().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_call_given_up_leaves_nothing_behind_for_the_next() {
    let server = Server::start(|connection, _, body| match connection {
        0 => Act::Later(Duration::from_millis(60), answer(200, body)),
        _ => Act::Answer(answer(200, body)),
    })
    .await;
    let client = client(server.url(), keys());
    let call = client.call(BatchGetItem, b"first", Instant::now() + SECOND);
    timeout(Duration::from_millis(20), call).await.unwrap_err();
    sleep(Duration::from_millis(60)).await;
    let answer = client.call(BatchGetItem, b"second", Instant::now() + SECOND).await;
    assert_eq!(answer.unwrap(), "second");
}

#[tokio::test]
async fn a_connection_that_died_unnoticed_is_replaced_in_time() {
    let server = Server::start(|connection, number, _| match (connection, number) {
        (0, 1) => Act::Hang,
        _ => fine(),
    })
    .await;
    let client = client(server.url(), keys());
    ask(&client).await.unwrap();
    let start = Instant::now();
    assert_eq!(ask(&client).await.unwrap(), "fine");
    let took = start.elapsed();
    assert!((Duration::from_millis(400)..Duration::from_millis(400) + SLACK).contains(&took), "{took:?}");
    assert_eq!((server.connections(), server.requests().len()), (2, 3));
    ask(&client).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_server_of_the_old_kind_is_asked_on_a_new_connection_each_time() {
    let server = Server::start(|_, _, _| Act::Last(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec())).await;
    let client = client(server.url(), keys());
    for _ in 0..3 {
        assert_eq!(ask(&client).await.unwrap(), "{}");
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    // holds the port, but does not listen
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let client = client(format!("http://{address}"), keys());
    let start = Instant::now();
    assert_eq!(client.connect().await, Err(Error::Unavailable("ConnectFailed".into())));
    assert_eq!(ask(&client).await, unavailable("ConnectFailed"));
    assert!(start.elapsed() < SLACK);
}
