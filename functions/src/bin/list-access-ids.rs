//! `GET /api/access-ids`: the organization's access IDs, a page at a time.

use functions::list_access_ids::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
