//! The Lambda Runtime API: the next event, and what became of it. Left out, because no function needs it: streamed responses,
//! several invocations at a time, the context but for the request's id.
//!
//! `lambda_runtime` is not used because it puts each call's trace id into the environment (`_X_AMZN_TRACE_ID`), and glibc keeps every
//! value that a variable ever had: 160 bytes of memory for each call. See `docs/decisions/0045-no-trace-id-in-the-environment.md`.

use std::{env, io, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue},
    http::uri::{Authority, InvalidUri, Uri},
};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;

const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");

/// Lambda's side of the function.
#[derive(Debug)]
pub(crate) struct Runtime {
    authority: Authority,
    /// The same as the `Host` header holds it.
    host: HeaderValue,
    /// What all paths begin with.
    base: String,
    /// Where the next event is asked for.
    next: Uri,
    /// The connection, unless the latest exchange failed.
    kept: Option<SendRequest<Full<Bytes>>>,
}

/// An event that waits for its answer.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// AWS's id of the request.
    pub request_id: String,
    /// Which of the deliveries of this request it is, to be sent back with the answer.
    invocation_id: Option<HeaderValue>,
    /// JSON.
    pub event: Bytes,
}

/// What the future gives, or `None` if it panics: the panic is on standard error by then, and the process lives on.
pub(crate) async fn caught<T>(part: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(part).catch_unwind().await.ok()
}

