use crate::{
    AccessId, AccessIdType, AuthorizationStatus, Customer, Id, LicensePlate, Make, Model, Name, OcppIdTag, Patch,
    Timestamp, Vin, access_id::replace_customer,
};

/// How many access IDs one vehicle holds at most.
pub const MAX_ACCESS_IDS_PER_VEHICLE: usize = 100;
/// How many access IDs one request for a new vehicle names at most.
pub const MAX_ACCESS_IDS_PER_REQUEST: usize = 40;

/// An electric vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vehicle {
    /// Its number.
    pub id: Id,
    /// What people call it.
    pub name: Name,
    /// Its make.
    pub make: Option<Make>,
    /// Its model.
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

/// What a vehicle shows of an access ID that is linked to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessIdSummary {
    /// The access ID's number.
    pub id: Id,
    /// Its tag.
    pub tag: OcppIdTag,
    /// Whether it may charge.
    pub status: AuthorizationStatus,
}

/// Why an access ID and a vehicle cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// There is no such vehicle.
    #[error("names no vehicle")]
    UnknownVehicle,
    /// The vehicle holds [`MAX_ACCESS_IDS_PER_VEHICLE`] already.
    #[error("names a vehicle that already holds 100 access IDs")]
    VehicleFull,
    /// The tag belongs to an access ID that cannot be linked: it is linked to a vehicle.
    #[error("the ID tag {0} is taken")]
    TagTaken(OcppIdTag),
}

impl Vehicle {
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

    /// Adds an access ID.
    pub(crate) fn link(&mut self, summary: AccessIdSummary) -> Result<(), LinkRefused> {
        if self.access_ids.len() >= MAX_ACCESS_IDS_PER_VEHICLE {
            return Err(LinkRefused::VehicleFull);
        }
        self.show(summary);
        Ok(())
    }

