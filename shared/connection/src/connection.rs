//! One HTTP/1.1 connection: opened, asked, and looked at before it is used again.

#[cfg(any(test, fuzzing))]
pub mod fuzzing;

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use memchr::memmem;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use crate::{
    Failure,
    blocking::Blocking,
    endpoint::{Endpoint, Tls},
};

/// What an answer may measure: the table's largest hold 16 MB of items, Lambda's events 6 MB.
const MAX_BODY: usize = 64 << 20;
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 32;
/// What the line in front of a chunk may measure.
const MAX_LINE: usize = 4 << 10;
/// Room for an ordinary answer, head and body.
const ORDINARY: usize = 4 << 10;

const MALFORMED: Failure = Failure("MalformedResponse");
pub(crate) const TIMEOUT: Failure = Failure("Timeout");

/// What a thread does while an answer is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Io {
    /// Whatever other tasks it has.
    Async,
    /// Nothing: it sleeps in the system call. Fewer of these than with an event loop, where there is nothing else to do.
    Blocking,
}

trait AsyncStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> AsyncStream for S {}

enum Stream {
    Async(Box<dyn AsyncStream>),
    Blocking(Blocking),
}

/// A connection, good for one exchange at a time.
pub struct Connection {
    stream: Stream,
    /// Nothing has happened that ends it or leaves in doubt where the next answer begins.
    is_sound: bool,
    /// Some of the answer to the latest request has come.
    has_answered: bool,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    head: Vec<u8>,
    /// The body, decoded if it came in chunks.
    pub body: Vec<u8>,
    checksum: Option<u32>,
}

impl Response {
    /// Compares the body with the `x-amz-crc32` header, if there is one.
    ///
    /// # Errors
    /// They differ.
    pub fn check(&self) -> Result<(), Failure> {
        match self.checksum {
            Some(checksum) if checksum != crc32fast::hash(&self.body) => Err(Failure("ChecksumMismatch")),
            _ => Ok(()),
        }
    }

    /// Calls `each` with name and value of every header.
    pub fn for_each_header(&self, mut each: impl FnMut(&str, &[u8])) {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        if response.parse(&self.head).is_ok() {
            response.headers.iter().for_each(|header| each(header.name, header.value));
        }
    }
}

