//! Stands between a client and its table: passes requests on, remembers them, and breaks what it is told to.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::{self, Message};

/// One thing that goes wrong between a client and its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset before a request is read. Without an operation, new connections are reset at once.
    Refuse,
    /// The connection is reset when the request is there; the table does not see it.
    ResetBefore,
    /// The table carries the request out, then the connection is reset and the answer is lost.
    ResetAfter,
    /// The request reaches the table so much later.
    Delay(Duration),
    /// The table carries the request out at once; the answer comes so much later.
    DelayAnswer(Duration),
    /// The request is swallowed; the connection stays open and nothing comes.
    BlackHole,
    /// The table does not see the request; this is the answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The table carries the request out; the connection ends in the middle of the answer's body.
    TruncateBody,
    /// The table carries the request out; one character of the answer, of a stored text if there is one, is another:
    /// well-formed, but not what its checksum says.
    CorruptBody,
    /// The table carries the request out; the answer's checksum is another.
    WrongChecksum,
}

impl Fault {
    /// An error as DynamoDB reports it, for example 400 `ThrottlingException`.
    pub fn error(status: u16, code: &str, message: &str) -> Fault {
        let body = json!({ "__type": error_type(code), "message": message });
        Fault::Answer { status, body: body.to_string() }
    }

    /// A transaction that is cancelled for these reasons, one for each of its members (`None` for a member that had
    /// none), for example `["None", "TransactionConflict"]`.
    pub fn cancelled(reasons: &[&str]) -> Fault {
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            reasons.join(", ")
        );
        let reasons: Value = reasons.iter().map(|code| json!({ "Code": code })).collect();
        let kind = error_type("TransactionCanceledException");
        let body = json!({ "__type": kind, "Message": message, "CancellationReasons": reasons });
        Fault::Answer { status: 400, body: body.to_string() }
    }

    /// What kind of fault it is, in one word; of an error its code.
    pub fn kind(&self) -> String {
        match self {
            Fault::Answer { status, body } => {
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                let code = body["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default();
                let reasons = body["CancellationReasons"].as_array().into_iter().flatten();
                let reason = reasons.filter_map(|reason| reason["Code"].as_str()).find(|code| *code != "None");
                [&status.to_string(), code].into_iter().chain(reason).collect::<Vec<_>>().join(" ")
            }
            // the name without what it holds
            other => format!("{other:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect(),
        }
    }

    /// Whether it says that a transaction was not carried out. The table would not say so of one that was, to whom sends
    /// it again.
    fn denies(&self) -> bool {
        self.kind().contains("TransactionCanceled") || self.kind().contains("TransactionConflict")
    }

    /// Only for requests of this operation.
    pub fn on(self, operation: &str) -> Rule {
        Rule { operation: Some(operation.into()), ..self.into() }
    }

    /// Only for so many requests.
    pub fn times(self, times: usize) -> Rule {
        Rule::from(self).times(times)
    }
}

fn error_type(code: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810#{code}")
}

/// How the connections end that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// By a reset, as a network does that has forgotten them.
    Reset,
    /// In order, as a server does that has waited for long.
    Close,
    /// Not at all: what comes on them is taken (and remembered), and never answered.
    Silence,
}

/// Which requests a fault is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    fault: Fault,
    operation: Option<String>,
    skip: usize,
    times: usize,
}

impl From<Fault> for Rule {
    /// Every request.
    fn from(fault: Fault) -> Rule {
        Rule { fault, operation: None, skip: 0, times: usize::MAX }
    }
}

impl Rule {
    /// Only for requests of this operation.
    pub fn on(self, operation: &str) -> Rule {
        Rule { operation: Some(operation.into()), ..self }
    }

    /// Only for so many of them.
    pub fn times(self, times: usize) -> Rule {
        Rule { times, ..self }
    }

    /// Only after so many of them have passed unharmed.
    pub fn after(self, skip: usize) -> Rule {
        Rule { skip, ..self }
    }

    /// The fault, if the rule is for a request of this operation. Counts it.
    fn take(&mut self, operation: &str) -> Option<Fault> {
        if self.operation.as_deref().is_some_and(|wanted| wanted != operation) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        Some(self.fault.clone())
    }
}

/// A request that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The connection it came on, counted from 0.
    pub connection: usize,
    /// The DynamoDB operation, for example `BatchGetItem`.
    pub operation: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
    /// The capacity units that the table says it consumed, if [`Recorder::measure`] was called before.
    pub capacity: Option<f64>,
}

