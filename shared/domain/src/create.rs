//! Creating access IDs and vehicles.

#[cfg(test)]
mod tests;

use crate::{
    Customer, Id, LicensePlate, Make, Model, Name, OcppIdTag, StoredRules, Timestamp, Vin,
    access_id::{AccessId, AccessIdType, AuthorizationStatus},
    vehicle::{LinkRefused, LinkedAccessId, NewVehicleDetails, Vehicle},
};

/// How many access IDs one request for a new vehicle names at most. They fit into a new vehicle.
pub const MAX_ACCESS_IDS_PER_REQUEST: usize = 40;

/// A request for a new access ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessId {
    /// What the charging station reads.
    pub tag: OcppIdTag,
    /// Card or vehicle.
    pub kind: AccessIdType,
    /// What people call it.
    pub name: Name,
    /// Whether it may charge at first.
    pub status: AuthorizationStatus,
    /// The vehicle to link it to.
    pub vehicle: VehicleLink,
    /// Whom it belongs to.
    pub customer: Option<Customer>,
}

/// The vehicle of a new access ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VehicleLink {
    /// None.
    None,
    /// One that is created with it.
    New(NewVehicleDetails),
    /// One that exists.
    Existing(Id),
}

impl NewAccessId {
    /// The access ID of number `id` and its vehicle as they are to be stored. That its tag is free is for the caller to
    /// find out; [`TagTaken::by`] is the refusal.
    ///
    /// `new_vehicle` is the number for a vehicle that is created with it, `existing` the vehicle that
    /// [`VehicleLink::Existing`] names, if there is one.
    ///
    /// # Errors
    /// [`LinkRefused`] when the named vehicle does not exist or holds no further access ID.
    pub fn create(
        self,
        id: Id,
        new_vehicle: Id,
        existing: Option<Vehicle>,
        now: Timestamp,
    ) -> Result<LinkedAccessId, LinkRefused> {
        let mut access_id = AccessId {
            id,
            tag: self.tag,
            kind: self.kind,
            name: self.name,
            status: self.status,
            authorized_at: now,
            revoked_at: (self.status == AuthorizationStatus::Revoked).then_some(now),
            created_at: now,
            updated_at: now,
            vehicle: None,
            customer: self.customer,
            rules: StoredRules::default(),
        };
        let mut vehicle = match self.vehicle {
            VehicleLink::None => None,
            VehicleLink::New(details) => Some(Vehicle::of_access_id(&access_id, new_vehicle, details)),
            VehicleLink::Existing(_) => Some(existing.ok_or(LinkRefused::UnknownVehicle)?),
        };
        if let Some(vehicle) = &mut vehicle {
            access_id.vehicle = Some(vehicle.id);
            vehicle.link(access_id.summary())?;
        }
        Ok(LinkedAccessId { access_id, vehicle })
    }
}

/// A request for a new vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVehicle {
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
    /// The tags to link to it, no tag twice, at most [`MAX_ACCESS_IDS_PER_REQUEST`].
    pub tags: Vec<RequestedTag>,
}

/// A tag that a new vehicle shall hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedTag {
    /// What the charging station reads.
    pub tag: OcppIdTag,
    /// Whether it may charge: by default, a new access ID may, and one that exists keeps its status.
    pub status: Option<AuthorizationStatus>,
}

/// A creation was refused because tags of the request belong to access IDs that it cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ID tag is taken")]
pub struct TagTaken {
    /// Every taken tag, in the order of the request. Never empty.
    pub conflicts: Vec<TagConflict>,
}

/// A tag of a request that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagConflict {
    /// Its place in [`NewVehicle::tags`], from 0. A new access ID has one tag, and so no place.
    pub index: Option<usize>,
    /// The access ID that has the tag.
    pub access_id: Id,
}

impl TagTaken {
    /// The refusal of a new access ID whose tag this access ID has.
    pub fn by(access_id: Id) -> Self {
        Self { conflicts: vec![TagConflict { index: None, access_id }] }
    }
}

impl NewVehicle {
    /// The vehicle of number `id` and its access IDs as they are to be stored, in the order of the request's tags.
    ///
    /// `existing` are the access IDs among the requested tags that exist already: they are linked, and keep their
    /// type, name and customer. The others are created with the numbers that `next_id` gives.
    ///
    /// # Errors
    /// [`TagTaken`] names every tag whose access ID is linked to a vehicle.
    pub fn create(
        self,
        id: Id,
        existing: &[AccessId],
        mut next_id: impl FnMut() -> Id,
        now: Timestamp,
    ) -> Result<(Vehicle, Vec<AccessId>), TagTaken> {
        let known = |tag: &OcppIdTag| existing.iter().find(|access_id| access_id.tag == *tag);
        let holders =
            self.tags.iter().enumerate().filter_map(|(index, requested)| Some((index, known(&requested.tag)?)));
        let linked = holders.filter(|(_, holder)| holder.vehicle.is_some());
        let conflicts: Vec<_> =
            linked.map(|(index, holder)| TagConflict { index: Some(index), access_id: holder.id }).collect();
        if !conflicts.is_empty() {
            return Err(TagTaken { conflicts });
        }

        // One time for the whole request, and never before the latest change of a record that it touches.
        let now = existing.iter().map(|access_id| access_id.updated_at).fold(now, Timestamp::max);
        let mut vehicle = Vehicle {
            id,
            name: self.name,
            make: self.make,
            model: self.model,
            vin: self.vin,
            license_plate: self.license_plate,
            customer: self.customer,
            access_ids: Vec::new(),
        };
        let mut access_ids = Vec::with_capacity(self.tags.len());
        for RequestedTag { tag, status } in self.tags {
            let access_id = match known(&tag) {
                Some(before) => {
                    let mut access_id = before.clone();
                    access_id.vehicle = Some(id);
                    access_id.set_status(status.unwrap_or(before.status), now);
                    access_id.updated_at = now;
                    access_id
                }
                None => {
                    let status = status.unwrap_or_default();
                    AccessId {
                        id: next_id(),
                        tag,
                        kind: AccessIdType::Vehicle,
                        name: vehicle.name.clone(),
                        status,
                        authorized_at: now,
                        revoked_at: (status == AuthorizationStatus::Revoked).then_some(now),
                        created_at: now,
                        updated_at: now,
                        vehicle: Some(id),
                        customer: vehicle.customer.clone(),
                        rules: StoredRules::default(),
                    }
                }
            };
            vehicle.show(access_id.summary());
            access_ids.push(access_id);
        }
        Ok((vehicle, access_ids))
    }
}
