//! What the fuzzer asks of this crate: see `testing/fuzz`.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccessId, AccessIdLabel, AuthorizationStatus, ChargeBox, Decision, OcppIdTag, Question, Reason, RequestType,
    Timestamp, Vehicle,
};
use serde_json::{Value, json};

use crate::{
    Credential, Cursor, Scope,
    decision::{Answer, Wanted, known},
    digest,
    items::{
        AccessIdItem, CredentialItem, CustomerItem, IdempotencyItem, Item, OrganizationItem, StoredItem, TagItem,
        VehicleItem, Versioned, VersionedItem as _, from_item, key_of, to_item, value_of,
    },
    keys,
};

const TOKEN: &str = "rfid_abc123DEF456_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const TABLE: &str = "t";

/// No text but the one that was issued is a genuine cursor, and one cursor has one text.
pub fn cursor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let issue = |scope: &str, after: &str| Cursor::issue("key", scope, after);
    if let Some(cursor) = Cursor::parse(&text) {
        for scope in ["one", "another"] {
            let after = cursor.verified("key", scope);
            assert!(after.is_none_or(|after| text == issue(scope, after)));
        }
    }
    // the same text as a position
    if text.is_empty() || text.len() > 128 {
        return;
    }
    let issued = issue("one", &text);
    assert!(issued.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "a URL needs no escapes");
    let genuine = |cursor: &str, scope| Cursor::parse(cursor).is_some_and(|c| c.verified("key", scope) == Some(&text));
    assert!(genuine(&issued, "one") && !genuine(&issued, "another"));
    // and with one character changed
    for at in 0..issued.len() {
        let changed =
            [&issued[..at], &text[..text.chars().next().map_or(0, char::len_utf8)], &issued[at + 1..]].concat();
        assert_eq!(genuine(&changed, "one"), changed == issued);
    }
}

/// A token is read as the contract writes it, for one scope alone, and what is kept of it does not give it away.
pub fn credential(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_alphanumeric = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric());
    for scope in [Scope::Api, Scope::Rfid] {
        let read = Credential::parse(&text, scope);
        let parts: Vec<_> = text.split('_').collect();
        let [name, organization, secret] = parts.as_slice() else {
            assert_eq!(read, None);
            continue;
        };
        let is_well_formed =
            *name == scope.as_str() && is_alphanumeric(organization, 12) && is_alphanumeric(secret, 43);
        assert_eq!(read.is_some(), is_well_formed);
        if let Some(credential) = read {
            assert_eq!((credential.organization.as_str(), credential.scope), (*organization, scope));
            assert_eq!(credential.digest, digest::sha256_hex(text.as_bytes()));
            assert!(!format!("{credential:?} {:?}", credential.key()).contains(secret));
        }
    }
}

/// An item is read wholly or not at all: what is made of it keeps the domain's rules and is written and read again as it
/// was. The input is an item in DynamoDB's JSON.
pub fn stored_item(data: &[u8]) {
    let Ok(Value::Object(attributes)) = serde_json::from_slice(data) else { return };
    let Some(item) = attributes.iter().map(|(name, value)| Some((name.clone(), attribute(value)?))).collect() else {
        return;
    };
    _ = key_of(&item);
    comes_back::<OrganizationItem>(&item);
    comes_back::<CredentialItem>(&item);
    comes_back::<CustomerItem>(&item);
    if let Some(tag) = comes_back::<TagItem>(&item) {
        _ = tag.access_id();
    }
    if let Some(access_id) = comes_back::<AccessIdItem>(&item) {
        self::access_id(access_id);
    }
    if let Some(vehicle) = comes_back::<VehicleItem>(&item) {
        self::vehicle(vehicle);
    }
    if comes_back::<IdempotencyItem>(&item).is_some() {
        let read = || from_item::<IdempotencyItem>(item.clone());
        _ = read().and_then(IdempotencyItem::into_vehicle);
        _ = read().and_then(IdempotencyItem::into_access_id);
    }
}

fn written(item: &impl StoredItem) -> Item {
    let Ok(item) = to_item(item) else { panic!("what was read cannot be written") };
    item
}

fn comes_back<I: StoredItem>(item: &Item) -> Option<I> {
    let read = from_item::<I>(item.clone()).ok()?;
    let once = written(&read);
    assert!(once.keys().all(|name| item.contains_key(name)), "nothing is made up");
    let Ok(again) = from_item::<I>(once.clone()) else { panic!("{once:?} cannot be read again") };
    assert_eq!(written(&again), once);
    Some(read)
}

fn access_id(item: AccessIdItem) {
    let Ok(Versioned { value, version }) = item.into_value() else { return };
    assert_eq!(value.status == AuthorizationStatus::Revoked, value.revoked_at.is_some());
    let again = value_of::<AccessIdItem>(written(&AccessIdItem::new(&value, version)));
    assert!(again.is_ok_and(|again: Versioned<AccessId>| again.value == value && again.version == version));
    let tag = from_item::<TagItem>(written(&TagItem::new(&value)));
    assert!(tag.and_then(|tag| tag.access_id()).is_ok_and(|id| id == value.id));
}

