//! Bodies that are not JSON, not a JSON object, too deep, or not text.

use serde_json::json;

use super::{is_unchanged, writing};
use crate::support::{World, card, import};

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let world = World::with_van().await;
    let deep_list = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    for (method, path, root, good) in writing() {
        let good = json!({root: good}).to_string();
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: Vec<Vec<u8>> = vec![
            b"".into(),
            b" ".into(),
            b"x".into(),
            b"null".into(),
            b"true".into(),
            b"1".into(),
            b"\"\"".into(),
            b"[]".into(),
            b"[{}]".into(),
            b"{".into(),
            b"}".into(),
            b"{}}".into(),
            b"{} {}".into(),
            b"{,}".into(),
            b"{'a': 1}".into(),
            b"{a: 1}".into(),
            b"{\"a\"}".into(),
            b"{\"a\": }".into(),
            b"{\"a\": 01}".into(),
            b"{\"a\": +1}".into(),
            b"{\"a\": .5}".into(),
            b"{\"a\": NaN}".into(),
            b"{\"a\": Infinity}".into(),
            b"{\"a\": undefined}".into(),
            b"{\"a\": 1,}".into(),
            b"{\"a\": 1 /* */}".into(),
            b"{\"a\": \"\\x41\"}".into(),
            b"{\"a\": \"\\u12\"}".into(),
            b"{\"a\": \"x\ny\"}".into(),
            b"{\"a\": \"\x00\"}".into(),
            b"{\"a\": \"\t\"}".into(),
            b"{\"a\": \"\xff\"}".into(),
            b"{\"a\": \"\xc0\x80\"}".into(),
            b"{\"a\": \"\xed\xa0\x80\"}".into(),
            b"\xff\xfe".into(),
            utf16,
            [b"\xef\xbb\xbf\xef\xbb\xbf", good.as_bytes()].concat(),
            [b" \xef\xbb\xbf", good.as_bytes()].concat(),
            [good.as_bytes(), b"\xef\xbb\xbf"].concat(),
            format!("{good} x").into_bytes(),
            format!("{good}\u{0}").into_bytes(),
            good.as_bytes()[..good.len() - 1].to_vec(),
            format!("{root}={good}").into_bytes(),
            deep_list.clone(),
        ];
        for body in bodies {
            let answer = world.request(method, path).body(body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!((answer.status, answer.fields()), (400, [""].into()), "{method} {path} {shown:?}: {answer:?}");
        }
    }
    is_unchanged(&world).await;
}

#[tokio::test]
async fn a_byte_order_mark_and_white_space_around_the_body_are_ignored() {
    let world = World::with_van().await;
    for (method, path, root, good) in writing() {
        let good = serde_json::to_string_pretty(&json!({root: good})).unwrap();
        let body = format!("\u{feff}\r\n\t {good} \n");
        let answer = world.request(method, path).body(body).await;
        assert!([200, 201].contains(&answer.status), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn lone_surrogates_are_no_text() {
    let world = World::with_van().await;
    for surrogate in [r"\ud83d", r"\udc00", r"\ude97\ud83d", r"\ud83dx", r"\ud83d\ud83d\ude97", r"\uDBFF", r"x\udfff"] {
        for (method, path, root, _) in writing() {
            for body in [
                format!(r#"{{"{root}":{{"name":"{surrogate}"}}}}"#),
                format!(r#"{{"{root}":{{"customer":{{"name":"a{surrogate}"}}}}}}"#),
                format!(r#"{{"{root}":{{"{surrogate}":1}}}}"#),
                format!(r#"{{"{surrogate}":1,"{root}":{{}}}}"#),
                format!(r#"{{"{root}":{{"x":[{{"{surrogate}":["{surrogate}"]}}]}}}}"#),
            ] {
                let answer = world.request(method, path).body(body.as_str()).await;
                assert_eq!(answer.status, 400, "{method} {path} {body}: {answer:?}");
            }
        }
    }
    is_unchanged(&world).await;
    let made =
        world.request("POST", "/api/vehicles").body(r#"{"vehicle":{"n\u0061me":"\ud83d\ude97"}}"#).await.created();
    assert_eq!(made["vehicle"]["name"], "🚗");
}

/// What nobody reads is skipped at any depth, and named as unknown.
#[tokio::test]
async fn a_deep_unknown_field_is_named() {
    let world = World::with_van().await;
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for (method, path, root, good) in writing() {
        world.request(method, path).body(format!("{{\"{root}\":{good},\"x\":{deep}}}")).await.names(&["x"]);
    }
    is_unchanged(&world).await;
}

/// Deeply nested bodies are refused, do not end the process, and do not affect the next request.
#[tokio::test]
async fn depth_is_refused_and_survived() {
    let world = World::with_van().await;
    import(&world, &[card(2, "card")], &[]).await;
    for depth in [10, 100, 126, 127, 128, 129, 1_000, 30_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = if depth * (open.len() + close.len()) > 65_000 {
                open.repeat(65_000 / open.len())
            } else {
                format!("{}1{}", open.repeat(depth), close.repeat(depth))
            };
            for (method, path, root, _) in writing() {
                let body = format!("{{\"{root}\":{{\"name\":{deep}}}}}");
                let answer = world.request(method, path).body(body).await;
                assert_eq!(answer.status, 400, "{depth}: {answer:?}");
            }
        }
    }
    assert_eq!(world.access_id(&json!(2)).await["name"], "Card");
}
