//! What must be denied, whatever the model says, and what the authorizer remembers.

use std::collections::BTreeMap;

use model::{AccessId, Call as Asked, Change, Field, Link, Made, Outcome, Remembered};

/// Notes of each `authorize` whether an accepted start is remembered. It is written down after the answer, and before the next
/// decision, as all decisions are made by one instance. `may_be_lost` says that something may have kept it from being written.
pub fn remember_starts(history: &mut [Made], may_be_lost: bool) {
    let start = |made: &Made| match (&made.call, &made.outcome) {
        (Asked::Decide { tag, begins: true, charge_box, .. }, Some(Outcome::Authorized { .. })) => {
            Some((made.ended, *tag, *charge_box))
        }
        _ => None,
    };
    let starts: Vec<_> = history.iter().filter_map(start).collect();
    for made in history {
        let Asked::Decide { tag, begins: false, charge_box, remembered } = &mut made.call else { continue };
        let is_same = |(ended, of, at): &(usize, u8, u8)| *ended < made.ended && (of, at) == (&*tag, &*charge_box);
        if starts.iter().any(is_same) {
            *remembered = if may_be_lost { Remembered::Perhaps } else { Remembered::Yes };
        }
    }
}

/// Checks the most important promise without the model: after the answer to a revocation or a deletion, and before the next call
/// that may authorize the tag again, no decision authorizes it.
pub fn check_denials(history: &[Made]) {
    let tags: BTreeMap<u64, u8> = history
        .iter()
        .flat_map(|made| match &made.outcome {
            Some(Outcome::AccessId { access_id, .. }) => vec![(access_id.id, access_id.tag)],
            Some(Outcome::Vehicle { access_ids, .. }) => access_ids.iter().map(|(id, tag, _)| (*id, *tag)).collect(),
            _ => vec![],
        })
        .collect();
    for denied in history {
        let denied_id = match (&denied.call, &denied.outcome) {
            (Asked::UpdateAccessId { id, revoked: Some(true), .. }, Some(Outcome::AccessId { .. })) => *id,
            (Asked::DeleteAccessId { id }, Some(Outcome::Deleted)) => *id,
            (Asked::Revoke { id, .. }, Some(Outcome::Done)) => *id,
            _ => continue,
        };
        let Some(denied_tag) = tags.get(&denied_id) else { continue };
        // A tag whose access ID is deleted can be registered anew, perhaps revoked at first.
        let is_deleted = history.iter().any(|made| made.call == Asked::DeleteAccessId { id: denied_id });
        let may_authorize = |made: &&Made| match &made.call {
            Asked::UpdateAccessId { id, revoked: Some(false), .. } => {
                *id == denied_id || is_deleted && tags.get(id).is_none_or(|tag| tag == denied_tag)
            }
            Asked::CreateAccessId { tag, revoked: false, .. } => is_deleted && tag == denied_tag,
            Asked::Import { tag, revoked, .. } => {
                tag == denied_tag && (*revoked == Some(false) || is_deleted && revoked.is_none())
            }
            Asked::CreateVehicle { tags, .. } => {
                tags.contains(&(*denied_tag, Some(false))) || is_deleted && tags.contains(&(*denied_tag, None))
            }
            _ => false,
        };
        let authorizes = |made: &&Made| {
            // A call without an answer may be carried out at any later time.
            made.outcome.is_none() || made.ended > denied.began
        };
        let next = history.iter().filter(may_authorize).filter(authorizes).map(|made| made.began).min();
        for decision in history {
            let is_of_tag = matches!(decision.call, Asked::Decide { tag, .. } if tag == *denied_tag);
            let is_between = decision.began > denied.ended && decision.ended < next.unwrap_or(usize::MAX);
            let is_authorized = matches!(decision.outcome, Some(Outcome::Authorized { .. }));
            assert!(!(is_of_tag && is_between && is_authorized), "{decision:?}\nafter {denied:?}\nin {history:#?}");
        }
    }
}

/// What the campaign of 2026-11-27 came upon: the tag of a deleted access ID is registered anew as revoked, and that access ID
/// is authorized later (`SEED=1795821525021537`).
fn registered_anew() -> Vec<Made> {
    let mut time = 0;
    let mut made = |call, outcome| {
        time += 2;
        Made { call, from: 0, to: 0, began: time - 1, ended: time, outcome: Some(outcome), changed: None }
    };
    let of = |id, revoked| Outcome::AccessId {
        access_id: AccessId {
            id,
            tag: 4,
            is_card: true,
            name: 0,
            revoked,
            authorized_at: 0,
            revoked_at: None,
            created_at: 0,
            updated_at: 0,
            vehicle: None,
            customer: None,
        },
        shown: None,
    };
    let create = || Asked::CreateAccessId {
        tag: 4,
        is_card: true,
        name: 0,
        revoked: true,
        customer: None,
        vehicle: Link::None,
        key: None,
    };
    let authorize =
        Asked::UpdateAccessId { id: 2, name: None, revoked: Some(false), customer: Field::Keep, vehicle: Change::Keep };
    let decide = Asked::Decide { tag: 4, begins: false, charge_box: 0, remembered: Remembered::No };
    vec![
        made(create(), of(1, true)),
        made(Asked::DeleteAccessId { id: 1 }, Outcome::Deleted),
        made(create(), of(2, true)),
        made(authorize, of(2, false)),
        made(decide, Outcome::Authorized { id: 2, name: 0, is_card: true }),
    ]
}

#[test]
fn a_tag_that_is_registered_anew_can_be_authorized() {
    check_denials(&registered_anew());
}

#[test]
#[should_panic(expected = "after Made { call: DeleteAccessId { id: 1 }")]
fn a_tag_that_nobody_authorized_is_denied() {
    let mut history = registered_anew();
    history.remove(3);
    check_denials(&history);
}
