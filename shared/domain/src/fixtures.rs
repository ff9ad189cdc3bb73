//! What the tests of this crate's records have in common.

use proptest::prelude::*;

use crate::{
    AccessId, AccessIdType, AuthorizationStatus, Customer, Id, LinkedAccessId, Name, OcppIdTag, StoredRules, Text,
    Timestamp, Vehicle,
};

pub fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(1_722_626_008_897 + milliseconds).unwrap()
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

/// A card that is linked to no vehicle.
pub fn card(number: u64, text: &str) -> AccessId {
    AccessId {
        id: id(number),
        tag: tag(text),
        kind: AccessIdType::Rfid,
        name: name("Card"),
        status: AuthorizationStatus::Authorized,
        authorized_at: at(0),
        revoked_at: None,
        created_at: at(0),
        updated_at: at(0),
        vehicle: None,
        customer: None,
        rules: StoredRules::default(),
    }
}

pub fn texts<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    "\\PC{1,8}".prop_filter_map("no text", |text| Text::new(&text).ok())
}

pub fn customers() -> impl Strategy<Value = Option<Customer>> {
    prop::option::of("\\PC{1,8}".prop_filter_map("no name", |name| Customer::new(&name).ok()))
}

/// A vehicle with some cards.
pub fn vehicles() -> impl Strategy<Value = Vehicle> {
    let details = (texts(), prop::option::of(texts()), prop::option::of(texts()), prop::option::of(texts()));
    (20_u64..30, details, prop::option::of(texts()), customers(), 0_u64..3).prop_map(
        |(number, (name, make, model, vin), license_plate, customer, cards)| Vehicle {
            id: id(number),
            name,
            make,
            model,
            vin,
            license_plate,
            customer,
            access_ids: (100..100 + cards).map(|number| card(number, &format!("card-{number}")).summary()).collect(),
        },
    )
}

/// An access ID of each kind, linked or not.
pub fn linked_access_ids() -> impl Strategy<Value = LinkedAccessId> {
    (any::<[bool; 2]>(), texts(), customers(), prop::option::of(vehicles())).prop_map(
        |([is_card, is_revoked], name, customer, mut vehicle)| {
            let kind = if is_card { AccessIdType::Rfid } else { AccessIdType::Vehicle };
            let vehicle_id = vehicle.as_ref().map(|vehicle| vehicle.id);
            let mut access_id = AccessId { kind, name, customer, vehicle: vehicle_id, ..card(101, "one") };
            if is_revoked {
                access_id.set_status(AuthorizationStatus::Revoked, at(0));
            }
            if let Some(vehicle) = &mut vehicle {
                vehicle.show(access_id.summary());
            }
            LinkedAccessId { access_id, vehicle }
        },
    )
}
