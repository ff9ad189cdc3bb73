//! `PUT /api/access-ids/batch`: brings in many access IDs at once, from a list of a fleet.

use std::time::Duration;

use api::{
    BatchMode, Body, Call, Error, Method, Response, Route,
    batch::{self, BatchDocument},
    respond,
};

/// Where the endpoint is.
pub const ROUTE: Route =
    Route::new("put-access-ids-batch", Method::PUT, "/api/access-ids/batch").with_body_limit(1 << 20);

/// API Gateway waits 30 seconds for an answer, and Lambda gives this function 29.
const TIME: Duration = Duration::from_secs(24);

/// Create or update many access IDs
///
/// Each item is found by its tag: a tag that nobody has becomes a new access ID, else the one that has it is changed as by
/// `updateAccessId`. Access IDs that are not named stay as they are. Each item is carried out as a whole or not at all, and an
/// item that fails leaves the others alone: its result has `outcome: "error"` and names what is wrong. `customer: null` and
/// `vehicle: null` mean what they mean in `updateAccessId`, and nothing for a new access ID. A request that was interrupted is
/// sent again as it is; so is one with an item whose error has the code `send_again`, for which 24 seconds were not enough.
#[cfg_attr(feature = "openapi", utoipa::path(
    put,
    path = ROUTE.path,
    tag = "access-ids",
    params(api::schemas::DryRun),
    request_body = api::schemas::BatchRequest,
    responses((status = 200, description = "What has become of each item, in their order.", body = BatchDocument))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (is_dry_run, batch) = call.accept(call.query(batch::is_dry_run).and(call.body(batch::parse))).await?;
    let mode = BatchMode { is_dry_run, time: TIME };
    let outcomes = call.store.put_access_ids(call.origin(), batch.puts(), mode).await?;
    Ok(respond::ok(&BatchDocument::new(&batch, outcomes, is_dry_run)))
}
