//! `DELETE /api/vehicles/{id}`: deletes a vehicle.

use api::{Body, Call, Error, Method, Response, Route, respond};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("delete-vehicle", Method::DELETE, "/api/vehicles/{id}");

/// Delete a vehicle
///
/// Refused while access IDs are linked to it: unlink or delete them first.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete,
    path = ROUTE.path,
    tag = "vehicles",
    params(api::schemas::Record),
    responses((status = 204, description = "The vehicle is deleted."))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let id = call.accept(call.id()).await?;
    call.store.delete_vehicle(call.origin(), id).await?;
    Ok(respond::no_content())
}
