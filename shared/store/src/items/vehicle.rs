use domain::{
    AccessIdSummary, AuthorizationStatus, Customer, Id, MAX_ACCESS_IDS_PER_VEHICLE, OrganizationId, Text, Vehicle,
};
use serde::{Deserialize, Serialize};

use super::{Corrupt, StoredItem, Versioned, VersionedItem, id_of, tag, text};
use crate::keys::{self, Key};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VehicleItem {
    #[serde(rename = "SK", default, skip_serializing)]
    sort: Option<String>,
    id: Id,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license_plate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    access_ids: Vec<Summary>,
    version: u64,
}

/// Its attributes have short names, because a vehicle holds up to a hundred of these, and a page up to a hundred vehicles.
#[derive(Serialize, Deserialize)]
struct Summary {
    id: Id,
    tag: String,
    status: AuthorizationStatus,
}

impl VehicleItem {
    pub fn id(&self) -> Result<Id, Corrupt> {
        id_of(self.id, self.sort.as_deref())
    }
}

impl StoredItem for VehicleItem {
    const OPTIONAL: &'static [&'static str] = &["make", "model", "vin", "licensePlate", "customer"];
}

impl VersionedItem for VehicleItem {
    type Value = Vehicle;

    fn list(organization: &OrganizationId) -> String {
        keys::vehicles(organization)
    }

    fn key(organization: &OrganizationId, vehicle: &Vehicle) -> Key {
        keys::vehicle(organization, vehicle.id)
    }

    fn new(vehicle: &Vehicle, version: u64) -> Self {
        fn optional<const MAX: usize>(text: Option<&Text<MAX>>) -> Option<String> {
            text.map(ToString::to_string)
        }
        let summary = |summary: &AccessIdSummary| Summary {
            id: summary.id,
            tag: summary.tag.to_string(),
            status: summary.status,
        };
        Self {
            sort: None,
            id: vehicle.id,
            name: vehicle.name.to_string(),
            make: optional(vehicle.make.as_ref()),
            model: optional(vehicle.model.as_ref()),
            vin: optional(vehicle.vin.as_ref()),
            license_plate: optional(vehicle.license_plate.as_ref()),
            customer: vehicle.customer.as_ref().map(|customer| customer.name().to_owned()),
            access_ids: vehicle.access_ids.iter().map(summary).collect(),
            version,
        }
    }

    fn into_value(self) -> Result<Versioned<Vehicle>, Corrupt> {
        let id = self.id()?;
        let summary = |Summary { id, tag: stored, status }| Ok(AccessIdSummary { id, tag: tag(stored)?, status });
        let access_ids: Vec<_> = self.access_ids.into_iter().map(summary).collect::<Result<_, Corrupt>>()?;
        // They are looked up by id: out of order, some would not be found.
        let is_in_order = access_ids.is_sorted_by(|before, after| before.id < after.id);
        if !is_in_order || access_ids.len() > MAX_ACCESS_IDS_PER_VEHICLE {
            return Err(Corrupt::new("accessIds are too many or not in the order of their ids"));
        }
        let value = Vehicle {
            id,
            name: text(self.name)?,
            make: self.make.map(text).transpose()?,
            model: self.model.map(text).transpose()?,
            vin: self.vin.map(text).transpose()?,
            license_plate: self.license_plate.map(text).transpose()?,
            customer: self.customer.map(Customer::stored),
            access_ids,
        };
        Ok(Versioned { value, version: self.version })
    }
}
