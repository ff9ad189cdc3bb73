use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    AuthorizationStatus,
    fixtures::{card, id, linked_access_ids, name, vehicles},
};

fn fields(subject: Option<Subject>) -> Value {
    json!(subject.unwrap().fields)
}

#[test]
fn a_creation_shows_what_the_record_has_and_a_deletion_what_it_had() {
    let card = AccessId { customer: Some(Customer::stored("Fleet".to_owned())), ..card(7, "04e1a2b3") };
    let created = Subject::between(None, Some(&card)).unwrap();
    assert_eq!((created.kind, created.id), (SubjectKind::AccessId, id(7)));
    let shown = json!({
        "ocppIdTag": [null, "04e1a2b3"], "type": [null, "RFID"], "name": [null, "Card"],
        "authorizationStatus": [null, "Authorized"], "customer": [null, "Fleet"],
    });
    assert_eq!(json!(created.fields), shown);
    let mut deleted = Subject::between(Some(&card), None).unwrap();
    deleted.fields.values_mut().for_each(|values| values.reverse());
    assert_eq!(deleted, created);
    assert_eq!(Subject::between::<AccessId>(None, None), None);
}

#[test]
fn an_update_shows_the_fields_that_differ_and_no_times() {
    let before = card(7, "04e1a2b3");
    let rules = |at: &str| Rules::new(at.parse().ok(), None, Some(vec!["depot-*".to_owned()])).unwrap();
    let shown = |at: &str| json!({"validFrom": at, "validUntil": null, "chargeBoxes": ["depot-*"]});
    let (first, second) = ("2026-03-01T00:00:00.000Z", "2027-03-01T00:00:00.000Z");
    let mut after = before.with_rules(rules(first), crate::fixtures::at(1));
    assert_eq!(fields(Subject::between(Some(&before), Some(&after))), json!({"rules": [null, shown(first)]}));
    let again = after.with_rules(rules(second), crate::fixtures::at(2));
    assert_eq!(fields(Subject::between(Some(&after), Some(&again))), json!({"rules": [shown(first), shown(second)]}));

    after = AccessId { rules: StoredRules::Unreadable, vehicle: Some(id(9)), ..before.clone() };
    after.set_status(AuthorizationStatus::Revoked, crate::fixtures::at(1));
    let shown = json!({
        "rules": [null, "unreadable"], "vehicleId": [null, 9], "authorizationStatus": ["Authorized", "Revoked"],
    });
    assert_eq!(fields(Subject::between(Some(&before), Some(&after))), shown);

    after = AccessId { updated_at: crate::fixtures::at(1), authorized_at: crate::fixtures::at(1), ..before.clone() };
    assert_eq!(Subject::between(Some(&before), Some(&after)), None);
}

#[test]
fn of_a_vehicles_access_ids_only_which_they_are_is_shown() {
    let linked = |status| {
        let mut access_id = card(3, "a");
        access_id.set_status(status, crate::fixtures::at(0));
        Vehicle {
            id: id(1),
            name: name("Van"),
            make: None,
            model: None,
            vin: None,
            license_plate: None,
            customer: None,
            access_ids: vec![access_id.summary()],
        }
    };
    let [before, revoked] = [AuthorizationStatus::Authorized, AuthorizationStatus::Revoked].map(linked);
    assert_eq!(Subject::between(Some(&before), Some(&revoked)), None);
    let without = before.clone().without(id(3));
    assert_eq!(fields(Subject::between(Some(&before), Some(&without))), json!({"accessIds": [[3], []]}));
}

proptest! {
    #[test]
    fn equal_records_differ_in_no_field_and_others_are_told_both_ways(
        linked in linked_access_ids(), one in vehicles(), other in vehicles()
    ) {
        prop_assert_eq!(Subject::between(Some(&linked.access_id), Some(&linked.access_id)), None);
        prop_assert_eq!(Subject::between(Some(&one), Some(&one)), None);
        let there = Subject::between(Some(&one), Some(&other));
        let mut back = Subject::between(Some(&other), Some(&one));
        if let (Some(there), Some(back)) = (&there, &mut back) {
            back.fields.values_mut().for_each(|values| values.reverse());
            back.id = there.id;
        }
        prop_assert_eq!(there, back);
    }
}
