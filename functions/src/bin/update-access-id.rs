//! `PATCH /api/access-ids/{id}`: changes an access ID: authorizes or revokes it, names it, links or unlinks it.

use functions::update_access_id::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
