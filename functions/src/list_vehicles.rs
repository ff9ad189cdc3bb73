//! `GET /api/vehicles`: the organization's vehicles, a page at a time.

use api::{Body, Call, Error, Method, Response, Route, page, respond, vehicles::VehicleList};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-vehicles", Method::GET, "/api/vehicles").with_parameters(page::PARAMETERS);

/// List vehicles
///
/// In ascending order of their ids. Every page but the last is full.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "vehicles",
    params(api::schemas::Page),
    responses((status = 200, description = "A page of vehicles.", body = VehicleList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let page = call.accept(call.page()).await?;
    let page = call.store.list_vehicles(&call.caller, &page).await?;
    Ok(respond::ok(&VehicleList::new(&page)))
}