impl Connection {
    /// A new one. `io` says what its thread does while it waits.
    ///
    /// # Errors
    /// There is no such server, it takes no connection, or it is not whom it claims to be.
    pub async fn open(endpoint: &Endpoint, io: Io, deadline: Option<Instant>) -> Result<Self, Failure> {
        let addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port));
        let addresses: Vec<_> = addresses.await.map_err(|_| Failure("DnsFailed"))?.collect();
        let tcp = TcpStream::connect(&*addresses).await.map_err(|_| Failure("ConnectFailed"))?;
        // A request is one write: there is nothing to wait for.
        tcp.set_nodelay(true).map_err(|_| Failure("ConnectFailed"))?;
        let stream = match (io, &endpoint.tls) {
            (Io::Async, None) => Ok(Stream::Async(Box::new(tcp))),
            (Io::Async, Some(Tls { connector, name })) => {
                connector.connect(name.clone(), tcp).await.map(|stream| Stream::Async(Box::new(stream)))
            }
            (Io::Blocking, tls) => Blocking::new(tcp, tls.as_ref(), deadline).map(Stream::Blocking),
        };
        let stream = stream.map_err(|error| because(&error, "TlsFailed"))?;
        Ok(Self { stream, is_sound: true, has_answered: false })
    }

    /// Sends a request, reads the answer to its end. A connection that blocks sees to the deadline itself.
    ///
    /// # Errors
    /// The connection ended, or what came is no answer, or it came too late.
    pub async fn exchange(&mut self, request: &[u8], deadline: Option<Instant>) -> Result<Response, Failure> {
        // until the answer is there
        self.is_sound = false;
        self.has_answered = false;
        self.send(request, deadline).await.map_err(|error| because(&error, "ConnectionLost"))?;

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
        let start = head.length;
        let (body, end) = match head.body {
            Body::Length(length) if length > MAX_BODY => return Err(MALFORMED),
            Body::Length(length) => {
                let end = start + length;
                answer.reserve(end.saturating_sub(answer.len()));
                while answer.len() < end {
                    self.receive(&mut answer).await?;
                }
                (answer[start..end].to_vec(), end)
            }
            Body::Chunks => self.chunks(&mut answer, start).await?,
            // Without an end there is no answer, but an error is an error.
            Body::Unknown if head.status < 400 => return Err(MALFORMED),
            Body::Unknown => {
                answer.truncate(start);
                return Ok(Response { status: head.status, head: answer, body: Vec::new(), checksum: None });
            }
        };
        self.is_sound = head.keeps_alive && answer.len() == end;
        answer.truncate(start);
        Ok(Response { status: head.status, head: answer, body, checksum: head.checksum })
    }

    /// The body that begins at `at`, out of its chunks, and where it ends.
    async fn chunks(&mut self, answer: &mut Vec<u8>, mut at: usize) -> Result<(Vec<u8>, usize), Failure> {
        let mut body = Vec::new();
        loop {
            let (line, size) = match httparse::parse_chunk_size(&answer[at..]) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) if answer.len() - at <= MAX_LINE => {
                    self.receive(answer).await?;
                    continue;
                }
                _ => return Err(MALFORMED),
            };
            at += line;
            if size == 0 {
                break;
            }
            let size = usize::try_from(size).ok().filter(|size| body.len().saturating_add(*size) <= MAX_BODY);
            let end = at + size.ok_or(MALFORMED)?;
            while answer.len() < end + 2 {
                self.receive(answer).await?;
            }
            if answer[end..end + 2] != *b"\r\n" {
                return Err(MALFORMED);
            }
            body.extend_from_slice(&answer[at..end]);
            at = end + 2;
        }
        // What may follow the last chunk, up to an empty line, is of no interest.
        let most = at + MAX_HEAD;
        loop {
            match memmem::find(&answer[at..], b"\r\n") {
                Some(0) => return Ok((body, at + 2)),
                Some(length) => at += length + 2,
                None if answer.len() < most => self.receive(answer).await?,
                None => return Err(MALFORMED),
            }
        }
    }

    async fn send(&mut self, request: &[u8], deadline: Option<Instant>) -> io::Result<()> {
        match &mut self.stream {
            Stream::Async(stream) => {
                stream.write_all(request).await?;
                stream.flush().await
            }
            Stream::Blocking(stream) => stream.send(request, deadline),
        }
    }

    async fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), Failure> {
        let received = match &mut self.stream {
            Stream::Async(stream) => stream.read_buf(answer).await,
            Stream::Blocking(stream) => stream.receive(answer),
        };
        match received {
            Ok(1..) => {
                self.has_answered = true;
                Ok(())
            }
            Ok(0) => Err(Failure("ConnectionLost")),
            Err(error) => Err(because(&error, "ConnectionLost")),
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
    /// Waits for nothing: what has not been noticed by now shows when the connection is used.
    pub async fn is_usable(&mut self) -> bool {
        if !self.is_sound {
            return false;
        }
        match &mut self.stream {
            Stream::Async(stream) => {
                let mut byte = [0];
                let mut look = |context: &mut Context<'_>| {
                    Poll::Ready(Pin::new(&mut *stream).poll_read(context, &mut ReadBuf::new(&mut byte)).is_pending())
                };
                poll_fn(&mut look).await
            }
            Stream::Blocking(stream) => stream.is_quiet(),
        }
    }
}

fn because(error: &io::Error, otherwise: &'static str) -> Failure {
    if error.kind() == io::ErrorKind::TimedOut { TIMEOUT } else { Failure(otherwise) }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_sound", &self.is_sound).finish_non_exhaustive()
    }
}

/// What matters of the first lines of an answer.
struct Head {
    status: u16,
    /// Its own length in bytes.
    length: usize,
    body: Body,
    keeps_alive: bool,
    checksum: Option<u32>,
}

