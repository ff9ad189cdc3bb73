//! For the API's document alone: parameters, bodies of requests, and the values that have a name in it.
//!
//! Bodies are read by hand, in the modules that are named after their records, so their structs here
//! only describe them. A test of `testing/openapi` holds each field against the readers.
#![expect(
    dead_code,
    missing_docs,
    reason = "these structs are there to be described; their comments are the document's"
)]

mod parameters;
mod revocations;

use std::borrow::Cow;

use domain::{AccessIdType, AuthorizationStatus, Id, RequestType};
pub use parameters::*;
pub use revocations::*;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type, schema::SchemaType},
};

/// Normalized, and so perhaps not what was given.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 36, pattern = r"^[!-@\[-~]+$")]
pub struct ShownTag(String);

/// UTC, in milliseconds.
#[derive(ToSchema)]
#[schema(format = DateTime, pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
pub struct Time(String);

/// The fields of a record that differ.
pub struct ChangedFields;

impl ToSchema for ChangedFields {}

impl PartialSchema for ChangedFields {
    fn schema() -> RefOr<Schema> {
        let meaning = "The fields that differ, by the names of the request that sets them, each with the value before and the \
            value after. A value that is not there, and every value of a record that does not exist, is null. Customers are \
            their names, access IDs of a vehicle their ids; rules that this version cannot read are the text `unreadable`.";
        let values = ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
            .min_items(Some(2))
            .max_items(Some(2));
        let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(meaning));
        object.additional_properties(Some(values)).into()
    }
}

/// White space as it is trimmed from texts and tags.
const SPACE: &str = r" \u00A0\u1680\u2000-\u200A\u202F\u205F\u3000";
/// What no text may hold: control characters, line and paragraph separators, bidirectional controls and noncharacters. Those
/// above U+FFFF are left out, because regular expressions have no spelling for them that every language reads.
const REFUSED: &str = r"\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFDD0-\uFDEF\uFFFE\uFFFF";

/// What [`domain::Text::new`] takes.
pub struct GivenText<const MAX: usize>;

impl<const MAX: usize> ToSchema for GivenText<MAX> {
    fn name() -> Cow<'static, str> {
        format!("GivenText{MAX}").into()
    }
}

impl<const MAX: usize> PartialSchema for GivenText<MAX> {
    /// The pattern says what a maximal length cannot: that white space around the text does not count.
    fn schema() -> RefOr<Schema> {
        let (edge, inner) = (format!("[^{SPACE}{REFUSED}]"), format!("[^{REFUSED}]"));
        let pattern = format!("^[{SPACE}]*{edge}({inner}{{0,{}}}{edge})?[{SPACE}]*$", MAX - 2);
        let meaning = format!(
            "Trimmed of white space; then 1 to {MAX} characters, of which one at least can be seen. Control characters, line \
             and paragraph separators, bidirectional controls and noncharacters are refused."
        );
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).description(Some(meaning)).into()
    }
}

/// What [`domain::OcppIdTag::normalize`] takes.
pub struct GivenTag;

impl ToSchema for GivenTag {}

impl PartialSchema for GivenTag {
    fn schema() -> RefOr<Schema> {
        let groups =
            |size, separator, times| format!("[0-9A-Fa-f]{{{size}}}({separator}[0-9A-Fa-f]{{{size}}}){{{times}}}");
        let pairs = [":", "-", " "].map(|separator| groups(2, separator, "5"));
        let fours = [r"\.", "-", ":"].map(|separator| groups(4, separator, "2"));
        let mac_address = [pairs.join("|"), fours.join("|"), "[0-9A-Fa-f]{12}".to_owned()].join("|");
        let tags = [
            "[!#-&(-<>-~][!-~]{0,35}".to_owned(),
            // the notations that may have spaces, or be longer than the tag
            groups(2, ":", "3,17"),
            groups(2, "-", "3,17"),
            groups(2, " ", "3,17"),
            format!("[Vv][Ii][Dd](: |[: -])?({mac_address})"),
        ];
        let pattern = format!(r"^[{SPACE}]*({})[{SPACE}\u0000\r\n]*$", tags.join("|"));
        let meaning = "What the charger sends, in any spelling. Normalized: trimmed of white space, and of NUL, CR and LF at the \
            end; in lower case; a UID of four or more hex pairs, a MAC address (also after `vid`) and an EMAID without their \
            separators. Then 1 to 36 printable ASCII characters, no space. Refused is what failed reads look like (a UID or a \
            MAC address of zeros alone or of Fs alone), and what spreadsheets leave behind (`4.12E+08`, `#N/A`, a leading `=`, \
            `'` or `\"`).";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).description(Some(meaning)).into()
    }
}

/// A question of the charging platform Thor.
#[derive(ToSchema)]
pub struct RfidRequest {
    msg: RfidMessage,
    /// What the charger has read, in any spelling. A text that is no tag is unknown.
    #[schema(example = "1921398740")]
    id: String,
    /// Which charger asks.
    #[schema(example = "EaJ7cU9NJ3YkTNgy")]
    chargebox: String,
    #[schema(rename = "type")]
    kind: AuthorizationType,
}

/// Marks the question as one about a card.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum RfidMessage {
    Rfid,
}

/// `authorize` when a card is shown, which may be to begin a charge or to end one; `start` when a charge has begun.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum AuthorizationType {
    Authorize,
    Start,
}