fn vehicle(item: VehicleItem) {
    let Ok(Versioned { value, version }) = item.into_value() else { return };
    assert!(value.access_ids.iter().all(|summary| value.shows(summary)), "each access ID is found");
    assert!(value.access_ids.len() <= domain::MAX_ACCESS_IDS_PER_VEHICLE);
    let again = value_of::<VehicleItem>(written(&VehicleItem::new(&value, version)));
    assert!(again.is_ok_and(|again: Versioned<Vehicle>| again.value == value && again.version == version));
}

/// The table has no other numbers.
fn number(value: &Value) -> Option<String> {
    value.as_str().filter(|number| number.parse::<f64>().is_ok()).map(str::to_owned)
}

/// An attribute of DynamoDB's JSON; of the ten types, those without bytes.
fn attribute(value: &Value) -> Option<AttributeValue> {
    let entries = value.as_object()?;
    let (kind, value) = entries.iter().next().filter(|_| entries.len() == 1)?;
    let texts = || value.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect::<Option<Vec<_>>>();
    Some(match kind.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(number(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "SS" => AttributeValue::Ss(texts()?),
        "NS" => AttributeValue::Ns(value.as_array()?.iter().map(number).collect::<Option<_>>()?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(attribute).collect::<Option<_>>()?),
        "M" => {
            let entries = value.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?)));
            AttributeValue::M(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// The table's answer to the authorizer authorizes if it says so in full, and never otherwise.
pub fn decided(data: &[u8]) {
    let Some(caller) = Credential::parse(TOKEN, Scope::Rfid) else { unreachable!() };
    let Ok(tag) = OcppIdTag::normalize("04e1a2b3") else { unreachable!() };
    let charge_box = ChargeBox::received("here".to_owned());
    let wanted = Wanted::new(&caller, Some(&tag), Some(&charge_box));
    let (credential_key, tag_key) = (caller.key(), keys::tag(&caller.organization, &tag));
    let start_key = keys::start(&caller.organization, &tag, &charge_box);
    // The keys are given short, so that they can be hit.
    let text = String::from_utf8_lossy(data)
        .replace("@C", &credential_key.partition)
        .replace("@c", &credential_key.sort)
        .replace("@T", &tag_key.partition)
        .replace("@t", &tag_key.sort)
        .replace("@S", &start_key.partition)
        .replace("@s", &start_key.sort);
    let Ok(answer) = serde_json::from_str::<Answer<'_>>(&text) else { return };
    let items = answer.responses.get(TABLE).map(Vec::as_slice).unwrap_or_default();
    let known = known(&caller, items, &wanted);
    // What JSON can be read by half can be read whole, but for numbers that no attribute has.
    let Ok(answer) = serde_json::from_str::<Value>(&text) else { return };
    let find = |key: &keys::Key| {
        let is = |item: &&Value| item["PK"]["S"] == *key.partition && item["SK"]["S"] == *key.sort;
        answer["Responses"][TABLE].as_array()?.iter().find(is)
    };
    let credential = find(&credential_key);
    let opens = |item: &Value| item["scope"]["S"] == "rfid" && item.get("revokedAt").is_none_or(Value::is_null);
    assert_eq!(known.is_ok(), credential.is_some_and(opens));
    let Ok(known) = known else { return };
    let now = Timestamp::UNIX_EPOCH;
    let question = Question {
        kind: RequestType::Authorize,
        charge_box: Some(&charge_box),
        now,
        start_remembered_until: known.start_remembered_until,
    };
    let decided = Decision::on(known.tag.as_ref(), &question);
    let Some(item) = find(&tag_key) else { return assert_eq!(decided.refusal(), Some(Reason::Unknown)) };
    let status = &item["authorizationStatus"]["S"];
    assert_eq!(decided.refusal() == Some(Reason::Revoked), status == "Revoked");
    let Decision::Authorized(AccessIdLabel { id, name, kind }) = decided else { return };
    assert_eq!(status, "Authorized");
    assert_eq!((&item["accessId"]["N"], &item["name"]["S"]), (&json!(id.to_string()), &json!(name)));
    // Rules do not count while a start is remembered. Otherwise only rules that are understood let anybody in.
    let is_remembered = known.start_remembered_until.is_some_and(|until| now < until);
    assert!(!is_remembered || find(&start_key).is_some_and(|item| item["expiresAt"]["N"].is_string()));
    assert!(is_remembered || item.get("rules").is_none_or(|rules| rules["M"].is_object()));
    // The other reader of the same item says the same.
    let attributes = item.as_object().into_iter().flatten();
    let item: Option<Item> = attributes.map(|(name, value)| Some((name.clone(), attribute(value)?))).collect();
    let Some(record) = item.map(from_item::<TagItem>) else { return };
    assert!(record.is_ok_and(|record| record.access_id().is_ok_and(|read| read == *id)
        && record.name == *name
        && record.kind == *kind));
}

#[cfg(test)]
#[path = "../../../testing/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn seeds() {
    replay::replay("cursor", cursor);
    replay::replay("credential", credential);
    replay::replay("stored-item", stored_item);
    replay::replay("decision", decided);
}
