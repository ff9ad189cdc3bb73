//! The Lambda Runtime API for the authorizer: the next event, and what became of it.
//!
//! The other functions leave this to `lambda_runtime`. Here its way through hyper and tower would cost a third of a
//! warm call, and half of the first answer (`docs/performance.md`). Left out, because the authorizer needs none
//! of it: streamed responses, SnapStart, several invocations at a time, the context but for the request's id.

use std::env;

use connection::{Connections, Endpoint, EndpointError, Failure, Io};
use serde::Serialize;

const VERSION: &str = "/2018-06-01/runtime/invocation/";
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// Lambda's side of the function.
#[derive(Debug)]
pub(crate) struct Runtime {
    connections: Connections,
    /// What stands before [`VERSION`]: nothing on Lambda, the function's name under `cargo lambda watch`.
    base: String,
}

/// An event that waits for its answer.
#[derive(Debug, Default)]
pub(crate) struct Invocation {
    /// AWS's id of the request.
    pub request_id: String,
    /// Which of the deliveries of this request it is, for Lambda to know the answer by.
    invocation_id: Option<String>,
    /// JSON.
    pub event: Vec<u8>,
}

/// The Runtime API is gone, or none. The function cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// `AWS_LAMBDA_RUNTIME_API` is not set.
    #[error("the environment variable AWS_LAMBDA_RUNTIME_API is not set")]
    Missing,
    /// It is no server.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// No event can be had.
    #[error(transparent)]
    Lost(#[from] Failure),
    /// It answered something else.
    #[error("status {0}")]
    Refused(u16),
}

impl Runtime {
    /// The one that `AWS_LAMBDA_RUNTIME_API` names: `[http://]host:port[/path]`.
    pub fn from_env() -> Result<Self, RuntimeError> {
        let api = env::var("AWS_LAMBDA_RUNTIME_API").map_err(|_| RuntimeError::Missing)?;
        Ok(Self::new(&api)?)
    }

    fn new(api: &str) -> Result<Self, EndpointError> {
        let api = api.strip_prefix("http://").unwrap_or(api);
        let (authority, path) = api.split_once('/').unwrap_or((api, ""));
        let endpoint = Endpoint::new(&format!("http://{authority}"), None)?;
        let path = path.trim_matches('/');
        let base = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { connections: Connections::new(endpoint, Io::Blocking), base })
    }

    /// Waits for the next event.
    pub async fn next(&self) -> Result<Invocation, RuntimeError> {
        let request = self.request("GET", &["next"], &[], b"");
        loop {
            let (connection, response) = self.connections.exchange(&request, None).await?;
            self.connections.keep(connection);
            match response.status {
                200 => {
                    let mut invocation = Invocation::default();
                    response.for_each_header(|name, value| {
                        let value = || String::from_utf8_lossy(value).into_owned();
                        if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
                            invocation.request_id = value();
                        } else if name.eq_ignore_ascii_case(INVOCATION_ID) {
                            invocation.invocation_id = Some(value());
                        }
                    });
                    invocation.event = response.body;
                    return Ok(invocation);
                }
                204 => {}
                status => return Err(RuntimeError::Refused(status)),
            }
        }
    }

    /// Hands over the answer to an event.
    pub async fn respond(&self, invocation: &Invocation, answer: &[u8]) {
        self.finish(invocation, "response", &[], answer).await;
    }

    /// Says that an event could not be answered: Lambda answers its caller with an error.
    pub async fn fail(&self, invocation: &Invocation, error_type: &str, error_message: &str) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Diagnostic<'a> {
            error_type: &'a str,
            error_message: &'a str,
        }
        let report = serde_json::to_vec(&Diagnostic { error_type, error_message }).unwrap_or_default();
        self.finish(invocation, "error", &[("lambda-runtime-function-error-type", error_type)], &report).await;
    }

    async fn finish(&self, invocation: &Invocation, end: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut headers = headers.to_vec();
        headers.extend(invocation.invocation_id.as_deref().map(|id| (INVOCATION_ID, id)));
        let request = self.request("POST", &[&invocation.request_id, "/", end], &headers, body);
        // Should an answer be lost on its way, nobody waits for it here: Lambda's caller learns it from Lambda.
        match self.connections.exchange(&request, None).await {
            Ok((connection, response)) => {
                self.connections.keep(connection);
                if response.status >= 300 {
                    tracing::error!(status = response.status, "Lambda refused the answer");
                }
            }
            Err(failure) => tracing::error!(code = failure.0, "the answer did not reach Lambda"),
        }
    }

    fn request(&self, method: &str, path: &[&str], headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut request = Vec::with_capacity(512 + body.len());
        let mut write = |parts: &[&str]| parts.iter().for_each(|part| request.extend_from_slice(part.as_bytes()));
        write(&[method, " ", &self.base, VERSION]);
        write(path);
        write(&[" HTTP/1.1\r\nhost: ", self.connections.authority(), "\r\n"]);
        for (name, value) in headers {
            write(&[name, ": ", value, "\r\n"]);
        }
        if method == "POST" {
            write(&["content-type: application/json\r\ncontent-length: ", &body.len().to_string(), "\r\n"]);
        }
        write(&["\r\n"]);
        request.extend_from_slice(body);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Runtime API that answers so, one connection after the other, and what it was asked.
    async fn asked(answers: &'static [&[&str]], base: &str, ask: impl AsyncFn(Runtime)) -> Vec<String> {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let api = format!("{}{base}", listener.local_addr().unwrap());
        let serve = std::thread::spawn(move || {
            let mut requests = Vec::new();
            for answers in answers {
                let (mut stream, _) = listener.accept().unwrap();
                for answer in *answers {
                    let mut request = vec![0; 4096];
                    let length = stream.read(&mut request).unwrap();
                    requests.push(String::from_utf8_lossy(&request[..length]).into_owned());
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
            requests
        });
        ask(Runtime::new(&api).unwrap()).await;
        serve.join().unwrap()
    }

    const NEXT: &str = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r-1\r\nLambda-Runtime-Invocation-Id: i-1\r\n\
        Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

    #[tokio::test]
    async fn an_event_is_taken_and_answered_on_one_connection() {
        let requests = asked(&[&[NEXT, ACCEPTED, NEXT, ACCEPTED]], "", async |runtime| {
            let invocation = runtime.next().await.unwrap();
            assert_eq!((&*invocation.request_id, &*invocation.event), ("r-1", b"{}".as_slice()));
            runtime.respond(&invocation, b"{\"a\":1}").await;
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
        let requests = asked(
            &[&[NONE, NEXT], &[ACCEPTED, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"]],
            "/.rt/f",
            async |runtime| {
                let invocation = runtime.next().await.unwrap();
                // the server has closed the connection by now
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                runtime.respond(&invocation, b"{}").await;
                assert!(matches!(runtime.next().await, Err(RuntimeError::Refused(403))));
            },
        )
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
            assert_eq!((runtime.connections.authority(), &*runtime.base), (authority, base), "{api}");
        }
        assert!(Runtime::new("").is_err());
    }
}
