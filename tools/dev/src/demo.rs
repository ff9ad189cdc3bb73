//! The demo organization: its credentials and the records of the reference texts' examples.

use std::path::Path;

use domain::{
    AccessId, AccessIdLabel, AccessIdType, Asked, AuthorizationStatus, ChargeBox, Customer, Decision, Id, OcppIdTag,
    OrganizationId, Question, RequestType, Rules, StoredRules, StoredTag, Timestamp, Vehicle,
};
use serde::{Deserialize, Serialize};
use store::{Decider, Scope, Store};

const NAME: &str = "Demo";

/// The organization and its tokens. The table holds only hashes of them: to be the same after a restart, they are kept
/// in a file beside the data.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Demo {
    pub(crate) organization_id: String,
    pub(crate) api: Credential,
    pub(crate) view: Credential,
    pub(crate) rfid: Credential,
}

/// One credential.
#[derive(Serialize, Deserialize)]
pub(crate) struct Credential {
    id: String,
    pub(crate) token: String,
}

impl Demo {
    /// Finds or creates the demo organization and everything in it. `file` keeps the tokens between runs.
    pub(crate) async fn prepare(
        store: &Store,
        decider: &Decider,
        file: Option<&Path>,
        now: Timestamp,
    ) -> Result<Demo, String> {
        let kept: Option<Demo> = file.and_then(|file| serde_json::from_slice(&std::fs::read(file).ok()?).ok());
        let demo = Demo::find_or_create(store, decider, kept, now).await.map_err(|error| error.to_string())?;
        if let Some(file) = file {
            crate::files::write(file, &serde_json::to_vec_pretty(&demo).map_err(|error| error.to_string())?)?;
        }
        Ok(demo)
    }

    async fn find_or_create(
        store: &Store,
        decider: &Decider,
        kept: Option<Demo>,
        now: Timestamp,
    ) -> Result<Demo, store::Error> {
        let organizations = store.organizations().await?;
        let find = |wanted: &dyn Fn(&store::Organization) -> bool| organizations.iter().find(|found| wanted(found));
        let kept_id = kept.as_ref().map(|demo| demo.organization_id.as_str());
        let found = find(&|found| Some(found.id.as_str()) == kept_id).or_else(|| find(&|found| found.name == NAME));
        let organization = match found {
            Some(found) => found.id.clone(),
            None => store.create_organization(NAME, now).await?.id,
        };
        match store.import(&organization, &access_ids(), &vehicles()).await {
            // They are there: from a run before.
            Ok(()) => journal(decider, &organization, now).await,
            Err(store::Error::Exists) => {}
            Err(error) => return Err(error),
        }
        let kept = kept.filter(|demo| demo.organization_id == organization.as_str());
        let (api, view, rfid) =
            kept.map_or((None, None, None), |demo| (Some(demo.api), Some(demo.view), Some(demo.rfid)));
        Ok(Demo {
            api: credential(store, &organization, Scope::Api, api, now).await?,
            view: credential(store, &organization, Scope::View, view, now).await?,
            rfid: credential(store, &organization, Scope::Rfid, rfid, now).await?,
            organization_id: organization.to_string(),
        })
    }
}

/// What was asked of the authorizer before the first start: how many seconds ago, the type, the charge box and what was
/// read. A vehicle is plugged in that nobody knows, and its driver shows a card; then a reader sends a card in another
/// spelling, one sends no number at all, and one an unknown card.
const ASKED: [(i64, RequestType, &str, &str); 6] = [
    (7_200, RequestType::Authorize, "EaJ7cU9NJ3YkTNgy", "VID:A453EE033156"),
    (7_180, RequestType::Authorize, "EaJ7cU9NJ3YkTNgy", "rfid-card-1"),
    (7_175, RequestType::Start, "EaJ7cU9NJ3YkTNgy", "RFID-CARD-1"),
    (3_600, RequestType::Authorize, "depot-2", "UNKNOWN CARD"),
    (1_800, RequestType::Start, "depot-1", "ID-TAG-2"),
    (600, RequestType::Authorize, "depot-1", "04:A3:11:7C"),
];

/// Journals the answers to [`ASKED`].
async fn journal(decider: &Decider, organization: &OrganizationId, now: Timestamp) {
    for (seconds, kind, charge_box, received_id) in ASKED {
        let tag = OcppIdTag::normalize(received_id).ok();
        let access_id = access_ids().into_iter().find(|access_id| Some(&access_id.tag) == tag.as_ref());
        let stored = access_id.map(|AccessId { id, name, kind, status, .. }| StoredTag {
            access_id: Some(AccessIdLabel { id, name: name.to_string(), kind }),
            status: Some(status),
            rules: StoredRules::default(),
        });
        let at = now - chrono::TimeDelta::seconds(seconds);
        let charge_box = ChargeBox::received(charge_box.to_owned());
        let asked = Asked { kind, charge_box: &charge_box, received_id, tag: tag.as_ref(), request_id: REQUEST_ID };
        let question = Question { kind, charge_box: Some(&charge_box), now: at, start_remembered_until: None };
        decider.remember(organization, at, &asked, &Decision::on(stored.as_ref(), &question)).await;
    }
}

/// The id of requests that were never made.
const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The credential that was kept, if it still holds; else a new one.
async fn credential(
    store: &Store,
    organization: &OrganizationId,
    scope: Scope,
    kept: Option<Credential>,
    now: Timestamp,
) -> Result<Credential, store::Error> {
    let known = store.credentials(organization).await?;
    let holds = |kept: &Credential| known.iter().any(|known| known.id == kept.id && known.revoked_at.is_none());
    if let Some(kept) = kept.filter(holds) {
        return Ok(kept);
    }
    let store::NewCredential { id, token } = store.create_credential(organization, scope, "cargo dev", now).await?;
    Ok(Credential { id, token })
}

