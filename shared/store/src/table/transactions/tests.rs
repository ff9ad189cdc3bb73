//! Transactions against an engine.

use domain::{AccessIdType, AuthorizationStatus, Name, NewAccessId, NewVehicle, OcppIdTag, RequestedTag, VehicleLink};
use engine::Engine;

use super::*;
use crate::{
    Credential, Scope, Settings, Store,
    items::{AccessIdItem, TagItem},
};

async fn store(engine: &Engine) -> (Store, Credential) {
    let store = Store::new(&Settings::local(&engine.endpoint_url(), engine.table_name())).unwrap();
    let organization = store.create_organization("Fleet", now()).await.unwrap();
    let token = store.create_credential(&organization.id, Scope::Api, "", now()).await.unwrap().token;
    (store, Credential::parse(&token, Scope::Api).unwrap())
}

fn now() -> Timestamp {
    Timestamp::from_timestamp_millis(1_800_000_000_000).unwrap()
}

fn by(caller: &Credential) -> Origin<'_> {
    Origin { caller, request_id: "request", operation: "deleteAccessId", now: now() }
}

#[tokio::test]
async fn a_record_is_deleted_with_its_tag_as_it_was_read_or_not_at_all() {
    let engine = Engine::in_memory().await.unwrap();
    let (store, caller) = store(&engine).await;
    let tag = OcppIdTag::normalize("04e1a2b3").unwrap();
    let new = NewAccessId {
        tag: tag.clone(),
        kind: AccessIdType::Rfid,
        name: Name::new("Card").unwrap(),
        status: AuthorizationStatus::Authorized,
        vehicle: VehicleLink::None,
        customer: None,
    };
    let id = store.create_access_id(by(&caller), &new, None).await.unwrap().access_id.id;
    let (key, tag) = (keys::access_id(&caller.organization, id), keys::tag(&caller.organization, &tag));
    let read = async || {
        let (_, mut found) = store.table.authorize_reading(&caller, [key.clone(), tag.clone()]).await.unwrap();
        (found.take_record::<AccessIdItem>(&key).unwrap(), found.take::<TagItem>(&tag).unwrap().is_some())
    };
    let delete = async |before: &Versioned<_>, of: Id| {
        let mut transaction = store.transaction(by(&caller)).unwrap();
        transaction.delete::<AccessIdItem>(&caller.organization, before);
        transaction.remove(tag.clone(), of);
        store.table.commit(transaction).await
    };
    let (before, _) = read().await;
    let before = before.unwrap();
    let another_version = Versioned { version: before.version + 1, value: before.value.clone() };
    for (before, of) in [(&another_version, id), (&before, Id::new(1).unwrap())] {
        assert!(matches!(delete(before, of).await, Err(Attempt::Conflict)));
        assert!(matches!(read().await, (Some(_), true)));
    }
    assert!(delete(&before, id).await.is_ok());
    assert!(matches!(read().await, (None, false)));
    assert!(matches!(delete(&before, id).await, Err(Attempt::Conflict)), "what is gone is not deleted again");
}

/// DynamoDB takes 100 actions in one transaction. The largest is a vehicle with 40 new tags, a new customer and an
/// Idempotency-Key.
#[tokio::test]
async fn the_largest_transaction_has_84_actions() {
    let engine = Engine::in_memory().await.unwrap();
    let recorder = harness::Recorder::start(engine.addr()).await.unwrap();
    let (_, caller) = store(&engine).await;
    let recorded = Store::new(&Settings::local(&recorder.endpoint_url(), engine.table_name())).unwrap();
    let tag = |number| RequestedTag { tag: OcppIdTag::normalize(&format!("tag-{number}")).unwrap(), status: None };
    let new = NewVehicle {
        name: Name::new("Van").unwrap(),
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer: Some(domain::Customer::new("Fleet").unwrap()),
        tags: (0..domain::MAX_ACCESS_IDS_PER_REQUEST).map(tag).collect(),
    };
    let idempotency = crate::Idempotency::new("key".to_owned(), b"body");
    let vehicle = recorded.create_vehicle(by(&caller), &new, Some(&idempotency)).await.unwrap();
    let requests = recorder.requests();
    let actions = requests.iter().filter(|request| request.operation == "TransactWriteItems").map(|request| {
        let actions = request.body["TransactItems"].as_array().unwrap();
        let is_entry = |action: &&serde_json::Value| {
            let partition = action["Put"]["Item"]["PK"]["S"].as_str();
            partition == Some(keys::changes(&caller.organization).as_str())
        };
        (actions.len(), actions.iter().filter(is_entry).count())
    });
    assert_eq!(actions.collect::<Vec<_>>(), [(1 + 2 * 40 + 1 + 1 + 1, 1)]);
    assert_eq!(vehicle.access_ids.len(), 40);
}
