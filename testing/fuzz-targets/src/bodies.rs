//! Bodies of the management API. What is right is what `openapi.json` says, so an assertion is here for all bodies at once,
//! and holds for a field that the API learns tomorrow.

use std::{collections::BTreeSet, fmt::Debug, sync::LazyLock};

use api::{
    Problems, access_ids,
    batch::{self, Batch},
    revocations, vehicles,
};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::requests::check_refusal;

/// The body of `POST /api/access-ids`.
pub fn new_access_id(data: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema("NewAccessIdRequest"));
    check(data, &SCHEMA, access_ids::parse_new);
}

/// The body of `PATCH /api/access-ids/{id}`.
pub fn access_id_update(data: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema("AccessIdUpdateRequest"));
    check(data, &SCHEMA, access_ids::parse_update);
}

/// The body of `POST /api/vehicles`.
pub fn new_vehicle(data: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema("NewVehicleRequest"));
    check(data, &SCHEMA, vehicles::parse_new);
}

/// The body of `PATCH /api/vehicles/{id}`.
pub fn vehicle_update(data: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema("VehicleUpdateRequest"));
    check(data, &SCHEMA, vehicles::parse_update);
}

/// The body of `POST /api/revocations`.
pub fn revocation(data: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema("RevocationRequest"));
    check(data, &SCHEMA, revocations::parse);
}

/// The body of `PUT /api/access-ids/batch`. What is wrong with one item stays with it there, and counts for the whole body here.
pub fn batch(data: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema("BatchRequest"));
    let parse = |body: &[u8]| batch::parse(body).and_then(Batch::all_or_nothing);
    // A body that is refused as a whole names nothing of its items. They are looked at once it is mended.
    if let Ok(mut body) = json(data)
        && let Err(problems) = batch::parse(body.to_string().as_bytes())
    {
        assert!(check_refusal(&problems) <= 32 * data.len() + 16 * 1024);
        assert!(!SCHEMA.is_valid(&body), "described, and refused as a whole: {body}");
        take_out(&mut body, "", &fields(problems));
        let mended = body.to_string();
        if batch::parse(mended.as_bytes()).is_ok() {
            return check(mended.as_bytes(), &SCHEMA, parse);
        }
    }
    check(data, &SCHEMA, parse);
}

/// One of the schemas of `openapi.json`.
fn schema(name: &str) -> Validator {
    let document = serde_json::from_str(include_str!("../../../openapi.json"));
    let mut document: Value = document.expect("openapi.json is JSON");
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    document["$ref"] = format!("#/components/schemas/{name}").into();
    jsonschema::options().build(&document).expect("openapi.json has the schema")
}

/// A body as a `Value`, which keeps one of the fields of one name.
fn json(data: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data))
}

type Parse<T> = fn(&[u8]) -> Result<T, Problems>;

/// A body is taken exactly if the document describes it, and what is wrong with it is named, all at once and nothing else.
fn check<T: PartialEq + Debug>(data: &[u8], schema: &Validator, parse: Parse<T>) {
    let read = parse(data);
    if let Err(problems) = &read {
        // Bodies may have 64 KiB, and Lambda takes answers of 6 MB.
        assert!(check_refusal(problems) <= 32 * data.len() + 16 * 1024);
    }
    let body = match json(data) {
        Ok(body) => body,
        // JSON, which a `Value` cannot hold.
        Err(error) if error.to_string().starts_with("number out of range") => return,
        Err(_) => return assert_eq!(read.err().map(fields), Some([String::new()].into()), "no JSON"),
    };
    // From here on no field is repeated, because a `Value` keeps one of them.
    let again = parse(format!("\u{feff}{body:#}").as_bytes());
    if read.is_ok() {
        assert_eq!(again, read, "the order of fields and the white space do not count");
    }
    match again {
        Ok(_) => {
            assert!(schema.is_valid(&body), "taken, and not described: {body}");
            check_accepted(&body, parse);
        }
        Err(problems) => check_refused(&body, &fields(problems), schema, parse),
    }
}

