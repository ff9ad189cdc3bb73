//! The RFID decision: one call, whatever is asked and however many tags there are.
//!
//! It has a client of its own, because it is all that the authorizer does: the SDK's would cost more than everything
//! else together (`docs/performance.md`).

use std::{
    borrow::Cow,
    collections::HashMap,
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use connection::Io;
use domain::{AccessIdType, Id, OcppIdTag};
use serde::{Deserialize, de::IgnoredAny};
use table_client::Client;
use tokio::time::Instant;

use crate::{
    Counts, Credential, Error, Settings, SettingsError,
    keys::{self, Key},
};

/// What a decision may take in all, the table's retries included.
const DEADLINE: Duration = Duration::from_millis(950);
/// How long to leave a table alone that left keys over.
const PAUSE: Duration = Duration::from_millis(25);

/// What is known of a tag at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may charge.
    Authorized {
        /// The access ID's number.
        id: Id,
        /// Its name.
        name: String,
        /// Card or vehicle.
        kind: AccessIdType,
    },
    /// No access ID of the organization has this tag.
    Unknown,
    /// Its access ID is revoked.
    Revoked,
    /// The stored item is not one that this version understands.
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
    /// A decider over the table that the settings name. `io` says what its thread does while it waits. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] when the settings cannot be used.
    pub fn new(settings: &Settings, io: Io) -> Result<Self, SettingsError> {
        let client = Client::new(settings.config(io))?;
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
    /// the credential. Without a tag (what came in can be none) the credential alone is checked.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], and [`Error::Unavailable`] when the table did not answer within a second. Nothing but an
    /// `Ok` authorizes.
    pub async fn decide(&self, caller: &Credential, tag: Option<&OcppIdTag>) -> Result<Decision, Error> {
        let deadline = Instant::now() + self.deadline;
        let credential_key = caller.key();
        let tag_key = tag.map(|tag| keys::tag(&caller.organization, tag));
        let request = request(&self.table, [Some(&credential_key), tag_key.as_ref()].into_iter().flatten());
        loop {
            let answer = self.client.batch_get_item(&request, deadline).await;
            let answer = answer.map_err(|error| self.failed(error.code()))?;
            if let Some(decision) = self.read(&answer, caller, &credential_key, tag_key.as_ref())? {
                return Ok(decision);
            }
            // A table that throttles leaves keys over: nothing is decided on half an answer.
            if Instant::now() + PAUSE >= deadline {
                return Err(self.failed("UnprocessedKeys"));
            }
            tokio::time::sleep(PAUSE).await;
        }
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

    /// A decision on an invented answer, without the table: it brings the code into memory that the first decision runs.
    ///
    /// # Errors
    /// None that says anything.
    pub fn rehearse(&self, caller: &Credential, tag: &OcppIdTag) -> Result<Decision, Error> {
        let (credential_key, tag_key) = (caller.key(), keys::tag(&caller.organization, tag));
        let key = |key: &Key| format!(r#""PK":{{"S":"{}"}},"SK":{{"S":"{}"}}"#, key.partition, key.sort);
        let answer = format!(
            r#"{{"Responses":{{"{}":[{{{},"scope":{{"S":"{}"}}}},{{{},"accessId":{{"N":"1"}},"name":{{"S":"-"}},
                "type":{{"S":"RFID"}},"authorizationStatus":{{"S":"Authorized"}}}}]}},"UnprocessedKeys":{{}}}}"#,
            self.table,
            key(&credential_key),
            caller.scope.as_str(),
            key(&tag_key),
        );
        black_box(request(&self.table, [&credential_key, &tag_key].into_iter()));
        self.read(answer.as_bytes(), caller, &credential_key, Some(&tag_key))?.ok_or(Error::Unavailable)
    }

    fn failed(&self, code: &str) -> Error {
        self.failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(operation = "BatchGetItem", code, "table call failed");
        Error::Unavailable
    }
}

pub(crate) fn decision(
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

/// The request's JSON. Written by hand: the shape is fixed, only keys and the table's name are put in.
fn request<'a>(table: &str, keys: impl Iterator<Item = &'a Key>) -> Vec<u8> {
    let mut json = Vec::with_capacity(512);
    json.extend_from_slice(b"{\"RequestItems\":{");
    string(&mut json, table);
    json.extend_from_slice(b":{\"ConsistentRead\":true,\"Keys\":[");
    for (at, key) in keys.enumerate() {
        json.extend_from_slice(if at == 0 { b"{\"PK\":{\"S\":" } else { b",{\"PK\":{\"S\":" });
        string(&mut json, &key.partition);
        json.extend_from_slice(b"},\"SK\":{\"S\":");
        string(&mut json, &key.sort);
        json.extend_from_slice(b"}}");
    }
    json.extend_from_slice(b"]}}}");
    json
}

/// A JSON string. Keys and table names are printable ASCII: quotes and backslashes alone need care.
fn string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            json.push(b'\\');
        }
        json.push(byte);
    }
    json.push(b'"');
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub responses: HashMap<Cow<'a, str>, Vec<Item<'a>>>,
    #[serde(default, borrow)]
    unprocessed_keys: HashMap<Cow<'a, str>, IgnoredAny>,
}

/// A credential or a tag: what a decision needs of either. What is missing or of another kind reads as absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
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

/// An attribute's value, as far as it is a string or a number.
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
    /// Whether this credential opens the authorizer. One that was revoked, in whatever form, does not.
    fn opens(&self, caller: &Credential) -> bool {
        self.scope.is(caller.scope.as_str()) && self.revoked_at.is_none()
    }

    /// What this tag says. Whatever is not understood refuses.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_json_whatever_the_tag() {
        let organization = "o".parse().unwrap();
        let printable: String = ('!'..='~').collect();
        for text in [&printable[..36], &printable[36..72], &printable[72..]] {
            let key = keys::tag(&organization, &OcppIdTag::normalize(text).unwrap());
            let request: serde_json::Value = serde_json::from_slice(&request("t", [&key].into_iter())).unwrap();
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
