#[cfg(test)]
mod tests;

use crate::{
    Customer, Id, LicensePlate, Make, Model, Name, Patch, Vin,
    access_id::{AccessId, AccessIdSummary},
    customer::replace_customer,
};

/// How many access IDs one vehicle holds at most.
pub const MAX_ACCESS_IDS_PER_VEHICLE: usize = 100;

/// An electric vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vehicle {
    /// Unique among the organization's vehicles.
    pub id: Id,
    /// What people call it.
    pub name: Name,
    /// Who built it.
    pub make: Option<Make>,
    /// Which of the make's vehicles it is.
    pub model: Option<Model>,
    /// Its identification number.
    pub vin: Option<Vin>,
    /// Its licence plate.
    pub license_plate: Option<LicensePlate>,
    /// Whom it belongs to.
    pub customer: Option<Customer>,
    /// The access IDs linked to it, in the order of their ids.
    pub access_ids: Vec<AccessIdSummary>,
}

/// An access ID and the vehicle it is linked to, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccessId {
    /// The access ID.
    pub access_id: AccessId,
    /// Its vehicle: there exactly if `access_id.vehicle` is set.
    pub vehicle: Option<Vehicle>,
}

/// What is known of a vehicle that is created with its access ID. Its name and customer are the access ID's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewVehicleDetails {
    /// Who built it.
    pub make: Option<Make>,
    /// Which of the make's vehicles it is.
    pub model: Option<Model>,
    /// Its identification number.
    pub vin: Option<Vin>,
}

/// Why an access ID cannot be linked to the vehicle that a request names. Each message follows the name of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// There is no such vehicle.
    #[error("names no vehicle")]
    UnknownVehicle,
    /// The vehicle holds [`MAX_ACCESS_IDS_PER_VEHICLE`] already.
    #[error("names a vehicle that already holds {MAX_ACCESS_IDS_PER_VEHICLE} access IDs")]
    VehicleFull,
}

impl Vehicle {
    /// A vehicle of number `id` that takes this access ID's name and customer. It does not hold the access ID yet.
    pub(crate) fn of_access_id(access_id: &AccessId, id: Id, details: NewVehicleDetails) -> Self {
        Self {
            id,
            name: access_id.name.clone(),
            make: details.make,
            model: details.model,
            vin: details.vin,
            license_plate: None,
            customer: access_id.customer.clone(),
            access_ids: Vec::new(),
        }
    }

    /// Whether this vehicle shows the access ID as linked to it, and as it is.
    pub fn shows(&self, summary: &AccessIdSummary) -> bool {
        self.position(summary.id).is_ok_and(|at| self.access_ids[at] == *summary)
    }

    fn position(&self, access_id: Id) -> Result<usize, usize> {
        self.access_ids.binary_search_by_key(&access_id, |summary| summary.id)
    }

    /// Adds an access ID, or brings what is shown of it up to date.
    pub(crate) fn show(&mut self, summary: AccessIdSummary) {
        match self.position(summary.id) {
            Ok(at) => self.access_ids[at] = summary,
            Err(at) => self.access_ids.insert(at, summary),
        }
    }

    /// Adds an access ID, if there is room.
    pub(crate) fn link(&mut self, summary: AccessIdSummary) -> Result<(), LinkRefused> {
        if self.access_ids.len() >= MAX_ACCESS_IDS_PER_VEHICLE {
            return Err(LinkRefused::VehicleFull);
        }
        self.show(summary);
        Ok(())
    }

    /// The vehicle without that access ID.
    #[must_use]
    pub fn without(mut self, access_id: Id) -> Self {
        self.access_ids.retain(|summary| summary.id != access_id);
        self
    }

    /// Applies an update. Equal values change nothing.
    pub fn update(&self, update: UpdateVehicle) -> Self {
        let before = self.clone();
        Self {
            id: before.id,
            name: update.name.unwrap_or(before.name),
            make: update.make.apply(before.make),
            model: update.model.apply(before.model),
            vin: update.vin.apply(before.vin),
            license_plate: update.license_plate.apply(before.license_plate),
            customer: replace_customer(before.customer, update.customer),
            access_ids: before.access_ids,
        }
    }
}

/// A request to change a vehicle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateVehicle {
    /// A new name.
    pub name: Option<Name>,
    /// Another make, or none.
    pub make: Patch<Make>,
    /// Another model, or none.
    pub model: Patch<Model>,
    /// Another identification number, or none.
    pub vin: Patch<Vin>,
    /// Another licence plate, or none.
    pub license_plate: Patch<LicensePlate>,
    /// Another customer, or none.
    pub customer: Patch<Customer>,
}