/// The Runtime API is gone, or there is none. The function cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// `AWS_LAMBDA_RUNTIME_API` is not set.
    #[error("the environment variable AWS_LAMBDA_RUNTIME_API is not set")]
    Missing,
    /// `AWS_LAMBDA_RUNTIME_API` names no server.
    #[error("AWS_LAMBDA_RUNTIME_API: {0}")]
    Address(#[from] InvalidUri),
    /// No connection can be opened.
    #[error("no connection: {0}")]
    Unreachable(#[from] io::Error),
    /// The connection ended, or what came over it is not HTTP.
    #[error("{0}")]
    Lost(#[from] hyper::Error),
    /// A header holds what none can.
    #[error("{0}")]
    Request(#[from] hyper::http::Error),
    /// The Runtime API answered with this status.
    #[error("status {0}")]
    Refused(StatusCode),
}

impl Runtime {
    /// The one that `AWS_LAMBDA_RUNTIME_API` names: `[http://]host:port[/path]`. `cargo lambda watch` names the function in
    /// the path.
    pub fn from_env() -> Result<Self, RuntimeError> {
        Self::new(&env::var("AWS_LAMBDA_RUNTIME_API").map_err(|_| RuntimeError::Missing)?)
    }

    pub fn new(api: &str) -> Result<Self, RuntimeError> {
        let api = api.trim_start_matches("http://").trim_end_matches('/');
        let (authority, path) = api.split_at(api.find('/').unwrap_or(api.len()));
        let base = format!("{path}/2018-06-01/runtime/invocation");
        let host = HeaderValue::from_str(authority).map_err(hyper::http::Error::from)?;
        Ok(Self { authority: authority.parse()?, host, next: format!("{base}/next").parse()?, base, kept: None })
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> Result<Invocation, RuntimeError> {
        loop {
            let request = |runtime: &Self| {
                Request::get(runtime.next.clone()).header(HOST, runtime.host.clone()).body(Full::default())
            };
            let response = self.exchange(request).await?;
            match response.status() {
                StatusCode::OK => {
                    let header = |name| response.headers().get(name);
                    let request_id = header(REQUEST_ID).map(HeaderValue::as_bytes);
                    return Ok(Invocation {
                        request_id: String::from_utf8_lossy(request_id.unwrap_or_default()).into_owned(),
                        invocation_id: header(INVOCATION_ID).cloned(),
                        event: response.into_body(),
                    });
                }
                StatusCode::NO_CONTENT => {}
                status => return Err(RuntimeError::Refused(status)),
            }
        }
    }

    /// Hands over the answer to an event.
    pub async fn respond(&mut self, invocation: &Invocation, answer: Vec<u8>) {
        self.finish(invocation, "response", None, answer).await;
    }

    /// Says that an event could not be answered: Lambda answers its caller with an error.
    pub async fn fail(&mut self, invocation: &Invocation, error_type: &'static str, error_message: &str) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Diagnostic<'a> {
            error_type: &'a str,
            error_message: &'a str,
        }
        let report = serde_json::to_vec(&Diagnostic { error_type, error_message }).unwrap_or_default();
        self.finish(invocation, "error", Some(error_type), report).await;
    }

    /// Should the answer be lost on its way, nobody waits for it here: Lambda tells its caller.
    async fn finish(&mut self, invocation: &Invocation, end: &str, error_type: Option<&str>, body: Vec<u8>) {
        let body = Bytes::from(body);
        let request = |runtime: &Self| {
            let mut request = Request::post(format!("{}/{}/{end}", runtime.base, invocation.request_id))
                .header(HOST, runtime.host.clone())
                .header(CONTENT_TYPE, JSON);
            if let Some(id) = &invocation.invocation_id {
                request = request.header(INVOCATION_ID, id);
            }
            if let Some(error_type) = error_type {
                request = request.header(ERROR_TYPE, error_type);
            }
            request.body(Full::new(body.clone()))
        };
        match self.exchange(request).await.map(|response| response.status()) {
            Ok(status) if status.is_success() => {}
            Ok(status) => tracing::error!(status = status.as_u16(), "Lambda refused the answer"),
            Err(error) => tracing::error!(%error, "the answer did not reach Lambda"),
        }
    }

    /// Sends a request and reads the answer to its end. A kept connection that turns out to have been closed is replaced once.
    async fn exchange(
        &mut self,
        request: impl Fn(&Self) -> Result<Request<Full<Bytes>>, hyper::http::Error>,
    ) -> Result<Response<Bytes>, RuntimeError> {
        if let Some(mut connection) = self.kept.take()
            && connection.ready().await.is_ok()
            && let Ok(response) = connection.send_request(request(self)?).await
        {
            return self.read(connection, response).await;
        }
        let tcp = TcpStream::connect(self.authority.as_str()).await?;
        tcp.set_nodelay(true)?;
        let (mut connection, task) = http1::handshake(TokioIo::new(tcp)).await?;
        // Its errors also reach whoever waits for an answer.
        tokio::spawn(async move { drop(task.await) });
        let response = connection.send_request(request(self)?).await?;
        self.read(connection, response).await
    }

    async fn read(
        &mut self,
        connection: SendRequest<Full<Bytes>>,
        response: Response<Incoming>,
    ) -> Result<Response<Bytes>, RuntimeError> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        self.kept = Some(connection);
        Ok(Response::from_parts(head, body))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread::{self, JoinHandle},
        time::Duration,
    };

    use super::*;

    /// A Runtime API that answers so, one connection after the other: its address, and what it was asked.
    pub fn api(answers: &[&[&str]]) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = listener.local_addr().unwrap().to_string();
        let answers: Vec<Vec<String>> =
            answers.iter().map(|answers| answers.iter().map(|answer| (*answer).to_owned()).collect()).collect();
        let serve = thread::spawn(move || {
            let mut requests = Vec::new();
            for answers in answers {
                let (mut stream, _) = listener.accept().unwrap();
                for answer in answers {
                    let mut request = vec![0; 4096];
                    let length = stream.read(&mut request).unwrap();
                    requests.push(String::from_utf8_lossy(&request[..length]).into_owned());
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
            requests
        });
        (api, serve)
    }

    async fn asked(answers: &[&[&str]], base: &str, ask: impl AsyncFn(Runtime)) -> Vec<String> {
        let (api, serve) = api(answers);
        ask(Runtime::new(&format!("{api}{base}")).unwrap()).await;
        serve.join().unwrap()
    }

    /// The answer to `next` that brings this event.
    pub fn event(event: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-1\r\nLambda-Runtime-Invocation-Id: i-1\r\n\
            Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n0\r\n\r\n",
            event.len()
        )
    }

    pub const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    pub const GONE: &str = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";

    #[tokio::test]
    async fn an_event_is_taken_and_answered_on_one_connection() {
        let next = event("{}");
        let requests = asked(&[&[&next, ACCEPTED, &next, ACCEPTED]], "", async |mut runtime| {
            let invocation = runtime.next().await.unwrap();
            assert_eq!((&*invocation.request_id, &*invocation.event), ("r-1", b"{}".as_slice()));
            runtime.respond(&invocation, b"{\"a\":1}".to_vec()).await;
            let invocation = runtime.next().await.unwrap();
            runtime.fail(&invocation, "InvalidEvent", "no \"event\"").await;
        })
        .await;
        assert!(requests[0].starts_with("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: 127.0.0.1:"));
        assert!(requests[1].starts_with("POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\n"));
        assert!(requests[1].contains("\r\nlambda-runtime-invocation-id: i-1\r\n"));
        assert!(requests[1].ends_with("\r\ncontent-length: 7\r\n\r\n{\"a\":1}"));
        assert!(requests[3].starts_with("POST /2018-06-01/runtime/invocation/r-1/error HTTP/1.1\r\n"));
        assert!(requests[3].contains("\r\nlambda-runtime-function-error-type: InvalidEvent\r\n"));
        assert!(requests[3].ends_with(r#"{"errorType":"InvalidEvent","errorMessage":"no \"event\""}"#));
    }

    #[tokio::test]
    async fn a_lost_connection_is_made_anew_and_a_refusal_ends_the_function() {
        const NONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";
        let requests = asked(&[&[NONE, &event("{}")], &[ACCEPTED, GONE]], "/.rt/f", async |mut runtime| {
            let invocation = runtime.next().await.unwrap();
            // The server has closed the connection by now.
            tokio::time::sleep(Duration::from_millis(5)).await;
            runtime.respond(&invocation, b"{}".to_vec()).await;
            assert!(matches!(runtime.next().await, Err(RuntimeError::Refused(StatusCode::FORBIDDEN))));
        })
        .await;
        assert_eq!(requests.len(), 4);
        assert!(requests[0].starts_with("GET /.rt/f/2018-06-01/runtime/invocation/next HTTP/1.1\r\n"));
        assert!(requests[2].starts_with("POST /.rt/f/2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\n"));
    }

    #[test]
    fn where_the_runtime_api_is() {
        for (api, authority, base) in [
            ("127.0.0.1:9001", "127.0.0.1:9001", ""),
            ("169.254.100.1:9001/", "169.254.100.1:9001", ""),
            ("http://127.0.0.1:9000/.rt/f", "127.0.0.1:9000", "/.rt/f"),
            ("[::1]:9000/.rt/f/", "[::1]:9000", "/.rt/f"),
        ] {
            let runtime = Runtime::new(api).unwrap();
            assert_eq!(
                (runtime.authority.as_str(), &*runtime.base),
                (authority, &*format!("{base}/2018-06-01/runtime/invocation")),
                "{api}"
            );
        }
        assert!(Runtime::new("").is_err());
    }
}