/// Every field of an accepted body is looked at.
fn check_accepted<T: PartialEq + Debug>(body: &Value, parse: Parse<T>) {
    const ADDED: &str = "added by the fuzz target";
    let refused = |body: String| parse(body.as_bytes()).err().map(fields).unwrap_or_default();
    let written = body.to_string();
    for place in places(body) {
        let Some(object) = body.pointer(&place.object) else { continue };
        let with = |name: &str, value: &Value| {
            let mut changed = body.clone();
            if let Some(object) = changed.pointer_mut(&place.object) {
                object[name] = value.clone();
            }
            changed.to_string()
        };
        let value = &object[&place.name];
        // A field that is null is one that was left out, to the rules that forbid two fields together.
        if !value.is_null() {
            let named = refused(with(&place.name, &json!([[]])));
            assert!(
                !named.is_empty() && named.iter().all(|field| field.starts_with(&place.path)),
                "{} may hold anything: {named:?}",
                place.path
            );
        }
        if !written.contains(ADDED) {
            let unknown = join(&place.object_path, ADDED);
            assert_eq!(refused(with(ADDED, value)), [unknown].into());
            let repeated = with(ADDED, value).replace(ADDED, &place.name);
            assert_eq!(refused(repeated), [place.path.clone()].into(), "repeated");
        }
    }
}

/// Once the fields that a refusal names are taken out, nothing is wrong but that some are missing.
fn check_refused<T>(body: &Value, named: &BTreeSet<String>, schema: &Validator, parse: Parse<T>) {
    if !body.is_object() {
        return assert_eq!(*named, [String::new()].into());
    }
    let is_text_or_number = |place: &Place| {
        let value = body.pointer(&place.object).map(|object| &object[&place.name]);
        value.is_some_and(|value| value.is_string() || value.is_number())
    };
    // The document says in words alone that a card takes no `vehicle`, and that `vehicle` and `vehicleId` exclude each other.
    let is_of_a_choice = |place: &Place| {
        let object = body.pointer(&place.object).unwrap_or(&Value::Null);
        match place.name.as_str() {
            "vehicle" => object["type"] == "RFID",
            "vehicleId" => object.get("vehicle").is_some(),
            _ => false,
        }
    };
    let places = places(body);
    if schema.is_valid(body) {
        // The document does not say all about tags and texts, and nothing about the precision of numbers.
        let known = |field: &String| {
            places.iter().any(|place| place.path == *field && (is_text_or_number(place) || is_of_a_choice(place)))
        };
        assert!(named.iter().all(known), "described, and refused for {named:?}: {body}");
    }
    let mut mended = body.clone();
    take_out(&mut mended, "", named);
    if let Err(problems) = parse(mended.to_string().as_bytes()) {
        // One that is null is left out.
        let is_null = |place: &Place| mended.pointer(&place.object).is_some_and(|object| object[&place.name].is_null());
        let left = self::places(&mended);
        let missing = |field: &String| left.iter().all(|place| place.path != *field || is_null(place));
        assert!(fields(problems).iter().all(missing), "not all that is wrong was named: {named:?} of {body}");
    }
}

/// Where a field stands.
struct Place {
    /// As problems name it.
    path: String,
    name: String,
    /// The object that holds it, as problems name it and as a JSON pointer.
    object_path: String,
    object: String,
}

fn places(body: &Value) -> Vec<Place> {
    fn collect(value: &Value, path: &str, pointer: &str, places: &mut Vec<Place>) {
        if let Value::Object(fields) = value {
            for (name, value) in fields {
                let (object_path, object) = (path.to_owned(), pointer.to_owned());
                let path = join(path, name);
                let escaped = name.replace('~', "~0").replace('/', "~1");
                collect(value, &path, &format!("{pointer}/{escaped}"), places);
                places.push(Place { path, name: name.clone(), object_path, object });
            }
        }
        for (at, element) in value.as_array().into_iter().flatten().enumerate() {
            collect(element, &format!("{path}[{at}]"), &format!("{pointer}/{at}"), places);
        }
    }
    let mut places = Vec::new();
    collect(body, "", "", &mut places);
    places
}

fn take_out(value: &mut Value, path: &str, named: &BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !named.contains(&join(path, name)));
            fields.iter_mut().for_each(|(name, value)| take_out(value, &join(path, name), named));
            // A list of which nothing is left is taken out too: some must not be empty.
            let is_emptied =
                |name: &str| named.iter().any(|field| field.starts_with(&format!("{}[", join(path, name))));
            fields.retain(|name, value| !(*value == json!([]) && is_emptied(name)));
        }
        Value::Array(elements) => {
            let elements_before = std::mem::take(elements).into_iter().enumerate();
            for (at, mut element) in elements_before {
                let path = format!("{path}[{at}]");
                if !named.contains(&path) {
                    take_out(&mut element, &path, named);
                    elements.push(element);
                }
            }
        }
        _ => {}
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn fields(problems: Problems) -> BTreeSet<String> {
    problems.0.into_iter().map(|problem| problem.field).collect()
}
