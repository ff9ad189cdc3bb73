//! The API credential, which is checked before anything but the size of the body.

use serde_json::json;
use store::Scope;

use crate::support::{World, endpoints, now, rfid, thor};

#[tokio::test]
async fn only_a_valid_api_credential_opens_the_api() {
    let world = World::new().await;
    let other = world.another_fleet().await;
    let revoked = world.store.create_credential(&world.fleet.id, Scope::Api, "", now()).await.unwrap();
    world.store.revoke_credential(&revoked.id, now()).await.unwrap();
    let token = world.fleet.api.token.as_str();
    let (scope_and_organization, secret) = token.rsplit_once('_').unwrap();
    let other_organization = other.api.token.rsplit_once('_').unwrap().0;
    let other_secret = other.api.token.rsplit_once('_').unwrap().1;

    let bad = [
        None,
        Some(String::new()),
        Some(" ".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer undefined".to_owned()),
        Some(token.to_owned()),
        Some(format!("Basic {token}")),
        Some(format!("Token {token}")),
        Some(format!("Bearer{token}")),
        Some(format!("Bearer:{token}")),
        Some(format!("Bearer\t{token}")),
        Some(format!("Bearer \"{token}\"")),
        Some(format!("Bearer {token}x")),
        Some(format!("Bearer {token} x")),
        Some(format!("Bearer {token},Bearer {token}")),
        Some(format!("Bearer {}", &token[..token.len() - 1])),
        Some(format!("Bearer {}", token.to_uppercase())),
        Some(format!("Bearer {scope_and_organization}_{other_secret}")),
        Some(format!("Bearer {other_organization}_{secret}")),
        Some(format!("Bearer api_{}_{secret}", "o".repeat(12))),
        Some(format!("Bearer api_o_{secret}")),
        Some(format!("Bearer api_{}_{secret}", "o".repeat(400))),
        Some(format!("Bearer {}", "é".repeat(2000))),
        Some(format!("Bearer {}", revoked.token)),
        Some(format!("Bearer {}", world.fleet.rfid.token)),
        Some(format!("Bearer {}", world.fleet.rfid.token.replacen("rfid_", "api_", 1))),
    ];
    for (function, method, path, body) in endpoints() {
        for authorization in &bad {
            let call = world.request(method, &path).json(&body).authorization(authorization.as_deref());
            let answer = call.await;
            assert_eq!(answer.status, 401, "{function}: {authorization:?}: {answer:?}");
            answer.hides(&world.fleet);
        }
    }
    assert!(world.list("/api/access-ids").await.is_empty() && world.list("/api/vehicles").await.is_empty());
}

/// Whoever may only view reads all and changes nothing.
#[tokio::test]
async fn each_scope_opens_what_it_is_for() {
    let world = World::with_van().await;
    let view = world.store.create_credential(&world.fleet.id, Scope::View, "", now()).await.unwrap();
    let viewed = async || world.list("/api/access-ids").await.len();
    let before = viewed().await;
    for (function, method, path, body) in endpoints() {
        let only_reads = method == "GET" || function == "check-access";
        let send = |token: &str| world.request(method, &path).json(&body).token(token);
        send(&world.fleet.rfid.token).await.is(401, "unauthorized");
        let answer = send(&view.token).await;
        match only_reads {
            true => assert_eq!(answer.status, 200, "{function}: {answer:?}"),
            false => answer.is(401, "unauthorized"),
        }
        // Nor does it say more of what is wrong with a write.
        if !only_reads {
            world.request(method, &path).body("{").token(&view.token).await.is(401, "unauthorized");
        }
    }
    assert_eq!(viewed().await, before);
    assert_eq!(world.get("/api/changes").await.ok()["data"], json!([]));
    for (function, method, path, body) in endpoints() {
        let answer = world.request(method, &path).json(&body).await;
        assert!([200, 201, 204].contains(&answer.status), "{function}: {answer:?}");
    }
    world.thor(&format!("/{}", view.token)).json(&thor("linked", "start")).await.is(401, "unauthorized");
    world.store.revoke_credential(&view.id, now()).await.unwrap();
    world.get("/api/vehicles").token(&view.token).await.is(401, "unauthorized");
}

#[tokio::test]
async fn the_scheme_is_taken_in_any_case() {
    let world = World::new().await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let authorization = format!("{scheme} {}", world.fleet.api.token);
        world.get("/api/vehicles").authorization(Some(&authorization)).await.ok();
    }
}

#[tokio::test]
async fn a_token_that_is_given_twice_is_none() {
    let world = World::new().await;
    let again = format!("Bearer {}", world.fleet.api.token);
    world.get("/api/vehicles").header("Authorization", &again).await.is(401, "unauthorized");
}

#[tokio::test]
async fn the_credential_is_checked_before_anything_but_the_size() {
    let world = World::new().await;
    let mut unknown = world.fleet.api.token.clone();
    let last = if unknown.pop() == Some('a') { 'b' } else { 'a' };
    unknown.push(last);
    let authorizations = [None, Some(format!("Bearer {unknown}")), Some(format!("Bearer {}", world.fleet.rfid.token))];
    for authorization in authorizations {
        let check = async |method: &str, target: &str, body: &[u8], status: u16| {
            let call = world.request(method, target).body(body).header("idempotency-key", "");
            let answer = call.authorization(authorization.as_deref()).await;
            assert_eq!(answer.status, status, "{authorization:?} {method} {target}: {answer:?}");
        };
        for path in ["/api/access-ids", "/api/vehicles"] {
            for target in [format!("{path}?limit=0"), format!("{path}?nextPageCursor=x"), format!("{path}/0")] {
                check("GET", &target, b"", 401).await;
            }
            for body in [b"".as_slice(), b"{", b"{}", b"\xff", b"{\"accessId\":{\"x\":1},\"vehicle\":{\"x\":1}}"] {
                check("POST", path, body, 401).await;
                check("PATCH", &format!("{path}/1"), body, 401).await;
                check("PATCH", &format!("{path}/x"), body, 401).await;
            }
            let large = vec![b' '; 65_537];
            check("POST", path, &large, 413).await;
            check("PATCH", &format!("{path}/1"), &large, 413).await;
            check("POST", path, &large[1..], 401).await;
        }
    }
}

#[tokio::test]
async fn a_revoked_credential_stops_at_once_and_alone() {
    let world = World::with_van().await;
    let second = world.store.create_credential(&world.fleet.id, Scope::Api, "", now()).await.unwrap();
    // Each function has accepted the credential before.
    for (_, method, path, body) in endpoints() {
        let answer = world.request(method, &path).json(&body).token(&second.token).await;
        assert!([200, 201, 204].contains(&answer.status), "{answer:?}");
    }
    world.store.revoke_credential(&second.id, now()).await.unwrap();
    for (_, method, path, body) in endpoints() {
        world.request(method, &path).json(&body).token(&second.token).await.is(401, "unauthorized");
    }
    world.get("/api/vehicles").await.ok();
    world.post("/api/access-ids", rfid("another", "Card")).await.created();
}

#[tokio::test]
async fn a_remembered_answer_is_for_valid_credentials_alone() {
    let world = World::new().await;
    let second = world.store.create_credential(&world.fleet.id, Scope::Api, "", now()).await.unwrap();
    let send = || world.post("/api/vehicles", json!({"vehicle": {"name": "Van"}})).header("idempotency-key", "k");
    let first = send().token(&second.token).await;
    assert_eq!(send().await.created(), first.created());
    world.store.revoke_credential(&second.id, now()).await.unwrap();
    send().token(&second.token).await.is(401, "unauthorized");
}
