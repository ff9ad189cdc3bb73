//! The RFID authorizer: its answers, what it takes from Thor, and what it does when the table fails.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{Fault, Rule};
use serde_json::{Value, json};
use store::Scope;

use crate::support::{Answer, Call, Fleet, World, access_id, card, import, now, rfid, start, thor, vehicle};

/// The contract's second for the table and what Lambda adds to it, as its caller sees it.
const IN_TIME: Duration = Duration::from_millis(1200);

/// A world with the card `04e1a2b3`, number 1, and the vehicle `92d50a693f80`, number 2.
async fn world() -> World {
    let world = World::new().await;
    let linked = access_id(2, "92d50a693f80", 1);
    import(&world, &[card(1, "04e1a2b3"), linked.clone()], &[vehicle(1, "Van", &[linked])]).await;
    world
}

fn allowed() -> Value {
    json!({"authorized": true, "accessId": {"id": 1, "name": "Card", "type": "RFID"}})
}

/// A request with this text as its body, and the right secret.
fn sent<'a>(world: &'a World, body: impl Into<Vec<u8>>) -> Call<'a> {
    world.thor(&format!("/{}", world.fleet.rfid.token)).body(body)
}

#[tokio::test]
async fn it_answers_exactly_what_is_documented() {
    let world = world().await;
    let secret = format!("/{}", world.fleet.rfid.token);
    for kind in ["authorize", "start"] {
        let asks = |tag: &str| world.thor(&secret).json(&thor(tag, kind));
        for spelling in ["04e1a2b3", "04:E1:A2:B3", " 04-e1-a2-b3 "] {
            assert_eq!(asks(spelling).await.ok(), allowed());
        }
        let van = json!({"authorized": true, "accessId": {"id": 2, "name": "Vehicle 1", "type": "Vehicle"}});
        assert_eq!(asks("VID:92:D5:0A:69:3F:80").await.ok(), van);
        let unknown = asks("04e1a2b4").await;
        assert_eq!((unknown.status, unknown.body), (403, json!({"authorized": false, "reason": "unknown"})));
    }
    world.patch("/api/access-ids/1", json!({"accessId": {"authorizationStatus": "Revoked"}})).await.ok();
    for kind in ["authorize", "start"] {
        let revoked = world.thor(&secret).json(&thor("04e1a2b3", kind)).await;
        assert_eq!((revoked.status, revoked.body), (403, json!({"authorized": false, "reason": "revoked"})));
    }
}

