use crate::{
    Counts, Credential, Error, Origin, Settings, SettingsError, Unreachable,
    http::Connector,
    ids::Ids,
    table::{Table, Transaction},
};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The table and the one way to it, with one method for each use case. A process needs one.
#[derive(Debug)]
pub struct Store {
    pub(crate) table: Table,
    pub(crate) ids: Ids,
    connector: Connector,
    settings: Settings,
}

impl Store {
    /// A store over the table that the settings name. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] when the settings or the AWS credentials cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let (client, connector) = settings.client()?;
        Ok(Self {
            table: Table::new(client, settings.table.clone()),
            ids: Ids::default(),
            connector,
            settings: settings.clone(),
        })
    }

    /// Opens a connection, so that the first request need not. If that fails, the first request tries again.
    pub async fn connect(&self) {
        let Settings { region, endpoint_url, .. } = &self.settings;
        let connect = self.connector.connect(region, endpoint_url.as_deref());
        let reason = match tokio::time::timeout(self.settings.connect_timeout(), connect).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        tracing::warn!(reason, "the table could not be reached in advance");
    }

    /// What has been counted since the last call.
    pub fn take_counts(&self) -> Counts {
        self.table.take_counts()
    }

    /// An empty transaction of a management request. What is written with it is noted in the history by itself.
    pub(crate) fn transaction<'a>(&self, origin: Origin<'a>) -> Result<Transaction<'a>, Error> {
        let expires_at = origin.now.timestamp() + i64::from(self.settings.change_days) * SECONDS_PER_DAY;
        Ok(Transaction::of(origin, self.ids.of_entry(origin.now)?, expires_at))
    }

    /// Whether the credential holds: for requests that go no further. One call.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it does not hold, and the table's own.
    pub async fn check(&self, caller: &Credential) -> Result<(), Error> {
        self.table.authorize(caller).await.map(drop)
    }

    /// Whether the table can be used at all, for an operator who has to know what to do about it. Takes 3 seconds at most.
    ///
    /// # Errors
    /// [`Unreachable`] says why the table cannot be used.
    pub async fn reach(&self) -> Result<(), Unreachable> {
        self.table.reach().await
    }
}
