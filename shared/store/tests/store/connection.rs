//! What goes over the connections to the table, and when.

use harness::{Fault, Recorder};
use store::{Cursor, Error, Scope, Settings, Store};

use crate::support::{Fixture, at, by, card, page, vehicle};

/// A store whose requests are recorded, over the fixture's table.
async fn recorded(fixture: &Fixture) -> (Recorder, Store) {
    let recorder = Recorder::start(fixture.engine.addr()).await.unwrap();
    let settings = Settings::local(&recorder.endpoint_url(), fixture.engine.table_name());
    let store = Store::new(&settings).unwrap();
    (recorder, store)
}

#[tokio::test]
async fn the_connection_that_is_opened_in_advance_carries_all_operations() {
    let fixture = &Fixture::new().await;
    let (recorder, store) = &recorded(fixture).await;
    store.connect().await;
    assert_eq!((recorder.connections(), recorder.operations()), (1, vec![String::new()]), "no table operation");
    for number in 0..3 {
        store.create_access_id(by(&fixture.caller, at(number)), &card(&format!("{number}")), None).await.unwrap();
    }
    assert_eq!(
        store.list_access_ids(&fixture.caller, &Default::default(), &page(10, None)).await.unwrap().records.len(),
        3
    );
    assert_eq!(recorder.connections(), 1);
    assert_eq!(store.take_counts().failures, 0);
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_in_advance_is_opened_by_the_first_operation() {
    let fixture = &Fixture::new().await;
    let (recorder, store) = &recorded(fixture).await;
    recorder.inject(Fault::Refuse.on("").times(1));
    store.connect().await;
    store.check(&fixture.caller).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_its_checksum_contradicts_is_asked_for_again() {
    let fixture = &Fixture::new().await;
    let created = fixture.store.create_access_id(by(&fixture.caller, at(0)), &card("a"), None).await.unwrap();
    for fault in [Fault::WrongChecksum, Fault::CorruptBody, Fault::TruncateBody] {
        let (recorder, store) = &recorded(fixture).await;
        recorder.inject(fault.clone().times(1));
        let read = store.get_access_id(&fixture.caller, created.access_id.id).await.unwrap();
        assert_eq!(read, created, "{fault:?}");
        assert_eq!(recorder.faults(), [fault]);
        assert_eq!(recorder.operations(), ["BatchGetItem", "BatchGetItem"]);
    }
}

#[tokio::test]
async fn a_credential_that_does_not_hold_reads_no_page() {
    let fixture = &Fixture::new().await;
    let (recorder, store) = &recorded(fixture).await;
    let organization = &fixture.caller.organization;
    let new = store.create_credential(organization, Scope::Api, "", at(0)).await.unwrap();
    store.revoke_credential(&new.id, at(1)).await.unwrap();
    let revoked = &store::Credential::parse(&new.token, Scope::Api).unwrap();
    recorder.clear();
    assert!(matches!(
        store.list_access_ids(revoked, &Default::default(), &page(1, None)).await,
        Err(Error::Unauthorized)
    ));
    assert!(matches!(
        store.list_vehicles(revoked, &Default::default(), &page(1, None)).await,
        Err(Error::Unauthorized)
    ));
    assert_eq!(recorder.operations(), ["GetItem", "GetItem"]);
}

#[tokio::test]
async fn a_forged_cursor_reads_no_page() {
    let fixture = &Fixture::new().await;
    let (recorder, store) = &recorded(fixture).await;
    for _ in 0..2 {
        store.create_vehicle(by(&fixture.caller, at(0)), &vehicle(&[]), None).await.unwrap();
    }
    let cursor =
        store.list_vehicles(&fixture.caller, &Default::default(), &page(1, None)).await.unwrap().next_cursor.unwrap();
    assert!(Cursor::parse(&cursor).is_some());
    recorder.clear();
    let forged = store.list_access_ids(&fixture.caller, &Default::default(), &page(1, Some(&cursor))).await;
    assert!(matches!(forged, Err(Error::ForgedCursor)));
    assert_eq!(recorder.operations(), ["GetItem"]);
}
