//! `GET /api/vehicles`: the organization's vehicles, a page at a time.

use api::{Call, Error, Input, Method, Reply, Route, StartError, VehicleList};
use store::PageRequest;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    api::serve(Route { function: "list-vehicles", method: Method::GET, path: "/api/vehicles" }, Input::page, list).await
}

async fn list(call: Call<'_>, page: PageRequest) -> Result<Reply, Error> {
    let page = call.store.list_vehicles(call.caller, &page).await?;
    Ok(Reply::ok(&VehicleList::new(&page)))
}
