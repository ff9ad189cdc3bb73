//! The document is in `openapi.json`, and what it says is so.

use std::{cell::Cell, env, path::PathBuf, sync::LazyLock};

use api::{
    access_checks::{self, AccessCheckDocument},
    access_ids::{self, AccessIdDocument, AccessIdList},
    customers::CustomerList,
    rules::{self, RulesDocument},
    vehicles::{self, VehicleDocument, VehicleList},
};
use domain::{AccessIdType, Customer, Id, NewAccessId, NewVehicleDetails, OcppIdTag, VehicleLink};
use jsonschema::Validator;
use proptest::{prelude::*, sample::select, strategy::Union, test_runner::TestRunner};

use super::*;

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

#[test]
fn the_operations_are_the_routes() {
    let routed: BTreeSet<_> = functions::ROUTES
        .iter()
        .map(|route| (route.path.to_owned(), route.method.as_str().to_lowercase(), operation_id(route.function)))
        .collect();
    let document = serde_json::to_value(document()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            documented.insert((path.clone(), method.clone(), operation["operationId"].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(documented, routed);
}

/// Checks values against one of the document's schemas.
fn validator(schema: &str) -> Validator {
    let mut document = serde_json::to_value(document()).unwrap();
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
            assert_eq!(refusal(&validator(schema), &example["value"]), None, "{schema}: {name}");
            if is_request {
                assert_eq!(read(schema, &example["value"]), Ok(()), "{schema}: {name}");
            }
        }
    };
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
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
        assert_eq!(refusal(&validator(schema), &answer), None, "{answer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_text_is_read_if_the_document_says_so(text in texts()) {
        static SCHEMAS: LazyLock<[Validator; 4]> =
            LazyLock::new(|| ["GivenText64", "GivenText100", "GivenText200", "GivenTag"].map(validator));
        let [is_64, is_100, is_200, is_tag] = SCHEMAS.each_ref().map(|schema| schema.is_valid(&json!(text)));
        prop_assert_eq!(is_64, domain::Vin::new(&text).is_ok());
        prop_assert_eq!(is_100, domain::Make::new(&text).is_ok());
        prop_assert_eq!(is_200, domain::Name::new(&text).is_ok());
        prop_assert_eq!(is_tag, OcppIdTag::normalize(&text).is_ok());
    }
}

#[test]
fn a_body_is_read_if_the_document_says_so() {
    for schema in [
        "AccessCheckRequest",
        "RulesRequest",
        "NewAccessIdRequest",
        "AccessIdUpdateRequest",
        "NewVehicleRequest",
        "VehicleUpdateRequest",
    ] {
        let (document, validator) = (serde_json::to_value(document()).unwrap(), validator(schema));
        let bodies = values(&document, &document["components"]["schemas"][schema]);
        let outcomes = Cell::new([0_u32; 2]);
        let mut runner = TestRunner::new(ProptestConfig::with_cases(1_000));
        let agree = runner.run(&bodies, |body| {
            let documented = refusal(&validator, &body);
            let is_read = match read(schema, &body) {
                Ok(()) => true,
                // what no schema can say: tags that are the same, lengths in bytes, where a pattern has its star
                Err(problems)
                    if problems.0.iter().all(|problem| {
                        ["same tag", " bytes ", "\"*\""].iter().any(|words| problem.message.contains(words))
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
}

/// Texts at the borders of what is a text and a tag.
fn texts() -> impl Strategy<Value = String> {
    let long =
        (select(&[1, 2, 36, 37, 63, 64, 65, 99, 100, 101, 199, 200, 201][..]), select(&["a", "é", "🚗", " "][..]));
    let long = long.prop_map(|(length, character)| character.repeat(length));
    let odd = select(
        &["", " ", "\u{a0}", "\u{2003}", "\u{2028}", "\u{3000}", "\u{feff}", "\t", "\u{85}", "\u{7f}", "\u{200b}"][..],
    );
    let pairs = |count| prop::collection::vec("[0-9A-Fa-f]{2}", count);
    let pairs = (
        select(&["", "vid:", "VID:", "x:"][..]),
        prop_oneof![pairs(6..=6), pairs(1..=20)],
        select(&[":", "-", " ", ""][..]),
    );
    let pairs = pairs.prop_map(|(prefix, pairs, separator)| format!("{prefix}{}", pairs.join(separator)));
    let core = prop_oneof![3 => "[!-~]{1,36}", 1 => long, 2 => pairs, 1 => "[a-fA-F0-9:vVidD -]{0,40}", 1 => "\\PC{0,8}", 1 => any::<String>()];
    (odd.clone(), core, odd).prop_map(|(before, core, after)| match core.len() % 3 {
        0 => format!("{before}{core}{after}"),
        _ => core,
    })
}

/// Values that keep to a schema, and now and then do not.
fn values(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let null = || Just(Value::Null).boxed();
    let union = |parts: &Value| {
        let parts = parts.as_array().unwrap().iter().map(|part| values(document, part));
        Union::new(parts).boxed()
    };
    if let Some(name) = schema["$ref"].as_str() {
        return values(document, document.pointer(&name[1..]).unwrap());
    } else if schema["allOf"].is_array() {
        return values(document, &schema["allOf"][0]);
    } else if schema["oneOf"].is_array() {
        return union(&schema["oneOf"]);
    } else if let Some(words) = schema["enum"].as_array() {
        return prop_oneof![20 => select(words.clone()), 1 => Just(json!("vehicle"))].boxed();
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let typed = |kind: &Value| match kind.as_str() {
        Some("null") => null(),
        Some("integer") => select(&[1, 20, Id::MAX, 0, Id::MAX + 1, u64::MAX][..]).prop_map(Value::from).boxed(),
        Some("string") => {
            prop_oneof![4 => "[a-z]{1,9}".prop_map(Value::from), 1 => texts().prop_map(Value::from)].boxed()
        }
        Some("array") => prop::collection::vec(values(document, &schema["items"]), 0..4).prop_map(Value::from).boxed(),
        _ => {
            let nothing = Just(Vec::new()).boxed();
            let fields = schema["properties"].as_object().unwrap().iter().fold(nothing, |fields, (name, field)| {
                let name = name.clone();
                let odd = prop_oneof![null(), Just(json!({})), Just(json!([])), Just(json!(1.5)), Just(json!(true))];
                let is_required = schema["required"].as_array().is_some_and(|required| required.contains(&json!(name)));
                let absent = if is_required { 1 } else { 20 };
                let value = prop_oneof![40 => values(document, field).prop_map(Some), 1 => odd.prop_map(Some), absent => Just(None)];
                (fields, value).prop_map(move |(mut fields, value)| {
                    fields.extend(value.map(|value| (name.clone(), value)));
                    fields
                }).boxed()
            });
            // Among them what the reader might take and the document forgets: a field that is shown elsewhere.
            let schemas = document["components"]["schemas"].as_object().unwrap().values();
            let properties = schemas.filter_map(|schema| schema["properties"].as_object());
            let names: BTreeSet<_> = properties.flat_map(|properties| properties.keys().cloned()).collect();
            let unknown = prop::option::weighted(0.1, select(names.into_iter().collect::<Vec<_>>()));
            (fields, unknown)
                .prop_map(|(fields, unknown)| {
                    let unknown = unknown.map(|name| (name, json!("x")));
                    fields.into_iter().chain(unknown).collect()
                })
                .boxed()
        }
    };
    Union::new(types.iter().map(typed)).boxed()
}
