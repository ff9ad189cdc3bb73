//! Writing: transactions, what to do when they meet others, and for how long.

#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_dynamodb::{
    config::{Config, retry::RetryConfig},
    error::{BuildError, ProvideErrorMetadata as _, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, Delete, Put, TransactWriteItem, Update,
        builders::{DeleteBuilder, PutBuilder, UpdateBuilder},
    },
};
use domain::{Change, Id, OrganizationId, Recorded, Subject, Timestamp};
use tokio::time::Instant;

use super::{Table, not_built};
use crate::{
    Error, Origin, digest,
    items::{ChangeItem, StoredItem, Versioned, VersionedItem, key_item, milliseconds, to_item},
    keys::{self, Key},
};

/// How long a request may go on settling conflicts before it is given up.
const SETTLING_TIME: Duration = Duration::from_secs(5);
/// How long one transaction is sent again. DynamoDB remembers its token for ten minutes, so sending it again does not carry
/// it out again.
const COMMITTING_TIME: Duration = Duration::from_secs(2);
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// Why one attempt at a use case ended without a result.
pub(crate) enum Attempt {
    /// Another write came first: read again and decide anew.
    Conflict,
    /// It is over.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Writes that are carried out together or not at all, each on its condition. One of a management request also puts an entry
/// into the history that says what becomes of each record.
pub(crate) struct Transaction<'a> {
    writes: Vec<Write>,
    entry: Option<Entry<'a>>,
}

enum Write {
    Put(PutBuilder),
    Update(UpdateBuilder),
    Delete(DeleteBuilder),
}

/// An entry of the history.
struct Entry<'a> {
    origin: Origin<'a>,
    id: Id,
    expires_at: i64,
    subjects: Vec<Subject>,
}

impl<'a> Transaction<'a> {
    /// One of a management request: see [`crate::Store::transaction`].
    pub fn of(origin: Origin<'a>, id: Id, expires_at: i64) -> Self {
        Self { writes: Vec::new(), entry: Some(Entry { origin, id, expires_at, subjects: Vec::new() }) }
    }

    /// One of the operator, of which the history has no entry.
    pub fn by_hand() -> Self {
        Self { writes: Vec::new(), entry: None }
    }

    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// A new item where there is none.
    pub fn create(&mut self, key: Key, item: &impl StoredItem) -> Result<(), Error> {
        let put = put(key, item)?.condition_expression("attribute_not_exists(PK)");
        self.writes.push(Write::Put(put));
        Ok(())
    }

    /// A new item where there is none that has not expired: the table's time to live removes items only after a while.
    pub fn create_unless_current(&mut self, key: Key, item: &impl StoredItem, now: Timestamp) -> Result<(), Error> {
        let put = put(key, item)?
            .condition_expression("attribute_not_exists(PK) OR expiresAt <= :now")
            .expression_attribute_values(":now", AttributeValue::N(now.timestamp().to_string()));
        self.writes.push(Write::Put(put));
        Ok(())
    }

    /// A record as it is from now on: a new item if there was none before, else new attributes for the item that still has
    /// the version that was read.
    pub fn write<I: VersionedItem>(
        &mut self,
        organization: &OrganizationId,
        after: &I::Value,
        before: Option<&Versioned<I::Value>>,
    ) -> Result<(), Error> {
        self.note(before.map(|before| &before.value), Some(after));
        let key = I::key(organization, after);
        let Some(Versioned { version, .. }) = before else { return self.create(key, &I::new(after, 1)) };
        let update = update(key, &I::new(after, version + 1))?
            .condition_expression("version = :before")
            .expression_attribute_values(":before", AttributeValue::N(version.to_string()));
        self.writes.push(Write::Update(update));
        Ok(())
    }

    /// That a record is no more, if it still has the version that was read.
    pub fn delete<I: VersionedItem>(&mut self, organization: &OrganizationId, before: &Versioned<I::Value>) {
        self.note(Some(&before.value), None);
        let delete = delete(I::key(organization, &before.value))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", AttributeValue::N(before.version.to_string()));
        self.writes.push(Write::Delete(delete));
    }

    /// That the item of a tag is no more, if it belongs to this access ID, which is deleted together with it.
    pub fn remove(&mut self, tag: Key, access_id: Id) {
        let delete = delete(tag)
            .condition_expression("accessId = :accessId")
            .expression_attribute_values(":accessId", AttributeValue::N(access_id.to_string()));
        self.writes.push(Write::Delete(delete));
    }

