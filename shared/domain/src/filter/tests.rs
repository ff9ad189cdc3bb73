use proptest::prelude::*;

use super::*;
use crate::{
    LicensePlate, Make, Vin,
    fixtures::{card, customers, id, linked_access_ids, name, tag, texts, vehicles},
};

fn search(text: &str) -> Search {
    Search::new(text).unwrap()
}

fn key(name: &str) -> Option<CustomerKey> {
    Some(Customer::new(name).unwrap().key())
}

#[test]
fn a_search_finds_a_part_of_a_name_whatever_its_case_and_composition() {
    for (part, text) in [
        ("card", "RFID Card 1"),
        ("RFID  CARD", "rfid card 1"),
        (" 1 ", "Card 1"),
        ("straße", "HAUPTSTRASSE 5"),
        ("E\u{301}lan", "Fleet ÉLAN"),
        ("Ｃard", "RFID card"),
        ("ca\u{ad}rd", "card"),
    ] {
        assert!(search(part).is_in(text), "{part:?} in {text:?}");
    }
    for (part, text) in [("card 2", "Card 1"), ("e", "é"), ("rd1", "Card 1"), ("cards", "Card"), (".*", "Card")] {
        assert!(!search(part).is_in(text), "{part:?} in {text:?}");
    }
}

#[test]
fn a_search_finds_a_part_of_a_tag_however_it_is_written() {
    for (part, whole) in [
        ("04E1", "04e1a2b3"),
        ("04:E1", "04e1a2b3"),
        ("e1-a2", "04e1a2b3"),
        ("04 E1 A2 B3", "04e1a2b3"),
        ("VID:92D50A693F80", "92d50a693f80"),
        ("92D5.0A69.3F80", "92d50a693f80"),
        ("DE*8AA*C12345678*9", "de8aac123456789"),
        ("80:38", "80:38104"),
        ("OCPP-id", "test-ocpp-id-tag"),
    ] {
        assert!(search(part).is_in_tag(&tag(whole)), "{part:?} in {whole:?}");
    }
    for (part, whole) in [("80:38104", "8038104"), ("b3a2e104", "04e1a2b3"), ("04:E1:", "04e1a2b3"), ("0 4", "04e1")] {
        assert!(!search(part).is_in_tag(&tag(whole)), "{part:?} in {whole:?}");
    }
}

#[test]
fn what_shows_nothing_or_is_too_long_is_no_search() {
    assert_eq!(Search::new(" \u{200b} "), Err(InvalidText::Blank));
    assert_eq!(Search::new(""), Err(InvalidText::Blank));
    assert!(Search::new(&"x".repeat(200)).is_ok());
    assert_eq!(Search::new(&"x".repeat(201)), Err(InvalidText::TooLong(200)));
    assert_eq!(Search::new("a\0"), Err(InvalidText::ControlCharacter));
}

#[test]
fn every_part_of_a_filter_applies() {
    let shown = AccessId {
        vehicle: Some(id(7)),
        customer: Some(Customer::new("Fleet").unwrap()),
        name: name("Blue card"),
        ..card(1, "04e1a2b3")
    };
    let wanted = AccessIdFilter {
        tag: Some(tag("04:E1:A2:B3")),
        vehicle: Some(id(7)),
        status: Some(AuthorizationStatus::Authorized),
        kind: Some(AccessIdType::Rfid),
        customer: key("FLEET"),
        search: Some(search("blue")),
    };
    assert!(wanted.shows(&shown) && AccessIdFilter::default().shows(&shown));
    for other in [
        AccessIdFilter { tag: Some(tag("04e1a2b4")), ..wanted.clone() },
        AccessIdFilter { vehicle: Some(id(8)), ..wanted.clone() },
        AccessIdFilter { status: Some(AuthorizationStatus::Revoked), ..wanted.clone() },
        AccessIdFilter { kind: Some(AccessIdType::Vehicle), ..wanted.clone() },
        AccessIdFilter { customer: key("Fleet 2"), ..wanted.clone() },
        AccessIdFilter { search: Some(search("red")), ..wanted.clone() },
    ] {
        assert!(!other.shows(&shown), "{other:?}");
        assert_ne!(other.text(), wanted.text());
    }
    assert!(!wanted.shows(&AccessId { customer: None, ..shown }));
}

