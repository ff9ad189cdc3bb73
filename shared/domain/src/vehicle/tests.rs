use proptest::prelude::*;

use super::*;
use crate::{
    AuthorizationStatus,
    fixtures::{card, id, name, vehicles},
};

fn vehicle() -> Vehicle {
    Vehicle {
        id: id(20),
        name: name("Van"),
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer: Some(Customer::new("Fleet").unwrap()),
        access_ids: Vec::new(),
    }
}

#[test]
fn a_vehicle_holds_a_hundred_access_ids() {
    let mut vehicle = vehicle();
    for number in 0..100 {
        vehicle.link(card(200 - number, &format!("t{number}")).summary()).unwrap();
    }
    assert_eq!(vehicle.link(card(500, "last").summary()), Err(LinkRefused::VehicleFull));
    assert!(vehicle.access_ids.is_sorted_by_key(|summary| summary.id));
    let mut shown = vehicle.access_ids[3].clone();
    assert!(vehicle.shows(&shown) && !vehicle.shows(&card(500, "last").summary()));
    shown.status = AuthorizationStatus::Revoked;
    assert!(!vehicle.shows(&shown));
}

#[test]
fn an_update_keeps_what_it_does_not_mention() {
    let mut before = vehicle();
    before.show(card(101, "new").summary());
    assert_eq!(before.update(UpdateVehicle::default()), before);
    let update = UpdateVehicle {
        make: Patch::Set(Make::new("Tesla").unwrap()),
        customer: Patch::Clear,
        ..UpdateVehicle::default()
    };
    let after = before.update(update);
    assert_eq!((after.make.unwrap().as_str(), after.customer), ("Tesla", None));
    assert_eq!((after.name, after.access_ids), (before.name, before.access_ids));
}

/// What a client sends that writes back a value as it read it.
fn written_back<const MAX: usize>(value: Option<&crate::Text<MAX>>) -> Patch<crate::Text<MAX>> {
    value.map_or(Patch::Clear, |text| Patch::Set(crate::Text::new(text.as_str()).unwrap()))
}

proptest! {
    #[test]
    fn writing_back_what_was_read_changes_nothing(vehicle in vehicles()) {
        let customer = vehicle.customer.as_ref();
        let update = UpdateVehicle {
            name: Some(Name::new(vehicle.name.as_str()).unwrap()),
            make: written_back(vehicle.make.as_ref()),
            model: written_back(vehicle.model.as_ref()),
            vin: written_back(vehicle.vin.as_ref()),
            license_plate: written_back(vehicle.license_plate.as_ref()),
            customer: customer.map_or(Patch::Clear, |customer| Patch::Set(Customer::new(customer.name()).unwrap())),
        };
        let after = vehicle.update(update);
        prop_assert_eq!(after.customer.as_ref().map(Customer::name), customer.map(Customer::name));
        prop_assert_eq!(after, vehicle);
    }
}
