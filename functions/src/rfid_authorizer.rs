//! `POST <function URL>/<secret>`: may this card or this vehicle charge here? Called by the charging platform Thor.

use api::StartError;

/// Ask whether a card or a vehicle may charge
///
/// Called by the charging platform Thor, both before a charge and when one has begun. 200 means yes; every other status
/// means no. The decision is made on what is stored at this moment: a revocation that was acknowledged before counts.
///
/// The secret is the path, as Thor has no other place for it. It is also taken as a bearer token if the path holds no
/// secret. It names the organization, and opens nothing else. Keys that are not documented are ignored, whatever they
/// hold.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/{secret}",
    operation_id = "authorizeRfid",
    tag = "rfid",
    servers(
        (
            url = "https://{function}.lambda-url.{region}.on.aws",
            description = "A deployment: the stack's output has the whole URL",
            variables(("function" = (default = "abcdefghijklmnopqrstuvwxyz012345")), ("region" = (default = "eu-central-1")))
        ),
        (url = "http://127.0.0.1:9000/lambda-url/rfid-authorizer", description = "`cargo dev`")
    ),
    security((), ("secret" = [])),
    params(api::schemas::Secret),
    request_body = api::schemas::RfidRequest,
    responses(
        (status = 200, description = "It may charge.", body = api::rfid::Authorized),
        (status = 403, description = "It must not charge.", body = api::rfid::Refused)
    )
))]
pub async fn serve() -> Result<(), StartError> {
    api::serve_rfid().await
}
