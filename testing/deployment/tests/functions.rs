//! Every binary is deployed as a function, and all functions have the settings that they must have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use deployment::{Parameters, Template, functions, grants, policies, statements};
use serde_json::{Value, json};

fn template() -> Template {
    Template::read("template.yaml").unwrap()
}

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The names of the functions' binaries.
fn binaries() -> BTreeSet<String> {
    let entries = std::fs::read_dir(workspace("functions/src/bin")).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// A property of a function: its own, or else the one under `Globals`.
fn property<'a>(template: &'a Template, function: &'a Value, pointer: &str) -> &'a Value {
    function["Properties"]
        .pointer(pointer)
        .or_else(|| template.value["Globals"]["Function"].pointer(pointer))
        .unwrap_or(&Value::Null)
}

#[test]
fn every_binary_is_deployed_and_nothing_else() {
    let deployed: BTreeSet<String> = functions(&template()).unwrap().into_keys().collect();
    assert_eq!(deployed, binaries());
}

/// One that is not listed in the package's file is linked a second time by each `cargo test`, for unit tests that it has not.
#[test]
fn every_binary_is_listed_as_one_without_unit_tests() {
    let text = std::fs::read_to_string(workspace("functions/Cargo.toml")).unwrap();
    let package: toml::Table = text.parse().unwrap();
    let listed = package["bin"].as_array().unwrap().iter().map(|binary| {
        assert_eq!(binary["test"].as_bool(), Some(false), "{binary:?}");
        binary["name"].as_str().unwrap().to_owned()
    });
    assert_eq!(listed.collect::<BTreeSet<_>>(), binaries());
}

/// The Makefile of the build derives the binary's name from the logical id.
#[test]
fn logical_ids_are_the_binaries_names_in_pascal_case() {
    for (name, id) in functions(&template()).unwrap() {
        let pascal: String = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        assert_eq!(id, pascal);
    }
}

#[test]
fn every_function_is_traced_versioned_and_built_by_the_makefile() {
    let template = template();
    assert_eq!(template.value["Parameters"]["Tracing"]["Default"], "Active");
    for (name, id) in functions(&template).unwrap() {
        let function = template.resource(&id).unwrap();
        let of = |pointer| property(&template, function, pointer);
        assert_eq!(function["Metadata"]["BuildMethod"], "makefile", "{name}");
        assert_eq!(of("/CodeUri"), "infra/build/", "{name}");
        assert_eq!(of("/Runtime"), "provided.al2023", "{name}");
        assert_eq!(of("/Architectures"), &json!(["arm64"]), "{name}");
        assert_eq!(of("/Tracing"), &json!({ "Ref": "Tracing" }), "{name}");
        assert_eq!(of("/AutoPublishAlias"), "live", "{name}");
        assert_eq!(of("/AutoPublishAliasAllProperties"), true, "{name}");
        let role = if name == "rfid-authorizer" { "Arn" } else { "Outputs.Arn" };
        assert_eq!(of("/Role"), &json!({ "Fn::GetAtt": [format!("{id}Role"), role] }), "{name}");
    }
}

/// What each function's versions are made of with these parameters, and their description, by the function's name.
fn versions(template: &Template, given: &Parameters) -> BTreeMap<String, (Value, String)> {
    let mut template = template.clone();
    template.value["Resources"]["Globals"] = template.value["Globals"]["Function"].clone();
    let resolved = template.with(given).unwrap();
    let version = |id: &str| {
        let mut properties = resolved.resource(id).unwrap()["Properties"].as_object().unwrap().clone();
        let description = properties.remove("VersionDescription").unwrap();
        // How an alias moves, what bounds all versions together, and who asks.
        for other in ["DeploymentPreference", "ReservedConcurrentExecutions", "Events"] {
            properties.remove(other);
        }
        let mut common = resolved.resource("Globals").unwrap().clone();
        common.as_object_mut().unwrap().remove("DeploymentPreference");
        // A variable that the function sets itself stands in the place of the common one.
        if let Some(own) = properties.remove("Environment") {
            let own = own["Variables"].as_object().unwrap().clone();
            common["Environment"]["Variables"].as_object_mut().unwrap().extend(own);
        }
        (json!([common, properties]), description["Fn::Sub"].as_str().unwrap().to_owned())
    };
    functions(&template).unwrap().into_iter().map(|(name, id)| (name, version(&id))).collect()
}

/// SAM makes no new version when the value of a parameter changes, neither where the parameter is written nor where it
/// decides a condition. CloudFormation makes one when the description changes, so the values are in the description. A
/// description that changes while the function does not is as bad: Lambda makes no second version of the same function.
#[test]
fn a_versions_description_changes_when_the_function_does_and_only_then() {
    let template = template();
    let mut cases = Vec::new();
    for domain in ["", "edge.example"] {
        let base =
            Parameters::from([("RestoredTable", "none"), ("EdgeDomain", domain)].map(|(k, v)| (k.into(), v.into())));
        cases.push(base.clone());
        for (name, _) in template.section("Parameters") {
            let mut other = base.clone();
            other.insert(name.to_owned(), "another value".into());
            cases.push(other);
        }
    }
    let made: Vec<_> = cases.iter().map(|given| versions(&template, given)).collect();
    for (first, one) in made.iter().enumerate() {
        for (second, two) in made.iter().enumerate().skip(first) {
            for (name, (function, description)) in one {
                let (other_function, other_description) = &two[name];
                let (same, said) = (function == other_function, description == other_description);
                assert_eq!(same, said, "{name}: {:?} and {:?}: {description}", cases[first], cases[second]);
            }
        }
    }
    for (name, (function, description)) in &made[0] {
        assert_eq!(
            function[0]["Environment"]["Variables"]["TABLE_NAME"],
            json!({ "Fn::GetAtt": ["TableInUse", "Value"] })
        );
        assert!(description.contains("${TableInUse.Value}"), "{name}: {description}");
    }
}

/// Lambda takes 256 characters. A restored table of the stack with the longest name has 63.
#[test]
fn a_versions_description_is_never_too_long() {
    let template = template();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let longest = template.section("Parameters").map(|(name, parameter)| {
        let allowed = parameter["AllowedValues"].as_array().into_iter().flatten().map(text);
        let most = parameter.get("MaxValue").map_or_else(|| "x".repeat(256), text);
        (name.to_owned(), allowed.max_by_key(String::len).unwrap_or(most).into())
    });
    for (name, (_, description)) in versions(&template, &longest.collect()) {
        let length = description.replace("${TableInUse.Value}", &"x".repeat(63)).len();
        assert!(length <= 256, "{name}: {length}: {description}");
    }
}

#[test]
fn every_log_has_an_end_and_a_form() {
    let template = template();
    for (name, id) in functions(&template).unwrap() {
        let function = template.resource(&id).unwrap();
        let of = |pointer| property(&template, function, pointer);
        assert_eq!(of("/LoggingConfig/LogFormat"), "JSON", "{name}");
        let (logs, metrics) =
            if name == "rfid-authorizer" { ("RfidAuthorizerLogs", &*name) } else { ("ManagementLogs", "api") };
        assert_eq!(of("/LoggingConfig/LogGroup"), &json!({ "Ref": logs }), "{name}");
        assert_eq!(of("/Environment/Variables/LOG_LEVEL"), &json!({ "Ref": "LogLevel" }), "{name}");
        let group = &template.resource(logs).unwrap()["Properties"];
        assert_eq!(group["LogGroupName"], json!({ "Fn::Sub": format!("/aws/lambda/${{AWS::StackName}}-{metrics}") }));
        // CloudWatch bills each value of a dimension: the authorizer has its own, the others share one.
        let expected = json!({ "Fn::Sub": format!("${{AWS::StackName}}-{metrics}") });
        assert_eq!(of("/Environment/Variables/METRICS_FUNCTION"), &expected, "{name}");
    }
    for (id, group) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{id}");
    }
    for (id, api) in template.of_type("AWS::Serverless::HttpApi") {
        let logs = &api["Properties"]["AccessLogSettings"];
        assert_eq!(logs["DestinationArn"], json!({ "Fn::GetAtt": ["ApiLogs", "Arn"] }), "{id}");
        let line: Value = serde_json::from_str(logs["Format"].as_str().unwrap()).unwrap();
        let secrets = ["header", "authorizer", "querystring", "body", "path"];
        assert!(!secrets.iter().any(|word| line.to_string().to_lowercase().contains(word)), "{line}");
    }
}

