//! What a workflow on GitHub can do, and what its roles in AWS can do with it.

use std::path::Path;

use deployment::{Statement, Template};
use serde_json::{Value, json};

const WORKFLOWS: [&str; 4] = ["advisories", "deploy", "deploy-stage", "gate"];

fn workflow(name: &str) -> Value {
    Template::read(format!(".github/workflows/{name}.yml")).unwrap().value
}

fn jobs(name: &str) -> Vec<(String, Value)> {
    workflow(name)["jobs"].as_object().unwrap().iter().map(|(id, job)| (id.clone(), job.clone())).collect()
}

/// The commands that a job runs, and the actions that it uses.
fn steps(job: &Value, key: &str) -> Vec<String> {
    let steps = job["steps"].as_array().cloned().unwrap_or_default();
    steps.iter().filter_map(|step| Some(step[key].as_str()?.to_owned())).collect()
}

#[test]
fn every_workflow_is_looked_at_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, WORKFLOWS);
}

/// A tag of somebody else's repository can be moved, a commit cannot.
#[test]
fn actions_are_named_by_commit() {
    for name in WORKFLOWS {
        for (id, job) in jobs(name) {
            for action in steps(&job, "uses") {
                let (_, version) = action.split_once('@').unwrap();
                let is_commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(is_commit, "{name}, {id}: {action}");
            }
        }
    }
}

/// `id-token: write` lets everything that runs in a job get the token that AWS trusts, the build script of any dependency
/// included. So the job that has it compiles nothing, and what it deploys was compiled in another.
#[test]
fn no_job_that_compiles_can_get_the_token_that_aws_trusts() {
    for name in WORKFLOWS {
        assert_eq!(workflow(name)["permissions"], json!({ "contents": "read" }), "{name}");
        for (id, job) in jobs(name) {
            let has_token = job["permissions"].get("id-token").is_some();
            let runs = steps(&job, "run").join("\n");
            let compiles = ["cargo", "sam build", "make ", ".ci/run", "rustup"].iter().any(|word| runs.contains(word));
            assert!(!(has_token && compiles), "{name}: {id}");
            // Those of deploy.yml that have it hand it to deploy-stage.yml, where one job asks for it.
            let expected =
                (name, &*id) == ("deploy-stage", "deploy") || job["uses"] == "./.github/workflows/deploy-stage.yml";
            assert_eq!(has_token, expected, "{name}: {id}");
        }
    }
    let deploy = &workflow("deploy-stage")["jobs"]["deploy"];
    let runs = steps(deploy, "run").join("\n");
    assert!(runs.contains("--only-binary :all:"), "a source package runs code when it is installed");
    assert!(runs.contains("--role-arn \"$EXECUTION_ROLE\"") && runs.contains("--config-env \"$STAGE\""));
    // SAM looks for samconfig.toml in the folder of a template that is named. Without one it takes what was built.
    assert!(!runs.contains("--template"), "SAM would not find the stack's name: {runs}");
}

#[test]
fn production_follows_a_smoke_test_of_staging_and_has_its_own() {
    let deploy = workflow("deploy");
    let needs = |job: &str| deploy["jobs"][job]["needs"].clone();
    assert_eq!(needs("build"), json!(["gate", "advisories"]));
    assert_eq!(needs("staging"), "build");
    assert_eq!(needs("production"), "staging");
    for (job, stage) in [("staging", "staging"), ("production", "prod")] {
        assert_eq!(deploy["jobs"][job]["with"], json!({ "stage": stage }));
    }
    let smoke = &workflow("deploy-stage")["jobs"]["smoke"];
    assert_eq!(smoke["needs"], "deploy");
    assert_eq!(
        steps(smoke, "run"),
        ["python3 testing/checks/smoke.py --api-url \"$API_URL\" --rfid-url \"$RFID_URL\""]
    );
}

fn role(id: &str) -> Vec<Statement> {
    let template = Template::read("infra/pipeline-role.yaml").unwrap();
    let policies = &template.resource(id).unwrap()["Properties"]["Policies"];
    policies[0]["PolicyDocument"]["Statement"].as_array().unwrap().clone()
}

fn actions(statement: &Statement) -> Vec<String> {
    match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        other => serde_json::from_value(other.clone()).unwrap(),
    }
}