#[tokio::test]
async fn thors_message_is_taken_as_it_may_vary() {
    let world = world().await;
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    for body in [
        r#"{"type":"start","chargebox":"x","id":"04E1A2B3","msg":"rfid"}"#.to_owned(),
        "\u{feff}{\"msg\":\"rfid\",\"id\":\"04E1A2B3\",\"chargebox\":\"x\",\"type\":\"start\"}".to_owned(),
        "\r\n\t {\n \"msg\" : \"rfid\" ,\"id\":\"04E1A2B3\",\"chargebox\":\"\",\"type\":\"start\" } \n".to_owned(),
        r#"{"msg":"rfid","id":"04E1A2B3","chargebox":"x","type":"start","timestamp":1,"a":null,"b":[1,{"c":[]}],"d":true,"e":-1.5e3,"":{}}"#
            .to_owned(),
        // Of a repeated key the last counts.
        r#"{"type":"rfid","msg":"rfid","id":"04E1A2B3","chargebox":"x","type":"authorize"}"#.to_owned(),
        r#"{"msg":1,"id":null,"chargebox":{},"type":[],"msg":"rfid","id":"04E1A2B3","chargebox":"x","type":"start"}"#.to_owned(),
        r#"{"msg":"rfid","id":"other","id":"04E1A2B3","chargebox":"x","chargebox":"y","type":"start"}"#.to_owned(),
        r#"{"msg":"rfid","id":"04E1A2B3","chargebox":"x","type":"start","x":{"a":1,"a":2},"x":3}"#.to_owned(),
        r#"{"m\u0073g":"rf\u0069d","id":"\u00304E1A2B3","chargebox":"\ud83d\ude97","type":"start"}"#.to_owned(),
        format!(r#"{{"msg":"rfid","id":"04E1A2B3","chargebox":"{}","type":"start","x":{deep},"y":1e400}}"#, "x".repeat(20_000)),
    ] {
        let answer = sent(&world, body.clone()).await;
        assert_eq!((answer.status, &answer.body), (200, &allowed()), "{body}: {answer:?}");
    }
    let last = r#"{"msg":"rfid","id":"04E1A2B3","id":"other","chargebox":"x","type":"start"}"#;
    sent(&world, last).await.refuses("unknown");
    sent(&world, thor("04E1A2B3", "start").to_string()).base64().await.ok();
    let call = sent(&world, thor("04E1A2B3", "start").to_string());
    call.header("content-type", "text/plain; charset=iso-8859-1").header("idempotency-key", "").await.ok();
    // What is no tag is a question with an answer.
    for id in ["", " ", "a b", "é", "a\u{0}b", "\n", &"x".repeat(37), &"x".repeat(60_000), "#", "\u{feff}04e1a2b3"] {
        world.ask(id).await.refuses("unknown");
    }
}

#[tokio::test]
async fn what_breaks_thors_schema_is_refused() {
    let world = world().await;
    let good = thor("04e1a2b3", "start");
    let names = ["msg", "id", "chargebox", "type"];
    for name in names {
        let mut missing = good.clone();
        missing.as_object_mut().unwrap().remove(name);
        sent(&world, missing.to_string()).await.names(&[name]);
        for bad in [json!(null), json!(1921398740), json!(1.5), json!(true), json!([]), json!(["rfid"]), json!({})] {
            let mut body = good.clone();
            body[name] = bad;
            sent(&world, body.to_string()).await.names(&[name]);
        }
        let repeated = format!("{},\"{name}\":null}}", good.to_string().trim_end_matches('}'));
        sent(&world, repeated).await.names(&[name]);
    }
    for (name, words) in [
        ("msg", ["", "RFID", "rfid ", "charge", "null"].as_slice()),
        ("type", &["", "stop", "Start", "AUTHORIZE", "authorize "]),
    ] {
        for word in words {
            let mut body = good.clone();
            body[name] = (*word).into();
            sent(&world, body.to_string()).await.names(&[name]);
        }
    }
    sent(&world, "{}").await.names(&names);
    sent(&world, r#"{"MSG":"rfid","Id":"04e1a2b3","msg":"x","type":1}"#).await.names(&names);
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_as_a_whole() {
    let world = world().await;
    let good = thor("04e1a2b3", "start").to_string();
    let with = |extra: &str| format!("{},{extra}}}", good.trim_end_matches('}'));
    let mut bodies: Vec<Vec<u8>> =
        ["", " ", "x", "null", "[]", "\"rfid\"", "1", "{", "{}}", "{'a':1}", "\u{feff}\u{feff}{}"]
            .map(|text| text.as_bytes().to_vec())
            .into();
    bodies.extend([
        format!("[{good}]").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good}\u{0}").into_bytes(),
        good.as_bytes()[..good.len() - 1].to_vec(),
        b"\xff\xfe{}".to_vec(),
        [&good.as_bytes()[..good.len() - 1], b",\"x\":\"\xff\"}"].concat(),
        [&good.as_bytes()[..good.len() - 1], b",\"\xc3\x28\":1}"].concat(),
        "msg=rfid&id=04e1a2b3&chargebox=x&type=start".into(),
        vec![b'['; 65_000],
        b"{\"x\":".repeat(13_000),
    ]);
    // No text anywhere, in what is ignored too.
    for surrogate in [r"\ud800", r"\udc00", r"\udc00\ud800", r"\ud800x", r"\uD83D\uD83D"] {
        bodies.push(good.replace("04e1a2b3", surrogate).into_bytes());
        bodies.push(good.replace("EaJ7cU9NJ3YkTNgy", surrogate).into_bytes());
        for extra in
            [r#""x":"S""#, r#""S":1"#, r#""x":["S"]"#, r#""x":{"S":1}"#, r#""x":{"a":[{"b":"S"}]}"#, r#""x":"S","x":1"#]
        {
            bodies.push(with(&extra.replace('S', surrogate)).into_bytes());
        }
    }
    for extra in [
        r#""x":01"#,
        r#""x":NaN"#,
        r#""x":"\q""#,
        "\"x\":\"\n\"",
        "\"x\":\"\u{0}\"",
        r#""x":1,"#,
        r#""x""#,
        r#""x":tru"#,
    ] {
        bodies.push(with(extra).into_bytes());
    }
    bodies.push(with(&format!("\"x\":{}", "[".repeat(20_000))).into_bytes());
    for body in bodies {
        let answer = sent(&world, body.clone()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(160)]).into_owned();
        assert_eq!((answer.status, answer.fields()), (400, [""].into()), "{shown}: {answer:?}");
    }
    assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
}

/// Wrong secrets of every kind: the paths and the headers that carry them.
fn wrong(fleet: &Fleet, other: &Fleet, revoked: &str) -> Vec<(String, Option<String>)> {
    let secret = fleet.rfid.token.as_str();
    let (start, own) = secret.rsplit_once('_').unwrap();
    let (other_start, others) = other.rfid.token.rsplit_once('_').unwrap();
    let mut wrong = vec![
        ("".to_owned(), None),
        ("/".to_owned(), None),
        ("/rfid".to_owned(), None),
        (format!("/{}", fleet.api.token), None),
        (format!("/{}", fleet.api.token.replacen("api_", "rfid_", 1)), None),
        (format!("/{secret}x"), None),
        (format!("/{}", &secret[..secret.len() - 1]), None),
        (format!("/{}", secret.to_lowercase()), None),
        (format!("/x/{secret}"), None),
        (format!("/{secret}/x"), None),
        (format!("/{}", secret.replace('_', "%5F")), None),
        (format!("/{secret}%20"), None),
        (format!("/?secret={secret}"), None),
        (format!("/{start}_{others}"), None),
        (format!("/{other_start}_{own}"), None),
        (format!("/rfid_{}_{own}", "o".repeat(12)), None),
        (format!("/rfid_o_{own}"), None),
        (format!("/{revoked}"), None),
        (format!("/{revoked}"), Some(format!("Bearer {secret}"))),
        (format!("/{start}_{others}"), Some(format!("Bearer {secret}"))),
        (format!("/{}", "x".repeat(8000)), None),
        ("/é💥".to_owned(), None),
    ];
    wrong.extend(
        [
            secret.to_owned(),
            format!("Basic {secret}"),
            format!("Bearer{secret}"),
            format!("Bearer {}", fleet.api.token),
            format!("Bearer {revoked}"),
            format!("Bearer {secret},Bearer {secret}"),
            format!("Bearer {secret} x"),
            "Bearer".to_owned(),
            String::new(),
        ]
        .map(|header| ("/".to_owned(), Some(header))),
    );
    wrong
}

#[tokio::test]
async fn the_secret_comes_before_anything_else() {
    let world = world().await;
    let other = world.another_fleet().await;
    let revoked = world.store.create_credential(&world.fleet.id, Scope::Rfid, "", now()).await.unwrap();
    world.store.revoke_credential(&revoked.id, now()).await.unwrap();
    let bodies: [Vec<u8>; 5] =
        [thor("04e1a2b3", "start").to_string().into(), b"".into(), b"{".into(), b"{}".into(), vec![b'x'; 65_537]];
    for (path, authorization) in wrong(&world.fleet, &other, &revoked.token) {
        for body in &bodies {
            for method in ["POST", "GET"] {
                let call = world.thor(&path).method(method).authorization(authorization.as_deref()).body(body.clone());
                let answer = call.await;
                assert_eq!(answer.status, 401, "{method} {path} {authorization:?}: {answer:?}");
                answer.hides(&world.fleet);
            }
        }
    }
}

#[tokio::test]
async fn both_places_of_the_secret_are_looked_at() {
    let world = world().await;
    let secret = &world.fleet.rfid.token;
    let body = thor("04e1a2b3", "authorize");
    for (path, authorization) in [
        (format!("/{secret}"), None),
        (format!("/{secret}/"), None),
        (format!("/{secret}?x=1"), None),
        (format!("/{secret}"), Some("Bearer wrong".to_owned())),
        (format!("/{secret}"), Some(format!("Bearer {}", world.fleet.api.token))),
        ("/".to_owned(), Some(format!("Bearer {secret}"))),
        ("".to_owned(), Some(format!("bearer {secret}"))),
        ("/rfid/authorize".to_owned(), Some(format!("BEARER {secret}"))),
    ] {
        let answer = world.thor(&path).json(&body).authorization(authorization.as_deref()).await;
        assert_eq!((answer.status, &answer.body), (200, &allowed()), "{path} {authorization:?}: {answer:?}");
    }
}

/// It opens nothing but the authorizer, and is asked for the organization that it names.
#[tokio::test]
async fn a_secret_is_its_organizations() {
    let world = world().await;
    let other = world.another_fleet().await;
    world.thor(&format!("/{}", other.rfid.token)).json(&thor("04e1a2b3", "start")).await.refuses("unknown");
    world.get("/api/access-ids").token(&world.fleet.rfid.token).await.is(401, "unauthorized");
    // A second secret works beside the first, so that one can be replaced by the other.
    let second = world.store.create_credential(&world.fleet.id, Scope::Rfid, "", now()).await.unwrap();
    for token in [&world.fleet.rfid.token, &second.token] {
        world.thor(&format!("/{token}")).json(&thor("04e1a2b3", "start")).await.ok();
    }
}

#[tokio::test]
async fn methods_and_sizes() {
    let world = world().await;
    let body = thor("04e1a2b3", "start").to_string();
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", ""] {
        let answer = sent(&world, body.clone()).method(method).await;
        answer.is(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "POST");
        sent(&world, "{").method(method).await.is(405, "method_not_allowed");
    }
    let mut large = body.into_bytes();
    large.resize(65_537, b' ');
    sent(&world, large.clone()).await.is(413, "payload_too_large");
    sent(&world, large.clone()).base64().await.is(413, "payload_too_large");
    sent(&world, vec![b'x'; 5_000_000]).base64().await.is(413, "payload_too_large");
    assert_eq!(sent(&world, &large[..65_536]).await.ok(), allowed());
    assert_eq!(sent(&world, &large[..65_536]).base64().await.ok(), allowed());
}

#[tokio::test]
async fn an_event_with_holes_is_answered() {
    let world = world().await;
    let holes = [
        "version",
        "headers",
        "queryStringParameters",
        "rawQueryString",
        "pathParameters",
        "isBase64Encoded",
        "routeKey",
    ];
    for hole in holes {
        world.ask("04e1a2b3").change(|event| event[hole] = Value::Null).await.ok();
        world.ask("04e1a2b3").change(|event| _ = event.as_object_mut().unwrap().remove(hole)).await.ok();
    }
    world.ask("04e1a2b3").change(|event| event["body"] = Value::Null).await.names(&[""]);
    world.ask("04e1a2b3").change(|event| event["requestContext"] = Value::Null).await.is(405, "method_not_allowed");
    world.ask("04e1a2b3").change(|event| event["rawPath"] = Value::Null).await.is(401, "unauthorized");
    world.ask("04e1a2b3").change(|event| *event = json!({})).await.is(401, "unauthorized");
}

#[tokio::test]
async fn a_decision_is_one_consistent_request_on_one_connection() {
    let world = world().await;
    let recorder = world.recorder("rfid-authorizer").await;
    let asked = async || {
        let requests = recorder.requests();
        recorder.clear();
        let calls = requests.into_iter().filter(|request| !request.operation.is_empty());
        calls.map(|request| (request.operation, request.body)).collect::<Vec<_>>()
    };
    world.instance("rfid-authorizer", 0).await;
    assert_eq!(asked().await, [], "before it is asked, it asks nothing");
    let secret = format!("/{}", world.fleet.rfid.token);
    let another = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('a') { 'b' } else { 'a' });
    let calls: Vec<(Call<'_>, u16)> = vec![
        (world.ask("04e1a2b3"), 200),
        (world.ask("04e1a2b3"), 200),
        (world.ask("92d50a693f80"), 200),
        (world.ask("nobody"), 403),
        (world.ask("no tag"), 403),
        (world.thor(&secret).json(&thor("04e1a2b3", "start")), 200),
        (world.thor("/").json(&thor("x", "start")).token(&world.fleet.rfid.token), 403),
        (world.thor(&secret).body("{"), 400),
        (world.thor(&secret).method("GET"), 405),
        (world.thor(&another).json(&thor("x", "start")), 401),
    ];
    for (at, (call, status)) in calls.into_iter().enumerate() {
        let answer = call.await;
        assert_eq!(answer.status, status, "{at}: {answer:?}");
        let asked = asked().await;
        let [(operation, body)] = asked.as_slice() else { panic!("{at}: {asked:?}") };
        assert_eq!(operation, "BatchGetItem");
        let tables = body["RequestItems"].as_object().unwrap();
        assert_eq!(tables.keys().collect::<Vec<_>>(), [engine::TABLE_NAME]);
        assert_eq!(tables[engine::TABLE_NAME]["ConsistentRead"], true);
    }
    // What cannot be a secret is not worth a request.
    world.thor("/guess").json(&thor("x", "start")).await.is(401, "unauthorized");
    assert_eq!(asked().await, []);
    assert_eq!(recorder.connections(), 1);
}

