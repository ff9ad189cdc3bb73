//! `GET /api/vehicles`: the organization's vehicles, a page at a time.

use api::{Body, Call, Error, Method, Response, Route, filters, respond, vehicles::VehicleList};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-vehicles", Method::GET, "/api/vehicles");

/// List vehicles
///
/// In ascending order of their ids. Of several filters all apply. Without a filter every page but the last is full. With
/// one, a page may be short, or empty, although there is a next one: a request looks at no more than 5,000 vehicles. A
/// cursor holds for the filters that it was handed out for.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "Vehicles",
    params(api::schemas::VehicleFilters, api::schemas::Page),
    responses((status = 200, description = "A page of vehicles.", body = VehicleList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (filter, page) = call.accept(call.query(filters::vehicles)).await?;
    let page = call.store.list_vehicles(&call.caller, &filter, &page).await?;
    Ok(respond::ok(&VehicleList::new(&page)))
}
