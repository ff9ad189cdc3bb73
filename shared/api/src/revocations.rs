//! Revocations on the wire.

use domain::{Id, MAX_REVOKED_BY_ID, Revocation, RevocationTarget};
use serde::Serialize;
use store::{Cursor, RefusedRevocation, Revoked};

use crate::{
    access_ids::read_customer,
    json::{self, Object},
    problems::Problems,
    unknown_tags::NearMissBody,
};

const ROOT: &str = "revocation";
const SELECTORS: [&str; 3] = ["accessIds", "vehicleId", "customer"];
const NOT_A_CURSOR: &str = "is not a cursor that was handed out for this revocation";

/// `{"revocation": …}`: what a revocation came to.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevocationDocument<'a> {
    revocation: RevocationBody<'a>,
}

/// What a revocation came to; of a dry run, what it would come to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Revocation))]
struct RevocationBody<'a> {
    /// The access IDs that were authorized until now, in ascending order.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    revoked: &'a [Id],
    /// Those that had been revoked before, in ascending order.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    already_revoked: &'a [Id],
    /// Tags that the same cards and vehicles may be known by, whose access IDs are still authorized and not among those that
    /// the revocation is about. They are hints for a person.
    near_misses: Vec<NearMissBody<'a>>,
    /// Where the revocation goes on: send the same body with it. Null when nothing is left.
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    next_page_cursor: Option<&'a str>,
}

impl<'a> RevocationDocument<'a> {
    /// The document of an answer.
    pub fn new(revoked: &'a Revoked) -> Self {
        Self {
            revocation: RevocationBody {
                revoked: &revoked.revoked,
                already_revoked: &revoked.already_revoked,
                near_misses: revoked.near_misses.iter().map(NearMissBody::new).collect(),
                next_page_cursor: revoked.next_cursor.as_deref(),
            },
        }
    }
}

/// Reads the body of `POST /api/revocations`: which access IDs, and where an earlier request has stopped.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse(body: &[u8]) -> Result<(Revocation, Option<Cursor>), Problems> {
    json::read(body, ROOT, read)
}

fn read(revocation: &mut Object<'_>, problems: &mut Problems) -> Option<(Revocation, Option<Cursor>)> {
    let mut given = SELECTORS.into_iter().filter(|name| revocation.has(name));
    match given.next() {
        None => problems.add(revocation.path_of(SELECTORS[0]), "is required, or in its place vehicleId or customer"),
        Some(first) => {
            given.for_each(|other| problems.add(revocation.path_of(other), format!("excludes {first}")));
        }
    }
    let access_ids = read_ids(revocation, problems).map(RevocationTarget::AccessIds);
    let vehicle = revocation.optional(SELECTORS[1], problems, json::id).apply(None).map(RevocationTarget::Vehicle);
    let customer = read_customer(revocation, problems).apply(None).map(RevocationTarget::Customer);
    let is_dry_run = revocation.optional("dryRun", problems, json::truth).apply(None).unwrap_or(false);
    let cursor = revocation.optional("nextPageCursor", problems, |value| {
        json::string(value, |text| Cursor::parse(text).ok_or(NOT_A_CURSOR))
    });
    let target = access_ids.or(vehicle).or(customer)?;
    Some((Revocation { target, is_dry_run }, cursor.apply(None)))
}

fn read_ids(revocation: &mut Object<'_>, problems: &mut Problems) -> Option<Vec<Id>> {
    let name = SELECTORS[0];
    let elements = revocation.optional(name, problems, |value| match json::list(value)? {
        elements if (1..=MAX_REVOKED_BY_ID).contains(&elements.len()) => Ok(elements),
        _ => Err(format!("must hold 1 to {MAX_REVOKED_BY_ID} elements")),
    });
    let mut ids = Vec::new();
    for (at, element) in elements.apply(None)?.into_iter().enumerate() {
        let problem = match json::id(element) {
            Ok(id) if ids.contains(&id) => "is given more than once".to_owned(),
            Ok(id) => {
                ids.push(id);
                continue;
            }
            Err(message) => message,
        };
        problems.add(revocation.path_of(&format!("{name}[{at}]")), problem);
    }
    Some(ids)
}

