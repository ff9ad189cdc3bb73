//! `GET /api/access-ids/{id}/rules`: when and where an access ID may begin to charge.

use functions::get_access_id_rules::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
