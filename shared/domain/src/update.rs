//! Changing an access ID, and with it the vehicles that it is linked to, before and after.

#[cfg(test)]
mod tests;

use crate::{
    Customer, Id, Make, Model, Name, Patch, Timestamp, Vin,
    access_id::{AccessIdType, AuthorizationStatus},
    customer::replace_customer,
    vehicle::{LinkRefused, LinkedAccessId, NewVehicleDetails, Vehicle},
};

/// A request to change an access ID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAccessId {
    /// The type that the request says the access ID has. It never changes: an access ID of another type refuses the update.
    pub kind: Option<AccessIdType>,
    /// A new name.
    pub name: Option<Name>,
    /// A new status.
    pub status: Option<AuthorizationStatus>,
    /// Another customer, or none.
    pub customer: Patch<Customer>,
    /// What happens to its vehicle.
    pub vehicle: VehicleChange,
}

/// What an update of an access ID does to its vehicle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VehicleChange {
    /// Neither `vehicle` nor `vehicleId` was given: nothing.
    #[default]
    Keep,
    /// `vehicle: null`: the link of type Vehicle goes, the vehicle stays. For type RFID, whose `vehicle` is always shown as
    /// null, nothing: a client that writes back what it read must not lose the card's link.
    Clear,
    /// `vehicleId: null`: the link goes, whatever the type; the vehicle stays.
    Unlink,
    /// `vehicleId`: the access ID, whatever its type, is linked to that vehicle and to no other.
    Link(Id),
    /// `vehicle: {…}`: the linked vehicle's fields change; without one, a vehicle is created. Not for type RFID.
    Change {
        /// Another make, or none.
        make: Patch<Make>,
        /// Another model, or none.
        model: Patch<Model>,
        /// Another identification number, or none.
        vin: Patch<Vin>,
    },
}

/// An update that the record does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUpdate {
    /// The access ID is not of the type that the request says.
    #[error("cannot change: the access ID that has this tag is of the other type")]
    OtherType,
    /// [`VehicleChange::Change`] for a card.
    #[error("the vehicle of an RFID access ID cannot be changed through it")]
    VehicleOfRfid,
    /// [`VehicleChange::Link`] to a vehicle that does not exist or is full.
    #[error(transparent)]
    Link(#[from] LinkRefused),
}

/// What an update comes to. Whoever stores it writes all of it, or nothing: the access ID, its vehicle if that is not what
/// it was, and the vehicle that it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessIdUpdate {
    /// The access ID and its vehicle after the update. After a move, the vehicle is the new one.
    pub after: LinkedAccessId,
    /// The vehicle that held the access ID before and no longer does, as it is after the update.
    pub unlinked: Option<Vehicle>,
}

impl LinkedAccessId {
    /// Applies an update. Equal values change nothing, `updated_at` included.
    ///
    /// `new_vehicle` is the number for a vehicle that the update creates, `existing` the vehicle that
    /// [`VehicleChange::Link`] names, if there is one. It is not needed when the access ID is linked to it already.
    ///
    /// # Errors
    /// [`RefusedUpdate`] when the access ID or the named vehicle does not allow the change.
    pub fn update(
        &self,
        update: UpdateAccessId,
        new_vehicle: Id,
        existing: Option<Vehicle>,
        now: Timestamp,
    ) -> Result<AccessIdUpdate, RefusedUpdate> {
        let before = &self.access_id;
        // A clock that is behind another never turns a record's time back.
        let now = now.max(before.updated_at);
        let mut access_id = before.clone();
        let mut vehicle = self.vehicle.clone();
        let mut unlinked = None;

        if update.kind.is_some_and(|kind| kind != before.kind) {
            return Err(RefusedUpdate::OtherType);
        }
        if let Some(name) = update.name {
            access_id.name = name;
        }
        if let Some(status) = update.status {
            access_id.set_status(status, now);
        }
        access_id.customer = replace_customer(access_id.customer, update.customer);
        match update.vehicle {
            VehicleChange::Keep => {}
            VehicleChange::Clear if before.kind == AccessIdType::Rfid => {}
            VehicleChange::Clear | VehicleChange::Unlink => {
                access_id.vehicle = None;
                unlinked = vehicle.take().map(|vehicle| vehicle.without(before.id));
            }
            VehicleChange::Link(id) if before.vehicle == Some(id) => {}
            VehicleChange::Link(id) => {
                let mut next = existing.filter(|vehicle| vehicle.id == id).ok_or(LinkRefused::UnknownVehicle)?;
                next.link(access_id.summary())?;
                access_id.vehicle = Some(id);
                unlinked = vehicle.replace(next).map(|vehicle| vehicle.without(before.id));
            }
            VehicleChange::Change { .. } if before.kind == AccessIdType::Rfid => {
                return Err(RefusedUpdate::VehicleOfRfid);
            }
            VehicleChange::Change { make, model, vin } => {
                let mut changed = vehicle
                    .unwrap_or_else(|| Vehicle::of_access_id(&access_id, new_vehicle, NewVehicleDetails::default()));
                changed.make = make.apply(changed.make);
                changed.model = model.apply(changed.model);
                changed.vin = vin.apply(changed.vin);
                access_id.vehicle = Some(changed.id);
                vehicle = Some(changed);
            }
        }
        if let Some(vehicle) = &mut vehicle {
            vehicle.show(access_id.summary());
        }
        if access_id != *before {
            access_id.updated_at = now;
        }
        Ok(AccessIdUpdate { after: LinkedAccessId { access_id, vehicle }, unlinked })
    }
}
