//! One HTTP/1.1 connection: opened, asked, and looked at before it is used again.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{
    config::{Config, ConfigError},
    error::Failure,
    tls,
};

/// What an answer may measure. `BatchGetItem` of two small items is far below it.
const MAX_BODY: usize = 1 << 20;
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 32;
/// Room for an ordinary answer, head and body.
const ORDINARY: usize = 4 << 10;

/// Where requests go.
#[derive(Debug)]
pub(crate) struct Endpoint {
    host: String,
    port: u16,
    /// As it stands in the `Host` header.
    authority: String,
    tls: Option<Tls>,
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Endpoint {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let region = &config.region;
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ConfigError::Region);
        }
        let uri: Uri = match &config.endpoint_url {
            Some(url) => url.parse(),
            None => format!("https://dynamodb.{region}.{}", dns_suffix(region)).parse(),
        }
        .map_err(|_| ConfigError::Endpoint)?;
        let authority = uri.authority().ok_or(ConfigError::Endpoint)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(ConfigError::Endpoint),
        };
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(ConfigError::Endpoint);
        }
        let default_port = if is_tls { 443 } else { 80 };
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => default_port,
            None => return Err(ConfigError::Endpoint), // an empty or impossible one
        };
        // an IPv6 address stands in brackets there
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(ConfigError::Endpoint);
        }
        let tls = match is_tls {
            true => Some(Tls {
                connector: TlsConnector::from(Arc::new(tls::client_config(config.ca_bundle.as_deref())?)),
                name: ServerName::try_from(host.clone()).map_err(|_| ConfigError::Endpoint)?,
            }),
            false => None,
        };
        let authority = if port == default_port { authority.host().to_owned() } else { authority.to_string() };
        Ok(Self { host, port, authority, tls })
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// The partitions that are open to the public have two; for any other there is `AWS_ENDPOINT_URL_DYNAMODB`.
fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else if region.starts_with("eusc-") {
        "amazonaws.eu"
    } else {
        "amazonaws.com"
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection, good for one exchange at a time.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    /// Nothing has happened that ends it or leaves in doubt where the next answer begins.
    is_sound: bool,
    /// Some of the answer to the latest request has come.
    has_answered: bool,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Response {
    pub status: u16,
    /// The `x-amz-crc32` header.
    pub checksum: Option<u32>,
    pub body: Vec<u8>,
}

impl Response {
    /// Compares the checksum, if there is one.
    pub fn check(&self) -> Result<(), Failure> {
        match self.checksum {
            Some(checksum) if checksum != crc32fast::hash(&self.body) => Err(Failure::unavailable("ChecksumMismatch")),
            _ => Ok(()),
        }
    }
}

impl Connection {
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Failure> {
        let addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port));
        let addresses: Vec<_> = addresses.await.map_err(|_| Failure::unavailable("DnsFailed"))?.collect();
        let tcp = TcpStream::connect(&*addresses).await.map_err(|_| Failure::unavailable("ConnectFailed"))?;
        // A request is one write: there is nothing to wait for.
        tcp.set_nodelay(true).map_err(|_| Failure::unavailable("ConnectFailed"))?;
        let stream: Box<dyn Stream> = match &endpoint.tls {
            None => Box::new(tcp),
            Some(Tls { connector, name }) => {
                let stream = connector.connect(name.clone(), tcp).await;
                Box::new(stream.map_err(|_| Failure::unavailable("TlsFailed"))?)
            }
        };
        Ok(Self { stream, is_sound: true, has_answered: false })
    }

    /// Sends a request, reads the answer to its end.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response, Failure> {
        // until the answer is there
        self.is_sound = false;
        self.has_answered = false;
        self.send(request).await.map_err(|_| Failure::unavailable("ConnectionLost"))?;

        let mut answer = Vec::with_capacity(ORDINARY);
        let head = loop {
            self.receive(&mut answer).await?;
            if let Some(head) = Head::parse(&answer)? {
                break head;
            }
            if answer.len() > MAX_HEAD {
                return Err(MALFORMED);
            }
        };
        let Some(length) = head.body_length else {
            // Without an end there is no answer, but an error is an error.
            let response = Response { status: head.status, checksum: None, body: Vec::new() };
            return if head.status < 400 { Err(MALFORMED) } else { Ok(response) };
        };
        if length > MAX_BODY {
            return Err(MALFORMED);
        }
        let end = head.length + length;
        answer.reserve(end.saturating_sub(answer.len()));
        while answer.len() < end {
            self.receive(&mut answer).await?;
        }
        self.is_sound = head.keeps_alive && answer.len() == end;
        answer.truncate(end);
        answer.drain(..head.length);
        Ok(Response { status: head.status, checksum: head.checksum, body: answer })
    }

    async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await
    }

    async fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), Failure> {
        match self.stream.read_buf(answer).await {
            Ok(1..) => {
                self.has_answered = true;
                Ok(())
            }
            Ok(0) | Err(_) => Err(Failure::unavailable("ConnectionLost")),
        }
    }

    /// False if nothing has come back for the latest request: the server had closed the connection before it came.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Whether nothing has happened that ends it.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Whether another request may be sent. Between two answers nothing may come: what does is a farewell, if not the end.
    /// Asks no one: what has not been noticed by now shows when the connection is used.
    pub async fn is_usable(&mut self) -> bool {
        if !self.is_sound {
            return false;
        }
        let quiet = |context: &mut Context<'_>| {
            let mut byte = [0];
            let read = Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_pending())
        };
        poll_fn(quiet).await
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_sound", &self.is_sound).finish_non_exhaustive()
    }
}

