//! What the client makes of a table that answers well, badly, late or not at all.

use std::time::Duration;

use crate::server::{Act, Server, answer, answer_with, refusal};
use table_client::{Client, Config, Credentials, Error, Io, Keys};
use tokio::time::{Instant, sleep, timeout};

/// Enough for all; what is not used does not slow a test down.
const SECOND: Duration = Duration::from_secs(1);
/// What a busy machine may take on top.
const SLACK: Duration = Duration::from_millis(500);

fn keys() -> Keys {
    Keys {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: "very secret".to_owned(),
        session_token: Some("token/+=".to_owned()),
    }
}

fn client(url: String, keys: Keys) -> Client {
    let credentials = Credentials::Fixed(keys);
    let io = crate::io(module_path!());
    let config = Config { region: "eu-west-1".to_owned(), endpoint_url: Some(url), ca_bundle: None, credentials, io };
    Client::new(config).unwrap()
}

async fn ask(client: &Client) -> Result<Vec<u8>, Error> {
    client.batch_get_item(b"{}", Instant::now() + SECOND).await
}

/// A server by a script, a client, and what the client says to one call, with the time it took.
async fn asked(
    script: impl Fn(usize, usize, &[u8]) -> Act + Send + Sync + 'static,
) -> (Server, Client, Result<Vec<u8>, Error>, Duration) {
    let server = Server::start(script).await;
    let client = client(server.url(), keys());
    let start = Instant::now();
    let answer = ask(&client).await;
    let took = start.elapsed();
    (server, client, answer, took)
}

fn unavailable(code: &'static str) -> Result<Vec<u8>, Error> {
    Err(Error::Unavailable(code.into()))
}

fn fine() -> Act {
    Act::Answer(answer(200, b"fine"))
}

#[tokio::test]
async fn calls_share_one_connection() {
    let server = Server::start(|_, _, body| Act::Answer(answer(200, body))).await;
    let client = client(server.url(), keys());
    for number in 0..50_usize {
        let body = number.to_string().repeat(number * 50);
        let answer = client.batch_get_item(body.as_bytes(), Instant::now() + SECOND).await;
        assert_eq!(answer.unwrap(), body.as_bytes());
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 50));
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_mix() {
    if crate::io(module_path!()) == Io::Blocking {
        return; // there are none
    }
    let server = Server::start(|_, _, body| Act::Later(Duration::from_millis(5), answer(200, body))).await;
    let client = client(server.url(), keys());
    let call = async |name: &str| {
        for round in 0..5 {
            let body = format!("{name}{round}");
            let answer = client.batch_get_item(body.as_bytes(), Instant::now() + SECOND).await;
            assert_eq!(answer.unwrap(), body.as_bytes());
        }
    };
    tokio::join!(call("a"), call("b"), call("c"));
    assert_eq!(server.requests().len(), 15);
}

#[tokio::test]
async fn a_request_is_signed_as_the_sdk_would() {
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4,
    };

    let (server, ..) = asked(|_, _, _| fine()).await;
    let (head, body) = server.requests().remove(0);
    let header = |name: &str| {
        let start = format!("{name}: ");
        head.lines()
            .find_map(|line| line.strip_prefix(&*start))
            .unwrap_or_else(|| panic!("{name} in {head}"))
            .to_owned()
    };
    assert!(head.starts_with("POST / HTTP/1.1\r\n"));
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.BatchGetItem");
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(header("host"), server.address.to_string());

    let date = chrono::NaiveDateTime::parse_from_str(&header("x-amz-date"), "%Y%m%dT%H%M%SZ").unwrap().and_utc();
    let now = std::time::SystemTime::now();
    let age = now.duration_since(date.into()).unwrap();
    assert!(age < Duration::from_secs(5), "{age:?}");
    let Keys { access_key_id, secret_access_key, session_token } = keys();
    let identity =
        aws_credential_types::Credentials::new(access_key_id, secret_access_key, session_token, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("dynamodb")
        .time(date.into())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let (host, content_type, target) = (header("host"), header("content-type"), header("x-amz-target"));
    let headers = [("content-type", &*content_type), ("host", &*host), ("x-amz-target", &*target)];
    let request = SignableRequest::new("POST", server.url(), headers.into_iter(), SignableBody::Bytes(&body)).unwrap();
    let (signed, _) = sign(request, &params).unwrap().into_parts();
    for (name, value) in signed.headers() {
        assert_eq!(header(name), value);
    }
    assert!(!head.contains("very secret"));
}

