//! What a stack costs in a month whatever the traffic, counted in the templates, as `docs/operations.md` says it.

use std::collections::BTreeMap;
use std::path::Path;

use deployment::{API_OUTCOMES, Parameters, RFID_OUTCOMES, Template, grants};
use serde_json::{Value, json};

/// The most US dollars that a stack may cost in a month without traffic.
const LIMIT: f64 = 25.0;

struct Item {
    what: &'static str,
    count: usize,
    price: f64,
}

/// A stack's templates with the parameters of production, each nested one as often as it is made.
fn templates() -> Vec<(String, Template)> {
    let main = Template::read("template.yaml").unwrap();
    let given: Parameters = [("AlarmEmail", "a@example.org"), ("RestoredTable", "none"), ("MonthlyBudget", "50")]
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .into();
    let main = main.with(&given).unwrap();
    let nested: Vec<_> =
        main.of_type("AWS::CloudFormation::Stack").map(|(id, _)| (id.to_owned(), main.nested(id).unwrap())).collect();
    [("template.yaml".to_owned(), main)].into_iter().chain(nested).collect()
}

/// What CloudWatch bills as metrics of an alarm: one, those of its expression, or three of an anomaly alarm.
fn billed(alarm: &Value) -> usize {
    let properties = &alarm["Properties"];
    match properties["Metrics"].as_array() {
        None => 1,
        Some(_) if properties.get("ThresholdMetricId").is_some() => 3,
        Some(entries) => entries.iter().filter(|entry| entry.get("MetricStat").is_some()).count(),
    }
}

fn items() -> Vec<Item> {
    let templates = templates();
    let count = |kind: &str| templates.iter().map(|(_, template)| template.of_type(kind).count()).sum::<usize>();
    let alarms = templates.iter().flat_map(|(_, template)| template.of_type("AWS::CloudWatch::Alarm"));
    let kept = |outcomes: usize| {
        let one = |set: &&[&str]| if set.contains(&"Outcome") { outcomes } else { 1 };
        api::METRICS.iter().map(|kept| kept.metrics.len() * kept.dimensions.iter().map(one).sum::<usize>()).sum()
    };
    // In this mode one rule for partition keys and one for whole keys.
    let insights = templates[0].1.resource("Table").unwrap()["Properties"]["ContributorInsightsSpecification"].clone();
    assert_eq!(insights, json!({ "Enabled": true, "Mode": "THROTTLED_KEYS" }));
    let item = |what, count, price| Item { what, count, price };
    vec![
        item("metrics in alarms", alarms.map(|(_, alarm)| billed(alarm)).sum(), 0.10),
        item("metrics of the authorizer", kept(RFID_OUTCOMES.len()), 0.30),
        item("metrics of the management functions together", kept(API_OUTCOMES.len()), 0.30),
        item("metrics out of the access log", count("AWS::Logs::MetricFilter"), 0.30),
        item("dashboard with more than the 50 metrics that would be free", count("AWS::CloudWatch::Dashboard"), 3.00),
        item("key of the alarms", count("AWS::KMS::Key"), 1.00),
        item("rules of Contributor Insights", 2, 0.50),
        item(
            "requests to the table's key, one in 5 minutes for each role",
            grants().unwrap().values().filter(|grants| !grants.is_empty()).count(),
            0.03,
        ),
        item("calls of the canary, with the decisions that it asks for", 8_640, 0.000_004),
        item("budgets without actions", count("AWS::Budgets::Budget"), 0.00),
    ]
}

fn sum(items: &[Item]) -> f64 {
    items.iter().map(|item| item.count as f64 * item.price).sum()
}

#[test]
fn the_documented_fixed_costs_are_those_of_the_templates() {
    let items = items();
    let price = |price: f64| if price > 0.0 && price < 0.01 { price.to_string() } else { format!("{price:.2}") };
    let row = |item: &Item| {
        let cost = item.count as f64 * item.price;
        format!("| {} | {} × {} | {cost:.2} |\n", item.what, item.count, price(item.price))
    };
    let rows: String = items.iter().map(row).collect();
    let table = format!("| | count × price | $ |\n|---|---|---|\n{rows}| **sum** | | **{:.2}** |\n\n", sum(&items));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- fixed costs -->\n\n").unwrap();
    let (found, after) = rest.split_once("<!-- end -->").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}<!-- fixed costs -->\n\n{table}<!-- end -->{after}")).unwrap();
    } else {
        assert_eq!(found, table, "UPDATE_DOCS=1 cargo test -p deployment writes it");
    }
}

#[test]
fn a_stack_at_rest_costs_less_than_25_dollars() {
    assert!(sum(&items()) < LIMIT, "{}", sum(&items()));
}

/// Nobody is billed by the function: no alarm, no log group and no value of a dimension is a management function's own.
#[test]
fn a_management_function_more_costs_nothing_fixed() {
    let mut by_type: BTreeMap<&str, usize> = BTreeMap::new();
    let main = Template::read("template.yaml").unwrap();
    for (_, resource) in main.section("Resources") {
        *by_type.entry(resource["Type"].as_str().unwrap()).or_default() += 1;
    }
    // One for the API's accesses, one for the authorizer, one for all others.
    assert_eq!(by_type["AWS::Logs::LogGroup"], 3);
    assert!(!by_type.contains_key("AWS::CloudWatch::Alarm"));
    let role = Template::read("infra/role.yaml").unwrap();
    assert_eq!(role.section("Resources").map(|(id, _)| id).collect::<Vec<_>>(), ["Role"]);
}
