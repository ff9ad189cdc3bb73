//! AWS Signature Version 4, as far as one kind of request needs it.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Datelike as _, Timelike as _};
use ring::{
    digest::{SHA256, digest},
    hmac,
};

use crate::config::Keys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs requests to one service in one region.
pub(crate) struct Signer {
    region: String,
    service: &'static str,
    key: Mutex<Option<DayKey>>,
}

/// The key that is derived from the secret for one day. Four HMACs would be half the cost of a signature.
struct DayKey {
    date: String,
    secret: String,
    key: hmac::Key,
}

impl Signer {
    pub fn new(region: String, service: &'static str) -> Self {
        Self { region, service, key: Mutex::new(None) }
    }

    /// The `Authorization` of a request for `/` without a query. Headers: names in lower case, sorted, all that shall be
    /// signed; among them `x-amz-date` with the same time stamp.
    pub fn authorization(
        &self,
        keys: &Keys,
        stamp: &str,
        method: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> String {
        let date = stamp.get(..8).unwrap_or_default();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");

        let mut canonical = String::with_capacity(2048);
        canonical.extend([method, "\n/\n\n"]);
        for (name, value) in headers {
            canonical.extend([name, ":", value, "\n"]);
        }
        canonical.extend(["\n", &names, "\n"]);
        push_hex(digest(&SHA256, body).as_ref(), &mut canonical);

        let scope = [date, "/", &self.region, "/", self.service, "/aws4_request"].concat();
        let mut to_sign = [ALGORITHM, "\n", stamp, "\n", &scope, "\n"].concat();
        push_hex(digest(&SHA256, canonical.as_bytes()).as_ref(), &mut to_sign);

        let signature = self.sign(&keys.secret_access_key, date, to_sign.as_bytes());
        let mut authorization =
            [ALGORITHM, " Credential=", &keys.access_key_id, "/", &scope, ", SignedHeaders=", &names, ", Signature="]
                .concat();
        push_hex(signature.as_ref(), &mut authorization);
        authorization
    }

    fn sign(&self, secret: &str, date: &str, message: &[u8]) -> hmac::Tag {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match &mut *key {
            Some(key) if key.date == date && key.secret == secret => key,
            key => key.insert(DayKey {
                date: date.to_owned(),
                secret: secret.to_owned(),
                key: self.derive(secret, date),
            }),
        };
        hmac::sign(&key.key, message)
    }

    fn derive(&self, secret: &str, date: &str) -> hmac::Key {
        let first = hmac::Key::new(hmac::HMAC_SHA256, ["AWS4", secret].concat().as_bytes());
        [date, &self.region, self.service, "aws4_request"].iter().fold(first, |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        })
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

/// `20150830T123600Z`
pub(crate) fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap_or_default();
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn push_hex(bytes: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    text.extend(digits.map(char::from));
}
