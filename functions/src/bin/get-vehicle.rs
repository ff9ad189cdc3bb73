//! `GET /api/vehicles/{id}`: one vehicle.

use api::{Call, Error, Input, Method, Reply, Route, StartError, VehicleDocument};
use domain::Id;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(Route { function: "get-vehicle", method: Method::GET, path: "/api/vehicles/{id}" }, Input::id, get).await
}

async fn get(call: Call<'_>, id: Id) -> Result<Reply, Error> {
    let vehicle = call.store.get_vehicle(call.caller, id).await?;
    Ok(Reply::ok(&VehicleDocument::new(&vehicle)))
}
