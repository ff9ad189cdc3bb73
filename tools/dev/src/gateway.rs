//! Stands in front of `cargo lambda watch` and does what API Gateway and function URLs do and it does not.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, COOKIE, HOST, RETRY_AFTER};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::routes::Routes;

/// The largest payload that Lambda takes.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a function may take. Longer than Lambda's: the function may be compiled first.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How many calls of one function may be under way. `cargo lambda watch` locks up when more than 100 wait.
const MAX_CALLS: usize = 64;

/// What concerns one connection only, or is set anew for the next.
const NOT_PASSED_ON: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The front door of the local service.
pub(crate) struct Gateway {
    routes: Routes,
    address: SocketAddr,
    /// Where `cargo lambda watch` listens; set once the functions run.
    watch: OnceLock<SocketAddr>,
    client: Client<HttpConnector, Full<Bytes>>,
    calls: HashMap<String, Semaphore>,
}

impl Gateway {
    /// A gateway that listens at `address`, and answers 503 until [`open`](Gateway::open).
    pub(crate) fn new(routes: Routes, address: SocketAddr) -> Gateway {
        let calls = routes.functions().map(|function| (function.to_owned(), Semaphore::new(MAX_CALLS))).collect();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Gateway { routes, address, watch: OnceLock::new(), client, calls }
    }

    /// The routes it goes by.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// From now on requests go to `cargo lambda watch` at this address.
    pub(crate) fn open(&self, watch: SocketAddr) {
        _ = self.watch.set(watch);
    }