#[tokio::test]
async fn an_acknowledged_revocation_holds_for_the_next_request() {
    let world = world().await;
    for round in 0..15 {
        for (status, code) in [("Revoked", 403), ("Authorized", 200)] {
            world.patch("/api/access-ids/1", json!({"accessId": {"authorizationStatus": status}})).await.ok();
            let kind = if round % 2 == 0 { "authorize" } else { "start" };
            let call = world.thor(&format!("/{}", world.fleet.rfid.token)).json(&thor("04e1a2b3", kind));
            let answer = call.on(round % 2).await;
            assert_eq!(answer.status, code, "{round} {status}: {answer:?}");
        }
    }
    // By way of a vehicle that takes the card.
    let body =
        json!({"vehicle": {"name": "Bus", "accessIds": [{"ocppIdTag": "04e1a2b3", "authorizationStatus": "Revoked"}]}});
    world.create(body).await;
    world.ask("04e1a2b3").await.refuses("revoked");
    world.create(rfid("fresh", "Card")).await;
    world.ask("fresh").await.ok();
}

#[tokio::test]
async fn a_revoked_secret_stops_at_once() {
    let world = world().await;
    for instance in [0, 1] {
        world.ask("04e1a2b3").on(instance).await.ok();
    }
    world.store.revoke_credential(&world.fleet.rfid.id, now()).await.unwrap();
    for instance in [0, 1] {
        world.ask("04e1a2b3").on(instance).await.is(401, "unauthorized");
        world
            .thor("/")
            .json(&thor("x", "start"))
            .token(&world.fleet.rfid.token)
            .on(instance)
            .await
            .is(401, "unauthorized");
    }
}

