//! From the model's calls to requests, and from answers and items to what the model knows.

use std::collections::{BTreeMap, BTreeSet};

use model::{AccessId, Call, Change, Field, Kind, Link, Made, Model, Outcome, Vehicle};
use serde_json::{Value, json};

use crate::support::{Answer, Fleet, World, thor, time};

/// Spellings of two customers.
const CUSTOMERS: [&str; 4] = ["Fleet Ä", "fleet a\u{308}", "Other", "OTHER"];
/// They are stored composed.
const STORED_CUSTOMERS: [&str; 4] = ["Fleet Ä", "fleet ä", "Other", "OTHER"];
const TAGS: u8 = 5;
const KEYS: u8 = 2;

/// An HTTP request.
pub struct Request {
    pub function: &'static str,
    pub method: &'static str,
    pub target: String,
    pub body: Value,
}

impl Request {
    pub fn of(call: &Call) -> Self {
        let status = |revoked: bool| if revoked { "Revoked" } else { "Authorized" };
        let customer = |number: u8| json!({"name": CUSTOMERS[usize::from(number)]});
        let name = |number: u8| Value::from(format!("name {number}"));
        let make = |number: u8| Value::from(format!("make {number}"));
        let mut fields = serde_json::Map::new();
        let mut set = |name: &str, value: Value| _ = fields.insert(name.to_owned(), value);
        let patch = |field, value: &dyn Fn(u8) -> Value| match field {
            Field::Keep => None,
            Field::Clear => Some(Value::Null),
            Field::Set(number) => Some(value(number)),
        };
        let (function, method, target, root) = match call {
            Call::CreateAccessId { tag, is_card, name: called, revoked, customer: owner, vehicle, key: _ } => {
                set("type", if *is_card { "RFID" } else { "Vehicle" }.into());
                // spelt in two ways, which are one tag
                set("ocppIdTag", format!("{}-{tag}", if *revoked { "TAG" } else { "tag" }).into());
                set("name", name(*called));
                set("authorizationStatus", status(*revoked).into());
                owner.iter().for_each(|owner| set("customer", customer(*owner)));
                match vehicle {
                    Link::None => {}
                    Link::New { make: given } => set("vehicle", json!({"make": given.map(make)})),
                    Link::Existing(id) => set("vehicleId", (*id).into()),
                }
                ("create-access-id", "POST", "/api/access-ids".to_owned(), "accessId")
            }
            Call::UpdateAccessId { id, name: called, revoked, customer: owner, vehicle } => {
                called.iter().for_each(|called| set("name", name(*called)));
                revoked.iter().for_each(|revoked| set("authorizationStatus", status(*revoked).into()));
                patch(*owner, &customer).into_iter().for_each(|owner| set("customer", owner));
                match vehicle {
                    Change::Keep => {}
                    Change::Unlink => set("vehicle", Value::Null),
                    Change::Make(field) => {
                        let make = patch(*field, &make).map_or(json!({}), |make| json!({"make": make}));
                        set("vehicle", make);
                    }
                }
                ("update-access-id", "PATCH", format!("/api/access-ids/{id}"), "accessId")
            }
            Call::CreateVehicle { name: called, customer: owner, tags, key: _ } => {
                set("name", name(*called));
                owner.iter().for_each(|owner| set("customer", customer(*owner)));
                let requested = tags.iter().map(|(tag, revoked)| match revoked {
                    Some(revoked) => {
                        json!({"ocppIdTag": format!("Tag-{tag}"), "authorizationStatus": status(*revoked)})
                    }
                    None => json!({"ocppIdTag": format!("tag-{tag}")}),
                });
                set("accessIds", requested.collect());
                ("create-vehicle", "POST", "/api/vehicles".to_owned(), "vehicle")
            }
            Call::UpdateVehicle { id, name: called, make: field, customer: owner } => {
                called.iter().for_each(|called| set("name", name(*called)));
                patch(*field, &make).into_iter().for_each(|make| set("make", make));
                patch(*owner, &customer).into_iter().for_each(|owner| set("customer", owner));
                ("update-vehicle", "PATCH", format!("/api/vehicles/{id}"), "vehicle")
            }
            Call::GetAccessId { id } => return Self::get("get-access-id", format!("/api/access-ids/{id}")),
            Call::GetVehicle { id } => return Self::get("get-vehicle", format!("/api/vehicles/{id}")),
            Call::Decide { tag } => {
                let body = thor(&format!("TAG-{tag}"), if tag % 2 == 0 { "authorize" } else { "start" });
                return Self { function: "rfid-authorizer", method: "POST", target: String::new(), body };
            }
            Call::ListAccessId { .. } | Call::ListLinked { .. } | Call::HasMore { .. } => panic!("{call:?}"),
        };
        Self { function, method, target, body: json!({root: fields}) }
    }

