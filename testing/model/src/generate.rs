//! Random calls.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, option, prelude::*};

use crate::{Call, Change, Field, Kind, Link, Outcome, Remembered, Rules, Target, Window, is_same_customer};

/// An id that no record has.
pub(crate) const NO_RECORD: u64 = 7;

fn field(values: u8) -> impl Strategy<Value = Field> {
    prop_oneof![2 => Just(Field::Keep), 1 => Just(Field::Clear), 3 => (0..values).prop_map(Field::Set)]
}

/// No rules, or one about the time, the place or both.
fn rules() -> impl Strategy<Value = Rules> {
    let window =
        prop_oneof![2 => Just(Window::Any), 1 => Just(Window::Later), 1 => Just(Window::Now), 1 => Just(Window::Over)];
    (window, option::of(0..2_u8)).prop_map(|(window, charge_box)| Rules { window, charge_box })
}

/// The access IDs of a random batch, each of another tag. A customer is written in one way in one batch, as the service takes it.
pub fn imports() -> impl Strategy<Value = Vec<Call>> {
    let status = option::of(any::<bool>());
    let import = (0..5_u8, any::<bool>(), 0..3_u8, status, option::of(0..4_u8));
    vec(import, 1..4).prop_map(|items| {
        let (mut tags, mut customers) = (BTreeSet::new(), Vec::new());
        let items = items.into_iter().filter(|(tag, ..)| tags.insert(*tag));
        let mut spelled = |given: u8| {
            let first = customers.iter().copied().find(|known| is_same_customer(*known, given));
            first.unwrap_or_else(|| {
                customers.push(given);
                given
            })
        };
        let import = |(tag, is_card, name, revoked, customer): (_, _, _, _, Option<u8>)| Call::Import {
            tag,
            is_card,
            name,
            revoked,
            customer: customer.map(&mut spelled),
        };
        items.map(import).collect()
    })
}

/// What a random revocation is about. Its ids are random numbers, which [`Known::concrete_target`] replaces by existing ids.
pub fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        vec(any::<u64>(), 1..4).prop_map(Target::These),
        any::<u64>().prop_map(Target::Vehicle),
        (0..4_u8).prop_map(Target::Customer),
    ]
}

/// A random RFID decision at one of two charge boxes.
pub fn decide() -> impl Strategy<Value = Call> {
    let decide = |(tag, begins, charge_box)| Call::Decide { tag, begins, charge_box, remembered: Remembered::No };
    (0..5_u8, any::<bool>(), 0..2_u8).prop_map(decide)
}

/// A random call with one of five tags, three names, three makes and two customers in two spellings each. Its ids are random
/// numbers, which [`Known::concrete`] replaces by existing ids.
pub fn call() -> impl Strategy<Value = Call> {
    let link = prop_oneof![
        2 => Just(Link::None),
        2 => option::of(0..3_u8).prop_map(|make| Link::New { make }),
        2 => any::<u64>().prop_map(Link::Existing),
    ];
    let change = prop_oneof![
        2 => Just(Change::Keep),
        1 => Just(Change::Clear),
        1 => Just(Change::Unlink),
        3 => any::<u64>().prop_map(Change::Link),
        3 => field(3).prop_map(Change::Make),
    ];
    let customer = || option::of(0..4_u8);
    let tags = vec((0..5_u8, option::of(any::<bool>())), 0..4).prop_map(|mut tags| {
        let mut seen = BTreeSet::new();
        tags.retain(|(tag, _)| seen.insert(*tag));
        tags
    });
    let name = || option::of(0..3_u8);
    let key = || option::weighted(0.3, 0..2_u8);
    prop_oneof![
        4 => (0..5_u8, any::<bool>(), 0..3_u8, any::<bool>(), customer(), link, key()).prop_map(
            |(tag, is_card, name, revoked, customer, vehicle, key)| Call::CreateAccessId {
                tag,
                // A card cannot be created with a vehicle.
                is_card: is_card && vehicle == Link::None,
                name,
                revoked,
                customer,
                vehicle,
                key,
            }
        ),
        6 => (any::<u64>(), name(), option::of(any::<bool>()), field(4), change).prop_map(
            |(id, name, revoked, customer, vehicle)| Call::UpdateAccessId { id, name, revoked, customer, vehicle }
        ),
        3 => (0..3_u8, customer(), tags, key())
            .prop_map(|(name, customer, tags, key)| Call::CreateVehicle { name, customer, tags, key }),
        3 => (any::<u64>(), name(), field(3), field(4))
            .prop_map(|(id, name, make, customer)| Call::UpdateVehicle { id, name, make, customer }),
        1 => any::<u64>().prop_map(|id| Call::GetAccessId { id }),
        1 => any::<u64>().prop_map(|id| Call::GetVehicle { id }),
        4 => (any::<u64>(), rules()).prop_map(|(id, rules)| Call::PutRules { id, rules }),
        2 => any::<u64>().prop_map(|id| Call::DeleteAccessId { id }),
        2 => any::<u64>().prop_map(|id| Call::DeleteVehicle { id }),
        1 => any::<u64>().prop_map(|id| Call::GetRules { id }),
        2 => decide(),
    ]
}