/// Everything that can go wrong with the table for good.
fn failures() -> Vec<(&'static str, Vec<Rule>)> {
    let answer = |status, body: &str| Rule::from(Fault::Answer { status, body: body.to_owned() });
    let left_over = json!({"Responses": {engine::TABLE_NAME: []}, "UnprocessedKeys": {engine::TABLE_NAME: {
        "ConsistentRead": true, "Keys": [{"PK": {"S": "x"}, "SK": {"S": "x"}}]
    }}});
    let error = |status, code: &str| Rule::from(Fault::error(status, code, "of the table's own: secret-detail"));
    vec![
        ("refused", vec![Rule::from(Fault::Refuse)]),
        ("reset before", vec![Rule::from(Fault::ResetBefore)]),
        ("reset after", vec![Rule::from(Fault::ResetAfter)]),
        ("slow", vec![Rule::from(Fault::Delay(Duration::from_secs(3)))]),
        ("slow to answer", vec![Rule::from(Fault::DelayAnswer(Duration::from_millis(1500)))]),
        ("black hole", vec![Rule::from(Fault::BlackHole)]),
        ("throttling", vec![error(400, "ThrottlingException")]),
        ("throughput", vec![error(400, "ProvisionedThroughputExceededException")]),
        ("request limit", vec![error(400, "RequestLimitExceeded")]),
        ("no table", vec![error(400, "ResourceNotFoundException")]),
        ("no permission", vec![error(400, "AccessDeniedException")]),
        ("expired", vec![error(400, "ExpiredTokenException")]),
        ("500", vec![error(500, "InternalServerError")]),
        ("503", vec![error(503, "ServiceUnavailable")]),
        ("502 of a proxy", vec![answer(502, "<html>Bad Gateway</html>")]),
        ("301", vec![answer(301, "")]),
        ("no JSON", vec![answer(200, "<html>")]),
        ("half of JSON", vec![answer(200, "{\"Responses\":{")]),
        ("nothing", vec![answer(200, "")]),
        ("null", vec![answer(200, "null")]),
        ("a list", vec![answer(200, "[]")]),
        ("another type", vec![answer(200, "{\"Responses\":[]}")]),
        ("cut off", vec![Rule::from(Fault::TruncateBody)]),
        ("changed on the way", vec![Rule::from(Fault::CorruptBody)]),
        ("keys left over", vec![answer(200, &left_over.to_string())]),
        // Each try takes its time, and the last one all of it.
        (
            "keys left over, then a black hole",
            vec![answer(200, &left_over.to_string()).times(20), Fault::BlackHole.into()],
        ),
        ("500, then a black hole", vec![error(500, "InternalServerError").times(1), Fault::BlackHole.into()]),
    ]
}