const MALFORMED: Failure = Failure::unavailable("MalformedResponse");

/// What matters of the first lines of an answer.
struct Head {
    status: u16,
    /// Its own length in bytes.
    length: usize,
    /// None if the answer does not say, or is chunked, which DynamoDB's never are.
    body_length: Option<usize>,
    keeps_alive: bool,
    checksum: Option<u32>,
}

impl Head {
    /// None as long as it is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(MALFORMED),
        };
        let mut head = Self {
            status: response.code.ok_or(MALFORMED)?,
            length,
            body_length: None,
            keeps_alive: response.version == Some(1),
            checksum: None,
        };
        let mut is_encoded = false;
        for header in &*response.headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("content-length") {
                let length = number(header.value).ok_or(MALFORMED)?;
                if head.body_length.replace(length).is_some_and(|earlier| earlier != length) {
                    return Err(MALFORMED);
                }
            } else if is("x-amz-crc32") {
                head.checksum = Some(number(header.value).ok_or(MALFORMED)?);
            } else if is("transfer-encoding") {
                is_encoded = true;
            } else if is("connection") && header.value.to_ascii_lowercase().windows(5).any(|part| part == b"close") {
                head.keeps_alive = false;
            }
        }
        if is_encoded {
            head.body_length = None;
        }
        Ok(Some(head))
    }
}

