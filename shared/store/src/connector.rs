//! The SDK's requests over the connections of `connection`: with a large bundle of authorities, a fifth of the cold start
//! that the SDK's own HTTP client takes. And the response's checksum is looked at.

use std::sync::Arc;

use aws_sdk_dynamodb::config::{RuntimeComponents, http::HttpRequest};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpResponse,
    result::ConnectorError,
};
use connection::Connections;

/// The SDK's HTTP client. The SDK sees to all time-outs, and to sending again: everything that it sends here may be sent
/// twice, because transactions carry tokens.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<Connections>);

impl Connector {
    pub fn new(connections: Connections) -> Self {
        Self(Arc::new(connections))
    }

    pub fn connections(&self) -> &Connections {
        &self.0
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connections = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = encode(&request, connections.authority())
                .ok_or_else(|| ConnectorError::user("the request has no body, or one that is not in memory".into()))?;
            let (connection, response) =
                connections.exchange(&request, None).await.map_err(|failure| ConnectorError::io(failure.into()))?;
            response.check().map_err(|failure| ConnectorError::io(failure.into()))?;
            connections.keep(connection);
            decode(response)
        })
    }
}

/// The request as it goes over the wire.
fn encode(request: &HttpRequest, authority: &str) -> Option<Vec<u8>> {
    let body = request.body().bytes()?;
    let uri = request.uri();
    let path = uri.find("://").and_then(|at| uri[at + 3..].find('/').map(|slash| &uri[at + 3 + slash..]));
    let mut bytes = Vec::with_capacity(2048 + body.len());
    for part in [request.method(), " ", path.unwrap_or("/"), " HTTP/1.1\r\nhost: ", authority, "\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    for (name, value) in request.headers() {
        if !matches!(name, "host" | "content-length") {
            for part in [name, ": ", value, "\r\n"] {
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    for part in ["content-length: ", &body.len().to_string(), "\r\n\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.extend_from_slice(body);
    Some(bytes)
}

fn decode(response: connection::Response) -> Result<HttpResponse, ConnectorError> {
    let status = response.status.try_into().map_err(|_| ConnectorError::other("no status".into(), None))?;
    let mut headers = Vec::new();
    response.for_each_header(|name, value| {
        if let Ok(value) = str::from_utf8(value) {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    });
    let mut answer = HttpResponse::new(status, response.body.into());
    for (name, value) in headers {
        // One that is no header to the SDK is none that it needs.
        _ = answer.headers_mut().try_append(name, value);
    }
    Ok(answer)
}
