//! What the table holds of an organization, read past the service.

use std::collections::{BTreeMap, BTreeSet};

use model::{AccessId, Kind, Model, Outcome, Vehicle};
use serde_json::{Value, json};

use super::observe::{access_id, customer, id, number, optional, rules};
use crate::support::{Fleet, World};

/// How many tags and idempotency keys `model::call` uses.
pub const TAGS: u8 = 5;
const KEYS: u8 = 2;

/// The items of an organization in the model's terms.
#[derive(Debug)]
pub struct Stored {
    /// Its `requests` are empty, since an idempotency item does not hold the request that it belongs to.
    pub state: Model,
    /// The idempotency keys in use.
    requests: BTreeSet<(Kind, u8)>,
}

impl Stored {
    /// Reads all items and checks that they are consistent with each other.
    pub async fn read(world: &World, fleet: &Fleet) -> Self {
        let query = async |partition: &str| items(world, fleet, partition).await;
        let keys = (0..TAGS)
            .map(|tag| format!("TAG#tag-{tag}"))
            .chain((0..KEYS).flat_map(|key| ["ACCESS-ID", "VEHICLE"].map(|kind| format!("REQUEST#{kind}#key-{key}"))));
        let keys: Vec<Value> = keys
            .map(|key| {
                let sort = key.split('#').next().unwrap();
                json!({"PK": {"S": format!("ORG#{}#{key}", fleet.id)}, "SK": {"S": sort}})
            })
            .collect();
        let singles = json!({"RequestItems": {engine::TABLE_NAME: {"Keys": keys, "ConsistentRead": true}}});
        let singles = world.batch_get(singles).await;

        let mut state = Model::default();
        for item in query("ACCESS-ID").await {
            let mut linked = item.clone();
            linked["vehicle"] = json!({"id": item["vehicleId"], "name": "name 0"});
            if item["vehicleId"].is_null() {
                linked["vehicle"] = Value::Null;
            }
            linked["customer"] = json!({"name": item["customer"]});
            let Outcome::AccessId { access_id, .. } = access_id(&linked) else { unreachable!() };
            assert_eq!(item["SK"], format!("{:016}", access_id.id), "{item}");
            state.versions.insert((Kind::AccessId, access_id.id), id(&item["version"]));
            if !item["rules"].is_null() {
                state.rules.insert(access_id.id, rules(&item["rules"]));
            }
            state.access_ids.insert(access_id.id, access_id);
        }
        let mut held = BTreeMap::new();
        for item in query("VEHICLE").await {
            let vehicle = Vehicle {
                name: number(&item["name"]),
                make: optional(&item["make"]),
                customer: customer(&item["customer"]),
            };
            let number = id(&item["id"]);
            assert_eq!(item["SK"], format!("{number:016}"), "{item}");
            let shown = |access_id: &Value| {
                (id(&access_id["id"]), self::number(&access_id["tag"]), access_id["status"] == "Revoked")
            };
            held.insert(number, item["accessIds"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>());
            state.versions.insert((Kind::Vehicle, number), id(&item["version"]));
            state.vehicles.insert(number, vehicle);
        }
        state.customers = query("CUSTOMER").await.iter().filter_map(|item| customer(&item["name"])).collect();

        // A vehicle lists exactly the access IDs that are linked to it.
        for (vehicle, held) in &held {
            assert_eq!(*held, state.held(*vehicle), "vehicle {vehicle} of {state:?}");
        }
        for access_id in state.access_ids.values() {
            assert!(access_id.vehicle.is_none_or(|vehicle| held.contains_key(&vehicle)), "{access_id:?}");
        }
        // Each access ID has one tag item with the same values, and there are no other tag items.
        let (tags, requests): (Vec<_>, Vec<_>) = singles.iter().map(plain).partition(|item| item["SK"] == "TAG");
        let of_item = |item: &Value| {
            let tag = item["PK"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
            (
                number(&tag.into()),
                id(&item["accessId"]),
                number(&item["name"]),
                item["type"] == "RFID",
                item["authorizationStatus"] == "Revoked",
                item["vehicleId"].as_u64(),
                rules(&item["rules"]),
            )
        };
        let tags: BTreeSet<_> = tags.iter().map(of_item).collect();
        let rules_of = |id| state.rules.get(&id).copied().unwrap_or_default();
        let of_record = |a: &AccessId| (a.tag, a.id, a.name, a.is_card, a.revoked, a.vehicle, rules_of(a.id));
        let wanted: Vec<_> = state.access_ids.values().map(of_record).collect();
        assert_eq!(wanted.len(), tags.len(), "{tags:?}, {state:?}");
        assert_eq!(tags, wanted.into_iter().collect(), "{state:?}");

        let request = |item: &Value| {
            let parts: Vec<_> = item["PK"].as_str().unwrap().split('#').collect();
            let kind = if parts[3] == "VEHICLE" { Kind::Vehicle } else { Kind::AccessId };
            (kind, parts[4].trim_start_matches("key-").parse().unwrap())
        };
        let requests = requests.iter().map(request).collect();
        Self { state, requests }
    }

    /// Whether the table and the model have the same customers, versions and idempotency keys. Access IDs and vehicles are
    /// compared by `model::explain`.
    pub fn agrees(&self, model: &Model) -> bool {
        let of_deleted = |version: &u64| *version == 0;
        let versions = model.versions.iter().filter(|(_, version)| !of_deleted(version));
        model.customers == self.state.customers
            && versions.eq(&self.state.versions)
            && model.requests.keys().eq(&self.requests)
    }
}

/// The items of a partition of an organization.
pub async fn items(world: &World, fleet: &Fleet, partition: &str) -> Vec<Value> {
    let values = json!({":partition": {"S": format!("ORG#{}#{partition}", fleet.id)}});
    let body = json!({"KeyConditionExpression": "PK = :partition", "ExpressionAttributeValues": values,
        "ConsistentRead": true});
    let answer = world.table("Query", body).await;
    assert!(answer["LastEvaluatedKey"].is_null(), "more than one page");
    answer["Items"].as_array().unwrap().iter().map(plain).collect()
}

/// An item as plain JSON, without DynamoDB's types.
fn plain(item: &Value) -> Value {
    fn value(typed: &Value) -> Value {
        let (kind, value_of) = typed.as_object().and_then(|typed| typed.iter().next()).unwrap();
        match kind.as_str() {
            "NULL" => Value::Null,
            "N" => value_of.as_str().unwrap().parse::<u64>().unwrap().into(),
            "L" => value_of.as_array().unwrap().iter().map(value).collect(),
            "M" => plain(value_of),
            _ => value_of.clone(),
        }
    }
    item.as_object().unwrap().iter().map(|(name, typed)| (name.clone(), value(typed))).collect()
}
