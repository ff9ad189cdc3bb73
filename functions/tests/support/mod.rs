//! A [`World`] for each test: a table engine, an organization with its credentials, and the functions. Each function is
//! started at its first call, with a recorder between it and the table.

mod answer;
mod call;
mod forms;
mod routes;
mod seed;
mod table;

use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, LazyLock},
    thread,
};

use deployment::Grant;
use engine::Engine;
use harness::{Function, Recorder};
use serde_json::{Value, json};
use store::{Scope, Settings, Store};
use tokio::sync::Mutex;

pub use answer::Answer;
pub use call::Call;
pub use forms::{check_id, check_time};
pub use routes::{API, AUTHORIZER, DEFAULT, FUNCTIONS, binary, endpoints, target};
pub use seed::{access_id, card, customer, id, import, name, now, time, vehicle};
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

/// A table with one organization, and the functions that use the table.
pub struct World {
    pub store: Store,
    pub fleet: Fleet,
    engine: Option<Engine>,
    /// What the functions' environment has besides.
    environment: Vec<(&'static str, &'static str)>,
    deployed: Mutex<BTreeMap<&'static str, Deployed>>,
}

/// One function: its recorder and its instances.
struct Deployed {
    recorder: Arc<Recorder>,
    instances: BTreeMap<usize, Arc<Function>>,
}

impl World {
    pub async fn new() -> Self {
        let engine = Engine::in_memory().await.unwrap();
        let store = Store::new(&Settings::local(&engine.endpoint_url(), engine.table_name())).unwrap();
        let fleet = new_fleet(&store).await;
        Self { store, fleet, engine: Some(engine), environment: Vec::new(), deployed: Mutex::default() }
    }

    /// A world whose functions have these variables in their environment besides.
    pub async fn with(environment: &[(&'static str, &'static str)]) -> Self {
        let mut world = Self::new().await;
        world.environment = environment.to_vec();
        world
    }

    /// A world with access ID 1 of type Vehicle (tag `linked`, name `Vehicle 1`), linked to vehicle 1 (name `Van`).
    pub async fn with_van() -> Self {
        let world = Self::new().await;
        let linked = access_id(1, "linked", 1);
        import(&world, std::slice::from_ref(&linked), &[vehicle(1, "Van", std::slice::from_ref(&linked))]).await;
        world
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

    /// The recorder between the function and the table.
    pub async fn recorder(&self, function: &'static str) -> Arc<Recorder> {
        let mut deployed = self.deployed.lock().await;
        Arc::clone(&self.deploy(&mut deployed, function).await.recorder)
    }

    /// An instance of the function, started at the first call of this.
    pub async fn instance(&self, function: &'static str, number: usize) -> Arc<Function> {
        let mut deployed = self.deployed.lock().await;
        let deployed = self.deploy(&mut deployed, function).await;
        if let Some(instance) = deployed.instances.get(&number) {
            return Arc::clone(instance);
        }
        let instance = start(function, &deployed.recorder.endpoint_url(), &self.environment).await;
        let instance = Arc::new(instance);
        deployed.instances.insert(number, Arc::clone(&instance));
        instance
    }

    async fn deploy<'a>(
        &self,
        deployed: &'a mut BTreeMap<&'static str, Deployed>,
        function: &'static str,
    ) -> &'a mut Deployed {
        if !deployed.contains_key(function) {
            let table = self.engine.as_ref().expect("the table is gone").addr();
            let recorder = Arc::new(Recorder::start(table).await.unwrap());
            deployed.insert(function, Deployed { recorder, instances: BTreeMap::new() });
        }
        deployed.get_mut(function).unwrap()
    }

    /// The URL of the table itself, without a recorder.
    pub fn table_url(&self) -> String {
        self.engine.as_ref().expect("the table is gone").endpoint_url()
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
        let engine = self.engine.as_ref().expect("the table is gone");
        let (status, answer) = engine.call(operation, &body).await.unwrap();
        assert_eq!(status, 200, "{operation} {body}: {answer}");
        answer
    }

    /// Sets attributes of an item to values that the service would not write. Null removes an attribute.
    pub async fn damage(&self, partition: &str, sort: &str, attributes: Value) {
        let partition = format!("ORG#{}{partition}", self.fleet.id);
        let key = json!({"PK": {"S": partition}, "SK": {"S": sort}});
        let mut item = self.table("GetItem", json!({"Key": key})).await["Item"].take();
        let item_attributes = item.as_object_mut().expect(&partition);
        for (name, value) in attributes.as_object().unwrap() {
            match value {
                Value::Null => _ = item_attributes.remove(name).expect(name),
                value => _ = item_attributes.insert(name.clone(), value.clone()),
            }
        }
        self.table("PutItem", json!({"Item": item})).await;
    }

    /// Shuts the table engine down.
    pub async fn lose_table(&mut self) {
        self.engine.take().expect("the table is gone already").shutdown().await;
    }
}

/// Starts a function that uses the table at this URL.
pub async fn start(function: &str, table_url: &str, environment: &[(&str, &str)]) -> Function {
    let mut env = vec![
        ("TABLE_NAME", engine::TABLE_NAME),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", engine::ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", engine::SECRET_ACCESS_KEY),
        ("AWS_ENDPOINT_URL_DYNAMODB", table_url),
    ];
    // Other engines refuse a session token that they have not issued.
    if env::var_os(engine::ENGINE_URL).is_none() {
        env.push(("AWS_SESSION_TOKEN", "session-token"));
    }
    env.extend(environment);
    let function = Function::start(routes::binary(function), &env).await.unwrap();
    function.wait_ready().await.unwrap();
    function
}

async fn new_fleet(store: &Store) -> Fleet {
    let id = store.create_organization("Fleet", now()).await.unwrap().id;
    let api = store.create_credential(&id, Scope::Api, "", now()).await.unwrap();
    let rfid = store.create_credential(&id, Scope::Rfid, "", now()).await.unwrap();
    Fleet { id, api, rfid }
}

/// What the policies in the template allow each function to do.
static GRANTS: LazyLock<BTreeMap<String, Vec<Grant>>> = LazyLock::new(|| deployment::grants().unwrap());

impl World {
    /// Checks that no function has sent a request to the table that its policy does not allow. Every test does so at its end.
    pub async fn check_policies(&self) {
        self.deployed.lock().await.iter().for_each(|(function, deployed)| deployed.check_policy(function));
    }
}

impl Deployed {
    fn check_policy(&self, function: &str) {
        let grants = &GRANTS[function];
        for Touch { action, partitions, in_transaction } in seen(&self.recorder.requests()) {
            let partitions: Vec<_> = partitions.iter().map(String::as_str).collect();
            let allowed = grants.iter().any(|grant| grant.allows(&action, &partitions, in_transaction));
            assert!(allowed, "{function} may not {action} {partitions:?} (in a transaction: {in_transaction})");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.deployed.get_mut().iter().for_each(|(function, deployed)| deployed.check_policy(function));
        }
    }
}
