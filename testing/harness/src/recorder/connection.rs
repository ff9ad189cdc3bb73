//! One connection of a client through the recorder. hyper reads the requests and writes the answers. When the connection
//! is to end, hyper hands the socket back, so that it can be closed or reset.

use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use axum::http::{Request as HttpRequest, Response, StatusCode};
use futures_util::stream::{self, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::{Request, Shared};
use crate::fault::{Cut, Fault};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A connection to the table, kept for the next request of the same client.
type Upstream = SendRequest<Full<Bytes>>;

/// A request that the table is working on. It is finished whatever becomes of the connection that it came on.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.under_way.send_modify(|requests| *requests += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|requests| *requests -= 1);
    }
}

/// Takes connections until the task is aborted.
pub(super) async fn serve(listener: TcpListener, table: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        _ = client.set_nodelay(true);
        let number = {
            let mut state = shared.state();
            state.connections += 1;
            if state.refuses() {
                _ = client.set_zero_linger();
                continue;
            }
            state.connections - 1
        };
        let connection = Connection {
            number,
            table,
            shared: Arc::clone(&shared),
            upstream: Mutex::default(),
            is_silent: AtomicBool::new(false),
            closes: AtomicBool::new(false),
        };
        tokio::spawn(Arc::new(connection).run(client));
    }
}

/// One connection of a client.
struct Connection {
    number: usize,
    table: SocketAddr,
    shared: Arc<Shared>,
    upstream: Mutex<Option<Upstream>>,
    /// Whether requests are only recorded, and never answered.
    is_silent: AtomicBool,
    /// Whether an answer that fails ends the connection by a close. Otherwise it is reset.
    closes: AtomicBool,
}

