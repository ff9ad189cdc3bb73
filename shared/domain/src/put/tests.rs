use super::*;
use crate::{
    Id, Make, RefusedUpdate,
    fixtures::{at, id, name, tag},
};

fn put(kind: AccessIdType, vehicle: VehicleChange) -> PutAccessId {
    PutAccessId { tag: tag("04e1a2"), kind, name: name("One"), status: None, customer: Patch::Keep, vehicle }
}

fn make(text: &str) -> VehicleChange {
    VehicleChange::Change { make: Patch::Set(Make::new(text).unwrap()), model: Patch::Clear, vin: Patch::Keep }
}

#[test]
fn what_is_created_is_what_the_same_request_finds_unchanged() {
    for (kind, vehicle) in [
        (AccessIdType::Rfid, VehicleChange::Keep),
        (AccessIdType::Rfid, VehicleChange::Clear),
        (AccessIdType::Rfid, VehicleChange::Unlink),
        (AccessIdType::Vehicle, VehicleChange::Keep),
        (AccessIdType::Vehicle, VehicleChange::Clear),
        (AccessIdType::Vehicle, make("Tesla")),
    ] {
        for customer in [Patch::Keep, Patch::Clear, Patch::Set(Customer::new("Fleet").unwrap())] {
            let put = PutAccessId { customer, ..put(kind, vehicle.clone()) };
            let created = put.creation().unwrap().create(id(1), id(20), None, at(0)).unwrap();
            assert_eq!(created.vehicle.is_some(), matches!(vehicle, VehicleChange::Change { .. }));
            let again = created.update(put.update(), id(21), None, at(1)).unwrap();
            assert_eq!(again.after, created, "{put:?}");
        }
    }
}

#[test]
fn a_new_card_may_be_linked_but_creates_no_vehicle() {
    let link = |number| VehicleChange::Link(Id::new(number).unwrap());
    for kind in [AccessIdType::Rfid, AccessIdType::Vehicle] {
        assert_eq!(put(kind, link(20)).creation().unwrap().vehicle, VehicleLink::Existing(id(20)));
    }
    assert_eq!(put(AccessIdType::Rfid, make("Tesla")).creation(), Err(RefusedUpdate::VehicleOfRfid));
}

#[test]
fn the_type_never_changes() {
    let card = put(AccessIdType::Rfid, VehicleChange::Keep).creation().unwrap();
    let card = card.create(id(1), id(20), None, at(0)).unwrap();
    for vehicle in [VehicleChange::Keep, make("Tesla")] {
        let refused = card.update(put(AccessIdType::Vehicle, vehicle).update(), id(21), None, at(1));
        assert_eq!(refused, Err(RefusedUpdate::OtherType));
    }
}

#[test]
fn customers_are_spelled_as_the_first_spells_them() {
    let of = |name: &str| PutAccessId {
        customer: Patch::Set(Customer::new(name).unwrap()),
        ..put(AccessIdType::Rfid, VehicleChange::Keep)
    };
    let mut access_ids = [of("Straße"), put(AccessIdType::Rfid, VehicleChange::Keep), of("Fleet"), of("STRASSE")];
    spell_customers_alike(access_ids.iter_mut());
    let names: Vec<_> =
        access_ids.iter().map(|put| put.customer.clone().apply(None).map(|c| c.name().to_owned())).collect();
    assert_eq!(names, [Some("Straße"), None, Some("Fleet"), Some("Straße")].map(|name| name.map(str::to_owned)));
}
