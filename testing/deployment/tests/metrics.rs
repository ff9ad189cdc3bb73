//! Every alarm and every line of the dashboard uses a metric that AWS or the functions emit under that name and with those
//! dimensions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};

use deployment::{Template, functions};
use serde_json::{Value, json};

/// Metrics that AWS emits, each under every one of the sets of dimensions.
struct Source {
    namespace: &'static str,
    metrics: &'static [&'static str],
    dimensions: &'static [&'static [&'static str]],
}

/// Taken from AWS's documentation: "Types of metrics for Lambda functions" and "Monitoring Lambda function URLs"; "Monitor
/// CloudWatch metrics for HTTP APIs"; "DynamoDB Metrics and dimensions". Dimensions are in alphabetical order.
const AWS: [Source; 3] = [
    Source {
        namespace: "AWS/Lambda",
        metrics: &[
            "ConcurrentExecutions",
            "Duration",
            "Errors",
            "Throttles",
            "Url4xxCount",
            "Url5xxCount",
            "UrlRequestCount",
        ],
        dimensions: &[&["FunctionName"], &["ExecutedVersion", "FunctionName", "Resource"]],
    },
    Source {
        namespace: "AWS/ApiGateway",
        metrics: &["4xx", "5xx", "Count", "IntegrationLatency", "Latency"],
        dimensions: &[&["ApiId"], &["ApiId", "Stage"]],
    },
    Source {
        namespace: "AWS/DynamoDB",
        metrics: &[
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        ],
        dimensions: &[&["TableName"]],
    },
];
/// The operations of the functions, for which DynamoDB emits SuccessfulRequestLatency.
const TABLE_OPERATIONS: [&str; 4] = ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"];

/// The values of the dimension `Outcome`.
const RFID_OUTCOMES: [&str; 10] = [
    "authorized",
    "internal_error",
    "invalid_request",
    "method_not_allowed",
    "payload_too_large",
    "revoked",
    "service_unavailable",
    "unauthorized",
    "unknown",
    "unreadable",
];
const API_OUTCOMES: [&str; 10] = [
    "created",
    "idempotency_key_reused",
    "internal_error",
    "invalid_request",
    "not_found",
    "ok",
    "payload_too_large",
    "service_unavailable",
    "tag_taken",
    "unauthorized",
];

#[derive(Debug)]
struct Metric {
    namespace: String,
    name: String,
    dimensions: BTreeMap<String, Value>,
}

impl Metric {
    /// From an alarm, or from an entry of its `Metrics`.
    fn of_alarm(metric: &Value) -> Metric {
        let dimensions = metric["Dimensions"].as_array().unwrap();
        Metric {
            namespace: metric["Namespace"].as_str().unwrap().to_owned(),
            name: metric["MetricName"].as_str().unwrap().to_owned(),
            dimensions: dimensions
                .iter()
                .map(|dimension| (dimension["Name"].as_str().unwrap().to_owned(), dimension["Value"].clone()))
                .collect(),
        }
    }

    /// From a line of the dashboard: namespace, name, then name and value of each dimension, then options.
    fn of_widget(line: &Value) -> Metric {
        let texts: Vec<&str> = line.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let [namespace, name, dimensions @ ..] = &texts[..] else { panic!("{line}") };
        Metric {
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
            dimensions: dimensions.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].into())).collect(),
        }
    }

    fn is_emitted(&self) -> bool {
        let names: Vec<&str> = self.dimensions.keys().map(String::as_str).collect();
        let name = self.name.as_str();
        let by_aws = AWS.iter().any(|source| {
            self.namespace == source.namespace
                && source.metrics.contains(&name)
                && source.dimensions.contains(&&names[..])
        });
        let by_operation = self.namespace == "AWS/DynamoDB"
            && name == "SuccessfulRequestLatency"
            && names == ["Operation", "TableName"]
            && TABLE_OPERATIONS.iter().any(|operation| self.dimensions["Operation"] == *operation);
        let by_us = self.namespace == api::NAMESPACE
            && api::METRICS.iter().any(|kept| {
                kept.dimensions.contains(&&names[..]) && kept.metrics.iter().any(|metric| metric.name == name)
            })
            && self
                .dimensions
                .get("Outcome")
                .is_none_or(|value| self.outcomes().iter().any(|outcome| value == *outcome));
        by_aws || by_operation || by_us
    }

    /// The outcomes of the function that the metric is of. An alarm that is made for every function can only use the outcomes
    /// that all functions have.
    fn outcomes(&self) -> Vec<&'static str> {
        let function = &self.dimensions["Function"];
        if *function == json!({ "Ref": "Authorizer" }) || *function == "${Service}-rfid-authorizer" {
            RFID_OUTCOMES.to_vec()
        } else if *function == json!({ "Ref": "Function" }) {
            RFID_OUTCOMES.into_iter().filter(|outcome| API_OUTCOMES.contains(outcome)).collect()
        } else {
            API_OUTCOMES.to_vec()
        }
    }
}

fn alarms(path: &str) -> BTreeMap<String, Value> {
    let template = Template::read(path).unwrap();
    template.of_type("AWS::CloudWatch::Alarm").map(|(id, alarm)| (id.to_owned(), alarm["Properties"].clone())).collect()
}

fn metrics(alarm: &Value) -> Vec<Metric> {
    match alarm["Metrics"].as_array() {
        None => vec![Metric::of_alarm(alarm)],
        Some(entries) => {
            entries.iter().filter_map(|entry| entry.pointer("/MetricStat/Metric")).map(Metric::of_alarm).collect()
        }
    }
}

