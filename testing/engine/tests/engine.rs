//! Creation of the table, persistence in a data file, and shutdown of the engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::PathBuf;

use engine::{Engine, Error, TABLE_NAME};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn it_has_the_table_of_the_template() {
    let engine = Engine::in_memory().await.unwrap();
    let table = call(&engine, "DescribeTable", json!({ "TableName": TABLE_NAME })).await["Table"].take();
    assert_eq!(
        table["KeySchema"],
        json!([{ "AttributeName": "PK", "KeyType": "HASH" }, { "AttributeName": "SK", "KeyType": "RANGE" }])
    );
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table.get("GlobalSecondaryIndexes"), None);

    let ttl = call(&engine, "DescribeTimeToLive", json!({ "TableName": TABLE_NAME })).await;
    assert_eq!(ttl["TimeToLiveDescription"], json!({ "AttributeName": "expiresAt", "TimeToLiveStatus": "ENABLED" }));
}

#[tokio::test]
async fn two_engines_in_memory_share_no_items() {
    let (one, other) = (Engine::in_memory().await.unwrap(), Engine::in_memory().await.unwrap());
    put(&one, "a").await;
    assert_eq!(count(&one).await, 1);
    assert_eq!(count(&other).await, 0);
}

#[tokio::test]
async fn dropping_an_engine_closes_its_port_and_connections() {
    let engine = Engine::in_memory().await.unwrap();
    let address = engine.addr();
    let mut open = TcpStream::connect(address).await.unwrap();
    drop(engine);
    assert_eq!(open.read(&mut [0]).await.unwrap_or_default(), 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_data_file_keeps_items_over_restarts() {
    let file = File::new("survive");
    for expected in 0..3 {
        let engine = Engine::open(&file.0).await.unwrap();
        assert_eq!(count(&engine).await, expected);
        put(&engine, &expected.to_string()).await;
        if expected == 1 {
            drop(engine);
        } else {
            engine.shutdown().await;
        }
    }
}

#[tokio::test]
async fn what_a_killed_run_did_not_get_to_is_made_up_for() {
    let file = File::new("half-made");
    let engine = Engine::open(&file.0).await.unwrap();
    let off = json!({ "AttributeName": "expiresAt", "Enabled": false });
    let off = json!({ "TableName": TABLE_NAME, "TimeToLiveSpecification": off });
    call(&engine, "UpdateTimeToLive", off).await;
    put(&engine, "kept").await;
    drop(engine);
    let engine = Engine::open(&file.0).await.unwrap();
    let ttl = call(&engine, "DescribeTimeToLive", json!({ "TableName": TABLE_NAME })).await;
    assert_eq!(ttl["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLED");
    assert_eq!(count(&engine).await, 1);
}

#[tokio::test]
async fn the_error_names_a_file_that_is_not_a_data_file() {
    let file = File::new("broken");
    let mut torn = b"SQLite format 3\0".to_vec();
    torn.resize(8192, 0xff);
    for content in [b"[]".to_vec(), torn] {
        std::fs::write(&file.0, content).unwrap();
        let error = Engine::open(&file.0).await.unwrap_err();
        assert!(matches!(error, Error::DataFile { .. }));
        let expected = format!("{} is not a table data file: ", file.0.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

/// A file that is deleted after its test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        let file = File(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("engine-{name}.db")));
        file.remove();
        file
    }

    fn remove(&self) {
        for end in ["", "-wal", "-shm"] {
            _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.remove();
    }
}

async fn put(engine: &Engine, key: &str) {
    let item = json!({ "PK": { "S": key }, "SK": { "S": key } });
    call(engine, "PutItem", json!({ "TableName": TABLE_NAME, "Item": item })).await;
}

async fn count(engine: &Engine) -> u64 {
    call(engine, "Scan", json!({ "TableName": TABLE_NAME })).await["Count"].as_u64().unwrap()
}

/// One table call; it must succeed.
async fn call(engine: &Engine, operation: &str, body: Value) -> Value {
    let (status, answer) = engine.call(operation, &body).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}
