//! What is written down after the answer: the decision journal, unknown tags, and accepted starts.
//!
//! Nobody waits for it and nothing depends on it, but for a later `authorize` that a rule refuses although the car charges:
//! see [`domain::Decision::on`]. So it may take little time, and what fails is dropped and counted.

use std::{collections::HashMap, env, sync::atomic::Ordering, time::Duration};

use domain::{Asked, Decision, DecisionRecord, Id, Journal, OrganizationId, Timestamp, UnknownTag, remembered_until};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use table_client::Operation;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Decider, SettingsError, digest,
    items::{DecisionItem, StartItem, StoredItem, UnknownTagItem},
    keys::{self, Key, PARTITION, SORT},
};

/// What all of it may take after one answer, retries included.
pub(crate) const TIME: Duration = Duration::from_millis(300);
/// How long to wait before the table is asked again to write what it left over.
const PAUSE: Duration = Duration::from_millis(25);
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// How long an unknown tag is kept after its last sight.
const UNKNOWN_TAG_DAYS: i64 = 30;

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
    /// [`SettingsError::Journal`] names the variable whose value is another.
    pub fn from_env() -> Result<Self, SettingsError> {
        let value = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let default = Self::default();
        let journal = value("JOURNAL").map(|word| word.parse().map_err(|_| SettingsError::Journal("JOURNAL")));
        let days = value("JOURNAL_DAYS").map(|days| match days.parse() {
            Ok(days) if days > 0 => Ok(days),
            _ => Err(SettingsError::Journal("JOURNAL_DAYS")),
        });
        Ok(Self {
            journal: journal.transpose()?.unwrap_or(default.journal),
            days: days.transpose()?.unwrap_or(default.days),
        })
    }
}

impl Decider {
    /// Writes down what was decided at the time `now`. To be called when the answer has been given, and before the next
    /// request. Never fails: what the table does not take within 300 ms is dropped, logged and counted.
    pub async fn remember(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        asked: &Asked<'_>,
        decision: &Decision<'_>,
    ) {
        let written = match puts(&self.journalled, organization, now, asked, decision) {
            Ok(puts) if puts.is_empty() => return,
            Ok(puts) => self.write(puts).await,
            Err(code) => Err(code.to_owned()),
        };
        if let Err(code) = written {
            self.journal_lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(operation = "BatchWriteItem", code, "a decision was not journalled");
        }
        // A write that was given up took the connection with it. The next decision should not have to open one.
        if !self.client.is_connected() {
            _ = timeout(self.journal_time, self.client.connect()).await;
        }
    }

    /// Sends the items, and once more those that the table leaves over.
    async fn write(&self, puts: Vec<Put>) -> Result<(), String> {
        let deadline = Instant::now() + self.journal_time;
        let mut request = request(&self.table, &puts).map_err(|_| "MalformedRequest")?;
        for is_retry in [false, true] {
            let answer = self.client.call(Operation::BatchWriteItem, &request, deadline).await;
            let answer = answer.map_err(|error| error.code().to_owned())?;
            let Some(rest) = unprocessed(&answer)? else { return Ok(()) };
            if is_retry || Instant::now() + PAUSE >= deadline {
                break;
            }
            request = rest;
            sleep(PAUSE).await;
        }
        Err("UnprocessedItems".to_owned())
    }
}

/// An item to be written, whether there is one at its key or not.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    put_request: PutRequest,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRequest {
    item: serde_dynamo::Item,
}

impl Put {
    fn new(key: Key, item: &impl StoredItem) -> Result<Self, &'static str> {
        let mut item: serde_dynamo::Item = serde_dynamo::to_item(item).map_err(|_| "MalformedItem")?;
        item.inner_mut().insert(PARTITION.to_owned(), serde_dynamo::AttributeValue::S(key.partition));
        item.inner_mut().insert(SORT.to_owned(), serde_dynamo::AttributeValue::S(key.sort));
        Ok(Self { put_request: PutRequest { item } })
    }
}

/// The items that a decision leaves behind.
fn puts(
    settings: &JournalSettings,
    organization: &OrganizationId,
    now: Timestamp,
    asked: &Asked<'_>,
    decision: &Decision<'_>,
) -> Result<Vec<Put>, &'static str> {
    let mut puts = Vec::new();
    if settings.journal.keeps(decision.refusal()) {
        // The id is made here, once, so that an entry that is sent twice is one entry. Two decisions of an organization in
        // the same millisecond share an id once in 4,096 times; the later one stays.
        let low = u64::from(u16::from_ne_bytes(digest::random()));
        let id = Id::at(now, low).map_err(|_| "NoId")?;
        let record = DecisionRecord::new(id, now, asked, decision);
        let item = DecisionItem::new(&record, now.timestamp() + i64::from(settings.days) * SECONDS_PER_DAY);
        let about_the_tag = asked.tag.map(|tag| keys::decisions_about(organization, tag));
        for partition in [keys::decisions(organization)].into_iter().chain(about_the_tag) {
            puts.push(Put::new(keys::by_id(partition, id), &item)?);
        }
        if let Some(unknown) = UnknownTag::of(&record) {
            let item = UnknownTagItem::new(&unknown, now.timestamp() + UNKNOWN_TAG_DAYS * SECONDS_PER_DAY);
            puts.push(Put::new(keys::unknown_tag(organization, &unknown.tag), &item)?);
        }
    }
    if let Some(tag) = asked.tag.filter(|_| decision.is_an_accepted_start(asked.kind)) {
        let item = StartItem { expires_at: remembered_until(now).timestamp() };
        puts.push(Put::new(keys::start(organization, tag, asked.charge_box), &item)?);
    }
    Ok(puts)
}

/// The body of a `BatchWriteItem`.
fn request(table: &str, puts: &[Put]) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Request<'a> {
        request_items: HashMap<&'a str, &'a [Put]>,
    }
    serde_json::to_vec(&Request { request_items: HashMap::from([(table, puts)]) })
}

/// The body of a `BatchWriteItem` of what the table has left over, if it has.
fn unprocessed(answer: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(default, borrow)]
        unprocessed_items: HashMap<String, &'a RawValue>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Request<'a> {
        request_items: HashMap<String, &'a RawValue>,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|_| "MalformedAnswer")?;
    if answer.unprocessed_items.is_empty() {
        return Ok(None);
    }
    let request = Request { request_items: answer.unprocessed_items };
    serde_json::to_vec(&request).map(Some).map_err(|_| "MalformedRequest")
}