#[test]
fn the_table_survives_mistakes() {
    let template = template();
    let tables: Vec<_> = template.of_type("AWS::DynamoDB::Table").collect();
    let [("Table", table)] = tables[..] else { panic!("{tables:?}") };
    assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let properties = &table["Properties"];
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(properties["TimeToLiveSpecification"], json!({ "AttributeName": "expiresAt", "Enabled": true }));
    // With a fixed name, a second deployment would fail while the table of a deleted one is retained.
    assert!(properties.get("TableName").is_none());
}

#[test]
fn policies_name_what_they_allow() {
    let template = template();
    for (name, id) in functions(&template).unwrap() {
        let (role, logs) = match &*name {
            "rfid-authorizer" => (template.resource("RfidAuthorizerRole").unwrap().clone(), "RfidAuthorizerLogs"),
            _ => (template.nested(&format!("{id}Role")).unwrap().resource("Role").unwrap().clone(), "ManagementLogs"),
        };
        let trust = &role["Properties"]["AssumeRolePolicyDocument"];
        assert_eq!(trust["Statement"][0]["Principal"], json!({ "Service": "lambda.amazonaws.com" }), "{name}");
        let mut services = BTreeSet::new();
        for statement in statements(&template, &id).unwrap() {
            let text = statement["Action"].to_string();
            assert!(!text.contains('*'), "{name}: {text}");
            services.extend(
                text.split('"').filter_map(|action| action.split_once(':')).map(|(service, _)| service.to_owned()),
            );
            let expected = match statement["Sid"].as_str().unwrap() {
                "Log" => json!({ "Fn::GetAtt": [logs, "Arn"] }),
                "Trace" => "*".into(),
                // `Grant::of` checks the other statements.
                _ => continue,
            };
            assert_eq!(statement["Resource"], expected, "{name}");
        }
        let mut expected = BTreeSet::from(["dynamodb", "logs", "xray"].map(str::to_owned));
        if name == "console" {
            // Everybody may call it, and what it answers is part of its program.
            expected.remove("dynamodb");
        }
        assert_eq!(services, expected, "{name}");
    }
}

