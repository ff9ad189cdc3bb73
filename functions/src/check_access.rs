//! `POST /api/access-checks`: would this card or vehicle charge here, and why?

use api::{
    Body, Call, Error, Method, Response, Route,
    access_checks::{self, AccessCheckDocument},
    respond,
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("check-access", Method::POST, "/api/access-checks").for_scopes(Route::READING);

/// Check whether a tag would charge
///
/// Answers what the charging platform would be answered, by the same decision, and what that decision looks at. Nothing is
/// recorded.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = ROUTE.path,
    tag = "checks",
    request_body = api::schemas::AccessCheckRequest,
    responses((status = 200, description = "What would be answered, and why.", body = AccessCheckDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    // A malformed key is refused, as at every `POST`. A valid one has no effect, because nothing is written.
    let (check, _) = call.accept(call.body(access_checks::parse).and(call.idempotency())).await?;
    let checked = call.store.check_access(&call.caller, &check, call.now).await?;
    Ok(respond::ok(&AccessCheckDocument::new(&checked)))
}
