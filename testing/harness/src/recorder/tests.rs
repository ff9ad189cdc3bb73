use super::*;

use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use axum::http::{Request as HttpRequest, Response};
use engine::{Engine, TABLE_NAME};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

/// A client of the table that keeps its connection.
struct Client {
    http: SendRequest<Full<Bytes>>,
    /// How the connection ended.
    connection: JoinHandle<hyper::Result<()>>,
}

impl Client {
    async fn connect(recorder: &Recorder) -> Client {
        let stream = TcpStream::connect(recorder.addr()).await.unwrap();
        let (http, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        Client { http, connection: tokio::spawn(connection) }
    }

    /// Calls the table. The error tells that the connection has ended before the end of the answer.
    async fn call(&mut self, operation: &str, body: Value) -> hyper::Result<Response<Bytes>> {
        let signature = "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, \
                         Signature=0";
        let request = HttpRequest::post("/")
            .header("host", "x")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signature)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(Full::from(body.to_string()))
            .unwrap();
        let (head, body) = self.http.send_request(request).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    async fn put(&mut self, key: &str) -> hyper::Result<Response<Bytes>> {
        let item = json!({ "PK": { "S": key }, "SK": { "S": key } });
        self.call("PutItem", json!({ "TableName": TABLE_NAME, "Item": item })).await
    }

    async fn scan(&mut self) -> hyper::Result<Response<Bytes>> {
        self.call("Scan", json!({ "TableName": TABLE_NAME })).await
    }

    async fn keys(&mut self) -> Vec<String> {
        let answer = json(&self.scan().await.unwrap());
        let items = answer["Items"].as_array().unwrap();
        items.iter().map(|item| item["PK"]["S"].as_str().unwrap().to_owned()).collect()
    }
}

fn json(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

async fn start() -> (Engine, Recorder) {
    let engine = Engine::in_memory().await.unwrap();
    let recorder = Recorder::start(engine.addr()).await.unwrap();
    (engine, recorder)
}

fn kinds(recorder: &Recorder) -> Vec<String> {
    recorder.faults().iter().map(Fault::kind).collect()
}

/// The kind of the I/O error that made a call fail.
fn cause(result: hyper::Result<Response<Bytes>>) -> Option<ErrorKind> {
    let error = result.err()?;
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

fn was_reset(result: hyper::Result<Response<Bytes>>) -> bool {
    cause(result) == Some(ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn requests_are_passed_on_and_recorded() {
    let (_engine, recorder) = start().await;
    let mut client = Client::connect(&recorder).await;
    let answer = client.put("a").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("x-amz-crc32")), (200, true));
    assert_eq!(Client::connect(&recorder).await.keys().await, ["a"]);
    assert_eq!(recorder.operations(), ["PutItem", "Scan"]);
    assert_eq!(recorder.connections(), 2);
    let put = &recorder.requests()[0];
    assert_eq!((put.connection, &put.body["Item"]["PK"]["S"]), (0, &json!("a")));
    assert_eq!(put.header("x-amz-date"), Some("20260101T000000Z"));
    recorder.clear();
    assert!(recorder.requests().is_empty());
}

#[tokio::test]
async fn consumed_capacity_is_recorded_on_request() {
    let (_engine, recorder) = start().await;
    let mut client = Client::connect(&recorder).await;
    client.put("a").await.unwrap();
    recorder.measure();
    client.put("b").await.unwrap();
    assert_eq!(client.keys().await.len(), 2);
    let requests = recorder.requests();
    assert_eq!(requests.iter().map(|request| request.capacity).collect::<Vec<_>>(), [None, Some(1.0), Some(0.5)]);
    assert_eq!(requests[1].body.get("ReturnConsumedCapacity"), None, "what the client sent");
}

#[tokio::test]
async fn a_reset_before_the_table_prevents_the_write_and_one_after_it_does_not() {
    let (_engine, recorder) = start().await;
    recorder.inject(Fault::ResetBefore.on("PutItem").times(1));
    recorder.inject(Fault::ResetAfter.on("PutItem").times(1));
    for key in ["before", "after"] {
        assert!(was_reset(Client::connect(&recorder).await.put(key).await), "{key}");
    }
    let mut client = Client::connect(&recorder).await;
    client.put("then").await.unwrap();
    let mut keys = client.keys().await;
    keys.sort();
    assert_eq!(keys, ["after", "then"]);
}

#[tokio::test]
async fn new_connections_are_refused_until_healed() {
    let (_engine, recorder) = start().await;
    recorder.inject(Fault::Refuse);
    assert!(was_reset(Client::connect(&recorder).await.put("a").await));
    recorder.heal();
    assert!(Client::connect(&recorder).await.put("a").await.is_ok());
    assert_eq!(recorder.operations(), ["PutItem"]);
}

#[tokio::test]
async fn open_connections_are_reset() {
    let (_engine, recorder) = start().await;
    let mut client = Client::connect(&recorder).await;
    client.put("a").await.unwrap();
    recorder.cut();
    assert!((&mut client.connection).await.unwrap().is_err(), "reset, not closed");
    assert!(client.put("b").await.is_err());
    assert_eq!(Client::connect(&recorder).await.keys().await, ["a"]);
}

#[tokio::test]
async fn open_connections_are_closed_or_no_longer_answered() {
    let (_engine, recorder) = start().await;
    for how in [Cut::Close, Cut::Silence] {
        let mut client = Client::connect(&recorder).await;
        client.put("a").await.unwrap();
        recorder.clear();
        recorder.cut_by(how);
        if how == Cut::Close {
            client.connection.await.unwrap().unwrap();
        } else {
            let answer = tokio::time::timeout(Duration::from_millis(50), client.put("b")).await;
            assert!(answer.is_err());
            assert_eq!(recorder.operations(), ["PutItem"]);
        }
        assert_eq!(Client::connect(&recorder).await.keys().await, ["a"], "{how:?}");
    }
}

#[tokio::test]
async fn an_injected_answer_takes_the_place_of_the_tables() {
    let (_engine, recorder) = start().await;
    let mut client = Client::connect(&recorder).await;
    recorder.inject(Fault::error(400, "ThrottlingException", "slow down").times(1));
    recorder.inject(Rule::from(Fault::cancelled(&["None", "TransactionConflict"])).after(1).times(1));
    let throttled = client.put("a").await.unwrap();
    assert_eq!(throttled.status(), 400);
    assert!(throttled.body().starts_with(br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException""#));
    assert_eq!(client.put("b").await.unwrap().status(), 200);
    let cancelled = json(&client.put("c").await.unwrap());
    assert_eq!(cancelled["CancellationReasons"], json!([{ "Code": "None" }, { "Code": "TransactionConflict" }]));
    assert_eq!(client.keys().await, ["b"]);
}

#[tokio::test]
async fn requests_and_answers_are_delayed_or_lost() {
    let (_engine, recorder) = start().await;
    let mut client = Client::connect(&recorder).await;
    for fault in [Fault::Delay(Duration::from_millis(50)), Fault::DelayAnswer(Duration::from_millis(50))] {
        let start = Instant::now();
        recorder.inject(fault.times(1));
        client.put("a").await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(50));
    }
    recorder.inject(Fault::BlackHole.times(1));
    let swallowed = tokio::time::timeout(Duration::from_millis(50), client.put("b")).await;
    assert!(swallowed.is_err());
    assert_eq!(Client::connect(&recorder).await.keys().await, ["a"]);
}

#[tokio::test]
async fn answers_are_corrupted_or_cut_off() {
    let (_engine, recorder) = start().await;
    let mut client = Client::connect(&recorder).await;
    let item = json!({ "PK": { "S": "1" }, "SK": { "S": "1" }, "name": { "S": "a" } });
    client.call("PutItem", json!({ "TableName": TABLE_NAME, "Item": &item })).await.unwrap();
    recorder.inject(Fault::CorruptBody.times(1));
    let corrupted = client.scan().await.unwrap();
    assert_ne!(json(&corrupted)["Items"][0], item);
    recorder.inject(Fault::WrongChecksum.times(1));
    let wrong = client.scan().await.unwrap();
    assert_eq!(wrong.headers()["x-amz-crc32"], "1");
    assert_eq!(wrong.body().len(), corrupted.body().len());
    recorder.inject(Fault::TruncateBody.times(1));
    assert_eq!(cause(client.scan().await), Some(ErrorKind::UnexpectedEof));
    assert_eq!(kinds(&recorder), ["CorruptBody", "WrongChecksum", "TruncateBody"]);
}

#[tokio::test]
async fn quiet_waits_for_requests_whose_client_has_given_up() {
    let (_engine, recorder) = start().await;
    recorder.inject(Fault::Delay(Duration::from_millis(100)).times(1));
    let mut client = Client::connect(&recorder).await;
    assert!(tokio::time::timeout(Duration::from_millis(20), client.put("late")).await.is_err());
    drop(client);
    recorder.cut();
    let mut other = Client::connect(&recorder).await;
    assert!(other.keys().await.is_empty());
    recorder.quiet().await;
    assert_eq!(other.keys().await, ["late"]);
}

#[tokio::test]
async fn a_transaction_that_was_carried_out_is_not_reported_as_cancelled() {
    let (_engine, recorder) = start().await;
    recorder.inject(Fault::ResetAfter.times(1));
    recorder.inject(Fault::cancelled(&["TransactionConflict"]).times(1));
    let transaction = |key: &str| {
        let put = json!({ "Put": { "TableName": TABLE_NAME, "Item": { "PK": { "S": key }, "SK": { "S": key } } } });
        json!({ "TransactItems": [put], "ClientRequestToken": key })
    };
    for (key, status) in [("a", None), ("a", Some(200)), ("b", Some(400)), ("b", Some(200))] {
        let answer = Client::connect(&recorder).await.call("TransactWriteItems", transaction(key)).await;
        assert_eq!(answer.ok().map(|answer| answer.status().as_u16()), status, "{key}");
    }
    assert_eq!(kinds(&recorder), ["ResetAfter", "400 TransactionCanceledException TransactionConflict"]);
}
