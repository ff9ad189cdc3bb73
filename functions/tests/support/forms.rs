//! The forms of the contract's records, as answers show them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The object. Checks that it has these keys and no others.
#[track_caller]
pub fn object<'a>(value: &'a Value, keys: &[&str]) -> &'a Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(found, keys.iter().copied().collect(), "{value:#}");
    object
}

pub fn check_access_id(value: &Value, is_listed: bool) {
    let mut keys = vec!["id", "ocppIdTag", "type", "name", "authorizationStatus", "authorizedAt", "revokedAt"];
    keys.extend(["createdAt", "updatedAt", "vehicle"]);
    keys.extend((!is_listed).then_some("customer"));
    let access_id = object(value, &keys);
    check_id(&access_id["id"]);
    check_tag(&access_id["ocppIdTag"]);
    assert!(is_one_of(&access_id["type"], &["RFID", "Vehicle"]) && is_text(&access_id["name"]), "{value:#}");
    let is_revoked = access_id["authorizationStatus"] == "Revoked";
    assert!(is_revoked || access_id["authorizationStatus"] == "Authorized", "{value:#}");
    assert_eq!(access_id["revokedAt"].is_string(), is_revoked, "{value:#}");
    // Times of this form are in the order of their texts.
    let time = |name: &str| check_time(&access_id[name]);
    assert!(time("createdAt") <= time("authorizedAt") && time("authorizedAt") <= time("updatedAt"), "{value:#}");
    if is_revoked {
        assert!(time("authorizedAt") <= time("revokedAt") && time("revokedAt") <= time("updatedAt"), "{value:#}");
    }
    if !access_id["vehicle"].is_null() {
        assert_eq!(access_id["type"], "Vehicle", "{value:#}");
        let vehicle = object(&access_id["vehicle"], &["id", "make", "model", "name", "vin"]);
        check_id(&vehicle["id"]);
        assert!(is_text(&vehicle["name"]), "{value:#}");
        check_optional_texts(vehicle, &["make", "model", "vin"]);
    }
    if !is_listed {
        check_customer(&access_id["customer"]);
    }
}

/// Why a tag may not charge.
pub const REASONS: [&str; 6] = ["unknown", "revoked", "unreadable", "not_yet_valid", "expired", "not_here"];

pub fn check_label(value: &Value) {
    let access_id = object(value, &["id", "name", "type"]);
    check_id(&access_id["id"]);
    assert!(is_text(&access_id["name"]) && is_one_of(&access_id["type"], &["RFID", "Vehicle"]), "{value}");
}

pub fn check_decision(value: &Value) {
    let keys =
        ["id", "decidedAt", "type", "chargeBox", "ocppIdTag", "receivedId", "authorized", "reason", "ocppStatus"];
    let decision = object(value, &[&keys[..], &["accessId", "requestId"]].concat());
    check_id(&decision["id"]);
    check_time(&decision["decidedAt"]);
    assert!(is_one_of(&decision["type"], &["authorize", "start"]), "{value:#}");
    assert!(decision["chargeBox"].is_string() && decision["receivedId"].is_string(), "{value:#}");
    let reason = &decision["reason"];
    assert_eq!(decision["authorized"], reason.is_null(), "{value:#}");
    assert!(reason.is_null() || is_one_of(reason, &REASONS), "{value:#}");
    assert_eq!(decision["ocppStatus"] == "Accepted", reason.is_null(), "{value:#}");
    assert!(decision["requestId"].as_str().is_some_and(|id| id.len() == 36), "{value:#}");
    match &decision["ocppIdTag"] {
        Value::Null => assert_eq!(reason, "unknown", "{value:#}"),
        tag => check_tag(tag),
    }
    match &decision["accessId"] {
        Value::Null => assert!(is_one_of(reason, &["unknown", "unreadable"]), "{value:#}"),
        label => check_label(label),
    }
}

pub fn check_unknown_tag(value: &Value) {
    let mut keys = vec!["ocppIdTag", "receivedId", "lastSeenAt", "chargeBox", "type", "looksLike", "accessId"];
    if value.get("seen").is_some() {
        keys.extend(["firstSeenAt", "seen", "nearMisses", "pairedWith"]);
        assert!(check_time(&value["firstSeenAt"]) <= check_time(&value["lastSeenAt"]), "{value:#}");
        assert!(value["seen"].as_u64().is_some_and(|seen| seen > 0), "{value:#}");
        for near_miss in value["nearMisses"].as_array().unwrap() {
            let near_miss = object(near_miss, &["ocppIdTag", "how", "accessId"]);
            check_tag(&near_miss["ocppIdTag"]);
            check_label(&near_miss["accessId"]);
        }
    }
    let unknown = object(value, &keys);
    check_tag(&unknown["ocppIdTag"]);
    check_time(&unknown["lastSeenAt"]);
    assert!(is_one_of(&unknown["type"], &["authorize", "start"]), "{value:#}");
    assert!(is_one_of(&unknown["looksLike"], &["RFID", "Vehicle"]), "{value:#}");
    for label in [Some(&unknown["accessId"]), unknown.get("pairedWith")].into_iter().flatten() {
        if !label.is_null() {
            check_label(label);
        }
    }
}

