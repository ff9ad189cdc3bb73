//! What endpoints read of a request, each part at once and completely.

use domain::{Id, NewAccessId, NewVehicle, UpdateAccessId, UpdateVehicle};
use store::{Idempotency, PageRequest};

use crate::{access_ids, event::Event, json::Problems, page, vehicles};

/// A request whose route and size are right, before its caller is known.
pub struct Input {
    pub(crate) event: Event,
    pub(crate) body: Vec<u8>,
}

impl Input {
    /// The `{id}` of the path.
    ///
    /// # Errors
    /// It must be a canonical positive integer of at most 2^53 − 1.
    pub fn id(&self) -> Result<Id, Problems> {
        self.event.path_id().parse().map_err(|invalid: domain::InvalidId| Problems::one("id", invalid.to_string()))
    }

    /// The page that the query string asks for.
    ///
    /// # Errors
    /// A limit or a cursor that is none.
    pub fn page(&self) -> Result<PageRequest, Problems> {
        page::parse(self.event.query())
    }

    /// The new access ID of the body, and the client's Idempotency-Key.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new_access_id(&self) -> Result<(NewAccessId, Option<Idempotency>), Problems> {
        both(access_ids::parse_new(&self.body), self.idempotency())
    }

    /// The access ID's id and the changes of the body.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn access_id_update(&self) -> Result<(Id, UpdateAccessId), Problems> {
        both(self.id(), access_ids::parse_update(&self.body))
    }

    /// The new vehicle of the body, and the client's Idempotency-Key.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new_vehicle(&self) -> Result<(NewVehicle, Option<Idempotency>), Problems> {
        both(vehicles::parse_new(&self.body), self.idempotency())
    }

    /// The vehicle's id and the changes of the body.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn vehicle_update(&self) -> Result<(Id, UpdateVehicle), Problems> {
        both(self.id(), vehicles::parse_update(&self.body))
    }

    fn idempotency(&self) -> Result<Option<Idempotency>, Problems> {
        let Some(key) = self.event.idempotency_key() else { return Ok(None) };
        if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            Ok(Some(Idempotency::new(key.to_owned(), &self.body)))
        } else {
            Err(Problems::one("Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
        }
    }
}

fn both<A, B>(first: Result<A, Problems>, second: Result<B, Problems>) -> Result<(A, B), Problems> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(mut first), Err(second)) => {
            first.0.extend(second.0);
            Err(first)
        }
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
    }
}
