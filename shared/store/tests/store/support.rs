//! A store over an engine of its own, and short ways to say what a test is about.

use domain::{
    AccessIdType, AuthorizationStatus, Customer, Name, NewAccessId, NewVehicle, OcppIdTag, RequestedTag, Timestamp,
    UpdateAccessId, VehicleLink,
};
use engine::Engine;
use store::{Credential, Decider, PageRequest, Scope, Settings, Store};

/// A table with one organization.
pub struct Fixture {
    pub engine: Engine,
    pub store: Store,
    pub decider: Decider,
    pub caller: Credential,
    pub rfid: Credential,
}

impl Fixture {
    pub async fn new() -> Self {
        let engine = Engine::in_memory().await.unwrap();
        let settings = Settings::local(&engine.endpoint_url(), engine.table_name());
        let store = Store::new(&settings).unwrap();
        let decider = Decider::new(&settings).unwrap();
        let (caller, rfid) = organization(&store).await;
        Self { engine, store, decider, caller, rfid }
    }
}

/// A new organization's credentials for the API and for the authorizer.
pub async fn organization(store: &Store) -> (Credential, Credential) {
    let organization = store.create_organization("Fleet", at(0)).await.unwrap();
    let api = store.create_credential(&organization.id, Scope::Api, "", at(0)).await.unwrap();
    let rfid = store.create_credential(&organization.id, Scope::Rfid, "", at(0)).await.unwrap();
    (Credential::parse(&api.token, Scope::Api).unwrap(), Credential::parse(&rfid.token, Scope::Rfid).unwrap())
}

pub fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap()
}

pub fn tag(text: &str) -> OcppIdTag {
    OcppIdTag::normalize(text).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn customer(text: &str) -> Customer {
    Customer::new(text).unwrap()
}

pub fn card(text: &str) -> NewAccessId {
    NewAccessId {
        tag: tag(text),
        kind: AccessIdType::Rfid,
        name: name("Card"),
        status: AuthorizationStatus::Authorized,
        vehicle: VehicleLink::None,
        customer: None,
    }
}

pub fn vehicle(tags: &[&str]) -> NewVehicle {
    NewVehicle {
        name: name("Van"),
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer: None,
        tags: tags.iter().map(|text| RequestedTag { tag: tag(text), status: None }).collect(),
    }
}

pub fn status(status: AuthorizationStatus) -> UpdateAccessId {
    UpdateAccessId { status: Some(status), ..UpdateAccessId::default() }
}

pub fn page(limit: usize, cursor: Option<&str>) -> PageRequest {
    PageRequest { limit, cursor: cursor.map(|text| store::Cursor::parse(text).unwrap()) }
}