const ALARMS: [&str; 2] = ["infra/alarms.yaml", "infra/function-alarms.yaml"];

#[test]
fn every_alarm_watches_an_emitted_metric_and_notifies_the_topic() {
    for path in ALARMS {
        for (id, alarm) in alarms(path) {
            let metrics = metrics(&alarm);
            assert!(!metrics.is_empty(), "{id}");
            for metric in metrics {
                assert!(metric.is_emitted(), "{id}: {metric:?}");
            }
            assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "Topic" }]), "{id}");
            // Without requests no metrics are emitted.
            assert_eq!(alarm["TreatMissingData"], "notBreaching", "{id}");
            let description = &alarm["AlarmDescription"];
            assert!(description.is_string() || description.get("Fn::Sub").is_some(), "{id}");
        }
    }
}

/// Every id in an expression belongs to an entry, and every entry is used in an expression or is the result.
#[test]
fn every_term_of_an_alarm_is_known_and_used() {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))
            .map(str::to_owned)
            .collect()
    };
    for path in ALARMS {
        for (id, alarm) in alarms(path) {
            let Some(entries) = alarm["Metrics"].as_array() else { continue };
            let ids: BTreeSet<String> = entries.iter().map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect();
            let used: BTreeSet<String> =
                entries.iter().filter_map(|entry| entry["Expression"].as_str()).flat_map(words).collect();
            let shown: Vec<&Value> = entries.iter().filter(|entry| entry["ReturnData"] != false).collect();
            let [shown] = shown[..] else { panic!("{id} compares {} series", shown.len()) };
            let mut expected = used.clone();
            expected.insert(shown["Id"].as_str().unwrap().to_owned());
            assert_eq!(ids, expected, "{id}");
        }
    }
}

#[test]
fn every_function_has_its_alarms_and_they_stop_a_deployment() {
    let of_one: BTreeSet<String> = alarms("infra/function-alarms.yaml").into_keys().collect();
    assert_eq!(
        of_one,
        BTreeSet::from(["Errors", "Failing", "NewVersionErrors", "Slow", "Throttles"].map(str::to_owned))
    );
    let template = Template::read("template.yaml").unwrap();
    for (name, id) in functions(&template).unwrap() {
        let stack = template.resource(&format!("{id}Alarms")).unwrap();
        assert_eq!(stack["Properties"]["TemplateURL"], "infra/function-alarms.yaml", "{name}");
        let parameters = &stack["Properties"]["Parameters"];
        assert_eq!(parameters["Function"], json!({ "Ref": id }), "{name}");
        assert_eq!(parameters["Version"], json!({ "Fn::GetAtt": [id, "Version.Version"] }), "{name}");
        assert_eq!(parameters["Topic"], json!({ "Ref": "AlarmTopic" }), "{name}");
        let output = |alarm| json!({ "Fn::GetAtt": [format!("{id}Alarms"), format!("Outputs.{alarm}")] });
        assert_eq!(
            template.resource(&id).unwrap()["Properties"]["DeploymentPreference"]["Alarms"],
            json!({ "Fn::If": [
                "DeploymentIsGradual",
                [output("NewVersionErrors"), output("Failing")],
                [{ "Ref": "AWS::NoValue" }],
            ] }),
            "{name}"
        );
    }
    let common = &template.value["Globals"]["Function"]["DeploymentPreference"];
    assert_eq!(common["Type"], json!({ "Ref": "Deployment" }));
}

#[test]
fn the_service_has_its_alarms() {
    let of_all: BTreeSet<String> = alarms("infra/alarms.yaml").into_keys().collect();
    let expected = [
        "ApiServerErrors",
        "RefusedShare",
        "RfidServerErrors",
        "RfidUnauthorized",
        "TableReadThrottles",
        "TableWriteThrottles",
    ];
    assert_eq!(of_all, BTreeSet::from(expected.map(str::to_owned)));
}

/// CloudWatch may not use the key that AWS manages for SNS.
#[test]
fn the_alarm_topic_is_encrypted_with_a_key_that_cloudwatch_may_use() {
    let template = Template::read("template.yaml").unwrap();
    for (id, topic) in template.of_type("AWS::SNS::Topic") {
        assert_eq!(topic["Properties"]["KmsMasterKeyId"], json!({ "Ref": "AlarmKey" }), "{id}");
    }
    let key = &template.resource("AlarmKey").unwrap()["Properties"];
    assert_eq!(key["EnableKeyRotation"], true);
    let cloudwatch = json!({ "Service": "cloudwatch.amazonaws.com" });
    let statements = key["KeyPolicy"]["Statement"].as_array().unwrap();
    assert!(statements.iter().any(|statement| statement["Principal"] == cloudwatch));
}

#[test]
fn the_dashboard_shows_emitted_metrics_of_every_function() {
    let dashboard = Template::read("infra/dashboard.yaml").unwrap();
    let body = dashboard.resource("Dashboard").unwrap()["Properties"]["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let deployed = functions(&Template::read("template.yaml").unwrap()).unwrap();
    let mut seen = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let title = &widget["properties"]["title"];
        for line in widget["properties"]["metrics"].as_array().unwrap() {
            let metric = Metric::of_widget(line);
            assert!(metric.is_emitted(), "{title}: {metric:?}");
            let function = ["Function", "FunctionName"].iter().find_map(|name| metric.dimensions.get(*name));
            if let Some(function) = function.and_then(Value::as_str) {
                let function = function.strip_prefix("${Service}-").unwrap();
                assert!(deployed.contains_key(function), "{title}: {function}");
                seen.insert(function.to_owned());
            }
        }
    }
    assert_eq!(seen, deployed.into_keys().collect());
}
