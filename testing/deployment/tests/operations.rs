//! `docs/operations.md` names what exists: parameters, outputs, stages, alarms, and one stack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use deployment::Template;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn names(template: &str, section: &str) -> BTreeSet<String> {
    Template::read(template).unwrap().section(section).map(|(name, _)| name.to_owned()).collect()
}

/// The commands of the page, continued lines joined.
fn commands() -> Vec<String> {
    let text = read("docs/operations.md");
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().replace("\\\n", ""));
    blocks.flat_map(|block| block.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// The words after each place where `before` stands.
fn words_after(text: &str, before: &str) -> Vec<String> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    text.split(before).skip(1).map(|rest| rest.chars().take_while(|c| is_word(*c)).collect()).collect()
}

/// The templates that commands deploy by themselves.
fn template_of(command: &str) -> &'static str {
    ["infra/backup-vault.yaml", "infra/backup.yaml", "infra/edge-global.yaml", "infra/pipeline-role.yaml"]
        .into_iter()
        .find(|path| command.contains(path))
        .unwrap_or("template.yaml")
}

#[test]
fn every_parameter_and_output_of_a_command_exists() {
    let mut seen = 0;
    for command in commands() {
        if let Some((_, given)) = command.split_once("--parameter-overrides ") {
            let parameters = names(template_of(&command), "Parameters");
            let given = given.replace(['"', '\''], " ");
            for name in given.split(' ').filter_map(|word| word.split_once('=')).map(|(name, _)| name) {
                assert!(parameters.contains(name), "{command}: {name}");
                seen += 1;
            }
        }
        for (function, template) in [
            ("output ", "template.yaml"),
            ("edge ", "infra/edge-global.yaml"),
            ("pipeline ", "infra/pipeline-role.yaml"),
        ] {
            for name in words_after(&format!(" {command}").replace("$(", " "), &format!(" {function}")) {
                if name.starts_with(|first: char| first.is_ascii_uppercase()) {
                    assert!(names(template, "Outputs").contains(&name), "{command}: {name}");
                    seen += 1;
                }
            }
        }
        for name in words_after(&command, "$(parameter ") {
            assert!(names("template.yaml", "Parameters").contains(&name), "{command}: {name}");
        }
    }
    assert!(seen > 30, "{seen} names");
}

/// Every command takes the stack from the environment: none names another one, or the stage, by itself.
#[test]
fn commands_name_one_stack_and_it_comes_from_the_environment() {
    let sources = ["export STACK=\"charge-access-$STAGE\""];
    for command in commands() {
        assert!(!command.contains("charge-access-") || sources.contains(&command.as_str()), "{command}");
        for option in ["--stack-name ", "--function-name ", "--alarm-name "] {
            for rest in command.split(option).skip(1) {
                assert!(rest.starts_with("\"$STACK"), "{command}");
            }
        }
        if command.starts_with("sam deploy") {
            assert!(command.contains("--config-env \"$STAGE\""), "{command}");
        }
        if command.contains("aws ssm put-parameter") {
            assert!(command.contains("--name \"/$STACK/"), "{command}");
        }
    }
    let settings: toml::Table = read("samconfig.toml").parse().unwrap();
    for stage in ["dev", "staging", "prod"] {
        let stack = format!("charge-access-{stage}");
        assert_eq!(settings[stage]["global"]["parameters"]["stack_name"].as_str(), Some(&*stack));
        let deploy = &settings[stage]["deploy"]["parameters"];
        assert_eq!(deploy["tags"].as_str(), Some(&*format!("Service={stack}")));
        assert_eq!(deploy["capabilities"].as_str(), Some("CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"));
        let given = deploy["parameter_overrides"].as_array().unwrap();
        for expected in [format!("Stage={stage}"), format!("RestoredTable=/{stack}/restored-table")] {
            assert!(given.iter().any(|entry| entry.as_str() == Some(&*expected)), "{stage}: {expected}");
        }
    }
    assert!(settings["default"].get("global").is_none(), "a command without a stage has no stack");
}

/// The choice of the table is a parameter of SSM's own, which CloudFormation reads anew at each deployment. A table's name in
/// an argument would be saved by `--guided`, and come back.
#[test]
fn no_argument_of_a_deployment_holds_a_tables_name() {
    let template = Template::read("template.yaml").unwrap();
    let parameter = &template.value["Parameters"]["RestoredTable"];
    assert_eq!(parameter["Type"], "AWS::SSM::Parameter::Value<String>");
    assert!(parameter.get("Default").is_none(), "each stage names its own");
    for (name, parameter) in template.section("Parameters") {
        assert!(name == "RestoredTable" || !name.contains("Table"), "{name}: {parameter}");
    }
    for (_, resource) in template.of_type("AWS::SSM::Parameter") {
        let name = resource["Properties"]["Name"]["Fn::Sub"].as_str().unwrap();
        assert_ne!(name, "/${AWS::StackName}/restored-table", "the stack would write over the operator's choice");
    }
    for command in commands() {
        assert!(!command.contains("RestoredTable="), "{command}");
    }
}

/// Its name without the stack's, and what the page says of a period without data.
#[test]
fn each_alarm_is_on_the_page_with_what_rings_it() {
    let text = read("docs/operations.md");
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `…-")) {
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        assert_eq!(cells.len(), 6, "{line}");
        for name in cells[1].split(", ") {
            rows.insert(name.replace(['`', '…'], ""), cells.clone());
        }
    }
    let mut documented: BTreeSet<String> = rows.keys().cloned().collect();
    for (id, alarm) in Template::read("infra/alarms.yaml").unwrap().of_type("AWS::CloudWatch::Alarm") {
        let name = alarm["Properties"]["AlarmName"]["Fn::Sub"].as_str().unwrap();
        let name = name.replace("${Service}", "").replace("${Authorizer}", "-rfid-authorizer");
        let cells = rows.get(&name).unwrap_or_else(|| panic!("{id}: {name} is not on the page"));
        let rings = alarm["Properties"]["TreatMissingData"] != "notBreaching";
        assert_eq!(cells[3].starts_with("rings"), rings, "{name}: {}", cells[3]);
        documented.remove(&name);
    }
    assert!(documented.is_empty(), "no alarm is called {documented:?}");
}

#[test]
fn what_the_page_says_of_a_setting_is_its_default() {
    let template = Template::read("template.yaml").unwrap();
    let default = |name: &str| template.value["Parameters"][name]["Default"].clone();
    assert_eq!(default("RfidConcurrency"), 50);
    assert_eq!(default("ApiRateLimit"), 100);
    assert_eq!(default("CanaryMinutes"), 5);
    assert_eq!(default("EdgeDomain"), "", "off unless somebody wants it");
    assert_eq!(default("SystemLogLevel"), "WARN");
    let rule = &template.value["Rules"]["ProductionTellsSomebody"];
    assert_eq!(rule["RuleCondition"]["Fn::Equals"][1], "prod");
    assert!(rule["Assertions"].to_string().contains("AlarmEmail"));
    let page = read("docs/operations.md");
    // What `--guided` saves, empty answers included, every later deployment would set again.
    let unsaved = "| Save arguments to configuration file | **n**.";
    for text in ["| 50 (default) | 500 |", "100 by default", "CanaryMinutes (5;", unsaved] {
        assert!(page.contains(text), "{text}");
    }
}
