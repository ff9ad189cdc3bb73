//! `PUT /api/access-ids/batch`: brings in many access IDs at once, from a list of a fleet.

use functions::put_access_ids_batch::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
