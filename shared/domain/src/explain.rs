use std::{borrow::Cow, iter};

use serde::Serialize;

use crate::{AuthorizationStatus, OcppIdTag, Question, Rules, StoredRules, StoredTag, Timestamp, rfc3339};

/// One thing that a decision looks at. Serializes as the name of the field that it looks at, or of what it is
/// about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "What a decision looks at."))]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// Some access ID has the tag.
    OcppIdTag,
    /// The access ID is not revoked.
    AuthorizationStatus,
    /// The stored item names a status and an access ID.
    Record,
    /// The request may end a charge that was accepted at this charge box; the rules do not count.
    AcceptedStart,
    /// The stored rules are all known to this version.
    Rules,
    /// The rules have begun.
    ValidFrom,
    /// The rules have not ended.
    ValidUntil,
    /// The rules name the charge box.
    ChargeBoxes,
}

/// What came out of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "What a decision looked at and found."))]
pub struct CheckResult {
    /// What was looked at.
    pub rule: Check,
    /// Whether it allows the charge.
    pub passed: bool,
    /// One sentence in English for a person.
    pub detail: String,
}

/// What a decision looked at and what it found, in the order in which it looks, for a person who asks why. The
/// decision authorizes exactly if all of these passed. All rules are listed, also those behind the first that
/// failed; what does not apply is left out: rules that are not set, and the rules altogether where an accepted
/// start takes their place.
pub fn explain(tag: Option<&StoredTag>, question: &Question<'_>) -> Vec<CheckResult> {
    let mut results = Vec::new();
    let mut check = |rule, passed, detail: Cow<'_, str>| {
        results.push(CheckResult { rule, passed, detail: detail.into_owned() });
    };
    let Some(tag) = tag else {
        check(Check::OcppIdTag, false, "No access ID has this tag.".into());
        return results;
    };
    check(Check::OcppIdTag, true, "An access ID has this tag.".into());
    match tag.status {
        Some(AuthorizationStatus::Authorized) => {
            check(Check::AuthorizationStatus, true, "The access ID is Authorized.".into());
        }
        Some(AuthorizationStatus::Revoked) => {
            check(Check::AuthorizationStatus, false, "The access ID is Revoked.".into());
        }
        None => {}
    }
    if tag.status.is_none() || tag.access_id.is_none() {
        check(Check::Record, false, "The stored record of the tag cannot be read.".into());
        return results;
    }
    match &tag.rules {
        _ if question.may_end_an_accepted_charge() => {
            let until = question.start_remembered_until.map(rfc3339).unwrap_or_default();
            let detail = format!(
                "A start at this charge box was accepted and is remembered until {until}. Until then authorize, which may \
                 precede the end of that charge, looks at the status alone."
            );
            check(Check::AcceptedStart, true, detail.into());
        }
        StoredRules::Unreadable => {
            check(Check::Rules, false, "The rules hold something that this version does not know.".into());
        }
        StoredRules::Readable(rules) => {
            explain_window(rules, question.now, &mut check);
            explain_place(rules, question, &mut check);
        }
    }
    results
}

fn explain_window(rules: &Rules, now: Timestamp, check: &mut impl FnMut(Check, bool, Cow<'static, str>)) {
    if let Some(from) = rules.valid_from() {
        let detail = format!("Valid from {}, asked about {}.", rfc3339(from), rfc3339(now));
        check(Check::ValidFrom, rules.have_begun(now), detail.into());
    }
    if let Some(until) = rules.valid_until() {
        let detail = format!("Valid until {}, asked about {}.", rfc3339(until), rfc3339(now));
        check(Check::ValidUntil, !rules.have_ended(now), detail.into());
    }
}

fn explain_place(rules: &Rules, question: &Question<'_>, check: &mut impl FnMut(Check, bool, Cow<'static, str>)) {
    let Some(patterns) = rules.charge_boxes() else { return };
    let place = question.place();
    let named = patterns.iter().find(|pattern| pattern.matches(place));
    let other_case = patterns.iter().find(|pattern| pattern.matches_in_another_case(place));
    let detail = match (named, other_case) {
        (Some(pattern), _) => format!("The charge box is named by {pattern}."),
        (None, _) if question.charge_box.is_none() => {
            "Restricted to certain charge boxes, and the check names none.".to_owned()
        }
        (None, Some(pattern)) => format!("The charge box differs from {pattern} in the case of letters."),
        (None, None) => format!("None of the {} entries names the charge box.", patterns.len()),
    };
    check(Check::ChargeBoxes, rules.allow_at(place), detail.into());
}

