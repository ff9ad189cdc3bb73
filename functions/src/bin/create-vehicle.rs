//! `POST /api/vehicles`: a new vehicle with its access IDs; those that exist already are linked to it.

use api::{Call, Error, Input, Method, Reply, Route, StartError, VehicleDocument};
use domain::NewVehicle;
use store::Idempotency;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(
        Route { function: "create-vehicle", method: Method::POST, path: "/api/vehicles" },
        Input::new_vehicle,
        create,
    )
    .await
}

async fn create(call: Call<'_>, (new, wish): (NewVehicle, Option<Idempotency>)) -> Result<Reply, Error> {
    let created = call.store.create_vehicle(call.caller, &new, wish.as_ref(), call.now).await?;
    Ok(Reply::created(format!("/api/vehicles/{}", created.id), &VehicleDocument::new(&created)))
}