/// What is wrong with a revocation, as the table knows it.
pub(crate) fn problems(refused: RefusedRevocation) -> Problems {
    let one = |field: &str, message| Problems::one(format!("{ROOT}.{field}"), message);
    match refused {
        RefusedRevocation::UnknownAccessIds(places) => {
            let mut problems = Problems::default();
            for at in places {
                problems.add(format!("{ROOT}.accessIds[{at}]"), "names no access ID");
            }
            problems
        }
        RefusedRevocation::UnknownVehicle => one("vehicleId", "names no vehicle"),
        RefusedRevocation::UnknownCustomer => one("customer.name", "names no customer"),
        RefusedRevocation::ForgedCursor => one("nextPageCursor", NOT_A_CURSOR),
    }
}

#[cfg(test)]
mod tests {
    use domain::Customer;
    use serde_json::{Value, json};

    use super::*;

    fn read(revocation: &Value) -> Result<(Revocation, Option<Cursor>), Vec<String>> {
        let body = json!({ "revocation": revocation }).to_string();
        parse(body.as_bytes()).map_err(|problems| problems.0.into_iter().map(|problem| problem.field).collect())
    }

    fn id(number: u64) -> Id {
        Id::new(number).unwrap()
    }

    #[test]
    fn one_of_three_says_which_access_ids_are_meant() {
        for (given, target) in [
            (json!({"accessIds": [3, 1.0]}), RevocationTarget::AccessIds(vec![id(3), id(1)])),
            (json!({"accessIds": [1], "vehicleId": null}), RevocationTarget::AccessIds(vec![id(1)])),
            (json!({"vehicleId": 20, "customer": null}), RevocationTarget::Vehicle(id(20))),
            (json!({"customer": {"name": " A "}}), RevocationTarget::Customer(Customer::new("A").unwrap())),
        ] {
            let revocation = Revocation { target, is_dry_run: false };
            assert_eq!(read(&given), Ok((revocation.clone(), None)), "{given}");
            let mut dry = given.clone();
            dry["dryRun"] = true.into();
            dry["nextPageCursor"] = Value::Null;
            assert_eq!(read(&dry), Ok((Revocation { is_dry_run: true, ..revocation }, None)), "{dry}");
        }
        let hundred: Vec<_> = (1..=100).collect();
        assert!(read(&json!({ "accessIds": hundred })).is_ok());
    }

    #[test]
    fn everything_wrong_is_named() {
        let names = |revocation: Value, fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|field| format!("revocation{field}")).collect();
            assert_eq!(read(&revocation).unwrap_err(), fields, "{revocation}");
        };
        names(json!(null), &[""]);
        names(json!([]), &[""]);
        names(json!({}), &[".accessIds"]);
        names(json!({"dryRun": "yes"}), &[".accessIds", ".dryRun"]);
        names(json!({"accessIds": [1], "vehicleId": 2}), &[".vehicleId"]);
        names(json!({"accessIds": [1], "vehicleId": 2, "customer": {"name": "x"}}), &[".vehicleId", ".customer"]);
        names(json!({"vehicleId": 0.5, "customer": {}}), &[".customer", ".vehicleId", ".customer.name"]);
        names(json!({"accessIds": []}), &[".accessIds"]);
        names(json!({"accessIds": vec![1; 101]}), &[".accessIds"]);
        names(json!({"accessIds": [1, "2", 1, null, 4]}), &[".accessIds[1]", ".accessIds[2]", ".accessIds[3]"]);
        names(json!({"vehicleId": 1, "dryrun": true, "nextPageCursor": "x"}), &[".nextPageCursor", ".dryrun"]);
        names(json!({"customer": {"name": null}, "nextPageCursor": 1}), &[".customer.name", ".nextPageCursor"]);
    }
}