/// Whoever holds the pipeline's roles can neither read the table nor delete it, nor make a role that can do more than the
/// boundary says, nor change the boundary or these roles.
#[test]
fn the_pipelines_roles_change_one_stack_and_no_more() {
    for id in ["Deploy", "Execution"] {
        for statement in role(id) {
            let actions = actions(&statement);
            if statement["Effect"] == "Deny" {
                continue;
            }
            for action in &actions {
                let data = ["GetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "Batch", "DeleteTable"];
                let touches = action.starts_with("dynamodb:")
                    && (action.contains('*') || data.iter().any(|part| action.contains(part)));
                assert!(!touches, "{id}: {action}");
            }
            // Without a name in the resource there is a condition, or no data behind it.
            let resource = statement["Resource"].to_string();
            let is_named = resource.contains("${Service}") || resource.contains("Execution");
            let expected = ["Api", "Edge", "Key", "NewKey", "Unnamed"];
            let sid = statement["Sid"].as_str().unwrap();
            assert!(
                is_named || expected.contains(&sid) || sid == "FindTheBucket" || sid == "LookIntoTheBucket",
                "{sid}"
            );
        }
    }
    let execution = role("Execution");
    let of = |sid: &str| execution.iter().find(|statement| statement["Sid"] == sid).unwrap();
    let boundary = json!({ "StringEquals": { "iam:PermissionsBoundary": { "Ref": "Boundary" } } });
    assert_eq!(of("BoundedRoles")["Condition"], boundary);
    for statement in &execution {
        let makes = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"];
        let bounded = statement["Sid"] == "BoundedRoles" || statement["Effect"] == "Deny";
        assert!(bounded || !actions(statement).iter().any(|action| makes.contains(&action.as_str())), "{statement}");
    }
    let denied = of("NotThePipelinesOwn");
    assert_eq!((&denied["Effect"], &denied["Action"]), (&json!("Deny"), &json!("iam:*")));
    for own in ["role/${Service}-*-deploy", "role/${Service}-*-execution", "policy/${Service}-*-boundary"] {
        assert!(denied["Resource"].to_string().contains(own), "{own}");
    }
}

/// Dashboards, budgets, roles and policies have one list of names for all regions of an account. A stack that has to come back
/// in another region finds the names of the lost one still taken.
#[test]
fn what_has_one_name_in_an_account_is_named_after_the_region() {
    let names = [
        ("AWS::CloudWatch::Dashboard", "/DashboardName", 255),
        ("AWS::Budgets::Budget", "/Budget/BudgetName", 100),
        ("AWS::IAM::Role", "/RoleName", 64),
        ("AWS::IAM::ManagedPolicy", "/ManagedPolicyName", 128),
    ];
    let mut seen = 0;
    for path in
        ["template.yaml", "infra/canary.yaml", "infra/dashboard.yaml", "infra/pipeline-role.yaml", "infra/role.yaml"]
    {
        let template = Template::read(path).unwrap();
        for (kind, pointer, most) in names {
            for (id, resource) in template.of_type(kind) {
                let Some(name) = resource["Properties"].pointer(pointer) else { continue };
                let name = name["Fn::Sub"].as_str().unwrap_or_else(|| panic!("{path}: {id}: {name}"));
                assert!(name.contains("${AWS::Region}"), "{path}: {id}: {name}");
                let longest =
                    name.replace("${Service}", "charge-access-staging").replace("${AWS::Region}", "ap-southeast-1");
                assert!(longest.len() <= most, "{path}: {id}: {longest}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 5);
}

/// What the functions' roles need is inside the boundary, so that a stack with it works.
#[test]
fn the_boundary_allows_what_the_functions_are_granted() {
    let template = Template::read("infra/pipeline-role.yaml").unwrap();
    let boundary = &template.resource("Boundary").unwrap()["Properties"]["PolicyDocument"]["Statement"];
    let allowed: Vec<String> = boundary.as_array().unwrap().iter().flat_map(actions).collect();
    for (function, needed) in deployment::policies().unwrap() {
        for action in needed {
            assert!(allowed.contains(&format!("dynamodb:{action}")), "{function}: {action}");
        }
    }
    let canary = Template::read("infra/canary.yaml").unwrap();
    let own = canary.resource("Role").unwrap()["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].clone();
    for action in own.as_array().unwrap().iter().flat_map(actions) {
        assert!(allowed.contains(&action), "canary: {action}");
    }
    assert!(
        !allowed.iter().any(|action| action.contains('*') || action.starts_with("iam:") || action.ends_with("Scan"))
    );
}

/// Every role of the stack takes the boundary, or the pipeline could not make it.
#[test]
fn every_role_of_the_stack_takes_the_boundary() {
    for path in ["template.yaml", "infra/canary.yaml", "infra/role.yaml"] {
        let template = Template::read(path).unwrap();
        for (id, role) in template.of_type("AWS::IAM::Role") {
            let boundary = &role["Properties"]["PermissionsBoundary"]["Fn::If"];
            assert_eq!(boundary[2], json!({ "Ref": "AWS::NoValue" }), "{path}: {id}");
        }
        for (id, stack) in template.of_type("AWS::CloudFormation::Stack") {
            let nested = stack["Properties"]["TemplateURL"].as_str().unwrap();
            if Template::read(nested).unwrap().of_type("AWS::IAM::Role").next().is_some() {
                assert_eq!(
                    stack["Properties"]["Parameters"]["Boundary"],
                    json!({ "Ref": "PermissionsBoundary" }),
                    "{id}"
                );
            }
        }
    }
}
