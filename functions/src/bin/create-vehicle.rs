//! `POST /api/vehicles`: a new vehicle with its access IDs; those that exist already are linked to it.

use functions::create_vehicle::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
