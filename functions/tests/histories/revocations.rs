//! Revocations of many access IDs. Each access ID is a transaction of its own, so a request is as many steps of the model, all
//! between its beginning and its end.

use std::collections::BTreeSet;

use model::{Call, Kind, Known, Made, Model, Outcome, Target};

use super::{changes::Changes, observe::id};
use crate::support::Answer;

/// A request to revoke access IDs, and its answer.
pub struct Revocation {
    pub target: Target,
    pub is_dry_run: bool,
    pub made: Made,
    pub answer: Answer,
}

impl Revocation {
    /// The writes of the request: of each access ID that it says it has revoked, and, if it was answered 503, of each that it
    /// has revoked by the history.
    pub fn writes(&self, changes: &mut Changes) -> Vec<Made> {
        let (ids, outcome) = match self.answer.status {
            503 => (changes.access_ids(self.made.began), None),
            200 if !self.is_dry_run => (self.ids("revoked"), Some(Outcome::Done)),
            _ => (vec![], None),
        };
        let write = |id| {
            let call = Call::Revoke { id, of: self.target.clone() };
            let mut made = Made { call, outcome: outcome.clone(), ..self.made.clone() };
            changes.note_revoked(&mut made, id);
            made
        };
        ids.into_iter().map(write).collect()
    }

    /// What the answer says of records that the request did not change, as separate reads.
    pub fn reads(&self, end: &Model, known: &Known) -> Vec<Made> {
        let reads = match self.answer.status {
            503 => vec![],
            400 => self.refusal(),
            _ => {
                assert!(self.answer.body["revocation"]["nextPageCursor"].is_null(), "{:?}", self.answer);
                let (revoked, already) = (self.ids("revoked"), self.ids("alreadyRevoked"));
                let all = end.access_ids.keys().chain(known.ids(Kind::AccessId)).copied();
                let others: BTreeSet<u64> = all.filter(|id| !revoked.contains(id) && !already.contains(id)).collect();
                let is_revoked = |is: bool| move |id| (Call::IsRevoked { id }, Outcome::Is(is));
                let is_not_meant = |id| (Call::IsMeant { id, of: self.target.clone() }, Outcome::Is(false));
                let would_be = revoked.into_iter().filter(|_| self.is_dry_run);
                let already = already.into_iter().map(is_revoked(true));
                already.chain(would_be.map(is_revoked(false))).chain(others.into_iter().map(is_not_meant)).collect()
            }
        };
        let made = |(call, outcome)| Made { call, outcome: Some(outcome), ..self.made.clone() };
        reads.into_iter().map(made).collect()
    }

    fn refusal(&self) -> Vec<(Call, Outcome)> {
        match &self.target {
            Target::These(ids) => {
                let place = |field: &str| {
                    let place = field.strip_prefix("revocation.accessIds[")?.strip_suffix(']')?.parse::<usize>();
                    place.ok()
                };
                let unknown = self.answer.fields().into_iter().map(|field| ids[place(field).expect(field)]);
                unknown.map(|id| (Call::GetAccessId { id }, Outcome::NotFound)).collect()
            }
            Target::Vehicle(id) => {
                self.answer.names(&["revocation.vehicleId"]);
                vec![(Call::GetVehicle { id: *id }, Outcome::NotFound)]
            }
            Target::Customer(customer) => {
                self.answer.names(&["revocation.customer.name"]);
                vec![(Call::HasCustomer { customer: *customer }, Outcome::Is(false))]
            }
        }
    }

    fn ids(&self, name: &str) -> Vec<u64> {
        self.answer.body["revocation"][name].as_array().unwrap().iter().map(id).collect()
    }
}
