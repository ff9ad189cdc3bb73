//! The table that all are measured over, and what they are asked.

use std::fs;
use std::net::SocketAddr;
use std::time::SystemTime;

use domain::{
    AccessId, AccessIdType, Asked, AuthorizationStatus, ChargeBox, Customer, Decision, Id, Name, OcppIdTag, Reason,
    RequestType, StoredRules, Text, Timestamp, UpdateAccessId, Vehicle,
};
use dynoxide::{Database, ImportOptions};
use engine::{Engine, TABLE_NAME};
use harness::Recorder;
use serde_json::{Value, json};
use store::{Credential, Decider, JournalSettings, Origin, Scope, Settings, Store};

use crate::{Result, binaries};

/// The tag that the authorizer's event asks for.
const TAG: &str = "1921398740";
/// The access ID that the others are copies of: its number, as long as they get, is found in its text wherever it stands.
const FIRST_COPY: u64 = 1_000_000_000_000_000;
/// How many changes the history holds, and how many decisions the journal, each on an unknown tag: as many as a page shows.
const PAGE: u64 = 50;
/// The charge box that asks.
const CHARGE_BOX: &str = "EaJ7cU9NJ3YkTNgy";
/// The access ID that the history's changes are of, and whose revocation is tried. Its tag is not asked for.
const CHANGED: u64 = 127;
/// Copies that are stored at once.
const PIECE: usize = 10_000;

/// A table engine and the proxy that counts what it is asked.
pub struct Table {
    _engine: Engine,
    pub recorder: Recorder,
    /// The partition of the tag that is asked for, `{id}` in the tag's place.
    pub tag_partition: String,
    api_token: String,
    rfid_token: String,
}

impl Table {
    /// Starts one in memory and fills it with so many access IDs and their tags, and as many vehicles; linked to each other,
    /// or not. The history and the journal hold a page each.
    pub async fn start(tags: usize, is_linked: bool) -> Result<Table> {
        let database = Database::memory()?;
        let engine = Engine::start(database.clone()).await?;
        let settings = Settings::local(&engine.endpoint_url(), TABLE_NAME);
        let store = Store::new(&settings)?;
        let now: Timestamp = "2024-08-02T19:13:28.897Z".parse()?;
        let organization = store.create_organization("Benchmark", now).await?.id;
        let (access_ids, vehicles) = records(now, is_linked)?;
        store.import(&organization, &access_ids, &vehicles).await?;
        copy(&database, tags.saturating_sub(access_ids.len()))?;
        let api_token = store.create_credential(&organization, Scope::Api, "", now).await?.token;
        let caller = Credential::parse(&api_token, Scope::Api).ok_or("the token cannot be read")?;
        fill_journals(&store, &Decider::new(&settings, JournalSettings::default())?, &caller).await?;
        Ok(Table {
            recorder: Recorder::start(engine.addr()).await?,
            tag_partition: format!("ORG#{organization}#TAG#{{id}}"),
            api_token,
            rfid_token: store.create_credential(&organization, Scope::Rfid, "", now).await?.token,
            _engine: engine,
        })
    }

    /// Where requests without TLS go.
    pub fn addr(&self) -> SocketAddr {
        self.recorder.addr()
    }

    /// A function's event and the status of its answer. Each call has another number in the place of `{n}`.
    pub fn event(&self, function: &str) -> Result<(String, u64)> {
        let create = json!({"accessId": {"type": "RFID", "ocppIdTag": "call-{n}", "name": "Card {n}"}});
        let update_access_id = json!({"accessId": {"name": "Card {n}"}});
        let update_vehicle = json!({"vehicle": {"name": "Vehicle {n}"}});
        let check = json!({"accessCheck": {"ocppIdTag": TAG, "chargeBox": CHARGE_BOX, "type": "authorize"}});
        let rules = json!({"rules": {"chargeBoxes": [CHARGE_BOX, "depot-{n}"]}});
        let batch = json!({"accessIds": [{"type": "RFID", "ocppIdTag": "batch-{n}", "name": "Card {n}"}]});
        let revocation = json!({"revocation": {"accessIds": [CHANGED], "dryRun": true}});
        let (sample, body, status) = match function {
            "rfid-authorizer" => ("authorize", None, 200),
            "get-access-id" | "get-vehicle" => ("get", None, 200),
            "get-access-id-rules" => ("none", None, 200),
            "list-access-ids" | "list-changes" | "list-customers" | "list-decisions" | "list-unknown-tags"
            | "list-vehicles" => ("list", None, 200),
            "check-access" => ("authorized", Some(check), 200),
            "create-access-id" => ("rfid-card", Some(create), 201),
            "create-vehicle" => ("minimal", None, 201),
            "create-revocation" => ("dry-run", Some(revocation), 200),
            "put-access-id-rules" => ("restrict", Some(rules), 200),
            "put-access-ids-batch" => ("unchanged", Some(batch), 200),
            "update-access-id" => ("authorize", Some(update_access_id), 200),
            "update-vehicle" => ("update", Some(update_vehicle), 200),
            _ => return Err(format!("there is no event for {function}").into()),
        };
        let path = binaries::root()?.join(format!("events/{function}/{sample}.json"));
        // In the order of the file and on one line, as Lambda sends it: the floor looks for the body from the start.
        let event: String = fs::read_to_string(path)?.lines().map(str::trim).collect();
        let mut event = event.replace("{apiToken}", &self.api_token).replace("{rfidToken}", &self.rfid_token);
        if let Some(body) = body {
            let sample: Value = serde_json::from_str(&event)?;
            event = event.replace(&sample["body"].to_string(), &Value::from(body.to_string()).to_string());
        }
        Ok((event, status))
    }
}

