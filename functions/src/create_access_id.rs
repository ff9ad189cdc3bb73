//! `POST /api/access-ids`: a new access ID, with its vehicle and customer if they are new too.

use api::{
    Body, Call, Error, Method, Response, Route,
    access_ids::{self, AccessIdDocument},
    respond,
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("create-access-id", Method::POST, "/api/access-ids");

/// Create an access ID
///
/// An access ID of type Vehicle may bring a new vehicle with it (`vehicle`, which takes the access ID's name and customer)
/// or be linked to one that exists (`vehicleId`), not both. One of type RFID can have neither. A vehicle holds at most 100
/// access IDs.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = ROUTE.path,
    tag = "access-ids",
    params(api::schemas::Once),
    request_body = api::schemas::NewAccessIdRequest,
    responses((status = 201, description = "The access ID was created.", body = AccessIdDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (new, idempotency) = call.accept(call.body(access_ids::parse_new).and(call.idempotency())).await?;
    let created = call.store.create_access_id(call.origin(), &new, idempotency.as_ref()).await?;
    Ok(respond::created(ROUTE.path, created.access_id.id, &AccessIdDocument::new(&created)))
}