#[test]
fn a_vehicle_is_found_by_what_it_has() {
    let van = Vehicle {
        id: id(20),
        name: name("Van"),
        make: Some(Make::new("Škoda").unwrap()),
        model: Some(Make::new("Enyaq").unwrap()),
        vin: Some(Vin::new("TMBJJ7NX4M1234567").unwrap()),
        license_plate: Some(LicensePlate::new("B-AB 123E").unwrap()),
        customer: Some(Customer::new("Fleet").unwrap()),
        access_ids: vec![card(1, "04e1a2b3").summary()],
    };
    for text in ["van", "škoda", "ENYAQ", "nx4m", "b-ab 123"] {
        assert!(VehicleFilter { search: Some(search(text)), ..Default::default() }.shows(&van), "{text}");
    }
    for text in ["fleet", "04e1", "vanš", "20"] {
        assert!(!VehicleFilter { search: Some(search(text)), ..Default::default() }.shows(&van), "{text}");
    }
    let wanted = VehicleFilter { tag: Some(tag("04e1a2b3")), customer: key("fleet"), search: Some(search("v")) };
    assert!(wanted.shows(&van));
    assert!(!VehicleFilter { tag: Some(tag("04e1a2b4")), ..wanted.clone() }.shows(&van));
    assert!(!VehicleFilter { customer: key("x"), ..wanted.clone() }.shows(&van));
    assert!(!VehicleFilter { search: Some(search("z")), ..wanted }.shows(&van));
}

fn searches() -> impl Strategy<Value = Option<Search>> {
    prop::option::of(prop_oneof!["\\PC{1,8}", "[0-9a-f]{2}([:-][0-9a-f]{2}){0,4}"])
        .prop_map(|text| text.and_then(|text| Search::new(&text).ok()))
}

fn filters() -> impl Strategy<Value = AccessIdFilter> {
    let status = prop_oneof![Just(AuthorizationStatus::Authorized), Just(AuthorizationStatus::Revoked)];
    let kind = prop_oneof![Just(AccessIdType::Rfid), Just(AccessIdType::Vehicle)];
    let (tags, ids) = ("[!-~]{1,8}", 1_u64..30);
    let found = (prop::option::of(tags), prop::option::of(ids), prop::option::of(status), prop::option::of(kind));
    (found, customers(), searches()).prop_map(|((tag, vehicle, status, kind), customer, search)| AccessIdFilter {
        tag: tag.and_then(|tag| OcppIdTag::normalize(&tag).ok()),
        vehicle: vehicle.map(id),
        status,
        kind,
        customer: customer.map(|customer| customer.key()),
        search,
    })
}

proptest! {
    #[test]
    fn two_filters_have_one_text_only_if_they_are_the_same(one in filters(), other in filters()) {
        prop_assert_eq!(one.text() == other.text(), one == other);
        prop_assert_eq!(one.text().is_empty(), one == AccessIdFilter::default());
        prop_assert_eq!(one.text().lines().count(), one.text().matches('\n').count());
    }

    #[test]
    fn a_record_is_found_by_each_of_its_texts(linked in linked_access_ids(), vehicle in vehicles(), text in texts::<8>()) {
        for text in [linked.access_id.name.as_str(), linked.access_id.tag.as_str()] {
            let filter = AccessIdFilter { search: Search::new(text).ok(), ..Default::default() };
            prop_assert!(filter.shows(&linked.access_id));
        }
        let mut texts = vec![vehicle.name.to_string()];
        texts.extend(vehicle.vin.as_ref().map(ToString::to_string));
        for text in texts {
            let filter = VehicleFilter { search: Search::new(&text).ok(), ..Default::default() };
            prop_assert!(filter.shows(&vehicle));
        }
        prop_assert!(Search::new(text.as_str()).unwrap().is_in(text.as_str()));
    }
}
