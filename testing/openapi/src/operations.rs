//! The endpoints: what each is for, what it takes, and what it answers when all goes well. Errors and examples come later.
#![expect(dead_code, reason = "these functions and structs are there to be described")]

use utoipa::{IntoParams, OpenApi};

use super::requests::{AccessIdUpdateRequest, NewAccessIdRequest, NewVehicleRequest, VehicleUpdateRequest};
use crate::{
    access_ids::{AccessIdDocument, AccessIdList},
    reply::ErrorBody,
    vehicles::{VehicleDocument, VehicleList},
};

const ACCESS_IDS: &str = "Access IDs";
const VEHICLES: &str = "Vehicles";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Charge access",
        description = "Access IDs (RFID cards and vehicles) and the vehicles they belong to.\n\n\
            Every record lives in the organization of the credential that is shown; another organization's records do \
            not exist for it. Texts are trimmed of white space; lengths are in Unicode code points and do not count \
            what is trimmed. Timestamps are UTC with milliseconds. In a response every key is present, `null` where \
            empty; in a request an unknown or repeated key is refused. Bodies may have 64 KiB.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers(
        (
            url = "https://{api}.execute-api.{region}.amazonaws.com",
            description = "A deployment: the stack's output has the whole URL",
            variables(("api" = (default = "abcdefghij")), ("region" = (default = "eu-central-1")))
        ),
        (url = "http://127.0.0.1:9000", description = "`cargo dev`")
    ),
    tags(
        (name = ACCESS_IDS, description = "RFID cards and vehicles' MAC addresses: what a charger identifies a driver by."),
        (name = VEHICLES, description = "Electric vehicles, each with the access IDs that are linked to it.")
    ),
    paths(
        list_access_ids,
        get_access_id,
        create_access_id,
        update_access_id,
        list_vehicles,
        get_vehicle,
        create_vehicle,
        update_vehicle
    ),
    components(schemas(ErrorBody<'_>)),
    security(("credential" = []))
)]
pub(super) struct Document;

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
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
struct Record {
    /// The record's id, in decimal, without a sign or leading zeros.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    id: u64,
}

/// The wish that a creation happens once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
struct Once {
    /// For 24 hours the same key on the same path with the same body is answered by the first 201 again and creates
    /// nothing; with another body it is refused. 1 to 255 printable ASCII characters.
    #[param(rename = "Idempotency-Key", nullable = false, pattern = "^[!-~]([ -~]{0,253}[!-~])?$")]
    idempotency_key: Option<String>,
}

/// List access IDs
///
/// In ascending order of their ids, without their customers. Every page but the last is full.
#[utoipa::path(
    get,
    path = "/api/access-ids",
    operation_id = "listAccessIds",
    tag = ACCESS_IDS,
    params(Page),
    responses((
        status = 200,
        description = "A page of access IDs.",
        body = AccessIdList,
        links(
            ("nextPage" = (
                operation_id = "listAccessIds",
                parameters(("nextPageCursor" = "$response.body#/pagination/nextPageCursor"))
            )),
            ("first" = (operation_id = "getAccessId", parameters(("id" = "$response.body#/data/0/id"))))
        )
    ))
)]
fn list_access_ids() {}

/// Get an access ID
#[utoipa::path(
    get,
    path = "/api/access-ids/{id}",
    operation_id = "getAccessId",
    tag = ACCESS_IDS,
    params(Record),
    responses((
        status = 200,
        description = "The access ID.",
        body = AccessIdDocument,
        links(
            ("update" = (operation_id = "updateAccessId", parameters(("id" = "$response.body#/accessId/id")))),
            ("vehicle" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/accessId/vehicle/id"))))
        )
    ))
)]
fn get_access_id() {}

