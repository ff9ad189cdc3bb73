//! `GET /api/vehicles/{id}`: one vehicle.

use functions::get_vehicle::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
