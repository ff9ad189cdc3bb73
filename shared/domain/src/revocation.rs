//! Taking many access IDs out of use at once.

use crate::{AccessId, Customer, Id, filter_text};

/// How many access IDs a revocation names at most.
pub const MAX_REVOKED_BY_ID: usize = 100;

/// Which access IDs a revocation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationTarget {
    /// These.
    AccessIds(Vec<Id>),
    /// Those that are linked to this vehicle, cards included.
    Vehicle(Id),
    /// Those of this customer.
    Customer(Customer),
}

/// A request to revoke access IDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Which ones.
    pub target: RevocationTarget,
    /// Whether it only says what it would revoke.
    pub is_dry_run: bool,
}

impl RevocationTarget {
    /// Whether this access ID, as it is now, is one of those.
    pub fn covers(&self, access_id: &AccessId) -> bool {
        match self {
            Self::AccessIds(ids) => ids.contains(&access_id.id),
            Self::Vehicle(id) => access_id.vehicle == Some(*id),
            Self::Customer(wanted) => access_id.customer.as_ref() == Some(wanted),
        }
    }
}

impl Revocation {
    /// The revocation as a text, which no filter of a list has: equal ones give equal texts, different ones different texts.
    /// The order of ids does not count, nor does the spelling of a customer's name.
    pub fn text(&self) -> String {
        let (access_ids, vehicle, customer) = match &self.target {
            RevocationTarget::AccessIds(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                (Some(ids.join(",")), None, None)
            }
            RevocationTarget::Vehicle(id) => (None, Some(id.to_string()), None),
            RevocationTarget::Customer(customer) => (None, None, Some(customer.key().as_str().to_owned())),
        };
        filter_text([
            ("revocation", Some(if self.is_dry_run { "dry run" } else { "run" }.to_owned())),
            ("accessIds", access_ids),
            ("vehicleId", vehicle),
            ("customer", customer),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{card, id};

    fn customer(name: &str) -> RevocationTarget {
        RevocationTarget::Customer(Customer::new(name).unwrap())
    }

    #[test]
    fn an_access_id_is_covered_by_its_number_its_vehicle_or_its_customer() {
        let card = AccessId {
            vehicle: Some(id(20)),
            customer: Some(Customer::stored("Straße".to_owned())),
            ..card(1, "04e1a2b3")
        };
        let ids = |numbers: &[u64]| RevocationTarget::AccessIds(numbers.iter().copied().map(id).collect());
        for (target, is_covered) in [
            (ids(&[3, 1]), true),
            (ids(&[20]), false),
            (RevocationTarget::Vehicle(id(20)), true),
            (RevocationTarget::Vehicle(id(1)), false),
            (customer(" STRASSE "), true),
            (customer("Strase"), false),
        ] {
            assert_eq!(target.covers(&card), is_covered, "{target:?}");
        }
        let free = AccessId { vehicle: None, customer: None, ..card };
        assert!(!RevocationTarget::Vehicle(id(20)).covers(&free) && !customer("Straße").covers(&free));
    }

    #[test]
    fn different_revocations_have_different_texts_and_equal_ones_the_same() {
        let text = |target: &RevocationTarget, is_dry_run| Revocation { target: target.clone(), is_dry_run }.text();
        let ids = |numbers: &[u64]| RevocationTarget::AccessIds(numbers.iter().copied().map(id).collect());
        let different = [ids(&[1]), ids(&[1, 2]), ids(&[12]), RevocationTarget::Vehicle(id(1)), customer("1")];
        let mut texts: Vec<_> = different.iter().flat_map(|target| [text(target, false), text(target, true)]).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 2 * different.len());
        assert_eq!(text(&ids(&[2, 1]), false), text(&ids(&[1, 2]), false));
        assert_eq!(text(&customer("STRASSE"), false), text(&customer("straße"), false));
    }
}
