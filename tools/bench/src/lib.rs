//! What the programs `load` and `memory` share: an organization with cards, and running instances of built functions.

use std::error::Error;
use std::path::{Path, PathBuf};

use domain::{
    AccessId, AccessIdType, AuthorizationStatus, Id, Name, OcppIdTag, OrganizationId, StoredRules, Timestamp,
};
use engine::Engine;
use harness::Function;
use store::{Settings, Store};

/// The number of access IDs that one transaction creates.
const CHUNK: u64 = 50;

/// An organization with this many cards, of which every tenth is revoked. Card number `n` has the id `n + 1` and the name `Card`.
///
/// # Errors
/// When the table refuses one of them.
pub async fn fill(store: &Store, cards: u64, now: Timestamp) -> Result<OrganizationId, Box<dyn Error>> {
    let organization = store.create_organization("Fleet", now).await?.id;
    for first in (0..cards).step_by(usize::try_from(CHUNK)?) {
        let cards: Option<Vec<_>> = (first..cards.min(first + CHUNK)).map(|number| card(number, now)).collect();
        store.import(&organization, &cards.ok_or("a card cannot be")?, &[]).await?;
    }
    Ok(organization)
}

fn card(number: u64, now: Timestamp) -> Option<AccessId> {
    let is_revoked = number % 10 == 9;
    Some(AccessId {
        id: Id::new(number + 1).ok()?,
        tag: OcppIdTag::normalize(&tag(number)).ok()?,
        kind: AccessIdType::Rfid,
        name: Name::new("Card").ok()?,
        status: if is_revoked { AuthorizationStatus::Revoked } else { AuthorizationStatus::Authorized },
        authorized_at: now,
        revoked_at: is_revoked.then_some(now),
        created_at: now,
        updated_at: now,
        vehicle: None,
        customer: None,
        rules: StoredRules::default(),
    })
}

/// The tag of card number `number`.
pub fn tag(number: u64) -> String {
    format!("a{number:07x}")
}

/// The store over the engine's table.
///
/// # Errors
/// When the store cannot be made.
pub fn store(engine: &Engine) -> Result<Store, Box<dyn Error>> {
    Ok(Store::new(&Settings::local(&engine.endpoint_url(), engine.table_name()))?)
}

/// The function that was built with the same profile as this program.
///
/// # Errors
/// When this program does not know where it is.
pub fn built(function: &str) -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(function))
}

/// Starts an instance of a function over the engine's table, and waits until it asks for its first event.
///
/// # Errors
/// When it does not start.
pub async fn start(binary: &Path, engine: &Engine) -> Result<Function, Box<dyn Error>> {
    let url = engine.endpoint_url();
    let env = [
        ("TABLE_NAME", engine.table_name()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", engine::ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", engine::SECRET_ACCESS_KEY),
        ("AWS_ENDPOINT_URL_DYNAMODB", &url),
        ("JOURNAL", "All"),
    ];
    let function = Function::start(binary, &env).await?;
    function.wait_ready().await?;
    Ok(function)
}

/// The resident memory of an instance in KiB. Known on Linux only.
pub fn resident(function: &Function) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid()?)).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

/// The most of each part of the samples, which are divided into this many parts.
pub fn most(samples: &[u64], parts: usize) -> Vec<u64> {
    let part = samples.len().div_ceil(parts).max(1);
    samples.chunks(part).map(|part| part.iter().max().copied().unwrap_or_default()).collect()
}
