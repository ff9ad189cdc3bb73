//! No call leaves its trace id behind. glibc keeps every value that an environment variable ever had, so a trace id in the
//! environment would stay in memory for good: `docs/decisions/0045-no-trace-id-in-the-environment.md`.

use harness::{Function, HttpApi};
use serde_json::Value;

use crate::support::{API, World, binary, card, import, rfid, start};

/// The length of a trace id, so that few calls tell. Lambda's have about 100 bytes.
const TRACE_ID: usize = 32 * 1024;
/// How many calls there are before the memory is looked at for the first time, and between that and the second time.
const CALLS: usize = 200;
/// How much a function may grow in these calls, in bytes. The trace ids of all of them have 6.5 MB.
const GROWTH: usize = 2 * 1024 * 1024;

/// The resident memory of a process in bytes.
fn resident(function: &Function) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

/// Calls the function with this event again and again.
async fn check(function: &Function, event: &Value) {
    let mut memory = Vec::new();
    for _ in 0..2 {
        for _ in 0..CALLS {
            assert_eq!(function.invoke(event.clone()).await.unwrap().status, 200);
        }
        memory.push(resident(function));
    }
    assert!(memory[1] < memory[0] + GROWTH, "from {} to {} bytes", memory[0], memory[1]);
}

#[tokio::test]
async fn a_function_of_the_api_does_not_keep_the_trace_ids() {
    let world = World::new().await;
    import(&world, &[card(1, "tag")], &[]).await;
    let function = start("get-access-id", &world.table_url(), &[]).await.with_trace_ids_of(TRACE_ID);
    let authorization = format!("Bearer {}", world.fleet.api.token);
    check(&function, &API.event("GET", "/api/access-ids/1", "", &[("authorization", &authorization)], b"")).await;
}

#[tokio::test]
async fn the_function_of_the_pages_does_not_keep_the_trace_ids() {
    let function = Function::start(binary("console"), &[]).await.unwrap().with_trace_ids_of(TRACE_ID);
    let api = HttpApi::new([("GET", "/console", "console")]);
    check(&function, &api.event("GET", "/console", "", &[], b"")).await;
}

/// The SDK sends a trace id that it finds in the environment to the table.
#[tokio::test]
async fn no_function_has_a_trace_id_in_its_environment() {
    let world = World::new().await;
    let id = world.create(rfid("tag", "Card")).await["id"].clone();
    world.access_id(&id).await;
    for function in ["create-access-id", "get-access-id"] {
        let requests = world.recorder(function).await.requests();
        assert!(requests.iter().any(|request| !request.operation.is_empty()), "{function}");
        let traced = requests.iter().find(|request| request.header("x-amzn-trace-id").is_some());
        assert!(traced.is_none(), "{function}: {traced:?}");
    }
}
