//! Whom the client trusts.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use crate::server::{Act, Server, answer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::body::Bytes;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::{TLS12, TLS13},
};
use table_client::{Client, Config, ConfigError, Error, Keys, Operation::BatchGetItem};
use tokio::time::Instant;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::OrganizationName, "Test");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority_params(name), KeyPair::generate().unwrap()).unwrap()
}

fn intermediate(name: &str, issuer: &Authority) -> Authority {
    CertifiedIssuer::signed_by(authority_params(name), KeyPair::generate().unwrap(), issuer).unwrap()
}

struct Leaf {
    certificate: Certificate,
    key: KeyPair,
}

fn leaf(issuer: &Authority, name: &str, year: i32) -> Leaf {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().unwrap();
    Leaf { certificate: params.signed_by(&key, issuer).unwrap(), key }
}

fn good_leaf(issuer: &Authority) -> Leaf {
    leaf(issuer, "127.0.0.1", 4000)
}

async fn server(leaf: &Leaf, between: &[&Authority], version: &'static SupportedProtocolVersion) -> Server {
    let chain: Vec<CertificateDer<'static>> = std::iter::once(leaf.certificate.der())
        .chain(between.iter().map(|authority| authority.der()))
        .cloned()
        .collect();
    let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Server::start_tls(config, |_, _, body| Act::Answer(answer(200, body))).await
}

/// A file that goes with the test.
struct File(PathBuf);

impl File {
    fn new(content: impl AsRef<[u8]>) -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("bundle-{}-{number}.pem", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

fn client(url: String, bundle: Option<&File>) -> Result<Client, ConfigError> {
    Client::new(Config {
        region: "eu-west-1".to_owned(),
        endpoint_url: Some(url),
        ca_bundle: bundle.map(|file| file.0.clone()),
        keys: Keys { access_key_id: "key".to_owned(), secret_access_key: "secret".to_owned(), session_token: None },
    })
}

async fn ask(client: &Client) -> Result<Bytes, Error> {
    client.call(BatchGetItem, b"hello", Instant::now() + Duration::from_secs(5)).await
}

async fn asked(server: &Server, bundle: impl AsRef<[u8]>) -> Result<Bytes, Error> {
    ask(&client(server.https_url(), Some(&File::new(bundle))).unwrap()).await
}

fn refused() -> Result<Bytes, Error> {
    Err(Error::Unavailable("TlsFailed".into()))
}

/// PEM with lines of another length than the usual.
fn pem_in_lines_of(length: usize, authority: &Authority) -> String {
    let digits = STANDARD.encode(authority.der());
    let lines: Vec<_> = digits.as_bytes().chunks(length).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[tokio::test]
async fn one_authority_among_many_is_found() {
    let root = root("Root");
    let issuer = intermediate("Issuer", &root);
    let bundle: String = (0..40)
        .map(|number| match number {
            17 => format!("# the one\r\n\n{}", root.pem()),
            _ => self::root(&format!("Root {number}")).pem(),
        })
        .collect();
    for version in [&TLS12, &TLS13] {
        let server = server(&good_leaf(&issuer), &[&issuer], version).await;
        let bundle = File::new(&bundle);
        let client = client(server.https_url(), Some(&bundle)).unwrap();
        client.connect().await.unwrap();
        for _ in 0..3 {
            assert_eq!(ask(&client).await.unwrap(), "hello");
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn however_its_file_is_written() {
    let root = root(&"A name that is longer than what is looked at in the first place, and then some ".repeat(3));
    let server = server(&good_leaf(&root), &[], &TLS13).await;
    for bundle in [
        root.pem(),
        root.pem().replace('\n', "\r\n"),
        root.pem().replace("\r\n", "\n"),
        root.pem().trim_end().to_owned(),
        format!("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n{}", root.pem()),
        format!("-----BEGIN CERTIFICATE-----\n{}", root.pem()),
        pem_in_lines_of(76, &root),
        pem_in_lines_of(48, &root),
        pem_in_lines_of(100_000, &root),
    ] {
        assert_eq!(asked(&server, &bundle).await.unwrap(), "hello", "{bundle}");
    }
}

#[tokio::test]
async fn an_authority_need_not_be_a_root() {
    let root = root("Root");
    let issuer = intermediate("Issuer", &root);
    for between in [vec![], vec![&issuer]] {
        let server = server(&good_leaf(&issuer), &between, &TLS13).await;
        assert_eq!(asked(&server, issuer.pem()).await.unwrap(), "hello");
        // The root of another kind of the same name as the issuer's issuer leads nowhere, but not astray.
        let bundle = self::root("Root").pem() + &issuer.pem();
        assert_eq!(asked(&server, bundle).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn nobody_else_is_trusted() {
    let root = root("Root");
    let issuer = intermediate("Issuer", &root);
    let server = server(&good_leaf(&issuer), &[&issuer], &TLS13).await;
    assert_eq!(asked(&server, root.pem()).await.unwrap(), "hello");

    let namesake = self::root("Root");
    assert_eq!(asked(&server, namesake.pem()).await, refused());
    assert_eq!(asked(&server, namesake.pem() + &root.pem()).await.unwrap(), "hello");
    let stranger = self::root("Stranger");
    assert_eq!(asked(&server, stranger.pem()).await, refused());
    // None of the public ones either, and they not if there is a bundle.
    let client = client(server.https_url(), None).unwrap();
    assert_eq!(client.connect().await, Err(Error::Unavailable("TlsFailed".into())));
    assert_eq!(ask(&client).await, refused());
}

#[tokio::test]
async fn nor_for_another_name_or_time() {
    let root = root("Root");
    for leaf in [leaf(&root, "127.0.0.2", 4000), leaf(&root, "localhost", 4000), leaf(&root, "127.0.0.1", 2020)] {
        let server = server(&leaf, &[], &TLS13).await;
        assert_eq!(asked(&server, root.pem()).await, refused());
    }
    let server = server(&leaf(&root, "localhost", 4000), &[], &TLS13).await;
    let url = format!("https://localhost:{}", server.address.port());
    assert_eq!(ask(&client(url, Some(&File::new(root.pem()))).unwrap()).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_leaf_is_no_authority() {
    let root = root("Root");
    let leaf = good_leaf(&root);
    let server = server(&leaf, &[], &TLS13).await;
    assert_eq!(asked(&server, leaf.certificate.pem()).await, refused());
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_given_up_in_time() {
    let server = Server::start(|_, _, _| Act::Hang).await;
    let client = client(server.https_url(), None).unwrap();
    let start = Instant::now();
    let deadline = start + Duration::from_millis(100);
    assert_eq!(client.call(BatchGetItem, b"", deadline).await, Err(Error::Unavailable("Timeout".into())));
    assert!(start.elapsed() < Duration::from_millis(300));
}

#[test]
fn a_bundle_without_authorities_is_said_at_once() {
    let url = || "https://127.0.0.1:1".to_owned();
    for content in ["", "nothing", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"] {
        assert!(matches!(client(url(), Some(&File::new(content))), Err(ConfigError::CaBundle(_))), "{content}");
    }
    let missing = File(PathBuf::from("/nowhere/at/all.pem"));
    let error = client(url(), Some(&missing)).unwrap_err();
    assert_eq!(error.to_string(), "DynamoDB: AWS_CA_BUNDLE: No such file or directory (os error 2)");
}
