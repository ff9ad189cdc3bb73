//! The table's three ways of asking: by keys, by range, and one transaction; and what to make of its failures.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
    time::Duration,
};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem, Update},
};
use domain::{Customer, Id, OrganizationId, Timestamp};
use tokio::time::Instant;

use crate::{
    Credential, Cursor, Error, Idempotency, Page, PageRequest, Store,
    cursor::List,
    digest,
    keys::{self, Key, PARTITION, SORT},
    record::{
        Corrupt, CredentialRecord, CustomerRecord, Item, Record, RequestRecord, Versioned, from_item, keyed, to_item,
    },
};

/// How long a request may go on settling conflicts before it is given up.
const SETTLING_TIME: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);
/// How long one transaction is sent again. DynamoDB remembers its token for ten minutes: sending it again is not doing it
/// again.
const COMMITTING_TIME: Duration = Duration::from_secs(2);

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

impl From<Corrupt> for Error {
    fn from(corrupt: Corrupt) -> Self {
        tracing::error!(reason = %corrupt, "stored item cannot be read");
        Self::Unavailable
    }
}

/// Items that were asked for by key.
pub(crate) struct Found(HashMap<Key, Item>);

impl Found {
    /// The record at this key, if there is one.
    pub fn take<R: Record>(&mut self, key: &Key) -> Result<Option<R>, Corrupt> {
        self.0.remove(key).map(from_item).transpose()
    }

    /// The record at this key with its version.
    pub fn take_versioned<R, T>(&mut self, key: &Key) -> Result<Option<Versioned<T>>, Corrupt>
    where
        R: Record,
        Versioned<T>: TryFrom<R, Error = Corrupt>,
    {
        self.take::<R>(key)?.map(Versioned::try_from).transpose()
    }

    /// Whether there is an item at this key that was not taken.
    pub fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// All items that were not taken.
    pub fn into_items(self) -> impl Iterator<Item = Item> {
        self.0.into_values()
    }

    /// The caller's credential, if it opens what it says.
    pub fn credential(&mut self, caller: &Credential) -> Result<CredentialRecord, Error> {
        let key = caller.key();
        // Whatever stands there, even a null: it was meant to end the credential.
        let is_revoked = self.0.get(&key).is_some_and(|item| item.contains_key("revokedAt"));
        let record: Option<CredentialRecord> = self.take(&key)?;
        record.filter(|record| record.scope == caller.scope && !is_revoked).ok_or(Error::Unauthorized)
    }

    /// The customer in its stored spelling, or as given if there is none of that name yet.
    pub fn customer(&mut self, organization: &OrganizationId, given: &Customer) -> Result<KnownCustomer, Corrupt> {
        let record: Option<CustomerRecord> = self.take(&keys::customer(organization, &given.key()))?;
        Ok(match record {
            Some(CustomerRecord { name }) => KnownCustomer { customer: Customer::stored(name), is_new: false },
            None => KnownCustomer { customer: given.clone(), is_new: true },
        })
    }

    /// Brings the customer of a creation, if it has one, to its stored spelling.
    pub fn customer_of(
        &mut self,
        organization: &OrganizationId,
        given: &mut Option<Customer>,
    ) -> Result<Option<KnownCustomer>, Corrupt> {
        let Some(given) = given else { return Ok(None) };
        let known = self.customer(organization, given)?;
        *given = known.customer.clone();
        Ok(Some(known))
    }
}

/// A customer that a request names.
pub(crate) struct KnownCustomer {
    pub customer: Customer,
    pub is_new: bool,
}

impl Credential {
    pub(crate) fn key(&self) -> Key {
        keys::credential(&self.organization, &self.digest)
    }
}

/// A creation that may have been asked for before.
pub(crate) struct Replay<'a> {
    wish: &'a Idempotency,
    pub key: Key,
}

impl<'a> Replay<'a> {
    pub fn new(wish: Option<&'a Idempotency>, organization: &OrganizationId, kind: &str) -> Option<Self> {
        wish.map(|wish| Self { wish, key: keys::request(organization, kind, &wish.key) })
    }

    /// What the first request of this key created, if it is remembered.
    pub fn remembered(&self, found: &mut Found, now: Timestamp) -> Result<Option<RequestRecord>, Error> {
        match found.take::<RequestRecord>(&self.key)? {
            Some(record) if record.expires_at <= now.timestamp() => Ok(None),
            Some(record) if record.fingerprint != self.wish.fingerprint => Err(Error::IdempotencyKeyReused),
            remembered => Ok(remembered),
        }
    }

