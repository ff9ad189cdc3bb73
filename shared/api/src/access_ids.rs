//! Access IDs on the wire.

use chrono::{Datelike as _, Timelike as _};
use domain::{
    AccessIdType, AuthorizationStatus, Customer, Id, LinkedAccessId, NewAccessId, NewVehicleDetails, Patch, Text,
    Timestamp, UpdateAccessId, VehicleChange, VehicleLink,
};
use serde::Serialize;

use crate::{
    json::{Object, Problems},
    page::Pagination,
};

pub(crate) const STATUSES: &[(&str, AuthorizationStatus)] =
    &[("Authorized", AuthorizationStatus::Authorized), ("Revoked", AuthorizationStatus::Revoked)];
const TYPES: &[(&str, AccessIdType)] = &[("RFID", AccessIdType::Rfid), ("Vehicle", AccessIdType::Vehicle)];

/// `{"accessId": …}`: one access ID.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct AccessIdDocument<'a> {
    access_id: AccessIdBody<'a>,
}

/// A page of access IDs.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct AccessIdList<'a> {
    data: Vec<ListedAccessIdBody<'a>>,
    pagination: Pagination<'a>,
}

/// An access ID.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AccessId))]
struct AccessIdBody<'a> {
    #[serde(flatten)]
    listed: ListedAccessIdBody<'a>,
    customer: Option<CustomerBody<'a>>,
}

/// An access ID as lists show it: without its customer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ListedAccessId))]
struct ListedAccessIdBody<'a> {
    id: u64,
    ocpp_id_tag: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    authorization_status: &'static str,
    authorized_at: String,
    revoked_at: Option<String>,
    created_at: String,
    updated_at: String,
    vehicle: Option<LinkedVehicleBody<'a>>,
}

/// What an access ID shows of its vehicle.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = LinkedVehicle))]
struct LinkedVehicleBody<'a> {
    id: u64,
    make: Option<&'a str>,
    model: Option<&'a str>,
    name: &'a str,
    vin: Option<&'a str>,
}

/// Whom an access ID or a vehicle belongs to.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Customer))]
pub(crate) struct CustomerBody<'a> {
    name: &'a str,
}

impl<'a> CustomerBody<'a> {
    pub fn new(customer: &'a Customer) -> Self {
        Self { name: customer.name() }
    }
}

impl<'a> AccessIdDocument<'a> {
    /// The document of an access ID.
    pub fn new(linked: &'a LinkedAccessId) -> Self {
        let customer = linked.access_id.customer.as_ref().map(CustomerBody::new);
        Self { access_id: AccessIdBody { listed: ListedAccessIdBody::new(linked), customer } }
    }
}

impl<'a> AccessIdList<'a> {
    /// The document of a page.
    pub fn new(page: &'a store::Page<LinkedAccessId>) -> Self {
        Self {
            data: page.records.iter().map(ListedAccessIdBody::new).collect(),
            pagination: Pagination::new(page.next_cursor.as_deref()),
        }
    }
}

impl<'a> ListedAccessIdBody<'a> {
    fn new(linked: &'a LinkedAccessId) -> Self {
        let LinkedAccessId { access_id, vehicle } = linked;
        // A card may be linked too; the reference shows the vehicle of a Vehicle alone.
        let shown = vehicle.as_ref().filter(|_| access_id.kind == AccessIdType::Vehicle);
        Self {
            id: access_id.id.get(),
            ocpp_id_tag: access_id.tag.as_str(),
            kind: kind_word(access_id.kind),
            name: access_id.name.as_str(),
            authorization_status: status_word(access_id.status),
            authorized_at: time(access_id.authorized_at),
            revoked_at: access_id.revoked_at.map(time),
            created_at: time(access_id.created_at),
            updated_at: time(access_id.updated_at),
            vehicle: shown.map(|vehicle| LinkedVehicleBody {
                id: vehicle.id.get(),
                make: vehicle.make.as_ref().map(Text::as_str),
                model: vehicle.model.as_ref().map(Text::as_str),
                name: vehicle.name.as_str(),
                vin: vehicle.vin.as_ref().map(Text::as_str),
            }),
        }
    }
}

pub(crate) fn kind_word(kind: AccessIdType) -> &'static str {
    match kind {
        AccessIdType::Rfid => "RFID",
        AccessIdType::Vehicle => "Vehicle",
    }
}

pub(crate) fn status_word(status: AuthorizationStatus) -> &'static str {
    match status {
        AuthorizationStatus::Authorized => "Authorized",
        AuthorizationStatus::Revoked => "Revoked",
    }
}

