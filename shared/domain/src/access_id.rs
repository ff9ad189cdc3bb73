use serde::{Deserialize, Serialize};

use crate::{Customer, Id, Name, OcppIdTag, Rules, StoredRules, Timestamp};

/// What kind of thing carries the tag. Serializes as the one word that the wire and the table use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "What kind of thing carries the tag."))]
pub enum AccessIdType {
    /// An RFID card that is held to the charger.
    #[serde(rename = "RFID")]
    Rfid,
    /// A vehicle that is plugged in. Its tag is a MAC address, or a contract id (EMAID), which cards have too: hence
    /// [`crate::looks_like`] takes an EMAID for a card's.
    Vehicle,
}

/// Whether the tag may charge. Serializes as the one word that the wire and the table use for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "Whether the tag may charge."))]
pub enum AuthorizationStatus {
    /// It may.
    #[default]
    Authorized,
    /// It may not.
    Revoked,
}

/// A card or a vehicle that charging stations know by its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessId {
    /// Unique among the organization's access IDs.
    pub id: Id,
    /// What the charging station reads. Never changes.
    pub tag: OcppIdTag,
    /// Card or vehicle. Never changes.
    pub kind: AccessIdType,
    /// What people call it.
    pub name: Name,
    /// Whether it may charge.
    pub status: AuthorizationStatus,
    /// When it was created, then when it last went from Revoked to Authorized.
    pub authorized_at: Timestamp,
    /// Set while Revoked: when that began.
    pub revoked_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something of it last changed, its link to a vehicle included.
    pub updated_at: Timestamp,
    /// The vehicle that it is linked to. A card can be linked too.
    pub vehicle: Option<Id>,
    /// Whom it belongs to.
    pub customer: Option<Customer>,
    /// When and where it may begin to charge. No update of the other fields changes them.
    pub rules: StoredRules,
}

/// What a vehicle shows of an access ID that is linked to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessIdSummary {
    /// The access ID's number.
    pub id: Id,
    /// The access ID's tag.
    pub tag: OcppIdTag,
    /// Whether it may charge.
    pub status: AuthorizationStatus,
}

impl AccessId {
    /// What its vehicle shows of it.
    pub fn summary(&self) -> AccessIdSummary {
        AccessIdSummary { id: self.id, tag: self.tag.clone(), status: self.status }
    }

    /// The access ID with these rules in the place of those that it had, which may be rules that this version cannot read.
    /// Equal rules change nothing, `updated_at` included.
    #[must_use]
    pub fn with_rules(&self, rules: Rules, now: Timestamp) -> Self {
        let rules = StoredRules::Readable(rules);
        if rules == self.rules {
            return self.clone();
        }
        // A clock that is behind another never turns a record's time back.
        Self { rules, updated_at: now.max(self.updated_at), ..self.clone() }
    }

    /// Sets the status; one that it already has changes nothing.
    pub(crate) fn set_status(&mut self, status: AuthorizationStatus, now: Timestamp) {
        if self.status != status {
            self.status = status;
            match status {
                AuthorizationStatus::Authorized => {
                    self.authorized_at = now;
                    self.revoked_at = None;
                }
                AuthorizationStatus::Revoked => self.revoked_at = Some(now),
            }
        }
    }
}