/// What the clients know from the answers so far.
#[derive(Debug, Default)]
pub struct Known {
    access_ids: Vec<u64>,
    vehicles: Vec<u64>,
    tags: Vec<u8>,
    /// The first call with each idempotency key.
    requests: BTreeMap<(Kind, u8), Call>,
}

impl Known {
    /// The call with ids that the clients know, or, one time in sixteen, an id that no record has. A call whose idempotency key
    /// was used before becomes the same call again, unless its name is 2: then the key comes with another body.
    pub fn concrete(&mut self, mut call: Call) -> Call {
        match &mut call {
            Call::UpdateAccessId { id, vehicle, .. } => {
                *id = pick(&self.access_ids, *id);
                if let Change::Link(vehicle) = vehicle {
                    *vehicle = pick(&self.vehicles, *vehicle);
                }
            }
            Call::GetAccessId { id }
            | Call::GetRules { id }
            | Call::PutRules { id, .. }
            | Call::DeleteAccessId { id } => *id = pick(&self.access_ids, *id),
            Call::UpdateVehicle { id, .. } | Call::GetVehicle { id } | Call::DeleteVehicle { id } => {
                *id = pick(&self.vehicles, *id);
            }
            Call::CreateAccessId { vehicle: Link::Existing(id), .. } => *id = pick(&self.vehicles, *id),
            // Tag 0 stays what it is, so that unknown tags are asked about too.
            Call::Decide { tag, .. } if *tag > 0 && !self.tags.is_empty() => {
                *tag = self.tags[usize::from(*tag) % self.tags.len()];
            }
            _ => {}
        }
        let (Some(key), Call::CreateAccessId { name, .. } | Call::CreateVehicle { name, .. }) = (call.key(), &call)
        else {
            return call;
        };
        let is_other_body = *name == 2;
        let first = self.requests.entry(key).or_insert_with(|| call.clone());
        if is_other_body { call } else { first.clone() }
    }

    /// A revocation's target with ids that the clients know, each once.
    pub fn concrete_target(&self, target: Target) -> Target {
        match target {
            Target::These(wanted) => {
                let ids: BTreeSet<u64> = wanted.into_iter().map(|id| pick(&self.access_ids, id)).collect();
                Target::These(ids.into_iter().collect())
            }
            Target::Vehicle(id) => Target::Vehicle(pick(&self.vehicles, id)),
            Target::Customer(customer) => Target::Customer(customer),
        }
    }

    /// The ids of a kind that the clients know.
    pub fn ids(&self, kind: Kind) -> &[u64] {
        match kind {
            Kind::AccessId => &self.access_ids,
            Kind::Vehicle => &self.vehicles,
        }
    }

    /// Remembers the ids in an answer.
    pub fn learn(&mut self, outcome: &Outcome) {
        fn note<T: PartialEq>(known: &mut Vec<T>, new: T) {
            if !known.contains(&new) {
                known.push(new);
            }
        }
        match outcome {
            Outcome::AccessId { access_id, .. } => {
                note(&mut self.access_ids, access_id.id);
                note(&mut self.tags, access_id.tag);
                access_id.vehicle.iter().for_each(|id| note(&mut self.vehicles, *id));
            }
            Outcome::Imported { id, .. } => note(&mut self.access_ids, *id),
            Outcome::Vehicle { id, access_ids, .. } => {
                note(&mut self.vehicles, *id);
                access_ids.iter().for_each(|(id, tag, _)| {
                    note(&mut self.access_ids, *id);
                    note(&mut self.tags, *tag);
                });
            }
            _ => {}
        }
    }
}

/// One of the known ids, or, one time in sixteen, an id that no record has.
fn pick(known: &[u64], wanted: u64) -> u64 {
    if known.is_empty() || wanted % 16 == 15 {
        NO_RECORD
    } else {
        known[usize::try_from(wanted % known.len() as u64).unwrap_or_default()]
    }
}
