//! The document is in `openapi.json`, and what it says is so.

mod values;

use std::{cell::Cell, env, path::PathBuf, sync::LazyLock};

use api::{
    Problem, Problems,
    access_checks::{self, AccessCheckDocument},
    access_ids::{self, AccessIdDocument, AccessIdList},
    batch::{self, Batch},
    customers::CustomerList,
    revocations,
    rules::{self, RulesDocument},
    vehicles::{self, VehicleDocument, VehicleList},
};
use domain::{
    AccessIdType, Customer, Id, InvalidTag, InvalidText, NewAccessId, NewVehicleDetails, OcppIdTag, VehicleLink,
};
use jsonschema::Validator;
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use values::{texts, values};

fn workspace(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn openapi_json_is_up_to_date() {
    let document = document().to_pretty_json().unwrap() + "\n";
    let file = workspace("openapi.json");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &document).unwrap();
    }
    let is_up_to_date = fs::read_to_string(&file).unwrap_or_default() == document;
    assert!(is_up_to_date, "openapi.json is out of date: UPDATE_DOCS=1 cargo test -p openapi");
}

/// The document's operations, each with its path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    operations.collect()
}

#[test]
fn the_operations_are_the_routes() {
    let routed: BTreeSet<_> = functions::ROUTES
        .iter()
        .map(|route| (route.path.to_owned(), route.method.as_str().to_lowercase(), route.operation()))
        .collect();
    let document = serde_json::to_value(document()).unwrap();
    // An operation with servers of its own is no route of the API.
    let (webhooks, documented): (Vec<_>, Vec<_>) =
        operations(&document).into_iter().partition(|(.., operation)| operation["servers"].is_array());
    let documented: BTreeSet<_> = documented
        .into_iter()
        .map(|(path, method, operation)| {
            (path.into(), method.into(), operation["operationId"].as_str().unwrap().into())
        })
        .collect();
    assert_eq!(documented, routed);
    let webhooks: Vec<_> =
        webhooks.iter().map(|(path, method, webhook)| (*path, *method, &webhook["operationId"])).collect();
    assert_eq!(webhooks, [(WEBHOOK, "post", &json!("authorizeRfid"))]);
}

#[test]
fn every_operation_has_one_tag_which_the_document_explains() {
    let document = serde_json::to_value(document()).unwrap();
    let explained: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (path, method, operation) in operations(&document) {
        let tags = operation["tags"].as_array().unwrap();
        assert!(tags.len() == 1 && explained.contains(&&tags[0]), "{method} {path}: {tags:?}");
    }
    assert!(explained.iter().all(|name| !name.as_str().unwrap().contains(' ')), "{explained:?}");
}

/// The events of the authorizer show each of its answers that is not about the table.
#[test]
fn the_webhook_answers_as_the_document_says() {
    let document = serde_json::to_value(document()).unwrap();
    let documented = &document["paths"][WEBHOOK]["post"]["responses"];
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(Path::new(EVENTS).join("rfid-authorizer")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with(".answer.json") {
            continue;
        }
        let answer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut response = &documented[answer["status"].to_string()];
        if let Some(name) = response["$ref"].as_str() {
            response = document.pointer(&name[1..]).unwrap();
        }
        let schema = response["content"][JSON]["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{path:?}"));
        let mut body = answer["body"].clone();
        if body["requestId"].is_null() && body["code"].is_string() {
            body["requestId"] = json!("x");
        }
        assert_eq!(refusal(&answer_validator(schema.rsplit('/').next().unwrap()), &body), None, "{path:?}");
        seen.insert(answer["status"].as_u64().unwrap());
    }
    assert!(seen.is_superset(&BTreeSet::from([200, 400, 401, 403, 405])), "{seen:?}");
}

/// Checks values against one of the document's schemas.
fn validator(schema: &str) -> Validator {
    validator_of(serde_json::to_value(document()).unwrap(), schema)
}

/// The same for what the service answers today, which has no key that is not documented.
fn answer_validator(schema: &str) -> Validator {
    let mut document = serde_json::to_value(document()).unwrap();
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        if schema["properties"].is_object() && schema["additionalProperties"].is_null() {
            schema["additionalProperties"] = json!(false);
        }
    }
    validator_of(document, schema)
}

