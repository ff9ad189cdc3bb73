//! `GET /api/changes`: what requests changed and who made them, a page at a time.

use api::{
    Body, Call, Error, Method, Response, Route,
    changes::{self, ChangeList},
    respond,
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-changes", Method::GET, "/api/changes");

/// List changes
///
/// What requests of this API changed, with the credential that they came with, newest first. An entry is written together with
/// the change, so none is missing, and kept for 400 days unless the operator says otherwise. A request that changed nothing has
/// none. With `accessId` or `vehicleId`, a page may be short although there is a next one: a request looks at no more than
/// 5,000 changes.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "changes",
    params(api::schemas::ChangeFilters, api::schemas::Page),
    responses((status = 200, description = "A page of changes.", body = ChangeList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (filter, page) = call.accept(call.query(changes::query)).await?;
    let page = call.store.list_changes(&call.caller, &filter, &page, call.now).await?;
    Ok(respond::ok(&ChangeList::new(&page)))
}