    /// A page from the start or from this cursor.
    pub fn page(kind: Kind, limit: usize, start: Option<&(u64, String)>) -> Self {
        let (function, path) = match kind {
            Kind::AccessId => ("list-access-ids", "/api/access-ids"),
            Kind::Vehicle => ("list-vehicles", "/api/vehicles"),
        };
        let cursor = start.map(|(_, cursor)| format!("&nextPageCursor={cursor}")).unwrap_or_default();
        Self::get(function, format!("{path}?limit={limit}{cursor}"))
    }

    fn get(function: &'static str, target: String) -> Self {
        Self { function, method: "GET", target, body: Value::Null }
    }
}

/// What a call came to; none for 503.
pub fn outcome(call: &Call, answer: &Answer) -> Option<Outcome> {
    let code = answer.body["code"].as_str().or(answer.body["reason"].as_str());
    Some(match (answer.status, code) {
        (503, _) => return None,
        (404, _) => Outcome::NotFound,
        (409, Some("tag_taken")) => Outcome::TagTaken,
        (409, Some("idempotency_key_reused")) => Outcome::KeyReused,
        (400, _) => {
            let field = match call {
                Call::CreateAccessId { vehicle: Link::Existing(_), .. } => "accessId.vehicleId",
                _ => "accessId.vehicle",
            };
            answer.names(&[field]);
            Outcome::Refused
        }
        (403, Some("revoked")) => Outcome::Revoked,
        (403, Some("unknown")) => Outcome::Unknown,
        (200, _) if matches!(call, Call::Decide { .. }) => {
            let access_id = &answer.body["accessId"];
            Outcome::Authorized {
                id: id(&access_id["id"]),
                name: number(&access_id["name"]),
                is_card: access_id["type"] == "RFID",
            }
        }
        (200 | 201, _) if answer.body.get("accessId").is_some() => access_id(&answer.body["accessId"]),
        (200 | 201, _) => vehicle(&answer.body["vehicle"]),
        _ => panic!("{call:?}: {answer:?}"),
    })
}

/// A page of a list.
pub struct Page {
    kind: Kind,
    after: u64,
    /// What is shown of each record, as reads of their own.
    pub reads: Vec<Vec<(Call, Outcome)>>,
    /// The last id and the next page's cursor.
    pub next: Option<(u64, String)>,
    made: Made,
}

impl Page {
    pub fn read(kind: Kind, after: u64, limit: usize, made: Made, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let records = answer.body["data"].as_array().unwrap();
        let ids: Vec<u64> = records.iter().map(|record| id(&record["id"])).collect();
        assert!(ids.len() <= limit && ids.iter().all(|id| *id > after), "after {after}, {limit}: {answer:?}");
        let cursor = answer.body["pagination"]["nextPageCursor"].as_str();
        assert!(cursor.is_none() || ids.len() == limit, "a page with a next one is full: {answer:?}");
        let next = cursor.map(|cursor| (*ids.last().unwrap(), cursor.to_owned()));
        let reads = records.iter().zip(ids).map(|(record, id)| match kind {
            Kind::AccessId => access_id(record).split(&Call::ListAccessId { id }),
            Kind::Vehicle => vec![(Call::GetVehicle { id }, vehicle(record))],
        });
        Self { kind, after, reads: reads.collect(), next, made }
    }

    /// The page as one read for each record that it shows, for each that it does not show, and for what follows.
    pub fn expand(self, end: &Model) -> Vec<Made> {
        let shown: BTreeSet<u64> = self.reads.iter().filter_map(|reads| listed_id(&reads.first()?.0)).collect();
        let last = self.next.as_ref().map_or(u64::MAX, |(last, _)| *last);
        let all: Vec<u64> = match self.kind {
            Kind::AccessId => end.access_ids.keys().copied().collect(),
            Kind::Vehicle => end.vehicles.keys().copied().collect(),
        };
        let missing = all.into_iter().filter(|id| *id > self.after && *id <= last && !shown.contains(id));
        let missing = missing.map(|id| match self.kind {
            Kind::AccessId => (Call::ListAccessId { id }, Outcome::NotFound),
            Kind::Vehicle => (Call::GetVehicle { id }, Outcome::NotFound),
        });
        let more = self.next.map(|_| (Call::HasMore { kind: self.kind, after: last }, Outcome::More(true)));
        let reads = self.reads.into_iter().flatten().chain(missing).chain(more);
        reads.map(|(call, outcome)| Made { call, outcome: Some(outcome), ..self.made.clone() }).collect()
    }
}

fn listed_id(call: &Call) -> Option<u64> {
    match call {
        Call::ListAccessId { id } | Call::GetVehicle { id } => Some(*id),
        _ => None,
    }
}

