//! `PATCH /api/vehicles/{id}`: changes a vehicle.

use api::{Call, Error, Input, Method, Reply, Route, StartError, VehicleDocument};
use domain::{Id, UpdateVehicle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(
        Route { function: "update-vehicle", method: Method::PATCH, path: "/api/vehicles/{id}" },
        Input::vehicle_update,
        update,
    )
    .await
}

async fn update(call: Call<'_>, (id, update): (Id, UpdateVehicle)) -> Result<Reply, Error> {
    let updated = call.store.update_vehicle(call.caller, id, &update).await?;
    Ok(Reply::ok(&VehicleDocument::new(&updated)))
}