impl Request {
    fn read(connection: usize, message: &Message) -> Request {
        let target = message.header("x-amz-target").unwrap_or_default();
        Request {
            connection,
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            headers: message.headers().collect(),
            body: serde_json::from_slice(&message.body).unwrap_or_default(),
            capacity: None,
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

/// A proxy on a loopback port of its own, gone when dropped.
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    /// Raised to cut the connections that are open; dropped with the recorder's last task.
    cut: watch::Sender<Cut>,
    /// How many requests are with the table, or on their way there.
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    measures: bool,
    rules: Vec<Rule>,
    requests: Vec<Request>,
    connections: usize,
    faults: Vec<Fault>,
    /// The tokens of the transactions that the table carried out.
    carried_out: HashSet<String>,
}

impl Recorder {
    /// Starts one in front of a table engine.
    pub async fn start(table: SocketAddr) -> std::io::Result<Recorder> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            cut: watch::Sender::new(Cut::Reset),
            under_way: watch::Sender::new(0),
        });
        let server = tokio::spawn(serve(listener, table, Arc::clone(&shared)));
        Ok(Recorder { address, shared, server })
    }

    /// From now on, asks the table of each request what it consumes: see [`Request::capacity`].
    pub fn measure(&self) {
        self.shared.state().measures = true;
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL, for the function's environment.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, does this to the requests that the rule is for. Of several rules the first that is for a request,
    /// and not used up, counts.
    pub fn inject(&self, rule: impl Into<Rule>) {
        self.shared.state().rules.push(rule.into());
    }

    /// Forgets every rule: requests pass again.
    pub fn heal(&self) {
        self.shared.state().rules.clear();
    }

    /// Resets every connection that is open, as a network does to a function that was frozen for long.
    pub fn cut(&self) {
        self.cut_by(Cut::Reset);
    }

    /// Ends every connection that is open, in this way. New ones are not affected.
    pub fn cut_by(&self, how: Cut) {
        self.shared.cut.send_replace(how);
    }

    /// What came so far, whatever became of it.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// The operations of what came so far.
    pub fn operations(&self) -> Vec<String> {
        self.shared.state().requests.iter().map(|request| request.operation.clone()).collect()
    }

    /// The faults that happened so far.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.state().faults.clone()
    }

    /// Waits until the table is through with everything that came, also with what nobody waits for any more.
    pub async fn quiet(&self) {
        _ = self.shared.under_way.subscribe().wait_for(|requests| *requests == 0).await;
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Forgets what came and what was done to it; connections go on being counted.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        state.requests.clear();
        state.faults.clear();
        state.carried_out.clear();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
        self.cut();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fault(&mut self, operation: &str, token: Option<&str>) -> Option<Fault> {
        let is_done = token.is_some_and(|token| self.carried_out.contains(token));
        let mut rules = self.rules.iter_mut().filter(|rule| !(is_done && rule.fault.denies()));
        rules.find_map(|rule| rule.take(operation))
    }

    /// Whether a connection that is just opened is to be refused.
    fn refuses(&mut self) -> bool {
        let mut rules = self.rules.iter_mut();
        let refuses =
            rules.any(|rule| rule.fault == Fault::Refuse && rule.operation.is_none() && rule.take("").is_some());
        if refuses {
            self.faults.push(Fault::Refuse);
        }
        refuses
    }
}

/// A request on its way to the table. It is finished whatever becomes of the connection that it came on.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.under_way.send_modify(|requests| *requests += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|requests| *requests -= 1);
    }
}

async fn serve(listener: TcpListener, table: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        _ = client.set_nodelay(true);
        let connection = {
            let mut state = shared.state();
            state.connections += 1;
            if state.refuses() {
                _ = client.set_zero_linger();
                continue;
            }
            state.connections - 1
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut cut = shared.cut.subscribe();
            let mut client = client;
            let keep = tokio::select! {
                biased;
                _ = cut.changed() => {
                    let how = *cut.borrow_and_update();
                    if how == Cut::Silence {
                        swallow_all(&mut client, connection, &shared).await;
                    }
                    how != Cut::Reset
                }
                keep = pass_all(&mut client, table, connection, &shared) => keep.unwrap_or(false),
            };
            if !keep {
                // Makes the close a reset.
                _ = client.set_zero_linger();
            }
        });
    }
}