    /// What to remember of this request, given the record's maker.
    pub fn remember(
        &self,
        transaction: &mut Transaction,
        now: Timestamp,
        record: impl FnOnce(String, i64) -> RequestRecord,
    ) {
        const A_DAY: i64 = 24 * 60 * 60;
        let record = record(self.wish.fingerprint.clone(), now.timestamp() + A_DAY);
        transaction.create_unless_current(self.key.clone(), &record, now);
    }
}

/// Writes that happen together or not at all, each on its condition.
#[derive(Default)]
pub(crate) struct Transaction {
    table: String,
    items: Vec<TransactWriteItem>,
}

impl Transaction {
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// A new item where there is none.
    pub fn create(&mut self, key: Key, record: &impl Record) {
        self.put(key, record, |put| put.condition_expression("attribute_not_exists(PK)"));
    }

    /// A new item where there is none that has not expired.
    fn create_unless_current(&mut self, key: Key, record: &impl Record, now: Timestamp) {
        self.put(key, record, |put| {
            put.condition_expression("attribute_not_exists(PK) OR expiresAt <= :now")
                .expression_attribute_values(":now", AttributeValue::N(now.timestamp().to_string()))
        });
    }

    fn put(
        &mut self,
        key: Key,
        record: &impl Record,
        condition: impl FnOnce(
            aws_sdk_dynamodb::types::builders::PutBuilder,
        ) -> aws_sdk_dynamodb::types::builders::PutBuilder,
    ) {
        let put = Put::builder().table_name(&self.table).set_item(Some(keyed(key, to_item(record))));
        #[expect(clippy::expect_used, reason = "table and item are set above")]
        let put = condition(put).build().expect("a put has a table and an item");
        self.items.push(TransactWriteItem::builder().put(put).build());
    }

    /// New attributes for the item that has this version; attributes that the record does not know stay.
    pub fn replace<R: Record>(&mut self, key: Key, record: &R, version: u64) {
        self.update(key, record, |update| {
            update
                .condition_expression("version = :version")
                .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
        });
    }

    /// New attributes for an item that exists and changes only together with another that is guarded by its version.
    pub fn follow<R: Record>(&mut self, key: Key, record: &R) {
        self.update(key, record, |update| update.condition_expression("attribute_exists(PK)"));
    }

    /// A new item, or new attributes for the one that has this version.
    pub fn write<R: Record>(&mut self, key: Key, version: Option<u64>, record: impl FnOnce(u64) -> R) {
        match version {
            None => self.create(key, &record(1)),
            Some(version) => self.replace(key, &record(version + 1), version),
        }
    }

    fn update<R: Record>(
        &mut self,
        key: Key,
        record: &R,
        condition: impl FnOnce(
            aws_sdk_dynamodb::types::builders::UpdateBuilder,
        ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder,
    ) {
        let item = to_item(record);
        let absent = R::OPTIONAL.iter().filter(|name| !item.contains_key(**name));
        let mut update = Update::builder()
            .table_name(&self.table)
            .key(PARTITION, AttributeValue::S(key.partition))
            .key(SORT, AttributeValue::S(key.sort));
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (at, name) in absent.enumerate() {
            remove.push(format!("#r{at}"));
            update = update.expression_attribute_names(format!("#r{at}"), *name);
        }
        for (at, (name, value)) in item.into_iter().enumerate() {
            set.push(format!("#s{at} = :s{at}"));
            update = update
                .expression_attribute_names(format!("#s{at}"), name)
                .expression_attribute_values(format!(":s{at}"), value);
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        #[expect(clippy::expect_used, reason = "table, key and expression are set above")]
        let update = condition(update.update_expression(expression)).build().expect("an update is complete");
        self.items.push(TransactWriteItem::builder().update(update).build());
    }

    /// The customer, if it is new.
    pub fn create_customer(&mut self, organization: &OrganizationId, customer: &KnownCustomer) {
        if customer.is_new {
            let record = CustomerRecord { name: customer.customer.name().to_owned() };
            self.create(keys::customer(organization, &customer.customer.key()), &record);
        }
    }
}

impl Store {
    pub(crate) fn transaction(&self) -> Transaction {
        Transaction { table: self.table.clone(), items: Vec::new() }
    }

    /// Repeats an attempt from its reads while other writes come first, with growing random pauses.
    pub(crate) async fn settle<T>(&self, mut attempt: impl AsyncFnMut() -> Result<T, Attempt>) -> Result<T, Error> {
        let mut patience = Patience::new(SETTLING_TIME);
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(Attempt::Failed(error)) => return Err(error),
                Err(Attempt::Conflict) => self.conflicts.fetch_add(1, Ordering::Relaxed),
            };
            if !patience.pause().await {
                tracing::warn!("conflicting writes did not settle in time");
                return Err(Error::Unavailable);
            }
        }
    }

