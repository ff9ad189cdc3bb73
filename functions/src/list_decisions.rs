//! `GET /api/decisions`: what the RFID authorizer decided, a page at a time.

use api::{
    Body, Call, Error, Method, Response, Route,
    decisions::{self, DecisionList},
    respond,
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-decisions", Method::GET, "/api/decisions");

/// List decisions
///
/// What was asked of the RFID authorizer and what it decided, newest first. An entry can be missing, because none delays an
/// answer. With a filter other than `ocppIdTag` and the times, a page may be short although there is a next one: a request
/// looks at no more than 5,000 decisions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "Decisions",
    params(api::schemas::DecisionFilters, api::schemas::Page),
    responses((status = 200, description = "A page of decisions.", body = DecisionList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (filter, page) = call.accept(call.query(decisions::query)).await?;
    let page = call.store.list_decisions(&call.caller, &filter, &page, call.now).await?;
    Ok(respond::ok(&DecisionList::new(&page)))
}
