//! The search for an order of calls that explains their outcomes.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
};

use crate::{AccessId, Call, Kind, Model, Outcome, call::Record, generate::NO_RECORD, writes::Chosen};

/// After so many states the search is given up.
const MAX_STATES: usize = 500_000;

/// A call that was made, with its outcome.
#[derive(Clone, Debug)]
pub struct Made {
    /// The call.
    pub call: Call,
    /// The earliest time that the request can have, in milliseconds since 1970.
    pub from: i64,
    /// The latest time that the request can have.
    pub to: i64,
    /// When it was sent, by a counter of sendings and answers.
    pub began: usize,
    /// When its answer arrived, by the same counter.
    pub ended: usize,
    /// Its outcome; none if the answer leaves open whether it was carried out.
    pub outcome: Option<Outcome>,
    /// Whether it has changed anything, if that is known. A call without an outcome that has changed something was carried out.
    pub changed: Option<bool>,
}

/// No order explains the history. The fields describe the order that got furthest.
#[derive(Debug)]
pub struct Unexplained {
    /// The calls, in the order in which they began.
    pub history: Vec<Made>,
    /// The calls that this order does not contain.
    pub left: Vec<usize>,
    /// The state that this order leads to.
    pub state: Model,
    /// Whether the search was given up because it took too long.
    pub gave_up: bool,
}

impl fmt::Display for Unexplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.gave_up { "the search was given up" } else { "no order explains it" };
        writeln!(f, "{why}, the furthest comes to those that are marked:")?;
        f.write_str(&story(&self.history, &self.left))?;
        write!(f, "before those: {:?}", self.state)
    }
}

/// The history as text: for each call the counters of its sending and its answer, its times in milliseconds since the first
/// call, the call and its outcome. `marked` calls begin with `!`.
pub fn story(history: &[Made], marked: &[usize]) -> String {
    let zero = history.iter().map(|made| made.from).min().unwrap_or_default();
    let line = |(at, made): (usize, &Made)| {
        let Made { call, from, to, began, ended, outcome, changed: _ } = made;
        let mark = if marked.contains(&at) { '!' } else { ' ' };
        let (from, to) = (from - zero, to - zero);
        let outcome = outcome.as_ref().map_or("uncertain".to_owned(), |outcome| format!("{outcome:?}"));
        format!("{mark}{began:3}-{ended:<3} {from:4}-{to:<4} {call:?}\n         -> {outcome}\n")
    };
    history.iter().enumerate().map(line).collect()
}

/// Finds an order of the calls in which each has its outcome and which leads to the state `end`. A call with an outcome takes
/// effect between its beginning and its end; one without takes effect at any time after its beginning, or never. Returns the
/// indices of the calls without an outcome that are carried out in this order.
///
/// Access IDs, vehicles and rules are compared with `end`, everything else by `agrees`. An id that the service has given stands
/// in `end`, or in the call that deleted its record.
///
/// # Errors
/// [`Unexplained`] if there is no such order or the search was given up.
pub fn explain(history: &[Made], end: &Model, agrees: impl Fn(&Model) -> bool) -> Result<Vec<usize>, Box<Unexplained>> {
    assert!(history.len() <= 128, "one bit per call");
    let access_ids = ids_by_tag(history, end);
    let seen_times = seen_times(history, end);
    let times: Vec<Vec<i64>> = history.iter().map(|made| times(made, &seen_times, &access_ids)).collect();
    let deleted = history.iter().filter_map(|made| match made.call {
        Call::DeleteVehicle { id } => Some(id).filter(|id| *id != NO_RECORD),
        _ => None,
    });
    let vehicles = end.vehicles.keys().copied().chain(deleted).collect();
    let search = Search { history, end, access_ids, vehicles, times };

    let mut furthest = (0, Model::default());
    let mut seen: HashSet<(u128, Model)> = HashSet::new();
    let mut open = vec![furthest.clone()];
    while let Some((mut done, model)) = open.pop() {
        search.pass_what_has_no_effect(&mut done, &model);
        if done.count_ones() > furthest.0.count_ones() {
            furthest = (done, model.clone());
        }
        let is_open = |at: &usize| done & (1 << at) == 0;
        let is_settled = (0..history.len()).filter(is_open).all(|at| {
            let Made { outcome, changed, .. } = &history[at];
            outcome.is_none() && *changed != Some(true)
        });
        let is_end = (&model.access_ids, &model.vehicles, &model.rules) == (&end.access_ids, &end.vehicles, &end.rules);
        if is_settled && is_end && agrees(&model) {
            let uncertain = (0..history.len()).filter(|at| history[*at].outcome.is_none());
            return Ok(uncertain.filter(|at| !is_open(at)).collect());
        }
        if seen.len() > MAX_STATES {
            break;
        }
        search.successors(done, &model, |next| {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        });
    }
    let left = (0..history.len()).filter(|at| furthest.0 & (1 << at) == 0);
    Err(Box::new(Unexplained {
        history: history.to_vec(),
        left: left.collect(),
        state: furthest.1,
        gave_up: seen.len() > MAX_STATES,
    }))
}

