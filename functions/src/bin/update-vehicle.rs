//! `PATCH /api/vehicles/{id}`: changes a vehicle.

use functions::update_vehicle::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