/// 503 in time, with all that belongs to it. Never 200.
fn fails_closed(what: &str, (answer, took): &(Answer, Duration)) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert!(*took <= IN_TIME, "{what}: {took:?}");
    assert!(!answer.body.to_string().contains("secret-detail"), "{what}: {answer:?}");
}

#[tokio::test]
async fn a_failing_table_is_503_in_time_and_never_200() {
    // A few at a time: the clock is the caller's.
    for failures in failures().chunks(9) {
        let worlds = join_all(failures.iter().map(async |_| {
            let world = world().await;
            assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
            world
        }));
        let worlds = worlds.await;
        let checks = failures.iter().zip(&worlds).map(async |((what, rules), world)| {
            let recorder = world.recorder("rfid-authorizer").await;
            for rule in rules {
                recorder.inject(rule.clone());
            }
            if *what == "refused" {
                recorder.cut();
            }
            fails_closed(what, &world.ask("04e1a2b3").timed().await);
            // Whatever is asked: without the table nothing is known, not even the caller.
            recorder.heal();
            rules.iter().for_each(|rule| recorder.inject(rule.clone()));
            fails_closed(what, &world.thor(&format!("/{}", world.fleet.rfid.token)).method("GET").timed().await);
            recorder.heal();
            let (answer, took) = world.ask("04e1a2b3").timed().await;
            assert_eq!((answer.status, &answer.body), (200, &allowed()), "after {what}: {answer:?}");
            assert!(took < Duration::from_millis(400), "after {what}: {took:?}");
        });
        join_all(checks).await;
    }
}

