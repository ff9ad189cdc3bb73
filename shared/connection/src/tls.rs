//! Whom to trust, at what price.

use std::{fmt, fs, io, path::Path, sync::Arc};

use base64_simd::{Out, STANDARD};
use memchr::memmem;
use rustls::{
    CipherSuite, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use webpki::EndEntityCert;

use crate::endpoint::EndpointError;

/// The public authorities are compiled in, so that there is nothing to parse. A bundle takes their place.
pub(crate) fn client_config(ca_bundle: Option<&Path>) -> Result<ClientConfig, EndpointError> {
    let provider = Arc::new(provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match ca_bundle {
        None => builder.with_root_certificates(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
        Some(path) => builder.dangerous().with_custom_certificate_verifier(Arc::new(Bundle::read(path, algorithms)?)),
    };
    Ok(builder.with_no_client_auth())
}

/// `ring`, with AES-128 and SHA-256 before AES-256 and SHA-384: 60,000 instructions less in a handshake.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// Base64 digits in a line of PEM.
const LINE: usize = 64;
/// The first so many bytes of a certificate, three lines, mostly hold so many of its issuer's name.
const START: usize = 144;
const NAME: usize = 88;

/// The authorities of a PEM file.
///
/// Such a file mostly holds all public authorities and one more. Decoding them costs three times as much as the
/// handshake. So only the start of each is decoded, and the rest if the name of an issuer in the server's certificates
/// is seen there: an authority's own certificate names itself as its issuer. If that does not find what is needed, all
/// are tried: what is accepted is what the whole file accepts.
struct Bundle {
    pem: Vec<u8>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Bundle {
    fn read(path: &Path, algorithms: WebPkiSupportedAlgorithms) -> Result<Self, EndpointError> {
        let pem = fs::read(path).map_err(EndpointError::CaBundle)?;
        if memmem::find(&pem, BEGIN).is_none() {
            let error = io::Error::new(io::ErrorKind::InvalidData, "there is no certificate in it");
            return Err(EndpointError::CaBundle(error));
        }
        Ok(Self { pem, algorithms })
    }

    /// The authorities whose certificates begin as wanted.
    fn authorities(&self, is_wanted: impl Fn(&[u8]) -> bool) -> RootCertStore {
        let certificates = memmem::find_iter(&self.pem, BEGIN)
            .map(|begin| &self.pem[begin..])
            .filter(|pem| is_wanted(&pem[BEGIN.len()..]))
            .filter_map(|pem| CertificateDer::from_pem_slice(pem).ok());
        let mut authorities = RootCertStore::empty();
        // One that cannot be read is as good as not there.
        authorities.add_parsable_certificates(certificates);
        authorities
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("bytes", &self.pem.len()).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Bundle {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let verify = |authorities: &RootCertStore| {
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                authorities,
                intermediates,
                now,
                self.algorithms.all,
            )
        };
        let issuers: Vec<_> = intermediates.iter().chain([end_entity]).filter_map(issuer).collect();
        let issuers: Vec<_> = issuers.iter().map(|name| memmem::Finder::new(&name[..name.len().min(NAME)])).collect();
        let is_likely = |pem: &[u8]| {
            let mut start = [0; START];
            decode_start(pem, &mut start);
            issuers.iter().any(|name| name.find(&start).is_some())
        };
        verify(&self.authorities(is_likely)).or_else(|_| verify(&self.authorities(|_| true)))?;
        verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The name of its issuer, as it is encoded.
fn issuer(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    Some(EndEntityCert::try_from(certificate).ok()?.issuer().to_vec())
}

/// What the first lines after a PEM header encode; nothing, if they are not the usual ones.
fn decode_start(pem: &[u8], bytes: &mut [u8; START]) {
    let mut digits = [0; START / 3 * 4];
    let lines = pem.trim_ascii_start().chunks_exact(LINE + 1);
    for (digits, line) in digits.chunks_exact_mut(LINE).zip(lines) {
        digits.copy_from_slice(&line[..LINE]);
    }
    // A line that ends elsewhere leaves a line break among the digits, a missing one zeros: neither decodes.
    if STANDARD.decode(&digits, Out::from_slice(bytes)).is_err() {
        bytes.fill(0);
    }
}
