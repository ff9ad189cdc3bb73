//! `GET /api/decisions`: what the RFID authorizer decided, a page at a time.

use functions::list_decisions::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
