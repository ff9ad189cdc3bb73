//! Answers of functions. Every answer is checked against the forms of the contract when it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use harness::Response;
use serde_json::Value;

use super::{
    Fleet,
    forms::{
        REASONS, check_access_id, check_change, check_decision, check_id, check_label, check_results, check_tag,
        check_time, check_unknown_tag, check_vehicle, is_one_of, is_text, object,
    },
};

/// An answer of the right form.
#[derive(Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:#}", self.status, self.headers, self.body)
    }
}

impl Answer {
    pub fn read(function: &str, response: Response) -> Self {
        let body = response.json();
        let Response { status, headers, .. } = response;
        let answer = Self { status, headers, body };
        answer.check(function);
        answer
    }

    /// The body of a 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.body
    }

    /// Checks that it is a 204.
    #[track_caller]
    pub fn done(&self) {
        assert_eq!(self.status, 204, "{self:?}");
    }

    /// The body of a 201.
    #[track_caller]
    pub fn created(self) -> Value {
        assert_eq!(self.status, 201, "{self:?}");
        self.body
    }

    /// Checks that it is this error.
    #[track_caller]
    pub fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
    }

    /// Checks that it is a refusal of the authorizer for this reason.
    #[track_caller]
    pub fn refuses(&self, reason: &str) {
        assert_eq!((self.status, &self.body["reason"]), (403, &Value::from(reason)), "{self:?}");
    }

    /// Checks that it is a 400 that names these fields and no others.
    #[track_caller]
    pub fn names(&self, fields: &[&str]) {
        self.is(400, "invalid_request");
        assert_eq!(self.fields(), fields.iter().copied().collect(), "{self:?}");
    }

    /// The fields that an error names.
    pub fn fields(&self) -> BTreeSet<&str> {
        self.body["details"].as_array().into_iter().flatten().filter_map(|detail| detail["field"].as_str()).collect()
    }

    /// The conflicts that a 409 names: the field, and the access ID that has the tag.
    pub fn conflicts(&self) -> Vec<(String, u64)> {
        let conflicts = self.body["conflicts"].as_array().into_iter().flatten();
        conflicts
            .map(|conflict| (conflict["field"].as_str().unwrap().to_owned(), conflict["accessId"].as_u64().unwrap()))
            .collect()
    }

    /// Checks that it is a 409 that names these elements of the request, each with the access ID that has its tag.
    #[track_caller]
    pub fn conflicts_with(&self, expected: &[(&str, &Value)]) {
        self.is(409, "tag_taken");
        let conflicts = self.conflicts();
        let conflicts: Vec<_> = conflicts.iter().map(|(field, id)| (field.as_str(), Value::from(*id))).collect();
        let expected: Vec<_> = expected.iter().map(|(field, id)| (*field, (*id).clone())).collect();
        assert_eq!(conflicts, expected, "{self:?}");
    }

    /// Checks that it shows none of the organization's secrets.
    #[track_caller]
    pub fn hides(&self, fleet: &Fleet) {
        let text = format!("{self:?}");
        for token in [&fleet.api.token, &fleet.rfid.token] {
            assert!(!text.contains(token.rsplit('_').next().unwrap()), "{text}");
        }
    }

    fn check(&self, function: &str) {
        if self.status == 204 {
            assert_eq!((&self.body, self.headers.get("content-type")), (&Value::Null, None), "{self:?}");
            assert!(function.starts_with("delete-"), "{function}: {self:?}");
            return;
        }
        assert_eq!(self.headers.get("content-type").map(String::as_str), Some("application/json"), "{self:?}");
        assert_eq!(self.headers.contains_key("location"), self.status == 201, "{self:?}");
        assert_eq!(self.headers.contains_key("retry-after"), self.status == 503, "{self:?}");
        match (function, self.status) {
            ("rfid-authorizer", 200 | 403) => self.check_decision(),
            ("list-access-ids", 200) => self.check_list(|record| check_access_id(record, true)),
            ("list-vehicles", 200) => self.check_list(check_vehicle),
            ("list-decisions", 200) => self.check_newest_first(check_decision),
            ("list-changes", 200) => self.check_newest_first(check_change),
            ("list-unknown-tags", 200) => drop(self.check_page(check_unknown_tag)),
            ("list-customers", 200) => {
                self.check_list(|customer| assert!(is_text(&object(customer, &["name"])["name"]), "{customer}"));
            }
            ("get-access-id" | "update-access-id", 200) | ("create-access-id", 201) => {
                check_access_id(&object(&self.body, &["accessId"])["accessId"], false);
            }
            ("get-vehicle" | "update-vehicle", 200) | ("create-vehicle", 201) => {
                check_vehicle(&object(&self.body, &["vehicle"])["vehicle"]);
            }
            ("get-access-id-rules" | "put-access-id-rules", 200) => self.check_rules(),
            ("put-access-ids-batch", 200) => check_results(&object(&self.body, &["results"])["results"]),
            ("check-access", 200) => self.check_access_check(),
            ("create-revocation", 200) => self.check_revocation(),
            _ => self.check_error(function),
        }
        if self.status == 201 {
            let (path, root) = if function == "create-vehicle" {
                ("/api/vehicles", "vehicle")
            } else {
                ("/api/access-ids", "accessId")
            };
            assert_eq!(self.headers["location"], format!("{path}/{}", self.body[root]["id"]), "{self:?}");
        }
    }

    fn check_decision(&self) {
        let body = if self.status == 200 {
            let body = object(&self.body, &["authorized", "accessId"]);
            check_label(&body["accessId"]);
            body
        } else {
            let body = object(&self.body, &["authorized", "reason"]);
            assert!(is_one_of(&body["reason"], &REASONS), "{self:?}");
            body
        };
        assert_eq!(body["authorized"], (self.status == 200), "{self:?}");
    }

    fn check_rules(&self) {
        let rules = object(&object(&self.body, &["rules"])["rules"], &["validFrom", "validUntil", "chargeBoxes"]);
        for time in ["validFrom", "validUntil"].map(|name| &rules[name]).into_iter().filter(|time| !time.is_null()) {
            check_time(time);
        }
        let patterns = rules["chargeBoxes"].as_array();
        assert!(patterns.is_some() || rules["chargeBoxes"].is_null(), "{self:?}");
        assert!(patterns.is_none_or(|patterns| (1..=50).contains(&patterns.len()) && patterns.iter().all(is_text)));
    }

    fn check_access_check(&self) {
        let keys = ["authorized", "reason", "ocppStatus", "ocppIdTag", "steps", "accessId", "rules", "nearMisses"];
        let check = object(&object(&self.body, &["accessCheck"])["accessCheck"], &keys);
        let list = |name: &str| check[name].as_array().unwrap().iter();
        assert_eq!(check["authorized"], check["reason"].is_null(), "{self:?}");
        assert_eq!(check["authorized"], check["ocppStatus"] == "Accepted", "{self:?}");
        assert_eq!(check["authorized"], list("rules").all(|rule| rule["passed"] == true), "{self:?}");
        for rule in list("rules") {
            assert!(is_text(&object(rule, &["rule", "passed", "detail"])["detail"]), "{self:?}");
        }
        list("steps").for_each(|step| _ = object(step, &["from", "to", "rule"]));
        let tags = list("nearMisses").map(|near| &object(near, &["ocppIdTag", "how", "accessId"])["ocppIdTag"]);
        tags.chain(Some(&check["ocppIdTag"])).filter(|tag| !tag.is_null()).for_each(check_tag);
        let access_ids = list("nearMisses").map(|near| &near["accessId"]).chain(Some(&check["accessId"]));
        for access_id in access_ids.filter(|access_id| !access_id.is_null()) {
            check_id(&object(access_id, &["id", "name", "type"])["id"]);
        }
    }

    fn check_revocation(&self) {
        let keys = ["revoked", "alreadyRevoked", "nearMisses", "nextPageCursor"];
        let revocation = object(&object(&self.body, &["revocation"])["revocation"], &keys);
        for name in ["revoked", "alreadyRevoked"] {
            let ids = revocation[name].as_array().unwrap();
            ids.iter().for_each(check_id);
            assert!(ids.is_sorted_by(|a, b| a.as_u64() < b.as_u64()), "{self:?}");
        }
        for near_miss in revocation["nearMisses"].as_array().unwrap() {
            let near_miss = object(near_miss, &["ocppIdTag", "how", "accessId"]);
            check_tag(&near_miss["ocppIdTag"]);
            check_label(&near_miss["accessId"]);
        }
        let cursor = &revocation["nextPageCursor"];
        assert!(cursor.is_null() || is_text(cursor), "{self:?}");
    }

    fn check_list(&self, check: impl Fn(&Value)) {
        let ids = self.check_page(check);
        let has_ids = ids.iter().any(Option::is_some);
        assert!(!has_ids || ids.is_sorted_by(|a, b| a < b), "not ascending: {ids:?}");
    }

    fn check_newest_first(&self, check: impl Fn(&Value)) {
        let ids = self.check_page(check);
        assert!(ids.is_sorted_by(|a, b| a > b), "not newest first: {ids:?}");
    }

    /// Checks the records and the pagination, and returns the ids.
    fn check_page(&self, check: impl Fn(&Value)) -> Vec<Option<u64>> {
        let body = object(&self.body, &["data", "pagination"]);
        let records = body["data"].as_array().unwrap();
        records.iter().for_each(check);
        let pagination = object(&body["pagination"], &["hasNextPage", "nextPageCursor"]);
        match &pagination["nextPageCursor"] {
            Value::Null => assert_eq!(pagination["hasNextPage"], false, "{pagination:?}"),
            Value::String(cursor) => {
                assert_eq!(pagination["hasNextPage"], true, "{pagination:?}");
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
                assert!(!cursor.is_empty() && cursor.bytes().all(is_plain), "not to be pasted into a URL: {cursor}");
            }
            other => panic!("{other}"),
        }
        records.iter().map(|record| record["id"].as_u64()).collect()
    }

    /// Checks that the body is the contract's error body and shows nothing internal.
    fn check_error(&self, function: &str) {
        let (codes, extra) = match self.status {
            400 => (["invalid_request"].as_slice(), Some("details")),
            401 => (["unauthorized"].as_slice(), None),
            404 if function != "rfid-authorizer" => (["not_found"].as_slice(), None),
            405 if function == "rfid-authorizer" => (["method_not_allowed"].as_slice(), None),
            409 if function.starts_with("create-") && self.body.get("conflicts").is_some() => {
                (["tag_taken"].as_slice(), Some("conflicts"))
            }
            409 if function == "delete-vehicle" => (["vehicle_in_use"].as_slice(), None),
            409 if function.starts_with("create-") => (["idempotency_key_reused"].as_slice(), None),
            413 => (["payload_too_large"].as_slice(), None),
            503 => (["service_unavailable"].as_slice(), None),
            _ => panic!("{function}: {self:?}"),
        };
        let keys: Vec<&str> = ["error", "code", "requestId"].into_iter().chain(extra).collect();
        let body = object(&self.body, &keys);
        assert!(is_one_of(&body["code"], codes), "{self:?}");
        let sentence = body["error"].as_str().unwrap();
        assert!(sentence.starts_with(char::is_uppercase) && sentence.ends_with('.'), "{self:?}");
        let request_id = body["requestId"].as_str().unwrap();
        assert!(request_id.len() == 36 && request_id.starts_with("8476a536-e9f4-11e8-9739-"), "{self:?}");
        if let Some(details) = body.get("details") {
            let details = details.as_array().unwrap();
            assert!(!details.is_empty(), "{self:?}");
            for detail in details {
                let detail = object(detail, &["field", "message"]);
                assert!(detail["field"].is_string() && is_text(&detail["message"]), "{self:?}");
            }
            let different: BTreeSet<String> = details.iter().map(Value::to_string).collect();
            assert_eq!(different.len(), details.len(), "repeated: {self:?}");
        }
        if let Some(conflicts) = body.get("conflicts") {
            let conflicts = conflicts.as_array().unwrap();
            assert!(!conflicts.is_empty(), "{self:?}");
            for conflict in conflicts {
                let conflict = object(conflict, &["field", "accessId"]);
                check_id(&conflict["accessId"]);
                assert!(is_text(&conflict["field"]), "{self:?}");
            }
        }
        if let Some(seconds) = self.headers.get("retry-after") {
            assert!((1..=60).contains(&seconds.parse::<u64>().unwrap()), "{self:?}");
        }
        let text = self.body.to_string().to_lowercase();
        for internal in ["dynamo", "amazon", "sdk", "serde", "panic", "::", "expected", "struct", " table", "engine"] {
            assert!(!text.contains(internal), "{internal}: {self:?}");
        }
    }
}