/// The records that the events name, and the first of the copies.
fn records(now: Timestamp, is_linked: bool) -> Result<(Vec<AccessId>, Vec<Vehicle>)> {
    let card = |number: u64, tag: &str| -> Result<AccessId> {
        Ok(AccessId {
            id: Id::new(number)?,
            tag: OcppIdTag::normalize(tag)?,
            kind: AccessIdType::Rfid,
            name: Name::new("Card")?,
            status: AuthorizationStatus::Authorized,
            authorized_at: now,
            revoked_at: None,
            created_at: now,
            updated_at: now,
            vehicle: None,
            customer: None,
            rules: StoredRules::default(),
        })
    };
    let vehicle_id = Id::new(20)?;
    let customer = Some(Customer::new("Electric Fleet Transportation")?);
    let of_vehicle = AccessId {
        kind: AccessIdType::Vehicle,
        vehicle: Some(vehicle_id),
        customer: customer.clone(),
        ..card(123, "id-tag-1")?
    };
    let vehicle = Vehicle {
        id: vehicle_id,
        name: Name::new("Vehicle")?,
        make: None,
        model: None,
        vin: None,
        license_plate: None,
        customer,
        access_ids: vec![of_vehicle.summary()],
    };
    let mut first_copy = card(FIRST_COPY, &format!("tag-{FIRST_COPY}"))?;
    let mut first_vehicle = Vehicle {
        id: first_copy.id,
        make: Some(Text::new("Tesla")?),
        model: Some(Text::new("Model 3")?),
        vin: Some(Text::new("5YJ3E1EA7KF317000")?),
        license_plate: Some(Text::new("ABC123")?),
        access_ids: Vec::new(),
        ..vehicle.clone()
    };
    if is_linked {
        first_copy.kind = AccessIdType::Vehicle;
        first_copy.vehicle = Some(first_vehicle.id);
        first_vehicle.access_ids.push(first_copy.summary());
    }
    Ok((vec![of_vehicle, card(125, TAG)?, card(CHANGED, "rfid-card-1")?, first_copy], vec![vehicle, first_vehicle]))
}

/// Changes an access ID and decides about unknown tags, as often as a page shows.
async fn fill_journals(store: &Store, decider: &Decider, caller: &Credential) -> Result<()> {
    // What is older than the table keeps it is not shown.
    let now = Timestamp::from(SystemTime::now());
    let charge_box = ChargeBox::received(CHARGE_BOX.to_owned());
    let decision = Decision::Refused { reason: Reason::Unknown, access_id: None };
    for number in 0..PAGE {
        let request_id = format!("8476a536-e9f4-11e8-9739-{number:012}");
        let name = Some(Name::new(&format!("Card {number}"))?);
        let origin = Origin { caller, request_id: &request_id, operation: "updateAccessId", now };
        store
            .update_access_id(origin, Id::new(CHANGED)?, &UpdateAccessId { name, ..UpdateAccessId::default() })
            .await?;

        let received_id = format!("unknown-{number}");
        let tag = OcppIdTag::normalize(&received_id)?;
        let (kind, tag) = (RequestType::Authorize, Some(&tag));
        let asked = Asked { kind, charge_box: &charge_box, received_id: &received_id, tag, request_id: &request_id };
        decider.remember(&caller.organization, now, &asked, &decision).await;
    }
    match decider.take_counts().journal_lost {
        0 => Ok(()),
        lost => Err(format!("{lost} decisions were not written to the journal").into()),
    }
}

/// Copies the items of the first copy: whatever the store writes, theirs is the same format.
fn copy(database: &Database, copies: usize) -> Result<()> {
    let all = database.scan(serde_json::from_value(json!({"TableName": TABLE_NAME}))?)?;
    let items = all.items.unwrap_or_default();
    let texts = items.iter().map(serde_json::to_string).collect::<std::result::Result<Vec<_>, _>>()?;
    let number = FIRST_COPY.to_string();
    let originals: Vec<_> = texts.iter().filter(|text| text.contains(&number)).collect();
    let numbers: Vec<u64> = (FIRST_COPY + 1..).take(copies).collect();
    for numbers in numbers.chunks(PIECE) {
        let copies = numbers.iter().flat_map(|copy| {
            let copy = copy.to_string();
            let (originals, number) = (&originals, &number);
            originals.iter().map(move |original| serde_json::from_str(&original.replace(number, &copy)))
        });
        database.import_items(TABLE_NAME, copies.collect::<std::result::Result<_, _>>()?, ImportOptions::default())?;
    }
    Ok(())
}