/// Passes on what comes on one connection, until the client ends it (true) or it is to be reset (false).
async fn pass_all(
    client: &mut TcpStream,
    table: SocketAddr,
    connection: usize,
    shared: &Arc<Shared>,
) -> std::io::Result<bool> {
    let mut upstream = None;
    while let Some(mut request) = http::read(client).await? {
        let seen = Request::read(connection, &request);
        let token = seen.body["ClientRequestToken"].as_str().map(str::to_owned);
        let (fault, at, measures) = {
            let mut state = shared.state();
            let fault = state.fault(&seen.operation, token.as_deref());
            state.requests.push(seen.clone());
            (fault, state.requests.len() - 1, state.measures)
        };
        if measures {
            request.replace_body(asking_for_capacity(seen.body));
        }
        // Spoiling the answer comes to nothing if there is nothing to spoil.
        if let Some(fault) = fault.as_ref().filter(|fault| **fault != Fault::CorruptBody) {
            shared.state().faults.push(fault.clone());
        }
        let mut delay = Duration::ZERO;
        match &fault {
            Some(Fault::Refuse | Fault::ResetBefore) => return Ok(false),
            Some(Fault::BlackHole) => {
                // Ends when the client gives up.
                _ = http::read(client).await;
                return Ok(true);
            }
            Some(Fault::Answer { status, body }) => {
                made_up(*status, body).write(client).await?;
                continue;
            }
            Some(Fault::Delay(time)) => delay = *time,
            _ => {}
        }
        let under_way = UnderWay::new(shared);
        let mut stream = upstream.take();
        let forwarded = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let answer = forward(&mut stream, table, &request).await;
            if let (Ok(answer), Some(token)) = (&answer, token)
                && answer.status() == Some(200)
            {
                under_way.0.state().carried_out.insert(token);
            }
            drop(under_way);
            (stream, answer)
        });
        let (stream, answer) = forwarded.await?;
        let mut answer = answer?;
        upstream = stream;
        if let Some(request) = shared.state().requests.get_mut(at) {
            request.capacity = capacity(&answer.body);
        }
        match &fault {
            Some(Fault::ResetAfter) => return Ok(false),
            Some(Fault::DelayAnswer(time)) => tokio::time::sleep(*time).await,
            Some(Fault::TruncateBody) => {
                answer.body.truncate(answer.body.len() / 2);
                answer.write(client).await?;
                return Ok(true);
            }
            Some(Fault::CorruptBody) if corrupt(&mut answer.body) => shared.state().faults.push(Fault::CorruptBody),
            Some(Fault::WrongChecksum) => answer.replace_header("x-amz-crc32", "1"),
            _ => {}
        }
        answer.write(client).await?;
    }
    Ok(true)
}

/// Remembers what comes on one connection until the client ends it, and answers nothing.
async fn swallow_all(client: &mut TcpStream, connection: usize, shared: &Shared) {
    while let Ok(Some(request)) = http::read(client).await {
        shared.state().requests.push(Request::read(connection, &request));
    }
}

