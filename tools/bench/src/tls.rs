//! TLS in front of the table, as DynamoDB has it: a chain of three RSA certificates, whose root is one of the many
//! authorities of a bundle.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Result;

/// Where systems keep the authorities they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Each certificate and what stands in it, after the one that signs it.
const CERTIFICATES: [(&str, Option<&str>, &[&str]); 3] = [
    ("root", None, &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]),
    (
        "intermediate",
        Some("root"),
        &["basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"],
    ),
    (
        "leaf",
        Some("intermediate"),
        &[
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature,keyEncipherment",
            "extendedKeyUsage=serverAuth",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
    ),
];

/// The files of a new set of certificates.
pub struct Certificates {
    folder: PathBuf,
    /// How many authorities the bundle of all has.
    pub authorities: usize,
}

impl Certificates {
    /// Makes them in a folder, with the `openssl` command (3.0 or later).
    pub fn make(folder: PathBuf) -> Result<Certificates> {
        fs::create_dir_all(&folder)?;
        // Without it openssl adds extensions of the system's configuration.
        fs::write(folder.join("config"), "[req]\ndistinguished_name=name\n[name]\n")?;
        for (name, issuer, extensions) in CERTIFICATES {
            let mut openssl = Command::new("openssl");
            openssl.current_dir(&folder).args(["req", "-x509", "-config", "config", "-sha256", "-days", "2"]);
            openssl.args(["-newkey", "rsa:2048", "-nodes", "-keyout", &key(name), "-out", &pem(name)]);
            openssl.args(["-subj", &format!("/O=Benchmark/CN={name}")]);
            if let Some(issuer) = issuer {
                openssl.args(["-CA", &pem(issuer), "-CAkey", &key(issuer)]);
            }
            let identifiers = ["subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"];
            for extension in extensions.iter().chain(&identifiers) {
                openssl.args(["-addext", extension]);
            }
            let made = openssl.output().map_err(|error| format!("openssl: {error}"))?;
            if !made.status.success() {
                return Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)).into());
            }
        }
        let read = |path: &Path| fs::read_to_string(path);
        let system = SYSTEM_BUNDLES.iter().find_map(|path| read(Path::new(path)).ok()).unwrap_or_default();
        let bundle = system + &read(&folder.join(pem("root")))?;
        let authorities = bundle.matches("-----BEGIN CERTIFICATE-----").count();
        fs::write(folder.join(pem("bundle")), bundle)?;
        Ok(Certificates { folder, authorities })
    }

    /// The test's root alone.
    pub fn root(&self) -> PathBuf {
        self.folder.join(pem("root"))
    }

    /// The system's authorities and the test's root.
    pub fn bundle(&self) -> PathBuf {
        self.folder.join(pem("bundle"))
    }

    /// Listens for TLS and passes on what it carries. Each connection that comes is one to `table`.
    pub async fn serve(&self, table: SocketAddr) -> Result<SocketAddr> {
        let read = |name| CertificateDer::from_pem_file(self.folder.join(pem(name)));
        let chain = vec![read("leaf")?, read("intermediate")?];
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(self.folder.join(key("leaf")))?)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(acceptor.clone(), client, table));
            }
        });
        Ok(address)
    }
}

async fn pass(acceptor: TlsAcceptor, client: TcpStream, table: SocketAddr) -> std::io::Result<()> {
    // Before the handshake, so that one that fails is counted too.
    let mut table = TcpStream::connect(table).await?;
    table.set_nodelay(true)?;
    client.set_nodelay(true)?;
    copy_bidirectional(&mut acceptor.accept(client).await?, &mut table).await?;
    Ok(())
}

fn pem(name: &str) -> String {
    format!("{name}.pem")
}

fn key(name: &str) -> String {
    format!("{name}.key")
}
