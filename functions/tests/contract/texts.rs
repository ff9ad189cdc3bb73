//! Rules of texts (white space, control characters, lengths) and of tags.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{World, rfid};

/// Every text in every body, tags excepted: method, path, a body that is accepted, the JSON pointer of the text, and its
/// maximal length.
fn texts() -> Vec<(&'static str, &'static str, Value, &'static str, usize)> {
    let charging = || {
        json!({"accessId": {
            "type": "Vehicle", "ocppIdTag": "{tag}", "name": "x", "vehicle": {}, "customer": {"name": "Fleet"}
        }})
    };
    let van = || json!({"vehicle": {"name": "x", "customer": {"name": "Fleet"}}});
    vec![
        ("POST", "/api/access-ids", charging(), "/accessId/name", 200),
        ("POST", "/api/access-ids", charging(), "/accessId/vehicle/make", 100),
        ("POST", "/api/access-ids", charging(), "/accessId/vehicle/model", 100),
        ("POST", "/api/access-ids", charging(), "/accessId/vehicle/vin", 64),
        ("POST", "/api/access-ids", charging(), "/accessId/customer/name", 200),
        ("PATCH", "/api/access-ids/1", json!({"accessId": {}}), "/accessId/name", 200),
        ("PATCH", "/api/access-ids/1", json!({"accessId": {"vehicle": {}}}), "/accessId/vehicle/make", 100),
        ("PATCH", "/api/access-ids/1", json!({"accessId": {"vehicle": {}}}), "/accessId/vehicle/model", 100),
        ("PATCH", "/api/access-ids/1", json!({"accessId": {"vehicle": {}}}), "/accessId/vehicle/vin", 64),
        ("PATCH", "/api/access-ids/1", json!({"accessId": {"customer": {}}}), "/accessId/customer/name", 200),
        ("POST", "/api/vehicles", van(), "/vehicle/name", 200),
        ("POST", "/api/vehicles", van(), "/vehicle/make", 100),
        ("POST", "/api/vehicles", van(), "/vehicle/model", 100),
        ("POST", "/api/vehicles", van(), "/vehicle/vin", 64),
        ("POST", "/api/vehicles", van(), "/vehicle/licensePlate", 64),
        ("POST", "/api/vehicles", van(), "/vehicle/customer/name", 200),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {}}), "/vehicle/name", 200),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {}}), "/vehicle/make", 100),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {}}), "/vehicle/model", 100),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {}}), "/vehicle/vin", 64),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {}}), "/vehicle/licensePlate", 64),
        ("PATCH", "/api/vehicles/1", json!({"vehicle": {"customer": {}}}), "/vehicle/customer/name", 200),
    ]
}

/// Sends texts in every place. `cases` gets the maximal length and returns the texts, each with the stored form, or `None` if
/// it must be refused. The creations of both kinds run besides the updates, which change the same vehicle and so run in turn.
async fn in_every_place(cases: impl Fn(usize) -> Vec<(String, Option<String>)>) {
    let (world, texts) = (&World::with_van().await, &texts());
    let lanes: [&[(&str, &str)]; 3] = [
        &[("POST", "/api/access-ids")],
        &[("POST", "/api/vehicles")],
        &[("PATCH", "/api/access-ids/1"), ("PATCH", "/api/vehicles/1")],
    ];
    assert!(texts.iter().all(|(method, path, ..)| lanes.concat().contains(&(method, path))));
    join_all(lanes.map(async |lane| {
        let places = texts.iter().filter(|(method, path, ..)| lane.contains(&(method, path)));
        for (at, (method, path, good, place, limit)) in places.enumerate() {
            for (case, (text, expected)) in cases(*limit).into_iter().enumerate() {
                let mut body = good.clone();
                if let Some(tag) = body.pointer_mut("/accessId/ocppIdTag") {
                    *tag = format!("tag-{at}-{case}").into();
                }
                let (parent, name) = place.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[name] = text.as_str().into();
                let answer = world.request(method, path).json(&body).await;
                let context = format!("{method} {path} {place} {text:?}: {answer:?}");
                match expected {
                    Some(expected) => {
                        assert!([200, 201].contains(&answer.status), "{context}");
                        assert_eq!(answer.body.pointer(place), Some(&json!(expected)), "{context}");
                    }
                    None => {
                        let field = place[1..].replace('/', ".");
                        assert_eq!((answer.status, answer.fields()), (400, [field.as_str()].into()), "{context}");
                    }
                }
            }
        }
    }))
    .await;
}

#[tokio::test]
async fn lengths_are_counted_in_code_points_after_trimming() {
    in_every_place(|limit| {
        let longest = ["x", "é", "漢", "🚗"].map(|character| character.repeat(limit));
        let too_long = ["x", "é", "漢", "🚗"].map(|character| (character.repeat(limit + 1), None));
        let padded = (format!("   {}\u{3000}", longest[3]), Some(longest[3].clone()));
        let accepted = longest.into_iter().map(|text| (text.clone(), Some(text)));
        accepted.chain(too_long).chain([padded, ("x".into(), Some("x".into()))]).collect()
    })
    .await;
}

