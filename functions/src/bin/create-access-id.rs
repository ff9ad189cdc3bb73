//! `POST /api/access-ids`: a new access ID, with its vehicle and customer if they are new too.

use api::{AccessIdDocument, Call, Error, Input, Method, Reply, Route, StartError};
use domain::NewAccessId;
use store::Idempotency;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(
        Route { function: "create-access-id", method: Method::POST, path: "/api/access-ids" },
        Input::new_access_id,
        create,
    )
    .await
}

async fn create(call: Call<'_>, (new, wish): (NewAccessId, Option<Idempotency>)) -> Result<Reply, Error> {
    let created = call.store.create_access_id(call.caller, &new, wish.as_ref(), call.now).await?;
    let location = format!("/api/access-ids/{}", created.access_id.id);
    Ok(Reply::created(location, &AccessIdDocument::new(&created)))
}