/// What API Gateway answers itself.
#[derive(ToSchema)]
pub struct GatewayError {
    /// One sentence for a person.
    message: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewAccessIdRequest {
    access_id: NewAccessId,
}

/// For type Vehicle, `vehicle` and `vehicleId` exclude each other; for type RFID, neither may be given. `null` counts as left
/// out.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct NewAccessId {
    #[schema(rename = "type")]
    kind: AccessIdType,
    name: GivenText<200>,
    ocpp_id_tag: GivenTag,
    #[schema(nullable = false)]
    authorization_status: Option<AuthorizationStatus>,
    /// Creates a vehicle.
    vehicle: Option<NewVehicleDetails>,
    /// Links a vehicle that exists.
    vehicle_id: Option<Id>,
    customer: Option<NamedCustomer>,
}

/// A vehicle that is created with its access ID, whose name and customer it takes.
#[derive(ToSchema)]
struct NewVehicleDetails {
    make: Option<GivenText<100>>,
    model: Option<GivenText<100>>,
    vin: Option<GivenText<64>>,
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
    name: Option<GivenText<200>>,
    #[schema(nullable = false)]
    authorization_status: Option<AuthorizationStatus>,
    vehicle: Option<VehicleDetailsUpdate>,
    /// Links to a vehicle that exists; `null` unlinks. Not together with `vehicle`, `null` included.
    vehicle_id: Option<Id>,
    customer: Option<NamedCustomer>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BatchRequest {
    /// A tag that an earlier element has is refused in its place among the results.
    #[schema(min_items = 1, max_items = 1_000)]
    access_ids: Vec<BatchItem>,
}

/// For an access ID that exists, what is left out stays, and `type` must be what it is. `vehicle` and `vehicleId` exclude each
/// other, `null` included; for type RFID, `vehicle` may not be given.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct BatchItem {
    ocpp_id_tag: GivenTag,
    name: GivenText<200>,
    #[schema(rename = "type")]
    kind: AccessIdType,
    #[schema(nullable = false)]
    authorization_status: Option<AuthorizationStatus>,
    /// Changes the linked vehicle, or creates one if none is linked; `null` unlinks.
    vehicle: Option<VehicleDetailsUpdate>,
    /// Links to a vehicle that exists, cards too, new ones included; `null` unlinks.
    vehicle_id: Option<Id>,
    /// `null` unlinks.
    customer: Option<NamedCustomer>,
}

#[derive(ToSchema)]
pub struct RulesRequest {
    rules: GivenRules,
}

/// When and where an access ID may begin to charge. What is null or left out restricts nothing.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct GivenRules {
    /// The first moment at which a charge may begin.
    valid_from: Option<GivenTime>,
    /// The first moment at which a charge may no longer begin; after `validFrom`.
    valid_until: Option<GivenTime>,
    /// Ids of charge boxes, each exact or ending in one `*`, which stands for whatever follows; the id of an EVSE
    /// (`DE*ICE*E45B*78C`) may have the `*` of its standard too. The case of letters counts. Each has at most 128 bytes of
    /// UTF-8, all together 2,500.
    #[schema(min_items = 1, max_items = 50)]
    charge_boxes: Option<Vec<GivenText<128>>>,
}

/// Of RFC 3339, in any offset. Kept in milliseconds.
#[derive(ToSchema)]
#[schema(format = DateTime)]
pub struct GivenTime(String);

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AccessCheckRequest {
    access_check: RequestedAccessCheck,
}

/// What Thor would ask.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RequestedAccessCheck {
    /// The id as a charge box would send it. What is no tag is answered as `unknown`.
    ocpp_id_tag: String,
    /// The charge box as Thor would name it. Without one, rules about places refuse.
    charge_box: Option<String>,
    /// `start` if it is left out or null.
    #[schema(rename = "type")]
    kind: Option<RequestType>,
    /// When; now if it is left out or null.
    at: Option<GivenTime>,
}

/// Changes to the linked vehicle.
#[derive(ToSchema)]
struct VehicleDetailsUpdate {
    make: Option<GivenText<100>>,
    model: Option<GivenText<100>>,
    vin: Option<GivenText<64>>,
}

#[derive(ToSchema)]
pub struct NewVehicleRequest {
    vehicle: NewVehicle,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct NewVehicle {
    name: GivenText<200>,
    make: Option<GivenText<100>>,
    model: Option<GivenText<100>>,
    vin: Option<GivenText<64>>,
    license_plate: Option<GivenText<64>>,
    customer: Option<NamedCustomer>,
    /// No tag twice, whatever its spelling.
    #[schema(max_items = 40)]
    access_ids: Option<Vec<RequestedAccessId>>,
}

/// A tag that a new vehicle shall hold.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RequestedAccessId {
    ocpp_id_tag: GivenTag,
    #[schema(nullable = false)]
    authorization_status: Option<AuthorizationStatus>,
}

#[derive(ToSchema)]
pub struct VehicleUpdateRequest {
    vehicle: VehicleUpdate,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct VehicleUpdate {
    #[schema(nullable = false)]
    name: Option<GivenText<200>>,
    make: Option<GivenText<100>>,
    model: Option<GivenText<100>>,
    vin: Option<GivenText<64>>,
    license_plate: Option<GivenText<64>>,
    customer: Option<NamedCustomer>,
}

/// The customer of this name, in any case; created if there is none.
#[derive(ToSchema)]
struct NamedCustomer {
    name: GivenText<200>,
}
