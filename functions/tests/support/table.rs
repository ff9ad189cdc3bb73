//! The recorded requests of a function to the table, in terms of IAM policies.

use std::collections::{BTreeMap, BTreeSet};

use harness::Request;
use serde_json::Value;

/// An action of a request, with the partition keys that it reads or writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// IAM's name of the action without `dynamodb:`. A transaction has the actions of its members.
    pub action: String,
    pub partitions: BTreeSet<String>,
    pub in_transaction: bool,
}

/// The actions of these requests. Panics at an unknown operation, so that none is overlooked.
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
        "BatchWriteItem" => {
            let puts = body["RequestItems"][engine::TABLE_NAME].as_array().unwrap();
            let partitions = puts.iter().map(|put| partition(&put["PutRequest"]["Item"])).collect();
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
        // A request without an operation, which only opens the connection in advance.
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
