//! A client, and what the tests ask of it.

use std::time::Duration;

use crate::server::{Act, Server, answer};
use hyper::body::Bytes;
use table_client::{Client, Config, Error, Keys, Operation::BatchGetItem};
use tokio::time::Instant;

/// Enough for all; what is not used does not slow a test down.
pub const SECOND: Duration = Duration::from_secs(1);
/// What a busy machine may take on top.
pub const SLACK: Duration = Duration::from_millis(500);

pub fn keys() -> Keys {
    Keys {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: "very secret".to_owned(),
        session_token: Some("token/+=".to_owned()),
    }
}

pub fn config(url: String, keys: Keys) -> Config {
    Config { region: "eu-west-1".to_owned(), endpoint_url: Some(url), ca_bundle: None, keys }
}

pub fn client(url: String, keys: Keys) -> Client {
    Client::new(config(url, keys)).unwrap()
}

pub async fn ask(client: &Client) -> Result<Bytes, Error> {
    client.call(BatchGetItem, b"{}", Instant::now() + SECOND).await
}

/// A server by a script, a client, and what the client says to one call, with the time it took.
pub async fn asked(
    script: impl Fn(usize, usize, &[u8]) -> Act + Send + Sync + 'static,
) -> (Server, Client, Result<Bytes, Error>, Duration) {
    let server = Server::start(script).await;
    let client = client(server.url(), keys());
    let start = Instant::now();
    let answer = ask(&client).await;
    let took = start.elapsed();
    (server, client, answer, took)
}

pub fn unavailable(code: &'static str) -> Result<Bytes, Error> {
    Err(Error::Unavailable(code.into()))
}

pub fn fine() -> Act {
    Act::Answer(answer(200, b"fine"))
}
