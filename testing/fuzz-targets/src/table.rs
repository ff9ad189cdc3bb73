//! What the table holds, what it answers, and what callers show of it: credentials and cursors.

use std::sync::LazyLock;

use domain::{OcppIdTag, Question, Reason, RequestType, Timestamp};
use serde_dynamo::{AttributeValue, Item};
use serde_json::{Number, Value};
use store::{
    Credential, Cursor, Decider, Error, JournalSettings, Scope, Settings,
    internals::{KINDS, SCOPES, issue, verified},
};

/// A token: read as the contract writes it, for one scope alone, and not to be seen in what is kept of it.
pub fn credential(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_alphanumeric = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let parts: Vec<_> = text.split('_').collect();
    for scope in [Scope::Api, Scope::View, Scope::Rfid] {
        let read = Credential::parse(&text, scope);
        let [name, organization, secret] = parts.as_slice() else {
            assert_eq!(read, None);
            continue;
        };
        let is_well_formed =
            *name == scope.as_str() && is_alphanumeric(organization, 12) && is_alphanumeric(secret, 43);
        assert_eq!(read.is_some(), is_well_formed);
        if let Some(credential) = read {
            assert_eq!((credential.organization.as_str(), credential.scope), (*organization, scope));
            assert!(!format!("{credential:?}").contains(secret));
        }
    }
}

/// No text but the one that was issued is a genuine cursor, and one cursor has one text.
pub fn cursor(data: &[u8]) {
    const KEY: &str = "key";
    let text = String::from_utf8_lossy(data);
    if let Some(cursor) = Cursor::parse(&text) {
        for scope in SCOPES {
            assert!(verified(&cursor, KEY, scope).is_none_or(|after| text == issue(KEY, scope, after)));
        }
    }
    // The same text as a sort key.
    let after = &*text;
    if !(1..=128).contains(&after.len()) {
        return;
    }
    for scope in SCOPES {
        let issued = issue(KEY, scope, after);
        assert!(issued.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "needs no escapes");
        for verified_for in SCOPES {
            let cursor = Cursor::parse(&issued).expect("it was issued");
            assert_eq!(verified(&cursor, KEY, verified_for), (verified_for == scope).then_some(after));
        }
        let another = &text[..text.chars().next().map_or(0, char::len_utf8)];
        for at in 0..issued.len() {
            let changed = [&issued[..at], another, &issued[at + 1..]].concat();
            let is_genuine = Cursor::parse(&changed).is_some_and(|cursor| verified(&cursor, KEY, scope) == Some(after));
            assert_eq!(is_genuine, changed == issued);
        }
    }
}

/// An item in DynamoDB's JSON: read wholly or not at all. What is written of it says nothing that was not read, keeps the
/// rules, and is read as the same again.
pub fn stored_item(data: &[u8]) {
    let Ok(item) = serde_json::from_slice::<Item>(data) else { return };
    for (kind, rewrite) in KINDS {
        let Some(written) = rewrite(item.clone()) else { continue };
        assert!(written.keys().all(|name| item.contains_key(name)), "{kind}: made up: {written:?}");
        check_rules(kind, &written);
        assert_eq!(rewrite(written.clone()), Some(written), "{kind}: read again");
    }
}

fn check_rules(kind: &str, item: &Item) {
    if kind == "access ID" {
        let is_revoked = item.get("authorizationStatus") == Some(&AttributeValue::S("Revoked".to_owned()));
        assert_eq!(item.contains_key("revokedAt"), is_revoked, "{item:?}");
    }
    if kind == "vehicle"
        && let Some(AttributeValue::L(access_ids)) = item.get("accessIds")
    {
        let id = |access_id: &AttributeValue| match access_id {
            AttributeValue::M(access_id) => number(access_id.get("id")),
            _ => None,
        };
        let ids: Option<Vec<u64>> = access_ids.iter().map(id).collect();
        assert!(ids.is_some_and(|ids| ids.is_sorted_by(|before, after| before < after) && ids.len() <= 100));
    }
    if let Some(name) = item.get("name").filter(|_| ["access ID", "vehicle"].contains(&kind)) {
        assert!(matches!(name, AttributeValue::S(name) if domain::Name::new(name).is_ok()), "{item:?}");
    }
}

fn number(value: Option<&AttributeValue>) -> Option<u64> {
    match value? {
        AttributeValue::N(number) => number.parse().ok(),
        _ => None,
    }
}

/// Whether each number of an item is one, at any depth, and without leading zeros. DynamoDB gives out no other, so the two
/// readers need not agree on those.
fn holds_numbers(item: &Value) -> bool {
    match item {
        Value::Object(attributes) => attributes.iter().all(|(kind, value)| match value {
            Value::String(number) if kind == "N" => serde_json::from_str::<Number>(number).is_ok(),
            value => holds_numbers(value),
        }),
        Value::Array(values) => values.iter().all(holds_numbers),
        _ => true,
    }
}