/// An organization's id has twelve characters. A grant on one kind of item must not match the keys of another kind, not even
/// when a tag or an Idempotency-Key looks like such a key.
#[test]
fn no_function_reaches_what_none_has_to() {
    let all = grants().unwrap();
    assert_eq!(all.len(), binaries().len());
    for (name, grants) in all {
        let allowed = |action: &str, partitions: &[&str], in_transaction| {
            grants.iter().any(|grant| grant.allows(action, partitions, in_transaction))
        };
        for action in ["BatchGetItem", "GetItem", "Query", "PutItem", "UpdateItem"] {
            assert!(!allowed(action, &["ORG"], true), "{name} reaches the list of organizations");
            assert!(!allowed(action, &[], true), "{name} needs no key");
            for good in ["ORG#abcdefghijkl", "ORG#abcdefghijkl#VEHICLE"] {
                assert!(!allowed(action, &[good, "ORG"], true), "{name}: one good key opens another");
            }
        }
        for action in ["DeleteItem", "PutItem", "UpdateItem"] {
            assert!(!allowed(action, &["ORG#abcdefghijkl"], true), "{name} makes, changes or deletes credentials");
            for partition in ["ORG#abcdefghijkl#ACCESS-ID", "ORG#abcdefghijkl#VEHICLE", "ORG#abcdefghijkl#CUSTOMER"] {
                assert!(!allowed(action, &[partition], false), "{name} writes outside a transaction");
            }
        }
        if name == "rfid-authorizer" {
            for kind in ["ACCESS-ID", "VEHICLE", "CUSTOMER", "REQUEST#VEHICLE#key"] {
                let partition = format!("ORG#abcdefghijkl#{kind}");
                assert!(!allowed("BatchGetItem", &[&partition], false), "it reads more than credentials and tags");
            }
        }
    }
}

#[test]
fn reading_functions_do_not_write_and_none_scans() {
    for (name, actions) in policies().unwrap() {
        let writes = ["create-", "update-", "put-", "delete-"].iter().any(|verb| name.starts_with(verb));
        assert_eq!(actions.contains("PutItem") || actions.contains("UpdateItem"), writes, "{name}");
        assert_eq!(actions.contains("DeleteItem"), name.starts_with("delete-"), "{name}");
        let known = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"];
        // What it may write, `the_authorizer_can_never_write_a_tag` says.
        assert_eq!(actions.contains("BatchWriteItem"), name == "rfid-authorizer", "{name}");
        let actions: Vec<_> = actions.iter().filter(|action| *action != "BatchWriteItem").collect();
        assert!(actions.iter().all(|action| known.contains(&action.as_str())), "{name}: {actions:?}");
    }
}

/// Unless told not to, cargo-lambda sets what the release profile leaves open, for example `panic = "abort"`. SAM's cache
/// does not notice changes under `shared/`.
#[test]
fn the_build_is_fresh_takes_the_profile_as_it_is_and_uses_one_version_of_its_tool() {
    let makefile = std::fs::read_to_string(workspace("infra/build/Makefile")).unwrap();
    assert!(makefile.contains("--disable-optimizations") && makefile.contains("--locked"));
    let tools = std::fs::read_to_string(workspace("tools/dev/src/tools.rs")).unwrap();
    let requirements = std::fs::read_to_string(workspace("infra/requirements/cargo-lambda.txt")).unwrap();
    let version = requirements.lines().find(|line| line.starts_with("cargo-lambda==")).unwrap();
    assert!(tools.contains(&format!("\"{version}\"")), "`cargo dev` and the deployment use different versions");
    let settings: toml::Table = std::fs::read_to_string(workspace("samconfig.toml")).unwrap().parse().unwrap();
    assert_eq!(settings["default"]["build"]["parameters"]["cached"].as_bool(), Some(false));
}
