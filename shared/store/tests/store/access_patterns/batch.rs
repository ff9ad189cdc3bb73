//! What a batch asks of the table, item by item.

use domain::{AccessIdType, AuthorizationStatus, Patch, PutAccessId, VehicleChange};
use store::Error;

use crate::{
    batch::{WRITE, put},
    measure::{FLEET, Table, text},
    support::{at, by, customer},
};

pub async fn costs() -> Result<Vec<String>, Error> {
    let mut table = Table::new().await?;
    let caller = table.caller.clone();
    table.requests().await;
    let make = VehicleChange::Change { make: Patch::Set(text("Tesla")), model: Patch::Keep, vin: Patch::Keep };
    let van = PutAccessId { kind: AccessIdType::Vehicle, vehicle: make, ..put("92d50a693f80") };
    let endpoint = "`PUT /api/access-ids/batch`";
    for (item, case) in [
        (PutAccessId { customer: Patch::Set(customer(FLEET)), ..put("04e1a2b3") }, "a card, with a new customer"),
        (PutAccessId { customer: Patch::Set(customer(FLEET)), ..put("04e1a2b4") }, "a card"),
        (put("04e1a2b4"), "a card that stays as it is"),
        (PutAccessId { status: Some(AuthorizationStatus::Revoked), ..put("04e1a2b4") }, "a card is revoked"),
        (van.clone(), "with a new vehicle"),
        (van.clone(), "with a vehicle that stays as it is"),
        (PutAccessId { status: Some(AuthorizationStatus::Revoked), ..van }, "one with a vehicle is revoked"),
    ] {
        table.store.put_access_ids(by(&caller, at(0)), &[item], WRITE).await?;
        table.tell(endpoint, case).await;
    }
    let cards: Vec<_> = (0..199).map(|number| put(&format!("card-{number}"))).collect();
    table.store.put_access_ids(by(&caller, at(1)), &cards, WRITE).await?;
    table.requests().await;
    table.store.put_access_ids(by(&caller, at(2)), &cards, WRITE).await?;
    table.tell(endpoint, "199 cards that stay as they are").await;
    Ok(table.rows)
}
