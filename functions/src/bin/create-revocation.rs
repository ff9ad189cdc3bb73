//! `POST /api/revocations`: takes many access IDs out of use at once.

use functions::create_revocation::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
