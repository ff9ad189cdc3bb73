//! Each request writes one log line with metrics in CloudWatch's embedded metric format. No log line holds a secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use harness::Fault;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, json};

use crate::support::{Answer, FUNCTIONS, World, access_id, card, endpoints, import, rfid, thor, vehicle};

/// The metrics: name, unit, and whether they have the dimension `Outcome` too.
const METRICS: [(&str, &str, bool); 6] = [
    ("Requests", "Count", true),
    ("Latency", "Milliseconds", false),
    ("ColdStarts", "Count", false),
    ("Conflicts", "Count", false),
    ("TableErrors", "Count", false),
    ("JournalLost", "Count", false),
];

/// The line, if it belongs to a request. Checks that it is a JSON object without repeated keys, as every line must be.
fn request_line(line: &str) -> Option<Value> {
    let Keys(keys) = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{line}");
    let line: Value = serde_json::from_str(line).unwrap();
    line.get("_aws").is_some().then_some(line)
}

/// The keys of a JSON object, repeated ones included.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = object.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The request lines of a function's first instance, as soon as there are `count` of them.
async fn lines(world: &World, function: &'static str, count: usize) -> Vec<Value> {
    let instance = world.instance(function, 0).await;
    // There are other lines too, and the last line may not be complete yet.
    for _ in 0..500 {
        let output = instance.output();
        if output.lines().filter(|line| line.contains("\"_aws\"")).count() >= count && output.ends_with('\n') {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    instance.output().lines().filter_map(request_line).collect()
}

/// Checks that the line shows the request's outcome and has the form that CloudWatch reads metrics from.
#[track_caller]
fn check(line: &Value, function: &str, world: &World, outcome: &str, answer: &Answer) {
    let metadata = line["_aws"].as_object().unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["CloudWatchMetrics", "Timestamp"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let at = u128::from(metadata["Timestamp"].as_u64().unwrap());
    assert!(at <= now && now - at < 60_000, "{line}");

    let mut metrics: BTreeMap<&str, (&str, BTreeSet<Vec<&str>>)> = BTreeMap::new();
    for directive in metadata["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], "ChargeAccess");
        for metric in directive["Metrics"].as_array().unwrap() {
            let entry = metrics.entry(metric["Name"].as_str().unwrap());
            let (_, dimensions) = entry.or_insert((metric["Unit"].as_str().unwrap(), BTreeSet::new()));
            for set in directive["Dimensions"].as_array().unwrap() {
                let set: Vec<_> = set.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
                assert!(set.iter().all(|name| line[*name].is_string()), "{line}");
                assert!(dimensions.insert(set), "twice: {line}");
            }
        }
    }
    let expected = METRICS.map(|(name, unit, is_by_outcome)| {
        let mut dimensions = BTreeSet::from([vec!["Function"]]);
        dimensions.extend(is_by_outcome.then(|| vec!["Function", "Outcome"]));
        (name, (unit, dimensions))
    });
    assert_eq!(metrics, expected.into());
    for (name, ..) in METRICS {
        assert!(line[name].as_f64().is_some_and(|value| value >= 0.0), "{name}: {line}");
    }
    assert!(line["Latency"].as_f64().unwrap() < 30_000.0, "{line}");
    assert_eq!(
        (&line["Requests"], &line["Function"], &line["Outcome"]),
        (&json!(1), &json!(function), &json!(outcome))
    );
    assert_eq!(line["status"], answer.status, "{line}");
    assert!(line["requestId"].as_str().unwrap().len() == 36, "{line}");
    if let Some(request_id) = answer.body.get("requestId") {
        assert_eq!(&line["requestId"], request_id);
    }
    let organization = line.get("organization");
    assert!(organization.is_none_or(|organization| organization == world.fleet.id.as_str()), "{line}");
}

#[tokio::test]
async fn every_request_writes_one_line_with_its_outcome() {
    let world = World::alone().await;
    let linked = access_id(1, "linked-tag", 1);
    import(&world, &[linked.clone(), card(2, "card-tag")], &[vehicle(1, "Van", &[linked])]).await;
    let new = |tag: &str| json!({"accessId": {"type": "RFID", "ocppIdTag": tag, "name": "x"}});
    let van = |tag: &str| json!({"vehicle": {"name": "x", "accessIds": [{"ocppIdTag": tag}]}});
    let keyed = |body| world.post("/api/access-ids", body).header("idempotency-key", "k");
    let large = vec![b' '; 65_537];
    let mut told: BTreeMap<&str, Vec<(&str, Answer)>> = BTreeMap::new();
    let mut tell = |function, outcome, answer| told.entry(function).or_default().push((outcome, answer));

    tell("list-access-ids", "ok", world.get("/api/access-ids").await);
    tell("list-access-ids", "invalid_request", world.get("/api/access-ids?limit=0").await);
    tell("list-access-ids", "unauthorized", world.get("/api/access-ids").authorization(None).await);
    tell("list-vehicles", "ok", world.get("/api/vehicles").await);
    tell("list-decisions", "ok", world.get("/api/decisions").await);
    tell("list-decisions", "invalid_request", world.get("/api/decisions?type=stop").await);
    tell("list-changes", "ok", world.get("/api/changes").await);
    tell("list-unknown-tags", "ok", world.get("/api/unknown-tags").await);
    tell("list-customers", "ok", world.get("/api/customers?q=fleet").await);
    tell("get-access-id", "ok", world.get("/api/access-ids/1").await);
    tell("get-access-id", "not_found", world.get("/api/access-ids/9").await);
    tell("get-access-id", "not_found", world.get("/nowhere").await);
    tell("get-vehicle", "ok", world.get("/api/vehicles/1").await);
    tell("create-access-id", "created", keyed(new("new-tag")).await);
    tell("create-access-id", "created", keyed(new("new-tag")).await);
    tell("create-access-id", "idempotency_key_reused", keyed(new("other-tag")).await);
    tell("create-access-id", "tag_taken", world.post("/api/access-ids", new("card-tag")).await);
    tell("create-access-id", "invalid_request", world.post("/api/access-ids", new("")).await);
    tell("create-access-id", "payload_too_large", world.request("POST", "/api/access-ids").body(large.clone()).await);
    tell("create-vehicle", "created", world.post("/api/vehicles", van("van-tag")).await);
    tell("create-vehicle", "tag_taken", world.post("/api/vehicles", van("van-tag")).await);
    tell(
        "update-access-id",
        "ok",
        world.patch("/api/access-ids/2", json!({"accessId": {"authorizationStatus": "Revoked"}})).await,
    );
    tell("update-access-id", "unauthorized", world.patch("/api/access-ids/2", json!({})).token("x").await);
    tell("update-vehicle", "ok", world.patch("/api/vehicles/1", json!({"vehicle": {"name": "y"}})).await);
    let rules = || world.request("PUT", "/api/access-ids/2/rules").json(&json!({"rules": {}}));
    tell("put-access-id-rules", "ok", rules().await);
    tell("put-access-id-rules", "unauthorized", rules().token("x").await);
    tell("get-access-id-rules", "ok", world.get("/api/access-ids/2/rules").await);
    tell("get-access-id-rules", "not_found", world.get("/api/access-ids/9/rules").await);
    let ask = |check: Value| world.post("/api/access-checks", json!({"accessCheck": check}));
    tell("check-access", "ok", ask(json!({"ocppIdTag": "no tag"})).await);
    tell("check-access", "invalid_request", ask(json!({})).await);
    let revoke = |target: Value| world.post("/api/revocations", json!({ "revocation": target }));
    tell("create-revocation", "ok", revoke(json!({"accessIds": [2], "dryRun": true})).await);
    tell("create-revocation", "invalid_request", revoke(json!({"accessIds": [9]})).await);
    let delete = |path: &str| world.request("DELETE", path);
    tell("delete-vehicle", "vehicle_in_use", delete("/api/vehicles/1").await);
    tell("delete-vehicle", "not_found", delete("/api/vehicles/9").await);
    let made = world.post("/api/access-ids", rfid("soon-gone", "x")).await;
    let id = made.body["accessId"]["id"].clone();
    tell("create-access-id", "created", made);
    tell("delete-access-id", "ok", delete(&format!("/api/access-ids/{id}")).await);
    tell("delete-access-id", "not_found", delete(&format!("/api/access-ids/{id}")).await);
    let batch = |body: Value| world.request("PUT", "/api/access-ids/batch").json(&body);
    tell("put-access-ids-batch", "ok", batch(json!({"accessIds": [{"ocppIdTag": "batch-tag", "name": ""}]})).await);
    tell("put-access-ids-batch", "invalid_request", batch(json!({"accessIds": "batch-tag"})).await);
    tell("rfid-authorizer", "authorized", world.ask("linked-tag").await);
    tell("rfid-authorizer", "revoked", world.ask("card-tag").await);
    tell("rfid-authorizer", "unknown", world.ask("unknown-tag").await);
    tell("rfid-authorizer", "invalid_request", world.ask("x").body("{}").await);
    tell("rfid-authorizer", "method_not_allowed", world.ask("x").method("GET").await);
    tell("rfid-authorizer", "payload_too_large", world.ask("x").body(large).await);
    tell("rfid-authorizer", "unauthorized", world.thor("/x").await);

    assert_eq!(told.len(), FUNCTIONS.len());
    for (function, told) in told {
        let lines = lines(&world, function, told.len()).await;
        assert_eq!(lines.len(), told.len(), "{function}: {lines:#?}");
        for (at, (line, (outcome, answer))) in lines.iter().zip(&told).enumerate() {
            check(line, function, &world, outcome, answer);
            assert_eq!(line["ColdStarts"], u64::from(at == 0), "{function}: {line}");
            for metric in ["Conflicts", "TableErrors", "JournalLost"] {
                assert_eq!(line[metric], 0, "{function}: {line}");
            }
            assert_eq!(line["level"], "INFO", "{line}");
            let shows_token = !["unauthorized"].contains(outcome);
            assert_eq!(line.get("organization").is_some(), shows_token, "{function}: {line}");
        }
    }
}

#[tokio::test]
async fn failures_and_conflicts_are_counted() {
    let world = World::alone().await;
    import(&world, &[card(1, "card-tag")], &[]).await;
    let rename = |name: &str| world.patch("/api/access-ids/1", json!({"accessId": {"name": name}}));
    let recorder = world.recorder("update-access-id").await;
    recorder.inject(Fault::cancelled(&["TransactionConflict"]).on("TransactWriteItems").times(2));
    let settled = rename("a").await;
    let quiet = rename("b").await;
    recorder.inject(Fault::error(500, "InternalServerError", "").on("BatchGetItem"));
    let failed = rename("c").await;
    recorder.heal();
    let lines = lines(&world, "update-access-id", 3).await;
    check(&lines[0], "update-access-id", &world, "ok", &settled);
    assert_eq!((&lines[0]["Conflicts"], &lines[0]["TableErrors"]), (&json!(2), &json!(0)));
    check(&lines[1], "update-access-id", &world, "ok", &quiet);
    assert_eq!((&lines[1]["Conflicts"], &lines[1]["TableErrors"]), (&json!(0), &json!(0)));
    check(&lines[2], "update-access-id", &world, "service_unavailable", &failed);
    assert_eq!((&lines[2]["TableErrors"], &lines[2]["level"]), (&json!(1), &json!("ERROR")));
    assert_eq!(lines.len(), 3);

    let recorder = world.recorder("rfid-authorizer").await;
    recorder.inject(Fault::error(400, "ThrottlingException", ""));
    let failed = world.ask("card-tag").await;
    recorder.heal();
    let fine = world.ask("card-tag").await;
    let lines = self::lines(&world, "rfid-authorizer", 2).await;
    check(&lines[0], "rfid-authorizer", &world, "service_unavailable", &failed);
    assert_eq!((&lines[0]["TableErrors"], &lines[0]["level"]), (&json!(1), &json!("ERROR")));
    check(&lines[1], "rfid-authorizer", &world, "authorized", &fine);
    assert_eq!((&lines[1]["TableErrors"], &lines[1]["ColdStarts"]), (&json!(0), &json!(0)));
}

/// Neither request lines nor other lines hold a token, a tag, a name or another value of a request, not even after errors.
#[tokio::test]
async fn nothing_secret_is_ever_printed() {
    const PRIVATE: [&str; 8] = [
        "secrettag01",
        "Private Name",
        "Private Customer",
        "Private Make",
        "PRIVATEVIN",
        "PRIVATEPLATE",
        "private-key",
        "PrivateChargebox",
    ];
    let world = World::alone().await;
    let [tag, name, customer, make, vin, plate, key, chargebox] = PRIVATE;
    let card = domain::AccessId {
        name: crate::support::name(name),
        customer: crate::support::customer(customer),
        ..access_id(1, tag, 1)
    };
    import(&world, std::slice::from_ref(&card), &[vehicle(1, name, std::slice::from_ref(&card))]).await;
    let new = json!({"accessId": {"type": "Vehicle", "ocppIdTag": tag, "name": name, "customer": {"name": customer},
        "vehicle": {"make": make, "vin": vin}}});
    let van = json!({"vehicle": {"name": name, "make": make, "vin": vin, "licensePlate": plate, "customer": {"name": customer},
        "accessIds": [{"ocppIdTag": tag}]}});
    let mut question = thor(tag, "start");
    question["chargebox"] = chargebox.into();
    let secret = format!("/{}", world.fleet.rfid.token);
    let all = async || {
        let mut calls = Vec::new();
        for (_, method, path, body) in endpoints() {
            let call = || world.request(method, &path).json(&body);
            calls.push(call());
            calls.push(call().body(format!("{{\"x\":{new}")).header("idempotency-key", key));
            calls.push(call().token(&format!("{}x", world.fleet.api.token)));
            calls.push(call().authorization(Some(&world.fleet.api.token)));
        }
        calls.extend([
            world.post("/api/access-ids", new.clone()).header("idempotency-key", key),
            world.post("/api/vehicles", van.clone()).header("idempotency-key", key),
            world.post("/api/vehicles", json!({"vehicle": {key: tag, "name": {}, "accessIds": [tag]}})),
            world.patch(
                "/api/access-ids/1",
                json!({"accessId": {"customer": {"name": customer}, "vehicle": {"vin": vin}}}),
            ),
            world.patch("/api/vehicles/1", json!({"vehicle": {"customer": {"name": customer}, "licensePlate": plate}})),
            world.get(&format!("/api/access-ids?nextPageCursor={key}")),
            world.request("PUT", "/api/access-ids/1/rules").json(&json!({"rules": {"chargeBoxes": [chargebox]}})),
            world.post("/api/access-checks", json!({"accessCheck": {"ocppIdTag": tag, "chargeBox": chargebox}})),
            world.thor(&secret).json(&question),
            world.thor(&secret).body(format!("{question}x")),
            world.thor(&secret).method("GET").json(&question),
            world.thor("/").json(&question).token(&world.fleet.rfid.token),
            world.thor(&format!("{secret}x")).json(&question),
        ]);
        // The functions run in parallel; each takes one request at a time.
        join_all(calls.into_iter().map(IntoFuture::into_future)).await;
    };
    all().await;
    let mut recorders = Vec::new();
    for function in FUNCTIONS.iter().copied() {
        recorders.push(world.recorder(function).await);
    }
    let faults = [
        Fault::error(400, "AccessDeniedException", "not for you").times(usize::MAX),
        Fault::cancelled(&["None", "ConditionalCheckFailed"]).on("TransactWriteItems").times(3),
        Fault::TruncateBody.times(usize::MAX),
        Fault::ResetBefore.times(usize::MAX),
    ];
    for fault in faults {
        recorders.iter().for_each(|recorder| recorder.inject(fault.clone()));
        all().await;
        recorders.iter().for_each(|recorder| recorder.heal());
    }
    let tokens = [&world.fleet.api.token, &world.fleet.rfid.token].map(|token| token.rsplit_once('_').unwrap().1);
    for function in FUNCTIONS.iter().copied() {
        let output = world.instance(function, 0).await.output();
        assert!(output.lines().count() >= 20, "{function}: {output}");
        for private in
            PRIVATE.iter().chain(&tokens).chain(&[engine::SECRET_ACCESS_KEY, "session-token", engine::ACCESS_KEY_ID])
        {
            let line = output.lines().find(|line| line.to_lowercase().contains(&private.to_lowercase()));
            assert_eq!(line, None, "{function} prints {private}");
        }
        output.lines().for_each(|line| _ = request_line(line));
    }
}
