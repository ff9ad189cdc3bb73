//! Every alarm and every line of the dashboard uses a metric that AWS or the functions emit under that name and with those
//! dimensions.

use std::collections::{BTreeMap, BTreeSet};

use deployment::{API_OUTCOMES, RFID_OUTCOMES, Template, functions};
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
            "Invocations",
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
const TABLE_OPERATIONS: [&str; 5] = ["BatchGetItem", "BatchWriteItem", "GetItem", "Query", "TransactWriteItems"];

#[derive(Debug)]
struct Metric {
    namespace: String,
    name: String,
    dimensions: BTreeMap<String, Value>,
}

impl Metric {
    /// From an alarm, or from an entry of its `Metrics`.
    fn of_alarm(metric: &Value) -> Metric {
        let dimensions = metric["Dimensions"].as_array().cloned().unwrap_or_default();
        let namespace = metric["Namespace"].as_str().or_else(|| metric["Namespace"]["Fn::Sub"].as_str());
        Metric {
            namespace: namespace.unwrap().to_owned(),
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
        // What the metric filter of infra/alarms.yaml makes of the API's access log.
        let by_filter = self.namespace == "ChargeAccess/${Service}" && name == "ApiThrottled" && names.is_empty();
        by_aws || by_operation || by_us || by_filter
    }

    /// The outcomes of the function that the metric is of.
    fn outcomes(&self) -> Vec<&'static str> {
        let function = &self.dimensions["Function"];
        if *function == json!({ "Ref": "Authorizer" }) || *function == "${Service}-rfid-authorizer" {
            RFID_OUTCOMES.to_vec()
        } else {
            API_OUTCOMES.to_vec()
        }
    }
}

fn alarms() -> BTreeMap<String, Value> {
    let template = Template::read("infra/alarms.yaml").unwrap();
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

#[test]
fn every_alarm_watches_an_emitted_metric_and_notifies_the_topic() {
    for (id, alarm) in alarms() {
        let metrics = metrics(&alarm);
        assert!(!metrics.is_empty(), "{id}");
        for metric in metrics {
            assert!(metric.is_emitted(), "{id}: {metric:?}");
        }
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "Topic" }]), "{id}");
        let description = &alarm["AlarmDescription"];
        assert!(description.is_string() || description.get("Fn::Sub").is_some(), "{id}");
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
    for (id, alarm) in alarms() {
        let Some(entries) = alarm["Metrics"].as_array() else { continue };
        let ids: BTreeSet<String> = entries.iter().map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect();
        let expression = |entry: &Value| {
            let text = entry["Expression"].as_str().or_else(|| entry["Expression"]["Fn::Sub"].as_str());
            text.map(str::to_owned)
        };
        let mut expected: BTreeSet<String> =
            entries.iter().filter_map(expression).flat_map(|text| words(&text)).collect();
        if alarm.get("ThresholdMetricId").is_some() {
            expected.extend(["requests", "band"].map(str::to_owned));
            assert_eq!(alarm["ThresholdMetricId"], "band", "{id}");
        } else {
            let shown: Vec<&Value> = entries.iter().filter(|entry| entry["ReturnData"] != false).collect();
            let [shown] = shown[..] else { panic!("{id} compares {} series", shown.len()) };
            expected.insert(shown["Id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids, expected, "{id}");
    }
}

/// The authorizer's deployment heeds alarms of its own; those of the management functions the alarm of the whole API, by the
/// name that the alarm has.
#[test]
fn every_deployment_heeds_alarms() {
    let template = Template::read("template.yaml").unwrap();
    let name = alarms()["ApiServerErrors"]["AlarmName"]["Fn::Sub"].as_str().unwrap().to_owned();
    let of_the_api = json!({ "Fn::Sub": name.replace("${Service}", "${AWS::StackName}") });
    let output = |alarm: &str| json!({ "Fn::GetAtt": ["Alarms", format!("Outputs.{alarm}")] });
    for (name, id) in functions(&template).unwrap() {
        let preference = &template.resource(&id).unwrap()["Properties"]["DeploymentPreference"];
        let heeded = match &*name {
            "rfid-authorizer" => json!([output("NewVersionErrors"), output("Failing")]),
            _ => json!([of_the_api]),
        };
        let expected = json!({ "Fn::If": ["DeploymentIsGradual", heeded, [{ "Ref": "AWS::NoValue" }]] });
        assert_eq!(preference["Alarms"], expected, "{name}");
    }
    let hooks = &template.resource("RfidAuthorizer").unwrap()["Properties"]["DeploymentPreference"]["Hooks"];
    let canary = json!({ "Fn::GetAtt": ["Canary", "Outputs.Name"] });
    assert_eq!(
        *hooks,
        json!({ "PreTraffic": { "Fn::If": ["DeploymentIsGradual", canary, { "Ref": "AWS::NoValue" }] } })
    );
    let common = &template.value["Globals"]["Function"]["DeploymentPreference"];
    assert_eq!(common["Type"], json!({ "Ref": "Deployment" }));
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
                if function == "api" {
                    continue; // the metrics that all management functions share
                }
                assert!(deployed.contains_key(function), "{title}: {function}");
                seen.insert(function.to_owned());
            }
        }
    }
    assert_eq!(seen, deployed.into_keys().collect());
}
