//! `GET /api/customers`: the organization's customers, a page at a time.

use functions::list_customers::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
