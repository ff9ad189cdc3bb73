//! Vehicles on the wire.

use std::collections::HashSet;

use domain::{MAX_ACCESS_IDS_PER_REQUEST, NewVehicle, RequestedTag, UpdateVehicle, Vehicle};
use serde::Serialize;

use crate::{
    access_ids::{CustomerBody, STATUSES, read_customer, status_word},
    json::{Object, Problems},
    page::Pagination,
};

/// `{"vehicle": …}`: one vehicle.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct VehicleDocument {
    vehicle: VehicleBody,
}

/// A page of vehicles.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct VehicleList {
    data: Vec<VehicleBody>,
    pagination: Pagination,
}

/// A vehicle.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Vehicle))]
struct VehicleBody {
    id: u64,
    name: String,
    make: Option<String>,
    model: Option<String>,
    vin: Option<String>,
    license_plate: Option<String>,
    has_telematics: bool,
    customer: Option<CustomerBody>,
    access_ids: Vec<SummaryBody>,
}

/// What a vehicle shows of an access ID.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AccessIdSummary))]
struct SummaryBody {
    id: u64,
    ocpp_id_tag: String,
    authorization_status: &'static str,
}

impl VehicleDocument {
    /// The document of a vehicle.
    pub fn new(vehicle: &Vehicle) -> Self {
        Self { vehicle: VehicleBody::new(vehicle) }
    }
}

impl VehicleList {
    /// The document of a page.
    pub fn new(page: store::Page<Vehicle>) -> Self {
        Self {
            data: page.records.iter().map(VehicleBody::new).collect(),
            pagination: Pagination::new(page.next_cursor),
        }
    }
}

impl VehicleBody {
    fn new(vehicle: &Vehicle) -> Self {
        Self {
            id: vehicle.id.get(),
            name: vehicle.name.to_string(),
            make: vehicle.make.as_ref().map(ToString::to_string),
            model: vehicle.model.as_ref().map(ToString::to_string),
            vin: vehicle.vin.as_ref().map(ToString::to_string),
            license_plate: vehicle.license_plate.as_ref().map(ToString::to_string),
            has_telematics: false,
            customer: vehicle.customer.as_ref().map(CustomerBody::new),
            access_ids: vehicle
                .access_ids
                .iter()
                .map(|summary| SummaryBody {
                    id: summary.id.get(),
                    ocpp_id_tag: summary.tag.to_string(),
                    authorization_status: status_word(summary.status),
                })
                .collect(),
        }
    }
}

/// The body of `POST /api/vehicles`.
pub(crate) fn parse_new(body: &[u8]) -> Result<NewVehicle, Problems> {
    let mut problems = Problems::default();
    let new = Object::root(body, "vehicle", &mut problems).and_then(|vehicle| vehicle.read(&mut problems, read_new));
    problems.or(new)
}

fn read_new(vehicle: &mut Object, problems: &mut Problems) -> Option<NewVehicle> {
    let name = vehicle.required_text("name", problems);
    let make = vehicle.text("make", problems).apply(None);
    let model = vehicle.text("model", problems).apply(None);
    let vin = vehicle.text("vin", problems).apply(None);
    let license_plate = vehicle.text("licensePlate", problems).apply(None);
    let customer = read_customer(vehicle, problems).apply(None);
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    for access_id in vehicle.objects("accessIds", MAX_ACCESS_IDS_PER_REQUEST, problems) {
        let path = access_id.path_of("ocppIdTag");
        let (tag, status) = access_id.read(problems, |access_id, problems| {
            let tag = access_id.required_tag("ocppIdTag", problems);
            (tag, access_id.word_not_null("authorizationStatus", STATUSES, problems))
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

/// The body of `PATCH /api/vehicles/{id}`.
pub(crate) fn parse_update(body: &[u8]) -> Result<UpdateVehicle, Problems> {
    let mut problems = Problems::default();
    let update = Object::root(body, "vehicle", &mut problems).map(|vehicle| {
        vehicle.read(&mut problems, |vehicle, problems| UpdateVehicle {
            name: vehicle.text_not_null("name", problems),
            make: vehicle.text("make", problems),
            model: vehicle.text("model", problems),
            vin: vehicle.text("vin", problems),
            license_plate: vehicle.text("licensePlate", problems),
            customer: read_customer(vehicle, problems),
        })
    });
    problems.or(update)
}
