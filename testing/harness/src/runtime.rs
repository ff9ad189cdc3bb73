//! A server of the Lambda Runtime API for one function.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How an invocation ended: with the function's answer, or with the error that it reported.
pub(crate) type Outcome = Result<Bytes, Bytes>;

/// One invocation that the function has not taken yet.
struct Invocation {
    event: Bytes,
    id: Option<String>,
    deadline: SystemTime,
    answer: oneshot::Sender<Outcome>,
}

/// The server and the queue of invocations.
pub(crate) struct Runtime {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    enqueue: mpsc::UnboundedSender<Invocation>,
    queue: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    under_way: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    next_id: AtomicU64,
    /// How long a trace id is at least.
    trace_length: AtomicUsize,
    init: watch::Sender<Option<Result<(), Bytes>>>,
    /// Whether the function waits for an invocation.
    idle: watch::Sender<bool>,
    /// Whether the receipts of answers are held back.
    holds: watch::Sender<bool>,
}

impl Runtime {
    pub(crate) async fn start() -> std::io::Result<Runtime> {
        let (enqueue, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            enqueue,
            queue: AsyncMutex::new(queue),
            under_way: Mutex::default(),
            next_id: AtomicU64::new(1),
            trace_length: AtomicUsize::new(0),
            init: watch::Sender::new(None),
            idle: watch::Sender::new(false),
            holds: watch::Sender::new(false),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            _ = axum::serve(listener, router).await;
        });
        Ok(Runtime { address, shared, server })
    }

    /// Queues an invocation. The receiver gets its outcome, or fails when this server ends. Without an id it is given one.
    pub(crate) fn invoke(&self, event: Bytes, id: Option<String>, timeout: Duration) -> oneshot::Receiver<Outcome> {
        let (answer, answered) = oneshot::channel();
        let deadline = SystemTime::now() + timeout;
        _ = self.shared.enqueue.send(Invocation { event, id, deadline, answer });
        answered
    }

    /// Makes the trace ids of the invocations to come at least this long.
    pub(crate) fn lengthen_trace_ids(&self, length: usize) {
        self.shared.trace_length.store(length, Ordering::Relaxed);
    }

    /// Set at the first request for an invocation, or when the function reports that it could not start.
    pub(crate) fn init(&self) -> watch::Receiver<Option<Result<(), Bytes>>> {
        self.shared.init.subscribe()
    }

    /// Set while the function waits for an invocation.
    pub(crate) fn idle(&self) -> watch::Receiver<bool> {
        self.shared.idle.subscribe()
    }

    /// Holds the receipts of answers back, or lets those go on that were held back.
    pub(crate) fn hold_receipts(&self, holds: bool) {
        self.shared.holds.send_replace(holds);
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The request id of this number.
pub fn request_id(number: u64) -> String {
    format!("8476a536-e9f4-11e8-9739-{number:012x}")
}

/// A trace id as Lambda sends it: another one for each invocation, and filled up with zeros to this length.
fn trace_id(number: u64, length: usize) -> String {
    let trace = format!("Root=1-5bef4de7-{number:024x};Parent={number:016x};Sampled=0;Lineage=1:{number:08x}:0");
    format!("{trace:0<length$}")
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.init.send_if_modified(|init| {
        let first = init.is_none();
        init.get_or_insert(Ok(()));
        first
    });
    shared.idle.send_replace(true);
    let Some(Invocation { event, id, deadline, answer }) = shared.dequeue().await else {
        return StatusCode::GONE.into_response();
    };
    shared.idle.send_replace(false);

    let number = shared.next_id.fetch_add(1, Ordering::Relaxed);
    let id = id.unwrap_or_else(|| request_id(number));
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    shared.under_way().insert(id.clone(), answer);
    let headers = [
        ("content-type", "application/json".into()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:harness".into()),
        ("lambda-runtime-trace-id", trace_id(number, shared.trace_length.load(Ordering::Relaxed))),
    ];
    (headers, event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    let status = shared.finish(&id, Ok(body));
    _ = shared.holds.subscribe().wait_for(|holds| !holds).await;
    status
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    shared.finish(&id, Err(body))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.init.send_replace(Some(Err(body)));
    StatusCode::ACCEPTED
}

impl Shared {
    /// The next invocation that somebody still waits for.
    async fn dequeue(&self) -> Option<Invocation> {
        let mut queue = self.queue.lock().await;
        loop {
            let invocation = queue.recv().await?;
            if !invocation.answer.is_closed() {
                return Some(invocation);
            }
        }
    }

    fn finish(&self, id: &str, outcome: Outcome) -> StatusCode {
        match self.under_way().remove(id) {
            // If the invocation has timed out, nobody waits for its outcome any more.
            Some(answer) => {
                _ = answer.send(outcome);
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{Request, Response};
    use http_body_util::{BodyExt as _, Full};
    use hyper::client::conn::http1::{SendRequest, handshake};
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpStream;

    /// The function's connection to the Runtime API.
    async fn connect(runtime: &Runtime) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(runtime.address).await.unwrap();
        let (function, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        function
    }

    async fn send(
        function: &mut SendRequest<Full<Bytes>>,
        method: &str,
        path: &str,
        body: &'static str,
    ) -> Response<Bytes> {
        let uri = format!("/2018-06-01/runtime/{path}");
        let request = Request::builder().method(method).uri(uri).header("host", "x").body(Full::from(body)).unwrap();
        let (head, body) = function.send_request(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn one_invocation_at_a_time_is_handed_out_and_answered() {
        let runtime = Runtime::start().await.unwrap();
        let first = runtime.invoke("1".into(), None, Duration::from_secs(5));
        drop(runtime.invoke("nobody waits".into(), None, Duration::from_secs(5)));
        let second = runtime.invoke("2".into(), None, Duration::from_secs(5));
        assert!(runtime.init().borrow().is_none());

        let function = async {
            let mut function = connect(&runtime).await;
            for (event, end) in [("1", "response"), ("2", "error")] {
                let next = send(&mut function, "GET", "invocation/next", "").await;
                assert_eq!(next.body(), event.as_bytes());
                let header = |name: &str| next.headers()[name].to_str().unwrap();
                let id = header("lambda-runtime-aws-request-id");
                let deadline: u128 = header("lambda-runtime-deadline-ms").parse().unwrap();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
                assert!((now + 4000..now + 5001).contains(&deadline));
                let path = format!("invocation/{id}/{end}");
                assert_eq!(send(&mut function, "POST", &path, "done").await.status(), 202);
                assert_eq!(send(&mut function, "POST", &path, "twice").await.status(), 400);
            }
        };
        let (first, second, ()) = tokio::join!(first, second, function);
        assert_eq!(first.unwrap(), Ok("done".into()));
        assert_eq!(second.unwrap(), Err("done".into()));
        assert_eq!(*runtime.init().borrow(), Some(Ok(())));
    }

    #[tokio::test]
    async fn each_invocation_has_a_trace_id_of_its_own_as_long_as_it_is_asked_for() {
        let runtime = Runtime::start().await.unwrap();
        let mut function = connect(&runtime).await;
        let mut trace_ids = Vec::new();
        for length in [0, 0, 4096] {
            runtime.lengthen_trace_ids(length);
            let _waits = runtime.invoke("event".into(), None, Duration::from_secs(5));
            let next = send(&mut function, "GET", "invocation/next", "").await;
            trace_ids.push(next.headers()["lambda-runtime-trace-id"].to_str().unwrap().to_owned());
        }
        assert_ne!(trace_ids[0], trace_ids[1]);
        assert_eq!(trace_ids.iter().map(String::len).collect::<Vec<_>>(), [95, 95, 4096]);
    }

    #[tokio::test]
    async fn the_function_is_idle_while_it_waits_for_an_invocation() {
        let runtime = Runtime::start().await.unwrap();
        let mut function = connect(&runtime).await;
        let mut idle = runtime.idle();
        for round in 0..2 {
            assert!(!*idle.borrow(), "{round}");
            let mut answer = None;
            let asks = async {
                idle.wait_for(|idle| *idle).await.unwrap();
                answer = Some(runtime.invoke("event".into(), None, Duration::from_secs(5)));
            };
            tokio::join!(send(&mut function, "GET", "invocation/next", ""), asks);
            assert!(answer.is_some());
            assert!(!*runtime.idle().borrow(), "{round}");
        }
    }

    #[tokio::test]
    async fn the_receipt_of_an_answer_can_be_held_back() {
        let runtime = Runtime::start().await.unwrap();
        let mut function = connect(&runtime).await;
        let answered = runtime.invoke("event".into(), None, Duration::from_secs(5));
        let next = send(&mut function, "GET", "invocation/next", "").await;
        let id = next.headers()["lambda-runtime-aws-request-id"].to_str().unwrap();
        let path = format!("invocation/{id}/response");
        runtime.hold_receipts(true);
        let mut receipt = std::pin::pin!(send(&mut function, "POST", &path, "done"));
        // The caller has the answer, and the function is kept waiting.
        let answered = tokio::select! {
            _ = &mut receipt => panic!("it was not held back"),
            answered = answered => answered.unwrap(),
        };
        assert_eq!(answered, Ok("done".into()));
        let waited = tokio::time::timeout(Duration::from_millis(20), &mut receipt).await;
        assert!(waited.is_err(), "{waited:?}");
        runtime.hold_receipts(false);
        assert_eq!(receipt.await.status(), 202);
    }

    #[tokio::test]
    async fn an_initialisation_error_is_kept() {
        let runtime = Runtime::start().await.unwrap();
        let mut function = connect(&runtime).await;
        send(&mut function, "POST", "init/error", "no table").await;
        assert_eq!(*runtime.init().borrow(), Some(Err("no table".into())));
    }
}
