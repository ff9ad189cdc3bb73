//! A [`World`] for each test: a table engine with an organization of the test's own and its credentials, and the functions.
//! Each function is started at its first call, with a recorder between it and the table.

mod answer;
mod call;
mod forms;
mod routes;
mod seed;
mod service;
mod table;

use std::{sync::Arc, thread};

use harness::{Function, Recorder};
use serde_json::{Value, json};
use store::{Scope, Settings, Store};

use self::service::Service;

pub use answer::Answer;
pub use call::Call;
pub use forms::{check_id, check_time};
pub use routes::{API, AUTHORIZER, DEFAULT, FUNCTIONS, binary, endpoints, target};
pub use seed::{access_id, card, customer, id, import, name, now, time, vehicle};
pub use service::start;
pub use table::{Touch, seen};

/// The body that creates an RFID card.
pub fn rfid(tag: &str, name: &str) -> Value {
    json!({"accessId": {"type": "RFID", "ocppIdTag": tag, "name": name}})
}

/// The body that creates an access ID of type Vehicle together with a vehicle.
pub fn charging_vehicle(tag: &str, name: &str) -> Value {
    json!({"accessId": {"type": "Vehicle", "ocppIdTag": tag, "name": name, "vehicle": {}}})
}

/// Thor's request for a tag.
pub fn thor(tag: &str, kind: &str) -> Value {
    json!({"msg": "rfid", "id": tag, "chargebox": "EaJ7cU9NJ3YkTNgy", "type": kind})
}

/// An organization and its credentials.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub id: domain::OrganizationId,
    /// The API credential: its token, and its id for revoking it.
    pub api: store::NewCredential,
    /// The RFID credential: its secret, and its id for revoking it.
    pub rfid: store::NewCredential,
}

/// A table with an organization, and the functions that use the table.
pub struct World {
    pub store: Store,
    pub fleet: Fleet,
    /// It is there until the world is dropped.
    service: Option<Service>,
}

impl World {
    /// A world that one test has to itself. Its functions may have served other tests before, with other organizations.
    pub async fn new() -> Self {
        Self::of(Service::lent().await).await
    }

    /// A world with an empty table and functions that have not been started before, for tests that fail the table or look at
    /// the processes themselves.
    pub async fn alone() -> Self {
        Self::with(&[]).await
    }

    /// The same, with functions that have these variables in their environment besides.
    pub async fn with(environment: &[(&'static str, &'static str)]) -> Self {
        Self::of(Service::new(environment).await).await
    }

    async fn of(service: Service) -> Self {
        let engine = service.engine();
        let store = Store::new(&Settings::local(&engine.endpoint_url(), engine.table_name())).unwrap();
        let fleet = new_fleet(&store).await;
        Self { store, fleet, service: Some(service) }
    }

    fn service(&self) -> &Service {
        self.service.as_ref().expect("it is there until the world is dropped")
    }

    /// A world with access ID 1 of type Vehicle (tag `linked`, name `Vehicle 1`), linked to vehicle 1 (name `Van`).
    pub async fn with_van() -> Self {
        Self::new().await.and_van().await
    }

    /// This world with the same.
    pub async fn and_van(self) -> Self {
        let linked = access_id(1, "linked", 1);
        import(&self, std::slice::from_ref(&linked), &[vehicle(1, "Van", std::slice::from_ref(&linked))]).await;
        self
    }

    /// A further organization.
    pub async fn another_fleet(&self) -> Fleet {
        new_fleet(&self.store).await
    }

