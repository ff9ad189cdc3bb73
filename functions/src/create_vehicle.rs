//! `POST /api/vehicles`: a new vehicle with its access IDs; those that exist already are linked to it.

use api::{
    Body, Call, Error, Method, Response, Route, respond,
    vehicles::{self, VehicleDocument},
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("create-vehicle", Method::POST, "/api/vehicles");

/// Create a vehicle
///
/// Of its access IDs, a tag that is unknown becomes a new one of type Vehicle with the vehicle's name and customer; one
/// that exists and is linked to no vehicle is linked, and takes the status if one is given. If others are linked to
/// another vehicle, `conflicts` names all of them and nothing is created.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = ROUTE.path,
    tag = "vehicles",
    params(api::schemas::Once),
    request_body = api::schemas::NewVehicleRequest,
    responses((status = 201, description = "The vehicle was created.", body = VehicleDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (new, idempotency) = call.accept(call.body(vehicles::parse_new).and(call.idempotency())).await?;
    let created = call.store.create_vehicle(call.origin(), &new, idempotency.as_ref()).await?;
    Ok(respond::created(ROUTE.path, created.id, &VehicleDocument::new(&created)))
}
