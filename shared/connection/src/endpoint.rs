use std::{fmt, io, path::Path, sync::Arc};

use http::Uri;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::tls;

/// Where requests go.
#[derive(Debug)]
pub struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As it stands in the `Host` header.
    authority: String,
    pub(crate) tls: Option<Tls>,
}

pub(crate) struct Tls {
    pub connector: TlsConnector,
    pub name: ServerName<'static>,
}

/// There can be no connection there.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It is not `http[s]://host[:port]`.
    #[error("the end point is not http[s]://host[:port]")]
    Url,
    /// The file of authorities cannot be read.
    #[error("AWS_CA_BUNDLE: {0}")]
    CaBundle(io::Error),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Endpoint {
    /// The server at `http[s]://host[:port]`. `ca_bundle` is a PEM file with the authorities to trust in place of the
    /// public ones.
    ///
    /// # Errors
    /// [`EndpointError`] says what is wrong with either.
    pub fn new(url: &str, ca_bundle: Option<&Path>) -> Result<Self, EndpointError> {
        let uri: Uri = url.parse().map_err(|_| EndpointError::Url)?;
        let authority = uri.authority().ok_or(EndpointError::Url)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(EndpointError::Url),
        };
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(EndpointError::Url);
        }
        let default_port = if is_tls { 443 } else { 80 };
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => default_port,
            None => return Err(EndpointError::Url), // an empty or impossible one
        };
        // an IPv6 address stands in brackets there
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(EndpointError::Url);
        }
        let tls = match is_tls {
            true => Some(Tls {
                connector: TlsConnector::from(Arc::new(tls::client_config(ca_bundle)?)),
                name: ServerName::try_from(host.clone()).map_err(|_| EndpointError::Url)?,
            }),
            false => None,
        };
        let authority = if port == default_port { authority.host().to_owned() } else { authority.to_string() };
        Ok(Self { host, port, authority, tls })
    }

    /// `http[s]://host[:port]`
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// As it stands in the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
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
            assert_eq!((&*endpoint.host, endpoint.port, endpoint.authority()), (host, port, authority), "{url}");
            assert_eq!(endpoint.url(), format!("{}://{authority}", if is_tls { "https" } else { "http" }));
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
            assert!(matches!(Endpoint::new(url, None), Err(EndpointError::Url)), "{url}");
        }
    }
}