    /// Answers requests for ever.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let router = Router::new().fallback(answer).with_state(self);
        _ = axum::serve(listener, router).await;
    }

    async fn pass_on(&self, request: Request) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::CONNECT {
            return Err(Problem::NotFound);
        }
        let body = read(body).await?;
        let watch = self.watch.get().ok_or(Problem::Starting)?;

        // `OPTIONS *` has no path.
        let path = Some(parts.uri.path()).filter(|path| path.starts_with('/')).unwrap_or("/");
        let target = self.routes.target(parts.method.as_str(), path);
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut uri = axum::http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = watch.to_string().parse().ok();
        uri.path_and_query = format!("{}{query}", target.path).parse::<PathAndQuery>().ok();

        let mut request = axum::http::Request::new(Full::default());
        *request.method_mut() = parts.method;
        *request.uri_mut() = Uri::from_parts(uri).map_err(|_| Problem::NotFound)?;
        *request.headers_mut() = self.headers(&parts.headers, &body);
        *request.body_mut() = body.into();

        let call = async {
            let calls = self.calls.get(target.function).ok_or(Problem::NotFound)?;
            let _permit = calls.acquire().await.map_err(|_| Problem::Unavailable)?;
            self.client.request(request).await.map_err(|_| Problem::Unavailable)
        };
        let response = timeout(TIMEOUT, call).await.unwrap_or(Err(Problem::Unavailable))?;
        let (mut parts, body) = response.into_parts();
        parts.headers = parts
            .headers
            .iter()
            .filter(|(name, _)| is_passed_on(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Ok(Response::from_parts(parts, Body::new(body)))
    }

    /// The headers as a function gets them: what is given twice is joined, and nothing is in them that
    /// `cargo lambda watch` cannot put into an event.
    fn headers(&self, given: &HeaderMap, body: &Bytes) -> HeaderMap {
        let connection: Vec<String> = given
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let mut headers = HeaderMap::new();
        for name in given.keys() {
            if !is_passed_on(name) || connection.iter().any(|listed| listed == name.as_str()) {
                continue;
            }
            let separator = if name == COOKIE { "; " } else { "," };
            let values: Vec<&str> =
                given.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
            if let Ok(value) = HeaderValue::from_str(&values.join(separator)) {
                headers.insert(name.clone(), value);
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

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    gateway.pass_on(request).await.unwrap_or_else(IntoResponse::into_response)
}

fn is_passed_on(name: &HeaderName) -> bool {
    let name = name.as_str();
    // `cargo lambda watch` takes a request's id from the client if it is there.
    !NOT_PASSED_ON.contains(&name) && !name.starts_with("lambda-runtime-")
}

/// Reads a body. One that is too large is read to its end as well, so that the client gets to see the answer, but not
/// kept.
async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    let mut length = 0;
    let all = async {
        while let Some(frame) = body.frame().await {
            let data = frame.map_err(|_| Problem::BadRequest)?.into_data().unwrap_or_default();
            length += data.len();
            if length <= MAX_BODY {
                bytes.extend_from_slice(&data);
            } else {
                bytes = Vec::new();
            }
        }
        Ok(())
    };
    let read = timeout(BODY_TIMEOUT, all).await;
    if length > MAX_BODY {
        return Err(Problem::TooLarge);
    }
    read.unwrap_or(Err(Problem::BadRequest)).map(|()| bytes.into())
}

/// What the gateway answers by itself, in the form that the functions' errors have.
#[derive(Clone, Copy, Debug)]
enum Problem {
    BadRequest,
    NotFound,
    TooLarge,
    Starting,
    Unavailable,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, error) = match self {
            Problem::BadRequest => (StatusCode::BAD_REQUEST, "invalid_request", "The body did not arrive."),
            Problem::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such path or method."),
            Problem::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body must be at most 64 KiB.")
            }
            Problem::Starting => {
                (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "The local service is starting.")
            }
            Problem::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "The function did not answer.")
            }
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut body = json!({ "error": error, "code": code, "requestId": format!("local-{}", now.as_nanos()) });
        if status == StatusCode::BAD_REQUEST {
            body["details"] = json!([{ "field": "", "message": error }]);
        }
        let mut response = (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    /// Plays `cargo lambda watch`: answers with what it was sent.
    async fn echo(request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().expect("visible ASCII").to_owned()))
            .collect();
        let body = body.collect().await.unwrap().to_bytes().len();
        let seen = json!({ "uri": parts.uri.to_string(), "headers": headers, "body": body });
        (StatusCode::CREATED, [("location", "/x"), ("lambda-runtime-aws-request-id", "1")], seen.to_string())
            .into_response()
    }

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// A gateway, and `cargo lambda watch` behind it if it is open.
    async fn start(open: bool) -> SocketAddr {
        let (listener, address) = listen().await;
        let gateway = Arc::new(Gateway::new(Routes::read().unwrap(), address));
        if open {
            let (listener, watch) = listen().await;
            tokio::spawn(async { axum::serve(listener, Router::new().fallback(echo)).await });
            gateway.open(watch);
        }
        tokio::spawn(gateway.serve(listener));
        address
    }

    /// Sends these bytes and reads the answer: its head and its body.
    async fn send(gateway: SocketAddr, request: &[u8]) -> (String, Value) {
        let mut stream = TcpStream::connect(gateway).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    fn header<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
        let headers = seen["headers"].as_array().unwrap();
        headers.iter().find(|header| header[0] == name).map(|header| header[1].as_str().unwrap())
    }

    #[tokio::test]
    async fn a_request_reaches_its_function_and_the_answer_its_client() {
        let gateway = start(true).await;
        let request = b"PATCH /api/access-ids/5%20?a=%2B HTTP/1.1\r\nhost: example.org:1\r\ncontent-length: 2\r\n\
            connection: close, x-hop\r\nx-hop: 1\r\nx-twice: 1\r\nx-twice: 2\r\nlambda-runtime-aws-request-id: mine\r\n\
            content-type: application/json\r\n\r\n{}";
        let (head, seen) = send(gateway, request).await;
        assert!(head.starts_with("HTTP/1.1 201") && head.contains("location: /x") && !head.contains("lambda-runtime"));
        assert_eq!((&seen["uri"], &seen["body"]), (&json!("/api/access-ids/5%20?a=%2B"), &json!(2)));
        assert_eq!(header(&seen, "host"), Some("example.org:1"));
        assert_eq!(header(&seen, "x-twice"), Some("1,2"));
        assert_eq!(header(&seen, "content-type"), Some("application/json"));
        for name in ["x-hop", "connection", "lambda-runtime-aws-request-id"] {
            assert_eq!(header(&seen, name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn what_watch_cannot_take_is_made_so_that_it_can() {
        let gateway = start(true).await;
        let request =
            b"DELETE /api/vehicles/1 HTTP/1.1\r\nhost: not a host\r\ncontent-length: 1\r\nconnection: close\r\n\
            authorization: Bearer \xc3\xa9\r\ncontent-type: application/json\r\n\r\n\xff";
        let (_, seen) = send(gateway, request).await;
        assert_eq!(seen["uri"], "/lambda-url/get-access-id/api/vehicles/1");
        assert_eq!(header(&seen, "authorization"), Some(""));
        assert_eq!(header(&seen, "content-type"), Some("application/octet-stream"));
        assert_eq!(header(&seen, "host"), Some(gateway.to_string().as_str()));
    }

    #[tokio::test]
    async fn a_body_above_lambdas_limit_is_413_and_the_largest_passes() {
        let gateway = start(true).await;
        for (length, status) in [(MAX_BODY, "201"), (MAX_BODY + 1, "413")] {
            let head = format!(
                "POST /api/vehicles HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            let (head, body) = send(gateway, &[head.as_bytes(), &vec![b' '; length]].concat()).await;
            assert_eq!(head.split(' ').nth(1), Some(status));
            assert_eq!(body["code"] == "payload_too_large", status == "413");
        }
    }

    #[tokio::test]
    async fn before_the_functions_run_it_says_so() {
        let gateway = start(false).await;
        let (head, body) = send(gateway, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after: 1"));
        assert_eq!(body["code"], "service_unavailable");
    }
}
