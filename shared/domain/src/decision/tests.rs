use chrono::TimeDelta;
use strum::VariantArray;

use super::*;
use crate::{Check, explain};

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(1_772_323_200_000 + milliseconds).unwrap()
}

fn label() -> AccessIdLabel {
    AccessIdLabel { id: Id::new(7).unwrap(), name: "Card".to_owned(), kind: AccessIdType::Rfid }
}

const FROM: i64 = 1_000;
const UNTIL: i64 = 2_000;
const REMEMBERED_UNTIL: i64 = 1_500;

/// What the test knows of the rules that it makes, apart from the rules themselves.
#[derive(Clone, Copy, Debug)]
enum Place {
    Anywhere,
    Here,
    HereByPrefix,
    Elsewhere,
}

/// Whether rules that can be read have `validFrom` and `validUntil`, and where they allow a charge; `None` if they
/// cannot be read.
type Made = Option<(bool, bool, Place)>;

fn all_rules() -> Vec<(StoredRules, Made)> {
    let mut all = vec![(StoredRules::Unreadable, None)];
    for from in [false, true] {
        for until in [false, true] {
            for place in [Place::Anywhere, Place::Here, Place::HereByPrefix, Place::Elsewhere] {
                let charge_boxes = match place {
                    Place::Anywhere => None,
                    Place::Here => Some(vec!["other".to_owned(), "here".to_owned()]),
                    Place::HereByPrefix => Some(vec!["he*".to_owned()]),
                    Place::Elsewhere => Some(vec!["her".to_owned(), "HERE".to_owned(), "here-*".to_owned()]),
                };
                let rules = Rules::new(from.then(|| at(FROM)), until.then(|| at(UNTIL)), charge_boxes).unwrap();
                all.push((StoredRules::Readable(rules), Some((from, until, place))));
            }
        }
    }
    all
}

/// Each moment at which something changes, and the milliseconds on both sides of it.
fn edges() -> impl Iterator<Item = i64> {
    [0, FROM, REMEMBERED_UNTIL, UNTIL].into_iter().flat_map(|edge| [edge - 1, edge, edge + 1])
}

