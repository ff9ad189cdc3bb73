use std::{borrow::Cow, env, fmt, path::PathBuf};

use connection::{Endpoint, EndpointError, Io};

use crate::error::Error;

/// Where the table is, and whose authority to use.
#[derive(Clone, Debug)]
pub struct Config {
    /// The AWS region.
    pub region: String,
    /// `http://…` or `https://…`, if not the region's own end point.
    pub endpoint_url: Option<String>,
    /// A PEM file with the authorities to trust in place of the public ones.
    pub ca_bundle: Option<PathBuf>,
    /// Whose authority to use.
    pub credentials: Credentials,
    /// What a call's thread does until the table answers.
    pub io: Io,
}

/// Whose authority the table is asked with.
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
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// What proves it.
    pub secret_access_key: String,
    /// What a temporary key needs besides.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Those that hold at this moment.
    pub(crate) fn now(&self) -> Result<Cow<'_, Keys>, Error> {
        let keys = match self {
            Self::Fixed(keys) => Some(Cow::Borrowed(keys)),
            Self::Environment => Keys::from_env().map(Cow::Owned),
        };
        // What is sent as a header must not end it.
        keys.filter(|keys| is_printable(&keys.access_key_id) && keys.session_token.as_deref().is_none_or(is_printable))
            .ok_or(Error::Rejected(Cow::Borrowed("MissingCredentials")))
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
    /// A variable is missing or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// Not the name of a region.
    #[error("AWS_REGION is no region")]
    Region,
    /// No connection can be made to the end point.
    #[error("DynamoDB: {0}")]
    Endpoint(#[from] EndpointError),
}

impl Config {
    /// From the environment of a function: `AWS_REGION` (or `AWS_DEFAULT_REGION`), the credentials, and, if set,
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`, and `AWS_CA_BUNDLE`.
    ///
    /// # Errors
    /// [`ConfigError::Missing`]: no region is set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .ok_or(ConfigError::Missing("AWS_REGION"))?,
            endpoint_url: variable("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| variable("AWS_ENDPOINT_URL")),
            ca_bundle: env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from),
            credentials: Credentials::Environment,
            io: Io::Blocking,
        })
    }

    /// The given end point, or the region's own.
    ///
    /// # Errors
    /// [`ConfigError`] names what is wrong.
    pub fn endpoint(&self) -> Result<Endpoint, ConfigError> {
        let region = &self.region;
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ConfigError::Region);
        }
        let url = match &self.endpoint_url {
            Some(url) => url,
            None => &format!("https://dynamodb.{region}.{}", dns_suffix(region)),
        };
        Ok(Endpoint::new(url, self.ca_bundle.as_deref())?)
    }
}

/// The partitions that are open to the public have two; for any other there is `AWS_ENDPOINT_URL_DYNAMODB`.
fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else if region.starts_with("eusc-") {
        "amazonaws.eu"
    } else {
        "amazonaws.com"
    }
}

/// A variable that is set, and not to nothing.
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
            io: Io::Blocking,
        };
        Ok(config.endpoint()?.authority().to_owned())
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
