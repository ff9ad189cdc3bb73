//! A proxy between a client and its table: it records the requests, passes them on, and injects faults.

mod connection;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fault::{Cut, Fault, Rule};

/// A request that reached the recorder.
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
    fn read(connection: usize, headers: &HeaderMap, body: &Bytes) -> Request {
        let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let target = headers.get("x-amz-target").map(text).unwrap_or_default();
        Request {
            connection,
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            capacity: None,
        }
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

/// A proxy on a loopback port of its own. Dropping it resets its connections and closes the port.
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// What the recorder and the tasks of its connections share.
struct Shared {
    state: Mutex<State>,
    /// A new value tells the connections that are open how they end.
    cut: watch::Sender<Cut>,
    /// How many requests the table is working on, those included that are delayed on their way to it.
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    measures: bool,
    rules: Vec<Rule>,
    requests: Vec<Request>,
    connections: usize,
    has_interfered: bool,
    faults: Vec<Fault>,
    /// The tokens of the transactions that the table carried out.
    carried_out: HashSet<String>,
}

impl Recorder {
    /// Starts a recorder in front of the table engine at this address.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn start(table: SocketAddr) -> std::io::Result<Recorder> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            cut: watch::Sender::new(Cut::Reset),
            under_way: watch::Sender::new(0),
        });
        let server = tokio::spawn(connection::serve(listener, table, Arc::clone(&shared)));
        Ok(Recorder { address, shared, server })
    }

    /// From now on, adds to each request the question what it consumes: see [`Request::capacity`].
    pub fn measure(&self) {
        self.shared.state().measures = true;
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL, for the function's environment.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, applies this rule. Of several rules, the first counts that applies to a request and is not used up.
    pub fn inject(&self, rule: impl Into<Rule>) {
        let mut state = self.shared.state();
        state.has_interfered = true;
        state.rules.push(rule.into());
    }

    /// Removes every rule: requests pass again.
    pub fn heal(&self) {
        self.shared.state().rules.clear();
    }

    /// Resets every connection that is open, as a function may find them after it was frozen for long.
    pub fn cut(&self) {
        self.cut_by(Cut::Reset);
    }

    /// Ends every connection that is open in this way. Later connections are not affected.
    pub fn cut_by(&self, how: Cut) {
        self.shared.state().has_interfered = true;
        self.shared.cut.send_replace(how);
    }

    /// The requests so far, those included that a fault was injected into. What a function writes between its answer and
    /// its request for the next event is among them once [`Function::wait_idle`](crate::Function::wait_idle) returns.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// The operations of the requests so far.
    pub fn operations(&self) -> Vec<String> {
        self.shared.state().requests.iter().map(|request| request.operation.clone()).collect()
    }

    /// The faults that were injected so far.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.state().faults.clone()
    }

    /// Waits until the table has finished every request, those included whose client has given up.
    pub async fn quiet(&self) {
        _ = self.shared.under_way.subscribe().wait_for(|requests| *requests == 0).await;
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Whether a rule was ever applied or a connection cut.
    pub fn has_interfered(&self) -> bool {
        self.shared.state().has_interfered
    }

    /// Forgets requests and faults. The count of connections goes on.
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
    /// The fault for a request of this operation, which may be a transaction with a token.
    fn fault(&mut self, operation: &str, token: Option<&str>) -> Option<Fault> {
        let is_done = token.is_some_and(|token| self.carried_out.contains(token));
        let mut rules = self.rules.iter_mut().filter(|rule| !(is_done && rule.fault.denies()));
        rules.find_map(|rule| rule.take(operation))
    }

    /// Whether a connection that has just been opened is to be refused.
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
