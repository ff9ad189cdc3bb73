use super::*;
use crate::fixtures::{at, card, id, name, tag};

fn vehicle(tags: &[(&str, Option<AuthorizationStatus>)]) -> NewVehicle {
    NewVehicle {
        name: name("Van"),
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer: Some(Customer::new("Fleet").unwrap()),
        tags: tags.iter().map(|&(text, status)| RequestedTag { tag: tag(text), status }).collect(),
    }
}

fn numbers() -> impl FnMut() -> Id {
    let mut next = 100;
    move || {
        next += 1;
        id(next)
    }
}

#[test]
fn unknown_tags_become_access_ids_and_known_ones_are_linked() {
    let known = card(7, "known");
    let new = vehicle(&[("new", Some(AuthorizationStatus::Revoked)), ("known", None), ("other", None)]);
    let (vehicle, access_ids) = new.create(id(20), std::slice::from_ref(&known), numbers(), at(9)).unwrap();

    let shown: Vec<_> = vehicle.access_ids.iter().map(|s| (s.id.get(), s.tag.as_str(), s.status)).collect();
    use AuthorizationStatus::{Authorized, Revoked};
    assert_eq!(shown, [(7, "known", Authorized), (101, "new", Revoked), (102, "other", Authorized)]);

    let [new, linked, other] = access_ids.as_slice() else { panic!("{access_ids:?}") };
    assert_eq!((new.kind, new.name.as_str(), new.revoked_at), (AccessIdType::Vehicle, "Van", Some(at(9))));
    assert_eq!(new.customer, vehicle.customer);
    assert_eq!((other.status, other.created_at), (Authorized, at(9)));
    let expected = AccessId { vehicle: Some(id(20)), updated_at: at(9), ..known };
    assert_eq!(*linked, expected, "type, name, customer and status stay");
}

#[test]
fn a_known_tag_takes_the_status_only_if_given() {
    let known = card(7, "known");
    let new = vehicle(&[("known", Some(AuthorizationStatus::Revoked))]);
    let (_, access_ids) = new.create(id(20), &[known], numbers(), at(9)).unwrap();
    assert_eq!((access_ids[0].status, access_ids[0].revoked_at), (AuthorizationStatus::Revoked, Some(at(9))));
}

#[test]
fn every_tag_of_another_vehicle_is_named_with_its_access_id() {
    let linked = |number, text| AccessId { vehicle: Some(id(3)), ..card(number, text) };
    let existing = [card(6, "free"), linked(8, "taken"), linked(7, "other")];
    let requested = vehicle(&[("new", None), ("other", None), ("free", None), ("taken", None)]);
    let refused = requested.create(id(20), &existing, || panic!("nothing is created"), at(9)).unwrap_err();
    let conflicts: Vec<_> =
        refused.conflicts.iter().map(|conflict| (conflict.index.unwrap(), conflict.access_id.get())).collect();
    assert_eq!(conflicts, [(1, 7), (3, 8)]);
}

#[test]
fn a_request_for_one_access_id_has_one_conflict() {
    assert_eq!(TagTaken::by(id(7)).conflicts, [TagConflict { index: None, access_id: id(7) }]);
}

fn access_id(kind: AccessIdType, status: AuthorizationStatus, vehicle: VehicleLink) -> NewAccessId {
    let customer = Some(Customer::new("Fleet").unwrap());
    NewAccessId { tag: tag("04:E1:A2"), kind, name: name("One"), status, vehicle, customer }
}

#[test]
fn a_new_vehicle_takes_name_and_customer_and_shows_the_access_id() {
    let details = NewVehicleDetails { vin: Some(Vin::new("vin-1").unwrap()), ..NewVehicleDetails::default() };
    let new = access_id(AccessIdType::Vehicle, AuthorizationStatus::Authorized, VehicleLink::New(details));
    let linked = new.create(id(1), id(20), None, at(0)).unwrap();
    let vehicle = linked.vehicle.unwrap();
    assert_eq!((vehicle.id, vehicle.name.as_str(), vehicle.vin.unwrap().as_str()), (id(20), "One", "vin-1"));
    assert_eq!(vehicle.customer, linked.access_id.customer);
    assert_eq!(vehicle.access_ids, [linked.access_id.summary()]);
    assert_eq!(linked.access_id.vehicle, Some(id(20)));
}

#[test]
fn created_revoked_has_both_times() {
    let new = access_id(AccessIdType::Rfid, AuthorizationStatus::Revoked, VehicleLink::None);
    let created = new.create(id(1), id(20), None, at(0)).unwrap().access_id;
    assert_eq!((created.authorized_at, created.revoked_at), (at(0), Some(at(0))));
}
