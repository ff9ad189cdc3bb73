//! Which function answers which request: the table that `cargo lambda watch` reads, in the workspace's Cargo.toml.

use std::collections::{BTreeSet, HashMap};

use toml::{Table, Value};

/// The function that is called by its URL, not by a path of the API.
pub(crate) const RFID_AUTHORIZER: &str = "rfid-authorizer";

/// What its URL is under, as `cargo lambda watch` has it.
pub(crate) const RFID_URL: &str = "/lambda-url/rfid-authorizer";

/// The path whose function takes what no other matches.
const REST: &str = "/{*path}";

const MANIFEST: &str = include_str!("../../../Cargo.toml");

/// The local routes.
pub(crate) struct Routes {
    /// Per path, the function of each method.
    paths: matchit::Router<HashMap<String, String>>,
    rest: String,
    functions: BTreeSet<String>,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) function: &'a str,
    /// The path that makes `cargo lambda watch` call this function.
    pub(crate) path: String,
}

impl Routes {
    pub(crate) fn read() -> Result<Routes, String> {
        let manifest: Table = MANIFEST.parse().map_err(|error| format!("Cargo.toml cannot be read: {error}"))?;
        let metadata = manifest.get("workspace").and_then(|workspace| workspace.get("metadata"));
        let table = metadata.and_then(|metadata| metadata.get("lambda")?.get("watch")?.get("router")?.as_table());
        table.and_then(Routes::of).ok_or_else(|| "Cargo.toml has no usable table of local routes".into())
    }

    fn of(table: &Table) -> Option<Routes> {
        let mut paths = matchit::Router::new();
        let mut functions = BTreeSet::from([RFID_AUTHORIZER.to_owned()]);
        let rest = table.get(REST)?.as_str()?.to_owned();
        functions.insert(rest.clone());
        for (path, methods) in table {
            // A path with one function for all methods is one of those that take the rest.
            let Value::Array(methods) = methods else { continue };
            let methods: HashMap<String, String> = methods
                .iter()
                .map(|entry| Some((text(entry, "method")?, text(entry, "function")?)))
                .collect::<Option<_>>()?;
            functions.extend(methods.values().cloned());
            paths.insert(path, methods).ok()?;
        }
        Some(Routes { paths, rest, functions })
    }

    /// Every function that is routed to.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(String::as_str)
    }

    /// Where a request goes. Unlike `cargo lambda watch` alone, a known path with another method is one that matches
    /// nothing, and of the functions only the authorizer has a URL.
    pub(crate) fn target(&self, method: &str, path: &str) -> Target<'_> {
        if let Some(rest) = path.strip_prefix(RFID_URL)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return Target { function: RFID_AUTHORIZER, path: path.into() };
        }
        let routed = self.paths.at(path).ok().and_then(|matched| matched.value.get(method));
        match routed {
            Some(function) => Target { function, path: path.into() },
            None => Target { function: &self.rest, path: format!("/lambda-url/{}{path}", self.rest) },
        }
    }
}

fn text(entry: &Value, key: &str) -> Option<String> {
    Some(entry.get(key)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_known() {
        let routes = Routes::read().unwrap();
        let expected = [
            "create-access-id",
            "create-vehicle",
            "get-access-id",
            "get-vehicle",
            "list-access-ids",
            "list-vehicles",
            "rfid-authorizer",
            "update-access-id",
            "update-vehicle",
        ];
        assert_eq!(routes.functions().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn requests_go_where_the_deployed_api_sends_them() {
        let routes = Routes::read().unwrap();
        for (method, path, function) in [
            ("GET", "/api/access-ids", "list-access-ids"),
            ("POST", "/api/access-ids", "create-access-id"),
            ("GET", "/api/access-ids/1", "get-access-id"),
            ("PATCH", "/api/vehicles/x%2Fy", "update-vehicle"),
            ("POST", "/lambda-url/rfid-authorizer/secret", "rfid-authorizer"),
            ("GET", "/lambda-url/rfid-authorizer", "rfid-authorizer"),
        ] {
            let expected = Target { function, path: path.into() };
            assert_eq!(routes.target(method, path), expected, "{method} {path}");
        }
        for (method, path) in [
            ("DELETE", "/api/access-ids/1"),
            ("HEAD", "/api/access-ids"),
            ("GET", "/api/access-ids/"),
            ("GET", "//api/access-ids"),
            ("GET", "/api/access-ids/1/2"),
            ("POST", "/lambda-url/create-access-id/"),
            ("POST", "/lambda-url/rfid-authorizers"),
            ("POST", "/2015-03-31/functions/create-access-id/invocations"),
            ("GET", "/"),
        ] {
            let expected = Target { function: "get-access-id", path: format!("/lambda-url/get-access-id{path}") };
            assert_eq!(routes.target(method, path), expected, "{method} {path}");
        }
    }
}
