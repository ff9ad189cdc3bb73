//! The SDK's own HTTP client, with two additions: it trusts few authorities, and it checks the checksum of every answer.

use std::{path::Path, sync::Arc};

use aws_sdk_dynamodb::{
    config::{
        RuntimeComponents,
        endpoint::{DefaultResolver, Params, ResolveEndpoint as _},
        http::{HttpRequest, HttpResponse},
    },
    error::BoxError,
};
use aws_smithy_http_client::{
    Connector as SdkConnector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    result::ConnectorError,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use memchr::memmem;
use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject as _},
    },
};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// The names of the authorities that AWS's end points chain to: Amazon's own, the one that signed those, and for the regions
/// in China DigiCert's. These seven take the place of all public authorities, because to parse those costs more than all the
/// rest of a cold start. Where an end point has another authority, `AWS_CA_BUNDLE` has to name it.
const AUTHORITIES: [&str; 3] =
    ["Amazon Root CA ", "Starfield Services Root Certificate Authority - G2", "DigiCert Global Root "];
/// An authority's name stands within this many bytes at the beginning of its certificate.
const NAME_WITHIN: usize = 320;

/// Sends requests to the table. The SDK sees to time-outs and retries.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<SdkConnector>);

/// The file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaBundleError {
    /// It cannot be read, or is no PEM file.
    #[error("{0}")]
    Unreadable(#[from] pem::Error),
    /// None of its certificates can be an authority.
    #[error("it holds no usable authority")]
    Empty,
}

impl Connector {
    /// Without TLS, for a local engine.
    pub fn plain() -> Self {
        Self(Arc::new(SdkConnector::builder().build_http()))
    }

    /// With TLS. Trusts the authorities of the file `ca_bundle` (PEM) if there is one, else those that AWS uses.
    pub fn tls(ca_bundle: Option<&Path>) -> Result<Self, CaBundleError> {
        let mut trust_store = TrustStore::empty();
        for authority in ca_bundle.map_or_else(|| Ok(aws_authorities().cloned().collect()), read_bundle)? {
            // The only form that the SDK takes.
            let pem = STANDARD.encode(authority);
            trust_store.add_pem_certificate(format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n"));
        }
        #[expect(clippy::expect_used, reason = "at start-up; the builder has no case that fails")]
        let context = TlsContext::builder().with_trust_store(trust_store).build().expect("a TLS context");
        let connector = SdkConnector::builder().tls_provider(Provider::rustls(CryptoMode::Ring)).tls_context(context);
        Ok(Self(Arc::new(connector.build())))
    }

    /// Opens a connection by asking the end point whether it is healthy (`GET /`), which is no table operation. The
    /// connection pool knows connections by scheme, host and port, so the first operation uses this connection.
    pub async fn connect(&self, region: &str, endpoint_url: Option<&str>) -> Result<(), BoxError> {
        let url = match endpoint_url {
            Some(url) => url.to_owned(),
            None => {
                let params = Params::builder().region(region).build()?;
                DefaultResolver::new().resolve_endpoint(&params).await?.url().to_owned()
            }
        };
        self.call(HttpRequest::get(url)?).await?;
        Ok(())
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move { checked(response.await?).await })
    }
}

/// The response with its whole body. DynamoDB sends the CRC-32 of every body, and what differs from it was damaged on the
/// way: the SDK sends the request again then, as after any other failure of the connection.
async fn checked(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = response.take_body().collect().await.map_err(ConnectorError::io)?.to_bytes();
    let stated = response.headers().get("x-amz-crc32").and_then(|stated| stated.parse::<u32>().ok());
    if stated.is_some_and(|stated| stated != crc32fast::hash(&body)) {
        return Err(ConnectorError::io("the answer's checksum is wrong".into()));
    }
    *response.body_mut() = body.into();
    Ok(response)
}

fn aws_authorities() -> impl Iterator<Item = &'static CertificateDer<'static>> {
    let names = AUTHORITIES.map(memmem::Finder::new);
    TLS_SERVER_ROOT_CERTS.iter().filter(move |certificate| {
        let head = certificate.get(..NAME_WITHIN).unwrap_or(certificate);
        names.iter().any(|name| name.find(head).is_some())
    })
}

/// The usable authorities of a PEM file. Bundles of operating systems hold some that are too old to be used, on which
/// the SDK would panic.
fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, CaBundleError> {
    let authorities = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    let is_usable = |authority: &CertificateDer<'static>| RootCertStore::empty().add(authority.clone()).is_ok();
    let authorities: Vec<_> = authorities.into_iter().filter(is_usable).collect();
    if authorities.is_empty() { Err(CaBundleError::Empty) } else { Ok(authorities) }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf, process};

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Answers everything that comes on one TLS connection. Gives its URL and its authority in PEM.
    async fn server() -> (String, String) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            // a client that does not trust the server ends the handshake
            let mut stream = loop {
                let (tcp, _) = listener.accept().await.unwrap();
                if let Ok(stream) = acceptor.accept(tcp).await {
                    break stream;
                }
            };
            drop(listener);
            let mut request = [0; 4096];
            while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nhealthy").await.unwrap();
            }
        });
        (url, authority.pem())
    }

    #[tokio::test]
    async fn only_the_given_authorities_are_trusted_and_their_connection_is_kept() {
        let (url, authority) = server().await;
        let aws = Connector::tls(None).unwrap();
        assert!(aws.connect("eu-central-1", Some(&url)).await.is_err(), "not an authority of AWS");

        let bundle: PathBuf = env::temp_dir().join(format!("authority-{}.pem", process::id()));
        fs::write(&bundle, authority).unwrap();
        let given = Connector::tls(Some(&bundle));
        fs::remove_file(&bundle).unwrap();
        let given = given.unwrap();
        // the server takes one connection
        for _ in 0..3 {
            given.connect("eu-central-1", Some(&url)).await.unwrap();
        }
    }

    #[test]
    fn the_authorities_of_aws_are_found_by_name() {
        let mut roots = RootCertStore::empty();
        let found = aws_authorities().filter(|authority| roots.add((*authority).clone()).is_ok()).count();
        assert_eq!(found, aws_authorities().count());
        let subjects = roots.subjects();
        let is_there =
            |name: &str| subjects.iter().any(|subject| memmem::find(subject.as_ref(), name.as_bytes()).is_some());
        for name in [
            "Amazon Root CA 1",
            "Amazon Root CA 2",
            "Amazon Root CA 3",
            "Amazon Root CA 4",
            "Starfield Services Root Certificate Authority - G2",
            "DigiCert Global Root G2",
        ] {
            assert!(is_there(name), "{name}");
        }
        assert!(subjects.len() <= 8, "{}", subjects.len());
    }
}
