//! What a function was seen to do to the table, in the words of its policy.

use std::collections::{BTreeMap, BTreeSet};

use harness::Request;
use serde_json::Value;

/// Items that one request touches by one action.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// As IAM calls it, without `dynamodb:`. A transaction is seen as what its members do.
    pub action: String,
    pub partitions: BTreeSet<String>,
    pub in_transaction: bool,
}

/// What these requests do. Panics at a request that it does not know: nothing may pass unseen.
pub fn seen(requests: &[Request]) -> BTreeSet<Touch> {
    requests.iter().flat_map(touches).collect()
}

fn touches(Request { operation, body, .. }: &Request) -> Vec<Touch> {
    let one = |partition| {
        vec![Touch { action: operation.clone(), partitions: BTreeSet::from([partition]), in_transaction: false }]
    };
    match operation.as_str() {
        "GetItem" => one(partition(&body["Key"])),
        "Query" => {
            assert!(body["KeyConditionExpression"].as_str().unwrap().starts_with("PK = :partition"), "{body}");
            one(text(&body["ExpressionAttributeValues"][":partition"]))
        }
        "BatchGetItem" => {
            let keys = body["RequestItems"][engine::TABLE_NAME]["Keys"].as_array().unwrap();
            let partitions = keys.iter().map(partition).collect();
            vec![Touch { action: operation.clone(), partitions, in_transaction: false }]
        }
        "TransactWriteItems" => {
            let mut by_action: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for member in body["TransactItems"].as_array().unwrap() {
                let (kind, member) = member.as_object().unwrap().iter().next().unwrap();
                let (action, key) = match kind.as_str() {
                    "Put" => ("PutItem", &member["Item"]),
                    "Update" => ("UpdateItem", &member["Key"]),
                    "Delete" => ("DeleteItem", &member["Key"]),
                    "ConditionCheck" => ("ConditionCheckItem", &member["Key"]),
                    _ => panic!("{member}"),
                };
                by_action.entry(action).or_default().insert(partition(key));
            }
            let touch = |(action, partitions)| Touch { action: String::from(action), partitions, in_transaction: true };
            by_action.into_iter().map(touch).collect()
        }
        // A connection that is opened in advance; no action of the table.
        "" if body.is_null() => Vec::new(),
        _ => panic!("{operation} {body}"),
    }
}

fn partition(key: &Value) -> String {
    text(&key["PK"])
}

fn text(value: &Value) -> String {
    value["S"].as_str().unwrap().to_owned()
}
