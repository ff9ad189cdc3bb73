//! How the service talks to DynamoDB: end points, credentials, TLS, time-outs and retries, in one place.

use std::{env, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
};
use table_client::{Config, ConfigError, Transport};

use crate::connector::Connector;

/// What one table operation may take in all, its retries included. The contract's one second, and a little for us.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(950);
/// What one attempt may take: enough for a page of the largest records, and a connection that died unnoticed leaves time
/// for another.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 4;
/// The access key of AWS's documentation and its secret. The embedded engine takes any; others know this one.
pub(crate) const LOCAL_KEY: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/// Which table, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The table's name.
    pub table: String,
    /// The AWS region.
    pub region: String,
    /// Where the table is, if not at the region's own end point.
    pub endpoint_url: Option<String>,
    /// Whose authority to use.
    pub credentials: TableCredentials,
}

/// Whose authority the table is asked with.
#[derive(Clone, Debug)]
pub enum TableCredentials {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read whenever they are used: Lambda may
    /// renew them.
    Environment,
    /// Invented ones: a local engine takes any.
    Local,
}

/// The environment lacks something, or holds what cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable is missing or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The table cannot be asked with them.
    #[error(transparent)]
    Client(#[from] ConfigError),
}

impl Settings {
    /// From the environment of a function: `TABLE_NAME`, `AWS_REGION`, the credentials, and, if set,
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// [`SettingsError`] names what is missing.
    pub fn from_env() -> Result<Self, SettingsError> {
        let Config { region, endpoint_url, .. } = Config::from_env()?;
        Ok(Self {
            table: env::var("TABLE_NAME")
                .ok()
                .filter(|name| !name.is_empty())
                .ok_or(SettingsError::Missing("TABLE_NAME"))?,
            region,
            endpoint_url,
            credentials: TableCredentials::Environment,
        })
    }

    /// A table of a local engine.
    pub fn local(endpoint_url: &str, table: &str) -> Self {
        Self {
            table: table.to_owned(),
            region: "us-east-1".to_owned(),
            endpoint_url: Some(endpoint_url.to_owned()),
            credentials: TableCredentials::Local,
        }
    }

    /// How many times as long as the contract allows the table may take. A local engine shares its machine with
    /// everything else that runs there, and nobody waits for it at a charger.
    pub(crate) fn patience(&self) -> u32 {
        match self.credentials {
            TableCredentials::Environment => 1,
            TableCredentials::Local => 8,
        }
    }

    /// The SDK's client, and the connections that it uses.
    pub(crate) fn client(&self) -> Result<(Client, Connector), SettingsError> {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT * self.patience())
            .operation_timeout(OPERATION_TIMEOUT * self.patience())
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(25))
            .with_max_backoff(Duration::from_millis(200));
        let connector = Connector::new(Transport::new(self.table_client())?);
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(connector.connections().url())
            // The connector signs.
            .allow_no_auth()
            .timeout_config(timeouts)
            .retry_config(retries)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(connector.clone());
        Ok((Client::from_conf(config.build()), connector))
    }
}
