//! Parameters of paths, queries and headers.

use domain::{AccessIdType, AuthorizationStatus, Reason, RequestType};
use utoipa::IntoParams;

use super::{GivenTag, GivenText};

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many records at most.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u64>,
    /// Where the page begins: as the page before said. It never expires, and holds for any `limit`.
    #[param(rename = "nextPageCursor", min_length = 1)]
    next_page_cursor: Option<String>,
}

/// Which access IDs.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct AccessIdFilters {
    /// The one with this tag, in any of its spellings.
    #[param(nullable = false)]
    ocpp_id_tag: Option<GivenTag>,
    /// Those that are linked to this vehicle, cards included.
    #[param(nullable = false, minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    vehicle_id: Option<u64>,
    /// Those with this status.
    #[param(nullable = false)]
    authorization_status: Option<AuthorizationStatus>,
    /// Those of this type.
    #[param(rename = "type", nullable = false)]
    kind: Option<AccessIdType>,
    /// Those of the customer of this name, compared as customers are. None if there is no such customer.
    #[param(nullable = false)]
    customer: Option<GivenText<200>>,
    /// Those that have this in their name, compared as customers are, or in their tag: in lower case, normalized, or without
    /// the separators between hex pairs.
    #[param(nullable = false)]
    q: Option<GivenText<200>>,
}

/// Which vehicles.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct VehicleFilters {
    /// The one that holds the access ID with this tag, in any of its spellings.
    #[param(nullable = false)]
    ocpp_id_tag: Option<GivenTag>,
    /// Those of the customer of this name, compared as customers are. None if there is no such customer.
    #[param(nullable = false)]
    customer: Option<GivenText<200>>,
    /// Those that have this in their name, make, model, VIN or licence plate, compared as customers are.
    #[param(nullable = false)]
    q: Option<GivenText<200>>,
}

/// Which customers.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CustomerFilters {
    /// Those that have this in their name, compared as customers are.
    #[param(nullable = false)]
    q: Option<GivenText<200>>,
}

/// Which decisions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct DecisionFilters {
    /// Those about this tag, in any of its spellings.
    #[param(nullable = false)]
    ocpp_id_tag: Option<GivenTag>,
    /// Those about a tag that belonged to this access ID then.
    #[param(nullable = false, minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    access_id: Option<u64>,
    /// Those for this charge box.
    #[param(nullable = false, min_length = 1)]
    charge_box: Option<String>,
    /// Those that authorized, or those that refused.
    #[param(nullable = false)]
    authorized: Option<bool>,
    /// Those that refused for this reason.
    #[param(nullable = false)]
    reason: Option<Reason>,
    /// Those about requests of this type.
    #[param(rename = "type", nullable = false)]
    kind: Option<RequestType>,
    /// Those later than this, in RFC 3339.
    #[param(nullable = false, format = DateTime)]
    decided_after: Option<String>,
    /// Those earlier than this, in RFC 3339.
    #[param(nullable = false, format = DateTime)]
    decided_before: Option<String>,
}

/// Which changes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ChangeFilters {
    /// Those of this access ID.
    #[param(nullable = false, minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    access_id: Option<u64>,
    /// Those of this vehicle.
    #[param(nullable = false, minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    vehicle_id: Option<u64>,
    /// Those later than this, in RFC 3339.
    #[param(nullable = false, format = DateTime)]
    changed_after: Option<String>,
    /// Those earlier than this, in RFC 3339.
    #[param(nullable = false, format = DateTime)]
    changed_before: Option<String>,
}

/// Which unknown tag.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct UnknownTagFilters {
    /// The one of this tag, in any of its spellings, with details.
    #[param(nullable = false)]
    ocpp_id_tag: Option<GivenTag>,
}

/// Whether a batch is tried alone.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct DryRun {
    /// Whether nothing is written, and the answer says what the same request without it would do.
    #[param(nullable = false, default = false)]
    dry_run: Option<bool>,
}

/// Which record.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Record {
    /// The record's id, in decimal, without a sign or leading zeros.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    id: u64,
}

/// The idempotency key of a creation.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Once {
    /// For 24 hours the same key on the same path with the same body is answered by the first 201 again and creates
    /// nothing; with another body, or when what was created has been deleted, it is refused. 1 to 255 printable ASCII characters.
    #[param(rename = "Idempotency-Key", nullable = false, pattern = "^[!-~]([ -~]{0,253}[!-~])?$")]
    idempotency_key: Option<String>,
}

/// What charging platforms are given: the path of the authorizer's URL.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Secret {
    /// A credential of scope `rfid`. Whatever is here, the bearer token counts if it is no credential.
    #[param(min_length = 1, example = "rfid_<organization>_<secret>")]
    secret: String,
}
