//! The RFID authorizer.

mod failures;
mod journal;
mod message;
mod rules;
mod secret;
mod table;

use serde_json::{Value, json};

use crate::support::{Call, World, access_id, card, import, vehicle};

/// A world with the card `04e1a2b3`, number 1, and the vehicle `92d50a693f80`, number 2.
async fn world() -> World {
    filled(World::new().await).await
}

/// The same with an authorizer that has not been started before.
async fn alone() -> World {
    filled(World::alone().await).await
}

async fn filled(world: World) -> World {
    let linked = access_id(2, "92d50a693f80", 1);
    import(&world, &[card(1, "04e1a2b3"), linked.clone()], &[vehicle(1, "Van", &[linked])]).await;
    world
}

fn allowed() -> Value {
    json!({"authorized": true, "accessId": {"id": 1, "name": "Card", "type": "RFID"}})
}

/// A request with the right secret and this body.
fn sent<'a>(world: &'a World, body: impl Into<Vec<u8>>) -> Call<'a> {
    world.thor(&format!("/{}", world.fleet.rfid.token)).body(body)
}