/// How the end of a body is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunks,
    Unknown,
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
            body: Body::Unknown,
            keeps_alive: response.version == Some(1),
            checksum: None,
        };
        if head.status == 204 {
            head.body = Body::Length(0);
        }
        for header in &*response.headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("content-length") || is("transfer-encoding") {
                let body = if is("content-length") {
                    Body::Length(number(header.value).ok_or(MALFORMED)?)
                } else if header.value.eq_ignore_ascii_case(b"chunked") {
                    Body::Chunks
                } else {
                    return Err(MALFORMED);
                };
                // two that differ: whom to believe?
                if head.body != Body::Unknown && head.body != body {
                    return Err(MALFORMED);
                }
                head.body = body;
            } else if is("x-amz-crc32") {
                head.checksum = Some(number(header.value).ok_or(MALFORMED)?);
            } else if is("connection") && header.value.to_ascii_lowercase().windows(5).any(|part| part == b"close") {
                head.keeps_alive = false;
            }
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

    /// What `exchange` makes of these bytes, which come in pieces, and then the end.
    async fn exchanged(bytes: &[u8], piece: usize) -> (Result<Response, Failure>, bool) {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut connection = Connection { stream: Stream::Async(Box::new(ours)), is_sound: true, has_answered: false };
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
            let response = connection.exchange(b"ask!", None).await;
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
        let endless = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}", "x".repeat(2 * MAX_HEAD));
        for bytes in [
            "SSH-2.0-OpenSSH_9.9\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 2 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000001\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32: 4294967296\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32: none\r\n\r\n{}",
            "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
            &long,
            &many,
            &endless,
        ] {
            assert_eq!(exchanged(bytes.as_bytes(), 1000).await.0.unwrap_err(), MALFORMED, "{bytes}");
        }
        for bytes in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n",
        ] {
            let failure = exchanged(bytes.as_bytes(), 1000).await.0.unwrap_err();
            assert_eq!(failure, Failure("ConnectionLost"), "{bytes}");
        }
        // A balancer's error page may come without a length.
        let (response, is_sound) = exchanged(b"HTTP/1.1 503 No\r\n\r\nsorry", 9).await;
        assert_eq!(response.unwrap().status, 503);
        assert!(!is_sound);
    }

    #[tokio::test]
    async fn an_answer_may_come_in_chunks() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nX: y\r\n\r\n\
            2\r\nhe\r\n3;name=value\r\nllo\r\n0\r\nTrailer: z\r\n\r\n";
        for piece in [1, 2, 7, 1000] {
            let (response, is_sound) = exchanged(answer, piece).await;
            let response = response.unwrap();
            assert_eq!(response.body, b"hello");
            assert!(is_sound);
            let mut headers = Vec::new();
            response.for_each_header(|name, value| headers.push((name.to_owned(), value.to_owned())));
            let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_owned());
            assert_eq!(headers, [header("Transfer-Encoding", "Chunked"), header("X", "y")]);
        }
        let (response, is_sound) = exchanged(&[answer.as_slice(), b"more"].concat(), 1000).await;
        assert_eq!(response.unwrap().body, b"hello");
        assert!(!is_sound);
        let (response, is_sound) = exchanged(b"HTTP/1.1 204 No Content\r\n\r\n", 1000).await;
        assert_eq!((response.unwrap().status, is_sound), (204, true));
    }

    const CHUNKS: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: z\r\n\r\n";
    const REFUSAL: &[u8] =
        b"HTTP/1.1 400 No\r\nConnection: keep-alive\r\nContent-Length: 24\r\nX-Amz-Crc32: 1\r\n\r\n{\"__type\":\"x#Throttling\"}";

    proptest! {
        #[test]
        fn no_bytes_make_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            flips in prop::collection::vec((0..CHUNKS.len(), any::<u8>()), 0..4),
            piece in 1..64_usize,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for answer in [CHUNKS, REFUSAL, &bytes] {
                let mut answer = answer.to_vec();
                for (at, byte) in &flips {
                    if let Some(place) = answer.get_mut(*at) {
                        *place = *byte;
                    }
                }
                if let (Ok(response), _) = runtime.block_on(exchanged(&answer, piece)) {
                    _ = response.check();
                    response.for_each_header(|_, _| {});
                }
            }
        }
    }
}