    /// The vehicle without that access ID.
    pub(crate) fn without(mut self, access_id: Id) -> Self {
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

/// A request for a new vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVehicle {
    /// Its name.
    pub name: Name,
    /// Its make.
    pub make: Option<Make>,
    /// Its model.
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
    /// The tag.
    pub tag: OcppIdTag,
    /// Its status: by default Authorized for a new access ID, and what it is for one that exists.
    pub status: Option<AuthorizationStatus>,
}

impl NewVehicle {
    /// The vehicle of number `id` and its access IDs as they are to be stored, in the order of the request's tags.
    ///
    /// `existing` are the access IDs among the requested tags that exist already: they are linked, and keep their
    /// type, name and customer. The others are created with the numbers that `next_id` gives.
    ///
    /// # Errors
    /// [`LinkRefused::TagTaken`] when a tag's access ID is linked to a vehicle.
    pub fn create(
        self,
        id: Id,
        existing: &[AccessId],
        mut next_id: impl FnMut() -> Id,
        now: Timestamp,
    ) -> Result<(Vehicle, Vec<AccessId>), LinkRefused> {
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
            let access_id = match existing.iter().find(|access_id| access_id.tag == tag) {
                Some(before) if before.vehicle.is_some() => return Err(LinkRefused::TagTaken(tag)),
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
                    }
                }
            };
            vehicle.link(access_id.summary())?;
            access_ids.push(access_id);
        }
        Ok((vehicle, access_ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewAccessId, VehicleLink};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_722_626_008_897 + milliseconds).unwrap()
    }

    fn id(number: u64) -> Id {
        Id::new(number).unwrap()
    }

    fn tag(text: &str) -> OcppIdTag {
        OcppIdTag::normalize(text).unwrap()
    }

    fn vehicle(tags: &[(&str, Option<AuthorizationStatus>)]) -> NewVehicle {
        NewVehicle {
            name: Name::new("Van").unwrap(),
            make: None,
            model: None,
            vin: None,
            license_plate: None,
            customer: Some(Customer::new("Fleet").unwrap()),
            tags: tags.iter().map(|&(text, status)| RequestedTag { tag: tag(text), status }).collect(),
        }
    }

    fn card(number: u64, text: &str) -> AccessId {
        let new = NewAccessId {
            tag: tag(text),
            kind: AccessIdType::Rfid,
            name: Name::new("Card").unwrap(),
            status: AuthorizationStatus::Authorized,
            vehicle: VehicleLink::None,
            customer: None,
        };
        new.create(id(number), id(1), None, at(0)).unwrap().access_id
    }

    fn numbers() -> impl FnMut() -> Id {
        let mut next = 100;
        move || {
            next += 1;
            id(next)
        }
    }

    #[test]
    fn unknown_tags_become_access_ids_and_known_ones_are_linked() {
        let known = card(7, "known");
        let new = vehicle(&[("new", Some(AuthorizationStatus::Revoked)), ("known", None), ("other", None)]);
        let (vehicle, access_ids) = new.create(id(20), std::slice::from_ref(&known), numbers(), at(9)).unwrap();

        let shown: Vec<_> = vehicle.access_ids.iter().map(|s| (s.id.get(), s.tag.as_str(), s.status)).collect();
        use AuthorizationStatus::{Authorized, Revoked};
        assert_eq!(shown, [(7, "known", Authorized), (101, "new", Revoked), (102, "other", Authorized)]);

        let [new, linked, other] = access_ids.as_slice() else { panic!("{access_ids:?}") };
        assert_eq!((new.kind, new.name.as_str(), new.revoked_at), (AccessIdType::Vehicle, "Van", Some(at(9))));
        assert_eq!(new.customer, vehicle.customer);
        assert_eq!((other.status, other.created_at), (Authorized, at(9)));
        let expected = AccessId { vehicle: Some(id(20)), updated_at: at(9), ..known };
        assert_eq!(*linked, expected, "type, name, customer and status stay");
    }

    #[test]
    fn a_known_tag_takes_the_status_only_if_given() {
        let known = card(7, "known");
        let new = vehicle(&[("known", Some(AuthorizationStatus::Revoked))]);
        let (_, access_ids) = new.create(id(20), &[known], numbers(), at(9)).unwrap();
        assert_eq!((access_ids[0].status, access_ids[0].revoked_at), (AuthorizationStatus::Revoked, Some(at(9))));
    }

    #[test]
    fn a_tag_of_another_vehicle_is_taken() {
        let mut known = card(7, "known");
        known.vehicle = Some(id(3));
        let created = vehicle(&[("new", None), ("known", None)]).create(id(20), &[known], numbers(), at(9));
        assert_eq!(created, Err(LinkRefused::TagTaken(tag("known"))));
    }

    #[test]
    fn a_vehicle_holds_a_hundred_access_ids() {
        let (mut vehicle, _) = vehicle(&[]).create(id(20), &[], numbers(), at(0)).unwrap();
        for number in 0..100 {
            vehicle.link(card(200 - number, &format!("t{number}")).summary()).unwrap();
        }
        assert_eq!(vehicle.link(card(500, "last").summary()), Err(LinkRefused::VehicleFull));
        assert!(vehicle.access_ids.is_sorted_by_key(|summary| summary.id));
        let mut shown = vehicle.access_ids[3].clone();
        assert!(vehicle.shows(&shown) && !vehicle.shows(&card(500, "last").summary()));
        shown.status = AuthorizationStatus::Revoked;
        assert!(!vehicle.shows(&shown));
    }

    #[test]
    fn an_update_keeps_what_it_does_not_mention() {
        let (before, _) = vehicle(&[("new", None)]).create(id(20), &[], numbers(), at(0)).unwrap();
        assert_eq!(before.update(UpdateVehicle::default()), before);
        let update = UpdateVehicle {
            make: Patch::Set(Make::new("Tesla").unwrap()),
            customer: Patch::Clear,
            ..UpdateVehicle::default()
        };
        let after = before.update(update);
        assert_eq!((after.make.unwrap().as_str(), after.customer), ("Tesla", None));
        assert_eq!((after.name, after.access_ids), (before.name, before.access_ids));
    }
}
