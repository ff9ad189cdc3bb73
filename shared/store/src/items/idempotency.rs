use domain::{AccessId, LinkedAccessId, OrganizationId, Vehicle};
use serde::{Deserialize, Serialize};

use super::{AccessIdItem, Corrupt, StoredItem, VehicleItem, VersionedItem as _};
use crate::keys::{self, Key};

/// A creation that came with an Idempotency-Key, and what was created.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdempotencyItem {
    /// The SHA-256 of the request's body.
    pub fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_id: Option<AccessIdItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vehicle: Option<VehicleItem>,
    /// When it is forgotten, in seconds since 1970: the table's time to live.
    pub expires_at: i64,
}

impl StoredItem for IdempotencyItem {}

impl IdempotencyItem {
    pub fn new(fingerprint: String, access_id: Option<&AccessId>, vehicle: Option<&Vehicle>, expires_at: i64) -> Self {
        let access_id = access_id.map(|access_id| AccessIdItem::new(access_id, 1));
        Self { fingerprint, access_id, vehicle: vehicle.map(|vehicle| VehicleItem::new(vehicle, 1)), expires_at }
    }

    /// The key of the record that was created.
    pub fn created(&self, organization: &OrganizationId) -> Result<Key, Corrupt> {
        match (&self.access_id, &self.vehicle) {
            (Some(access_id), _) => Ok(keys::access_id(organization, access_id.id()?)),
            (None, Some(vehicle)) => Ok(keys::vehicle(organization, vehicle.id()?)),
            (None, None) => Err(Corrupt::new("an idempotency item without a record")),
        }
    }

    pub fn into_access_id(self) -> Result<LinkedAccessId, Corrupt> {
        let access_id = self.access_id.ok_or_else(|| Corrupt::new("an idempotency item without its access ID"))?;
        let vehicle = self.vehicle.map(VehicleItem::into_value).transpose()?;
        Ok(LinkedAccessId { access_id: access_id.into_value()?.value, vehicle: vehicle.map(|vehicle| vehicle.value) })
    }

    pub fn into_vehicle(self) -> Result<Vehicle, Corrupt> {
        let vehicle = self.vehicle.ok_or_else(|| Corrupt::new("an idempotency item without its vehicle"))?;
        Ok(vehicle.into_value()?.value)
    }
}
