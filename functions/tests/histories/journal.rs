//! The decision journal: each decision that was answered is there once, in both lists, unless its writing failed, which is
//! counted. No other one is there.

use std::collections::{BTreeMap, BTreeSet};

use model::{Call, Made, Outcome};
use serde_json::Value;

use super::{
    changes::began,
    observe::number,
    stored::{TAGS, items},
};
use crate::support::{Fleet, World};

/// What the authorizer logs of each decision that it could not write down.
pub const LOST: &str = "a decision was not journalled";

/// Checks the journal against the decisions that were answered. Returns how many are missing in one of its lists.
pub async fn missing_decisions(world: &World, fleet: &Fleet, history: &[Made]) -> usize {
    let is_decision = |made: &&Made| matches!(made.call, Call::Decide { .. });
    let decisions: BTreeMap<usize, &Made> = history.iter().filter(is_decision).map(|made| (made.began, made)).collect();
    let of_organization = seen(&items(world, fleet, "DECISION").await, &decisions);
    let mut of_tags = BTreeSet::new();
    for tag in 0..TAGS {
        let items = items(world, fleet, &format!("DECISION#tag-{tag}")).await;
        assert!(items.iter().all(|item| number(&item["ocppIdTag"]) == tag), "{items:?}");
        of_tags.append(&mut seen(&items, &decisions));
    }
    decisions.keys().filter(|began| !of_organization.contains(began) || !of_tags.contains(began)).count()
}

/// The decisions that a list shows.
fn seen(items: &[Value], decisions: &BTreeMap<usize, &Made>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    for item in items {
        let began = began(&item["requestId"]);
        let made = decisions.get(&began).unwrap_or_else(|| panic!("never answered: {item}"));
        assert!(seen.insert(began), "twice: {item}");
        assert!(is_of(item, made), "{item} of {made:?}");
    }
    seen
}

/// Whether an entry says what was asked and answered.
fn is_of(item: &Value, made: &Made) -> bool {
    let Call::Decide { tag, begins, charge_box, .. } = made.call else { return false };
    let reason = match made.outcome {
        Some(Outcome::Unknown) => Some("unknown"),
        Some(Outcome::Revoked) => Some("revoked"),
        Some(Outcome::NotYetValid) => Some("not_yet_valid"),
        Some(Outcome::Expired) => Some("expired"),
        Some(Outcome::NotHere) => Some("not_here"),
        _ => None,
    };
    let is_same_access_id = match made.outcome {
        Some(Outcome::Authorized { id, .. }) => item["accessId"]["id"] == id,
        Some(Outcome::Unknown) => item["accessId"].is_null(),
        _ => item["accessId"]["id"].is_u64(),
    };
    is_same_access_id
        && number(&item["ocppIdTag"]) == tag
        && item["type"] == if begins { "start" } else { "authorize" }
        && item["chargeBox"] == format!("box-{charge_box}")
        && item["reason"].as_str() == reason
}
