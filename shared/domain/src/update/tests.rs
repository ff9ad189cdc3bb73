use proptest::prelude::*;

use super::*;
use crate::{
    AccessId, NewAccessId, VehicleLink,
    fixtures::{at, card, id, linked_access_ids, name, tag, vehicles},
};

fn create(kind: AccessIdType, status: AuthorizationStatus, vehicle: VehicleLink) -> LinkedAccessId {
    let new = NewAccessId {
        tag: tag("04:E1:A2"),
        kind,
        name: name("One"),
        status,
        vehicle,
        customer: Some(Customer::new("Fleet").unwrap()),
    };
    new.create(id(1), id(20), None, at(0)).unwrap()
}

fn vehicle_access_id() -> LinkedAccessId {
    let details = NewVehicleDetails { vin: Some(Vin::new("vin-1").unwrap()), ..NewVehicleDetails::default() };
    create(AccessIdType::Vehicle, AuthorizationStatus::Authorized, VehicleLink::New(details))
}

fn status(status: AuthorizationStatus) -> UpdateAccessId {
    UpdateAccessId { status: Some(status), ..UpdateAccessId::default() }
}

#[test]
fn status_changes_keep_the_times_rules() {
    let first = vehicle_access_id();
    let revoked = first.update(status(AuthorizationStatus::Revoked), id(9), None, at(5)).unwrap().after;
    let again = revoked.update(status(AuthorizationStatus::Revoked), id(9), None, at(7)).unwrap().after;
    assert_eq!(again, revoked, "the status it already has changes nothing");
    let revoked_id = &revoked.access_id;
    assert_eq!((revoked_id.authorized_at, revoked_id.revoked_at, revoked_id.updated_at), (at(0), Some(at(5)), at(5)));
    assert_eq!(revoked.vehicle.as_ref().unwrap().access_ids[0].status, AuthorizationStatus::Revoked);
    let back = revoked.update(status(AuthorizationStatus::Authorized), id(9), None, at(9)).unwrap().after.access_id;
    assert_eq!((back.authorized_at, back.revoked_at, back.updated_at), (at(9), None, at(9)));
}

#[test]
fn time_never_runs_backwards_in_a_record() {
    let first = vehicle_access_id().update(status(AuthorizationStatus::Revoked), id(9), None, at(50)).unwrap().after;
    let after = first.update(status(AuthorizationStatus::Authorized), id(9), None, at(10)).unwrap().after.access_id;
    assert_eq!((after.authorized_at, after.updated_at), (at(50), at(50)));
}

#[test]
fn equal_values_change_nothing() {
    let before = vehicle_access_id();
    let update = UpdateAccessId {
        kind: None,
        name: Some(name("One")),
        status: Some(AuthorizationStatus::Authorized),
        customer: Patch::Set(Customer::new("FLEET").unwrap()),
        vehicle: VehicleChange::Change { make: Patch::Clear, model: Patch::Keep, vin: Patch::Keep },
    };
    let update = before.update(update, id(9), None, at(5)).unwrap();
    assert_eq!(update, AccessIdUpdate { after: before.clone(), unlinked: None });
    assert_eq!(update.after.access_id.customer.unwrap().name(), "Fleet");
}

#[test]
fn a_vehicles_fields_do_not_move_updated_at() {
    let before = vehicle_access_id();
    let make = Patch::Set(Make::new("Tesla").unwrap());
    let vehicle = VehicleChange::Change { make: make.clone(), model: Patch::Keep, vin: Patch::Clear };
    let after = before.update(UpdateAccessId { vehicle, ..Default::default() }, id(9), None, at(5)).unwrap().after;
    assert_eq!(after.access_id, before.access_id);
    let vehicle = after.vehicle.unwrap();
    assert_eq!((Patch::Set(vehicle.make.unwrap()), vehicle.vin), (make, None));
}

#[test]
fn unlinking_keeps_the_vehicle() {
    let before = vehicle_access_id();
    let unlink = UpdateAccessId { vehicle: VehicleChange::Unlink, ..Default::default() };
    let update = before.update(unlink.clone(), id(9), None, at(5)).unwrap();
    assert_eq!((update.after.access_id.vehicle, update.after.vehicle.clone()), (None, None));
    assert_eq!(update.after.access_id.updated_at, at(5));
    assert!(update.unlinked.unwrap().access_ids.is_empty());
    let again = update.after.update(unlink, id(9), None, at(8)).unwrap();
    assert_eq!((again.after.access_id.updated_at, again.unlinked), (at(5), None));
}