    pub fn get(&self, target: &str) -> Call<'_> {
        Call::api(self, "GET", target)
    }

    pub fn post(&self, target: &str, body: Value) -> Call<'_> {
        Call::api(self, "POST", target).json(&body)
    }

    pub fn patch(&self, target: &str, body: Value) -> Call<'_> {
        Call::api(self, "PATCH", target).json(&body)
    }

    /// A request to the API with any method.
    pub fn request(&self, method: &str, target: &str) -> Call<'_> {
        Call::api(self, method, target)
    }

    /// Thor's request for a tag, with the fleet's secret in the path.
    pub fn ask(&self, tag: &str) -> Call<'_> {
        Call::rfid(self, &format!("/{}", self.fleet.rfid.token)).json(&thor(tag, "authorize"))
    }

    /// A POST without body to this path of the authorizer's function URL.
    pub fn thor(&self, path: &str) -> Call<'_> {
        Call::rfid(self, path)
    }

    /// Waits until the authorizer has written down what it decided.
    pub async fn journalled(&self) {
        self.instance(AUTHORIZER, 0).await.wait_idle().await.unwrap();
    }

    /// The decisions that the API shows, newest first.
    pub async fn decisions(&self, query: &str) -> Vec<Value> {
        self.journalled().await;
        let mut page = self.get(&format!("/api/decisions?limit=100{query}")).await.ok();
        page["data"].take().as_array().unwrap().clone()
    }

    /// Creates an access ID, or a vehicle if the body has the key `vehicle`. Returns the record in the answer.
    pub async fn create(&self, body: Value) -> Value {
        let (path, root) =
            if body.get("vehicle").is_some() { ("/api/vehicles", "vehicle") } else { ("/api/access-ids", "accessId") };
        self.post(path, body).await.created()[root].take()
    }

    /// Reads an access ID.
    pub async fn access_id(&self, id: &Value) -> Value {
        self.get(&format!("/api/access-ids/{id}")).await.ok()["accessId"].take()
    }

    /// Reads a vehicle.
    pub async fn vehicle(&self, id: &Value) -> Value {
        self.get(&format!("/api/vehicles/{id}")).await.ok()["vehicle"].take()
    }

    /// All records of a list, read page by page.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut records = Vec::new();
        let mut target = format!("{path}?limit=100");
        loop {
            let mut page = self.get(&target).await.ok();
            records.append(page["data"].as_array_mut().unwrap());
            match page["pagination"]["nextPageCursor"].as_str() {
                Some(cursor) => target = format!("{path}?limit=100&nextPageCursor={cursor}"),
                None => return records,
            }
        }
    }

    /// The recorder between the function and the table. It knows the requests of this test.
    pub async fn recorder(&self, function: &'static str) -> Arc<Recorder> {
        self.service().recorder(function).await
    }

    /// An instance of the function, started at the first call of this.
    pub async fn instance(&self, function: &'static str, number: usize) -> Arc<Function> {
        self.service().instance(function, number).await
    }

    /// The URL of the table itself, without a recorder.
    pub fn table_url(&self) -> String {
        self.service().engine().endpoint_url()
    }

    /// A call of the table's own protocol, for reading and writing items directly.
    pub async fn table(&self, operation: &str, mut body: Value) -> Value {
        body["TableName"] = engine::TABLE_NAME.into();
        self.table_call(operation, body).await
    }

    /// The items at up to a hundred keys.
    pub async fn batch_get(&self, body: Value) -> Vec<Value> {
        let answer = self.table_call("BatchGetItem", body).await;
        answer["Responses"][engine::TABLE_NAME].as_array().cloned().unwrap_or_default()
    }

    async fn table_call(&self, operation: &str, body: Value) -> Value {
        let (status, answer) = self.service().engine().call(operation, &body).await.unwrap();
        assert_eq!(status, 200, "{operation} {body}: {answer}");
        answer
    }

    /// Sets attributes of an item to values that the service would not write. Null removes an attribute.
    pub async fn damage(&self, partition: &str, sort: &str, attributes: Value) {
        let partition = format!("ORG#{}{partition}", self.fleet.id);
        let key = json!({"PK": {"S": partition}, "SK": {"S": sort}});
        let mut item = self.table("GetItem", json!({"Key": key})).await["Item"].take();
        set(&mut item, &attributes);
        self.table("PutItem", json!({"Item": item})).await;
    }

    /// The same with every item of a partition.
    pub async fn damage_all(&self, partition: &str, attributes: Value) {
        let partition = format!("ORG#{}{partition}", self.fleet.id);
        let query = json!({"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": {":p": {"S": partition}}});
        let mut found = self.table("Query", query).await;
        assert!(found["LastEvaluatedKey"].is_null(), "{partition} is larger than a page");
        // As many items as one request may write.
        for items in found["Items"].as_array_mut().expect(&partition).chunks_mut(25) {
            items.iter_mut().for_each(|item| set(item, &attributes));
            let puts: Vec<_> = items.iter().map(|item| json!({"PutRequest": {"Item": item}})).collect();
            let answer = self.table_call("BatchWriteItem", json!({"RequestItems": {engine::TABLE_NAME: puts}})).await;
            assert_eq!(answer["UnprocessedItems"], json!({}), "{answer}");
        }
    }

    /// Shuts the table engine down.
    pub async fn lose_table(&mut self) {
        self.service.as_mut().expect("it is there until the world is dropped").lose_table().await;
    }

    /// Checks that no function has sent a request to the table that its policy does not allow. Every test does so at its end.
    pub fn check_policies(&self) {
        self.service().check_policies();
    }
}

/// Sets attributes of an item. Null removes one.
fn set(item: &mut Value, attributes: &Value) {
    let item = item.as_object_mut().expect("an item");
    for (name, value) in attributes.as_object().unwrap() {
        match value {
            Value::Null => _ = item.remove(name).expect(name),
            value => _ = item.insert(name.clone(), value.clone()),
        }
    }
}

async fn new_fleet(store: &Store) -> Fleet {
    let id = store.create_organization("Fleet", now()).await.unwrap().id;
    let api = store.create_credential(&id, Scope::Api, "", now()).await.unwrap();
    let rfid = store.create_credential(&id, Scope::Rfid, "", now()).await.unwrap();
    Fleet { id, api, rfid }
}

impl Drop for World {
    fn drop(&mut self) {
        // After a failure the functions may still be at work, so their service is not left to another test.
        if let Some(service) = self.service.take()
            && !thread::panicking()
        {
            service.check_policies();
            service.leave();
        }
    }
}
