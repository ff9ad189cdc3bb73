//! `PATCH /api/access-ids/{id}`: changes an access ID: authorizes or revokes it, names it, links or unlinks it.

use api::{AccessIdDocument, Call, Error, Input, Method, Reply, Route, StartError};
use domain::{Id, UpdateAccessId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(
        Route { function: "update-access-id", method: Method::PATCH, path: "/api/access-ids/{id}" },
        Input::access_id_update,
        update,
    )
    .await
}

async fn update(call: Call<'_>, (id, update): (Id, UpdateAccessId)) -> Result<Reply, Error> {
    let updated = call.store.update_access_id(call.caller, id, &update, call.now).await?;
    Ok(Reply::ok(&AccessIdDocument::new(&updated)))
}
