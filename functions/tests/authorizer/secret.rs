//! The secret in the path or in the `Authorization` header.

use store::Scope;

use super::{allowed, world};
use crate::support::{Fleet, now, thor};

/// Wrong secrets of every kind: path and `Authorization` header of each.
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
async fn the_secret_may_be_in_the_path_or_in_the_header() {
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

/// A secret is valid for the authorizer only, and for the tags of its own organization.
#[tokio::test]
async fn a_secret_belongs_to_one_organization_and_one_scope() {
    let world = world().await;
    let other = world.another_fleet().await;
    world.thor(&format!("/{}", other.rfid.token)).json(&thor("04e1a2b3", "start")).await.refuses("unknown");
    world.get("/api/access-ids").token(&world.fleet.rfid.token).await.is(401, "unauthorized");
    // Two secrets are valid at the same time, so that a secret can be replaced without an interruption.
    let second = world.store.create_credential(&world.fleet.id, Scope::Rfid, "", now()).await.unwrap();
    for token in [&world.fleet.rfid.token, &second.token] {
        world.thor(&format!("/{token}")).json(&thor("04e1a2b3", "start")).await.ok();
    }
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
