//! Many access IDs on the wire, in one request.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use domain::{
    AccessIdType, Excerpt, Id, OcppIdTag, PutAccessId, Subject, Vehicle, VehicleChange, spell_customers_alike,
};
use serde::Serialize;
use serde_json::{Value, json};
use store::BatchItem;

use crate::{
    access_ids::{read_customer, read_vehicle_change},
    error::Error,
    json::{self, Json, Object},
    problems::{Problem, Problems},
    query::Query,
};

/// How many access IDs one request brings in at most.
const MAX_ITEMS: usize = 1_000;
/// How many problems of one item are told. An item of known fields alone cannot have as many, and Lambda takes no answer of more
/// than 6 MB.
const MAX_PROBLEMS: usize = 20;

/// A batch as it was read: for each item what it asks for, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The tags: as they are kept, or as they were given if they are none. None if no text was given.
    tags: Vec<Option<Excerpt>>,
    puts: Vec<PutAccessId>,
    problems: BTreeMap<usize, Problems>,
}

/// `{"results": […]}`: what has become of each item of a batch, in their order.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchDocument {
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1_000))]
    results: Vec<BatchResult>,
}

/// What has become of an item.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct BatchResult {
    /// Normalized; what is no tag as it was given, cut after 128 characters. Null if no text was given.
    ocpp_id_tag: Option<String>,
    outcome: Outcome,
    /// The access ID that has the tag. Not there after an error, and not of one that a dry run did not create.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    access_id: Option<BatchAccessId>,
    /// Why nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    error: Option<BatchError>,
    /// Of a dry run: every field that would have another value. Other answers have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    changes: Option<Vec<FieldChange>>,
}

/// What has become of an item, or, in a dry run, would have.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
enum Outcome {
    Created,
    Updated,
    Unchanged,
    Error,
}

/// Which access ID.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct BatchAccessId {
    id: Id,
}

/// What is wrong with an item, or with the service.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct BatchError {
    /// One sentence for a person.
    error: String,
    /// What a program goes by: as in other errors, and `send_again` for an item for which there was no time left. It may or may
    /// not have been carried out; sent again, it comes to the same.
    code: &'static str,
    /// Every problem of an invalid item, up to 20. The fields are those of the whole body: `accessIds[3].name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, nullable = false))]
    details: Option<Vec<Problem>>,
}

/// A field that would have another value.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct FieldChange {
    /// A field of the item, such as `vehicle.make`. Of a vehicle that would be created: `vehicle`.
    field: String,
    /// Null if it has none, and if the access ID would be created. A customer is its name.
    from: Value,
    /// Null if it would have none.
    to: Value,
}

/// Whether `PUT /api/access-ids/batch` only says what it would do.
pub fn is_dry_run(query: &mut Query) -> bool {
    query.optional("dryRun", |text| text.parse().map_err(|_| "must be true or false")).unwrap_or_default()
}

/// Reads the body of `PUT /api/access-ids/batch`. What is wrong with one item stays with it.
///
/// # Errors
/// What is wrong with the body as a whole.
pub fn parse(body: &[u8]) -> Result<Batch, Problems> {
    let mut problems = Problems::default();
    let items = Object::whole(body, &mut problems).and_then(|body| {
        body.read(&mut problems, |body, problems| {
            body.required("accessIds", problems, |value| match json::list(value)? {
                items if items.is_empty() => Err("must hold at least one element".to_owned()),
                items if items.len() > MAX_ITEMS => Err(format!("must hold at most {MAX_ITEMS} elements")),
                items => Ok(items),
            })
        })
    });
    let mut batch = Batch { tags: Vec::new(), puts: Vec::new(), problems: BTreeMap::new() };
    let mut first_of = HashMap::new();
    for (at, item) in problems.or(items)?.into_iter().enumerate() {
        let path = format!("accessIds[{at}]");
        let mut problems = Problems::default();
        let (given, tag, put) = read_item(&path, item, &mut problems);
        let shown = tag.as_ref().map(|tag| Excerpt::of(tag.as_str())).or(given);
        if let Some(tag) = tag {
            let first = *first_of.entry(tag).or_insert(at);
            if first != at {
                problems.add(format!("{path}.ocppIdTag"), format!("is the same tag as accessIds[{first}].ocppIdTag"));
            }
        }
        batch.tags.push(shown);
        match problems.or(put) {
            Ok(put) => batch.puts.push(put),
            Err(problems) => drop(batch.problems.insert(at, problems)),
        }
    }
    spell_customers_alike(batch.puts.iter_mut());
    Ok(batch)
}

/// The text that is given for an item's tag, the tag even if other fields are wrong, and the item.
fn read_item(
    path: &str,
    item: Json<'_>,
    problems: &mut Problems,
) -> (Option<Excerpt>, Option<OcppIdTag>, Option<PutAccessId>) {
    let Some(item) = Object::of(path.to_owned(), item, problems) else { return (None, None, None) };
    let mut given = None;
    let mut tag = |value| {
        json::string(value, |text| {
            given = Some(Excerpt::of(text));
            OcppIdTag::normalize(text)
        })
    };
    let (tag, put) = item.read(problems, |item, problems| {
        let tag = item.required("ocppIdTag", problems, &mut tag);
        let kind = item.required("type", problems, json::word);
        let name = item.required("name", problems, json::text);
        let status = item.not_null("authorizationStatus", problems, json::word);
        if kind == Some(AccessIdType::Rfid) && item.has("vehicle") {
            problems.add(item.path_of("vehicle"), "is for the type Vehicle alone");
        }
        let vehicle = read_vehicle_change(item, problems);
        let customer = read_customer(item, problems);
        let put = |tag| Some(PutAccessId { tag, kind: kind?, name: name?, status, customer, vehicle });
        (tag.clone(), tag.and_then(put))
    });
    (given, tag, put)
}

