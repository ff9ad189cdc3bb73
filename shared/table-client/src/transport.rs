//! Used by the SDK's connector in `store` alone, and to be deleted with it.

use std::{io, time::SystemTime};

use ::connection::{Connections, Io};

use crate::{
    config::{Config, ConfigError, Credentials},
    error::{Error, Failure},
    sign::{self, Signer},
};

/// Connections to one DynamoDB end point, and signed requests to send over them.
#[derive(Debug)]
pub struct Transport {
    /// The connections.
    pub connections: Connections,
    credentials: Credentials,
    signer: Signer,
}

impl Transport {
    /// One for the given configuration. Opens nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] names what is wrong with the configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            connections: Connections::new(
                ::connection::Endpoint::new(&config.url()?, config.ca_bundle.as_deref())
                    .map_err(|error| ConfigError::CaBundle(io::Error::other(error)))?,
                Io::Async,
            ),
            credentials: config.credentials,
            signer: Signer::new(config.region, "dynamodb"),
        })
    }

    /// A whole request, signed now. `target` is the operation as `x-amz-target` names it, `body` its JSON; `more` are headers
    /// that are not signed.
    ///
    /// # Errors
    /// There are no credentials, or none that can be sent.
    pub fn request<'a>(
        &self,
        target: &str,
        body: &[u8],
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<u8>, Error> {
        let credentials = self.credentials.now().map_err(Failure::into_error)?;
        let stamp = sign::stamp(SystemTime::now());
        let mut headers = Vec::with_capacity(5);
        headers.extend([
            ("content-type", "application/x-amz-json-1.0"),
            ("host", self.connections.authority()),
            ("x-amz-date", &stamp),
        ]);
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token", token));
        }
        headers.push(("x-amz-target", target));
        let authorization = self.signer.authorization(&credentials, &stamp, "POST", &headers, body);

        let mut request = Vec::with_capacity(4096);
        request.extend_from_slice(b"POST / HTTP/1.1\r\n");
        let length = body.len().to_string();
        let unsigned = [("authorization", &*authorization), ("content-length", &length)];
        let mut write = |(name, value): (&str, &str)| {
            for part in [name, ": ", value, "\r\n"] {
                request.extend_from_slice(part.as_bytes());
            }
        };
        headers.into_iter().chain(unsigned).for_each(&mut write);
        more.into_iter().for_each(&mut write);
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        Ok(request)
    }
}