fn validator_of(mut document: Value, schema: &str) -> Validator {
    document["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    document["$ref"] = json!(format!("#/components/schemas/{schema}"));
    jsonschema::options().should_validate_formats(true).build(&document).unwrap()
}

fn refusal(validator: &Validator, value: &Value) -> Option<String> {
    let errors: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    (!errors.is_empty()).then(|| errors.join("\n"))
}

/// Reads a body with the reader of this schema.
fn read(schema: &str, body: &Value) -> Result<(), Problems> {
    let body = body.to_string();
    match schema {
        "NewAccessIdRequest" => access_ids::parse_new(body.as_bytes()).map(|_| ()),
        "AccessIdUpdateRequest" => access_ids::parse_update(body.as_bytes()).map(|_| ()),
        "NewVehicleRequest" => vehicles::parse_new(body.as_bytes()).map(|_| ()),
        "VehicleUpdateRequest" => vehicles::parse_update(body.as_bytes()).map(|_| ()),
        "RulesRequest" => rules::parse(body.as_bytes()).map(|_| ()),
        "RevocationRequest" => revocations::parse(body.as_bytes()).map(|_| ()),
        "BatchRequest" => batch::parse(body.as_bytes()).and_then(Batch::all_or_nothing).map(|_| ()),
        "AccessCheckRequest" => access_checks::parse(body.as_bytes()).map(|_| ()),
        _ => panic!("{schema}"),
    }
}

#[test]
fn the_examples_keep_to_the_document() {
    let document = serde_json::to_value(document()).unwrap();
    let mut seen = 0;
    let mut check = |content: &Value, is_request: bool| {
        let Some(schema) = content["schema"]["$ref"].as_str().and_then(|schema| schema.rsplit('/').next()) else {
            return;
        };
        for (name, example) in content["examples"].as_object().into_iter().flatten() {
            seen += 1;
            assert_eq!(refusal(&answer_validator(schema), &example["value"]), None, "{schema}: {name}");
            if is_request && schema != "RfidRequest" {
                assert_eq!(read(schema, &example["value"]), Ok(()), "{schema}: {name}");
            }
        }
    };
    for (.., operation) in operations(&document) {
        check(&operation["requestBody"]["content"][JSON], true);
        for response in operation["responses"].as_object().unwrap().values() {
            check(&response["content"][JSON], false);
        }
    }
    for response in document["components"]["responses"].as_object().unwrap().values() {
        check(&response["content"][JSON], false);
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn answers_keep_to_the_document() {
    let now = chrono::DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
    let id = |number| Id::new(number).unwrap();
    let [vehicle, card] = [AccessIdType::Vehicle, AccessIdType::Rfid].map(|kind| {
        let link = match kind {
            AccessIdType::Vehicle => VehicleLink::New(NewVehicleDetails::default()),
            AccessIdType::Rfid => VehicleLink::None,
        };
        let new = NewAccessId {
            tag: OcppIdTag::normalize("~`^_{|}[]@!Z").unwrap(),
            kind,
            name: domain::Name::new(&"🚗".repeat(200)).unwrap(),
            status: domain::AuthorizationStatus::Revoked,
            vehicle: link,
            customer: (kind == AccessIdType::Vehicle).then(|| Customer::new(&"\u{1d160}".repeat(200)).unwrap()),
        };
        new.create(id(Id::MAX), id(1), None, now).unwrap()
    });
    let page = |next_cursor: Option<&str>| store::Page {
        records: vec![vehicle.clone(), card.clone()],
        next_cursor: next_cursor.map(str::to_owned),
    };
    let of_vehicle = vehicle.vehicle.clone().unwrap();
    let vehicles = store::Page { records: vec![of_vehicle.clone()], next_cursor: None };
    let customers = store::Page { records: vec![vehicle.access_id.customer.clone().unwrap()], next_cursor: None };
    let label = domain::AccessIdLabel { id: id(1), name: "x".to_owned(), kind: AccessIdType::Rfid };
    let check = access_checks::parse(br#"{"accessCheck": {"ocppIdTag": " 7186A61E"}}"#).unwrap();
    let near_misses = domain::near_misses(&check.tag().unwrap());
    let near_misses = near_misses.into_iter().map(|near_miss| (near_miss, label.clone())).collect();
    let checked = check.answer(None, None, near_misses, now);
    for (schema, answer) in [
        ("AccessIdDocument", json!(AccessIdDocument::new(&vehicle))),
        ("AccessIdDocument", json!(AccessIdDocument::new(&card))),
        ("AccessIdList", json!(AccessIdList::new(&page(None)))),
        ("AccessIdList", json!(AccessIdList::new(&page(Some("x"))))),
        ("VehicleDocument", json!(VehicleDocument::new(&of_vehicle))),
        ("VehicleList", json!(VehicleList::new(&vehicles))),
        ("CustomerList", json!(CustomerList::new(&customers))),
        ("RulesDocument", json!(RulesDocument::new(&domain::Rules::default()))),
        ("AccessCheckDocument", json!(AccessCheckDocument::new(&checked))),
    ] {
        assert_eq!(refusal(&answer_validator(schema), &answer), None, "{answer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_text_is_read_if_the_document_says_so(text in texts()) {
        static SCHEMAS: LazyLock<[Validator; 4]> =
            LazyLock::new(|| ["GivenText64", "GivenText100", "GivenText200", "GivenTag"].map(validator));
        let [is_64, is_100, is_200, is_tag] = SCHEMAS.each_ref().map(|schema| schema.is_valid(&json!(text)));
        for (is_documented, read) in [
            (is_64, domain::Vin::new(&text).err()),
            (is_100, domain::Make::new(&text).err()),
            (is_200, domain::Name::new(&text).err()),
        ] {
            let refused = read.filter(|reason| !TEXT_UNSAYABLE.contains(reason));
            prop_assert!(is_documented || read.is_some());
            prop_assert!(!is_documented || refused.is_none(), "{refused:?}");
        }
        let read = OcppIdTag::normalize(&text).err();
        let refused = read.filter(|reason| !TAG_UNSAYABLE.contains(reason));
        prop_assert!(is_tag || read.is_some());
        prop_assert!(!is_tag || refused.is_none(), "{refused:?}");
    }
}

/// Why a text may be refused that the document allows: to say what can be seen, a pattern would list thousands of characters, and
/// it has no common spelling for those above U+FFFF.
const TEXT_UNSAYABLE: [InvalidText; 2] = [InvalidText::Blank, InvalidText::Noncharacter];

/// Why a tag may be refused that the document allows: patterns that exclude are not in every language.
const TAG_UNSAYABLE: [InvalidTag; 2] = [InvalidTag::FailedRead, InvalidTag::Spreadsheet];

/// Why a body may be refused that the document allows.
fn is_unsayable(problem: &Problem) -> bool {
    let texts = TEXT_UNSAYABLE.iter().map(ToString::to_string).chain(TAG_UNSAYABLE.iter().map(ToString::to_string));
    // docs/decisions/0030
    let choice = ["is for the type Vehicle alone", "cannot be given together with vehicle"].map(str::to_owned);
    let others = ["is not a cursor that was handed out for this revocation"];
    problem.message.starts_with("is the same tag as ")
        || texts.chain(choice).chain(others.map(str::to_owned)).any(|reason| problem.message == reason)
}

#[test]
fn a_body_is_read_if_the_document_says_so() {
    let schemas = [
        "AccessCheckRequest",
        "BatchRequest",
        "RulesRequest",
        "RevocationRequest",
        "NewAccessIdRequest",
        "AccessIdUpdateRequest",
        "NewVehicleRequest",
        "VehicleUpdateRequest",
    ];
    std::thread::scope(|threads| schemas.map(|schema| drop(threads.spawn(move || bodies_of(schema)))));
}

fn bodies_of(schema: &str) {
    let (document, validator) = (serde_json::to_value(document()).unwrap(), validator(schema));
    let bodies = values(&document, &document["components"]["schemas"][schema]);
    let outcomes = Cell::new([0_u32; 2]);
    // Of a list each element has to be right.
    let cases = if schema == "BatchRequest" { 4_000 } else { 1_000 };
    let mut runner = TestRunner::new(ProptestConfig::with_cases(cases));
    let agree = runner.run(&bodies, |body| {
        let documented = refusal(&validator, &body);
        let is_read = match read(schema, &body) {
            Ok(()) => true,
            // what no schema can say: lengths in bytes, where a pattern has its star, and what `is_unsayable` knows
            Err(problems)
                if documented.is_none()
                    && problems.0.iter().all(|problem| {
                        is_unsayable(problem)
                            || [" bytes ", "\"*\""].iter().any(|words| problem.message.contains(words))
                    }) =>
            {
                return Ok(());
            }
            Err(_) => false,
        };
        let mut counted = outcomes.get();
        counted[usize::from(is_read)] += 1;
        outcomes.set(counted);
        prop_assert_eq!(documented.is_none(), is_read, "{:?}", documented);
        Ok(())
    });
    agree.unwrap();
    assert!(outcomes.get().iter().all(|times| *times > 100), "{schema}: a test of little: {outcomes:?}");
}
