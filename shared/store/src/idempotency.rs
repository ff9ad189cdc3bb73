//! Creations that happen once, however often a client sends them.

use domain::{AccessId, OrganizationId, Timestamp, Vehicle};

use crate::{
    Error, digest,
    items::IdempotencyItem,
    keys::{self, Key},
    table::{Access, Found, Transaction},
};

/// How long the answer to a creation is remembered.
const SECONDS_REMEMBERED: i64 = 24 * 60 * 60;

/// The Idempotency-Key that came with a creation: it is to happen once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    key: String,
    fingerprint: String,
}

impl Idempotency {
    /// The client's key (1 to 255 printable ASCII characters) and the body that came with it.
    pub fn new(key: String, body: &[u8]) -> Self {
        Self { key, fingerprint: digest::sha256_hex(body) }
    }
}

/// What is asked and told about an earlier request of the same Idempotency-Key: nothing if the request came without one.
pub(crate) struct Remembered<'a>(Option<(Key, &'a str)>);

impl<'a> Remembered<'a> {
    /// `kind` tells the endpoints apart: one key may be used at each.
    pub fn new(idempotency: Option<&'a Idempotency>, organization: &OrganizationId, kind: &str) -> Self {
        Self(
            idempotency.map(|Idempotency { key, fingerprint }| {
                (keys::idempotency(organization, kind, key), fingerprint.as_str())
            }),
        )
    }

    /// The key of the item that has to be read for [`Remembered::answer`].
    pub fn key(&self) -> Option<Key> {
        self.0.as_ref().map(|(key, _)| key.clone())
    }

    /// What the first request of this Idempotency-Key created, if it is still remembered.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`] if that request had another body.
    pub fn answer(&self, found: &mut Found, now: Timestamp) -> Result<Option<IdempotencyItem>, Error> {
        let Some((key, fingerprint)) = &self.0 else { return Ok(None) };
        match found.take::<IdempotencyItem>(key)? {
            Some(item) if item.expires_at <= now.timestamp() => Ok(None),
            Some(item) if item.fingerprint != *fingerprint => Err(Error::IdempotencyKeyReused),
            remembered => Ok(remembered),
        }
    }

    /// What the first request of this Idempotency-Key created, if it was carried out since the last read and is why this
    /// request was refused.
    ///
    /// # Errors
    /// The refusal, if there was no such request; [`Error::IdempotencyKeyReused`], and the table's own.
    pub async fn answer_or(
        &self,
        refused: Error,
        access: &Access<'_>,
        now: Timestamp,
    ) -> Result<IdempotencyItem, Error> {
        let mut found = access.read(self.key()).await?;
        self.answer(&mut found, now)?.ok_or(refused)
    }

    /// Adds to the transaction that the answer is remembered.
    pub fn remember(
        &self,
        transaction: &mut Transaction<'_>,
        access_id: Option<&AccessId>,
        vehicle: Option<&Vehicle>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some((key, fingerprint)) = &self.0 else { return Ok(()) };
        let expires_at = now.timestamp() + SECONDS_REMEMBERED;
        let item = IdempotencyItem::new((*fingerprint).to_owned(), access_id, vehicle, expires_at);
        transaction.create_unless_current(key.clone(), &item, now)
    }
}