#[tokio::test]
async fn white_space_at_the_ends_is_removed_and_blank_texts_are_refused() {
    in_every_place(|_| {
        let trimmed = |text: &str, expected: &str| (text.to_owned(), Some(expected.to_owned()));
        let blank = |text: &str| (text.to_owned(), None);
        vec![
            trimmed("  a  b  ", "a  b"),
            trimmed("\u{a0}a\u{2003}", "a"),
            trimmed("\u{1680}\u{202f}\u{205f}a", "a"),
            // These are not white space.
            trimmed("\u{200b}b", "\u{200b}b"),
            trimmed("\u{ad}c\u{feff}", "\u{ad}c\u{feff}"),
            blank(""),
            blank(" "),
            blank("\u{a0}\u{3000}"),
            // Nothing of these can be seen.
            blank("\u{200b}\u{200d}"),
            blank("\u{2800}"),
            blank("\u{3164}\u{115f}"),
            blank("\u{feff} \u{ad}"),
            blank("\u{fe0f}\u{e0100}"),
        ]
    })
    .await;
}

#[tokio::test]
async fn control_characters_are_refused_anywhere() {
    in_every_place(|_| {
        let controls = ["\0", "\t", "\n", "\r", "\u{1b}", "\u{1f}", "\u{7f}", "\u{80}", "\u{85}", "\u{9f}"];
        // These are white space too, but must be refused before the text is trimmed.
        let at_the_ends =
            ["\t", "\n", "\u{85}"].map(|control| [format!("{control}a"), format!("a{control}"), control.into()]);
        let inside = controls.iter().map(|control| format!("a{control}b"));
        inside.chain(at_the_ends.into_iter().flatten()).map(|text| (text, None)).collect()
    })
    .await;
}

#[tokio::test]
async fn characters_that_reorder_or_break_the_text_around_them_are_refused_anywhere() {
    in_every_place(|_| {
        let refused = ["\u{202a}", "\u{202e}", "\u{2066}", "\u{2069}", "\u{2028}", "\u{2029}", "\u{fdd0}", "\u{ffff}"];
        let placed = |character| [format!("a{character}b"), format!("{character}a"), format!("a{character}")];
        refused.into_iter().flat_map(placed).chain(["a\u{10fffe}b".to_owned()]).map(|text| (text, None)).collect()
    })
    .await;
}

