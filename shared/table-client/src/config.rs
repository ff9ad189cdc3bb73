use std::{borrow::Cow, fmt, io, path::PathBuf};

/// Where the table is, and whose authority to use.
#[derive(Clone, Debug)]
pub struct Config {
    /// The AWS region.
    pub region: String,
    /// `http://…` or `https://…`, if not the region's own end point.
    pub endpoint_url: Option<String>,
    /// A PEM file with the authorities to trust in place of the public ones.
    pub ca_bundle: Option<PathBuf>,
    /// The AWS credentials that sign the requests. Lambda gives a process the ones that hold for as long as it lives.
    pub keys: Keys,
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

impl Keys {
    /// The same keys, if a header can hold them: a line break would begin another header.
    pub(crate) fn printable(self) -> Result<Self, ConfigError> {
        let is_fit = is_printable(&self.access_key_id) && self.session_token.as_deref().is_none_or(is_printable);
        if is_fit { Ok(self) } else { Err(ConfigError::Keys) }
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
    /// The key's id or the session token holds what no header can.
    #[error("AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN is not printable ASCII without spaces")]
    Keys,
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
            keys: Keys { access_key_id: String::new(), secret_access_key: String::new(), session_token: None },
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
