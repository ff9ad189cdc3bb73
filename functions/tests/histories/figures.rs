//! Counts over all schedules, to see that every kind of fault and of answer has occurred.

use std::collections::BTreeMap;

use super::schedule;

/// Counts over all schedules.
#[derive(Default)]
pub struct Figures {
    /// Requests.
    pub calls: usize,
    /// Answers by status and code.
    pub answers: BTreeMap<String, usize>,
    /// Faults by kind: those of the authorizer, those of the other functions.
    pub faults: BTreeMap<String, [usize; 2]>,
    /// Writes answered 503 that had been carried out.
    pub happened: usize,
    /// Writes answered 503 that had not been carried out.
    pub did_not: usize,
    /// Decisions that the journal lacks in one of its lists, or may lack.
    pub lost: usize,
    /// Those of schedules without a fault of the authorizer's, which come from a slow machine.
    pub lost_without_fault: usize,
    /// Answers 503 without a fault, which come from a slow machine.
    pub without_fault: usize,
}

impl Figures {
    /// Adds the counts of one schedule.
    pub fn add(&mut self, one: Figures) {
        let Self { calls, answers, faults, happened, did_not, lost, lost_without_fault, without_fault } = one;
        self.calls += calls;
        self.happened += happened;
        self.did_not += did_not;
        self.lost += lost;
        self.lost_without_fault += lost_without_fault;
        self.without_fault += without_fault;
        answers.into_iter().for_each(|(answer, count)| *self.answers.entry(answer).or_default() += count);
        for (kind, counts) in faults {
            let sums = self.faults.entry(kind).or_default();
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// Checks that every kind of fault and of answer has occurred.
    pub fn cover_everything(&self) {
        for kind in schedule::kinds() {
            let happened = self.faults.get(&kind).copied().unwrap_or_default();
            assert!(happened[1] > 0, "{kind} never happened:\n{self}");
            // The authorizer makes no transactions.
            assert!(
                happened[0] > 0 || kind.contains("Transaction"),
                "{kind} never happened to the authorizer:\n{self}"
            );
        }
        for answer in [
            "200",
            "201",
            "204",
            "400 invalid_request",
            "403 expired",
            "403 not_here",
            "403 not_yet_valid",
            "403 revoked",
            "403 unknown",
            "404 not_found",
            "409 idempotency_key_reused",
            "409 tag_taken",
            "409 vehicle_in_use",
            "503 service_unavailable",
            "item created",
            "item error",
            "item unchanged",
            "item updated",
        ] {
            assert!(self.answers.contains_key(answer), "{answer} never came:\n{self}");
        }
        assert!(self.happened > 0 && self.did_not > 0, "{self}");
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} calls", self.calls)?;
        self.answers.iter().try_for_each(|(answer, count)| writeln!(f, "{count:8} {answer}"))?;
        writeln!(f, "faults (authorizer, others)")?;
        for (kind, [authorizer, others]) in &self.faults {
            writeln!(f, "{authorizer:8}{others:8} {kind}")?;
        }
        let Self { happened, did_not, lost, lost_without_fault, without_fault, .. } = self;
        writeln!(f, "decisions lost to the journal: {lost}, {lost_without_fault} of them without a fault")?;
        write!(f, "writes answered 503: {happened} happened, {did_not} did not; 503 without a fault: {without_fault}")
    }
}