/// Every state of a tag, every rule, both types, with and without a remembered start, at each edge of the clock:
/// the reasons that apply are found one by one from the text of the contract, and the first of them must be the
/// answer.
#[test]
fn the_first_reason_that_applies_is_the_answer() {
    use AuthorizationStatus::{Authorized, Revoked};
    let here = ChargeBox::received("here".to_owned());
    let mut seen = [0; 7];
    let mut cases = 0;
    for (rules, made) in all_rules() {
        for status in [Some(Authorized), Some(Revoked), None] {
            for access_id in [Some(label()), None] {
                let tag = StoredTag { access_id, status, rules: rules.clone() };
                for (kind, memory, charge_box, now) in questions(&here) {
                    let question = Question { kind, charge_box, now: at(now), start_remembered_until: memory.map(at) };
                    let only_status = kind == RequestType::Authorize && memory.is_some_and(|until| now < until);
                    let mut reasons = Vec::new();
                    if status == Some(Revoked) {
                        reasons.push(Reason::Revoked);
                    }
                    if status.is_none() || tag.access_id.is_none() {
                        reasons.push(Reason::Unreadable);
                    }
                    match made {
                        _ if only_status => {}
                        None => reasons.push(Reason::Unreadable),
                        Some((from, until, place)) => {
                            if from && now < FROM {
                                reasons.push(Reason::NotYetValid);
                            }
                            if until && now >= UNTIL {
                                reasons.push(Reason::Expired);
                            }
                            let named = match place {
                                Place::Anywhere => true,
                                Place::Here | Place::HereByPrefix => charge_box.is_some(),
                                Place::Elsewhere => false,
                            };
                            if !named {
                                reasons.push(Reason::NotHere);
                            }
                        }
                    }
                    let decision = Decision::on(Some(&tag), &question);
                    assert_eq!(decision.refusal(), reasons.iter().min().copied(), "{tag:?} {question:?}");
                    assert_eq!(decision.access_id(), tag.access_id.as_ref());
                    let accepted_start = kind == RequestType::Start && reasons.is_empty();
                    assert_eq!(decision.is_an_accepted_start(kind), accepted_start);
                    explanation_agrees(Some(&tag), &question);
                    seen[decision.refusal().map_or(6, |reason| reason as usize)] += 1;
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 17 * 3 * 2 * (2 * 2 * 2 * 12));
    assert!(seen[1..].iter().all(|count| *count > 0), "{seen:?}");
}

fn questions(here: &ChargeBox) -> Vec<(RequestType, Option<i64>, Option<&ChargeBox>, i64)> {
    let mut all = Vec::new();
    for kind in [RequestType::Authorize, RequestType::Start] {
        for memory in [None, Some(REMEMBERED_UNTIL)] {
            for charge_box in [Some(here), None] {
                all.extend(edges().map(|now| (kind, memory, charge_box, now)));
            }
        }
    }
    all
}

/// An explanation passes as a whole exactly if the decision authorizes, and its first failure is the decision's
/// reason.
fn explanation_agrees(tag: Option<&StoredTag>, question: &Question<'_>) {
    let results = explain(tag, question);
    let failed = results.iter().find(|result| !result.passed).map(|result| match result.rule {
        Check::OcppIdTag => Reason::Unknown,
        Check::AuthorizationStatus => Reason::Revoked,
        Check::Record | Check::Rules => Reason::Unreadable,
        Check::ValidFrom => Reason::NotYetValid,
        Check::ValidUntil => Reason::Expired,
        Check::ChargeBoxes => Reason::NotHere,
        Check::AcceptedStart => panic!("an accepted start never refuses"),
    });
    assert_eq!(failed, Decision::on(tag, question).refusal(), "{results:?}");
    assert!(results.iter().all(|result| result.detail.ends_with('.')), "{results:?}");
}

#[test]
fn an_unknown_tag_is_refused_whatever_is_remembered() {
    for kind in [RequestType::Authorize, RequestType::Start] {
        let question = Question { kind, charge_box: None, now: at(0), start_remembered_until: Some(at(1)) };
        let refused = Decision::Refused { reason: Reason::Unknown, access_id: None };
        assert_eq!(Decision::on(None, &question), refused);
        explanation_agrees(None, &question);
    }
}

#[test]
fn an_accepted_start_is_remembered_for_seven_days_at_least() {
    let week = TimeDelta::days(7);
    assert_eq!(remembered_until(at(0)), at(0) + week);
    assert_eq!(remembered_until(at(1)), at(1_000) + week);
    assert_eq!(remembered_until(at(999)), at(1_000) + week);
    let rules = Rules::new(None, Some(at(1)), None).unwrap();
    let tag = StoredTag {
        access_id: Some(label()),
        status: Some(AuthorizationStatus::Authorized),
        rules: Ok::<_, ()>(rules).into(),
    };
    let refusal = |after| {
        let question = Question {
            kind: RequestType::Authorize,
            charge_box: None,
            now: at(0) + after,
            start_remembered_until: Some(remembered_until(at(0))),
        };
        Decision::on(Some(&tag), &question).refusal()
    };
    assert_eq!(refusal(week - TimeDelta::milliseconds(1)), None);
    assert_eq!(refusal(week), Some(Reason::Expired));
}

#[test]
fn each_reason_has_its_word_and_ocpps() {
    let words: Vec<_> =
        Reason::VARIANTS.iter().map(|reason| (reason.as_str(), OcppStatus::of(Some(*reason)))).collect();
    use OcppStatus::{Blocked, Expired, Invalid, NotAtThisLocation, NotAtThisTime};
    assert_eq!(
        words,
        [
            ("unknown", Invalid),
            ("revoked", Blocked),
            ("unreadable", Invalid),
            ("not_yet_valid", NotAtThisTime),
            ("expired", Expired),
            ("not_here", NotAtThisLocation),
        ]
    );
    assert_eq!(OcppStatus::of(None), OcppStatus::Accepted);
    for reason in Reason::VARIANTS {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str(), "one spelling");
    }
    assert_eq!(serde_json::to_value(RequestType::VARIANTS).unwrap(), serde_json::json!(["authorize", "start"]));
    assert_eq!("start".parse(), Ok(RequestType::Start));
}
