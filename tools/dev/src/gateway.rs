//! Stands in front of `cargo lambda watch` and does what API Gateway and function URLs do and it does not. Prints a line for
//! each request.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, COOKIE, HOST, LOCATION, RETRY_AFTER};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use functions::{ROUTES, console};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What the function URL is under, as `cargo lambda watch` has it.
pub(crate) const RFID_PATH: &str = "/lambda-url/rfid-authorizer";

/// The function that gets what has no route. Each function of the API answers 404 to a path that is not its own.
const REST: &str = "get-access-id";

/// The largest payload that Lambda takes, in bytes.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// Up to here a larger body is read to its end, so that its sender gets to see the answer.
const MAX_READ: usize = 64 * 1024 * 1024;

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a function may take. Longer than Lambda's limit: the function may be compiled first.
const TIMEOUT: Duration = Duration::from_secs(120);

/// After how long a line says that the function has not answered yet.
const SLOW: Duration = Duration::from_secs(3);

/// How many calls may be under way. `cargo lambda watch` locks up when more than 100 wait.
const MAX_CALLS: usize = 64;

/// Headers that concern one connection only, or are set anew for the next.
const NOT_PASSED_ON: &str =
    "connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade";

/// What stays percent-encoded in a segment of a path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The API's address on this machine.
pub(crate) struct Gateway {
    address: SocketAddr,
    /// Where `cargo lambda watch` listens; set once the functions run.
    watch: OnceLock<SocketAddr>,
    client: Client<HttpConnector, Full<Bytes>>,
    calls: Semaphore,
}

impl Gateway {
    /// A gateway that listens at `address`, and answers 503 until [`open`](Gateway::open).
    pub(crate) fn new(address: SocketAddr) -> Arc<Gateway> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Arc::new(Gateway { address, watch: OnceLock::new(), client, calls: Semaphore::new(MAX_CALLS) })
    }

    /// From now on requests go to `cargo lambda watch` at this address.
    pub(crate) fn open(&self, watch: SocketAddr) {
        _ = self.watch.set(watch);
    }

    /// Answers requests for ever.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        _ = axum::serve(listener, Router::new().fallback(answer).with_state(self)).await;
    }

    async fn pass_on(&self, request: Request) -> Result<Response<Bytes>, Problem> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::CONNECT {
            return Err(NOT_FOUND);
        }
        let body = read(body).await?;
        let watch = self.watch.get().ok_or(STARTING)?;
        // `OPTIONS *` has no path.
        let path = Some(parts.uri.path()).filter(|path| path.starts_with('/')).unwrap_or("/");
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let uri = format!("http://{watch}{}{query}", target(&parts.method, path));
        let mut request = axum::http::Request::new(Full::default());
        *request.method_mut() = parts.method;
        *request.uri_mut() = uri.parse().map_err(|_| NOT_FOUND)?;
        *request.headers_mut() = self.headers(&parts.headers, &body);
        *request.body_mut() = body.into();
        let call = async {
            let _permit = self.calls.acquire().await.map_err(|_| UNAVAILABLE)?;
            let (mut parts, body) = self.client.request(request).await.map_err(|_| UNAVAILABLE)?.into_parts();
            let passed_on = parts.headers.iter().filter(|(name, _)| is_passed_on(name));
            parts.headers = passed_on.map(|(name, value)| (name.clone(), value.clone())).collect();
            let body = to_bytes(Body::new(body), MAX_READ).await.map_err(|_| UNAVAILABLE)?;
            Ok(Response::from_parts(parts, body))
        };
        timeout(TIMEOUT, call).await.unwrap_or(Err(UNAVAILABLE))
    }

    /// The headers as a function gets them: what is given twice is joined, and nothing is in them that
    /// `cargo lambda watch` cannot put into an event.
    fn headers(&self, given: &HeaderMap, body: &Bytes) -> HeaderMap {
        let values = |name| given.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
        let of_connection: Vec<String> = values(CONNECTION)
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let mut headers = HeaderMap::new();
        for name in
            given.keys().filter(|name| is_passed_on(name) && !of_connection.iter().any(|of| of == name.as_str()))
        {
            let separator = if name == COOKIE { "; " } else { "," };
            if let Ok(value) = HeaderValue::from_str(&values(name.clone()).collect::<Vec<_>>().join(separator)) {
                headers.insert(name, value);
            }
        }
        // The type decides whether `cargo lambda watch` takes the body for text or encodes it in base64.
        if std::str::from_utf8(body).is_err() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        }
        let host = given.get(HOST).filter(|host| Authority::try_from(host.as_bytes()).is_ok()).cloned();
        if let Some(host) = host.or_else(|| HeaderValue::try_from(self.address.to_string()).ok()) {
            headers.insert(HOST, host);
        }
        headers
    }
}

