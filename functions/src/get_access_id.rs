//! `GET /api/access-ids/{id}`: one access ID. The function also answers every path and method that the API does not have.

use api::{Body, Call, Error, Method, Response, Route, access_ids::AccessIdDocument, respond};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("get-access-id", Method::GET, "/api/access-ids/{id}");

/// Get an access ID
///
/// With its customer. A card shows no vehicle, even if it is linked to one; the vehicle shows the card.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "access-ids",
    params(api::schemas::Record),
    responses((status = 200, description = "The access ID.", body = AccessIdDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let id = call.accept(call.id()).await?;
    let access_id = call.store.get_access_id(&call.caller, id).await?;
    Ok(respond::ok(&AccessIdDocument::new(&access_id)))
}
