//! The SDK's requests over the transport of `table-client`: its connections take, with a large bundle of authorities, a fifth
//! of the cold start of the SDK's own HTTP client, and its signatures a quarter of the SDK's. And the response's checksum is
//! looked at.

use std::sync::Arc;

use aws_sdk_dynamodb::config::{RuntimeComponents, http::HttpRequest};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpResponse,
    result::ConnectorError,
};
use connection::Connections;
use table_client::Transport;

/// The SDK's HTTP client. The SDK sees to all time-outs, and to sending again: everything that it sends here may be sent
/// twice, because transactions carry tokens.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<Transport>);

impl Connector {
    pub fn new(transport: Transport) -> Self {
        Self(Arc::new(transport))
    }

    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = signed(&transport, &request)?;
            let exchange = transport.connections.exchange(&request, None).await;
            let (connection, response) = exchange.map_err(|failure| ConnectorError::io(failure.into()))?;
            response.check().map_err(|failure| ConnectorError::io(failure.into()))?;
            transport.connections.keep(connection);
            decode(response)
        })
    }
}

/// The request as it goes over the wire. All operations of DynamoDB are a `POST /` that tells them apart by a header.
fn signed(transport: &Transport, request: &HttpRequest) -> Result<Vec<u8>, ConnectorError> {
    const OURS: [&str; 4] = ["content-length", "content-type", "host", "x-amz-target"];
    let target = request.headers().get("x-amz-target").zip(request.body().bytes());
    let (target, body) =
        target.ok_or_else(|| ConnectorError::user("no operation, or one whose body is not in memory".into()))?;
    let more = request.headers().iter().filter(|(name, _)| !OURS.contains(name));
    transport.request(target, body, more).map_err(|error| ConnectorError::user(error.into()))
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
