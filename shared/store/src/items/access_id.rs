use domain::{AccessId, AccessIdType, AuthorizationStatus, Customer, Id, OrganizationId, StoredRules, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Corrupt, StoredItem, Versioned, VersionedItem, id_of, rules, tag, text};
use crate::keys::{self, Key};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessIdItem {
    #[serde(rename = "SK", default, skip_serializing)]
    sort: Option<String>,
    id: Id,
    ocpp_id_tag: String,
    #[serde(rename = "type")]
    kind: AccessIdType,
    name: String,
    authorization_status: AuthorizationStatus,
    authorized_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vehicle_id: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    #[serde(default, with = "rules", skip_serializing_if = "rules::are_not_written")]
    rules: StoredRules,
    version: u64,
}

impl AccessIdItem {
    pub fn id(&self) -> Result<Id, Corrupt> {
        id_of(self.id, self.sort.as_deref())
    }
}

impl StoredItem for AccessIdItem {
    const OPTIONAL: &'static [&'static str] = &["revokedAt", "vehicleId", "customer", rules::ATTRIBUTE];

    fn keeps(&self, attribute: &str) -> bool {
        rules::are_kept(&self.rules, attribute)
    }
}

impl VersionedItem for AccessIdItem {
    type Value = AccessId;

    fn list(organization: &OrganizationId) -> String {
        keys::access_ids(organization)
    }

    fn key(organization: &OrganizationId, access_id: &AccessId) -> Key {
        keys::access_id(organization, access_id.id)
    }

    fn new(access_id: &AccessId, version: u64) -> Self {
        Self {
            sort: None,
            id: access_id.id,
            ocpp_id_tag: access_id.tag.to_string(),
            kind: access_id.kind,
            name: access_id.name.to_string(),
            authorization_status: access_id.status,
            authorized_at: access_id.authorized_at,
            revoked_at: access_id.revoked_at,
            created_at: access_id.created_at,
            updated_at: access_id.updated_at,
            vehicle_id: access_id.vehicle,
            customer: access_id.customer.as_ref().map(|customer| customer.name().to_owned()),
            rules: access_id.rules.clone(),
            version,
        }
    }

    fn into_value(self) -> Result<Versioned<AccessId>, Corrupt> {
        if (self.authorization_status == AuthorizationStatus::Revoked) != self.revoked_at.is_some() {
            return Err(Corrupt::new("revokedAt and authorizationStatus disagree"));
        }
        let value = AccessId {
            id: self.id()?,
            tag: tag(self.ocpp_id_tag)?,
            kind: self.kind,
            name: text(self.name)?,
            status: self.authorization_status,
            authorized_at: self.authorized_at,
            revoked_at: self.revoked_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            vehicle: self.vehicle_id,
            customer: self.customer.map(Customer::stored),
            rules: self.rules,
        };
        Ok(Versioned { value, version: self.version })
    }
}
