//! `GET /api/access-ids`: the organization's access IDs, a page at a time.

use api::{Body, Call, Error, Method, Response, Route, access_ids::AccessIdList, filters, respond};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-access-ids", Method::GET, "/api/access-ids");

/// List access IDs
///
/// In ascending order of their ids, without their customers. Of several filters all apply. Without a filter every page but
/// the last is full. With one, a page may be short, or empty, although there is a next one: a request looks at no more than
/// 5,000 access IDs. A cursor holds for the filters that it was handed out for.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "Access IDs",
    params(api::schemas::AccessIdFilters, api::schemas::Page),
    responses((status = 200, description = "A page of access IDs.", body = AccessIdList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (filter, page) = call.accept(call.query(filters::access_ids)).await?;
    let page = call.store.list_access_ids(&call.caller, &filter, &page).await?;
    Ok(respond::ok(&AccessIdList::new(&page)))
}
