//! `PATCH /api/vehicles/{id}`: changes a vehicle.

use api::{
    Body, Call, Error, Method, Response, Route, respond,
    vehicles::{self, VehicleDocument},
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("update-vehicle", Method::PATCH, "/api/vehicles/{id}");

/// Update a vehicle
///
/// What is left out stays, `null` removes.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch,
    path = ROUTE.path,
    tag = "vehicles",
    params(api::schemas::Record),
    request_body = api::schemas::VehicleUpdateRequest,
    responses((status = 200, description = "The vehicle after the update.", body = VehicleDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (id, update) = call.accept(call.id().and(call.body(vehicles::parse_update))).await?;
    let updated = call.store.update_vehicle(call.origin(), id, &update).await?;
    Ok(respond::ok(&VehicleDocument::new(&updated)))
}