use constant::{id, tag, text, time};

const FLEET: &str = "Electric Fleet Transportation";

/// The access IDs of the examples, and a card that may charge in the depot alone. The third belongs to vehicle 20, as the
/// texts on vehicles show it; its number there, 124, is that of the card in the texts on access IDs.
fn access_ids() -> [AccessId; 4] {
    let vehicle_1 = AccessId {
        id: id(123),
        tag: tag("id-tag-1"),
        kind: AccessIdType::Vehicle,
        name: text("Vehicle 1"),
        status: AuthorizationStatus::Authorized,
        authorized_at: time("2024-08-02T19:13:28.897Z"),
        revoked_at: None,
        created_at: time("2024-08-02T19:13:28.897Z"),
        updated_at: time("2024-08-08T21:29:51.795Z"),
        vehicle: Some(id(20)),
        customer: Some(Customer::stored(FLEET.into())),
        rules: StoredRules::default(),
    };
    let card = AccessId {
        id: id(124),
        tag: tag("rfid-card-1"),
        kind: AccessIdType::Rfid,
        name: text("RFID Card 1"),
        authorized_at: time("2024-08-27T15:11:37.080Z"),
        created_at: time("2024-08-08T16:21:17.191Z"),
        updated_at: time("2024-08-28T19:39:35.378Z"),
        vehicle: None,
        customer: None,
        ..vehicle_1.clone()
    };
    let second_port = AccessId { id: id(125), tag: tag("id-tag-2"), ..vehicle_1.clone() };
    let depot = Rules::new(None, Some(time("2090-01-01T00:00:00Z")), Some(vec!["depot-*".to_owned()]));
    let restricted = AccessId {
        id: id(126),
        tag: tag("1ea68671"),
        name: text("Card of the depot"),
        rules: depot.into(),
        ..card.clone()
    };
    [vehicle_1, card, second_port, restricted]
}

/// The vehicles of the examples.
fn vehicles() -> [Vehicle; 2] {
    let held = access_ids().into_iter().filter(|access_id| access_id.vehicle.is_some());
    let tesla = Vehicle {
        id: id(20),
        name: text("Demo Tesla"),
        make: Some(text("Tesla")),
        model: Some(text("Model 3")),
        vin: Some(text("demo-vin-1")),
        license_plate: Some(text("ABC123")),
        customer: Some(Customer::stored(FLEET.into())),
        access_ids: held.map(|access_id| access_id.summary()).collect(),
    };
    let other = Vehicle {
        id: id(21),
        name: text("Vehicle 2"),
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer: None,
        access_ids: Vec::new(),
    };
    [tesla, other]
}

#[expect(clippy::expect_used, reason = "constants of this file, and a test makes them all")]
mod constant {
    use super::{Id, OcppIdTag, Timestamp};
    use domain::Text;

    pub(super) fn id(number: u64) -> Id {
        Id::new(number).expect("an id")
    }

    pub(super) fn tag(text: &str) -> OcppIdTag {
        OcppIdTag::normalize(text).expect("a tag")
    }

    pub(super) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
        Text::new(text).expect("a text")
    }

    pub(super) fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Engine;
    use store::{JournalSettings, Settings};

    #[tokio::test]
    async fn the_tokens_stay_while_they_hold() {
        let engine = Engine::in_memory().await.unwrap();
        let store = Store::new(&Settings::local(&engine.endpoint_url(), engine.table_name())).unwrap();
        let settings = Settings::local(&engine.endpoint_url(), engine.table_name());
        let decider = Decider::new(&settings, JournalSettings::default()).unwrap();
        let now = time("2026-01-01T00:00:00Z");
        let first = Demo::find_or_create(&store, &decider, None, now).await.unwrap();
        let again = || serde_json::from_value(serde_json::to_value(&first).unwrap()).unwrap();

        let second = Demo::find_or_create(&store, &decider, Some(again()), now).await.unwrap();
        assert_eq!(second.organization_id, first.organization_id);
        assert_eq!((&second.api.token, &second.rfid.token), (&first.api.token, &first.rfid.token));
        assert_eq!(second.view.token, first.view.token);
        assert!(second.view.token.starts_with("view_"));

        store.revoke_credential(&first.rfid.id, now).await.unwrap();
        let third = Demo::find_or_create(&store, &decider, Some(again()), now).await.unwrap();
        assert_eq!(third.api.token, first.api.token);
        assert_ne!(third.rfid.token, first.rfid.token);

        // What was refused is there once, however often the service is started.
        let caller = store::Credential::parse(&first.api.token, Scope::Api).unwrap();
        let page = store::PageRequest { limit: 100, cursor: None };
        let decisions = store.list_decisions(&caller, &store::DecisionFilter::default(), &page, now).await.unwrap();
        assert_eq!(decisions.records.len(), ASKED.len());
        assert_eq!(store.list_unknown_tags(&caller, &page, now).await.unwrap().records.len(), 2);

        // Without the file, the same organization gets new tokens.
        let fourth = Demo::find_or_create(&store, &decider, None, now).await.unwrap();
        assert_eq!(fourth.organization_id, first.organization_id);
        assert_ne!(fourth.api.token, first.api.token);
    }
}