    /// Whether the credential is valid: for requests that go no further.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it is not.
    pub async fn check(&self, caller: &Credential) -> Result<(), Error> {
        self.credential(caller).await.map(|_| ())
    }

    pub(crate) async fn credential(&self, caller: &Credential) -> Result<CredentialRecord, Error> {
        let key = caller.key();
        let item = self.get(&key).await?;
        Found(item.map(|item| (key, item)).into_iter().collect()).credential(caller)
    }

    /// The item at one key, strongly consistent.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PARTITION, AttributeValue::S(key.partition.clone()))
            .key(SORT, AttributeValue::S(key.sort.clone()))
            .consistent_read(true)
            .send()
            .await;
        Ok(answer.map_err(|error| self.failed("GetItem", &error))?.item)
    }

    /// The items at up to a hundred keys, strongly consistent. Keys may repeat.
    pub(crate) async fn batch_get(&self, keys: impl IntoIterator<Item = Key>) -> Result<Found, Error> {
        let keys: HashSet<Key> = keys.into_iter().collect();
        let mut found = HashMap::with_capacity(keys.len());
        let mut wanted = KeysAndAttributes::builder().consistent_read(true);
        for Key { partition, sort } in keys {
            wanted = wanted.keys(HashMap::from([
                (PARTITION.to_owned(), AttributeValue::S(partition)),
                (SORT.to_owned(), AttributeValue::S(sort)),
            ]));
        }
        #[expect(clippy::expect_used, reason = "every caller names a key")]
        let mut wanted = wanted.build().expect("at least one key");
        let deadline = Instant::now() + Duration::from_millis(900);
        loop {
            let answer = self.client.batch_get_item().request_items(&self.table, wanted).send().await;
            let answer = answer.map_err(|error| self.failed("BatchGetItem", &error))?;
            for item in answer.responses.into_iter().flat_map(|mut tables| tables.remove(&self.table)).flatten() {
                found.insert(key_of(&item)?, item);
            }
            // Left over when the table throttles or the answer grows above 16 MB.
            match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table)) {
                None => return Ok(Found(found)),
                Some(_) if Instant::now() > deadline => {
                    tracing::warn!("BatchGetItem left keys unprocessed");
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    return Err(Error::Unavailable);
                }
                Some(rest) => wanted = rest,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Up to `limit` items of a partition in the order of their ids, from the first above `after`.
    pub(crate) async fn query(&self, partition: &str, after: Option<Id>, limit: usize) -> Result<Vec<Item>, Error> {
        let mut items: Vec<Item> = Vec::with_capacity(limit);
        let mut start = None;
        loop {
            let rest = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("PK = :partition AND SK > :after")
                .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
                .expression_attribute_values(":after", AttributeValue::S(after.map_or("0".to_owned(), keys::id_sort)))
                .consistent_read(true)
                .limit(rest)
                .set_exclusive_start_key(start)
                .send()
                .await;
            let answer = answer.map_err(|error| self.failed("Query", &error))?;
            items.extend(answer.items.unwrap_or_default());
            // A page of very large items ends at 1 MB before it is full.
            start = answer.last_evaluated_key;
            if start.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }

    /// A page of a list, its items as they are stored. The credential is asked for at the same time.
    pub(crate) async fn page(
        &self,
        caller: &Credential,
        page: &PageRequest,
        partition: &str,
        list: List,
    ) -> Result<Page<Item>, Error> {
        let after = page.cursor.as_ref().map(|cursor| cursor.after);
        // One more than is shown tells whether there is a next page.
        let (credential, items) = tokio::join!(self.credential(caller), self.query(partition, after, page.limit + 1));
        let CredentialRecord { cursor_key, .. } = credential?;
        let organization = &caller.organization;
        if page.cursor.as_ref().is_some_and(|cursor| !cursor.is_genuine(&cursor_key, organization, list)) {
            return Err(Error::ForgedCursor);
        }
        let mut records = items?;
        let mut next_cursor = None;
        if records.len() > page.limit {
            records.truncate(page.limit);
            let last = records.last().map(key_of).transpose()?.and_then(|key| keys::id_of(&key));
            let last = last.ok_or_else(|| Corrupt("a record's sort key".to_owned()))?;
            next_cursor = Some(Cursor::issue(&cursor_key, organization, list, last));
        }
        Ok(Page { records, next_cursor })
    }

    /// What the first request of this key created, if it is why this one was refused; else the refusal.
    pub(crate) async fn remembered_or(
        &self,
        refused: Error,
        replay: Option<&Replay<'_>>,
        now: Timestamp,
    ) -> Result<RequestRecord, Error> {
        let Some(replay) = replay else { return Err(refused) };
        let mut found = self.batch_get([replay.key.clone()]).await?;
        replay.remembered(&mut found, now)?.ok_or(refused)
    }

    /// All items of a partition whose sort key begins so. For partitions that stay small.
    pub(crate) async fn query_prefix(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = if prefix.is_empty() {
                query.key_condition_expression("PK = :partition")
            } else {
                query
                    .key_condition_expression("PK = :partition AND begins_with(SK, :prefix)")
                    .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            };
            let answer = query
                .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
                .set_exclusive_start_key(start)
                .send()
                .await;
            let answer = answer.map_err(|error| self.failed("Query", &error))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Carries a transaction out, once, however often it has to be sent.
    ///
    /// It is over when no sending can come to anything else any more: when it was carried out, or when a condition failed,
    /// because what exists stays and versions grow. A conflict with another transaction does not end it: an earlier sending,
    /// whose answer was lost, may still be on its way, and must not be carried out beside what is decided anew.
    pub(crate) async fn commit(&self, transaction: Transaction) -> Result<(), Attempt> {
        let token = digest::hex(&digest::random::<16>());
        let mut patience = Patience::new(COMMITTING_TIME);
        loop {
            let answer = self
                .client
                .transact_write_items()
                .set_transact_items(Some(transaction.items.clone()))
                .client_request_token(&token)
                .send()
                .await;
            let Err(error) = answer else { return Ok(()) };
            match verdict(&error) {
                Verdict::TooLate => return Err(Attempt::Conflict),
                Verdict::Conflict => _ = self.conflicts.fetch_add(1, Ordering::Relaxed),
                Verdict::SendAgain => {}
                Verdict::Failed => return Err(self.failed("TransactWriteItems", &error).into()),
            }
            if !patience.pause().await {
                tracing::error!("a transaction did not end in time");
                self.failures.fetch_add(1, Ordering::Relaxed);
                return Err(Error::Unavailable.into());
            }
        }
    }

    /// Logs a failed call, counts it, and says what it means for the caller.
    fn failed<E>(&self, operation: &'static str, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let kind = match error {
            SdkError::TimeoutError(_) => "TimedOut",
            SdkError::DispatchFailure(_) => "NotSent",
            SdkError::ResponseError(_) => "NoUsableResponse",
            SdkError::ServiceError(_) => "Refused",
            _ => "NotBuilt",
        };
        let (code, reason) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
        tracing::error!(operation, kind, code, reason, "table call failed");
        // A ValidationException is our mistake; all else may be over when the caller asks again.
        match error.code() {
            Some("ValidationException") => Error::Unusable,
            _ if kind == "NotBuilt" => Error::Unusable,
            _ => Error::Unavailable,
        }
    }
}

/// How often, and for how long, something is tried again.
struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    fn new(time: Duration) -> Self {
        Self { end: Instant::now() + time, pause: Duration::from_millis(5) }
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

enum Verdict {
    /// Another write came first: the conditions do not hold, and will not.
    TooLate,
    /// Another write is under way.
    Conflict,
    /// The same transaction is still under way, or the table throttles it.
    SendAgain,
    /// Nothing that waiting helps against.
    Failed,
}

fn verdict(error: &SdkError<TransactWriteItemsError>) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            let is_any = |codes: &[&str]| {
                let mut reasons = canceled.cancellation_reasons.iter().flatten();
                reasons.any(|reason| reason.code.as_deref().is_some_and(|code| codes.contains(&code)))
            };
            if is_any(&["ConditionalCheckFailed"]) {
                Verdict::TooLate
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
        _ => Verdict::Failed,
    }
}

fn key_of(item: &Item) -> Result<Key, Corrupt> {
    match (item.get(PARTITION), item.get(SORT)) {
        (Some(AttributeValue::S(partition)), Some(AttributeValue::S(sort))) => {
            Ok(Key { partition: partition.clone(), sort: sort.clone() })
        }
        _ => Err(Corrupt("an item without its key".to_owned())),
    }
}
