//! `DELETE /api/vehicles/{id}`: deletes a vehicle.

use functions::delete_vehicle::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
