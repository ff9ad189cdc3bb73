//! `PATCH /api/access-ids/{id}`: changes an access ID: authorizes or revokes it, names it, links or unlinks it.

use api::{
    Body, Call, Error, Method, Response, Route,
    access_ids::{self, AccessIdDocument},
    respond,
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("update-access-id", Method::PATCH, "/api/access-ids/{id}");

/// Update an access ID
///
/// What is left out stays. `null` unlinks the customer. `vehicleId` links to an existing vehicle, or, `null`, unlinks.
/// `vehicle` changes the linked vehicle, or creates one if none is linked, and `null` unlinks it; an RFID card shows no
/// vehicle, so `null` changes nothing of it and an object is refused.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch,
    path = ROUTE.path,
    tag = "access-ids",
    params(api::schemas::Record),
    request_body = api::schemas::AccessIdUpdateRequest,
    responses((status = 200, description = "The access ID after the update.", body = AccessIdDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (id, update) = call.accept(call.id().and(call.body(access_ids::parse_update))).await?;
    let updated = call.store.update_access_id(call.origin(), id, &update).await?;
    Ok(respond::ok(&AccessIdDocument::new(&updated)))
}
