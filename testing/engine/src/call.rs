//! A signed call of the table's own protocol, for operations that the service does not use.

use std::io::{Error, Result};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::{ACCESS_KEY_ID, Engine, SECRET_ACCESS_KEY};

impl Engine {
    /// Makes one call over a connection of its own. Returns the HTTP status and the answer, null if that is not JSON.
    ///
    /// # Errors
    /// When the engine cannot be reached or its answer is not HTTP.
    pub async fn call(&self, operation: &str, body: &Value) -> Result<(u16, Value)> {
        let body = body.to_string();
        let target = format!("DynamoDB_20120810.{operation}");
        let host = self.address.to_string();
        let headers = [("content-type", "application/x-amz-json-1.0"), ("host", &host), ("x-amz-target", &target)];
        let url = format!("{}/", self.endpoint_url());
        let mut request = http::Request::post(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signature(&url, &headers, &body)? {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(Error::other)?;

        let client = Client::builder(TokioExecutor::new()).build_http::<String>();
        let answer = client.request(request).await.map_err(Error::other)?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(Error::other)?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// The headers that sign the request.
fn signature(url: &str, headers: &[(&str, &str)], body: &str) -> Result<Vec<(String, String)>> {
    let identity = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "example").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("dynamodb")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(Error::other)?;
    let body = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", url, headers.iter().copied(), body);
    let signed = sign(request.map_err(Error::other)?, &parameters.into()).map_err(Error::other)?;
    let headers = signed.output().headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(headers.collect())
}
