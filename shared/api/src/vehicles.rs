//! Vehicles on the wire.

use std::collections::HashSet;

use domain::{
    AuthorizationStatus, Id, MAX_ACCESS_IDS_PER_REQUEST, NewVehicle, RequestedTag, Text, UpdateVehicle, Vehicle,
};
use serde::Serialize;

#[cfg(feature = "openapi")]
use crate::schemas::ShownTag;
use crate::{
    access_ids::{CustomerBody, read_customer},
    json::{self, Object},
    page::Pagination,
    problems::Problems,
};

/// `{"vehicle": …}`: one vehicle.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VehicleDocument<'a> {
    vehicle: VehicleBody<'a>,
}

/// A page of vehicles.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VehicleList<'a> {
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    data: Vec<VehicleBody<'a>>,
    pagination: Pagination<'a>,
}

/// A vehicle.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Vehicle))]
struct VehicleBody<'a> {
    id: Id,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    name: &'a str,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    make: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    model: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    vin: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    license_plate: Option<&'a str>,
    /// False until there is a source of telematics.
    has_telematics: bool,
    customer: Option<CustomerBody<'a>>,
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    access_ids: Vec<SummaryBody<'a>>,
}

/// What a vehicle shows of an access ID.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AccessIdSummary))]
struct SummaryBody<'a> {
    id: Id,
    #[cfg_attr(feature = "openapi", schema(value_type = ShownTag))]
    ocpp_id_tag: &'a str,
    authorization_status: AuthorizationStatus,
}

impl<'a> VehicleDocument<'a> {
    /// The document of a vehicle.
    pub fn new(vehicle: &'a Vehicle) -> Self {
        Self { vehicle: VehicleBody::new(vehicle) }
    }
}

impl<'a> VehicleList<'a> {
    /// The document of a page.
    pub fn new(page: &'a store::Page<Vehicle>) -> Self {
        Self {
            data: page.records.iter().map(VehicleBody::new).collect(),
            pagination: Pagination::new(page.next_cursor.as_deref()),
        }
    }
}

impl<'a> VehicleBody<'a> {
    fn new(vehicle: &'a Vehicle) -> Self {
        Self {
            id: vehicle.id,
            name: vehicle.name.as_str(),
            make: vehicle.make.as_ref().map(Text::as_str),
            model: vehicle.model.as_ref().map(Text::as_str),
            vin: vehicle.vin.as_ref().map(Text::as_str),
            license_plate: vehicle.license_plate.as_ref().map(Text::as_str),
            has_telematics: false,
            customer: vehicle.customer.as_ref().map(CustomerBody::new),
            access_ids: vehicle
                .access_ids
                .iter()
                .map(|summary| SummaryBody {
                    id: summary.id,
                    ocpp_id_tag: summary.tag.as_str(),
                    authorization_status: summary.status,
                })
                .collect(),
        }
    }
}

/// Reads the body of `POST /api/vehicles`.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse_new(body: &[u8]) -> Result<NewVehicle, Problems> {
    json::read(body, "vehicle", read_new)
}

fn read_new(vehicle: &mut Object<'_>, problems: &mut Problems) -> Option<NewVehicle> {
    let name = vehicle.required("name", problems, json::text);
    let make = vehicle.optional("make", problems, json::text).apply(None);
    let model = vehicle.optional("model", problems, json::text).apply(None);
    let vin = vehicle.optional("vin", problems, json::text).apply(None);
    let license_plate = vehicle.optional("licensePlate", problems, json::text).apply(None);
    let customer = read_customer(vehicle, problems).apply(None);
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    for access_id in vehicle.objects("accessIds", MAX_ACCESS_IDS_PER_REQUEST, problems) {
        let path = access_id.path_of("ocppIdTag");
        let (tag, status) = access_id.read(problems, |access_id, problems| {
            let tag = access_id.required("ocppIdTag", problems, json::tag);
            (tag, access_id.not_null("authorizationStatus", problems, json::word))
        });
        let Some(tag) = tag else { continue };
        if seen.insert(tag.clone()) {
            tags.push(RequestedTag { tag, status });
        } else {
            problems.add(path, "is the same tag as one before it");
        }
    }
    Some(NewVehicle { name: name?, make, model, vin, license_plate, customer, tags })
}

/// Reads the body of `PATCH /api/vehicles/{id}`.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse_update(body: &[u8]) -> Result<UpdateVehicle, Problems> {
    json::read(body, "vehicle", |vehicle, problems| {
        Some(UpdateVehicle {
            name: vehicle.not_null("name", problems, json::text),
            make: vehicle.optional("make", problems, json::text),
            model: vehicle.optional("model", problems, json::text),
            vin: vehicle.optional("vin", problems, json::text),
            license_plate: vehicle.optional("licensePlate", problems, json::text),
            customer: read_customer(vehicle, problems),
        })
    })
}
