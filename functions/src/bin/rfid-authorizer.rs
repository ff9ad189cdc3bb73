//! See [`functions::rfid_authorizer`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    functions::rfid_authorizer::serve().await
}
