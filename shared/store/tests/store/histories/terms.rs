//! The model's terms and the domain's.

use domain::{AccessIdType, AuthorizationStatus, Id, LinkedAccessId, Make, Patch};
use model::{AccessId, Call, Field, Outcome, Rules, Vehicle, Window};
use store::Idempotency;

use crate::support::{at, customer};

pub(super) const CUSTOMERS: [&str; 4] = ["Fleet Ä", "fleet a\u{308}", "Other", "OTHER"];

pub(super) fn number(text: &str) -> u8 {
    text.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap()
}

pub(super) fn customer_number(customer: &domain::Customer) -> u8 {
    let composed = |text: &str| domain::Customer::new(text).unwrap().name().to_owned();
    let at = CUSTOMERS.iter().position(|spelling| composed(spelling) == customer.name()).unwrap();
    u8::try_from(at).unwrap()
}

pub(super) fn status(revoked: bool) -> AuthorizationStatus {
    if revoked { AuthorizationStatus::Revoked } else { AuthorizationStatus::Authorized }
}

pub(super) fn make(number: u8) -> Make {
    Make::new(&format!("make {number}")).unwrap()
}

pub(super) fn patch<T>(field: Field, value: impl FnOnce(u8) -> T) -> Patch<T> {
    match field {
        Field::Keep => Patch::Keep,
        Field::Clear => Patch::Clear,
        Field::Set(number) => Patch::Set(value(number)),
    }
}

pub(super) fn named(number: u8) -> domain::Customer {
    customer(CUSTOMERS[usize::from(number)])
}

pub(super) fn seen_access_id(access_id: &domain::AccessId) -> AccessId {
    AccessId {
        id: access_id.id.get(),
        tag: number(access_id.tag.as_str()),
        is_card: access_id.kind == AccessIdType::Rfid,
        name: number(access_id.name.as_str()),
        revoked: access_id.status == AuthorizationStatus::Revoked,
        authorized_at: access_id.authorized_at.timestamp_millis(),
        revoked_at: access_id.revoked_at.map(|time| time.timestamp_millis()),
        created_at: access_id.created_at.timestamp_millis(),
        updated_at: access_id.updated_at.timestamp_millis(),
        vehicle: access_id.vehicle.map(Id::get),
        customer: access_id.customer.as_ref().map(customer_number),
    }
}

/// As the contract shows it: a card's vehicle is not.
pub(super) fn seen(linked: &LinkedAccessId) -> Outcome {
    let mut access_id = seen_access_id(&linked.access_id);
    access_id.vehicle = access_id.vehicle.filter(|_| !access_id.is_card);
    let vehicle = linked.vehicle.as_ref().filter(|_| !access_id.is_card).map(plain);
    Outcome::AccessId { access_id, shown: vehicle.map(|vehicle| (vehicle.name, vehicle.make)) }
}

pub(super) fn plain(vehicle: &domain::Vehicle) -> Vehicle {
    Vehicle {
        name: number(vehicle.name.as_str()),
        make: vehicle.make.as_ref().map(|make| number(make.as_str())),
        customer: vehicle.customer.as_ref().map(customer_number),
    }
}

pub(super) fn seen_vehicle(vehicle: &domain::Vehicle) -> Outcome {
    let shown = |summary: &domain::AccessIdSummary| {
        (summary.id.get(), number(summary.tag.as_str()), summary.status == AuthorizationStatus::Revoked)
    };
    let access_ids = vehicle.access_ids.iter().map(shown).collect();
    Outcome::Vehicle { id: vehicle.id.get(), vehicle: plain(vehicle), access_ids }
}

/// Times long before and long after every test.
pub(super) fn rules(Rules { window, charge_box }: Rules) -> domain::Rules {
    let (before, after) = (Some(at(-1_000_000_000_000)), Some(at(1_000_000_000_000)));
    let [from, until] = match window {
        Window::Any => [None; 2],
        Window::Later => [after, None],
        Window::Now => [before, after],
        Window::Over => [None, before],
    };
    domain::Rules::new(from, until, charge_box.map(|only| vec![format!("box-{only}")])).unwrap()
}

pub(super) fn seen_rules(seen: &domain::Rules) -> Rules {
    let windows = [Window::Any, Window::Later, Window::Now, Window::Over].into_iter();
    let mut all = windows.flat_map(|window| [None, Some(0), Some(1)].map(|charge_box| Rules { window, charge_box }));
    all.find(|asked| rules(*asked) == *seen).expect("rules that a call has written")
}

/// The Idempotency-Key that goes with the call: the same call, the same body.
pub(super) fn idempotency(call: &Call) -> Option<Idempotency> {
    call.key().map(|(_, key)| Idempotency::new(format!("key {key}"), format!("{call:?}").as_bytes()))
}