struct Search<'a> {
    history: &'a [Made],
    end: &'a Model,
    /// The ids that the access IDs of a tag can have had.
    access_ids: BTreeMap<u8, BTreeSet<u64>>,
    /// The ids that vehicles can have had.
    vehicles: BTreeSet<u64>,
    /// For each call the times that its request can have.
    times: Vec<Vec<i64>>,
}

impl Search<'_> {
    /// The calls that can come next: no other open call ended before they began.
    fn enabled(&self, done: u128) -> impl Iterator<Item = usize> {
        let is_open = move |at: &usize| done & (1 << at) == 0;
        let certain = (0..self.history.len()).filter(is_open).filter(|at| self.history[*at].outcome.is_some());
        let first_end = certain.map(|at| self.history[at].ended).min().unwrap_or(usize::MAX);
        (0..self.history.len()).filter(is_open).filter(move |at| self.history[*at].began < first_end)
    }

    /// Takes every read and every refusal that has its outcome in this state. They have no effect, so taking them now excludes
    /// no order. (This is not so for a write that would change nothing now: it might change something later.)
    fn pass_what_has_no_effect(&self, done: &mut u128, model: &Model) {
        loop {
            let passed = self.enabled(*done).find(|at| {
                let Made { call, outcome, .. } = &self.history[*at];
                match outcome {
                    Some(outcome) if call.is_read() => self.shows(model, call, outcome),
                    Some(outcome) if outcome.is_refusal() => {
                        self.ways(*at, model).iter().any(|(_, came_to)| came_to == outcome)
                    }
                    _ => false,
                }
            });
            match passed {
                Some(at) => *done |= 1 << at,
                None => return,
            }
        }
    }

    fn successors(&self, done: u128, model: &Model, mut add: impl FnMut((u128, Model))) {
        let (certain, uncertain): (Vec<_>, Vec<_>) =
            self.enabled(done).partition(|at| self.history[*at].outcome.is_some());
        // Calls with an outcome are tried first: the search continues with what is added last.
        for at in uncertain.into_iter().chain(certain) {
            let Made { call, outcome, changed, .. } = &self.history[at];
            if call.is_read() || outcome.as_ref().is_some_and(Outcome::is_refusal) {
                continue;
            }
            for (next, came_to) in self.ways(at, model) {
                // A call without an outcome that changes nothing need not be in the order.
                let has_changed = next != *model;
                let fits = outcome.as_ref().map_or(has_changed, |outcome| *outcome == came_to);
                if fits && changed.is_none_or(|changed| changed == has_changed) {
                    add((done | 1 << at, next));
                }
            }
        }
    }

    /// Whether a read may show this now. A list reads access IDs before their vehicles, and shows one whose vehicle has been
    /// deleted meanwhile without it.
    fn shows(&self, model: &Model, read: &Call, outcome: &Outcome) -> bool {
        if model.shows(read, outcome) {
            return true;
        }
        let (Call::ListAccessId { .. }, Outcome::AccessId { access_id, .. }, Outcome::AccessId { access_id: now, .. }) =
            (read, outcome, model.read(read))
        else {
            return false;
        };
        let is_deleted = now.vehicle.is_some_and(|id| !self.end.vehicles.contains_key(&id));
        is_deleted && AccessId { vehicle: None, ..now } == *access_id
    }

    /// The states and outcomes that a call can lead to, one for each time of the request and each choice of ids for new
    /// records.
    fn ways(&self, at: usize, model: &Model) -> Vec<(Model, Outcome)> {
        let Made { call, outcome, .. } = &self.history[at];
        let vehicles: Vec<u64> = match outcome {
            _ if !model.makes_vehicle(call) => vec![0],
            Some(Outcome::Vehicle { id, .. }) => vec![*id],
            Some(Outcome::AccessId { access_id, .. }) => access_id.vehicle.into_iter().collect(),
            Some(_) => vec![0],
            None => self.vehicles.iter().copied().filter(|id| !model.has_had(Kind::Vehicle, *id)).collect(),
        };
        let mut ways = Vec::new();
        for access_ids in self.new_access_ids(call, outcome.as_ref(), model) {
            for vehicle in &vehicles {
                let chosen = |now| Chosen { now, access_ids: &access_ids, vehicle: *vehicle };
                ways.extend(self.times[at].iter().filter_map(|now| model.after(call, chosen(*now))));
            }
        }
        ways
    }

    /// The ids that the access IDs that a call creates can have, by their tags.
    fn new_access_ids(&self, call: &Call, outcome: Option<&Outcome>, model: &Model) -> Vec<BTreeMap<u8, u64>> {
        match outcome {
            Some(Outcome::AccessId { access_id, .. }) => vec![BTreeMap::from([(access_id.tag, access_id.id)])],
            Some(Outcome::Vehicle { access_ids, .. }) => {
                vec![access_ids.iter().map(|(id, tag, _)| (*tag, *id)).collect()]
            }
            Some(Outcome::Imported { id, .. }) => {
                let tag = call.written().into_iter().find_map(Record::tag);
                vec![tag.map(|tag| (tag, *id)).into_iter().collect()]
            }
            Some(_) => vec![BTreeMap::new()],
            None => {
                let mut ways = vec![BTreeMap::new()];
                for record in call.written() {
                    let Record::Tag(tag) = record else { continue };
                    if model.by_tag(tag).is_some() {
                        continue;
                    }
                    let known = self.access_ids.get(&tag).into_iter().flatten();
                    let ids: Vec<u64> = known.copied().filter(|id| !model.has_had(Kind::AccessId, *id)).collect();
                    let with = |way: &BTreeMap<u8, u64>, id| {
                        way.iter().map(|(tag, id)| (*tag, *id)).chain([(tag, id)]).collect()
                    };
                    ways = ways.iter().flat_map(|way| ids.iter().map(move |id| with(way, *id))).collect();
                }
                ways
            }
        }
    }
}

