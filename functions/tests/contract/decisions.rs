//! `GET /api/decisions`.

use serde_json::{Value, json};

use crate::support::{World, rfid, thor};

/// A world in which these tags were asked for at these charge boxes, one after the other.
async fn world(asked: &[(&str, &str, &str)]) -> World {
    let world = World::new().await;
    world.create(rfid("card", "Card")).await;
    for (tag, kind, charge_box) in asked {
        let mut message = thor(tag, kind);
        message["chargebox"] = (*charge_box).into();
        world.thor(&format!("/{}", world.fleet.rfid.token)).json(&message).await;
    }
    world.journalled().await;
    world
}

fn received(decisions: &[Value]) -> Vec<&str> {
    decisions.iter().map(|decision| decision["receivedId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_filter_shows_those_that_all_of_it_names() {
    let long = "x".repeat(200);
    let world = world(&[
        ("CARD", "start", "a/b?c=d%20&*"),
        ("n1", "authorize", ""),
        ("n2", "authorize", "A/B"),
        ("no tag", "start", &long),
        ("card", "authorize", " "),
    ])
    .await;
    let id = world.list("/api/access-ids").await[0]["id"].clone();
    for (query, expected) in [
        (String::new(), &["card", "no tag", "n2", "n1", "CARD"][..]),
        ("&type=start".to_owned(), &["no tag", "CARD"]),
        ("&authorized=true".to_owned(), &["card", "CARD"]),
        ("&authorized=false&type=authorize".to_owned(), &["n2", "n1"]),
        ("&reason=unknown".to_owned(), &["no tag", "n2", "n1"]),
        ("&reason=revoked".to_owned(), &[]),
        ("&authorized=true&reason=unknown".to_owned(), &[]),
        (format!("&accessId={id}"), &["card", "CARD"]),
        ("&accessId=1".to_owned(), &[]),
        ("&ocppIdTag=Card".to_owned(), &["card", "CARD"]),
        ("&ocppIdTag=card&type=start".to_owned(), &["CARD"]),
        ("&ocppIdTag=nobody".to_owned(), &[]),
        ("&chargeBox=a%2Fb%3Fc%3Dd%2520%26*".to_owned(), &["CARD"]),
        ("&chargeBox=A/B".to_owned(), &["n2"]),
        ("&chargeBox=%20".to_owned(), &["card"]),
        (format!("&chargeBox={long}"), &["no tag"]),
        (format!("&chargeBox={}", &long[..128]), &[]),
        (format!("&chargeBox={}%E2%80%A6", &long[..128]), &["no tag"]),
    ] {
        assert_eq!(received(&world.decisions(&query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn times_are_those_between_which_it_was_decided() {
    let world = world(&[("a", "start", "x"), ("b", "start", "x"), ("c", "start", "x")]).await;
    let all = world.decisions("").await;
    let [c, b, a] = ["0", "1", "2"].map(|at| all[at.parse::<usize>().unwrap()]["decidedAt"].as_str().unwrap());
    for tag in ["", "&ocppIdTag=b"] {
        for (query, expected) in [
            (format!("&decidedAfter={b}{tag}"), &["c"][..]),
            (format!("&decidedBefore={b}{tag}"), &["a"]),
            (format!("&decidedAfter={a}&decidedBefore={c}{tag}"), &["b"]),
            (format!("&decidedAfter={b}&decidedBefore={b}{tag}"), &[]),
            (format!("&decidedAfter={c}&decidedBefore={a}{tag}"), &[]),
            (format!("&decidedAfter=2090-01-01T00:00:00Z{tag}"), &[]),
            (format!("&decidedBefore=0001-01-01T00:00:00Z{tag}"), &[]),
            (
                format!("&decidedAfter=2020-01-01T00:00:00%2B05:30&decidedBefore=9999-12-31T23:59:59.999999Z{tag}"),
                &["c", "b", "a"],
            ),
        ] {
            let expected: Vec<_> = expected.iter().copied().filter(|shown| tag.is_empty() || *shown == "b").collect();
            assert_eq!(received(&world.decisions(&query).await), expected, "{query}");
        }
    }
}

#[tokio::test]
async fn pages_go_on_where_they_ended_and_new_decisions_come_before_them() {
    let names: Vec<String> = (0..7).map(|number| format!("t{number}")).collect();
    let asked: Vec<_> = names.iter().map(|name| (name.as_str(), "start", "x")).collect();
    let world = world(&asked).await;
    for filter in ["", "&reason=unknown", "&authorized=false&type=start"] {
        let mut shown = Vec::new();
        let mut cursor = String::new();
        for _ in 0..4 {
            let page = world.get(&format!("/api/decisions?limit=2{filter}{cursor}")).await.ok();
            shown.extend(page["data"].as_array().unwrap().clone());
            world.ask("t9").await.refuses("unknown");
            world.journalled().await;
            let Some(next) = page["pagination"]["nextPageCursor"].as_str() else { break };
            cursor = format!("&nextPageCursor={next}");
        }
        let newest: Vec<_> = received(&shown).into_iter().filter(|tag| *tag != "t9").collect();
        if filter.is_empty() {
            assert_eq!(newest, ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]);
        }
    }
}

#[tokio::test]
async fn a_cursor_holds_for_its_filters_alone() {
    let world = world(&[("a", "start", "x"), ("a", "start", "x"), ("a", "start", "x")]).await;
    let cursor = |query: &str| {
        let target = format!("/api/decisions?limit=1{query}");
        let world = &world;
        async move { world.get(&target).await.ok()["pagination"]["nextPageCursor"].as_str().unwrap().to_owned() }
    };
    let queries =
        ["", "&type=start", "&reason=unknown", "&ocppIdTag=a", "&decidedAfter=2026-01-01T00:00:00Z", "&chargeBox=x"];
    for handed_out in queries {
        let cursor = cursor(handed_out).await;
        for used in queries {
            let answer = world.get(&format!("/api/decisions?limit=1{used}&nextPageCursor={cursor}")).await;
            if used == handed_out {
                assert_eq!(answer.ok()["data"][0]["receivedId"], "a");
            } else {
                answer.names(&["nextPageCursor"]);
            }
        }
        world.get(&format!("/api/unknown-tags?nextPageCursor={cursor}")).await.names(&["nextPageCursor"]);
    }
}

#[tokio::test]
async fn another_organization_sees_nothing_and_the_authorizers_secret_opens_nothing() {
    let world = world(&[("a", "start", "x")]).await;
    let other = world.another_fleet().await;
    for path in ["/api/decisions", "/api/decisions?ocppIdTag=a", "/api/unknown-tags", "/api/unknown-tags?ocppIdTag=a"] {
        assert_eq!(world.get(path).await.ok()["data"].as_array().unwrap().len(), 1);
        assert_eq!(world.get(path).of(&other).await.ok()["data"], json!([]));
        world.get(path).token(&world.fleet.rfid.token).await.is(401, "unauthorized");
    }
}