/// The table's answer to the authorizer: it authorizes if the answer says so in full, and never otherwise.
pub fn decision(data: &[u8]) {
    const TABLE: &str = "t";
    const TOKEN: &str = "rfid_abc123DEF456_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    // Of the secret, the table knows its SHA-256.
    const CREDENTIAL: [&str; 2] =
        ["ORG#abc123DEF456", "CREDENTIAL#65fb8889f55257a20b87e6b6e737f40f7443cac13e37840afb3c48c4887d782c"];
    const TAG: [&str; 2] = ["ORG#abc123DEF456#TAG#04e1a2b3", "TAG"];
    static DECIDER: LazyLock<Decider> = LazyLock::new(|| {
        Decider::new(&Settings::local("http://127.0.0.1:1", TABLE), JournalSettings::default())
            .expect("the settings are right")
    });
    let caller = Credential::parse(TOKEN, Scope::Rfid).expect("a token");
    let tag = OcppIdTag::normalize(TAG[0].rsplit('#').next().unwrap_or_default()).expect("a tag");

    // The keys are given short, so that they can be hit.
    let mut text = String::from_utf8_lossy(data).into_owned();
    for (short, key) in [("@C", CREDENTIAL[0]), ("@c", CREDENTIAL[1]), ("@T", TAG[0]), ("@t", TAG[1])] {
        text = text.replace(short, key);
    }
    let read = DECIDER.read_answer(text.as_bytes(), &caller, Some(&tag), None);
    // What can be read in part can be read whole, but for numbers that no attribute has.
    let Ok(answer) = serde_json::from_str::<Value>(&text) else { return };
    let find = |[partition, sort]: [&str; 2]| {
        let is = |item: &&Value| item["PK"]["S"] == partition && item["SK"]["S"] == sort;
        answer["Responses"][TABLE].as_array()?.iter().find(is)
    };
    let opens = |item: &Value| item["scope"]["S"] == "rfid" && item.get("revokedAt").is_none_or(Value::is_null);
    let is_open = find(CREDENTIAL).is_some_and(opens);
    let known = match read {
        Ok(Some(known)) => known,
        Ok(None) => return assert!(answer["UnprocessedKeys"].as_object().is_some_and(|keys| !keys.is_empty())),
        Err(Error::Unauthorized) => return assert!(!is_open),
        Err(_) => return,
    };
    assert!(is_open);
    let question = Question {
        kind: RequestType::Start,
        charge_box: None,
        now: Timestamp::from_timestamp_nanos(1_800_000_000_000_000_000),
        start_remembered_until: None,
    };
    let decision = domain::Decision::on(known.tag.as_ref(), &question);
    let Some(item) = find(TAG) else { return assert_eq!(decision.refusal(), Some(Reason::Unknown)) };
    let status = &item["authorizationStatus"]["S"];
    let Ok(stored) = serde_json::from_value::<Item>(item.clone()) else { return };
    let reads_as_tag = KINDS.iter().any(|(kind, rewrite)| *kind == "tag" && rewrite(stored.clone()).is_some());
    match decision {
        domain::Decision::Authorized(label) => {
            assert_eq!(status, "Authorized");
            assert_eq!(number(stored.get("accessId")), Some(label.id.get()));
            assert_eq!(item["name"]["S"], label.name.as_str());
            assert!(reads_as_tag || !holds_numbers(item), "the other reader of the item has to agree: {stored:?}");
        }
        domain::Decision::Refused { reason: Reason::Revoked, .. } => assert_eq!(status, "Revoked"),
        domain::Decision::Refused { reason: Reason::Unknown, .. } => panic!("the answer has the tag: {stored:?}"),
        domain::Decision::Refused { reason: Reason::Unreadable, .. } if item.get("rules").is_none() => {
            let is_readable = status == "Authorized" && reads_as_tag && holds_numbers(item);
            assert!(status != "Revoked" && !is_readable, "{stored:?}");
        }
        domain::Decision::Refused { .. } => assert!(item.get("rules").is_some(), "{stored:?}"),
    }
}

/// What DynamoDB says when it refuses: the first two bytes are the status, the others the body.
pub fn refusal(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk::<2>() else { return };
    let status = 200 + u16::from_be_bytes(*status) % 400;
    let error = table_client::refusal(status, body);
    let code = error.code();
    assert!((1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "fit for the log");
    assert!(status < 500 || matches!(error, table_client::Error::Unavailable(_)), "what the server failed may pass");
}
