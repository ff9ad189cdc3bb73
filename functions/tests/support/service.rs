//! A table engine and the functions that use it. To start a process costs more than most tests ask of it, so a test takes a
//! service that an earlier test has left, if there is one, and has it to itself until it ends.

use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
};

use deployment::Grant;
use engine::Engine;
use harness::{Function, Recorder};
use tokio::{
    runtime::{Builder, Handle},
    sync::{OnceCell, oneshot},
};

use super::{Touch, routes, seen};

/// What the policies in the template allow each function to do.
static GRANTS: LazyLock<BTreeMap<String, Vec<Grant>>> = LazyLock::new(|| deployment::grants().unwrap());

/// The services that no test has at the moment. Their functions end themselves when the test program ends, because the
/// Runtime API is gone then.
static IDLE: Mutex<Vec<Service>> = Mutex::new(Vec::new());

/// A table engine and the functions that use it. Each function is started when it is first asked for, with a recorder between
/// it and the table.
pub struct Service {
    engine: Option<Engine>,
    /// What the functions' environment has besides.
    environment: Vec<(&'static str, &'static str)>,
    functions: Mutex<BTreeMap<&'static str, Arc<Deployed>>>,
    /// Where the servers of the functions run: in the runtime of the test, or in a thread that outlives the test.
    runtime: Handle,
    /// Ends that thread when it is dropped.
    thread: Option<oneshot::Sender<()>>,
}

/// One function: its recorder and its instances.
#[derive(Default)]
struct Deployed {
    recorder: OnceCell<Arc<Recorder>>,
    instances: Mutex<BTreeMap<usize, Arc<OnceCell<Arc<Function>>>>>,
}

impl Service {
    /// A new service for one test.
    pub async fn new(environment: &[(&'static str, &'static str)]) -> Self {
        Self {
            engine: Some(Engine::in_memory().await.unwrap()),
            environment: environment.to_vec(),
            functions: Mutex::default(),
            runtime: Handle::current(),
            thread: None,
        }
    }

    /// A service that an earlier test has left, or a new one that a later test can take.
    pub async fn lent() -> Self {
        let idle = || locked(&IDLE).pop();
        while let Some(service) = idle() {
            if service.is_as_new().await {
                return service;
            }
        }
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (thread, ended) = oneshot::channel();
        let service = Self { runtime: runtime.handle().clone(), thread: Some(thread), ..Self::new(&[]).await };
        thread::spawn(move || runtime.block_on(ended));
        service
    }

    /// Waits until the functions have finished what they do after their last answers, and forgets their requests. False if one
    /// of them has ended.
    async fn is_as_new(&self) -> bool {
        for deployed in self.deployed() {
            let instances: Vec<_> = locked(&deployed.instances).values().cloned().collect();
            for instance in instances.iter().filter_map(|instance| instance.get()) {
                if instance.wait_idle().await.is_err() {
                    return false;
                }
            }
            if let Some(recorder) = deployed.recorder.get() {
                recorder.quiet().await;
                recorder.clear();
            }
        }
        true
    }

    /// Leaves the service to a later test, unless only this test can use it: because it has settings of its own or has lost its
    /// table, or because its functions have met faults, after which they have other connections than before.
    pub fn leave(self) {
        let has_met_faults = self.recorders().iter().any(|(_, recorder)| recorder.has_interfered());
        if self.thread.is_some() && self.engine.is_some() && !has_met_faults {
            locked(&IDLE).push(self);
        }
    }

    /// The table engine.
    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("the table is gone")
    }

    /// Shuts the table engine down.
    pub async fn lose_table(&mut self) {
        self.engine.take().expect("the table is gone already").shutdown().await;
    }

    /// The recorder between the function and the table.
    pub async fn recorder(&self, function: &'static str) -> Arc<Recorder> {
        let deployed = Arc::clone(locked(&self.functions).entry(function).or_default());
        let start = async || {
            let table = self.engine().addr();
            let recorder = self.runtime.spawn(async move { Recorder::start(table).await.unwrap() });
            Arc::new(recorder.await.unwrap())
        };
        Arc::clone(deployed.recorder.get_or_init(start).await)
    }

    /// An instance of the function, started at the first call of this.
    pub async fn instance(&self, function: &'static str, number: usize) -> Arc<Function> {
        let recorder = self.recorder(function).await;
        let deployed = Arc::clone(locked(&self.functions).entry(function).or_default());
        let instance = Arc::clone(locked(&deployed.instances).entry(number).or_default());
        let start = async || {
            let (table_url, environment) = (recorder.endpoint_url(), self.environment.clone());
            let instance = self.runtime.spawn(async move { start(function, &table_url, &environment).await });
            Arc::new(instance.await.unwrap())
        };
        Arc::clone(instance.get_or_init(start).await)
    }

    /// Checks that no function has sent a request to the table that its policy does not allow.
    pub fn check_policies(&self) {
        self.recorders().iter().for_each(|(function, recorder)| check_policy(function, recorder));
    }

    fn deployed(&self) -> Vec<Arc<Deployed>> {
        locked(&self.functions).values().cloned().collect()
    }

    fn recorders(&self) -> Vec<(&'static str, Arc<Recorder>)> {
        let functions = locked(&self.functions);
        functions.iter().filter_map(|(name, deployed)| Some((*name, deployed.recorder.get().cloned()?))).collect()
    }
}

fn check_policy(function: &str, recorder: &Recorder) {
    let grants = &GRANTS[function];
    for Touch { action, partitions, in_transaction } in seen(&recorder.requests()) {
        let partitions: Vec<_> = partitions.iter().map(String::as_str).collect();
        let allowed = grants.iter().any(|grant| grant.allows(&action, &partitions, in_transaction));
        assert!(allowed, "{function} may not {action} {partitions:?} (in a transaction: {in_transaction})");
    }
}

/// A test that fails while it holds a lock has said why already.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
