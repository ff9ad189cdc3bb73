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
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use tokio::time::Instant;

use crate::{
    Credential, Error, Idempotency, PageRequest, Store,
    attributes::{self, Body},
    digest,
    keys::{self, Key, PARTITION, SORT},
    record::{
        Corrupt, CredentialRecord, CustomerRecord, Listed, Record, RequestRecord, Stored, Versioned, from_item,
        key_item, key_of, keyed, readable, to_item,
    },
};

/// How long a request may go on settling conflicts before it is given up.
const SETTLING_TIME: Duration = Duration::from_secs(5);
/// What DynamoDB takes in one BatchGetItem.
const KEYS_PER_CALL: usize = 100;
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
pub(crate) struct Found(HashMap<Key, Stored>);

impl Found {
    /// The record at this key, if there is one.
    pub fn take<R: Record>(&mut self, key: &Key) -> Result<Option<R>, Corrupt> {
        self.0.remove(key).map(|item| from_item(&item)).transpose()
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
    pub fn into_items(self) -> impl Iterator<Item = Stored> {
        self.0.into_values()
    }

    /// The caller's credential, if it opens what it says.
    pub fn credential(&mut self, caller: &Credential) -> Result<CredentialRecord, Error> {
        let Some(item) = self.0.remove(&caller.key()) else { return Err(Error::Unauthorized) };
        let record: CredentialRecord = from_item(&item)?;
        if record.scope == caller.scope && !has_revocation(&item)? { Ok(record) } else { Err(Error::Unauthorized) }
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

/// Whether anything stands there, even a null: it was meant to end the credential.
pub(crate) fn has_revocation(item: &Stored) -> Result<bool, Corrupt> {
    #[derive(Deserialize)]
    struct Revocation {
        #[serde(rename = "revokedAt", default, deserialize_with = "is_there")]
        is_there: bool,
    }
    fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(value).map(|_| true)
    }
    let revocation: Revocation = attributes::read(item).map_err(|error| Corrupt(error.to_string()))?;
    Ok(revocation.is_there)
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
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            item: Option<Stored>,
        }

        let body = Body::default();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key_item(key.clone())));
        let answer = get.consistent_read(true).customize().interceptor(body.clone()).send().await;
        answer.map_err(|error| self.failed("GetItem", &error))?;
        Ok(self.read::<Answer>("GetItem", &body)?.item)
    }

    /// The items at some keys, strongly consistent. Keys may repeat. One call for each hundred.
    pub(crate) async fn batch_get(&self, keys: impl IntoIterator<Item = Key>) -> Result<Found, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            responses: HashMap<String, Vec<Stored>>,
            #[serde(default)]
            unprocessed_keys: HashMap<String, Unprocessed>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Unprocessed {
            keys: Vec<Stored>,
        }

        let keys: HashSet<Key> = keys.into_iter().collect();
        let mut keys: Vec<Key> = keys.into_iter().collect();
        let mut found = HashMap::with_capacity(keys.len());
        let deadline = Instant::now() + Duration::from_millis(900);
        loop {
            let later = keys.split_off(keys.len().min(KEYS_PER_CALL));
            let wanted = KeysAndAttributes::builder().consistent_read(true);
            let wanted = wanted.set_keys(Some(keys.into_iter().map(key_item).collect()));
            #[expect(clippy::expect_used, reason = "its keys are set above")]
            let wanted = wanted.build().expect("a request with keys");
            let body = Body::default();
            let get = self.client.batch_get_item().request_items(&self.table, wanted);
            let answer = get.customize().interceptor(body.clone()).send().await;
            answer.map_err(|error| self.failed("BatchGetItem", &error))?;
            let mut answer: Answer = self.read("BatchGetItem", &body)?;
            for item in answer.responses.remove(&self.table).into_iter().flatten() {
                found.insert(key_of(&item)?, item);
            }
            keys = later;
            // Left over when the table throttles or the answer grows above 16 MB.
            if let Some(rest) = answer.unprocessed_keys.remove(&self.table) {
                if Instant::now() > deadline {
                    tracing::warn!("BatchGetItem left keys unprocessed");
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    return Err(Error::Unavailable);
                }
                for key in &rest.keys {
                    keys.push(key_of(key)?);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if keys.is_empty() {
                return Ok(Found(found));
            }
        }
    }

    /// All items of a partition whose sort key begins so. For partitions that stay small.
    pub(crate) async fn query_prefix(&self, partition: &str, prefix: &str) -> Result<Vec<Stored>, Error> {
        let (condition, sort) =
            if prefix.is_empty() { ("SK > :sort", "0") } else { ("begins_with(SK, :sort)", prefix) };
        self.query(partition, condition, sort, usize::MAX, |answer| serde_json::from_slice(answer)).await
    }

    /// A page of a list, and the last id of it if there is a next page. What cannot be read is logged and left out: it must
    /// not hide the others.
    pub(crate) async fn page<R, T>(&self, page: &PageRequest, partition: &str) -> Result<(Vec<T>, Option<Id>), Error>
    where
        R: Listed,
        Versioned<T>: TryFrom<R, Error = Corrupt>,
    {
        let after = page.cursor.as_ref().map_or("0".to_owned(), |cursor| keys::id_sort(cursor.after));
        // One more than is shown tells whether there is a next page.
        let limit = page.limit + 1;
        let mut entries = self.query(partition, "SK > :sort", &after, limit, entries::<R>).await?;
        let mut last = None;
        if entries.len() > page.limit {
            entries.truncate(page.limit);
            let id = entries.last().and_then(Entry::id);
            last = Some(id.ok_or_else(|| Corrupt("a record's sort key".to_owned()))?);
        }
        let records = entries.into_iter().filter_map(|entry| {
            let read = match entry {
                Entry::Record(record) => Versioned::try_from(record),
                Entry::Unreadable(_, corrupt) => Err(corrupt),
            };
            readable(read).map(|versioned| versioned.value)
        });
        Ok((records.collect(), last))
    }

    /// Up to `limit` items of a partition in the order of their sort keys, those that fulfil a condition on the sort key and
    /// `:sort`. `read` reads the table's answers.
    async fn query<I>(
        &self,
        partition: &str,
        condition: &str,
        sort: &str,
        limit: usize,
        read: impl Fn(&[u8]) -> Result<Answer<I>, serde_json::Error>,
    ) -> Result<Vec<I>, Error> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let rest = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let body = Body::default();
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(format!("PK = :partition AND {condition}"))
                .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
                .expression_attribute_values(":sort", AttributeValue::S(sort.to_owned()))
                .consistent_read(true)
                .limit(rest)
                .set_exclusive_start_key(start)
                .customize()
                .interceptor(body.clone())
                .send()
                .await;
            answer.map_err(|error| self.failed("Query", &error))?;
            let answer = body.read(&read).map_err(|error| self.unreadable("Query", &error))?;
            items.extend(answer.items);
            // A page of very large items ends at 1 MB before it is full.
            start = answer.last_evaluated_key.map(|key| key_of(&key)).transpose()?.map(key_item);
            if start.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }

    /// What an operation has answered.
    fn read<T: DeserializeOwned>(&self, operation: &'static str, body: &Body) -> Result<T, Error> {
        body.read(|answer| serde_json::from_slice(answer)).map_err(|error| self.unreadable(operation, &error))
    }

    fn unreadable(&self, operation: &'static str, error: &serde_json::Error) -> Error {
        self.failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(operation, category = ?error.classify(), "the table's answer cannot be read");
        Error::Unavailable
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

/// The table's answer to a Query.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<I> {
    #[serde(default = "Vec::new")]
    items: Vec<I>,
    last_evaluated_key: Option<Stored>,
}