async fn forward(upstream: &mut Option<TcpStream>, table: SocketAddr, request: &Message) -> std::io::Result<Message> {
    let stream = match upstream {
        Some(stream) => stream,
        None => {
            let stream = upstream.insert(TcpStream::connect(table).await?);
            stream.set_nodelay(true)?;
            stream
        }
    };
    request.write(stream).await?;
    http::read(stream).await?.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

fn asking_for_capacity(mut body: Value) -> Vec<u8> {
    if let Some(body) = body.as_object_mut() {
        body.insert("ReturnConsumedCapacity".into(), "TOTAL".into());
    }
    body.to_string().into_bytes()
}

/// What an answer says was consumed: of the table, or of each of the tables.
fn capacity(answer: &[u8]) -> Option<f64> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64();
    match answer.get("ConsumedCapacity")? {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

fn made_up(status: u16, body: &str) -> Message {
    let head = format!(
        "HTTP/1.1 {status} Fault\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: FAULT\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    Message { head: head.into_bytes(), body: body.into() }
}

/// Changes one bit of the first character, in a stored text if there is one: `a` to `c`, `1` to `3`. Tells whether there
/// was one.
fn corrupt(body: &mut [u8]) -> bool {
    const TEXT: &[u8] = br#"{"S":""#;
    let text = body.windows(TEXT.len()).position(|window| window == TEXT).map_or(0, |start| start + TEXT.len());
    if let Some(character) = body[text..].iter_mut().find(|byte| byte.is_ascii_alphanumeric()) {
        *character ^= 2;
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{Engine, TABLE_NAME};
    use std::io::{ErrorKind, Result};
    use std::time::Instant;

    /// A client of the table that keeps its connection.
    struct Client(TcpStream);

    impl Client {
        async fn connect(recorder: &Recorder) -> Client {
            Client(TcpStream::connect(recorder.addr()).await.unwrap())
        }

        /// Calls the table; none if it ended the connection.
        async fn call(&mut self, operation: &str, body: Value) -> Result<Option<Message>> {
            let body = body.to_string();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n\
                 Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, \
                 Signature=0\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            Message { head: head.into_bytes(), body: body.into() }.write(&mut self.0).await?;
            http::read(&mut self.0).await
        }

        async fn put(&mut self, key: &str) -> Result<Option<Message>> {
            let item = json!({ "PK": { "S": key }, "SK": { "S": key } });
            self.call("PutItem", json!({ "TableName": TABLE_NAME, "Item": item })).await
        }

        async fn keys(&mut self) -> Vec<String> {
            let answer = self.call("Scan", json!({ "TableName": TABLE_NAME })).await.unwrap().unwrap();
            let answer: Value = serde_json::from_slice(&answer.body).unwrap();
            let items = answer["Items"].as_array().unwrap();
            items.iter().map(|item| item["PK"]["S"].as_str().unwrap().to_owned()).collect()
        }
    }

    async fn start() -> (Engine, Recorder) {
        let engine = Engine::in_memory().await.unwrap();
        let recorder = Recorder::start(engine.addr()).await.unwrap();
        (engine, recorder)
    }

    fn was_reset<T>(result: Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
    }

    #[tokio::test]
    async fn passes_on_and_remembers() {
        let (_engine, recorder) = start().await;
        let mut client = Client::connect(&recorder).await;
        let answer = client.put("a").await.unwrap().unwrap();
        assert_eq!((answer.status(), answer.header("x-amz-crc32").is_some()), (Some(200), true));
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
    async fn tells_what_is_consumed_if_asked() {
        let (_engine, recorder) = start().await;
        let mut client = Client::connect(&recorder).await;
        client.put("a").await.unwrap().unwrap();
        recorder.measure();
        client.put("b").await.unwrap().unwrap();
        assert_eq!(client.keys().await.len(), 2);
        let requests = recorder.requests();
        assert_eq!(requests.iter().map(|request| request.capacity).collect::<Vec<_>>(), [None, Some(1.0), Some(0.5)]);
        assert_eq!(requests[1].body.get("ReturnConsumedCapacity"), None, "what the client sent");
    }

    #[tokio::test]
    async fn what_is_reset_before_is_not_done_and_after_it_is() {
        let (_engine, recorder) = start().await;
        recorder.inject(Fault::ResetBefore.on("PutItem").times(1));
        recorder.inject(Fault::ResetAfter.on("PutItem").times(1));
        for key in ["before", "after"] {
            assert!(was_reset(Client::connect(&recorder).await.put(key).await), "{key}");
        }
        let mut client = Client::connect(&recorder).await;
        client.put("then").await.unwrap().unwrap();
        let mut keys = client.keys().await;
        keys.sort();
        assert_eq!(keys, ["after", "then"]);
    }

    #[tokio::test]
    async fn refuses_new_connections_until_healed() {
        let (_engine, recorder) = start().await;
        recorder.inject(Fault::Refuse);
        assert!(was_reset(Client::connect(&recorder).await.put("a").await));
        recorder.heal();
        assert!(Client::connect(&recorder).await.put("a").await.is_ok());
        assert_eq!(recorder.operations(), ["PutItem"]);
    }

    #[tokio::test]
    async fn cuts_open_connections() {
        let (_engine, recorder) = start().await;
        let mut client = Client::connect(&recorder).await;
        client.put("a").await.unwrap().unwrap();
        recorder.cut();
        assert!(client.0.readable().await.is_ok());
        assert!(client.put("b").await.is_err());
        assert_eq!(Client::connect(&recorder).await.keys().await, ["a"]);
    }

    #[tokio::test]
    async fn closes_open_connections_or_falls_silent_on_them() {
        let (_engine, recorder) = start().await;
        for how in [Cut::Close, Cut::Silence] {
            let mut client = Client::connect(&recorder).await;
            client.put("a").await.unwrap().unwrap();
            recorder.clear();
            recorder.cut_by(how);
            if how == Cut::Close {
                assert!(http::read(&mut client.0).await.unwrap().is_none());
            } else {
                let answer = tokio::time::timeout(Duration::from_millis(50), client.put("b")).await;
                assert!(answer.is_err());
                assert_eq!(recorder.operations(), ["PutItem"]);
            }
            assert_eq!(Client::connect(&recorder).await.keys().await, ["a"], "{how:?}");
        }
    }

    #[tokio::test]
    async fn answers_in_the_place_of_the_table() {
        let (_engine, recorder) = start().await;
        let mut client = Client::connect(&recorder).await;
        recorder.inject(Fault::error(400, "ThrottlingException", "slow down").times(1));
        recorder.inject(Rule::from(Fault::cancelled(&["None", "TransactionConflict"])).after(1).times(1));
        let throttled = client.put("a").await.unwrap().unwrap();
        assert_eq!(throttled.status(), Some(400));
        assert!(throttled.body.starts_with(br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException""#));
        assert_eq!(client.put("b").await.unwrap().unwrap().status(), Some(200));
        let cancelled = client.put("c").await.unwrap().unwrap();
        let cancelled: Value = serde_json::from_slice(&cancelled.body).unwrap();
        assert_eq!(cancelled["CancellationReasons"], json!([{ "Code": "None" }, { "Code": "TransactionConflict" }]));
        assert_eq!(client.keys().await, ["b"]);
    }

    #[tokio::test]
    async fn delays_and_swallows() {
        let (_engine, recorder) = start().await;
        let mut client = Client::connect(&recorder).await;
        for fault in [Fault::Delay(Duration::from_millis(50)), Fault::DelayAnswer(Duration::from_millis(50))] {
            let start = Instant::now();
            recorder.inject(fault.times(1));
            client.put("a").await.unwrap().unwrap();
            assert!(start.elapsed() >= Duration::from_millis(50));
        }
        recorder.inject(Fault::BlackHole.times(1));
        let swallowed = tokio::time::timeout(Duration::from_millis(50), client.put("b")).await;
        assert!(swallowed.is_err());
        assert_eq!(Client::connect(&recorder).await.keys().await, ["a"]);
    }

    #[tokio::test]
    async fn spoils_answers() {
        let (_engine, recorder) = start().await;
        let mut client = Client::connect(&recorder).await;
        let item = json!({ "PK": { "S": "1" }, "SK": { "S": "1" }, "name": { "S": "a" } });
        client.call("PutItem", json!({ "TableName": TABLE_NAME, "Item": &item })).await.unwrap().unwrap();
        recorder.inject(Fault::CorruptBody.times(1));
        let spoilt = client.call("Scan", json!({ "TableName": TABLE_NAME })).await.unwrap().unwrap();
        let length = spoilt.body.len();
        let spoilt: Value = serde_json::from_slice(&spoilt.body).unwrap();
        assert_ne!(spoilt["Items"][0], item);
        recorder.inject(Fault::WrongChecksum.times(1));
        let wrong = client.call("Scan", json!({ "TableName": TABLE_NAME })).await.unwrap().unwrap();
        assert_eq!((wrong.header("x-amz-crc32").as_deref(), wrong.body.len()), (Some("1"), length));
        recorder.inject(Fault::TruncateBody.times(1));
        let error = client.call("Scan", json!({ "TableName": TABLE_NAME })).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let kinds: Vec<_> = recorder.faults().iter().map(Fault::kind).collect();
        assert_eq!(kinds, ["CorruptBody", "WrongChecksum", "TruncateBody"]);
    }

    #[tokio::test]
    async fn waits_for_what_nobody_waits_for_any_more() {
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
    async fn does_not_deny_what_was_done() {
        let (_engine, recorder) = start().await;
        recorder.inject(Fault::ResetAfter.times(1));
        recorder.inject(Fault::cancelled(&["TransactionConflict"]).times(1));
        let transaction = |key: &str| {
            let put = json!({ "Put": { "TableName": TABLE_NAME, "Item": { "PK": { "S": key }, "SK": { "S": key } } } });
            json!({ "TransactItems": [put], "ClientRequestToken": key })
        };
        for (key, status) in [("a", None), ("a", Some(200)), ("b", Some(400)), ("b", Some(200))] {
            let answer = Client::connect(&recorder).await.call("TransactWriteItems", transaction(key)).await;
            assert_eq!(answer.ok().flatten().and_then(|answer| answer.status()), status, "{key}");
        }
        let kinds: Vec<_> = recorder.faults().iter().map(Fault::kind).collect();
        assert_eq!(kinds, ["ResetAfter", "400 TransactionCanceledException TransactionConflict"]);
    }
}