#[tokio::test]
async fn a_key_that_is_no_header_is_not_sent() {
    let server = Server::start(|_, _, _| fine()).await;
    for keys in [
        Keys { session_token: Some("a\r\nhost: elsewhere".to_owned()), ..keys() },
        Keys { access_key_id: "a b".to_owned(), ..keys() },
    ] {
        let answer = ask(&client(server.url(), keys)).await;
        assert_eq!(answer, Err(Error::Rejected("MissingCredentials".into())));
    }
    assert_eq!(server.connections(), 0);
}

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
    assert_eq!(ask(&client).await.unwrap(), b"fine");
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
        assert_eq!(ask(&client).await.unwrap(), b"fine");
        sleep(Duration::from_millis(40)).await;
        assert_eq!(ask(&client).await.unwrap(), b"fine");
        assert_eq!((server.connections(), server.requests().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_call_given_up_leaves_nothing_behind_for_the_next() {
    if crate::io(module_path!()) == Io::Blocking {
        return; // nobody is there to give it up
    }
    let server = Server::start(|connection, _, body| match connection {
        0 => Act::Later(Duration::from_millis(60), answer(200, body)),
        _ => Act::Answer(answer(200, body)),
    })
    .await;
    let client = client(server.url(), keys());
    let call = client.batch_get_item(b"first", Instant::now() + SECOND);
    timeout(Duration::from_millis(20), call).await.unwrap_err();
    sleep(Duration::from_millis(60)).await;
    let answer = client.batch_get_item(b"second", Instant::now() + SECOND).await;
    assert_eq!(answer.unwrap(), b"second");
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
    assert_eq!(ask(&client).await.unwrap(), b"fine");
    let took = start.elapsed();
    assert!((Duration::from_millis(400)..Duration::from_millis(400) + SLACK).contains(&took), "{took:?}");
    assert_eq!((server.connections(), server.requests().len()), (2, 3));
    ask(&client).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn the_deadline_holds() {
    let server = Server::start(|_, _, _| Act::Hang).await;
    let client = client(server.url(), keys());
    for millis in [0, 50, 300] {
        let given = Duration::from_millis(millis);
        let start = Instant::now();
        assert_eq!(client.batch_get_item(b"{}", start + given).await, unavailable("Timeout"));
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
        assert_eq!(answer.unwrap(), b"fine", "{number}");
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
        assert_eq!(answer.unwrap(), b"fine");
        assert_eq!((server.connections(), server.requests().len()), (1, 2));
        assert!((Duration::from_millis(25)..Duration::from_millis(50) + SLACK).contains(&took), "{took:?}");
    }
    // There is no time left to leave it alone.
    let server = Server::start(|_, _, _| Act::Answer(refusal(400, "ThrottlingException"))).await;
    let client = client(server.url(), keys());
    let answer = client.batch_get_item(b"{}", Instant::now() + Duration::from_millis(20)).await;
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
    assert_eq!(answer.unwrap(), b"{}");
}

#[tokio::test]
async fn a_server_of_the_old_kind_is_asked_on_a_new_connection_each_time() {
    let server = Server::start(|_, _, _| Act::Last(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec())).await;
    let client = client(server.url(), keys());
    for _ in 0..3 {
        assert_eq!(ask(&client).await.unwrap(), b"{}");
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

#[tokio::test]
async fn a_host_is_found_by_its_name() {
    let server = Server::start(|_, _, _| fine()).await;
    let client = client(format!("http://localhost:{}", server.address.port()), keys());
    assert_eq!(ask(&client).await.unwrap(), b"fine");
}

#[test]
fn a_client_and_its_calls_can_go_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    let client = client("http://127.0.0.1:1".to_owned(), keys());
    is_sync(&client);
    is_send(&client.connect());
    is_send(&client.batch_get_item(b"", Instant::now()));
}

#[test]
fn no_secret_is_shown() {
    let client = client("https://127.0.0.1:1".to_owned(), keys());
    let shown = format!("{client:?}");
    assert!(shown.contains("ASIAEXAMPLE"), "{shown}");
    assert!(!shown.contains("secret") && !shown.contains("token/"), "{shown}");
}

/// The environment of a process cannot be changed safely: another process has another one.
#[test]
fn the_environment_configures_a_client() {
    let config = |variables: &[(&str, &str)]| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("{}::print_config_from_env", module_path!().trim_start_matches("client::")),
                "--ignored",
                "--nocapture",
            ])
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        output.lines().find_map(|line| line.split_once("config: ")).unwrap().1.to_owned()
    };
    assert_eq!(config(&[("AWS_REGION", "")]), "the environment variable AWS_REGION is not set");
    assert_eq!(
        config(&[("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b"), ("AWS_CA_BUNDLE", "")]),
        r#"Config { region: "a", endpoint_url: None, ca_bundle: None, credentials: Environment, io: Blocking }"#
    );
    assert_eq!(
        config(&[("AWS_DEFAULT_REGION", "b"), ("AWS_ENDPOINT_URL", "http://x"), ("AWS_CA_BUNDLE", "/c")]),
        r#"Config { region: "b", endpoint_url: Some("http://x"), ca_bundle: Some("/c"), credentials: Environment, io: Blocking }"#
    );
    assert_eq!(
        config(&[("AWS_REGION", "a"), ("AWS_ENDPOINT_URL", "http://x"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://y")]),
        r#"Config { region: "a", endpoint_url: Some("http://y"), ca_bundle: None, credentials: Environment, io: Blocking }"#
    );
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn print_config_from_env() {
    match Config::from_env() {
        Ok(config) => println!("config: {config:?}"),
        Err(error) => println!("config: {error}"),
    }
}
