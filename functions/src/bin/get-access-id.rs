//! `GET /api/access-ids/{id}`: one access ID. It also answers every path and method that the API does not have.

use api::{AccessIdDocument, Call, Error, Input, Method, Reply, Route, StartError};
use domain::Id;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(Route { function: "get-access-id", method: Method::GET, path: "/api/access-ids/{id}" }, Input::id, get)
        .await
}

async fn get(call: Call<'_>, id: Id) -> Result<Reply, Error> {
    let access_id = call.store.get_access_id(call.caller, id).await?;
    Ok(Reply::ok(&AccessIdDocument::new(&access_id)))
}