/// Answers a request and prints its line.
async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let began = Instant::now();
    let request_line = format!("{} {}", request.method(), shown(request.uri().path()));
    let mut call = pin!(gateway.pass_on(request));
    let result = match timeout(SLOW, &mut call).await {
        Ok(result) => result,
        Err(_) => {
            crate::say(&format!("{request_line} waits: the function is being compiled, or does not answer"));
            call.await
        }
    };
    let response = result.unwrap_or_else(Problem::response);
    let (status, duration) = (response.status().as_u16(), began.elapsed().as_millis());
    crate::say(format!("{request_line} {status} {duration} ms {}", outcome(&response)).trim_end());
    response.map(Body::from)
}

/// The path as it may be printed: only words and numbers, for anything else may be a secret or a tag.
fn shown(path: &str) -> String {
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let part = |part| if str::len(part) <= 20 && (is_word(part) || is_number(part)) { part } else { "…" };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What matters about an answer: what was created, or why it was refused, and of a failure the id under which it was logged.
fn outcome(response: &Response<Bytes>) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let id = body["requestId"].as_str().filter(|_| response.status().is_server_error());
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let words = [location, body["code"].as_str(), body["reason"].as_str(), id];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The path that makes `cargo lambda watch` call the function of this request. Unlike it, a known path with another method is
/// one that matches nothing, and of the functions only the authorizer has a URL; and an encoded character that need not be
/// encoded is decoded, as API Gateway does.
fn target(method: &Method, path: &str) -> String {
    if path.strip_prefix(RFID_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return path.to_owned();
    }
    let fits = |(expected, given): (&str, &str)| expected == given || (expected.starts_with('{') && !given.is_empty());
    let matches = |pattern: &str| {
        pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(fits)
    };
    let route = ROUTES.into_iter().chain(console::ROUTES).find(|route| route.method == *method && matches(route.path));
    let decoded = |segment| percent_encode(&percent_decode_str(segment).collect::<Vec<_>>(), ENCODED).to_string();
    let path: Vec<_> = path.split('/').map(decoded).collect();
    format!("/lambda-url/{}{}", route.map_or(REST, |route| route.function), path.join("/"))
}

fn is_passed_on(name: &HeaderName) -> bool {
    let name = name.as_str();
    // `cargo lambda watch` takes a request's id from the client if it is there.
    !NOT_PASSED_ON.split(' ').any(|listed| listed == name) && !name.starts_with("lambda-runtime-")
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    match timeout(BODY_TIMEOUT, to_bytes(body, MAX_READ)).await {
        Ok(Ok(body)) if body.len() > MAX_BODY => Err(TOO_LARGE),
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) | Err(_) => Err(BAD_REQUEST),
    }
}

/// What the gateway answers by itself: status, code and sentence.
#[derive(Debug)]
struct Problem(StatusCode, &'static str, &'static str);

const BAD_REQUEST: Problem = Problem(StatusCode::BAD_REQUEST, "invalid_request", "The body did not arrive.");
const NOT_FOUND: Problem = Problem(StatusCode::NOT_FOUND, "not_found", "There is no such path or method.");
const TOO_LARGE: Problem =
    Problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body must be at most 64 KiB.");
const STARTING: Problem =
    Problem(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "The local service is starting.");
const UNAVAILABLE: Problem =
    Problem(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "The function did not answer.");

impl Problem {
    /// The answer, in the form that the functions' errors have.
    fn response(self) -> Response<Bytes> {
        let Problem(status, code, error) = self;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut body = json!({ "error": error, "code": code, "requestId": format!("local-{}", now.as_nanos()) });
        if status == StatusCode::BAD_REQUEST {
            body["details"] = json!([{ "field": "", "message": error }]);
        }
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests;
