//! Which environments a store can start with. The environment of a process cannot be changed safely, so each test starts
//! this program again with another one.

use std::{env, process::Command};

use store::{Settings, Store};

#[test]
#[ignore = "run by the other tests of this file"]
fn start() {
    let started = Settings::from_env().and_then(|settings| Store::new(&settings));
    println!("started: {}", started.map_or_else(|error| error.to_string(), |_| "yes".to_owned()));
}

fn started(variables: &[(&str, &str)]) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "settings::start", "--ignored", "--nocapture"])
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    output.lines().find_map(|line| line.split_once("started: ")).unwrap().1.to_owned()
}

#[test]
fn what_is_missing_is_named_at_once() {
    let all = [
        ("TABLE_NAME", "table"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    assert_eq!(started(&all), "yes");
    for (missing, _) in all {
        let error = format!("the environment variable {missing} is not set");
        let others: Vec<_> = all.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_eq!(started(&others), error);
        let empty: Vec<_> = others.into_iter().chain([(missing, "")]).collect();
        assert_eq!(started(&empty), error);
    }
}

#[test]
fn the_history_is_kept_for_a_number_of_days() {
    let start = |days| {
        started(&[
            ("TABLE_NAME", "table"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("CHANGE_DAYS", days),
        ])
    };
    for days in ["", "1", "3650"] {
        assert_eq!(start(days), "yes", "{days}");
    }
    for days in ["0", "-1", "400.5", "70000", "forever"] {
        assert_eq!(start(days), "the environment variable CHANGE_DAYS has a value that is not known", "{days}");
    }
}

#[test]
fn an_end_point_and_authorities_are_looked_at_before_they_are_used() {
    let start = |variable| {
        started(&[
            ("TABLE_NAME", "table"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            variable,
        ])
    };
    assert_eq!(start(("AWS_ENDPOINT_URL", "http://127.0.0.1:1")), "yes");
    assert_eq!(start(("AWS_ENDPOINT_URL_DYNAMODB", "ftp://x")), "DynamoDB: the end point is not http[s]://host[:port]");
    // The end point for DynamoDB goes before the one for all services.
    let variables = [("AWS_ENDPOINT_URL", "ftp://x"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")];
    let known =
        [("TABLE_NAME", "table"), ("AWS_REGION", "a"), ("AWS_ACCESS_KEY_ID", "b"), ("AWS_SECRET_ACCESS_KEY", "c")];
    assert_eq!(started(&[known.as_slice(), &variables].concat()), "yes");
    assert!(start(("AWS_CA_BUNDLE", "/nowhere")).starts_with("DynamoDB: AWS_CA_BUNDLE: "));
    let no_certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(start(("AWS_CA_BUNDLE", no_certificates)), "DynamoDB: AWS_CA_BUNDLE: it holds no usable authority");
}
