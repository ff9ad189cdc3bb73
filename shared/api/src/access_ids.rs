//! Access IDs on the wire.

use domain::{
    AccessIdType, AuthorizationStatus, Customer, Id, LinkedAccessId, NewAccessId, NewVehicleDetails, Patch, Text,
    UpdateAccessId, VehicleChange, VehicleLink, rfc3339,
};
use serde::Serialize;

#[cfg(feature = "openapi")]
use crate::schemas::{ShownTag, Time};
use crate::{
    json::{self, Object},
    page::Pagination,
    problems::Problems,
};

/// `{"accessId": …}`: one access ID.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessIdDocument<'a> {
    access_id: AccessIdBody<'a>,
}

/// A page of access IDs.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessIdList<'a> {
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    data: Vec<ListedAccessIdBody<'a>>,
    pagination: Pagination<'a>,
}

/// An access ID.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AccessId))]
struct AccessIdBody<'a> {
    #[serde(flatten)]
    listed: ListedAccessIdBody<'a>,
    customer: Option<CustomerBody<'a>>,
}

/// An access ID as lists show it: without its customer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ListedAccessId))]
struct ListedAccessIdBody<'a> {
    id: Id,
    #[cfg_attr(feature = "openapi", schema(value_type = ShownTag))]
    ocpp_id_tag: &'a str,
    #[serde(rename = "type")]
    kind: AccessIdType,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    name: &'a str,
    authorization_status: AuthorizationStatus,
    /// When it was created, then when it last went from Revoked to Authorized.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    authorized_at: String,
    /// While it is Revoked: since when.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Time>))]
    revoked_at: Option<String>,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    created_at: String,
    /// When something of it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    updated_at: String,
    vehicle: Option<LinkedVehicleBody<'a>>,
}

/// What an access ID shows of its vehicle.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LinkedVehicle))]
struct LinkedVehicleBody<'a> {
    id: Id,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    make: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    model: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    name: &'a str,
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    vin: Option<&'a str>,
}

/// Whom an access ID or a vehicle belongs to.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Customer))]
pub(crate) struct CustomerBody<'a> {
    /// As it was first given, in Unicode NFC.
    // In NFC some characters are three.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 600))]
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
            id: access_id.id,
            ocpp_id_tag: access_id.tag.as_str(),
            kind: access_id.kind,
            name: access_id.name.as_str(),
            authorization_status: access_id.status,
            authorized_at: rfc3339(access_id.authorized_at),
            revoked_at: access_id.revoked_at.map(rfc3339),
            created_at: rfc3339(access_id.created_at),
            updated_at: rfc3339(access_id.updated_at),
            vehicle: shown.map(|vehicle| LinkedVehicleBody {
                id: vehicle.id,
                make: vehicle.make.as_ref().map(Text::as_str),
                model: vehicle.model.as_ref().map(Text::as_str),
                name: vehicle.name.as_str(),
                vin: vehicle.vin.as_ref().map(Text::as_str),
            }),
        }
    }
}

/// Reads the body of `POST /api/access-ids`.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse_new(body: &[u8]) -> Result<NewAccessId, Problems> {
    json::read(body, "accessId", read_new)
}

fn read_new(access_id: &mut Object<'_>, problems: &mut Problems) -> Option<NewAccessId> {
    let kind = access_id.required("type", problems, json::word);
    let name = access_id.required("name", problems, json::text);
    let tag = access_id.required("ocppIdTag", problems, json::tag);
    let status = access_id.not_null("authorizationStatus", problems, json::word);
    let (has_vehicle, has_vehicle_id) = (access_id.has("vehicle"), access_id.has("vehicleId"));
    if kind == Some(AccessIdType::Rfid) {
        for (name, _) in [("vehicle", has_vehicle), ("vehicleId", has_vehicle_id)].iter().filter(|(_, has)| *has) {
            problems.add(access_id.path_of(name), "is for the type Vehicle alone");
        }
    } else if has_vehicle && has_vehicle_id {
        problems.add(access_id.path_of("vehicleId"), "cannot be given together with vehicle");
    }
    let vehicle = match access_id.object("vehicle", problems) {
        Patch::Set(vehicle) => Some(vehicle.read(problems, |vehicle, problems| NewVehicleDetails {
            make: vehicle.optional("make", problems, json::text).apply(None),
            model: vehicle.optional("model", problems, json::text).apply(None),
            vin: vehicle.optional("vin", problems, json::text).apply(None),
        })),
        Patch::Keep | Patch::Clear => None,
    };
    let vehicle_id = access_id.optional("vehicleId", problems, json::id).apply(None);
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

/// Reads the body of `PATCH /api/access-ids/{id}`.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse_update(body: &[u8]) -> Result<UpdateAccessId, Problems> {
    json::read(body, "accessId", |access_id, problems| {
        Some(UpdateAccessId {
            kind: None,
            name: access_id.not_null("name", problems, json::text),
            status: access_id.not_null("authorizationStatus", problems, json::word),
            customer: read_customer(access_id, problems),
            vehicle: read_vehicle_change(access_id, problems),
        })
    })
}

/// `vehicle` or `vehicleId`, of which one may be named.
pub(crate) fn read_vehicle_change(access_id: &mut Object<'_>, problems: &mut Problems) -> VehicleChange {
    if access_id.names("vehicle") && access_id.names("vehicleId") {
        problems.add(access_id.path_of("vehicleId"), "cannot be given together with vehicle");
    }
    let change = match access_id.object("vehicle", problems) {
        Patch::Keep => VehicleChange::Keep,
        Patch::Clear => VehicleChange::Clear,
        Patch::Set(vehicle) => vehicle.read(problems, |vehicle, problems| VehicleChange::Change {
            make: vehicle.optional("make", problems, json::text),
            model: vehicle.optional("model", problems, json::text),
            vin: vehicle.optional("vin", problems, json::text),
        }),
    };
    match access_id.optional("vehicleId", problems, json::id) {
        Patch::Keep => change,
        Patch::Clear => VehicleChange::Unlink,
        Patch::Set(id) => VehicleChange::Link(id),
    }
}

/// `customer: {"name": …}`, left out or `null`. An object without a name is refused.
pub(crate) fn read_customer(record: &mut Object<'_>, problems: &mut Problems) -> Patch<Customer> {
    match record.object("customer", problems) {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(customer) => customer.read(problems, |customer, problems| {
            let name = customer.required("name", problems, |value| json::string(value, Customer::new));
            name.map_or(Patch::Keep, Patch::Set)
        }),
    }
}
