//! What a decision depends on: one `BatchGetItem`, whatever is asked and however many tags the table holds.
//!
//! It goes through `table-client`, because the SDK's client would cost the authorizer more than everything else that it does
//! (`docs/performance.md`).

use std::{
    borrow::Cow,
    collections::HashMap,
    iter,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use domain::{
    AccessIdLabel, AccessIdType, AuthorizationStatus, ChargeBox, OcppIdTag, Rules, StoredRules, StoredTag, Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use table_client::{Client, Operation};
use tokio::time::Instant;

use crate::{
    Counts, Credential, Error, JournalSettings, Settings, SettingsError,
    keys::{self, Key},
};

/// What a decision may take in all, the table's retries included.
const DEADLINE: Duration = Duration::from_millis(950);
/// What the journal may take after one answer: both tries to write, and a new connection if they lost the one there was.
const JOURNAL_TIME: Duration = Duration::from_millis(300);
/// How long to wait before the table is asked again, when it left keys over.
const PAUSE: Duration = Duration::from_millis(25);

/// What the table holds that a decision depends on. [`domain::Decision::on`] decides by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The item of the tag, if there is one.
    pub tag: Option<StoredTag>,
    /// Until when an accepted start of the tag at the charge box is remembered, if there is one.
    pub start_remembered_until: Option<Timestamp>,
}

/// Asks the table whether a tag may charge. One per process; it keeps one connection.
#[derive(Debug)]
pub struct Decider {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) journalled: JournalSettings,
    deadline: Duration,
    pub(crate) journal_time: Duration,
    failures: AtomicU64,
    pub(crate) journal_lost: AtomicU64,
}

impl Decider {
    /// A decider over the table that the settings name, which journals what `journalled` says. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] when the settings cannot be used.
    pub fn new(settings: &Settings, journalled: JournalSettings) -> Result<Self, SettingsError> {
        Ok(Self {
            client: Client::new(settings.table_client()?)?,
            table: settings.table.clone(),
            journalled,
            deadline: DEADLINE * settings.patience(),
            journal_time: JOURNAL_TIME * settings.patience(),
            failures: AtomicU64::new(0),
            journal_lost: AtomicU64::new(0),
        })
    }

    /// Opens the connection before the first request needs it. If that fails, the first request tries again.
    pub async fn connect(&self) {
        if let Err(error) = self.client.connect().await {
            tracing::warn!(code = error.code(), "the table could not be reached in advance");
        }
    }

    /// What has been counted since the last call.
    pub fn take_counts(&self) -> Counts {
        Counts {
            conflicts: 0,
            failures: self.failures.swap(0, Ordering::Relaxed),
            journal_lost: self.journal_lost.swap(0, Ordering::Relaxed),
        }
    }

