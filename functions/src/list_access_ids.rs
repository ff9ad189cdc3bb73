//! `GET /api/access-ids`: the organization's access IDs, a page at a time.

use api::{Body, Call, Error, Method, Response, Route, access_ids::AccessIdList, page, respond};

/// Where the endpoint is.
pub const ROUTE: Route =
    Route::new("list-access-ids", Method::GET, "/api/access-ids").with_parameters(page::PARAMETERS);

/// List access IDs
///
/// In ascending order of their ids, without their customers. Every page but the last is full.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "access-ids",
    params(api::schemas::Page),
    responses((status = 200, description = "A page of access IDs.", body = AccessIdList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let page = call.accept(call.page()).await?;
    let page = call.store.list_access_ids(&call.caller, &page).await?;
    Ok(respond::ok(&AccessIdList::new(&page)))
}
