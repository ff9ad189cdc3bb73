//! Whether a tag may charge: one `BatchGetItem`, whatever is asked and however many tags the table holds.
//!
//! It goes through `table-client`, because the SDK's client would cost the authorizer more than everything else that it does
//! (`docs/performance.md`).

use std::{
    borrow::Cow,
    collections::HashMap,
    env, iter,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use domain::{AccessIdType, Id, OcppIdTag};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use table_client::{Client, Config, Keys, Operation};
use tokio::time::Instant;

use crate::{
    Counts, Credential, Error, Settings, SettingsError, TableCredentials,
    keys::{self, Key},
    settings::LOCAL_KEY,
};

/// What a decision may take in all, the table's retries included.
const DEADLINE: Duration = Duration::from_millis(950);
/// How long to wait before the table is asked again, when it left keys over.
const PAUSE: Duration = Duration::from_millis(25);

/// What the table says of a tag at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may charge.
    Authorized {
        /// The access ID's number.
        id: Id,
        /// The access ID's name.
        name: String,
        /// Whether it is a card or a vehicle.
        kind: AccessIdType,
    },
    /// No access ID of the organization has this tag.
    Unknown,
    /// Its access ID is revoked.
    Revoked,
    /// The stored item is not one that this version understands, so it does not authorize.
    Unreadable,
}

/// Asks the table whether a tag may charge. One per process; it keeps one connection.
#[derive(Debug)]
pub struct Decider {
    client: Client,
    table: String,
    deadline: Duration,
    failures: AtomicU64,
}

impl Decider {
    /// A decider over the table that the settings name. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] when the settings cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let client = Client::new(settings.table_client())?;
        let deadline = DEADLINE * settings.patience();
        Ok(Self { client, table: settings.table.clone(), deadline, failures: AtomicU64::new(0) })
    }

    /// Opens the connection before the first request needs it. If that fails, the first request tries again.
    pub async fn connect(&self) {
        if let Err(error) = self.client.connect().await {
            tracing::warn!(code = error.code(), "the table could not be reached in advance");
        }
    }

    /// What has been counted since the last call.
    pub fn take_counts(&self) -> Counts {
        Counts { conflicts: 0, failures: self.failures.swap(0, Ordering::Relaxed) }
    }

    /// Whether the tag may charge, by the table's state at this moment. One strongly consistent call, which also checks
    /// the credential. Without a tag, because what Thor sent can be none, the credential alone is checked.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], and [`Error::Unavailable`] when the table did not answer within a second.
    pub async fn decide(&self, caller: &Credential, tag: Option<&OcppIdTag>) -> Result<Decision, Error> {
        let deadline = Instant::now() + self.deadline;
        let credential_key = caller.key();
        let tag_key = tag.map(|tag| keys::tag(&caller.organization, tag));
        let request = request(&self.table, iter::once(&credential_key).chain(&tag_key)).map_err(|_| Error::Unusable)?;
        loop {
            let answer = self.client.call(Operation::BatchGetItem, &request, deadline).await;
            let answer = answer.map_err(|error| self.failed(error.code()))?;
            if let Some(decision) = self.read(&answer, caller, &credential_key, tag_key.as_ref())? {
                return Ok(decision);
            }
            // A table that throttles leaves keys over. Those may be the ones that matter, so nothing is decided yet.
            if Instant::now() + PAUSE >= deadline {
                return Err(self.failed("UnprocessedKeys"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What an answer of the table to [`Decider::decide`] says, `None` if keys were left over. For the fuzz targets.
    #[cfg(feature = "fuzzing")]
    pub fn read_answer(
        &self,
        answer: &[u8],
        caller: &Credential,
        tag: Option<&OcppIdTag>,
    ) -> Result<Option<Decision>, Error> {
        let tag_key = tag.map(|tag| keys::tag(&caller.organization, tag));
        self.read(answer, caller, &caller.key(), tag_key.as_ref())
    }

    /// What an answer of the table says, `None` if keys were left over.
    fn read(
        &self,
        answer: &[u8],
        caller: &Credential,
        credential_key: &Key,
        tag_key: Option<&Key>,
    ) -> Result<Option<Decision>, Error> {
        let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|_| self.failed("MalformedAnswer"))?;
        if !answer.unprocessed_keys.is_empty() {
            return Ok(None);
        }
        let items = answer.responses.get(self.table.as_str()).map(Vec::as_slice).unwrap_or_default();
        decision(caller, items, credential_key, tag_key).map(Some)
    }

    fn failed(&self, code: &str) -> Error {
        self.failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(operation = "BatchGetItem", code, "table call failed");
        Error::Unavailable
    }
}

fn decision(
    caller: &Credential,
    items: &[Item<'_>],
    credential_key: &Key,
    tag_key: Option<&Key>,
) -> Result<Decision, Error> {
    let find = |key: &Key| items.iter().find(|item| item.partition.is(&key.partition) && item.sort.is(&key.sort));
    if !find(credential_key).is_some_and(|item| item.opens(caller)) {
        return Err(Error::Unauthorized);
    }
    let decision = tag_key.and_then(find).map_or(Decision::Unknown, Item::decision);
    if decision == Decision::Unreadable {
        tracing::error!("the stored item of a tag cannot be read: refused");
    }
    Ok(decision)
}

/// The body of a `BatchGetItem` of these keys.
fn request<'a>(table: &str, keys: impl Iterator<Item = &'a Key>) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Request<'a> {
        request_items: HashMap<&'a str, Wanted<'a>>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Wanted<'a> {
        consistent_read: bool,
        keys: Vec<PrimaryKey<'a>>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "UPPERCASE")]
    struct PrimaryKey<'a> {
        pk: Text<'a>,
        sk: Text<'a>,
    }
    #[derive(Serialize)]
    struct Text<'a> {
        #[serde(rename = "S")]
        string: &'a str,
    }
    let key = |key: &'a Key| PrimaryKey { pk: Text { string: &key.partition }, sk: Text { string: &key.sort } };
    let wanted = Wanted { consistent_read: true, keys: keys.map(key).collect() };
    serde_json::to_vec(&Request { request_items: HashMap::from([(table, wanted)]) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(borrow)]
    responses: HashMap<Cow<'a, str>, Vec<Item<'a>>>,
    #[serde(default, borrow)]
    unprocessed_keys: HashMap<Cow<'a, str>, IgnoredAny>,
}

/// What a decision needs of the item of a credential or of a tag. An attribute of another type reads as absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(rename = "PK", borrow)]
    partition: Value<'a>,
    #[serde(rename = "SK", borrow)]
    sort: Value<'a>,
    #[serde(default, borrow)]
    scope: Value<'a>,
    #[serde(default, borrow)]
    revoked_at: Option<Value<'a>>,
    #[serde(default, borrow)]
    access_id: Value<'a>,
    #[serde(default, borrow)]
    name: Value<'a>,
    #[serde(default, rename = "type", borrow)]
    kind: Value<'a>,
    #[serde(default, borrow)]
    authorization_status: Value<'a>,
}

