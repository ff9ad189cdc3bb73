//! `GET /api/vehicles/{id}`: one vehicle.

use api::{Body, Call, Error, Method, Response, Route, respond, vehicles::VehicleDocument};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("get-vehicle", Method::GET, "/api/vehicles/{id}");

/// Get a vehicle
///
/// With its customer and all access IDs that are linked to it, in ascending order of their ids.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "vehicles",
    params(api::schemas::Record),
    responses((status = 200, description = "The vehicle.", body = VehicleDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let id = call.accept(call.id()).await?;
    let vehicle = call.store.get_vehicle(&call.caller, id).await?;
    Ok(respond::ok(&VehicleDocument::new(&vehicle)))
}
