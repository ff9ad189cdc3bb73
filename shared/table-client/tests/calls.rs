//! What the client sends, with whose key, and what it is configured by.

use std::time::Duration;

use crate::{
    server::{Act, Server, answer},
    support::{SECOND, ask, asked, client, config, fine, keys},
};
use table_client::{Client, ConfigError, Keys, Operation::BatchGetItem};
use tokio::time::Instant;

#[tokio::test]
async fn calls_share_one_connection() {
    let server = Server::start(|_, _, body| Act::Answer(answer(200, body))).await;
    let client = client(server.url(), keys());
    for number in 0..50_usize {
        let body = number.to_string().repeat(number * 50);
        let answer = client.call(BatchGetItem, body.as_bytes(), Instant::now() + SECOND).await;
        assert_eq!(answer.unwrap(), body.as_bytes());
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 50));
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_mix() {
    let server = Server::start(|_, _, body| Act::Later(Duration::from_millis(5), answer(200, body))).await;
    let client = client(server.url(), keys());
    let call = async |name: &str| {
        for round in 0..5 {
            let body = format!("{name}{round}");
            let answer = client.call(BatchGetItem, body.as_bytes(), Instant::now() + SECOND).await;
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

#[test]
fn a_key_that_is_no_header_is_refused() {
    for keys in [
        Keys { session_token: Some("a\r\nhost: elsewhere".to_owned()), ..keys() },
        Keys { access_key_id: "a b".to_owned(), ..keys() },
    ] {
        let client = Client::new(config("http://127.0.0.1:1".to_owned(), keys));
        assert!(matches!(client, Err(ConfigError::Keys)));
    }
}

#[tokio::test]
async fn a_host_is_found_by_its_name() {
    let server = Server::start(|_, _, _| fine()).await;
    let client = client(format!("http://localhost:{}", server.address.port()), keys());
    assert_eq!(ask(&client).await.unwrap(), "fine");
}

#[test]
fn a_client_and_its_calls_can_go_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    let client = client("http://127.0.0.1:1".to_owned(), keys());
    is_sync(&client);
    is_send(&client.connect());
    is_send(&client.call(BatchGetItem, b"", Instant::now()));
}

#[test]
fn no_secret_is_shown() {
    let client = client("https://127.0.0.1:1".to_owned(), keys());
    let shown = format!("{client:?}");
    assert!(shown.contains("ASIAEXAMPLE"), "{shown}");
    assert!(!shown.contains("secret") && !shown.contains("token/"), "{shown}");
}