fn number<N: std::str::FromStr>(value: &[u8]) -> Option<N> {
    // `parse` would take a sign
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Credentials;

    fn endpoint(region: &str, url: Option<&str>) -> Result<Endpoint, ConfigError> {
        Endpoint::new(&Config {
            region: region.to_owned(),
            endpoint_url: url.map(str::to_owned),
            ca_bundle: None,
            credentials: Credentials::Environment,
        })
    }

    #[test]
    fn an_endpoint_is_the_regions_or_the_one_given() {
        for (region, host) in [
            ("eu-west-1", "dynamodb.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "dynamodb.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "dynamodb.eusc-de-east-1.amazonaws.eu"),
        ] {
            let endpoint = endpoint(region, None).unwrap();
            assert_eq!((&*endpoint.host, endpoint.port, &*endpoint.authority), (host, 443, host));
            assert!(endpoint.tls.is_some());
        }
        for (url, host, port, authority, is_tls) in [
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, "127.0.0.1:8000", false),
            ("http://localhost:8000/", "localhost", 8000, "localhost:8000", false),
            ("http://[::1]:8000", "::1", 8000, "[::1]:8000", false),
            ("https://[::1]", "::1", 443, "[::1]", true),
            ("HTTPS://example.org:443/", "example.org", 443, "example.org", true),
            ("http://example.org:443", "example.org", 443, "example.org:443", false),
        ] {
            let endpoint = endpoint("eu-west-1", Some(url)).unwrap();
            assert_eq!((&*endpoint.host, endpoint.port, &*endpoint.authority), (host, port, authority), "{url}");
            assert_eq!(endpoint.tls.is_some(), is_tls, "{url}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "",
            "example.org",
            "example.org:8000",
            "ftp://example.org",
            "https://",
            "https://example.org/path",
            "https://example.org/?query",
            "https://user@example.org",
            "https://user@example.org:443",
            "https://example.org:99999",
            "https://example.org:",
            "https://exa mple.org",
            "https://-_-:1",
        ] {
            assert!(matches!(endpoint("eu-west-1", Some(url)), Err(ConfigError::Endpoint)), "{url}");
        }
        for region in ["", "eu west", "eu-west-1/", "eu-west-1\r\nx: y", "ü"] {
            assert!(matches!(endpoint(region, None), Err(ConfigError::Region)), "{region:?}");
        }
    }

    /// What `exchange` makes of these bytes, which come in pieces, and then the end.
    async fn exchanged(bytes: &[u8], piece: usize) -> (Result<Response, Failure>, bool) {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut connection = Connection { stream: Box::new(ours), is_sound: true, has_answered: false };
        let serve = async {
            let mut request = [0; 4];
            theirs.read_exact(&mut request).await.unwrap();
            for piece in bytes.chunks(piece) {
                if theirs.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            _ = theirs.shutdown().await;
        };
        let ask = async move {
            let response = connection.exchange(b"ask!").await;
            (response, connection.is_sound())
        };
        tokio::join!(ask, serve).0
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_and_no_further() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amz-Crc32: 907060870\r\n\r\nhello";
        for piece in [1, 2, 7, 1000] {
            let (response, is_sound) = exchanged(answer, piece).await;
            let response = response.unwrap();
            assert_eq!((response.status, response.body.as_slice()), (200, b"hello".as_slice()));
            assert_eq!(response.checksum, Some(907_060_870));
            assert_eq!(response.check(), Ok(()));
            assert!(is_sound);
        }
        let (response, is_sound) = exchanged(&[answer.as_slice(), b"more"].concat(), 1000).await;
        assert_eq!(response.unwrap().body, b"hello");
        assert!(!is_sound, "whatever follows would be taken for the next answer");
    }

    #[tokio::test]
    async fn a_connection_is_given_up_when_the_server_says_so() {
        for head in ["HTTP/1.1 200 OK\r\nConnection: Close", "HTTP/1.0 200 OK"] {
            let (response, is_sound) =
                exchanged(format!("{head}\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes(), 1000).await;
            assert_eq!(response.unwrap().body, b"{}");
            assert!(!is_sound, "{head}");
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_refused() {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MAX_HEAD));
        let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "x: y\r\n".repeat(MAX_HEADERS));
        for bytes in [
            "SSH-2.0-OpenSSH_9.9\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 2 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32: 4294967296\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32: none\r\n\r\n{}",
            &long,
            &many,
        ] {
            assert_eq!(exchanged(bytes.as_bytes(), 1000).await.0.unwrap_err(), MALFORMED, "{bytes}");
        }
        for bytes in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"] {
            let failure = exchanged(bytes.as_bytes(), 1000).await.0.unwrap_err();
            assert_eq!(failure, Failure::unavailable("ConnectionLost"), "{bytes}");
        }
        // A balancer's error page may come without a length.
        let (response, is_sound) =
            exchanged(b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 9).await;
        assert_eq!(response.unwrap().status, 503);
        assert!(!is_sound);
    }

    const REFUSAL: &[u8] =
        b"HTTP/1.1 400 No\r\nConnection: keep-alive\r\nContent-Length: 24\r\nX-Amz-Crc32: 1\r\n\r\n{\"__type\":\"x#Throttling\"}";

    proptest! {
        #[test]
        fn no_bytes_make_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            flips in prop::collection::vec((0..REFUSAL.len(), any::<u8>()), 0..4),
            piece in 1..64_usize,
        ) {
            let mut answer = REFUSAL.to_vec();
            for (at, byte) in flips {
                answer[at] = byte;
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for bytes in [answer, bytes] {
                if let (Ok(response), _) = runtime.block_on(exchanged(&bytes, piece)) {
                    _ = response.check();
                    _ = Failure::from_answer(response.status, &response.body);
                }
            }
        }
    }
}
