use serde::{Deserialize, Serialize};

use crate::{AccessIdSummary, Customer, Id, LinkRefused, Make, Model, Name, OcppIdTag, Patch, Timestamp, Vehicle, Vin};

/// What kind of thing carries the tag. Serializes as the one word that the wire and the table use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "What kind of thing carries the tag."))]
pub enum AccessIdType {
    /// An RFID card that is held to the charger.
    #[serde(rename = "RFID")]
    Rfid,
    /// A vehicle that is plugged in; its tag is a MAC address.
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

/// A card or a vehicle's MAC address, known by its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessId {
    /// Its number.
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
    /// The vehicle it is linked to.
    pub vehicle: Option<Id>,
    /// Whom it belongs to.
    pub customer: Option<Customer>,
}

/// An access ID and the vehicle it is linked to, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccessId {
    /// The access ID.
    pub access_id: AccessId,
    /// Its vehicle: there exactly if `access_id.vehicle` is set.
    pub vehicle: Option<Vehicle>,
}

/// A request for a new access ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessId {
    /// Its tag.
    pub tag: OcppIdTag,
    /// Card or vehicle.
    pub kind: AccessIdType,
    /// Its name.
    pub name: Name,
    /// Its first status.
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

/// What is known of a vehicle that is created with its access ID. Its name and customer are the access ID's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewVehicleDetails {
    /// Its make.
    pub make: Option<Make>,
    /// Its model.
    pub model: Option<Model>,
    /// Its identification number.
    pub vin: Option<Vin>,
}

impl NewAccessId {
    /// The access ID of number `id` and its vehicle as they are to be stored.
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
        };
        let mut vehicle = match self.vehicle {
            VehicleLink::None => None,
            VehicleLink::New(details) => Some(access_id.new_vehicle(new_vehicle, details)),
            VehicleLink::Existing(_) => Some(existing.ok_or(LinkRefused::UnknownVehicle)?),
        };
        if let Some(vehicle) = &mut vehicle {
            access_id.vehicle = Some(vehicle.id);
            vehicle.link(access_id.summary())?;
        }
        Ok(LinkedAccessId { access_id, vehicle })
    }
}

impl AccessId {
    /// What its vehicle shows of it.
    pub fn summary(&self) -> AccessIdSummary {
        AccessIdSummary { id: self.id, tag: self.tag.clone(), status: self.status }
    }

    /// A vehicle that takes this access ID's name and customer. It does not hold the access ID yet.
    fn new_vehicle(&self, id: Id, details: NewVehicleDetails) -> Vehicle {
        Vehicle {
            id,
            name: self.name.clone(),
            make: details.make,
            model: details.model,
            vin: details.vin,
            license_plate: None,
            customer: self.customer.clone(),
            access_ids: Vec::new(),
        }
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

/// A request to change an access ID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateAccessId {
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
    /// Nothing.
    #[default]
    Keep,
    /// The link goes, the vehicle stays.
    Unlink,
    /// The linked vehicle's fields change; without one, a vehicle is created.
    Change {
        /// Its make.
        make: Patch<Make>,
        /// Its model.
        model: Patch<Model>,
        /// Its identification number.
        vin: Patch<Vin>,
    },
}

/// An update that the record does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUpdate {
    /// The vehicle of an RFID card cannot be changed through the card.
    #[error("the vehicle of an RFID access ID cannot be changed through it")]
    VehicleOfRfid,
}

/// What an update comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessIdUpdate {
    /// The access ID and its vehicle after the update.
    pub after: LinkedAccessId,
    /// The vehicle that no longer holds the access ID, if the update took it away.
    pub unlinked: Option<Vehicle>,
}