    /// What the table holds of a tag at this moment, and of an accepted start of it at the charge box `started_at`. One
    /// strongly consistent call, which also checks the credential. Without a tag, because what Thor sent can be none, the
    /// credential alone is checked.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], and [`Error::Unavailable`] when the table did not answer within a second.
    pub async fn look_up(
        &self,
        caller: &Credential,
        tag: Option<&OcppIdTag>,
        started_at: Option<&ChargeBox>,
    ) -> Result<Known, Error> {
        let deadline = Instant::now() + self.deadline;
        let wanted = Wanted::new(caller, tag, started_at);
        let request = request(&self.table, wanted.keys()).map_err(|_| Error::Unusable)?;
        loop {
            let answer = self.client.call(Operation::BatchGetItem, &request, deadline).await;
            let answer = answer.map_err(|error| self.failed(error.code()))?;
            if let Some(known) = self.read(&answer, caller, &wanted)? {
                return Ok(known);
            }
            // A table that throttles leaves keys over. Those may be the ones that matter, so nothing is decided yet.
            if Instant::now() + PAUSE >= deadline {
                return Err(self.failed("UnprocessedKeys"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What an answer of the table to [`Decider::look_up`] says, `None` if keys were left over. For the fuzz targets.
    #[cfg(feature = "fuzzing")]
    pub fn read_answer(
        &self,
        answer: &[u8],
        caller: &Credential,
        tag: Option<&OcppIdTag>,
        started_at: Option<&ChargeBox>,
    ) -> Result<Option<Known>, Error> {
        self.read(answer, caller, &Wanted::new(caller, tag, started_at))
    }

    /// What an answer of the table says, `None` if keys were left over.
    fn read(&self, answer: &[u8], caller: &Credential, wanted: &Wanted) -> Result<Option<Known>, Error> {
        // That it is UTF-8 is found out once, not for each of its strings.
        let answer = str::from_utf8(answer).ok().and_then(|answer| serde_json::from_str(answer).ok());
        let answer: Answer<'_> = answer.ok_or_else(|| self.failed("MalformedAnswer"))?;
        if !answer.unprocessed_keys.is_empty() {
            return Ok(None);
        }
        let items = answer.responses.get(self.table.as_str()).map(Vec::as_slice).unwrap_or_default();
        known(caller, items, wanted).map(Some)
    }

    fn failed(&self, code: &str) -> Error {
        self.failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(operation = "BatchGetItem", code, "table call failed");
        Error::Unavailable
    }
}

/// The keys of the items that a decision depends on.
struct Wanted {
    credential: Key,
    tag: Option<Key>,
    start: Option<Key>,
}

impl Wanted {
    pub fn new(caller: &Credential, tag: Option<&OcppIdTag>, started_at: Option<&ChargeBox>) -> Self {
        let organization = &caller.organization;
        let start = tag.zip(started_at).map(|(tag, charge_box)| keys::start(organization, tag, charge_box));
        Self { credential: caller.key(), tag: tag.map(|tag| keys::tag(organization, tag)), start }
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        iter::once(&self.credential).chain(&self.tag).chain(&self.start)
    }
}

fn known(caller: &Credential, items: &[Item<'_>], wanted: &Wanted) -> Result<Known, Error> {
    let find = |key: &Key| items.iter().find(|item| item.partition.is(&key.partition) && item.sort.is(&key.sort));
    if !find(&wanted.credential).is_some_and(|item| item.opens(caller)) {
        return Err(Error::Unauthorized);
    }
    Ok(Known {
        tag: wanted.tag.as_ref().and_then(find).map(Item::tag),
        start_remembered_until: wanted.start.as_ref().and_then(find).and_then(Item::expiry),
    })
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

/// What a decision needs of the item of a credential, of a tag, or of an accepted start. An attribute of another type reads
/// as absent, but for `rules`: whatever that holds was meant to restrict.
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
    #[serde(default, borrow, deserialize_with = "present")]
    rules: Option<&'a RawValue>,
    #[serde(default, borrow)]
    expires_at: Value<'a>,
}

/// A value that is there, a null too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// An attribute's value, if it is a string or a number.
#[derive(Default, Deserialize)]
struct Value<'a> {
    #[serde(default, rename = "S", borrow)]
    string: Option<Text<'a>>,
    #[serde(default, rename = "N", borrow)]
    number: Option<Text<'a>>,
}

/// A text that is copied only if it was written with escapes. (serde copies every `Option<Cow<str>>`.)
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Value<'_> {
    fn text(&self) -> Option<&str> {
        self.string.as_ref().map(|text| &*text.0)
    }

    fn is(&self, text: &str) -> bool {
        self.text() == Some(text)
    }

    fn parse<T: FromStr>(&self) -> Option<T> {
        self.number.as_ref()?.0.parse().ok()
    }
}

impl Item<'_> {
    /// Whether this credential opens the authorizer. One with a `revokedAt` does not, whatever that holds.
    fn opens(&self, caller: &Credential) -> bool {
        self.scope.is(caller.scope.as_str()) && self.revoked_at.is_none()
    }

    /// What the item of a tag says.
    fn tag(&self) -> StoredTag {
        let kind = match self.kind.text() {
            Some("RFID") => Some(AccessIdType::Rfid),
            Some("Vehicle") => Some(AccessIdType::Vehicle),
            _ => None,
        };
        let status = match self.authorization_status.text() {
            Some("Authorized") => Some(AuthorizationStatus::Authorized),
            Some("Revoked") => Some(AuthorizationStatus::Revoked),
            _ => None,
        };
        let access_id = match (self.access_id.parse(), self.name.text(), kind) {
            (Some(id), Some(name), Some(kind)) => Some(AccessIdLabel { id, name: name.to_owned(), kind }),
            _ => None,
        };
        StoredTag {
            access_id,
            status,
            rules: self.rules.map_or_else(StoredRules::default, |rules| read_rules(rules).into()),
        }
    }

    /// When the item of an accepted start expires.
    fn expiry(&self) -> Option<Timestamp> {
        Timestamp::from_timestamp(self.expires_at.parse()?, 0)
    }
}

/// The attribute `rules`, from DynamoDB's JSON.
fn read_rules(rules: &RawValue) -> Result<Rules, Box<dyn std::error::Error>> {
    let attribute: serde_dynamo::AttributeValue = serde_json::from_str(rules.get())?;
    Ok(serde_dynamo::from_attribute_value(attribute)?)
}

#[cfg(test)]
mod tests {
    use domain::Id;

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

    fn read(attributes: &str) -> StoredTag {
        let item = format!(r#"{{"PK":{{"S":"p"}},"SK":{{"S":"s"}},{attributes}}}"#);
        serde_json::from_str::<Item<'_>>(&item).unwrap().tag()
    }

    const WHOLE: &str =
        r#""accessId":{"N":"7"},"name":{"S":"a\"b"},"type":{"S":"RFID"},"authorizationStatus":{"S":"Authorized"}"#;

    #[test]
    fn what_is_not_understood_reads_as_absent() {
        let label = AccessIdLabel { id: Id::new(7).unwrap(), name: "a\"b".to_owned(), kind: AccessIdType::Rfid };
        let whole = read(WHOLE);
        assert_eq!((&whole.access_id, whole.status), (&Some(label), Some(AuthorizationStatus::Authorized)));
        assert_eq!(whole.rules, StoredRules::default());
        assert_eq!(read(&format!(r#"{WHOLE},"later":{{"BOOL":true}}"#)), whole);
        for (from, to, has_label) in [
            ("Authorized", "Suspended", true),
            (r#"{"S":"Authorized"}"#, r#"{"BOOL":true}"#, true),
            (r#"{"N":"7"}"#, r#"{"N":"0"}"#, false),
            (r#"{"N":"7"}"#, r#"{"S":"7"}"#, false),
            ("RFID", "Phone", false),
            (r#""name":{"S":"a\"b"},"#, "", false),
        ] {
            let broken = WHOLE.replace(from, to);
            assert_ne!(broken, WHOLE);
            let broken = read(&broken);
            assert_eq!((broken.access_id.is_some(), broken.status.is_none()), (has_label, has_label), "{from} {to}");
        }
        assert_eq!(read(r#""authorizationStatus":{"S":"Revoked"}"#).status, Some(AuthorizationStatus::Revoked));
    }

    #[test]
    fn rules_are_read_as_they_are_written_and_whatever_else_stands_there_refuses() {
        let until: Timestamp = "2026-03-01T07:00:00.001Z".parse().unwrap();
        let rules = Rules::new(None, Some(until), Some(vec!["depot-*".to_owned(), "x".to_owned()])).unwrap();
        let written: serde_dynamo::AttributeValue = serde_dynamo::to_attribute_value(&rules).unwrap();
        let written = serde_json::to_string(&written).unwrap();
        let with = |rules: &str| read(&format!(r#"{WHOLE},"rules":{rules}"#)).rules;
        assert_eq!(with(&written), StoredRules::Readable(rules));
        assert_eq!(with(r#"{"M":{}}"#), StoredRules::default());
        for unreadable in [
            "null",
            r#"{"NULL":true}"#,
            r#"{"S":""}"#,
            r#"{"L":[]}"#,
            r#"{"B":"!"}"#,
            r#"{"later":1}"#,
            r#"{"M":{"weekdays":{"L":[]}}}"#,
            r#"{"M":{"validFrom":{"N":"1"}}}"#,
            r#"{"M":{"chargeBoxes":{"L":[]}}}"#,
            r#"{"M":{"chargeBoxes":{"L":[{"N":"1"}]}}}"#,
        ] {
            assert_eq!(with(unreadable), StoredRules::Unreadable, "{unreadable}");
        }
    }
}
