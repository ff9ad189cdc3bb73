//! Which table is used and how: region, end point, AWS credentials, time-outs and retries.

use std::{env, path::PathBuf, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use domain::Journal;
use table_client::{Config, ConfigError, Keys};

use crate::http::{CaBundleError, Connector};

/// What one table operation may take in all, its retries included: a little less than the second that the contract allows.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(950);
/// What one attempt may take. A page of the largest records needs less, and when a connection has died unnoticed, there
/// is time for a second attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 4;
/// The access key of AWS's documentation and its secret. The embedded engine takes any; the other local engines know this
/// one.
pub(crate) const LOCAL_KEY: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/// Which table, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The table's name.
    pub table: String,
    /// The AWS region.
    pub region: String,
    /// `http://…` or `https://…`, if the table is not at the region's own end point.
    pub endpoint_url: Option<String>,
    /// The AWS credentials that requests are signed with.
    pub credentials: TableCredentials,
    /// After how many days an entry of the history is forgotten.
    pub change_days: u16,
}

/// The AWS credentials that requests are signed with.
#[derive(Clone, Debug)]
pub enum TableCredentials {
    /// Those of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if set, `AWS_SESSION_TOKEN`. [`crate::Store::new`] reads
    /// them once: Lambda does not change them while a process lives.
    Environment,
    /// Fixed ones that are no secret, for a local engine.
    Local,
}

/// The environment lacks something, or holds what cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable is missing or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable has another value than its words or numbers.
    #[error("the environment variable {0} has a value that is not known")]
    Unknown(&'static str),
    /// The end point is of another form.
    #[error("DynamoDB: the end point is not http[s]://host[:port]")]
    EndpointUrl,
    /// The file of authorities cannot be used.
    #[error("DynamoDB: AWS_CA_BUNDLE: {0}")]
    CaBundle(#[from] CaBundleError),
    /// The client of the decisions cannot use the settings.
    #[error(transparent)]
    Client(#[from] ConfigError),
}

impl Settings {
    /// For how many days an entry of the history is kept if nothing else is said.
    pub const CHANGE_DAYS: u16 = 400;

    /// From the environment of a function: `TABLE_NAME`, `AWS_REGION` (or `AWS_DEFAULT_REGION`), and, if set,
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`, and `CHANGE_DAYS`. The AWS credentials are those of the environment.
    ///
    /// # Errors
    /// [`SettingsError::Missing`] names the variable that is missing or empty, [`SettingsError::Unknown`] the one whose value
    /// is no number of days.
    pub fn from_env() -> Result<Self, SettingsError> {
        Ok(Self {
            region: variable("AWS_REGION")
                .or_else(|| variable("AWS_DEFAULT_REGION"))
                .ok_or(SettingsError::Missing("AWS_REGION"))?,
            table: required("TABLE_NAME")?,
            endpoint_url: variable("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| variable("AWS_ENDPOINT_URL")),
            credentials: TableCredentials::Environment,
            change_days: days("CHANGE_DAYS", Self::CHANGE_DAYS)?,
        })
    }

    /// A table of a local engine.
    pub fn local(endpoint_url: &str, table: &str) -> Self {
        Self {
            table: table.to_owned(),
            region: "us-east-1".to_owned(),
            endpoint_url: Some(endpoint_url.to_owned()),
            credentials: TableCredentials::Local,
            change_days: Self::CHANGE_DAYS,
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

    /// The SDK's client, and the connector that it sends everything through.
    pub(crate) fn client(&self) -> Result<(Client, Connector), SettingsError> {
        let connector = match self.endpoint_url.as_deref() {
            Some(url) if url.starts_with("http://") => Connector::plain(),
            Some(url) if !url.starts_with("https://") => return Err(SettingsError::EndpointUrl),
            _ => Connector::tls(ca_bundle().as_deref())?,
        };
        let Keys { access_key_id, secret_access_key, session_token } = self.keys()?;
        let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "settings");
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT * self.patience())
            .operation_timeout(OPERATION_TIMEOUT * self.patience())
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(25))
            .with_max_backoff(Duration::from_millis(200));
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(credentials)
            .timeout_config(timeouts)
            .retry_config(retries)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(connector.clone());
        config.set_endpoint_url(self.endpoint_url.clone());
        Ok((Client::from_conf(config.build()), connector))
    }

    /// What the client of the decisions is configured with.
    pub(crate) fn table_client(&self) -> Result<Config, SettingsError> {
        Ok(Config {
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            ca_bundle: ca_bundle(),
            keys: self.keys()?,
        })
    }

    /// The AWS credentials.
    fn keys(&self) -> Result<Keys, SettingsError> {
        Ok(match self.credentials {
            TableCredentials::Local => Keys {
                access_key_id: LOCAL_KEY.0.to_owned(),
                secret_access_key: LOCAL_KEY.1.to_owned(),
                session_token: None,
            },
            TableCredentials::Environment => Keys {
                access_key_id: required("AWS_ACCESS_KEY_ID")?,
                secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
                session_token: variable("AWS_SESSION_TOKEN"),
            },
        })
    }

    /// How long the first connection may take.
    pub(crate) fn connect_timeout(&self) -> Duration {
        OPERATION_TIMEOUT * self.patience()
    }
}

/// Which decisions are journalled, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// Which decisions.
    pub journal: Journal,
    /// After how many days an entry is forgotten.
    pub days: u16,
}

impl Default for JournalSettings {
    /// All, for 30 days.
    fn default() -> Self {
        Self { journal: Journal::All, days: 30 }
    }
}

impl JournalSettings {
    /// From the environment: `JOURNAL` (`All`, `Refused` or `Off`) and `JOURNAL_DAYS`. The defaults stand for what is not
    /// set.
    ///
    /// # Errors
    /// [`SettingsError::Unknown`] names the variable whose value is another.
    pub fn from_env() -> Result<Self, SettingsError> {
        let default = Self::default();
        let journal = variable("JOURNAL").map(|word| word.parse().map_err(|_| SettingsError::Unknown("JOURNAL")));
        Ok(Self { journal: journal.transpose()?.unwrap_or(default.journal), days: days("JOURNAL_DAYS", default.days)? })
    }
}

/// The file of the authorities that are trusted, if the environment names one.
fn ca_bundle() -> Option<PathBuf> {
    env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A variable's value, unless it is empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that is a number of days, at least one.
fn days(name: &'static str, default: u16) -> Result<u16, SettingsError> {
    let Some(days) = variable(name) else { return Ok(default) };
    days.parse().ok().filter(|days| *days > 0).ok_or(SettingsError::Unknown(name))
}

fn required(name: &'static str) -> Result<String, SettingsError> {
    variable(name).ok_or(SettingsError::Missing(name))
}
