//! `PUT /api/access-ids/{id}/rules`: says when and where an access ID may begin to charge.

use api::{
    Body, Call, Error, Method, Response, Route, respond,
    rules::{self, RulesDocument},
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("put-access-id-rules", Method::PUT, "/api/access-ids/{id}/rules");

/// Replace the rules of an access ID
///
/// The given rules take the place of all that there were: what is null or left out restricts nothing from now on. They hold
/// for the next request of a charge box. A charge that has begun can be ended whatever the rules are.
#[cfg_attr(feature = "openapi", utoipa::path(
    put,
    path = ROUTE.path,
    tag = "rules",
    params(api::schemas::Record),
    request_body = api::schemas::RulesRequest,
    responses((status = 200, description = "The rules as they are now.", body = RulesDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (id, rules) = call.accept(call.id().and(call.body(rules::parse))).await?;
    call.store.put_access_id_rules(call.origin(), id, &rules).await?;
    Ok(respond::ok(&RulesDocument::new(&rules)))
}
