//! The authorizer's answers, and the messages that it accepts from Thor.

use serde_json::{Value, json};

use super::{allowed, sent, world};
use crate::support::thor;

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
async fn every_valid_form_of_thors_message_is_accepted() {
    let world = world().await;
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    for body in [
        r#"{"type":"start","chargebox":"x","id":"04E1A2B3","msg":"rfid"}"#.to_owned(),
        "\u{feff}{\"msg\":\"rfid\",\"id\":\"04E1A2B3\",\"chargebox\":\"x\",\"type\":\"start\"}".to_owned(),
        "\r\n\t {\n \"msg\" : \"rfid\" ,\"id\":\"04E1A2B3\",\"chargebox\":\"\",\"type\":\"start\" } \n".to_owned(),
        r#"{"msg":"rfid","id":"04E1A2B3","chargebox":"x","type":"start","timestamp":1,"a":null,"b":[1,{"c":[]}],"d":true,"e":-1.5e3,"":{}}"#
            .to_owned(),
        // The last value of a repeated key counts.
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
    // A text that is not a tag is an unknown tag, not an error.
    for id in ["", " ", "a b", "é", "a\u{0}b", "\n", &"x".repeat(37), &"x".repeat(60_000), "#", "\u{feff}04e1a2b3"] {
        world.ask(id).await.refuses("unknown");
    }
}

#[tokio::test]
async fn fields_of_a_wrong_type_or_value_are_named() {
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
async fn a_body_that_is_not_a_json_object_is_refused() {
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
    // A lone surrogate is not text, not even in a key or value that is ignored.
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

#[tokio::test]
async fn other_methods_are_405_and_large_bodies_413() {
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