/// An attribute's value, if it is a string or a number.
#[derive(Default, Deserialize)]
struct Value<'a> {
    #[serde(default, rename = "S", borrow)]
    string: Option<Cow<'a, str>>,
    #[serde(default, rename = "N", borrow)]
    number: Option<Cow<'a, str>>,
}

impl Value<'_> {
    fn is(&self, text: &str) -> bool {
        self.string.as_deref() == Some(text)
    }
}

impl Item<'_> {
    /// Whether this credential opens the authorizer. One with a `revokedAt` does not, whatever that holds.
    fn opens(&self, caller: &Credential) -> bool {
        self.scope.is(caller.scope.as_str()) && self.revoked_at.is_none()
    }

    /// What the item of a tag says. One that is not understood authorizes nobody.
    fn decision(&self) -> Decision {
        let kind = match self.kind.string.as_deref() {
            Some("RFID") => Some(AccessIdType::Rfid),
            Some("Vehicle") => Some(AccessIdType::Vehicle),
            _ => None,
        };
        let id = self.access_id.number.as_deref().and_then(|number| number.parse().ok());
        match (self.authorization_status.string.as_deref(), id, &self.name.string, kind) {
            (Some("Revoked"), ..) => Decision::Revoked,
            (Some("Authorized"), Some(id), Some(name), Some(kind)) => {
                Decision::Authorized { id, name: name.clone().into_owned(), kind }
            }
            _ => Decision::Unreadable,
        }
    }
}

impl Settings {
    /// The same, as `table-client` takes it.
    pub(crate) fn table_client(&self) -> Config {
        let local = || Keys {
            access_key_id: LOCAL_KEY.0.to_owned(),
            secret_access_key: LOCAL_KEY.1.to_owned(),
            session_token: None,
        };
        Config {
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            ca_bundle: env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from),
            credentials: match self.credentials {
                TableCredentials::Environment => table_client::Credentials::Environment,
                TableCredentials::Local => table_client::Credentials::Fixed(local()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_json_whatever_the_tag() {
        let organization = "o".parse().unwrap();
        let printable: String = ('!'..='~').collect();
        for text in [&printable[..36], &printable[36..72], &printable[72..]] {
            let key = keys::tag(&organization, &OcppIdTag::normalize(text).unwrap());
            let request: serde_json::Value = serde_json::from_slice(&request("t", iter::once(&key)).unwrap()).unwrap();
            let wanted = &request["RequestItems"]["t"];
            assert_eq!(wanted["ConsistentRead"], true);
            assert_eq!(wanted["Keys"][0]["PK"]["S"], key.partition);
            assert_eq!(wanted["Keys"][0]["SK"]["S"], "TAG");
        }
    }

    fn decided(attributes: &str) -> Decision {
        let item = format!(r#"{{"PK":{{"S":"p"}},"SK":{{"S":"s"}},{attributes}}}"#);
        serde_json::from_str::<Item<'_>>(&item).unwrap().decision()
    }

    #[test]
    fn what_is_not_understood_refuses() {
        let whole =
            r#""accessId":{"N":"7"},"name":{"S":"a\"b"},"type":{"S":"RFID"},"authorizationStatus":{"S":"Authorized"}"#;
        let id = Id::new(7).unwrap();
        assert_eq!(decided(whole), Decision::Authorized { id, name: "a\"b".to_owned(), kind: AccessIdType::Rfid });
        assert_eq!(decided(&format!(r#"{whole},"later":{{"BOOL":true}}"#)), decided(whole));
        for (from, to) in [
            ("Authorized", "Suspended"),
            (r#"{"S":"Authorized"}"#, r#"{"BOOL":true}"#),
            (r#"{"N":"7"}"#, r#"{"N":"0"}"#),
            (r#"{"N":"7"}"#, r#"{"S":"7"}"#),
            ("RFID", "Phone"),
            (r#""name":{"S":"a\"b"},"#, ""),
        ] {
            let broken = whole.replace(from, to);
            assert_ne!(broken, whole);
            assert_eq!(decided(&broken), Decision::Unreadable, "{broken}");
        }
        assert_eq!(decided(r#""authorizationStatus":{"S":"Revoked"}"#), Decision::Revoked);
    }
}
