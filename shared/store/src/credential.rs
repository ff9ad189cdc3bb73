//! Credentials: the tokens that callers show. (AWS credentials, with which the table is asked, are in `settings`.)

use domain::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::{
    digest,
    keys::{self, Key},
};

/// What a credential opens. A credential opens nothing but its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The management API.
    Api,
    /// What only reads in the management API.
    View,
    /// The RFID authorizer.
    Rfid,
}

/// Characters of every organization's id. The functions' policies name partitions of organizations with ids of this length.
pub(crate) const ORGANIZATION_ID_LENGTH: usize = 12;
/// Hex digits of the token's SHA-256 in a credential's id.
pub(crate) const ID_DIGEST_LENGTH: usize = 16;
/// Characters of base 62 in a token's secret: 256 bits.
const SECRET_LENGTH: usize = 43;

impl Scope {
    /// The scope's name, as a token begins.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::View => "view",
            Self::Rfid => "rfid",
        }
    }
}

/// A well-formed token that a caller showed: `<scope>_<organization>_<secret>`. Whether it holds, only the table can tell.
///
/// Only the token's SHA-256 is kept, so that this value can be logged without giving the secret away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The organization that the token names.
    pub organization: OrganizationId,
    /// The scope that the token names.
    pub scope: Scope,
    pub(crate) digest: String,
}

impl Credential {
    /// Reads a token of that scope; `None` for anything else.
    pub fn parse(token: &str, scope: Scope) -> Option<Self> {
        let (organization, secret) = token.strip_prefix(scope.as_str())?.strip_prefix('_')?.split_once('_')?;
        let organization: OrganizationId = organization.parse().ok()?;
        // No organization has an id of another length; to ask the table for one is not allowed and would fail.
        let well_formed = organization.as_str().len() == ORGANIZATION_ID_LENGTH
            && secret.len() == SECRET_LENGTH
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        well_formed.then(|| Self { organization, scope, digest: digest::sha256_hex(token.as_bytes()) })
    }

    /// What the operator revokes it by, which is no secret.
    pub fn id(&self) -> String {
        id(&self.organization, &self.digest)
    }

    pub(crate) fn key(&self) -> Key {
        keys::credential(&self.organization, &self.digest)
    }

    /// A new token for the organization.
    pub(crate) fn generate(organization: &OrganizationId, scope: Scope) -> String {
        format!("{}_{organization}_{}", scope.as_str(), digest::random_base62(SECRET_LENGTH))
    }
}

/// The id of the credential with this digest.
pub(crate) fn id(organization: &OrganizationId, digest: &str) -> String {
    format!("{organization}.{}", digest.get(..ID_DIGEST_LENGTH).unwrap_or(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_token_is_well_formed_for_its_scope_alone() {
        let organization: OrganizationId = "abc123DEF456".parse().unwrap();
        let token = Credential::generate(&organization, Scope::Rfid);
        let credential = Credential::parse(&token, Scope::Rfid).unwrap();
        assert_eq!(credential.organization, organization);
        assert_eq!(credential.digest.len(), 64);
        assert!(!format!("{credential:?}").contains(&token[18..]));
        assert_eq!(Credential::parse(&token, Scope::Api), None);
        assert_eq!(Credential::parse(&token, Scope::View), None);
        assert_ne!(token, Credential::generate(&organization, Scope::Rfid));
    }

    #[test]
    fn anything_else_is_no_token() {
        let (org, secret) = ("abc123DEF456", "a".repeat(43));
        assert!(Credential::parse(&format!("api_{org}_{secret}"), Scope::Api).is_some());
        let tokens = [
            "".to_owned(),
            "api".to_owned(),
            "api__".to_owned(),
            format!("api__{secret}"),
            format!("api_{org}_{secret}a"),
            format!("api_{org}_{}", &secret[1..]),
            format!("api_{org}_x_{}", &secret[2..]),
            format!("API_{org}_{secret}"),
            format!("api_{}#_{secret}", &org[1..]),
            format!("api_{}_{secret}", &org[1..]),
            format!("api_{org}x_{secret}"),
            format!("api_{org}_{}é", &secret[2..]),
            format!(" api_{org}_{secret}"),
        ];
        for token in tokens {
            assert_eq!(Credential::parse(&token, Scope::Api), None, "{token:?}");
        }
    }
}
