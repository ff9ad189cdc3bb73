//! What request bodies may hold. A test holds each field against the readers in `access_ids` and `vehicles`.
#![expect(dead_code, reason = "these structs are there to be described")]

use std::collections::BTreeSet;

use utoipa::ToSchema;

/// The schemas of request bodies: a field of theirs may be left out unless it is required.
pub(super) fn names() -> BTreeSet<String> {
    fn of<T: ToSchema>() -> impl Iterator<Item = String> {
        let mut nested = Vec::new();
        T::schemas(&mut nested);
        nested.into_iter().map(|(name, _)| name).chain([T::name().into_owned()])
    }
    let access_ids = of::<NewAccessIdRequest>().chain(of::<AccessIdUpdateRequest>());
    access_ids.chain(of::<NewVehicleRequest>()).chain(of::<VehicleUpdateRequest>()).collect()
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct NewAccessIdRequest {
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
pub(super) struct AccessIdUpdateRequest {
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
pub(super) struct NewVehicleRequest {
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
pub(super) struct VehicleUpdateRequest {
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