impl Batch {
    /// The items that nothing is wrong with, in their order.
    pub fn puts(&self) -> &[PutAccessId] {
        &self.puts
    }

    /// What is wrong with the items, all at once, as other bodies are read.
    ///
    /// # Errors
    /// Every problem of every item.
    pub fn all_or_nothing(self) -> Result<Vec<PutAccessId>, Problems> {
        let problems = Problems(self.problems.into_values().flat_map(|problems| problems.0).collect());
        problems.or(Some(self.puts))
    }
}

impl BatchDocument {
    /// The document of a batch, given what has become of [`Batch::puts`].
    pub fn new(batch: &Batch, outcomes: Vec<Option<Result<BatchItem, store::Error>>>, is_dry_run: bool) -> Self {
        let mut outcomes = batch.puts.iter().zip(outcomes);
        let results = batch.tags.iter().enumerate().map(|(at, tag)| {
            let done = match batch.problems.get(&at) {
                Some(problems) => Err(BatchError::invalid(at, problems)),
                None => match outcomes.next() {
                    Some((put, Some(Ok(item)))) => Ok(done(put, &item, is_dry_run)),
                    Some((_, Some(Err(error)))) => Err(BatchError::new(at, error.into())),
                    Some((_, None)) | None => Err(BatchError::send_again()),
                },
            };
            let (outcome, access_id, changes, error) = match done {
                Ok((outcome, access_id, changes)) => (outcome, access_id, changes, None),
                Err(error) => (Outcome::Error, None, Vec::new(), Some(error)),
            };
            let ocpp_id_tag = tag.as_ref().map(|tag| tag.as_str().to_owned());
            BatchResult { ocpp_id_tag, outcome, access_id, error, changes: is_dry_run.then_some(changes) }
        });
        Self { results: results.collect() }
    }
}

fn done(put: &PutAccessId, item: &BatchItem, is_dry_run: bool) -> (Outcome, Option<BatchAccessId>, Vec<FieldChange>) {
    let outcome = match &item.before {
        None => Outcome::Created,
        Some(before) if *before == item.after => Outcome::Unchanged,
        Some(_) => Outcome::Updated,
    };
    let is_there = item.before.is_some() || !is_dry_run;
    let access_id = is_there.then_some(BatchAccessId { id: item.after.access_id.id });
    (outcome, access_id, if is_dry_run { changes(put, item) } else { Vec::new() })
}

/// What differs between an access ID, with its vehicle, before and after. The number of a vehicle that is created is not known
/// before it is.
fn changes(put: &PutAccessId, BatchItem { before, after }: &BatchItem) -> Vec<FieldChange> {
    let change = |field: String, [from, to]: [Value; 2]| FieldChange { field, from, to };
    let before_vehicle = before.as_ref().and_then(|before| before.vehicle.as_ref());
    let access_id = Subject::between(before.as_ref().map(|before| &before.access_id), Some(&after.access_id));
    let mut fields = access_id.map(|subject| subject.fields).unwrap_or_default();
    let mut of_vehicle = Vec::new();
    if let (VehicleChange::Change { .. }, Some(vehicle)) = (&put.vehicle, &after.vehicle) {
        match before_vehicle {
            None => {
                fields.remove("vehicleId");
                of_vehicle.push(change("vehicle".to_owned(), [Value::Null, details(vehicle)]));
            }
            before => {
                let changed = Subject::between(before, Some(vehicle)).map(|subject| subject.fields).unwrap_or_default();
                of_vehicle.extend(changed.into_iter().map(|(name, values)| change(format!("vehicle.{name}"), values)));
            }
        }
    }
    let fields = fields.into_iter().map(|(name, values)| change(name, values));
    fields.chain(of_vehicle).collect()
}

fn details(vehicle: &Vehicle) -> Value {
    fn text<const MAX: usize>(text: Option<&domain::Text<MAX>>) -> Option<&str> {
        text.map(domain::Text::as_str)
    }
    json!({
        "make": text(vehicle.make.as_ref()), "model": text(vehicle.model.as_ref()), "vin": text(vehicle.vin.as_ref()),
    })
}

impl BatchError {
    /// What other endpoints would answer, with the fields of an access ID as those of this item.
    fn new(at: usize, error: Error) -> Self {
        match error {
            Error::Invalid(Problems(mut problems)) => {
                for problem in &mut problems {
                    if let Some(field) = problem.field.strip_prefix("accessId") {
                        problem.field = format!("accessIds[{at}]{field}");
                    }
                }
                Self::invalid(at, &Problems(problems))
            }
            error => Self { error: error.sentence(), code: error.code(), details: None },
        }
    }

    fn invalid(at: usize, problems: &Problems) -> Self {
        let mut told = Problems(problems.0.iter().take(MAX_PROBLEMS).cloned().collect());
        if told.0.len() < problems.0.len() {
            told.0.pop();
            told.add(format!("accessIds[{at}]"), "has more problems than are named here");
        }
        let error = Error::Invalid(told.clone());
        Self { error: error.sentence(), code: error.code(), details: Some(told.0) }
    }

    fn send_again() -> Self {
        let error = "There was no time left for it; send it again.".to_owned();
        Self { error, code: "send_again", details: None }
    }
}
