//! What requests may hold, for the API's document alone: bodies are read by hand, in [`access_ids`](crate::access_ids)
//! and [`vehicles`](crate::vehicles). A test of `testing/openapi` holds each field against these readers.
#![expect(
    dead_code,
    missing_docs,
    reason = "these structs are there to be described; their comments are the document's"
)]

use utoipa::{IntoParams, ToSchema};

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

/// Which record.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Record {
    /// The record's id, in decimal, without a sign or leading zeros.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    id: u64,
}

/// The wish that a creation happens once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Once {
    /// For 24 hours the same key on the same path with the same body is answered by the first 201 again and creates
    /// nothing; with another body it is refused. 1 to 255 printable ASCII characters.
    #[param(rename = "Idempotency-Key", nullable = false, pattern = "^[!-~]([ -~]{0,253}[!-~])?$")]
    idempotency_key: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewAccessIdRequest {
    access_id: NewAccessId,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct NewAccessId {
    #[schema(rename = "type")]
    kind: String,
    name: String,
    ocpp_id_tag: String,
    #[schema(nullable = false)]
    authorization_status: Option<String>,
    vehicle: Option<NewVehicleDetails>,
    vehicle_id: Option<u64>,
    customer: Option<NamedCustomer>,
}

/// A vehicle that is created with its access ID, whose name and customer it takes.
#[derive(ToSchema)]
struct NewVehicleDetails {
    make: Option<String>,
    model: Option<String>,
    vin: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AccessIdUpdateRequest {
    access_id: AccessIdUpdate,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct AccessIdUpdate {
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    authorization_status: Option<String>,
    vehicle: Option<VehicleDetailsUpdate>,
    customer: Option<NamedCustomer>,
}

/// Changes to the linked vehicle.
#[derive(ToSchema)]
struct VehicleDetailsUpdate {
    make: Option<String>,
    model: Option<String>,
    vin: Option<String>,
}

#[derive(ToSchema)]
pub struct NewVehicleRequest {
    vehicle: NewVehicle,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct NewVehicle {
    name: String,
    make: Option<String>,
    model: Option<String>,
    vin: Option<String>,
    license_plate: Option<String>,
    customer: Option<NamedCustomer>,
    /// No tag twice, whatever its spelling.
    access_ids: Option<Vec<RequestedAccessId>>,
}

/// A tag that a new vehicle shall hold.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RequestedAccessId {
    ocpp_id_tag: String,
    #[schema(nullable = false)]
    authorization_status: Option<String>,
}

#[derive(ToSchema)]
pub struct VehicleUpdateRequest {
    vehicle: VehicleUpdate,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct VehicleUpdate {
    #[schema(nullable = false)]
    name: Option<String>,
    make: Option<String>,
    model: Option<String>,
    vin: Option<String>,
    license_plate: Option<String>,
    customer: Option<NamedCustomer>,
}

/// The customer of this name, in any case; created if there is none.
#[derive(ToSchema)]
struct NamedCustomer {
    name: String,
}