/// An access ID in an answer.
fn access_id(value: &Value) -> Outcome {
    let linked = &value["vehicle"];
    let is_linked = !linked.is_null();
    let access_id = AccessId {
        id: id(&value["id"]),
        tag: number(&value["ocppIdTag"]),
        is_card: value["type"] == "RFID",
        name: number(&value["name"]),
        revoked: value["authorizationStatus"] == "Revoked",
        authorized_at: moment(&value["authorizedAt"]).unwrap(),
        revoked_at: moment(&value["revokedAt"]),
        created_at: moment(&value["createdAt"]).unwrap(),
        updated_at: moment(&value["updatedAt"]).unwrap(),
        vehicle: is_linked.then(|| id(&linked["id"])),
        customer: customer(&value["customer"]["name"]),
    };
    if is_linked {
        assert!(linked["model"].is_null() && linked["vin"].is_null(), "{value}");
    }
    Outcome::AccessId { access_id, shown: is_linked.then(|| (number(&linked["name"]), optional(&linked["make"]))) }
}

/// A vehicle in an answer.
fn vehicle(value: &Value) -> Outcome {
    for field in ["model", "vin", "licensePlate"] {
        assert!(value[field].is_null(), "{value}");
    }
    let shown = |access_id: &Value| {
        let is_revoked = access_id["authorizationStatus"] == "Revoked";
        (id(&access_id["id"]), number(&access_id["ocppIdTag"]), is_revoked)
    };
    Outcome::Vehicle {
        id: id(&value["id"]),
        vehicle: Vehicle {
            name: number(&value["name"]),
            make: optional(&value["make"]),
            customer: customer(&value["customer"]["name"]),
        },
        access_ids: value["accessIds"].as_array().unwrap().iter().map(shown).collect(),
    }
}

fn id(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no id: {value}"))
}

/// The number at the end of a text that is one of ours.
fn number(value: &Value) -> u8 {
    let text = value.as_str().unwrap_or_default();
    let number = ["name ", "make ", "tag-"].iter().find_map(|start| text.strip_prefix(start)?.parse().ok());
    number.unwrap_or_else(|| panic!("nobody has written this: {value}"))
}

fn optional(value: &Value) -> Option<u8> {
    (!value.is_null()).then(|| number(value))
}

fn customer(value: &Value) -> Option<u8> {
    let text = value.as_str()?;
    let at = STORED_CUSTOMERS.iter().position(|stored| *stored == text);
    Some(u8::try_from(at.unwrap_or_else(|| panic!("nobody has written this: {text}"))).unwrap())
}

fn moment(value: &Value) -> Option<i64> {
    value.as_str().map(|text| time(text).timestamp_millis())
}

/// What the table holds of an organization, read past the service.
#[derive(Debug)]
pub struct Stored {
    /// `requests` stays empty: a request's item does not say in the model's words what was asked.
    pub state: Model,
    requests: BTreeSet<(Kind, u8)>,
}

impl Stored {
    /// Reads all items and checks that they agree with each other.
    pub async fn read(world: &World, fleet: &Fleet) -> Self {
        let query = async |partition: &str| {
            let values = json!({":partition": {"S": format!("ORG#{}#{partition}", fleet.id)}});
            let body = json!({"KeyConditionExpression": "PK = :partition", "ExpressionAttributeValues": values,
                "ConsistentRead": true});
            let answer = world.table("Query", body).await;
            answer["Items"].as_array().unwrap().iter().map(plain).collect::<Vec<Value>>()
        };
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

        // Both sides of every link agree.
        for (vehicle, held) in &held {
            assert_eq!(*held, state.held(*vehicle), "vehicle {vehicle} of {state:?}");
        }
        for access_id in state.access_ids.values() {
            assert!(access_id.vehicle.is_none_or(|vehicle| held.contains_key(&vehicle)), "{access_id:?}");
        }
        // Each tag item has its access ID and each access ID its tag item.
        let (tags, requests): (Vec<_>, Vec<_>) = singles.iter().map(plain).partition(|item| item["SK"] == "TAG");
        let of_item = |item: &Value| {
            let tag = item["PK"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
            (
                number(&tag.into()),
                id(&item["accessId"]),
                number(&item["name"]),
                item["type"] == "RFID",
                item["authorizationStatus"] == "Revoked",
            )
        };
        let tags: BTreeSet<_> = tags.iter().map(of_item).collect();
        let of_record = |a: &AccessId| (a.tag, a.id, a.name, a.is_card, a.revoked);
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

    /// Whether the table holds what the model holds, apart from access IDs and vehicles.
    pub fn agrees(&self, model: &Model) -> bool {
        model.customers == self.state.customers
            && model.versions == self.state.versions
            && model.requests.keys().eq(&self.requests)
    }
}

/// An item without DynamoDB's types: numbers, strings, lists and maps.
fn plain(item: &Value) -> Value {
    fn value(typed: &Value) -> Value {
        let (kind, value_of) = typed.as_object().and_then(|typed| typed.iter().next()).unwrap();
        match kind.as_str() {
            "N" => value_of.as_str().unwrap().parse::<u64>().unwrap().into(),
            "L" => value_of.as_array().unwrap().iter().map(value).collect(),
            "M" => plain(value_of),
            _ => value_of.clone(),
        }
    }
    item.as_object().unwrap().iter().map(|(name, typed)| (name.clone(), value(typed))).collect()
}
