//! `GET /api/access-ids/{id}/rules`: when and where an access ID may begin to charge.

use api::{Body, Call, Error, Method, Response, Route, respond, rules::RulesDocument};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("get-access-id-rules", Method::GET, "/api/access-ids/{id}/rules");

/// Get the rules of an access ID
///
/// When and where it may begin to charge. What is `null` restricts nothing.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "rules",
    params(api::schemas::Record),
    responses((status = 200, description = "The rules.", body = RulesDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let id = call.accept(call.id()).await?;
    let rules = call.store.get_access_id_rules(&call.caller, id).await?;
    Ok(respond::ok(&RulesDocument::new(&rules)))
}
