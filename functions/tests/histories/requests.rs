//! From the model's calls to HTTP requests.

use model::{Call, Change, Field, Kind, Link, Rules, Target, Window};
use serde_json::{Value, json};

use crate::support::{AUTHORIZER, target, thor};

/// Two customers in two spellings each, as they are sent.
const CUSTOMERS: [&str; 4] = ["Fleet Ä", "fleet a\u{308}", "Other", "OTHER"];

/// Times long before and long after every test, as the API shows them.
const LONG_BEFORE: &str = "2020-01-01T00:00:00.000Z";
const LONG_AFTER: &str = "2090-01-01T00:00:00.000Z";

/// An HTTP request and the function that it is for.
pub struct Request {
    pub function: &'static str,
    pub method: &'static str,
    pub target: String,
    pub body: Value,
}

impl Request {
    /// The request that makes this call. Tags are sent in several spellings that are one tag.
    pub fn of(call: &Call) -> Self {
        let status = |revoked: bool| if revoked { "Revoked" } else { "Authorized" };
        let customer = |number: u8| json!({"name": CUSTOMERS[usize::from(number)]});
        let name = |number: u8| Value::from(format!("name {number}"));
        let make = |number: u8| Value::from(format!("make {number}"));
        let mut fields = serde_json::Map::new();
        let mut set = |name: &str, value: Value| _ = fields.insert(name.to_owned(), value);
        let patch = |field, value: &dyn Fn(u8) -> Value| match field {
            Field::Keep => None,
            Field::Clear => Some(Value::Null),
            Field::Set(number) => Some(value(number)),
        };
        let (function, id, root) = match call {
            Call::CreateAccessId { tag, is_card, name: called, revoked, customer: owner, vehicle, key: _ } => {
                set("type", if *is_card { "RFID" } else { "Vehicle" }.into());
                set("ocppIdTag", format!("{}-{tag}", if *revoked { "TAG" } else { "tag" }).into());
                set("name", name(*called));
                set("authorizationStatus", status(*revoked).into());
                owner.iter().for_each(|owner| set("customer", customer(*owner)));
                match vehicle {
                    Link::None => {}
                    Link::New { make: given } => set("vehicle", json!({"make": given.map(make)})),
                    Link::Existing(id) => set("vehicleId", (*id).into()),
                }
                ("create-access-id", 0, "accessId")
            }
            Call::UpdateAccessId { id, name: called, revoked, customer: owner, vehicle } => {
                called.iter().for_each(|called| set("name", name(*called)));
                revoked.iter().for_each(|revoked| set("authorizationStatus", status(*revoked).into()));
                patch(*owner, &customer).into_iter().for_each(|owner| set("customer", owner));
                match vehicle {
                    Change::Keep => {}
                    Change::Clear => set("vehicle", Value::Null),
                    Change::Unlink => set("vehicleId", Value::Null),
                    Change::Link(id) => set("vehicleId", (*id).into()),
                    Change::Make(field) => {
                        let make = patch(*field, &make).map_or(json!({}), |make| json!({"make": make}));
                        set("vehicle", make);
                    }
                }
                ("update-access-id", *id, "accessId")
            }
            Call::CreateVehicle { name: called, customer: owner, tags, key: _ } => {
                set("name", name(*called));
                owner.iter().for_each(|owner| set("customer", customer(*owner)));
                let requested = tags.iter().map(|(tag, revoked)| match revoked {
                    Some(revoked) => {
                        json!({"ocppIdTag": format!("Tag-{tag}"), "authorizationStatus": status(*revoked)})
                    }
                    None => json!({"ocppIdTag": format!("tag-{tag}")}),
                });
                set("accessIds", requested.collect());
                ("create-vehicle", 0, "vehicle")
            }
            Call::UpdateVehicle { id, name: called, make: field, customer: owner } => {
                called.iter().for_each(|called| set("name", name(*called)));
                patch(*field, &make).into_iter().for_each(|make| set("make", make));
                patch(*owner, &customer).into_iter().for_each(|owner| set("customer", owner));
                ("update-vehicle", *id, "vehicle")
            }
            Call::GetAccessId { id } => return Self::to("get-access-id", *id, Value::Null),
            Call::GetVehicle { id } => return Self::to("get-vehicle", *id, Value::Null),
            Call::GetRules { id } => return Self::to("get-access-id-rules", *id, Value::Null),
            Call::PutRules { id, rules } => {
                return Self::to("put-access-id-rules", *id, json!({"rules": self::rules(*rules)}));
            }
            Call::DeleteAccessId { id } => return Self::to("delete-access-id", *id, Value::Null),
            Call::DeleteVehicle { id } => return Self::to("delete-vehicle", *id, Value::Null),
            Call::Decide { tag, begins, charge_box, remembered: _ } => {
                let mut body = thor(&format!("TAG-{tag}"), if *begins { "start" } else { "authorize" });
                body["chargebox"] = self::charge_box(*charge_box).into();
                return Self { function: AUTHORIZER, method: "POST", target: String::new(), body };
            }
            Call::ListAccessId { .. }
            | Call::ListLinked { .. }
            | Call::HasMore { .. }
            | Call::Import { .. }
            | Call::Revoke { .. }
            | Call::IsRevoked { .. }
            | Call::IsMeant { .. }
            | Call::HasCustomer { .. } => panic!("{call:?}"),
        };
        Self::to(function, id, json!({root: fields}))
    }

