//! `POST /api/access-checks`: would this card or vehicle charge here, and why?

use functions::check_access::{ROUTE, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    api::serve(ROUTE, handle).await
}