/// Create an access ID
///
/// A vehicle's access ID may bring a new vehicle with it (`vehicle`, which takes the access ID's name and customer) or
/// be linked to one that exists (`vehicleId`); a vehicle holds at most 100 access IDs.
#[utoipa::path(
    post,
    path = "/api/access-ids",
    operation_id = "createAccessId",
    tag = ACCESS_IDS,
    params(Once),
    request_body = NewAccessIdRequest,
    responses((
        status = 201,
        description = "The access ID was created.",
        body = AccessIdDocument,
        headers(("Location" = String, description = "The path of the new access ID.")),
        links(
            ("get" = (operation_id = "getAccessId", parameters(("id" = "$response.body#/accessId/id")))),
            ("update" = (operation_id = "updateAccessId", parameters(("id" = "$response.body#/accessId/id")))),
            ("vehicle" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/accessId/vehicle/id"))))
        )
    ))
)]
fn create_access_id() {}

/// Update an access ID
///
/// What is left out stays. `null` unlinks the customer or the vehicle. `vehicle` changes the linked vehicle, or creates
/// one if none is linked; an RFID card has none to change, and is refused.
#[utoipa::path(
    patch,
    path = "/api/access-ids/{id}",
    operation_id = "updateAccessId",
    tag = ACCESS_IDS,
    params(Record),
    request_body = AccessIdUpdateRequest,
    responses((
        status = 200,
        description = "The access ID after the update.",
        body = AccessIdDocument,
        links(("get" = (operation_id = "getAccessId", parameters(("id" = "$response.body#/accessId/id")))))
    ))
)]
fn update_access_id() {}

/// List vehicles
///
/// In ascending order of their ids. Every page but the last is full.
#[utoipa::path(
    get,
    path = "/api/vehicles",
    operation_id = "listVehicles",
    tag = VEHICLES,
    params(Page),
    responses((
        status = 200,
        description = "A page of vehicles.",
        body = VehicleList,
        links(
            ("nextPage" = (
                operation_id = "listVehicles",
                parameters(("nextPageCursor" = "$response.body#/pagination/nextPageCursor"))
            )),
            ("first" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/data/0/id"))))
        )
    ))
)]
fn list_vehicles() {}

/// Get a vehicle
#[utoipa::path(
    get,
    path = "/api/vehicles/{id}",
    operation_id = "getVehicle",
    tag = VEHICLES,
    params(Record),
    responses((
        status = 200,
        description = "The vehicle.",
        body = VehicleDocument,
        links(
            ("update" = (operation_id = "updateVehicle", parameters(("id" = "$response.body#/vehicle/id")))),
            ("accessId" = (
                operation_id = "getAccessId",
                parameters(("id" = "$response.body#/vehicle/accessIds/0/id"))
            ))
        )
    ))
)]
fn get_vehicle() {}

/// Create a vehicle
///
/// Of its access IDs, a tag that is unknown becomes a new one of type Vehicle with the vehicle's name and customer; one
/// that exists and is linked to no vehicle is linked, and takes the status if one is given.
#[utoipa::path(
    post,
    path = "/api/vehicles",
    operation_id = "createVehicle",
    tag = VEHICLES,
    params(Once),
    request_body = NewVehicleRequest,
    responses((
        status = 201,
        description = "The vehicle was created.",
        body = VehicleDocument,
        headers(("Location" = String, description = "The path of the new vehicle.")),
        links(
            ("get" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/vehicle/id")))),
            ("update" = (operation_id = "updateVehicle", parameters(("id" = "$response.body#/vehicle/id")))),
            ("accessId" = (
                operation_id = "getAccessId",
                parameters(("id" = "$response.body#/vehicle/accessIds/0/id"))
            ))
        )
    ))
)]
fn create_vehicle() {}

/// Update a vehicle
///
/// What is left out stays, `null` removes.
#[utoipa::path(
    patch,
    path = "/api/vehicles/{id}",
    operation_id = "updateVehicle",
    tag = VEHICLES,
    params(Record),
    request_body = VehicleUpdateRequest,
    responses((
        status = 200,
        description = "The vehicle after the update.",
        body = VehicleDocument,
        links(("get" = (operation_id = "getVehicle", parameters(("id" = "$response.body#/vehicle/id")))))
    ))
)]
fn update_vehicle() {}
