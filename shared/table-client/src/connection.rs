//! HTTP/1.1 connections to the end point, over TLS if its URL says so: how they are opened, and how an answer is read.

use std::{fmt, fs, io, path::Path, sync::Arc};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};
use tokio_rustls::TlsConnector;

use crate::{config::ConfigError, error::Failure};

/// The largest body of an answer, in bytes. DynamoDB sends at most 16 MB of items.
const MAX_BODY: usize = 64 << 20;
/// The longest head of an answer, in bytes. A longer one ends the connection.
const MAX_HEAD: usize = 16 << 10;

/// A connection that takes one request at a time. hyper's task behind it notices when the server closes it.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// A server: its address, and how to recognise it if it is to be asked over TLS.
pub(crate) struct Endpoint {
    host: String,
    port: u16,
    /// Host and port as the `Host` header holds them.
    pub authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Endpoint {
    /// The server at `http[s]://host[:port]`. `ca_bundle` is a PEM file with the authorities to trust in place of the
    /// public ones.
    pub fn new(url: &str, ca_bundle: Option<&Path>) -> Result<Self, ConfigError> {
        let uri: Uri = url.parse().map_err(|_| ConfigError::Url)?;
        let authority = uri.authority().ok_or(ConfigError::Url)?;
        let (is_tls, default_port) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            _ => return Err(ConfigError::Url),
        };
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(ConfigError::Url);
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => default_port,
            None => return Err(ConfigError::Url), // a colon without a number from 0 to 65535 after it
        };
        // An IPv6 address stands in brackets there.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(ConfigError::Url);
        }
        let tls = match is_tls {
            true => Some((
                TlsConnector::from(Arc::new(client_config(ca_bundle)?)),
                ServerName::try_from(host.clone()).map_err(|_| ConfigError::Url)?,
            )),
            false => None,
        };
        let authority = if port == default_port { authority.host() } else { authority.as_str() }.to_owned();
        Ok(Self { host, port, authority, tls })
    }

    /// Opens a connection: TCP, TLS, HTTP. The caller sees to the deadline.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        let addresses = lookup_host((self.host.as_str(), self.port)).await.map_err(|_| Failure::of("DnsFailed"))?;
        let tcp = TcpStream::connect(&*addresses.collect::<Vec<_>>()).await;
        let tcp = tcp.map_err(|_| Failure::of("ConnectFailed"))?;
        // A request goes out in one write, so nothing is gained by waiting for more to send.
        tcp.set_nodelay(true).map_err(|_| Failure::of("ConnectFailed"))?;
        match &self.tls {
            None => handshake(tcp).await,
            Some((connector, name)) => {
                let tls = connector.connect(name.clone(), tcp).await.map_err(|_| Failure::of("TlsFailed"))?;
                handshake(tls).await
            }
        }
    }
}

/// Lets hyper speak HTTP over the stream, in a task of its own.
async fn handshake<S>(stream: S) -> Result<Connection, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(|error| failure(&error))?;
    // Its errors also reach whoever waits for an answer.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// What an error of hyper is to the caller.
pub(crate) fn failure(error: &hyper::Error) -> Failure {
    Failure::of(if error.is_parse() { "MalformedResponse" } else { "ConnectionLost" })
}

/// Reads an answer to its end, so that the connection is free for the next, and compares its checksum if it has one.
pub(crate) async fn read(response: Response<Incoming>) -> Result<(StatusCode, Bytes), Failure> {
    let (head, body) = response.into_parts();
    let has_end = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name));
    if !has_end && head.status != StatusCode::NO_CONTENT {
        // Such a body ends with the connection: one that was cut off cannot be told from a whole one. A proxy may send an
        // error that way; its status is enough. hyper closes the connection when the body is dropped.
        return if head.status.as_u16() < 400 {
            Err(Failure::of("MalformedResponse"))
        } else {
            Ok((head.status, Bytes::new()))
        };
    }
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Failure::of("ConnectionLost"))?.to_bytes();
    match head.headers.get("x-amz-crc32") {
        Some(checksum) if *checksum != *crc32fast::hash(&body).to_string() => Err(Failure::of("ChecksumMismatch")),
        _ => Ok((head.status, body)),
    }
}

/// rustls with its own verifier, over the authorities of the bundle, or else the public ones, which are compiled in.
fn client_config(ca_bundle: Option<&Path>) -> Result<ClientConfig, ConfigError> {
    let roots = match ca_bundle {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(path) => {
            let pem = fs::read(path).map_err(ConfigError::CaBundle)?;
            let mut roots = RootCertStore::empty();
            // A certificate that cannot be read is left out, as other programs do that read such files.
            let (added, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
            if added == 0 {
                let error = io::Error::new(io::ErrorKind::InvalidData, "there is no certificate in it");
                return Err(ConfigError::CaBundle(error));
            }
            roots
        }
    };
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("authority", &self.authority).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_server_and_nothing_more() {
        for (url, host, port, authority, is_tls) in [
            (
                "https://dynamodb.eu-west-1.amazonaws.com",
                "dynamodb.eu-west-1.amazonaws.com",
                443,
                "dynamodb.eu-west-1.amazonaws.com",
                true,
            ),
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, "127.0.0.1:8000", false),
            ("http://localhost:8000/", "localhost", 8000, "localhost:8000", false),
            ("http://[::1]:8000", "::1", 8000, "[::1]:8000", false),
            ("https://[::1]", "::1", 443, "[::1]", true),
            ("HTTPS://example.org:443/", "example.org", 443, "example.org", true),
            ("http://example.org:443", "example.org", 443, "example.org:443", false),
        ] {
            let endpoint = Endpoint::new(url, None).unwrap();
            assert_eq!((&*endpoint.host, endpoint.port, &*endpoint.authority), (host, port, authority), "{url}");
            assert_eq!(endpoint.tls.is_some(), is_tls, "{url}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "",
            "example.org",
            "example.org:8000",
            "ftp://example.org",
            "https://",
            "https://example.org/path",
            "https://example.org/?query",
            "https://user@example.org",
            "https://user@example.org:443",
            "https://example.org:99999",
            "https://example.org:",
            "https://exa mple.org",
            "https://-_-:1",
        ] {
            assert!(matches!(Endpoint::new(url, None), Err(ConfigError::Url)), "{url}");
        }
    }
}
