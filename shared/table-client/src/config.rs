use std::{borrow::Cow, env, fmt, io, path::PathBuf};

use crate::error::Failure;

/// Where the table is, and whose authority to use.
#[derive(Clone, Debug)]
pub struct Config {
    /// The AWS region.
    pub region: String,
    /// `http://…` or `https://…`, if not the region's own end point.
    pub endpoint_url: Option<String>,
    /// A PEM file with the authorities to trust in place of the public ones.
    pub ca_bundle: Option<PathBuf>,
    /// The AWS credentials that sign the requests.
    pub credentials: Credentials,
}

/// Where the AWS credentials come from.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read whenever they are used: Lambda may
    /// renew them.
    Environment,
    /// Always the same.
    Fixed(Keys),
}

/// An access key.
#[derive(Clone)]
pub struct Keys {
    /// The key's id, `AKIA…` or, if it is temporary, `ASIA…`.
    pub access_key_id: String,
    /// The secret that the signatures are made with.
    pub secret_access_key: String,
    /// The token that a temporary key needs besides.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Those that hold at this moment.
    pub(crate) fn now(&self) -> Result<Cow<'_, Keys>, Failure> {
        let keys = match self {
            Self::Fixed(keys) => Some(Cow::Borrowed(keys)),
            Self::Environment => Keys::from_env().map(Cow::Owned),
        };
        // Both are sent in headers: a line break in them would begin another header.
        keys.filter(|keys| is_printable(&keys.access_key_id) && keys.session_token.as_deref().is_none_or(is_printable))
            .ok_or(Failure::Rejected(Cow::Borrowed("MissingCredentials")))
    }
}

impl Keys {
    fn from_env() -> Option<Self> {
        Some(Self {
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
            session_token: variable("AWS_SESSION_TOKEN"),
        })
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The configuration lacks something, or holds what cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not the name of a region.
    #[error("AWS_REGION is no region")]
    Region,
    /// The end point is not `http[s]://host[:port]`.
    #[error("DynamoDB: the end point is not http[s]://host[:port]")]
    Url,
    /// The file of authorities cannot be read, or holds none.
    #[error("DynamoDB: AWS_CA_BUNDLE: {0}")]
    CaBundle(io::Error),
    /// TLS cannot be set up.
    #[error("DynamoDB: TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Config {
    /// The URL of the given end point, or of the region's own.
    pub(crate) fn url(&self) -> Result<Cow<'_, str>, ConfigError> {
        let region = &self.region;
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ConfigError::Region);
        }
        Ok(match &self.endpoint_url {
            Some(url) => Cow::Borrowed(url),
            None => Cow::Owned(format!("https://dynamodb.{region}.{}", dns_suffix(region))),
        })
    }
}

/// The domain of the region's partition. For one that is not listed here, set `AWS_ENDPOINT_URL_DYNAMODB`.
fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else if region.starts_with("eusc-") {
        "amazonaws.eu"
    } else {
        "amazonaws.com"
    }
}

/// The variable's value, if it is set and not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(region: &str) -> Result<String, ConfigError> {
        let config = Config {
            region: region.to_owned(),
            endpoint_url: None,
            ca_bundle: None,
            credentials: Credentials::Environment,
        };
        Ok(config.url()?.trim_start_matches("https://").to_owned())
    }

    #[test]
    fn a_region_has_its_end_point() {
        for (region, host) in [
            ("eu-west-1", "dynamodb.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "dynamodb.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "dynamodb.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(endpoint(region).unwrap(), host);
        }
        for region in ["", "eu west", "eu-west-1/", "eu-west-1\r\nx: y", "ü"] {
            assert!(matches!(endpoint(region), Err(ConfigError::Region)), "{region:?}");
        }
    }
}