/// The ids that the access IDs of each tag can have had: those that answers and the end state show, and of the access IDs that
/// were deleted and never shown every one.
fn ids_by_tag(history: &[Made], end: &Model) -> BTreeMap<u8, BTreeSet<u64>> {
    let mut pairs: BTreeSet<(u8, u64)> =
        end.access_ids.values().map(|access_id| (access_id.tag, access_id.id)).collect();
    for made in history {
        match &made.outcome {
            Some(Outcome::AccessId { access_id, .. }) => _ = pairs.insert((access_id.tag, access_id.id)),
            Some(Outcome::Imported { id, .. }) => {
                pairs.extend(made.call.written().into_iter().filter_map(Record::tag).map(|tag| (tag, *id)));
            }
            Some(Outcome::Vehicle { access_ids, .. }) => {
                pairs.extend(access_ids.iter().map(|(id, tag, _)| (*tag, *id)))
            }
            _ => {}
        }
    }
    let shown: BTreeSet<u64> = pairs.iter().map(|(_, id)| *id).collect();
    let tags: BTreeSet<u8> = history.iter().flat_map(|made| made.call.written()).filter_map(Record::tag).collect();
    for made in history {
        if let Call::DeleteAccessId { id } = made.call
            && id != NO_RECORD
            && !shown.contains(&id)
        {
            pairs.extend(tags.iter().map(|tag| (*tag, id)));
        }
    }
    let mut ids: BTreeMap<u8, BTreeSet<u64>> = BTreeMap::new();
    pairs.into_iter().for_each(|(tag, id)| _ = ids.entry(tag).or_default().insert(id));
    ids
}

/// All times that answers and the end state show of each access ID.
fn seen_times(history: &[Made], end: &Model) -> BTreeMap<u64, BTreeSet<i64>> {
    let mut times: BTreeMap<u64, BTreeSet<i64>> = BTreeMap::new();
    let shown = history.iter().filter_map(|made| match &made.outcome {
        Some(Outcome::AccessId { access_id, .. }) => Some(access_id),
        _ => None,
    });
    for AccessId { id, authorized_at, revoked_at, created_at, updated_at, .. } in shown.chain(end.access_ids.values()) {
        let seen = [Some(*authorized_at), *revoked_at, Some(*created_at), Some(*updated_at)];
        times.entry(*id).or_default().extend(seen.into_iter().flatten());
    }
    times
}

/// The times that a request can have, as far as they make a difference: those seen of the access IDs that it writes, and the
/// earliest possible one, which stands for all times that were not seen.
fn times(made: &Made, seen: &BTreeMap<u64, BTreeSet<i64>>, access_ids: &BTreeMap<u8, BTreeSet<u64>>) -> Vec<i64> {
    let ids = |record| match record {
        Record::Id(id) => vec![id],
        Record::Tag(tag) => access_ids.get(&tag).into_iter().flatten().copied().collect(),
    };
    let written: Vec<u64> = made.call.written().into_iter().flat_map(ids).collect();
    let seen = written.iter().filter_map(|id| seen.get(id)).flatten().copied();
    let possible: BTreeSet<i64> = seen.filter(|time| (made.from..=made.to).contains(time)).chain([made.from]).collect();
    possible.into_iter().collect()
}
