//! Would this tag charge here, and if not, why? The question of an operator, answered by the authorizer's own decision.

use crate::{
    AccessIdLabel, ChargeBox, Check, CheckResult, Decision, InvalidTag, NearMiss, NormalizationStep, OcppIdTag,
    Question, Reason, RequestType, StoredTag, Timestamp, explain, normalization_steps,
};

/// What an operator asks about a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessCheck {
    /// The id as a charge box would send it, which need not be a tag.
    pub received: String,
    /// Where the tag would be shown; `None` for no place in particular, see [`Question::charge_box`].
    pub charge_box: Option<ChargeBox>,
    /// What Thor would ask.
    pub kind: RequestType,
    /// When Thor would ask; `None` for now.
    pub at: Option<Timestamp>,
}

/// What the authorizer would answer, and what it would look at on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedAccess {
    /// The tag that the received id is; `None` if it is none.
    pub tag: Option<OcppIdTag>,
    /// How the received id became the tag.
    pub steps: Vec<NormalizationStep>,
    /// Why the tag would be refused; `None` if it would be authorized.
    pub refusal: Option<Reason>,
    /// Whose tag it is, if that is known.
    pub access_id: Option<AccessIdLabel>,
    /// What the decision looks at, and what it finds.
    pub rules: Vec<CheckResult>,
    /// Other tags of the organization that the same card or vehicle may be known by, and whose they are. They are hints for
    /// a person and never authorize anything.
    pub near_misses: Vec<(NearMiss, AccessIdLabel)>,
}

impl AccessCheck {
    /// The tag that the received id is.
    ///
    /// # Errors
    /// [`InvalidTag`] says why it is none.
    pub fn tag(&self) -> Result<OcppIdTag, InvalidTag> {
        OcppIdTag::normalize(&self.received)
    }

    /// The answer, given what the table holds of the tag, as [`Decision::on`] takes it, and until when an accepted start
    /// of it at this charge box is remembered. `now` counts if the check names no time.
    pub fn answer(
        &self,
        stored: Option<&StoredTag>,
        start_remembered_until: Option<Timestamp>,
        near_misses: Vec<(NearMiss, AccessIdLabel)>,
        now: Timestamp,
    ) -> CheckedAccess {
        let question = Question {
            kind: self.kind,
            charge_box: self.charge_box.as_ref(),
            now: self.at.unwrap_or(now),
            start_remembered_until,
        };
        let tag = self.tag();
        let decision = Decision::on(stored.filter(|_| tag.is_ok()), &question);
        CheckedAccess {
            steps: tag.as_ref().map(|tag| normalization_steps(&self.received, tag)).unwrap_or_default(),
            refusal: decision.refusal(),
            access_id: decision.access_id().cloned(),
            rules: match &tag {
                Ok(_) => explain(stored, &question),
                Err(invalid) => {
                    let detail = format!("This is no tag: it {invalid}.");
                    vec![CheckResult { rule: Check::OcppIdTag, passed: false, detail }]
                }
            },
            near_misses,
            tag: tag.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AccessIdType, AuthorizationStatus, NormalizationRule, Rules, StoredRules,
        fixtures::{at, id},
    };

    fn check(received: &str, kind: RequestType) -> AccessCheck {
        AccessCheck { received: received.to_owned(), charge_box: None, kind, at: None }
    }

    fn tag(until: i64) -> StoredTag {
        StoredTag {
            access_id: Some(AccessIdLabel { id: id(1), name: "Card".to_owned(), kind: AccessIdType::Rfid }),
            status: Some(AuthorizationStatus::Authorized),
            rules: StoredRules::Readable(Rules::new(None, Some(at(until)), None).unwrap()),
        }
    }

    #[test]
    fn a_check_is_the_decision_at_its_time_with_what_led_to_it() {
        let stored = tag(10);
        let start = check("04:E1:A2:B3", RequestType::Start);
        let answer = |check: &AccessCheck, remembered| check.answer(Some(&stored), remembered, Vec::new(), at(9));
        let authorized = answer(&start, None);
        assert_eq!((authorized.refusal, authorized.access_id.as_ref()), (None, stored.access_id.as_ref()));
        assert_eq!(authorized.tag.as_ref().map(OcppIdTag::as_str), Some("04e1a2b3"));
        let rules: Vec<_> = authorized.steps.iter().map(|step| step.rule).collect();
        assert_eq!(rules, [NormalizationRule::LowerCase, NormalizationRule::UidSeparators]);
        assert!(authorized.rules.iter().all(|result| result.passed));

        let later = AccessCheck { at: Some(at(10)), ..start };
        let refused = answer(&later, Some(at(20)));
        assert_eq!((refused.refusal, refused.access_id), (Some(Reason::Expired), authorized.access_id));
        let failed: Vec<_> = refused.rules.iter().filter(|result| !result.passed).map(|result| result.rule).collect();
        assert_eq!(failed, [Check::ValidUntil]);
        // The charge that began may be ended.
        let authorize = AccessCheck { kind: RequestType::Authorize, ..later };
        assert_eq!(answer(&authorize, Some(at(20))).refusal, None);
        assert_eq!(answer(&authorize, None).refusal, Some(Reason::Expired));
    }

    #[test]
    fn what_is_no_tag_is_unknown_and_says_why() {
        let answer = check("no tag", RequestType::Start).answer(None, None, Vec::new(), at(0));
        assert_eq!((answer.tag, answer.steps, answer.refusal), (None, Vec::new(), Some(Reason::Unknown)));
        let [result] = answer.rules.as_slice() else { panic!("{:?}", answer.rules) };
        assert_eq!((result.rule, result.passed), (Check::OcppIdTag, false));
        assert!(result.detail.starts_with("This is no tag: it must be printable"), "{}", result.detail);
        let unknown = check("4711", RequestType::Start).answer(None, None, Vec::new(), at(0));
        assert_eq!((unknown.tag.is_some(), unknown.refusal), (true, Some(Reason::Unknown)));
    }

    #[test]
    fn equal_rules_change_nothing_and_time_never_runs_back() {
        let rules = |until| Rules::new(None, Some(at(until)), None).unwrap();
        let card = crate::fixtures::card(1, "04e1a2b3");
        let restricted = card.with_rules(rules(10), at(5));
        assert_eq!((&restricted.rules, restricted.updated_at), (&StoredRules::Readable(rules(10)), at(5)));
        assert_eq!(restricted.with_rules(rules(10), at(7)), restricted);
        assert_eq!(restricted.with_rules(rules(11), at(3)).updated_at, at(5));
        let removed = restricted.with_rules(Rules::default(), at(9));
        assert_eq!((&removed.rules, removed.updated_at), (&StoredRules::default(), at(9)));
        assert_eq!(card.with_rules(Rules::default(), at(9)), card);
        // Rules that cannot be read are replaced too: nobody could otherwise get rid of them.
        let unreadable = crate::AccessId { rules: StoredRules::Unreadable, ..card };
        assert_eq!(unreadable.with_rules(Rules::default(), at(9)).rules, StoredRules::default());
    }
}
