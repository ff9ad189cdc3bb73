//! The RFID decision: one call, whatever is asked and however many tags there are.

use domain::{AccessIdType, AuthorizationStatus, Id, Name, OcppIdTag};

use crate::{
    Credential, Error, Store, keys,
    record::{self, TagRecord},
};

/// What is known of a tag at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may charge.
    Authorized {
        /// The access ID's number.
        id: Id,
        /// Its name.
        name: Name,
        /// Card or vehicle.
        kind: AccessIdType,
    },
    /// No access ID of the organization has this tag.
    Unknown,
    /// Its access ID is revoked.
    Revoked,
}

impl Store {
    /// Whether the tag may charge, by the table's state at this moment. One strongly consistent call, which also checks
    /// the credential. Without a tag (what came in can be none) the credential alone is checked.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] and the table's own. Nothing but an `Ok` authorizes.
    pub async fn decide(&self, caller: &Credential, tag: Option<&OcppIdTag>) -> Result<Decision, Error> {
        let tag_key = tag.map(|tag| keys::tag(&caller.organization, tag));
        let mut found = self.batch_get([caller.key()].into_iter().chain(tag_key.clone())).await?;
        found.credential(caller)?;
        let record: Option<TagRecord> = tag_key.map(|key| found.take(&key)).transpose()?.flatten();
        let Some(record) = record else { return Ok(Decision::Unknown) };
        match record.authorization_status.into() {
            AuthorizationStatus::Authorized => Ok(Decision::Authorized {
                id: record.access_id()?,
                name: record::name(&record.name)?,
                kind: record.kind.into(),
            }),
            AuthorizationStatus::Revoked => Ok(Decision::Revoked),
        }
    }
}