impl LinkedAccessId {
    /// Applies an update. Equal values change nothing, `updated_at` included.
    ///
    /// `new_vehicle` is the number for a vehicle that the update creates.
    ///
    /// # Errors
    /// [`RefusedUpdate`] when the access ID does not allow the change.
    pub fn update(
        &self,
        update: UpdateAccessId,
        new_vehicle: Id,
        now: Timestamp,
    ) -> Result<AccessIdUpdate, RefusedUpdate> {
        let before = &self.access_id;
        // A clock that is behind another never turns a record's time back.
        let now = now.max(before.updated_at);
        let mut access_id = before.clone();
        let mut vehicle = self.vehicle.clone();
        let mut unlinked = None;

        if let Some(name) = update.name {
            access_id.name = name;
        }
        if let Some(status) = update.status {
            access_id.set_status(status, now);
        }
        access_id.customer = replace_customer(access_id.customer, update.customer);
        match update.vehicle {
            VehicleChange::Keep => {}
            VehicleChange::Unlink => {
                access_id.vehicle = None;
                unlinked = vehicle.take().map(|vehicle| vehicle.without(before.id));
            }
            VehicleChange::Change { .. } if before.kind == AccessIdType::Rfid => {
                return Err(RefusedUpdate::VehicleOfRfid);
            }
            VehicleChange::Change { make, model, vin } => {
                let mut changed =
                    vehicle.unwrap_or_else(|| access_id.new_vehicle(new_vehicle, NewVehicleDetails::default()));
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

/// The customer after an update. The same customer in another spelling keeps the spelling it has.
pub(crate) fn replace_customer(before: Option<Customer>, patch: Patch<Customer>) -> Option<Customer> {
    match (before, patch) {
        (Some(before), Patch::Set(after)) if before == after => Some(before),
        (before, patch) => patch.apply(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_722_626_008_897 + milliseconds).unwrap()
    }

    fn id(number: u64) -> Id {
        Id::new(number).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn create(kind: AccessIdType, status: AuthorizationStatus, vehicle: VehicleLink) -> LinkedAccessId {
        let new = NewAccessId {
            tag: OcppIdTag::normalize("04:E1:A2").unwrap(),
            kind,
            name: name("One"),
            status,
            vehicle,
            customer: Some(Customer::new("Fleet").unwrap()),
        };
        new.create(id(1), id(20), None, at(0)).unwrap()
    }

    fn vehicle_access_id() -> LinkedAccessId {
        let details = NewVehicleDetails { vin: Some(Vin::new("vin-1").unwrap()), ..NewVehicleDetails::default() };
        create(AccessIdType::Vehicle, AuthorizationStatus::Authorized, VehicleLink::New(details))
    }

    fn status(status: AuthorizationStatus) -> UpdateAccessId {
        UpdateAccessId { status: Some(status), ..UpdateAccessId::default() }
    }

    #[test]
    fn a_new_vehicle_takes_name_and_customer_and_shows_the_access_id() {
        let linked = vehicle_access_id();
        let vehicle = linked.vehicle.unwrap();
        assert_eq!((vehicle.id, vehicle.name.as_str()), (id(20), "One"));
        assert_eq!(vehicle.customer, linked.access_id.customer);
        assert_eq!(vehicle.access_ids, [linked.access_id.summary()]);
        assert_eq!(linked.access_id.vehicle, Some(id(20)));
    }

    #[test]
    fn created_revoked_has_both_times() {
        let linked = create(AccessIdType::Rfid, AuthorizationStatus::Revoked, VehicleLink::None);
        assert_eq!((linked.access_id.authorized_at, linked.access_id.revoked_at), (at(0), Some(at(0))));
    }

    #[test]
    fn status_changes_keep_the_times_rules() {
        let first = vehicle_access_id();
        let revoked = first.update(status(AuthorizationStatus::Revoked), id(9), at(5)).unwrap().after;
        let again = revoked.update(status(AuthorizationStatus::Revoked), id(9), at(7)).unwrap().after;
        assert_eq!(again, revoked, "the status it already has changes nothing");
        let revoked_id = &revoked.access_id;
        assert_eq!(
            (revoked_id.authorized_at, revoked_id.revoked_at, revoked_id.updated_at),
            (at(0), Some(at(5)), at(5))
        );
        assert_eq!(revoked.vehicle.as_ref().unwrap().access_ids[0].status, AuthorizationStatus::Revoked);
        let back = revoked.update(status(AuthorizationStatus::Authorized), id(9), at(9)).unwrap().after.access_id;
        assert_eq!((back.authorized_at, back.revoked_at, back.updated_at), (at(9), None, at(9)));
    }

    #[test]
    fn time_never_runs_backwards_in_a_record() {
        let first = vehicle_access_id().update(status(AuthorizationStatus::Revoked), id(9), at(50)).unwrap().after;
        let after = first.update(status(AuthorizationStatus::Authorized), id(9), at(10)).unwrap().after.access_id;
        assert_eq!((after.authorized_at, after.updated_at), (at(50), at(50)));
    }

    #[test]
    fn equal_values_change_nothing() {
        let before = vehicle_access_id();
        let update = UpdateAccessId {
            name: Some(name("One")),
            status: Some(AuthorizationStatus::Authorized),
            customer: Patch::Set(Customer::new("FLEET").unwrap()),
            vehicle: VehicleChange::Change { make: Patch::Clear, model: Patch::Keep, vin: Patch::Keep },
        };
        let update = before.update(update, id(9), at(5)).unwrap();
        assert_eq!(update, AccessIdUpdate { after: before.clone(), unlinked: None });
        assert_eq!(update.after.access_id.customer.unwrap().name(), "Fleet");
    }

    #[test]
    fn a_vehicles_fields_do_not_move_updated_at() {
        let before = vehicle_access_id();
        let make = Patch::Set(Make::new("Tesla").unwrap());
        let vehicle = VehicleChange::Change { make: make.clone(), model: Patch::Keep, vin: Patch::Clear };
        let after = before.update(UpdateAccessId { vehicle, ..Default::default() }, id(9), at(5)).unwrap().after;
        assert_eq!(after.access_id, before.access_id);
        let vehicle = after.vehicle.unwrap();
        assert_eq!((Patch::Set(vehicle.make.unwrap()), vehicle.vin), (make, None));
    }

    #[test]
    fn unlinking_keeps_the_vehicle() {
        let before = vehicle_access_id();
        let unlink = UpdateAccessId { vehicle: VehicleChange::Unlink, ..Default::default() };
        let update = before.update(unlink.clone(), id(9), at(5)).unwrap();
        assert_eq!((update.after.access_id.vehicle, update.after.vehicle.clone()), (None, None));
        assert_eq!(update.after.access_id.updated_at, at(5));
        assert!(update.unlinked.unwrap().access_ids.is_empty());
        let again = update.after.update(unlink, id(9), at(8)).unwrap();
        assert_eq!((again.after.access_id.updated_at, again.unlinked), (at(5), None));
    }

    #[test]
    fn a_vehicle_is_created_with_name_and_customer_after_the_update() {
        let before = create(AccessIdType::Vehicle, AuthorizationStatus::Authorized, VehicleLink::None);
        let update = UpdateAccessId {
            name: Some(name("Two")),
            customer: Patch::Clear,
            vehicle: VehicleChange::Change { make: Patch::Keep, model: Patch::Keep, vin: Patch::Keep },
            status: Some(AuthorizationStatus::Revoked),
        };
        let after = before.update(update, id(9), at(5)).unwrap().after;
        let vehicle = after.vehicle.unwrap();
        assert_eq!((vehicle.id, vehicle.name.as_str(), vehicle.customer), (id(9), "Two", None));
        assert_eq!(vehicle.access_ids, [after.access_id.summary()]);
        assert_eq!((after.access_id.vehicle, after.access_id.updated_at), (Some(id(9)), at(5)));
    }

    #[test]
    fn the_vehicle_of_a_card_cannot_be_changed_through_it() {
        let before = create(AccessIdType::Rfid, AuthorizationStatus::Authorized, VehicleLink::None);
        let vehicle = VehicleChange::Change { make: Patch::Keep, model: Patch::Keep, vin: Patch::Keep };
        let update = UpdateAccessId { vehicle, ..Default::default() };
        assert_eq!(before.update(update, id(9), at(5)), Err(RefusedUpdate::VehicleOfRfid));
    }
}
