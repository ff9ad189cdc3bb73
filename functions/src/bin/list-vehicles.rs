//! `GET /api/vehicles`: the organization's vehicles, a page at a time.

use functions::list_vehicles::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
