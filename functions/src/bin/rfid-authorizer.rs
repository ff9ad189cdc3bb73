//! `POST <function URL>/<secret>`: may this card or this vehicle charge here? Called by the charging platform Thor.

use api::StartError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve_rfid().await
}