#[test]
fn a_vehicle_is_created_with_name_and_customer_after_the_update() {
    let before = create(AccessIdType::Vehicle, AuthorizationStatus::Authorized, VehicleLink::None);
    let update = UpdateAccessId {
        kind: None,
        name: Some(name("Two")),
        customer: Patch::Clear,
        vehicle: VehicleChange::Change { make: Patch::Keep, model: Patch::Keep, vin: Patch::Keep },
        status: Some(AuthorizationStatus::Revoked),
    };
    let after = before.update(update, id(9), None, at(5)).unwrap().after;
    let vehicle = after.vehicle.unwrap();
    assert_eq!((vehicle.id, vehicle.name.as_str(), vehicle.customer), (id(9), "Two", None));
    assert_eq!(vehicle.access_ids, [after.access_id.summary()]);
    assert_eq!((after.access_id.vehicle, after.access_id.updated_at), (Some(id(9)), at(5)));
}

#[test]
fn the_vehicle_of_a_card_cannot_be_changed_through_it() {
    let before = create(AccessIdType::Rfid, AuthorizationStatus::Authorized, VehicleLink::None);
    let vehicle = VehicleChange::Change { make: Patch::Keep, model: Patch::Keep, vin: Patch::Keep };
    let update = UpdateAccessId { vehicle, ..Default::default() };
    assert_eq!(before.update(update, id(9), None, at(5)), Err(RefusedUpdate::VehicleOfRfid));
}

fn change(vehicle: VehicleChange) -> UpdateAccessId {
    UpdateAccessId { vehicle, ..UpdateAccessId::default() }
}

fn numbers(vehicle: &Vehicle) -> Vec<u64> {
    vehicle.access_ids.iter().map(|summary| summary.id.get()).collect()
}

#[test]
fn null_for_the_vehicle_of_a_card_changes_nothing() {
    let van = vehicle_access_id().vehicle.unwrap();
    let before = create(AccessIdType::Rfid, AuthorizationStatus::Authorized, VehicleLink::None);
    let linked = before.update(change(VehicleChange::Link(van.id)), id(9), Some(van), at(3)).unwrap().after;
    let update = linked.update(change(VehicleChange::Clear), id(9), None, at(5)).unwrap();
    assert_eq!(update, AccessIdUpdate { after: linked.clone(), unlinked: None });
    let unlinked = linked.update(change(VehicleChange::Unlink), id(9), None, at(5)).unwrap();
    assert_eq!((unlinked.after.access_id.vehicle, unlinked.after.access_id.updated_at), (None, at(5)));
    assert_eq!(unlinked.unlinked.unwrap().id, id(20));
}

#[test]
fn null_for_the_vehicle_of_type_vehicle_unlinks() {
    let before = vehicle_access_id();
    let [clear, unlink] = [VehicleChange::Clear, VehicleChange::Unlink]
        .map(|vehicle| before.update(change(vehicle), id(9), None, at(5)).unwrap());
    assert_eq!(clear, unlink);
    assert_eq!((clear.after.vehicle, clear.unlinked.map(|vehicle| vehicle.id)), (None, Some(id(20))));
}

#[test]
fn linking_to_another_vehicle_moves_the_link() {
    let before = vehicle_access_id();
    let mut other = Vehicle { id: id(30), access_ids: Vec::new(), ..before.vehicle.clone().unwrap() };
    other.show(card(7, "other").summary());
    let update = UpdateAccessId { status: Some(AuthorizationStatus::Revoked), ..change(VehicleChange::Link(id(30))) };
    let AccessIdUpdate { after, unlinked } = before.update(update, id(9), Some(other), at(5)).unwrap();
    assert_eq!((after.access_id.vehicle, after.access_id.updated_at), (Some(id(30)), at(5)));
    let (after_vehicle, unlinked) = (after.vehicle.unwrap(), unlinked.unwrap());
    assert_eq!((numbers(&after_vehicle), unlinked.id, numbers(&unlinked)), (vec![1, 7], id(20), vec![]));
    assert!(after_vehicle.shows(&after.access_id.summary()), "as it is after the update");
}

