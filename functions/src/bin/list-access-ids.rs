//! `GET /api/access-ids`: the organization's access IDs, a page at a time.

use api::{AccessIdList, Call, Error, Input, Method, Reply, Route, StartError};
use store::PageRequest;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(Route { function: "list-access-ids", method: Method::GET, path: "/api/access-ids" }, Input::page, list)
        .await
}

async fn list(call: Call<'_>, page: PageRequest) -> Result<Reply, Error> {
    let page = call.store.list_access_ids(call.caller, &page).await?;
    Ok(Reply::ok(&AccessIdList::new(&page)))
}
