//! Bringing in an access ID by its tag: one that has the tag is changed, else one is created.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::{
    AccessIdType, AuthorizationStatus, Customer, Name, NewAccessId, NewVehicleDetails, OcppIdTag, Patch, RefusedUpdate,
    UpdateAccessId, VehicleChange, VehicleLink,
};

/// An access ID as an import has it. Its tag says which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAccessId {
    /// What the charging station reads.
    pub tag: OcppIdTag,
    /// Card or vehicle. One that exists and is of the other type refuses the import.
    pub kind: AccessIdType,
    /// What people call it.
    pub name: Name,
    /// Whether it may charge: by default, a new one may, and one that exists keeps its status.
    pub status: Option<AuthorizationStatus>,
    /// Whom it belongs to.
    pub customer: Patch<Customer>,
    /// Its vehicle. To a new access ID, what would remove a vehicle means none.
    pub vehicle: VehicleChange,
}

impl PutAccessId {
    /// What it asks for if no access ID has its tag. A card may be linked to a vehicle that exists, as an update may link it:
    /// what an import comes to must not depend on whether the card was there before.
    ///
    /// # Errors
    /// [`RefusedUpdate::VehicleOfRfid`] if a card is to create a vehicle, as an update refuses it.
    pub fn creation(&self) -> Result<NewAccessId, RefusedUpdate> {
        let vehicle = match &self.vehicle {
            VehicleChange::Keep | VehicleChange::Clear | VehicleChange::Unlink => VehicleLink::None,
            VehicleChange::Change { .. } if self.kind == AccessIdType::Rfid => {
                return Err(RefusedUpdate::VehicleOfRfid);
            }
            VehicleChange::Link(id) => VehicleLink::Existing(*id),
            VehicleChange::Change { make, model, vin } => VehicleLink::New(NewVehicleDetails {
                make: make.clone().apply(None),
                model: model.clone().apply(None),
                vin: vin.clone().apply(None),
            }),
        };
        Ok(NewAccessId {
            tag: self.tag.clone(),
            kind: self.kind,
            name: self.name.clone(),
            status: self.status.unwrap_or_default(),
            vehicle,
            customer: self.customer.clone().apply(None),
        })
    }

    /// What it asks for if an access ID has its tag.
    pub fn update(&self) -> UpdateAccessId {
        UpdateAccessId {
            kind: Some(self.kind),
            name: Some(self.name.clone()),
            status: self.status,
            customer: self.customer.clone(),
            vehicle: self.vehicle.clone(),
        }
    }
}

/// Writes each customer as the first of these access IDs writes it. Which of them creates a new customer is then of no
/// consequence.
pub fn spell_customers_alike<'a>(access_ids: impl Iterator<Item = &'a mut PutAccessId>) {
    let mut spellings = HashMap::new();
    for access_id in access_ids {
        if let Patch::Set(customer) = &mut access_id.customer {
            *customer = spellings.entry(customer.key()).or_insert_with(|| customer.clone()).clone();
        }
    }
}
