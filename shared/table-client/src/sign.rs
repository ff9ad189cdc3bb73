//! AWS Signature Version 4, for requests to `/` without a query. `aws-sigv4` derives the key of the day anew for each request
//! and would cost 121,000 instructions more in every decision; the tests compare the signatures with its.

use std::{
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use chrono::{DateTime, SecondsFormat, Utc};
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

/// The key that is derived from the secret for one day. It is kept, since the four HMACs would be half of a signature's cost.
struct DayKey {
    date: String,
    secret: String,
    key: hmac::Key,
}

impl Signer {
    pub fn new(region: String, service: &'static str) -> Self {
        Self { region, service, key: Mutex::new(None) }
    }

    /// The `Authorization` header of a request. `headers` are those to be signed, their names in lower case and sorted; one
    /// of them is `x-amz-date` with the same time stamp.
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
            key => {
                key.insert(DayKey { date: date.to_owned(), secret: secret.to_owned(), key: self.derive(secret, date) })
            }
        };
        hmac::sign(&key.key, message)
    }

    fn derive(&self, secret: &str, date: &str) -> hmac::Key {
        let first = hmac::Key::new(hmac::HMAC_SHA256, ["AWS4", secret].concat().as_bytes());
        [date, &self.region, self.service, "aws4_request"]
            .iter()
            .fold(first, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The time as `x-amz-date` holds it: `20150830T123600Z`.
pub(crate) fn stamp(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true).replace(['-', ':'], "")
}

/// Appends a digest of up to 32 bytes in hexadecimal. It is appended in one piece, because three are part of every decision.
fn push_hex(bytes: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text.push_str(str::from_utf8(&digits[..2 * bytes.len()]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// The credentials and the scope of AWS's published test suite for Signature Version 4.
    fn suite() -> (Signer, Keys) {
        let keys = Keys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        };
        (Signer::new("us-east-1".to_owned(), "service"), keys)
    }

    #[test]
    fn signs_as_the_published_vectors_do() {
        const STAMP: &str = "20150830T123600Z";
        const HOST: (&str, &str) = ("host", "example.amazonaws.com");
        const DATE: (&str, &str) = ("x-amz-date", STAMP);
        const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
        let (signer, keys) = suite();
        let signature = |method, headers: &[_], body: &str| {
            let authorization = signer.authorization(&keys, STAMP, method, headers, body.as_bytes());
            let names = headers.iter().map(|(name, _): &(&str, &str)| *name).collect::<Vec<_>>().join(";");
            let start = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature="
            );
            authorization.strip_prefix(&start).unwrap().to_owned()
        };
        // get-vanilla
        assert_eq!(
            signature("GET", &[HOST, DATE], ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        // post-vanilla
        assert_eq!(
            signature("POST", &[HOST, DATE], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        // post-header-key-sort
        assert_eq!(
            signature("POST", &[HOST, ("my-header1", "value1"), DATE], ""),
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"
        );
        // post-x-www-form-urlencoded
        assert_eq!(
            signature("POST", &[FORM, HOST, DATE], "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    #[test]
    fn signs_as_the_sdk_does() {
        use aws_sigv4::{
            http_request::{SignableBody, SignableRequest, SigningSettings, sign},
            sign::v4,
        };

        let (signer, mut keys) = suite();
        for round in 0..200_u32 {
            // another key on some days, another day on some keys: the cached one must not be taken for it
            keys.secret_access_key = format!("secret{}", round / 7);
            keys.session_token = (round % 3 != 0).then(|| "token/+=".repeat(round as usize));
            let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + u64::from(round / 5) * 86_399);
            let body = format!("{{\"round\":{round},\"text\":\"{}\"}}", "ä".repeat(round as usize));

            let unsigned =
                [("content-type", "application/x-amz-json-1.0"), ("host", "dynamodb.eu-west-1.amazonaws.com")];
            let identity = aws_credential_types::Credentials::new(
                &keys.access_key_id,
                &keys.secret_access_key,
                keys.session_token.clone(),
                None,
                "test",
            )
            .into();
            let params = v4::SigningParams::builder()
                .identity(&identity)
                .region("us-east-1")
                .name("service")
                .time(time)
                .settings(SigningSettings::default())
                .build()
                .unwrap()
                .into();
            let request = SignableRequest::new(
                "POST",
                "https://dynamodb.eu-west-1.amazonaws.com/",
                unsigned.into_iter(),
                SignableBody::Bytes(body.as_bytes()),
            )
            .unwrap();
            let (signed, _) = sign(request, &params).unwrap().into_parts();
            let theirs = signed.headers().find(|(name, _)| *name == "authorization").unwrap().1;

            let stamp = stamp(time);
            let mut headers = unsigned.to_vec();
            headers.push(("x-amz-date", &stamp));
            if let Some(token) = &keys.session_token {
                headers.push(("x-amz-security-token", token));
            }
            assert_eq!(signer.authorization(&keys, &stamp, "POST", &headers, body.as_bytes()), theirs, "{round}");
        }
    }

    #[test]
    fn stamps_are_utc() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_827_696, "20000229T123456Z"),
            (1_440_938_160, "20150830T123600Z"),
            (4_102_444_799, "20991231T235959Z"),
        ] {
            assert_eq!(stamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
