//! Lists: pages, cursors and query parameters.

use std::collections::BTreeSet;

use harness::Fault;
use serde_json::{Value, json};
use store::Scope;

use crate::support::{World, access_id, card, endpoints, import, now, rfid, thor, vehicle};

const LISTS: [&str; 2] = ["/api/access-ids", "/api/vehicles"];

/// A world with `count` cards and `count` vehicles, numbered from 1.
async fn world(count: u64) -> World {
    let world = World::new().await;
    let cards: Vec<_> = (1..=count).map(|number| card(number, &format!("tag-{number}"))).collect();
    let vehicles: Vec<_> = (1..=count).map(|number| vehicle(number, "Van", &[])).collect();
    import(&world, &cards, &vehicles).await;
    world
}

fn ids(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|record| record["id"].as_u64().unwrap()).collect()
}

fn cursor(page: &Value) -> Option<String> {
    page["pagination"]["nextPageCursor"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn an_empty_list_is_one_empty_page() {
    let world = World::new().await;
    for path in LISTS {
        let empty = json!({"data": [], "pagination": {"hasNextPage": false, "nextPageCursor": null}});
        assert_eq!(world.get(path).await.ok(), empty);
        assert_eq!(world.get(&format!("{path}?limit=1")).await.ok(), empty);
    }
}

#[tokio::test]
async fn every_page_but_the_last_is_full_and_has_next_page_is_exact() {
    let world = world(101).await;
    for path in LISTS {
        assert_eq!(ids(&world.get(path).await.ok()), (1..=50).collect::<Vec<_>>());
        for limit in [1, 7, 50, 99, 100] {
            let (mut seen, mut target) = (Vec::new(), format!("{path}?limit={limit}"));
            loop {
                let page = world.get(&target).await.ok();
                seen.extend(ids(&page));
                let Some(cursor) = cursor(&page) else { break };
                assert_eq!(ids(&page).len(), limit);
                target = format!("{path}?limit={limit}&nextPageCursor={cursor}");
            }
            assert_eq!(seen, (1..=101).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_full_last_page_has_no_next() {
    let world = world(50).await;
    for path in LISTS {
        for target in
            [path.to_owned(), format!("{path}?limit=50"), format!("{path}?limit=51"), format!("{path}?limit=100")]
        {
            let page = world.get(&target).await.ok();
            assert_eq!((ids(&page).len(), cursor(&page)), (50, None), "{target}");
        }
        let first = world.get(&format!("{path}?limit=25")).await.ok();
        let target = format!("{path}?limit=25&nextPageCursor={}", cursor(&first).unwrap());
        let second = world.get(&target).await.ok();
        assert_eq!((ids(&second), cursor(&second)), ((26..=50).collect(), None));
    }
}

#[tokio::test]
async fn ids_ascend_as_numbers() {
    let world = World::new().await;
    let numbers = [1, 2, 9, 10, 11, 99, 100, 1_000_000, 9_007_199_254_740_990, 9_007_199_254_740_991];
    let mixed = [6, 9, 2, 0, 8, 3, 7, 1, 5, 4].map(|at: usize| numbers[at]);
    import(&world, &mixed.map(|number| card(number, &format!("t{number}"))), &mixed.map(|n| vehicle(n, "Van", &[])))
        .await;
    for path in LISTS {
        assert_eq!(ids(&world.get(path).await.ok()), numbers);
        for at in 1..numbers.len() {
            let first = world.get(&format!("{path}?limit={at}")).await.ok();
            let rest = world.get(&format!("{path}?nextPageCursor={}", cursor(&first).unwrap())).await.ok();
            assert_eq!(ids(&rest), numbers[at..]);
        }
    }
}

#[tokio::test]
async fn a_walk_shows_every_record_once_despite_concurrent_creations() {
    let world = world(6).await;
    for path in LISTS {
        let (mut seen, mut target, mut pages) = (Vec::new(), format!("{path}?limit=2"), 0);
        loop {
            let page = world.get(&target).await.ok();
            seen.extend(ids(&page));
            pages += 1;
            if pages <= 4 {
                world.create(rfid(&format!("meanwhile-{path}-{pages}"), "Card")).await;
                world.create(json!({"vehicle": {"name": "Van"}})).await;
            }
            // A change of a record does not change its place.
            world.patch("/api/access-ids/1", json!({"accessId": {"name": format!("{path}{pages}")}})).await.ok();
            let Some(cursor) = cursor(&page) else { break };
            target = format!("{path}?limit=2&nextPageCursor={cursor}");
        }
        assert_eq!(seen[..6], [1, 2, 3, 4, 5, 6]);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "{seen:?}");
        assert!(seen.is_sorted());
    }
}

#[tokio::test]
async fn a_list_shows_every_acknowledged_write() {
    let world = World::new().await;
    for number in 0..5 {
        let made =
            world.create(json!({"vehicle": {"name": "Van", "accessIds": [{"ocppIdTag": format!("t{number}")}]}})).await;
        let id = &made["accessIds"][0]["id"];
        world
            .patch(&format!("/api/access-ids/{id}"), json!({"accessId": {"authorizationStatus": "Revoked"}}))
            .await
            .ok();
        let (access_ids, vehicles) = (world.list("/api/access-ids").await, world.list("/api/vehicles").await);
        assert_eq!((access_ids.len(), vehicles.len()), (number + 1, number + 1));
        assert_eq!(access_ids[number]["authorizationStatus"], "Revoked");
        assert_eq!(access_ids[number]["vehicle"]["id"], made["id"]);
        assert_eq!(vehicles[number]["accessIds"][0]["authorizationStatus"], "Revoked");
    }
}

#[tokio::test]
async fn bad_query_parameters_are_named() {
    let world = world(3).await;
    for path in LISTS {
        let page = world.get(&format!("{path}?limit=1")).await.ok();
        let cursor = cursor(&page).unwrap();
        for limit in [
            "0",
            "-1",
            "101",
            "1000",
            "",
            "x",
            "1.0",
            "1e1",
            "%201",
            "1%20",
            "+5",
            "%2B5",
            "0x5",
            "05",
            "٣",
            "1,2",
            "null",
            "18446744073709551617",
            "99999999999999999999999999",
        ] {
            world.get(&format!("{path}?limit={limit}")).await.names(&["limit"]);
            world.get(&format!("{path}?nextPageCursor={cursor}&limit={limit}")).await.names(&["limit"]);
        }
        world.get(&format!("{path}?limit")).await.names(&["limit"]);
        for repeated in ["limit=1&limit=1", "limit=1&limit=2", "limit=5&limit=", "limit=1&%6Cimit=1"] {
            world.get(&format!("{path}?{repeated}")).await.names(&["limit"]);
        }
        let repeated = format!("{path}?nextPageCursor={cursor}&nextPageCursor={cursor}");
        world.get(&repeated).await.names(&["nextPageCursor"]);
        world.get(&format!("{path}?nextPageCursor=")).await.names(&["nextPageCursor"]);
        world.get(&format!("{path}?nextPageCursor")).await.names(&["nextPageCursor"]);
        world.get(&format!("{path}?limit=0&nextPageCursor=x")).await.names(&["limit", "nextPageCursor"]);
        world.get(&format!("{path}?limit=0&x=1&nextPageCursor=")).await.names(&["limit", "x", "nextPageCursor"]);
        assert_eq!(ids(&world.get(&format!("{path}?&&")).await.ok()), [1, 2, 3]);
        assert_eq!(ids(&world.get(&format!("{path}?%6cimit=%32")).await.ok()), [1, 2]);
    }
}

/// A misspelt filter must never return everything, and no endpoint takes a parameter that it does not read.
#[tokio::test]
async fn unknown_parameters_are_named_on_every_endpoint() {
    let world = World::with_van().await;
    let unknown: [(&str, &[&str]); 8] = [
        ("x=1", &["x"]),
        ("x", &["x"]),
        ("x=1&x=2&y=", &["x", "y"]),
        ("Limit=1", &["Limit"]),
        ("nextpagecursor=x", &["nextpagecursor"]),
        ("ocppidtag=a&limit%20=1", &["ocppidtag", "limit "]),
        ("%22%3C=%ff", &["\"<"]),
        ("=1", &["query"]),
    ];
    for (function, method, path, body) in endpoints() {
        for (query, fields) in unknown {
            world.request(method, &format!("{path}?{query}")).json(&body).await.names(fields);
        }
        if !function.starts_with("list-") {
            world.request(method, &format!("{path}?limit=1")).json(&body).await.names(&["limit"]);
        }
        let call = world.request(method, &format!("{path}?x=1")).json(&body);
        call.authorization(None).await.is(401, "unauthorized");
    }
    assert_eq!(world.list("/api/access-ids").await.len(), 1);
    world.get("/api/access-ids/1/x?x=1").await.is(404, "not_found");
    world.patch("/api/access-ids/0?x=1", json!({"accessId": {"y": 1}})).await.names(&["id", "accessId.y", "x"]);
    // The webhook ignores its query.
    let path = format!("/{}?x=1&limit=", world.fleet.rfid.token);
    world.thor(&path).json(&thor("linked", "start")).await.ok();
}

/// What a revoked credential costs does not depend on what the organization holds: one read of the credential's own item.
#[tokio::test]
async fn a_credential_that_does_not_hold_reads_no_page() {
    let world = World::new().await;
    let revoked = world.store.create_credential(&world.fleet.id, Scope::Api, "", now()).await.unwrap();
    world.store.revoke_credential(&revoked.id, now()).await.unwrap();
    let cursor = "A".repeat(32);
    for round in 0..2 {
        for (function, path) in [("list-access-ids", LISTS[0]), ("list-vehicles", LISTS[1])] {
            let recorder = world.recorder(function).await;
            for query in ["", "?limit=1", "?limit=100", "?limit=0", "?x=1", &format!("?nextPageCursor={cursor}")] {
                world.get(path).await.ok();
                recorder.clear();
                world.get(&format!("{path}{query}")).token(&revoked.token).await.is(401, "unauthorized");
                assert_eq!(recorder.operations(), ["GetItem"], "{path}{query}");
            }
        }
        // The second round is asked of an organization with a hundred vehicles.
        if round == 0 {
            let held: Vec<_> = (1..=100).map(|number| access_id(number, &format!("t{number}"), number)).collect();
            let vehicles: Vec<_> = (1..=100).map(|number| vehicle(number, "Van", &held)).collect();
            import(&world, &held, &vehicles).await;
        }
    }
}

#[tokio::test]
async fn a_cursor_is_taken_where_it_was_handed_out_and_nowhere_else() {
    let world = world(4).await;
    let other = world.another_fleet().await;
    let colleague = world.store.create_credential(&world.fleet.id, Scope::Api, "", now()).await.unwrap();
    let [one, two] = [world.get("/api/access-ids?limit=2").await.ok(), world.get("/api/vehicles?limit=2").await.ok()];
    let cursors = [cursor(&one).unwrap(), cursor(&two).unwrap()];
    for (path, cursor, foreign) in [(LISTS[0], &cursors[0], &cursors[1]), (LISTS[1], &cursors[1], &cursors[0])] {
        let go_on = |cursor: &str, more: &str| world.get(&format!("{path}?nextPageCursor={cursor}{more}"));
        assert_eq!(ids(&go_on(cursor, "").await.ok()), [3, 4]);
        assert_eq!(ids(&go_on(cursor, "&limit=1").await.ok()), [3]);
        assert_eq!(ids(&go_on(cursor, "&limit=100").await.ok()), [3, 4]);
        assert_eq!(ids(&go_on(cursor, "").await.ok()), [3, 4], "it can be used again");
        assert_eq!(ids(&go_on(cursor, "").token(&colleague.token).await.ok()), [3, 4]);

        go_on(foreign, "").await.names(&["nextPageCursor"]);
        go_on(cursor, "").of(&other).await.names(&["nextPageCursor"]);
        let mut forged: Vec<String> =
            ["NDMyNDc2", "0", "1", "null", "undefined", "AAAA", "==", "%00", "💥", "a b", "../1"]
                .map(str::to_owned)
                .into();
        forged.extend([format!("{cursor}A"), format!("{cursor}="), format!("%20{cursor}"), format!("{cursor}%0A")]);
        forged.extend([cursor.to_lowercase(), cursor.to_uppercase(), cursor.repeat(2), "A".repeat(cursor.len())]);
        forged.extend((0..cursor.len()).map(|at| cursor[..at].to_owned()));
        forged.extend((0..cursor.len()).map(|at| {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(changed).unwrap()
        }));
        for cursor in forged {
            go_on(&cursor, "").await.names(&["nextPageCursor"]);
        }
        // A cursor does not replace the credential.
        go_on(cursor, "").authorization(None).await.is(401, "unauthorized");
    }
}

/// The number of requests to the table does not depend on the number of records.
#[tokio::test]
async fn a_page_takes_the_documented_number_of_table_requests() {
    let world = World::new().await;
    let held: Vec<_> = (1..=100).map(|number| access_id(number, &format!("t{number}"), number)).collect();
    let vehicles: Vec<_> = (1..=100).map(|number| vehicle(number, "Van", &held)).collect();
    import(&world, &held, &vehicles).await;
    for (function, path, expected) in [
        ("list-access-ids", LISTS[0], ["GetItem", "Query", "BatchGetItem"].as_slice()),
        ("list-vehicles", LISTS[1], &["GetItem", "Query"]),
    ] {
        let recorder = world.recorder(function).await;
        world.get(path).await.ok();
        for target in [format!("{path}?limit=1"), path.to_owned(), format!("{path}?limit=100")] {
            recorder.clear();
            let page = world.get(&target).await.ok();
            assert_eq!(recorder.operations(), expected, "{target}");
            assert!(recorder.requests().iter().all(|request| {
                let batch = &request.body["RequestItems"][engine::TABLE_NAME]["ConsistentRead"];
                request.body["ConsistentRead"] == true || *batch == true
            }));
            if function == "list-access-ids" {
                assert!(page["data"].as_array().unwrap().iter().all(|record| record["vehicle"]["id"] == record["id"]));
            }
        }
    }
}

/// A Query ends after a megabyte, and a busy table leaves keys unprocessed. The service asks again until the page is full.
#[tokio::test]
async fn a_page_that_the_table_returns_in_parts_is_complete() {
    let world = World::alone().await;
    let held: Vec<_> = (1..=9).map(|number| access_id(number, &format!("t{number}"), number)).collect();
    let vehicles: Vec<_> = (1..=9).map(|number| vehicle(number, "Van", &held)).collect();
    import(&world, &held, &vehicles).await;
    let organization = &world.fleet.id;
    for (function, path, kind) in [("list-access-ids", LISTS[0], "ACCESS-ID"), ("list-vehicles", LISTS[1], "VEHICLE")] {
        let expected = world.get(&format!("{path}?limit=7")).await.ok();
        let recorder = world.recorder(function).await;
        let first = json!({
            "Limit": 3, "KeyConditionExpression": "PK = :p",
            "ExpressionAttributeValues": {":p": {"S": format!("ORG#{organization}#{kind}")}}
        });
        let first = world.table("Query", first).await;
        assert!(first["LastEvaluatedKey"].is_object(), "{first}");
        recorder.inject(Fault::Answer { status: 200, body: first.to_string() }.on("Query").times(1));
        if function == "list-access-ids" {
            let asked = recorder.requests().into_iter().find(|request| request.operation == "BatchGetItem").unwrap();
            let left = json!({
                "Responses": {engine::TABLE_NAME: []}, "UnprocessedKeys": asked.body["RequestItems"]
            });
            recorder.inject(Fault::Answer { status: 200, body: left.to_string() }.on("BatchGetItem").times(2));
        }
        recorder.clear();
        let page = world.get(&format!("{path}?limit=7")).await.ok();
        assert_eq!(page, expected);
        assert_eq!(ids(&page), [1, 2, 3, 4, 5, 6, 7]);
        let queries: Vec<_> = recorder.requests().into_iter().filter(|request| request.operation == "Query").collect();
        assert_eq!(queries.len(), 2);
        assert_eq!(queries[1].body["ExclusiveStartKey"], first["LastEvaluatedKey"]);
    }
}