#[test]
fn linking_to_the_vehicle_it_has_changes_nothing_even_if_that_is_full() {
    let before = vehicle_access_id();
    let link = change(VehicleChange::Link(id(20)));
    let unchanged = AccessIdUpdate { after: before.clone(), unlinked: None };
    assert_eq!(before.update(link.clone(), id(9), None, at(5)), Ok(unchanged.clone()));
    assert_eq!(before.update(link.clone(), id(9), before.vehicle.clone(), at(5)), Ok(unchanged));

    let mut full = before;
    for number in 100..199 {
        full.vehicle.as_mut().unwrap().link(card(number, "t").summary()).unwrap();
    }
    assert_eq!(full.update(link, id(9), full.vehicle.clone(), at(5)).unwrap().after, full);
}

#[test]
fn an_unknown_or_a_full_vehicle_takes_no_link() {
    let before = vehicle_access_id();
    let link = |existing| before.update(change(VehicleChange::Link(id(30))), id(9), existing, at(5));
    assert_eq!(link(None), Err(LinkRefused::UnknownVehicle.into()));
    assert_eq!(link(before.vehicle.clone()), Err(LinkRefused::UnknownVehicle.into()), "another vehicle than was named");
    let mut other = Vehicle { id: id(30), access_ids: Vec::new(), ..before.vehicle.clone().unwrap() };
    for number in 100..200 {
        other.link(card(number, "t").summary()).unwrap();
    }
    assert_eq!(link(Some(other.clone())), Err(LinkRefused::VehicleFull.into()));
    assert!(link(Some(other.without(id(150)))).is_ok());
}

/// What a client sends that writes back an access ID as it read it: null for the vehicle of a card.
fn written_back(read: &AccessId, vehicle: Option<&Vehicle>) -> UpdateAccessId {
    fn text<const MAX: usize>(value: Option<&crate::Text<MAX>>) -> Patch<crate::Text<MAX>> {
        value.map_or(Patch::Clear, |text| Patch::Set(crate::Text::new(text.as_str()).unwrap()))
    }
    let customer = read.customer.as_ref();
    UpdateAccessId {
        kind: None,
        name: Some(name(read.name.as_str())),
        status: Some(read.status),
        customer: customer.map_or(Patch::Clear, |customer| Patch::Set(Customer::new(customer.name()).unwrap())),
        vehicle: match vehicle.filter(|_| read.kind == AccessIdType::Vehicle) {
            None => VehicleChange::Clear,
            Some(vehicle) => VehicleChange::Change {
                make: text(vehicle.make.as_ref()),
                model: text(vehicle.model.as_ref()),
                vin: text(vehicle.vin.as_ref()),
            },
        },
    }
}

proptest! {
    #[test]
    fn writing_back_what_was_read_changes_nothing(before in linked_access_ids()) {
        let update = written_back(&before.access_id, before.vehicle.as_ref());
        let update = before.update(update, id(9), None, at(5)).unwrap();
        let spelling = |linked: &LinkedAccessId| linked.access_id.customer.clone().map(|customer| customer.name().to_owned());
        prop_assert_eq!(spelling(&update.after), spelling(&before));
        prop_assert_eq!(update, AccessIdUpdate { after: before, unlinked: None });
    }

    #[test]
    fn a_link_is_shown_by_one_vehicle_and_moves_updated_at_if_it_changes(
        before in linked_access_ids(), other in vehicles(), which in 0..4, revoke: bool,
    ) {
        let vehicle = match which {
            0 => VehicleChange::Clear,
            1 => VehicleChange::Unlink,
            2 => VehicleChange::Link(other.id),
            _ => VehicleChange::Keep,
        };
        let other = Vehicle { access_ids: other.access_ids.into_iter().filter(|s| s.id != id(101)).collect(), ..other };
        let status = revoke.then_some(AuthorizationStatus::Revoked);
        let update = UpdateAccessId { status, ..change(vehicle) };
        let AccessIdUpdate { after, unlinked } = before.update(update, id(9), Some(other), at(5)).unwrap();

        let access_id = &after.access_id;
        let is_changed = AccessId { updated_at: at(0), ..access_id.clone() } != before.access_id;
        prop_assert_eq!(access_id.updated_at, at(if is_changed { 5 } else { 0 }));
        prop_assert_eq!(access_id.vehicle, after.vehicle.as_ref().map(|vehicle| vehicle.id));
        prop_assert!(after.vehicle.iter().all(|vehicle| vehicle.shows(&access_id.summary())));
        let left = before.access_id.vehicle.filter(|id| access_id.vehicle != Some(*id));
        prop_assert_eq!(unlinked.as_ref().map(|vehicle| vehicle.id), left);
        prop_assert!(unlinked.iter().all(|vehicle| vehicle.access_ids.iter().all(|summary| summary.id != access_id.id)));
    }
}
