//! Batches. Each item is a transaction of its own, so a request is as many steps of the model, all between its beginning and its
//! end.

use model::{Call, Imported, Made, Outcome};

use super::{changes::Changes, observe::id};
use crate::support::Answer;

/// A request that brings in access IDs, and its answer.
pub struct Batch {
    pub items: Vec<Call>,
    pub made: Made,
    pub answer: Answer,
}

impl Batch {
    /// The items as writes of their own. If the request was answered 503, each is uncertain.
    pub fn writes(&self, changes: &mut Changes) -> Vec<Made> {
        let write = |(at, item): (usize, &Call)| {
            let Call::Import { tag, .. } = *item else { panic!("{item:?}") };
            let mut made = Made { call: item.clone(), outcome: self.outcome(at), ..self.made.clone() };
            changes.note_imported(&mut made, tag);
            made
        };
        self.items.iter().enumerate().map(write).collect()
    }

    /// What became of each item, for counting.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let results = self.answer.body["results"].as_array().into_iter().flatten();
        results.map(|result| format!("item {}", result["outcome"].as_str().unwrap()))
    }

    /// The outcome of an item; none if it is left open.
    pub fn outcome(&self, at: usize) -> Option<Outcome> {
        if self.answer.status == 503 {
            return None;
        }
        let result = &self.answer.body["results"][at];
        let how = match (result["outcome"].as_str(), result["error"]["code"].as_str()) {
            (Some("created"), _) => Imported::Created,
            (Some("updated"), _) => Imported::Updated,
            (Some("unchanged"), _) => Imported::Unchanged,
            (_, Some("service_unavailable" | "send_again")) => return None,
            (_, Some("invalid_request")) => {
                let details = result["error"]["details"].as_array().unwrap();
                let fields: Vec<_> = details.iter().map(|detail| detail["field"].as_str().unwrap()).collect();
                assert_eq!(fields, [format!("accessIds[{at}].type")], "{result}");
                return Some(Outcome::Refused);
            }
            _ => panic!("{result}"),
        };
        Some(Outcome::Imported { id: id(&result["accessId"]["id"]), how })
    }
}
