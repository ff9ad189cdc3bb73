//! x
use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn smoke() {
    let t = std::time::Instant::now();
    let world = World::new().await;
    eprintln!("world {:?}", t.elapsed());
    let made = world.create(rfid("04:E1:A2:B3", "Card")).await;
    eprintln!("created {:?} {made}", t.elapsed());
    world.ask("04e1a2b3").await.ok();
    eprintln!("asked {:?}", t.elapsed());
    for _ in 0..20 { world.ask("04e1a2b3").await.ok(); }
    eprintln!("asked 20 {:?}", t.elapsed());
    world.patch(&format!("/api/access-ids/{}", made["id"]), json!({"accessId": {"authorizationStatus": "Revoked"}})).await.ok();
    world.ask("04e1a2b3").await.is(403, "");
}
