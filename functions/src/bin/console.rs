//! See [`functions::console`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    functions::console::serve().await
}