#[tokio::test]
async fn a_failing_table_at_the_first_request_is_503_in_time() {
    let failures = ["refused", "black hole", "slow", "throttling", "500"];
    let failures: Vec<_> = self::failures().into_iter().filter(|(what, _)| failures.contains(what)).collect();
    assert_eq!(failures.len(), 5);
    let worlds = join_all(failures.iter().map(async |(_, rules)| {
        let world = world().await;
        let recorder = world.recorder("rfid-authorizer").await;
        rules.iter().for_each(|rule| recorder.inject(rule.clone()));
        // It starts, if late: that the table cannot be reached is no reason to end.
        world.instance("rfid-authorizer", 0).await;
        world
    }));
    let worlds = worlds.await;
    let checks = failures.iter().zip(&worlds).map(async |((what, _), world)| {
        fails_closed(what, &world.ask("04e1a2b3").timed().await);
        world.recorder("rfid-authorizer").await.heal();
        assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
    });
    join_all(checks).await;
}

#[tokio::test]
async fn without_a_table_it_is_503_in_time() {
    let mut world = world().await;
    let recorded = world.instance("rfid-authorizer", 0).await;
    let direct = start("rfid-authorizer", &world.table_url()).await;
    let event = || {
        let path = format!("/{}", world.fleet.rfid.token);
        harness::function_url_event("POST", &path, "", &[], thor("04e1a2b3", "start").to_string().as_bytes())
    };
    let event = event();
    for function in [&*recorded, &direct] {
        assert_eq!(function.invoke(event.clone()).await.unwrap().status, 200);
    }
    world.lose_table().await;
    for function in [&*recorded, &direct] {
        for _ in 0..2 {
            let began = std::time::Instant::now();
            let response = function.invoke(event.clone()).await.unwrap();
            let took = began.elapsed();
            fails_closed("no table", &(Answer::read("rfid-authorizer", response), took));
        }
    }
}

