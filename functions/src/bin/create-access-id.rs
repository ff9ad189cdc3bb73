//! `POST /api/access-ids`: a new access ID, with its vehicle and customer if they are new too.

use functions::create_access_id::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