    /// Notes for the history what becomes of a record.
    fn note<R: Recorded>(&mut self, before: Option<&R>, after: Option<&R>) {
        if let Some(entry) = &mut self.entry {
            entry.subjects.extend(Subject::between(before, after));
        }
    }

    /// New attributes for an item that exists and changes only together with another that is guarded by its version.
    pub fn follow(&mut self, key: Key, item: &impl StoredItem) -> Result<(), Error> {
        let update = update(key, item)?.condition_expression("attribute_exists(PK)");
        self.writes.push(Write::Update(update));
        Ok(())
    }

    /// Adds the entry of the history, if there is to be one.
    fn with_entry(mut self) -> Result<Self, Error> {
        if let Some(Entry { origin, id, expires_at, subjects }) = self.entry.take() {
            let change = Change {
                id,
                changed_at: milliseconds(origin.now),
                credential_id: origin.caller.id(),
                request_id: origin.request_id.to_owned(),
                operation: origin.operation.to_owned(),
                subjects,
            };
            let key = keys::by_id(keys::changes(&origin.caller.organization), id);
            self.create(key, &ChangeItem::new(change, expires_at))?;
        }
        Ok(self)
    }

    fn build(self, table: &str) -> Result<Vec<TransactWriteItem>, BuildError> {
        let write = |write| {
            let member = TransactWriteItem::builder();
            Ok(match write {
                Write::Put(put) => member.put(put.table_name(table).build()?),
                Write::Update(update) => member.update(update.table_name(table).build()?),
                Write::Delete(delete) => member.delete(delete.table_name(table).build()?),
            }
            .build())
        };
        self.writes.into_iter().map(write).collect()
    }
}

fn put(key: Key, item: &impl StoredItem) -> Result<PutBuilder, Error> {
    let mut item = to_item(item)?;
    item.extend(key_item(key));
    Ok(Put::builder().set_item(Some(item)))
}

fn delete(key: Key) -> DeleteBuilder {
    Delete::builder().set_key(Some(key_item(key)))
}

/// Sets the attributes that the item has and removes those that it may have but has not. Attributes that this version of the
/// service does not know stay, and so do those that it cannot read.
fn update<I: StoredItem>(key: Key, item: &I) -> Result<UpdateBuilder, Error> {
    let attributes = to_item(item)?;
    let is_absent = |name: &&str| !attributes.contains_key(*name) && !item.keeps(name);
    let absent: Vec<&str> = I::OPTIONAL.iter().copied().filter(is_absent).collect();
    let mut update = Update::builder().set_key(Some(key_item(key)));
    let mut set = Vec::with_capacity(attributes.len());
    for name in &absent {
        update = update.expression_attribute_names(format!("#{name}"), *name);
    }
    // Placeholders stand for all names, because some are reserved words.
    for (name, value) in attributes {
        set.push(format!("#{name} = :{name}"));
        update = update
            .expression_attribute_names(format!("#{name}"), &name)
            .expression_attribute_values(format!(":{name}"), value);
    }
    let mut expression = format!("SET {}", set.join(", "));
    if !absent.is_empty() {
        expression = format!("{expression} REMOVE #{}", absent.join(", #"));
    }
    Ok(update.update_expression(expression))
}

