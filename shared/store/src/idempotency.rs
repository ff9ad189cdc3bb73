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
pub(crate) struct Remembered<'a> {
    organization: &'a OrganizationId,
    /// The key of its item, and what tells its body from others.
    request: Option<(Key, &'a str)>,
}

impl<'a> Remembered<'a> {
    /// `kind` tells the endpoints apart: one key may be used at each.
    pub fn new(idempotency: Option<&'a Idempotency>, organization: &'a OrganizationId, kind: &str) -> Self {
        let request = idempotency
            .map(|Idempotency { key, fingerprint }| (keys::idempotency(organization, kind, key), fingerprint.as_str()));
        Self { organization, request }
    }

    /// The key of the item that has to be read for [`Remembered::answer`].
    pub fn key(&self) -> Option<Key> {
        self.request.as_ref().map(|(key, _)| key.clone())
    }

    /// What the first request of this Idempotency-Key created, if it is still remembered. One call if it is, to see whether
    /// it is still there.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`] if that request had another body, or what it created has been deleted: the first answer
    /// would no longer be true, and to create it anew would be a second effect of one key.
    pub async fn answer(
        &self,
        found: &mut Found,
        access: &Access<'_>,
        now: Timestamp,
    ) -> Result<Option<IdempotencyItem>, Error> {
        let Some((key, fingerprint)) = &self.request else { return Ok(None) };
        let item = found.take::<IdempotencyItem>(key)?.filter(|item| item.expires_at > now.timestamp());
        let Some(item) = item else { return Ok(None) };
        if item.fingerprint != *fingerprint || !access.exists(item.created(self.organization)?).await? {
            return Err(Error::IdempotencyKeyReused);
        }
        Ok(Some(item))
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
        self.answer(&mut found, access, now).await?.ok_or(refused)
    }

    /// Adds to the transaction that the answer is remembered.
    pub fn remember(
        &self,
        transaction: &mut Transaction<'_>,
        access_id: Option<&AccessId>,
        vehicle: Option<&Vehicle>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some((key, fingerprint)) = &self.request else { return Ok(()) };
        let expires_at = now.timestamp() + SECONDS_REMEMBERED;
        let item = IdempotencyItem::new((*fingerprint).to_owned(), access_id, vehicle, expires_at);
        transaction.create_unless_current(key.clone(), &item, now)
    }
}
