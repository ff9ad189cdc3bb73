//! The table that all are measured over, and what they are asked.

use std::fs;
use std::net::SocketAddr;

use domain::{
    AccessId, AccessIdType, AuthorizationStatus, Customer, Id, Name, OcppIdTag, StoredRules, Text, Timestamp, Vehicle,
};
use dynoxide::{Database, ImportOptions};
use engine::{Engine, TABLE_NAME};
use harness::Recorder;
use serde_json::{Value, json};
use store::{Scope, Settings, Store};

use crate::{Result, binaries};

/// The tag that the authorizer's event asks for.
const TAG: &str = "1921398740";
/// The access ID that the others are copies of: its number, as long as they get, is found in its text wherever it stands.
const FIRST_COPY: u64 = 1_000_000_000_000_000;
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
    /// or not.
    pub async fn start(tags: usize, is_linked: bool) -> Result<Table> {
        let database = Database::memory()?;
        let engine = Engine::start(database.clone()).await?;
        let store = Store::new(&Settings::local(&engine.endpoint_url(), TABLE_NAME))?;
        let now: Timestamp = "2024-08-02T19:13:28.897Z".parse()?;
        let organization = store.create_organization("Benchmark", now).await?.id;
        let (access_ids, vehicles) = records(now, is_linked)?;
        store.import(&organization, &access_ids, &vehicles).await?;
        copy(&database, tags.saturating_sub(access_ids.len()))?;
        Ok(Table {
            recorder: Recorder::start(engine.addr()).await?,
            tag_partition: format!("ORG#{organization}#TAG#{{id}}"),
            api_token: store.create_credential(&organization, Scope::Api, "", now).await?.token,
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
        let (sample, body, status) = match function {
            "rfid-authorizer" => ("authorize", None, 200),
            "get-access-id" | "get-vehicle" => ("get", None, 200),
            "list-access-ids" | "list-customers" | "list-vehicles" => ("list", None, 200),
            "create-access-id" => ("rfid-card", Some(create), 201),
            "create-vehicle" => ("minimal", None, 201),
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
    Ok((vec![of_vehicle, card(125, TAG)?, card(127, "rfid-card-1")?, first_copy], vec![vehicle, first_vehicle]))
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