impl Table {
    /// Repeats an attempt from its reads on while other writes come first, with growing random pauses.
    ///
    /// # Errors
    /// The attempt's own, and [`Error::Unavailable`] when it has met other writes for too long.
    pub async fn settle<T>(&self, mut attempt: impl AsyncFnMut() -> Result<T, Attempt>) -> Result<T, Error> {
        let mut patience = Patience::new(SETTLING_TIME);
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(Attempt::Failed(error)) => return Err(error),
                Err(Attempt::Conflict) => self.count_conflict(),
            }
            if !patience.pause().await {
                tracing::warn!("conflicting writes did not settle in time");
                return Err(Error::Unavailable);
            }
        }
    }

    /// Carries a transaction out, once, however often it has to be sent. Does nothing if it is empty.
    ///
    /// It is over when no sending can come to anything else any more: when it was carried out, or when a condition failed
    /// and no earlier sending can still be on its way. What ends without an answer (a time-out, a lost connection, a fault of
    /// the table) may be carried out late. Then a failed condition ends the transaction only if it asked for a version,
    /// because versions grow and ids are not used again. A tag that is taken may be free when the late sending arrives: what
    /// becomes of the transaction is not known, and to decide anew could answer that the tag is taken and take it all the same.
    /// A conflict with another transaction does not end it either.
    ///
    /// # Errors
    /// [`Attempt::Conflict`] when a condition failed for good, and the table's own errors.
    pub async fn commit(&self, transaction: Transaction<'_>) -> Result<(), Attempt> {
        if transaction.is_empty() {
            return Ok(());
        }
        let items = transaction.with_entry()?.build(&self.name).map_err(not_built)?;
        let token = digest::hex(&digest::random::<16>());
        let mut patience = Patience::new(COMMITTING_TIME);
        let mut may_arrive_late = false;
        loop {
            let write = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            // The SDK would send again too, and not say that a sending ended without an answer.
            let once = Config::builder().retry_config(RetryConfig::standard().with_max_attempts(1));
            let write = write.client_request_token(&token).customize().config_override(once);
            let Err(error) = write.send().await else { return Ok(()) };
            match verdict(&error, &items) {
                Verdict::TooLate { for_good } if for_good || !may_arrive_late => return Err(Attempt::Conflict),
                Verdict::TooLate { .. } | Verdict::Failed => {
                    return Err(self.failed("TransactWriteItems", &error).into());
                }
                Verdict::Conflict => self.count_conflict(),
                Verdict::SendAgain => {}
                Verdict::NotKnown => may_arrive_late = true,
            }
            if !patience.pause().await {
                tracing::error!("a transaction did not end in time");
                return Err(self.failed("TransactWriteItems", &error).into());
            }
        }
    }
}

/// For how long something is tried again, and the pauses in between.
struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    fn new(time: Duration) -> Self {
        Self { end: Instant::now() + time, pause: SHORTEST_PAUSE }
    }

    /// Waits for a random part of a pause that grows; false if there is no time left for it.
    async fn pause(&mut self) -> bool {
        if Instant::now() + self.pause >= self.end {
            return false;
        }
        let share = f64::from(u16::from_ne_bytes(digest::random())) / f64::from(u16::MAX);
        tokio::time::sleep(self.pause.mul_f64(share)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// What a failed sending of a transaction means.
enum Verdict {
    /// Another write came first: a condition does not hold.
    TooLate {
        /// Whether one of them never will.
        for_good: bool,
    },
    /// Another write is under way.
    Conflict,
    /// The same transaction is still under way, or the table throttles it.
    SendAgain,
    /// The table may have carried it out, or may do so later.
    NotKnown,
    /// Waiting does not help.
    Failed,
}

/// How the table says that it is asked too often. It has not carried out what it says so of.
const THROTTLED: [&str; 3] = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"];

fn verdict(error: &SdkError<TransactWriteItemsError>, items: &[TransactWriteItem]) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            // There is one for each item, in their order.
            let reasons = || canceled.cancellation_reasons.iter().flatten().map(|reason| reason.code.as_deref());
            let is_any = |codes: &[&str]| reasons().flatten().any(|code| codes.contains(&code));
            if is_any(&["ConditionalCheckFailed"]) {
                // What is put must not be there yet, and may be deleted; all others ask for a version, or go with one that does.
                let asks_for_version = |item: &TransactWriteItem| item.put.is_none();
                let mut failed = reasons().zip(items).filter(|(code, _)| *code == Some("ConditionalCheckFailed"));
                Verdict::TooLate { for_good: failed.any(|(_, item)| asks_for_version(item)) }
            } else if is_any(&["TransactionConflict"]) {
                Verdict::Conflict
            } else if is_any(&["ThrottlingError", "ProvisionedThroughputExceeded"]) {
                Verdict::SendAgain
            } else {
                Verdict::Failed
            }
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Verdict::SendAgain,
        _ if error.code() == Some("TransactionConflictException") => Verdict::Conflict,
        _ if error.code().is_some_and(|code| THROTTLED.contains(&code)) => Verdict::SendAgain,
        _ => match error {
            SdkError::ServiceError(answer) if answer.raw().status().is_server_error() => Verdict::NotKnown,
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Verdict::NotKnown,
            _ => Verdict::Failed,
        },
    }
}
