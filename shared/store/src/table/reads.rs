//! The calls that read. They ask for no credential: only [`super::access`] and [`super::operator`] may use them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use tokio::time::Instant;

use super::{Direction, Table, Walk, not_built};
use crate::{
    Error,
    items::{Item, key_item, key_of},
    keys::Key,
};

/// What DynamoDB takes in one BatchGetItem.
const KEYS_PER_CALL: usize = 100;
/// How long keys are asked for again that DynamoDB left over.
const UNPROCESSED_TIME: Duration = Duration::from_millis(900);
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(20);

impl Table {
    /// The item at one key, strongly consistent.
    pub(super) async fn get(&self, key: Key) -> Result<Option<Item>, Error> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key_item(key))).consistent_read(true);
        let output = get.send().await.map_err(|error| self.failed("GetItem", &error))?;
        Ok(output.item)
    }

    /// The items at some keys, strongly consistent, asked for in this order. Keys may repeat. One call for each hundred, none for none.
    pub(super) async fn batch_get(&self, keys: impl IntoIterator<Item = Key>) -> Result<HashMap<Key, Item>, Error> {
        let mut seen = HashSet::new();
        let mut keys: Vec<Item> = keys.into_iter().filter(|key| seen.insert(key.clone())).map(key_item).collect();
        let mut found = HashMap::with_capacity(keys.len());
        let deadline = Instant::now() + UNPROCESSED_TIME;
        while !keys.is_empty() {
            let later = keys.split_off(keys.len().min(KEYS_PER_CALL));
            let wanted = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys));
            let get = self.client.batch_get_item().request_items(&self.name, wanted.build().map_err(not_built)?);
            let output = get.send().await.map_err(|error| self.failed("BatchGetItem", &error))?;
            for item in output.responses.and_then(|mut tables| tables.remove(&self.name)).into_iter().flatten() {
                found.insert(key_of(&item)?, item);
            }
            keys = later;
            // Keys are left over when the table throttles or the answer grows above 16 MB.
            if let Some(rest) = output.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name)) {
                if Instant::now() > deadline {
                    tracing::warn!("BatchGetItem left keys unprocessed");
                    self.count_failure();
                    return Err(Error::Unavailable);
                }
                keys.extend(rest.keys);
                tokio::time::sleep(UNPROCESSED_PAUSE).await;
            }
        }
        Ok(found)
    }

    /// All items of a partition that fulfil a condition on the sort key and `:sort`, in the order of their sort keys. Strongly
    /// consistent.
    pub(super) async fn query(&self, partition: &str, condition: &str, sort: &str) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression(format!("PK = :partition AND {condition}"))
                .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
                .expression_attribute_values(":sort", AttributeValue::S(sort.to_owned()))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let output = query.send().await.map_err(|error| self.failed("Query", &error))?;
            items.extend(output.items.into_iter().flatten());
            // One answer has at most 1 MB.
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Up to `limit` items of a walk, those after the sort key `start` if there is one, and the sort key after which more
    /// may follow. Strongly consistent. One call.
    pub(super) async fn query_part(
        &self,
        walk: &Walk<'_>,
        start: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), Error> {
        let start = start.map(|sort| key_item(Key { partition: walk.partition.clone(), sort }));
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("PK = :partition AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":partition", AttributeValue::S(walk.partition.clone()))
            .expression_attribute_values(":first", AttributeValue::S(walk.range.start().clone()))
            .expression_attribute_values(":last", AttributeValue::S(walk.range.end().clone()))
            .scan_index_forward(walk.direction == Direction::Ascending)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let output = query.send().await.map_err(|error| self.failed("Query", &error))?;
        let last = output.last_evaluated_key.as_ref().map(key_of).transpose()?;
        Ok((output.items.unwrap_or_default(), last.map(|key| key.sort)))
    }
}
