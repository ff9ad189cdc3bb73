//! `DELETE /api/access-ids/{id}`: deletes an access ID.

use functions::delete_access_id::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