/// An item of a list.
enum Entry<R> {
    Record(R),
    /// There is none in it.
    Unreadable(Key, Corrupt),
}

impl<R: Listed> Entry<R> {
    fn id(&self) -> Option<Id> {
        match self {
            Self::Record(record) => keys::id_of(record.sort()),
            Self::Unreadable(key, _) => keys::id_of(&key.sort),
        }
    }
}

/// The items of an answer: all in one go, or, if one of them is no such record, one by one.
fn entries<R: Listed>(answer: &[u8]) -> Result<Answer<Entry<R>>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(bound = "R: DeserializeOwned")]
    struct Whole<R>(#[serde(deserialize_with = "attributes::deserialize")] R);

    if let Ok(Answer { items, last_evaluated_key }) = serde_json::from_slice(answer) {
        let items = items.into_iter().map(|Whole(record)| Entry::Record(record)).collect();
        return Ok(Answer { items, last_evaluated_key });
    }
    let Answer { items, last_evaluated_key } = serde_json::from_slice::<Answer<Stored>>(answer)?;
    let entry = |item: Stored| match from_item(&item) {
        Ok(record) => Ok(Entry::Record(record)),
        Err(corrupt) => attributes::read(&item).map(|key| Entry::Unreadable(key, corrupt)),
    };
    Ok(Answer { items: items.into_iter().map(entry).collect::<Result<_, _>>()?, last_evaluated_key })
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
