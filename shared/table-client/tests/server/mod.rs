//! A table that behaves as told, on a port of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    runtime::Runtime,
    task::JoinHandle,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

/// Where all servers run, whichever runtime the test has.
static SERVERS: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// What becomes of a request.
pub enum Act {
    /// An answer, and on to the next.
    Answer(Vec<u8>),
    /// An answer in pieces of so many bytes, and on to the next.
    Pieces(Vec<u8>, usize),
    /// An answer, later.
    Later(Duration, Vec<u8>),
    /// An answer, and soon after it something that nobody asked for.
    AndThen(Vec<u8>, &'static [u8]),
    /// An answer, and the end of the connection.
    Last(Vec<u8>),
    /// The end of the connection.
    Close,
    /// Nothing, ever.
    Hang,
}

/// What has come in.
#[derive(Default)]
pub struct Log {
    pub connections: usize,
    /// Head and body of each request.
    pub requests: Vec<(String, Vec<u8>)>,
}

/// Ends with the test.
pub struct Server {
    pub address: SocketAddr,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Server {
    /// `script` is told the number of the connection, the number of the request on it, and the request's body.
    pub async fn start(script: impl Fn(usize, usize, &[u8]) -> Act + Send + Sync + 'static) -> Server {
        Server::listen(None, script).await
    }

    pub async fn start_tls(
        config: ServerConfig,
        script: impl Fn(usize, usize, &[u8]) -> Act + Send + Sync + 'static,
    ) -> Server {
        Server::listen(Some(TlsAcceptor::from(Arc::new(config))), script).await
    }

    async fn listen(
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize, usize, &[u8]) -> Act + Send + Sync + 'static,
    ) -> Server {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let script = Arc::new(script);
        let task = SERVERS.spawn({
            let log = log.clone();
            async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let connection = {
                        let mut log = log.lock().unwrap();
                        log.connections += 1;
                        log.connections - 1
                    };
                    let (log, script, tls) = (log.clone(), script.clone(), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => serve(stream, connection, &log, &*script).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    serve(stream, connection, &log, &*script).await;
                                }
                            }
                        }
                    });
                }
            }
        });
        Server { address, log, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn https_url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    pub fn requests(&self) -> Vec<(String, Vec<u8>)> {
        self.log.lock().unwrap().requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole and good answer.
pub fn answer(status: u16, body: &[u8]) -> Vec<u8> {
    let checksum = crc32fast::hash(body);
    answer_with(status, &format!("Content-Length: {}\r\nx-amz-crc32: {checksum}\r\n", body.len()), body)
}

pub fn answer_with(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} Whatever\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// DynamoDB's way to say no.
pub fn refusal(status: u16, kind: &str) -> Vec<u8> {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"No."}}"#);
    answer(status, body.as_bytes())
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    log: &Mutex<Log>,
    script: &(impl Fn(usize, usize, &[u8]) -> Act + ?Sized),
) {
    let mut bytes = Vec::new();
    for number in 0.. {
        let Some((head, body)) = receive(&mut stream, &mut bytes).await else { return };
        let act = script(connection, number, &body);
        log.lock().unwrap().requests.push((head, body));
        match act {
            Act::Answer(answer) => send(&mut stream, &answer).await,
            Act::Pieces(answer, length) => {
                for piece in answer.chunks(length) {
                    send(&mut stream, piece).await;
                    tokio::task::yield_now().await;
                }
            }
            Act::Later(delay, answer) => {
                sleep(delay).await;
                send(&mut stream, &answer).await;
            }
            Act::AndThen(answer, more) => {
                send(&mut stream, &answer).await;
                sleep(Duration::from_millis(10)).await;
                send(&mut stream, more).await;
            }
            Act::Last(answer) => {
                send(&mut stream, &answer).await;
                _ = stream.shutdown().await;
                return;
            }
            Act::Close => return,
            Act::Hang => return std::future::pending().await,
        }
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    _ = stream.write_all(bytes).await;
    _ = stream.flush().await;
}

/// One request off the stream; `bytes` holds what was read beyond it.
async fn receive<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            let whole = end + 4 + length.parse::<usize>().unwrap();
            if bytes.len() >= whole {
                let body = bytes[end + 4..whole].to_vec();
                bytes.drain(..whole);
                return Some((head, body));
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}