/// Texts and the tags that they are normalized to.
const TAGS: &[(&str, &str)] = &[
    ("04:E1:A2:B3", "04e1a2b3"),
    ("VID:92D50A693F80", "92d50a693f80"),
    ("test-ocpp-id-tag", "test-ocpp-id-tag"),
    ("1921398740", "1921398740"),
    ("7823091235", "7823091235"),
    ("0001921398740", "0001921398740"),
    ("  Trimmed\u{a0}", "trimmed"),
    ("05-e1", "05-e1"),
    ("06 E1 A2 B3", "06e1a2b3"),
    (" 07-e1-a2-b3-c4-d5-e6 ", "07e1a2b3c4d5e6"),
    ("12:34", "12:34"),
    ("80:38104", "80:38104"),
    ("77.12.34", "77.12.34"),
    ("7701-23456", "7701-23456"),
    ("AABB.CCDD.EEFF", "aabbccddeeff"),
    ("VID:D0CF5E000001", "d0cf5e000001"),
    ("D0CF.5E00.0002", "d0cf5e000002"),
    ("vid: d0cf:5e00:0003", "d0cf5e000003"),
    ("DE-8AA-C12345678-9", "de8aac123456789"),
    ("DE*8AA*C12345678", "de8aac12345678"),
    ("12345678901234567890\0", "12345678901234567890"),
    ("padded\r\n", "padded"),
    ("08:E1-A2", "08:e1-a2"),
    ("09:E1:", "09:e1:"),
    (":10:E1", ":10:e1"),
    ("11::e1", "11::e1"),
    ("12:E1:A", "12:e1:a"),
    ("13:e1:zz", "13:e1:zz"),
    ("14_e1", "14_e1"),
    ("15.e1", "15.e1"),
    ("1:6e:1", "1:6e:1"),
    ("17", "17"),
    ("vid:18-D5-0A-69-3F-80", "18d50a693f80"),
    ("Vid:19:D5:0A:69:3F:80", "19d50a693f80"),
    ("VID:20 d5 0a 69 3f 80", "20d50a693f80"),
    ("vid:21d50a693f8", "vid:21d50a693f8"),
    ("vid:22d50a693f8g", "vid:22d50a693f8g"),
    ("vid:23:e1", "vid:23:e1"),
    ("vid:24:D5-0A:69:3F:80", "vid:24:d5-0a:69:3f:80"),
    ("vid:vid:25d50a693f80", "vid:vid:25d50a693f80"),
    ("xvid:26d50a693f80", "xvid:26d50a693f80"),
    ("vid:", "vid:"),
    ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ("#", "#"),
    ("x", "x"),
    ("YYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYY", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
    ("AA:bb:CC:dd:EE:ff:00:11:22:33:44:55:66:77:88:99:AA:bb", "aabbccddeeff00112233445566778899aabb"),
];

/// Texts that are not tags.
const NOT_TAGS: &[&str] = &[
    "",
    " ",
    "\u{3000}",
    "a b",
    "04 e1 zz",
    "04: e1",
    "é",
    "ＡＢ",
    "🚗",
    "a\u{0}b",
    "\u{0}a",
    "04 e1",
    "00000000",
    "FFFFFFFFFFFF",
    "vid:00:00:00:00:00:00",
    "4.12E+08",
    "4,12e+08",
    "=\"0412345678\"",
    "'0412345678",
    "#N/A",
    "#DIV/0!",
    "\ttag",
    "tag\u{7f}",
    "\u{85}",
    "a\u{200b}",
    "\u{212a}",
    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "AA:bb:CC:dd:EE:ff:00:11:22:33:44:55:66:77:88:99:AA:bb:cc",
];

#[tokio::test]
async fn a_tag_is_normalized_wherever_it_enters() {
    let (one, other) = (&World::new().await, &World::new().await);
    let as_access_ids = async {
        for (text, normal) in TAGS {
            assert_eq!(one.create(rfid(text, "Card")).await["ocppIdTag"], *normal, "{text:?}");
            one.post("/api/access-ids", rfid(normal, "Card")).await.is(409, "tag_taken");
            is_known(one, text, normal).await;
        }
    };
    let as_tags_of_vehicles = async {
        for (text, normal) in TAGS {
            let made = other.create(json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": text}]}})).await;
            assert_eq!(made["accessIds"][0]["ocppIdTag"], *normal, "{text:?}");
            is_known(other, text, normal).await;
        }
    };
    tokio::join!(as_access_ids, as_tags_of_vehicles);
    for (digits, normal) in [("4E1A2B3", "04e1a2b3"), ("b3a2e104", "04e1a2b3"), ("81896115", "04e1a2b3")] {
        assert_eq!(one.ask(digits).await.status, 403, "{digits} is taken for {normal}");
    }
}

/// Checks that the authorizer knows the tag in each spelling.
async fn is_known(world: &World, text: &str, normal: &str) {
    for spelling in [text, normal] {
        assert_eq!(world.ask(spelling).await.ok()["authorized"], true, "{spelling:?}");
    }
    // The tag in an answer can be sent again, also in another case.
    assert_eq!(world.ask(&normal.to_uppercase()).await.status, 200, "{normal:?}");
}

/// The worst that the field showed: one vehicle under two notations, one of them revoked, and the other still charging.
#[tokio::test]
async fn all_notations_of_one_mac_address_are_one_tag() {
    let world = World::new().await;
    let made = world.create(rfid("VID:D0CF5E000001", "Card")).await;
    let notations = ["D0CF.5E00.0001", "d0:cf:5e:00:00:01", "D0-CF-5E-00-00-01", "d0cf5e000001", "d0cf-5e00-0001"];
    for notation in notations {
        let answer = world.post("/api/access-ids", rfid(notation, "Card")).await;
        answer.conflicts_with(&[("accessId.ocppIdTag", &made["id"])]);
    }
    let path = format!("/api/access-ids/{}", made["id"]);
    world.patch(&path, json!({"accessId": {"authorizationStatus": "Revoked"}})).await.ok();
    for notation in notations {
        world.ask(notation).await.refuses("revoked");
    }
}

#[tokio::test]
async fn the_reason_why_a_tag_is_none_is_told() {
    let world = World::new().await;
    for (text, reason) in [("FFFFFFFF", "could not read the card"), ("4.12E+08", "spreadsheet"), ("a b", "spaces")] {
        let answer = world.post("/api/access-ids", rfid(text, "Card")).await;
        answer.names(&["accessId.ocppIdTag"]);
        let message = answer.body["details"][0]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{answer:?}");
    }
}

#[tokio::test]
async fn an_invalid_tag_is_refused_on_creation_and_unknown_to_the_authorizer() {
    let world = World::new().await;
    for text in NOT_TAGS {
        let answer = world.post("/api/access-ids", rfid(text, "Card")).await;
        assert_eq!((answer.status, answer.fields()), (400, ["accessId.ocppIdTag"].into()), "{text:?}: {answer:?}");
        let body = json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": "good"}, {"ocppIdTag": text}]}});
        let answer = world.post("/api/vehicles", body).await;
        let expected = (400, ["vehicle.accessIds[1].ocppIdTag"].into());
        assert_eq!((answer.status, answer.fields()), expected, "{text:?}: {answer:?}");
        let answer = world.ask(text).await;
        assert_eq!((answer.status, &answer.body["reason"]), (403, &json!("unknown")), "{text:?}");
    }
    assert!(world.list("/api/access-ids").await.is_empty() && world.list("/api/vehicles").await.is_empty());
}