/// RFC 3339 in UTC with milliseconds and `Z`, as chrono writes it. A page has three for each record: chrono's formatter would
/// be a twentieth of its call.
fn time(time: Timestamp) -> String {
    let (date, clock) = (time.date_naive(), time.time());
    let Ok(year @ 0..=9999) = u32::try_from(date.year()) else {
        return time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    };
    // a leap second is the second 59 with more than a thousand milliseconds
    let milliseconds = clock.nanosecond() / 1_000_000;
    let (second, milliseconds) = (clock.second() + milliseconds / 1_000, milliseconds % 1_000);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    for (number, end) in [
        (year, 4),
        (date.month(), 7),
        (date.day(), 10),
        (clock.hour(), 13),
        (clock.minute(), 16),
        (second, 19),
        (milliseconds, 23),
    ] {
        let (mut rest, mut at) = (number, end);
        while rest > 0 {
            at -= 1;
            text[at] += (rest % 10) as u8;
            rest /= 10;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The body of `POST /api/access-ids`.
pub(crate) fn parse_new(body: &[u8]) -> Result<NewAccessId, Problems> {
    let mut problems = Problems::default();
    let new =
        Object::root(body, "accessId", &mut problems).and_then(|access_id| access_id.read(&mut problems, read_new));
    problems.or(new)
}

fn read_new(access_id: &mut Object, problems: &mut Problems) -> Option<NewAccessId> {
    let kind = access_id.required("type", problems, |text| crate::json::word(text, TYPES));
    let name = access_id.required_text("name", problems);
    let tag = access_id.required_tag("ocppIdTag", problems);
    let status = access_id.word_not_null("authorizationStatus", STATUSES, problems);
    let (has_vehicle, has_vehicle_id) = (access_id.has("vehicle"), access_id.has("vehicleId"));
    if kind == Some(AccessIdType::Rfid) {
        for name in [("vehicle", has_vehicle), ("vehicleId", has_vehicle_id)].iter().filter(|(_, has)| *has) {
            problems.add(access_id.path_of(name.0), "is for the type Vehicle alone");
        }
    } else if has_vehicle && has_vehicle_id {
        problems.add(access_id.path_of("vehicleId"), "cannot be given together with vehicle");
    }
    let vehicle = match access_id.object("vehicle", problems) {
        Patch::Set(vehicle) => Some(vehicle.read(problems, |vehicle, problems| NewVehicleDetails {
            make: vehicle.text("make", problems).apply(None),
            model: vehicle.text("model", problems).apply(None),
            vin: vehicle.text("vin", problems).apply(None),
        })),
        Patch::Keep | Patch::Clear => None,
    };
    let vehicle_id =
        access_id.integer("vehicleId", problems, |number| Id::new(number).map_err(|invalid| invalid.to_string()));
    let customer = read_customer(access_id, problems).apply(None);
    Some(NewAccessId {
        tag: tag?,
        kind: kind?,
        name: name?,
        status: status.unwrap_or_default(),
        vehicle: match (vehicle, vehicle_id) {
            (Some(details), _) => VehicleLink::New(details),
            (None, Some(id)) => VehicleLink::Existing(id),
            (None, None) => VehicleLink::None,
        },
        customer,
    })
}

/// The body of `PATCH /api/access-ids/{id}`.
pub(crate) fn parse_update(body: &[u8]) -> Result<UpdateAccessId, Problems> {
    let mut problems = Problems::default();
    let update = Object::root(body, "accessId", &mut problems).map(|access_id| {
        access_id.read(&mut problems, |access_id, problems| UpdateAccessId {
            name: access_id.text_not_null("name", problems),
            status: access_id.word_not_null("authorizationStatus", STATUSES, problems),
            customer: read_customer(access_id, problems),
            vehicle: match access_id.object("vehicle", problems) {
                Patch::Keep => VehicleChange::Keep,
                Patch::Clear => VehicleChange::Unlink,
                Patch::Set(vehicle) => vehicle.read(problems, |vehicle, problems| VehicleChange::Change {
                    make: vehicle.text("make", problems),
                    model: vehicle.text("model", problems),
                    vin: vehicle.text("vin", problems),
                }),
            },
        })
    });
    problems.or(update)
}

/// `customer: {"name": …}`, left out or `null`. An object without a name is refused.
pub(crate) fn read_customer(record: &mut Object, problems: &mut Problems) -> Patch<Customer> {
    match record.object("customer", problems) {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(customer) => customer.read(problems, |customer, problems| {
            let name = customer.required("name", problems, |text| Customer::new(text).map_err(|e| e.to_string()));
            name.map_or(Patch::Keep, Patch::Set)
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_written_as_chrono_writes_it(
            seconds in -70_000_000_000_i64..260_000_000_000,
            nanoseconds in 0_u32..2_000_000_000,
        ) {
            // beyond a second: a leap second, where there can be one
            if let Some(moment) = Timestamp::from_timestamp(seconds, nanoseconds) {
                prop_assert_eq!(time(moment), moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
            }
        }
    }
}
