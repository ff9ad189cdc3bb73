//! A store over an engine of its own, and short ways to say what a test is about.

use domain::{
    AccessIdLabel, AccessIdType, AuthorizationStatus, ChargeBox, Customer, Decision, Name, NewAccessId, NewVehicle,
    OcppIdTag, Question, Reason, RequestType, RequestedTag, Timestamp, UpdateAccessId, VehicleLink,
};
use engine::Engine;
use store::{Credential, Decider, Error, JournalSettings, Known, Origin, PageRequest, Scope, Settings, Store};

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
        let decider = Decider::new(&settings, JournalSettings::default()).unwrap();
        let (caller, rfid) = organization(&store).await;
        Self { engine, store, decider, caller, rfid }
    }
}

/// What becomes of a request of this type for a tag at the charge box `here`, at the time 0: the reason of the refusal, or the
/// access ID.
pub async fn decide(
    decider: &Decider,
    caller: &Credential,
    kind: RequestType,
    tag: Option<&OcppIdTag>,
) -> Result<Result<AccessIdLabel, Reason>, Error> {
    let here = ChargeBox::received("here".to_owned());
    let started_at = Some(&here).filter(|_| kind == RequestType::Authorize);
    let Known { tag, start_remembered_until } = decider.look_up(caller, tag, started_at).await?;
    let question = Question { kind, charge_box: Some(&here), now: at(0), start_remembered_until };
    Ok(match Decision::on(tag.as_ref(), &question) {
        Decision::Authorized(label) => Ok(label.clone()),
        Decision::Refused { reason, .. } => Err(reason),
    })
}

/// A new organization's credentials for the API and for the authorizer.
pub async fn organization(store: &Store) -> (Credential, Credential) {
    let organization = store.create_organization("Fleet", at(0)).await.unwrap();
    let api = store.create_credential(&organization.id, Scope::Api, "", at(0)).await.unwrap();
    let rfid = store.create_credential(&organization.id, Scope::Rfid, "", at(0)).await.unwrap();
    (Credential::parse(&api.token, Scope::Api).unwrap(), Credential::parse(&rfid.token, Scope::Rfid).unwrap())
}

/// The origin of a change that the caller makes at that time.
pub fn by(caller: &Credential, now: Timestamp) -> Origin<'_> {
    Origin { caller, request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", operation: "updateAccessId", now }
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