#[tokio::test]
async fn a_table_that_recovers_in_time_costs_no_error() {
    let error = |status, code: &str| Fault::error(status, code, "").times(1);
    let left_over =
        json!({"Responses": {engine::TABLE_NAME: []}, "UnprocessedKeys": {engine::TABLE_NAME: {"Keys": []}}});
    let faults = [
        ("reset before", Fault::ResetBefore.times(1)),
        ("reset after", Fault::ResetAfter.times(1)),
        ("black hole", Fault::BlackHole.times(1)),
        ("slow", Fault::DelayAnswer(Duration::from_millis(250)).into()),
        ("throttling", error(400, "ThrottlingException")),
        ("500", error(500, "InternalServerError")),
        ("503", error(503, "ServiceUnavailable")),
        ("cut off", Fault::TruncateBody.times(1)),
        ("changed on the way", Fault::CorruptBody.times(1)),
        ("keys left over", Fault::Answer { status: 200, body: left_over.to_string() }.times(2)),
    ];
    let worlds = join_all(faults.iter().map(async |_| {
        let world = world().await;
        world.ask("04e1a2b3").await.ok();
        world
    }));
    let worlds = worlds.await;
    let checks = faults.iter().zip(&worlds).map(async |((what, rule), world)| {
        world.recorder("rfid-authorizer").await.inject(rule.clone());
        let (answer, took) = world.ask("04e1a2b3").timed().await;
        assert_eq!((answer.status, &answer.body), (200, &allowed()), "{what}: {answer:?}");
        assert!(took <= IN_TIME, "{what}: {took:?}");
    });
    join_all(checks).await;
}

/// Half an answer decides nothing: the keys left over may be the very ones that matter.
#[tokio::test]
async fn an_unknown_tag_among_keys_left_over_is_asked_for_again() {
    let world = world().await;
    world.ask("04e1a2b3").await.ok();
    let recorder = world.recorder("rfid-authorizer").await;
    let credential = world.fleet.rfid.id.split_once('.').unwrap().0;
    let left_over = json!({
        "Responses": {engine::TABLE_NAME: [{
            "PK": {"S": format!("ORG#{credential}")}, "SK": {"S": "CREDENTIAL#x"}, "scope": {"S": "rfid"}
        }]},
        "UnprocessedKeys": {engine::TABLE_NAME: {"ConsistentRead": true, "Keys": [
            {"PK": {"S": format!("ORG#{credential}#TAG#04e1a2b3")}, "SK": {"S": "TAG"}}
        ]}}
    });
    recorder.inject(Fault::Answer { status: 200, body: left_over.to_string() }.times(1));
    assert_eq!(world.ask("04e1a2b3").await.ok(), allowed());
}

#[tokio::test]
async fn a_connection_that_was_closed_between_two_calls_costs_nothing() {
    let world = world().await;
    world.ask("04e1a2b3").await.ok();
    let recorder = world.recorder("rfid-authorizer").await;
    recorder.clear();
    for round in 1..=10 {
        recorder.cut();
        // The reset needs a moment to get there, or none: either way round it is no error.
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(world.ask("04e1a2b3").await.ok(), allowed(), "{round}");
    }
    assert_eq!(recorder.operations(), vec!["BatchGetItem"; 10]);
}
