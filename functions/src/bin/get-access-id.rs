//! `GET /api/access-ids/{id}`: one access ID. The function also answers every path and method that the API does not have.

use functions::get_access_id::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
