//! Vehicles on the wire.

use std::collections::HashSet;

use domain::{MAX_ACCESS_IDS_PER_REQUEST, NewVehicle, RequestedTag, Text, UpdateVehicle, Vehicle};
use serde::Serialize;

use crate::{
    access_ids::{CustomerBody, STATUSES, read_customer, status_word},
    json::{Object, Problems},
    page::Pagination,
};

/// `{"vehicle": …}`: one vehicle.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct VehicleDocument<'a> {
    vehicle: VehicleBody<'a>,
}

/// A page of vehicles.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct VehicleList<'a> {
    data: Vec<VehicleBody<'a>>,
    pagination: Pagination<'a>,
}

/// A vehicle.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Vehicle))]
struct VehicleBody<'a> {
    id: u64,
    name: &'a str,
    make: Option<&'a str>,
    model: Option<&'a str>,
    vin: Option<&'a str>,
    license_plate: Option<&'a str>,
    has_telematics: bool,
    customer: Option<CustomerBody<'a>>,
    access_ids: Vec<SummaryBody<'a>>,
}

/// What a vehicle shows of an access ID.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AccessIdSummary))]
struct SummaryBody<'a> {
    id: u64,
    ocpp_id_tag: &'a str,
    authorization_status: &'static str,
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
            id: vehicle.id.get(),
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
                    id: summary.id.get(),
                    ocpp_id_tag: summary.tag.as_str(),
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
