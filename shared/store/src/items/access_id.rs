use domain::{AccessId, AccessIdLabel, AccessIdType, AuthorizationStatus, Customer, Id, OrganizationId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Corrupt, StoredItem, Versioned, VersionedItem, id, tag, text};
use crate::keys::{self, Key};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessIdItem {
    #[serde(rename = "SK", default, skip_serializing)]
    sort: Option<String>,
    id: u64,
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
    vehicle_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    version: u64,
}

impl StoredItem for AccessIdItem {
    const OPTIONAL: &'static [&'static str] = &["revokedAt", "vehicleId", "customer"];
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
            id: access_id.id.get(),
            ocpp_id_tag: access_id.tag.to_string(),
            kind: access_id.kind,
            name: access_id.name.to_string(),
            authorization_status: access_id.status,
            authorized_at: access_id.authorized_at,
            revoked_at: access_id.revoked_at,
            created_at: access_id.created_at,
            updated_at: access_id.updated_at,
            vehicle_id: access_id.vehicle.map(Id::get),
            customer: access_id.customer.as_ref().map(|customer| customer.name().to_owned()),
            version,
        }
    }

    fn into_value(self) -> Result<Versioned<AccessId>, Corrupt> {
        if (self.authorization_status == AuthorizationStatus::Revoked) != self.revoked_at.is_some() {
            return Err(Corrupt::new("revokedAt and authorizationStatus disagree"));
        }
        let value = AccessId {
            id: id(self.id, self.sort.as_deref())?,
            tag: tag(self.ocpp_id_tag)?,
            kind: self.kind,
            name: text(self.name)?,
            status: self.authorization_status,
            authorized_at: self.authorized_at,
            revoked_at: self.revoked_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            vehicle: self.vehicle_id.map(Id::new).transpose().map_err(Corrupt::new)?,
            customer: self.customer.map(Customer::stored),
        };
        Ok(Versioned { value, version: self.version })
    }
}

/// What an RFID decision needs to know of an access ID, stored under its tag. It changes together with the access ID.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagItem {
    access_id: u64,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AccessIdType,
    pub authorization_status: AuthorizationStatus,
    /// Where the vehicle can be read together with the access ID. No decision depends on it, and the access ID alone says
    /// whether it is true.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number_if_readable")]
    vehicle_id: Option<u64>,
}

/// A number that nothing depends on: any other value is as good as none.
fn number_if_readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(u64::deserialize(deserializer).ok())
}

impl StoredItem for TagItem {
    const OPTIONAL: &'static [&'static str] = &["vehicleId"];
}

impl TagItem {
    pub fn new(access_id: &AccessId) -> Self {
        Self {
            access_id: access_id.id.get(),
            name: access_id.name.to_string(),
            kind: access_id.kind,
            authorization_status: access_id.status,
            vehicle_id: access_id.vehicle.map(Id::get),
        }
    }

    /// The vehicle that the access ID is linked to, if the item knows it.
    pub fn vehicle(&self) -> Option<Id> {
        self.vehicle_id.and_then(|id| Id::new(id).ok())
    }

    pub fn access_id(&self) -> Result<Id, Corrupt> {
        Id::new(self.access_id).map_err(Corrupt::new)
    }

    /// Whose tag it is.
    pub fn into_label(self) -> Result<AccessIdLabel, Corrupt> {
        Ok(AccessIdLabel { id: self.access_id()?, name: self.name, kind: self.kind })
    }
}
