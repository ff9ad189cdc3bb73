//! `GET /api/changes`: what requests changed and who made them, a page at a time.

use functions::list_changes::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
