//! A call of the table by its own protocol, signed: for what the service does not do.

use std::io::{Error, ErrorKind, Result};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{ACCESS_KEY_ID, Engine, SECRET_ACCESS_KEY};

impl Engine {
    /// Makes one call over a connection of its own. Returns the HTTP status and the answer, null if that is no JSON.
    pub async fn call(&self, operation: &str, body: &Value) -> Result<(u16, Value)> {
        let body = body.to_string();
        let target = format!("DynamoDB_20120810.{operation}");
        let host = self.address.to_string();
        let headers = [("content-type", "application/x-amz-json-1.0"), ("host", &host), ("x-amz-target", &target)];
        let mut request = String::from("POST / HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        for (name, value) in signature(&self.endpoint_url(), &headers, &body)? {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());

        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(ErrorKind::InvalidData)?;
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
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
    let request = SignableRequest::new("POST", format!("{url}/"), headers.iter().copied(), body);
    let signed = sign(request.map_err(Error::other)?, &parameters.into()).map_err(Error::other)?;
    let headers = signed.output().headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(headers.collect())
}