pub fn check_vehicle(value: &Value) {
    let keys = ["id", "name", "make", "model", "vin", "licensePlate", "hasTelematics", "customer", "accessIds"];
    let vehicle = object(value, &keys);
    check_id(&vehicle["id"]);
    assert!(is_text(&vehicle["name"]), "{value:#}");
    check_optional_texts(vehicle, &["make", "model", "vin", "licensePlate"]);
    assert_eq!(vehicle["hasTelematics"], false, "{value:#}");
    check_customer(&vehicle["customer"]);
    let access_ids = vehicle["accessIds"].as_array().unwrap();
    assert!(access_ids.is_sorted_by(|a, b| a["id"].as_u64() < b["id"].as_u64()), "{value:#}");
    for access_id in access_ids {
        let access_id = object(access_id, &["id", "ocppIdTag", "authorizationStatus"]);
        check_id(&access_id["id"]);
        check_tag(&access_id["ocppIdTag"]);
        assert!(is_one_of(&access_id["authorizationStatus"], &["Authorized", "Revoked"]), "{value:#}");
    }
}

pub fn check_change(value: &Value) {
    let change = object(value, &["id", "changedAt", "credentialId", "requestId", "operation", "subjects"]);
    check_id(&change["id"]);
    check_time(&change["changedAt"]);
    let credential = change["credentialId"].as_str().unwrap();
    assert!(credential.len() == 29 && credential.as_bytes()[12] == b'.', "{value:#}");
    assert!(is_text(&change["requestId"]) && is_text(&change["operation"]), "{value:#}");
    for subject in change["subjects"].as_array().unwrap() {
        let subject = object(subject, &["kind", "id", "fields"]);
        assert!(is_one_of(&subject["kind"], &["accessId", "vehicle"]), "{value:#}");
        check_id(&subject["id"]);
        let fields = subject["fields"].as_object().unwrap();
        let differ =
            |values: &Value| values.as_array().is_some_and(|values| values.len() == 2 && values[0] != values[1]);
        assert!(!fields.is_empty() && fields.values().all(differ), "{value:#}");
    }
}

pub fn check_customer(value: &Value) {
    if !value.is_null() {
        assert!(is_text(&object(value, &["name"])["name"]), "{value}");
    }
}

pub fn check_optional_texts(record: &Map<String, Value>, names: &[&str]) {
    for name in names {
        assert!(record[*name].is_null() || is_text(&record[*name]), "{name}: {record:?}");
    }
}

#[track_caller]
pub fn check_id(value: &Value) {
    assert!(value.as_u64().is_some_and(|id| (1..=9_007_199_254_740_991).contains(&id)), "{value}");
}

pub fn check_tag(value: &Value) {
    let tag = value.as_str().unwrap();
    let is_normal = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    assert!((1..=36).contains(&tag.len()) && tag.bytes().all(is_normal), "{tag:?}");
}

/// Checks that the value is a time of RFC 3339 in UTC with milliseconds and `Z`, and returns its text.
#[track_caller]
pub fn check_time(value: &Value) -> &str {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00.000Z", "{text}");
    assert!(text.parse::<domain::Timestamp>().is_ok(), "{text}");
    text
}

/// Whether it is a text that is not blank and has no white space at its ends.
pub fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && text.trim() == text)
}

pub fn is_one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|word| words.contains(&word))
}

/// The results of a batch.
pub fn check_results(results: &Value) {
    for result in results.as_array().unwrap() {
        let has = |key: &str| result.get(key).is_some();
        let is_error = result["outcome"] == "error";
        let mut keys = vec!["ocppIdTag", "outcome"];
        keys.extend(is_error.then_some("error"));
        keys.extend(has("changes").then_some("changes"));
        // A dry run knows no number of what it would create.
        let is_known = !(is_error || result["outcome"] == "created" && has("changes"));
        keys.extend(is_known.then_some("accessId"));
        let result = object(result, &keys);
        assert!(is_one_of(&result["outcome"], &["created", "updated", "unchanged", "error"]), "{result:?}");
        if is_error {
            let details = result["error"].get("details").map(|_| "details");
            let error = object(&result["error"], &["error", "code"].into_iter().chain(details).collect::<Vec<_>>());
            assert!(error["error"].as_str().unwrap().ends_with('.'), "{error:?}");
            for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
                let detail = object(detail, &["field", "message"]);
                assert!(detail["field"].as_str().unwrap().starts_with("accessIds["), "{error:?}");
            }
        } else {
            check_tag(&result["ocppIdTag"]);
        }
        if is_known {
            check_id(&object(&result["accessId"], &["id"])["id"]);
        }
        for change in result.get("changes").and_then(Value::as_array).into_iter().flatten() {
            let change = object(change, &["field", "from", "to"]);
            assert!(change["field"].is_string() && change["from"] != change["to"], "{change:?}");
        }
        let changes = result.get("changes").map(|changes| changes.as_array().unwrap().len());
        let changes_something = is_one_of(&result["outcome"], &["created", "updated"]);
        assert!(changes.is_none_or(|changes| (changes > 0) == changes_something), "{result:?}");
    }
}