/// A rule of the contract by which a received id became the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "A rule of the normalization."))]
#[serde(rename_all = "snake_case")]
pub enum NormalizationRule {
    /// White space around the id, and NUL, CR and LF behind it, went.
    Trimmed,
    /// ASCII letters became lower case.
    LowerCase,
    /// The separators between the hex pairs of a UID went.
    UidSeparators,
    /// A MAC address in one of its notations became its twelve hex digits.
    MacNotation,
    /// The separators of an EMAID went.
    EmaidSeparators,
}

/// One change of a received id on its way to the tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "One change of an id on its way to the tag.")
)]
pub struct NormalizationStep {
    /// The id before.
    pub from: String,
    /// The id after.
    pub to: String,
    /// Why.
    pub rule: NormalizationRule,
}

/// How `received` became `tag`, which [`OcppIdTag::normalize`] made of it: each step begins where the one before
/// ended, and the last ends with the tag. No step if they are equal.
///
/// The normalization itself knows no steps, so that it need not allocate. This compares its result with its input:
/// what remains after trimming and folding are separators, and their kind shows in the result.
pub fn normalization_steps(received: &str, tag: &OcppIdTag) -> Vec<NormalizationStep> {
    use NormalizationRule::{LowerCase, Trimmed};
    let padding = |character: char| character.is_whitespace() || matches!(character, '\0' | '\r' | '\n');
    let trimmed = received.trim_start().trim_end_matches(padding);
    let folded = trimmed.to_ascii_lowercase();
    let rule = separators(&folded, tag.as_str());
    let texts = [received, trimmed, &folded, tag.as_str()];
    iter::zip(texts.windows(2), [Trimmed, LowerCase, rule])
        .filter_map(|(pair, rule)| match pair {
            [from, to] if from != to => {
                Some(NormalizationStep { from: (*from).to_owned(), to: (*to).to_owned(), rule })
            }
            _ => None,
        })
        .collect()
}

/// The rule that took the separators of `text`, given what it made of it.
fn separators(text: &str, tag: &str) -> NormalizationRule {
    if tag.len() == 12 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        NormalizationRule::MacNotation
    } else if text.split([':', '-', ' ']).all(|pair| pair.len() == 2) {
        NormalizationRule::UidSeparators
    } else {
        NormalizationRule::EmaidSeparators
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(received: &str, tag: &str) -> Vec<(String, NormalizationRule)> {
        // The tag as the contract has it, whether or not the normalization here already makes it of `received`.
        let tag = OcppIdTag::normalize(tag).unwrap();
        normalization_steps(received, &tag).into_iter().map(|step| (step.to, step.rule)).collect()
    }

    #[test]
    fn each_rule_that_changed_something_is_named() {
        use NormalizationRule::{EmaidSeparators, LowerCase, MacNotation, Trimmed, UidSeparators};
        let named = |received, tag| steps(received, tag).into_iter().map(|(_, rule)| rule).collect::<Vec<_>>();
        assert_eq!(named("04e1a2b3", "04e1a2b3"), []);
        assert_eq!(named("04E1A2B3", "04e1a2b3"), [LowerCase]);
        assert_eq!(named(" 04:E1:A2:B3\0\r\n", "04e1a2b3"), [Trimmed, LowerCase, UidSeparators]);
        assert_eq!(named("04-e1-a2-b3-c4-d5-e6", "04e1a2b3c4d5e6"), [UidSeparators]);
        assert_eq!(named("VID:92D50A693F80", "92d50a693f80"), [LowerCase, MacNotation]);
        assert_eq!(named("92:d5:0a:69:3f:80", "92d50a693f80"), [MacNotation]);
        assert_eq!(named("92d5.0a69.3f80", "92d50a693f80"), [MacNotation]);
        assert_eq!(named("DE-8AA-C12345678-9", "de8aac123456789"), [LowerCase, EmaidSeparators]);
        assert_eq!(named("de*8aa*c12345678", "de8aac12345678"), [EmaidSeparators]);
        assert_eq!(
            steps(" 04:E1:A2:B3", "04e1a2b3").into_iter().map(|(to, _)| to).collect::<Vec<_>>(),
            ["04:E1:A2:B3", "04:e1:a2:b3", "04e1a2b3"]
        );
    }

    proptest! {
        #[test]
        fn steps_lead_from_what_was_received_to_the_tag(
            received in "[ \t]?([vV][iI][dD]:)?([0-9a-fA-F]{2}[:\\- ]){0,6}[\\PC]{0,14} ?",
        ) {
            if let Ok(tag) = OcppIdTag::normalize(&received) {
                let mut at = received;
                for step in normalization_steps(&at.clone(), &tag) {
                    prop_assert_eq!(&step.from, &at);
                    prop_assert_ne!(&step.from, &step.to);
                    at = step.to;
                }
                prop_assert_eq!(at.as_str(), tag.as_str());
            }
        }
    }
}