impl Connection {
    async fn run(self: Arc<Self>, client: TcpStream) {
        let mut cut = self.shared.cut.subscribe();
        // Boxed, since hyper hands the socket back only if the future can be moved.
        let service = hyper::service::service_fn(|request| Box::pin(Arc::clone(&self).answer(request)));
        let mut http = hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(client), service);
        let is_reset = loop {
            tokio::select! {
                biased;
                Ok(()) = cut.changed() => match *cut.borrow_and_update() {
                    Cut::Silence => self.is_silent.store(true, Ordering::Relaxed),
                    Cut::Close => break false,
                    Cut::Reset => break true,
                },
                ended = poll_fn(|context| http.poll_without_shutdown(context)) => {
                    break ended.is_err() && !self.closes.load(Ordering::Relaxed);
                }
            }
        };
        let client = http.into_parts().io.into_inner();
        if is_reset {
            // Makes the close, which follows, a reset.
            _ = client.set_zero_linger();
        }
    }

    /// The answer to one request. An error ends the connection.
    async fn answer(self: Arc<Self>, request: HttpRequest<Incoming>) -> Result<Response<Body>, Error> {
        let answer = self.pass_on(request).await;
        if self.is_silent.load(Ordering::Relaxed) { pending().await } else { answer }
    }

    async fn pass_on(&self, request: HttpRequest<Incoming>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let mut request = HttpRequest::from_parts(head, body.collect().await?.to_bytes());
        let seen = Request::read(self.number, request.headers(), request.body());
        if self.is_silent.load(Ordering::Relaxed) {
            self.shared.state().requests.push(seen);
            return pending().await;
        }
        let token = seen.body["ClientRequestToken"].as_str().map(str::to_owned);
        let (fault, at, asking) = {
            let mut state = self.shared.state();
            let fault = state.fault(&seen.operation, token.as_deref());
            // An answer without any text cannot be corrupted: that fault is counted when it has happened.
            state.faults.extend(fault.clone().filter(|fault| *fault != Fault::CorruptBody));
            let asking = state.measures.then(|| asking_for_capacity(seen.body.clone()));
            state.requests.push(seen);
            (fault, state.requests.len() - 1, asking)
        };
        let measures = asking.is_some();
        if let Some(body) = asking {
            *request.body_mut() = body;
            let length = request.body().len().into();
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let mut delay = Duration::ZERO;
        match &fault {
            Some(Fault::Refuse | Fault::ResetBefore) => return Err("reset before the table saw the request".into()),
            // Ends when the client closes the connection.
            Some(Fault::BlackHole) => return pending().await,
            Some(Fault::Answer { status, body }) => return made_up(*status, body),
            Some(Fault::Delay(time)) => delay = *time,
            _ => {}
        }
        let mut answer = self.forward(request, token, delay).await?;
        if measures && let Some(request) = self.shared.state().requests.get_mut(at) {
            request.capacity = capacity(answer.body());
        }
        match &fault {
            Some(Fault::ResetAfter) => return Err("reset before the client saw the answer".into()),
            Some(Fault::DelayAnswer(time)) => tokio::time::sleep(*time).await,
            Some(Fault::TruncateBody) => {
                self.closes.store(true, Ordering::Relaxed);
                return Ok(answer.map(first_half));
            }
            Some(Fault::CorruptBody) => {
                if let Some(body) = corrupt(answer.body()) {
                    *answer.body_mut() = body;
                    self.shared.state().faults.push(Fault::CorruptBody);
                }
            }
            Some(Fault::WrongChecksum) if answer.headers().contains_key(CHECKSUM) => {
                answer.headers_mut().insert(CHECKSUM, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        Ok(answer.map(Body::from))
    }

    /// The table's answer. The request is sent in a task of its own, which goes on when the client has given up.
    async fn forward(
        &self,
        request: HttpRequest<Bytes>,
        token: Option<String>,
        delay: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let under_way = UnderWay::new(&self.shared);
        let (table, upstream) = (self.table, self.upstream.lock().await.take());
        let task = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let (upstream, answer) = ask(upstream, table, request.map(Full::new)).await?;
            if answer.status() == StatusCode::OK {
                under_way.0.state().carried_out.extend(token);
            }
            Ok::<_, Error>((upstream, answer))
        });
        let (upstream, answer) = task.await??;
        *self.upstream.lock().await = Some(upstream);
        Ok(answer)
    }
}

/// Sends a request to the table, over the connection that is there or a new one.
async fn ask(
    upstream: Option<Upstream>,
    table: SocketAddr,
    request: HttpRequest<Full<Bytes>>,
) -> Result<(Upstream, Response<Bytes>), Error> {
    let mut upstream = match upstream.filter(|upstream| !upstream.is_closed()) {
        Some(upstream) => upstream,
        None => {
            let stream = TcpStream::connect(table).await?;
            stream.set_nodelay(true)?;
            let (upstream, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            upstream
        }
    };
    upstream.ready().await?;
    let (mut head, body) = upstream.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    // The body is sent on in one piece.
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    Ok((upstream, Response::from_parts(head, body)))
}

/// The header of an answer's checksum.
const CHECKSUM: &str = "x-amz-crc32";

fn asking_for_capacity(mut body: Value) -> Bytes {
    if let Some(body) = body.as_object_mut() {
        body.insert("ReturnConsumedCapacity".into(), "TOTAL".into());
    }
    body.to_string().into()
}

/// The capacity units that an answer says were consumed: of the table, or the sum over several tables.
fn capacity(answer: &[u8]) -> Option<f64> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64();
    match answer.get("ConsumedCapacity")? {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

fn made_up(status: u16, body: &str) -> Result<Response<Body>, Error> {
    let answer = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "FAULT")
        .body(Body::from(body.to_owned()))?;
    Ok(answer)
}

/// The first half of a body, and then an error, which ends the connection. In between hyper gets the time to send the half.
fn first_half(body: Bytes) -> Body {
    let half = stream::iter([Ok(body.slice(..body.len() / 2))]);
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Err("the body is cut off")
    });
    Body::from_stream(half.chain(end))
}

/// The body with one bit changed in the first letter or digit, in a stored text if there is one: `a` to `c`, `1` to `3`.
/// None if there is no letter and no digit.
fn corrupt(body: &[u8]) -> Option<Bytes> {
    const TEXT: &[u8] = br#"{"S":""#;
    let mut body = body.to_vec();
    let text = body.windows(TEXT.len()).position(|window| window == TEXT).map_or(0, |start| start + TEXT.len());
    let character = body[text..].iter_mut().find(|byte| byte.is_ascii_alphanumeric())?;
    *character ^= 2;
    Some(body.into())
}