    /// The request that brings in access IDs, each a [`Call::Import`].
    pub fn batch(items: &[Call]) -> Self {
        let item = |item: &Call| {
            let Call::Import { tag, is_card, name, revoked, customer } = item else { panic!("{item:?}") };
            let kind = if *is_card { "RFID" } else { "Vehicle" };
            let mut item = json!({"ocppIdTag": format!("Tag-{tag}"), "type": kind, "name": format!("name {name}")});
            if let Some(revoked) = revoked {
                item["authorizationStatus"] = if *revoked { "Revoked" } else { "Authorized" }.into();
            }
            if let Some(customer) = customer {
                item["customer"] = json!({"name": CUSTOMERS[usize::from(*customer)]});
            }
            item
        };
        Self::to("put-access-ids-batch", 0, json!({"accessIds": items.iter().map(item).collect::<Vec<_>>()}))
    }

    /// The request that revokes those, or says whom it would revoke.
    pub fn revocation(target: &Target, is_dry_run: bool) -> Self {
        let mut revocation = match target {
            Target::These(ids) => json!({"accessIds": ids}),
            Target::Vehicle(id) => json!({"vehicleId": id}),
            Target::Customer(number) => json!({"customer": {"name": CUSTOMERS[usize::from(*number)]}}),
        };
        if is_dry_run {
            revocation["dryRun"] = true.into();
        }
        Self::to("create-revocation", 0, json!({"revocation": revocation}))
    }

    /// A page of a list, from the start or from a cursor (given with the id before it).
    pub fn page(kind: Kind, limit: usize, start: Option<&(u64, String)>) -> Self {
        let function = match kind {
            Kind::AccessId => "list-access-ids",
            Kind::Vehicle => "list-vehicles",
        };
        let cursor = start.map(|(_, cursor)| format!("&nextPageCursor={cursor}")).unwrap_or_default();
        let mut request = Self::to(function, 0, Value::Null);
        request.target += &format!("?limit={limit}{cursor}");
        request
    }

    /// A request to a function of the API. The id stands in the path if the route has a place for one.
    fn to(function: &'static str, id: u64, body: Value) -> Self {
        let (method, target) = target(function, id);
        Self { function, method, target, body }
    }
}

/// Rules as the API shows them.
pub fn rules(Rules { window, charge_box }: Rules) -> Value {
    let [from, until] = match window {
        Window::Any => [None; 2],
        Window::Later => [Some(LONG_AFTER), None],
        Window::Now => [Some(LONG_BEFORE), Some(LONG_AFTER)],
        Window::Over => [None, Some(LONG_BEFORE)],
    };
    json!({"validFrom": from, "validUntil": until, "chargeBoxes": charge_box.map(|only| [self::charge_box(only)])})
}

fn charge_box(number: u8) -> String {
    format!("box-{number}")
}
