//! `DELETE /api/access-ids/{id}`: deletes an access ID.

use api::{Body, Call, Error, Method, Response, Route, respond};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("delete-access-id", Method::DELETE, "/api/access-ids/{id}");

/// Delete an access ID
///
/// Its tag is unknown from now on, and free: it can be registered anew, with another number. The vehicle that it was linked to
/// stays, without it. What was decided about it stays in the journal. To keep a lost card from charging, revoke it.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete,
    path = ROUTE.path,
    tag = "access-ids",
    params(api::schemas::Record),
    responses((status = 204, description = "The access ID is deleted."))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let id = call.accept(call.id()).await?;
    call.store.delete_access_id(call.origin(), id).await?;
    Ok(respond::no_content())
}
