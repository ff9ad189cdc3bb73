//! What is written down after the answer: the decision journal, unknown tags, and accepted starts.
//!
//! Nobody waits for it and nothing depends on it, but for a later `authorize` that a rule refuses although the car charges:
//! see [`domain::Decision::on`]. So it may take little time, and what fails is dropped and counted.

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use domain::{Asked, Decision, DecisionRecord, Id, OrganizationId, Timestamp, UnknownTag, remembered_until};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use table_client::{Error as TableError, Operation};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    Decider, JournalSettings, digest,
    items::{DecisionItem, StartItem, StoredItem, UnknownTagItem, milliseconds},
    keys::{self, Key, PARTITION, SORT},
};

/// How long to wait before an item is sent again.
const PAUSE: Duration = Duration::from_millis(25);
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// How long an unknown tag is kept after its last sight.
const UNKNOWN_TAG_DAYS: i64 = 30;

impl Decider {
    /// Writes down what was decided at the time `now`. To be called when the answer has been given, and before the next
    /// request. Takes 300 ms at most, a new connection included. Never fails: what the table has not taken after two tries is
    /// dropped, logged and counted.
    pub async fn remember(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        asked: &Asked<'_>,
        decision: &Decision<'_>,
    ) {
        let deadline = Instant::now() + self.journal_time;
        let now = milliseconds(now);
        let written = match puts(&self.journalled, organization, now, asked, decision) {
            Ok(puts) if puts.is_empty() => return,
            Ok(puts) => self.write(puts, deadline).await,
            Err(code) => Err(code.to_owned()),
        };
        if let Err(code) = written {
            self.journal_lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(operation = "BatchWriteItem", code, "a decision was not journalled");
        }
        // A write that was given up took the connection with it. The next decision should not have to open one.
        if !self.client.is_connected() {
            _ = timeout_at(deadline, self.client.connect()).await;
        }
    }

    /// Sends the items, and if that fails or the table leaves some over, sends these once more. No item is sent more than
    /// twice, not counting a request that did not get through because the kept connection had been closed. Either try has a
    /// third of the time, so that the last third is left for a new connection.
    async fn write(&self, puts: Vec<Put>, deadline: Instant) -> Result<(), String> {
        let third = self.journal_time / 3;
        let first = request(HashMap::from([(&self.table, &puts)]))?;
        let (again, code) = match self.client.call_once(Operation::BatchWriteItem, &first, deadline - 2 * third).await {
            Ok(answer) => match unprocessed(&answer)? {
                Some(rest) => (rest, "UnprocessedItems".to_owned()),
                None => return Ok(()),
            },
            Err(TableError::Unavailable(code)) => (first, code.into_owned()),
            Err(refused) => return Err(refused.code().to_owned()),
        };
        let deadline = deadline - third;
        if Instant::now() + PAUSE >= deadline {
            return Err(code);
        }
        sleep(PAUSE).await;
        let answer = self.client.call_once(Operation::BatchWriteItem, &again, deadline).await;
        let answer = answer.map_err(|error| error.code().to_owned())?;
        if unprocessed(&answer)?.is_some() { Err("UnprocessedItems".to_owned()) } else { Ok(()) }
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

/// The body of a `BatchWriteItem`, given the items by their table.
fn request(items: impl Serialize) -> Result<Vec<u8>, &'static str> {
    serde_json::to_vec(&HashMap::from([("RequestItems", items)])).map_err(|_| "MalformedRequest")
}

/// The body of a `BatchWriteItem` of what the table has left over, if it has.
fn unprocessed(answer: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(default, borrow)]
        unprocessed_items: HashMap<String, &'a RawValue>,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|_| "MalformedAnswer")?;
    if answer.unprocessed_items.is_empty() {
        return Ok(None);
    }
    request(answer.unprocessed_items).map(Some)
}
