//! In the templates every reference resolves, and every parameter, condition and output is used.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

use deployment::Template;
use serde_json::Value;

/// The service's own and those that it nests.
const TEMPLATES: [&str; 6] = [
    "template.yaml",
    "infra/alarms.yaml",
    "infra/canary.yaml",
    "infra/dashboard.yaml",
    "infra/edge.yaml",
    "infra/role.yaml",
];
/// Those that are deployed by themselves.
const OTHERS: [&str; 4] =
    ["infra/backup-vault.yaml", "infra/backup.yaml", "infra/edge-global.yaml", "infra/pipeline-role.yaml"];

/// Collects everything that a value refers to: parameters, resources (`Name` or `Name.Attribute`), and conditions as `Condition Name`.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("Ref", Value::String(name)) => {
                        found.insert(name.clone());
                    }
                    ("Fn::GetAtt", Value::Array(path)) => {
                        found.insert(format!("{}.{}", path[0].as_str().unwrap(), path[1].as_str().unwrap()));
                    }
                    ("Fn::Sub", Value::String(text)) => {
                        let names = text.split("${").skip(1).map(|rest| rest.split_once('}').unwrap().0);
                        found.extend(names.map(str::to_owned));
                    }
                    ("Fn::Sub", Value::Array(parts)) => {
                        let mut text = BTreeSet::new();
                        references(&serde_json::json!({ "Fn::Sub": parts[0] }), &mut text);
                        found.extend(text.into_iter().filter(|name| parts[1].get(name).is_none()));
                        references(&parts[1], found);
                    }
                    ("Fn::If", Value::Array(choice)) => {
                        found.insert(format!("Condition {}", choice[0].as_str().unwrap()));
                        references(&choice[1], found);
                        references(&choice[2], found);
                    }
                    ("Condition", Value::String(name)) => {
                        found.insert(format!("Condition {name}"));
                    }
                    _ => references(value, found),
                }
            }
        }
        _ => {}
    }
}

fn names(template: &Template, section: &str) -> BTreeSet<String> {
    template.section(section).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_reference_resolves() {
    for path in TEMPLATES.into_iter().chain(OTHERS) {
        let template = Template::read(path).unwrap();
        let mut found = BTreeSet::new();
        references(&template.value, &mut found);
        let (parameters, resources) = (names(&template, "Parameters"), names(&template, "Resources"));
        for reference in found {
            if let Some(condition) = reference.strip_prefix("Condition ") {
                assert!(names(&template, "Conditions").contains(condition), "{path}: {reference}");
                continue;
            }
            let (name, attribute) = reference.split_once('.').unwrap_or((&reference, ""));
            if name.starts_with("AWS::") {
                continue;
            }
            if let Some(output) = attribute.strip_prefix("Outputs.") {
                let nested = template.resource(name).unwrap()["Properties"]["TemplateURL"].as_str().unwrap();
                let nested = Template::read(nested).unwrap();
                assert!(names(&nested, "Outputs").contains(output), "{path}: {reference}");
            }
            // SAM creates the resource of a function URL under this name.
            let url_of = name.strip_suffix("Url").and_then(|function| template.resource(function).ok());
            let made = url_of.is_some_and(|function| function["Properties"].get("FunctionUrlConfig").is_some())
                // Likewise what `!Ref` of a function's version gives.
                || (attribute == "Version" && resources.contains(name));
            let declared = resources.contains(name) || made || (attribute.is_empty() && parameters.contains(name));
            assert!(declared, "{path}: {reference}");
        }
    }
}

#[test]
fn every_parameter_and_condition_is_used_and_every_output_refers_to_something() {
    for path in TEMPLATES.into_iter().chain(OTHERS) {
        let template = Template::read(path).unwrap();
        let mut found = BTreeSet::new();
        references(&template.value, &mut found);
        for parameter in names(&template, "Parameters") {
            assert!(found.contains(&parameter), "{path}: {parameter} is used nowhere");
        }
        for condition in names(&template, "Conditions") {
            assert!(found.contains(&format!("Condition {condition}")), "{path}: {condition} is used nowhere");
        }
        for (name, output) in template.section("Outputs") {
            let mut found = BTreeSet::new();
            references(&output["Value"], &mut found);
            assert!(!found.is_empty(), "{path}: {name} is a constant");
            assert!(output["Description"].is_string(), "{path}: {name}");
        }
    }
}

#[test]
fn nested_templates_get_exactly_their_parameters_and_all_are_used() {
    let template = Template::read("template.yaml").unwrap();
    let mut nested = BTreeSet::from(["template.yaml".to_owned()]);
    for (id, stack) in template.of_type("AWS::CloudFormation::Stack") {
        let path = stack["Properties"]["TemplateURL"].as_str().unwrap();
        let given: BTreeSet<String> = stack["Properties"]["Parameters"].as_object().unwrap().keys().cloned().collect();
        let parameters = names(&Template::read(path).unwrap(), "Parameters");
        if path == "infra/role.yaml" {
            // An action that is left out is not granted.
            assert!(given.is_subset(&parameters), "{id}");
        } else {
            assert_eq!(given, parameters, "{id}");
        }
        nested.insert(path.to_owned());
    }
    assert_eq!(nested, BTreeSet::from(TEMPLATES.map(str::to_owned)));
}

#[test]
fn the_settings_of_each_environment_name_parameters() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samconfig.toml");
    let settings: toml::Table = read_to_string(path).unwrap().parse().unwrap();
    let parameters = names(&Template::read("template.yaml").unwrap(), "Parameters");
    assert!(settings["default"].get("deploy").is_none(), "a deployment names its environment");
    for environment in ["dev", "staging", "prod"] {
        let deploy = &settings[environment]["deploy"]["parameters"];
        let overrides = deploy.get("parameter_overrides").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        for entry in overrides {
            let (name, _) = entry.as_str().unwrap().split_once('=').unwrap();
            assert!(parameters.contains(name), "{environment}: {name}");
        }
        assert!(settings[environment]["global"]["parameters"]["stack_name"].is_str(), "{environment}");
    }
}
