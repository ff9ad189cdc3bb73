//! The functions and their routes, as `functions::ROUTES` lists them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use api::Route;
use harness::HttpApi;
use serde_json::{Value, json};

use super::rfid;

/// The function that has a function URL and no route of the API.
pub const AUTHORIZER: &str = "rfid-authorizer";

/// The function that API Gateway sends a request without a route to.
pub const DEFAULT: &str = "get-access-id";

static ROUTES: &[Route] = &functions::ROUTES;

/// The names of all functions and of their binaries.
pub static FUNCTIONS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| ROUTES.iter().map(|route| route.function).chain([AUTHORIZER]).collect());

/// The API with its routes.
pub static API: LazyLock<HttpApi> =
    LazyLock::new(|| HttpApi::new(ROUTES.iter().map(|route| (route.method.as_str(), route.path, route.function))));

/// The method and the path of a function of the API, the path with the id of a record if it has a place for one.
pub fn target(function: &str, id: u64) -> (&'static str, String) {
    let route = ROUTES.iter().find(|route| route.function == function).expect(function);
    (route.method.as_str(), route.path.replace("{id}", &id.to_string()))
}

/// A valid request to each endpoint of the API: function, method, path and body.
pub fn endpoints() -> Vec<(&'static str, &'static str, String, Value)> {
    let endpoint = |route: &'static Route| {
        let (method, path) = target(route.function, 1);
        let body = match route.function {
            "create-access-id" => rfid("tag", "Card"),
            "create-vehicle" => json!({"vehicle": {"name": "Van"}}),
            "update-access-id" => json!({"accessId": {}}),
            "update-vehicle" => json!({"vehicle": {}}),
            "put-access-id-rules" => json!({"rules": {}}),
            "put-access-ids-batch" => json!({"accessIds": [{"ocppIdTag": "tag", "name": "Card", "type": "RFID"}]}),
            "check-access" => json!({"accessCheck": {"ocppIdTag": "tag"}}),
            "create-revocation" => json!({"revocation": {"accessIds": [1]}}),
            other => {
                assert!(["GET", "DELETE"].contains(&method), "{other}: which body is valid?");
                Value::Null
            }
        };
        (route.function, method, path, body)
    };
    ROUTES.iter().map(endpoint).collect()
}

/// The built binary of a function. Cargo puts all binaries of the package into one folder.
pub fn binary(function: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_rfid-authorizer")).with_file_name(function)
}
