//! `GET /api/unknown-tags`: tags that were refused because no access ID has them, a page at a time, or one with details.

use functions::list_unknown_tags::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
