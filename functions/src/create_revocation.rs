//! `POST /api/revocations`: takes many access IDs out of use at once.

use api::{
    Body, Call, Error, Method, Response, Route, respond,
    revocations::{self, RevocationDocument},
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("create-revocation", Method::POST, "/api/revocations");

/// Revoke many access IDs
///
/// Revokes access IDs by their numbers, all that are linked to a vehicle, or all of a customer. Those of a customer may be more
/// than one request revokes: send the same body with `nextPageCursor` until it is null. Each access ID is revoked by itself, and
/// stays so: a request that failed can be sent again. With `dryRun` nothing is changed, and the answer says what would be.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = ROUTE.path,
    tag = "revocations",
    request_body = api::schemas::RevocationRequest,
    responses((status = 200, description = "What was revoked, and what may have been overlooked.", body = RevocationDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    // A malformed key is refused, as at every `POST`. A valid one has no effect: revoking again changes nothing anyway.
    let ((revocation, cursor), _) = call.accept(call.body(revocations::parse).and(call.idempotency())).await?;
    let revoked = call.store.revoke(call.origin(), &revocation, cursor.as_ref()).await?;
    Ok(respond::ok(&RevocationDocument::new(&revoked)))
}
