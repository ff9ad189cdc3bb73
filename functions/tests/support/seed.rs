//! Records with ids and times that a test chooses.

use domain::{
    AccessId, AccessIdType, AuthorizationStatus, Customer, Id, Name, OcppIdTag, StoredRules, Timestamp, Vehicle,
};

use super::World;

/// The creation time of organizations, credentials and imported records.
pub fn now() -> Timestamp {
    time("2024-08-02T19:13:28.897Z")
}

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn id(number: u64) -> Id {
    Id::new(number).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn tag(text: &str) -> OcppIdTag {
    OcppIdTag::normalize(text).unwrap()
}

pub fn customer(text: &str) -> Option<Customer> {
    Some(Customer::new(text).unwrap())
}

/// An authorized RFID card without customer.
pub fn card(number: u64, text: &str) -> AccessId {
    AccessId {
        id: id(number),
        tag: tag(text),
        kind: AccessIdType::Rfid,
        name: name("Card"),
        status: AuthorizationStatus::Authorized,
        authorized_at: now(),
        revoked_at: None,
        created_at: now(),
        updated_at: now(),
        vehicle: None,
        customer: None,
        rules: StoredRules::default(),
    }
}

/// An authorized access ID of type Vehicle that is linked to a vehicle.
pub fn access_id(number: u64, text: &str, vehicle: u64) -> AccessId {
    AccessId { kind: AccessIdType::Vehicle, vehicle: Some(id(vehicle)), name: name("Vehicle 1"), ..card(number, text) }
}

/// A vehicle with those of the access IDs that are linked to it.
pub fn vehicle(number: u64, text: &str, access_ids: &[AccessId]) -> Vehicle {
    let held = access_ids.iter().filter(|access_id| access_id.vehicle == Some(id(number)));
    Vehicle {
        id: id(number),
        name: name(text),
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer: None,
        access_ids: held.map(AccessId::summary).collect(),
    }
}

/// Stores records: in one transaction, or in several if there are many. Then the records must not have customers.
pub async fn import(world: &World, access_ids: &[AccessId], vehicles: &[Vehicle]) {
    let (store, fleet) = (&world.store, &world.fleet.id);
    if (access_ids.len(), vehicles.len()) == (0, 0) {
        return;
    }
    if access_ids.len() * 2 + vehicles.len() < 90 {
        store.import(fleet, access_ids, vehicles).await.unwrap();
    } else {
        for access_ids in access_ids.chunks(50) {
            store.import(fleet, access_ids, &[]).await.unwrap();
        }
        for vehicles in vehicles.chunks(100) {
            store.import(fleet, &[], vehicles).await.unwrap();
        }
    }
}
