//! The routes are written in `functions::ROUTES` and `functions::console::ROUTES`. The template, the local service and the OpenAPI document must have the same.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use ::functions::console;
use deployment::{Route, Template, functions, routes};
use serde_json::Value;

/// The function that has a function URL and no route.
const AUTHORIZER: &str = "rfid-authorizer";

/// The function that has the pages.
const CONSOLE: &str = "console";

fn template() -> Template {
    Template::read("template.yaml").unwrap()
}

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The routes of the management API in the code.
fn of_the_api() -> BTreeSet<Route> {
    ::functions::ROUTES.iter().map(route).collect()
}

/// The routes of the code: those of the pages too.
fn written() -> BTreeSet<Route> {
    ::functions::ROUTES.iter().chain(&console::ROUTES).map(route).collect()
}

fn route(route: &api::Route) -> Route {
    Route { method: route.method.to_string(), path: route.path.into(), function: route.function.into() }
}

/// The routes of the template, without the one for requests that match no other.
fn deployed() -> BTreeSet<Route> {
    let mut deployed = routes(&template()).unwrap();
    deployed.retain(|route| route.path != "*");
    deployed
}

#[test]
fn the_template_has_the_routes_of_the_code() {
    assert_eq!(deployed(), written());
}

#[test]
fn every_endpoint_has_one_route_and_the_authorizer_a_function_url() {
    let template = template();
    let routes = routes(&template).unwrap();
    for (name, id) in functions(&template).unwrap() {
        let function = template.resource(&id).unwrap();
        if name == AUTHORIZER {
            assert_eq!(function["Properties"]["FunctionUrlConfig"]["AuthType"], "NONE");
            assert!(!routes.iter().any(|route| route.function == name), "the API would log its secret");
            continue;
        }
        assert!(
            function["Properties"].get("FunctionUrlConfig").is_none(),
            "{name} could be called past the API's limits"
        );
        let expected = if name == CONSOLE { console::ROUTES.len() } else { 1 };
        assert_eq!(deployed().iter().filter(|route| route.function == name).count(), expected, "{name}");
    }
}

/// The default route included, `*` here.
#[test]
fn the_local_service_has_the_routes_of_the_template() {
    let manifest: toml::Table = read_to_string(workspace("Cargo.toml")).unwrap().parse().unwrap();
    let local = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().unwrap();
    let mut expected = BTreeSet::new();
    for (path, target) in local {
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        if let toml::Value::String(function) = target {
            expected.insert(Route { method: "*".into(), path: "*".into(), function: function.clone() });
        } else {
            expected.extend(target.as_array().unwrap().iter().map(|route| Route {
                method: text(&route["method"]),
                path: path.clone(),
                function: text(&route["function"]),
            }));
        }
    }
    assert_eq!(routes(&template()).unwrap(), expected);
}

/// The operations of the document are named after the functions. An operation with servers of its own, as the webhook has
/// them, is not a route of the API.
#[test]
fn the_openapi_document_has_the_routes_of_the_code() {
    let document: Value = serde_json::from_str(&read_to_string(workspace("openapi.json")).unwrap()).unwrap();
    let mut expected = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            if operations.get("servers").or(operation.get("servers")).is_some() {
                continue;
            }
            let mut function = String::new();
            for letter in id.chars() {
                if letter.is_ascii_uppercase() {
                    function.push('-');
                }
                function.push(letter.to_ascii_lowercase());
            }
            expected.insert(Route { method: method.to_uppercase(), path: path.clone(), function });
        }
    }
    assert_eq!(expected, of_the_api());
}
