//! What is wrong with a request: all of it at once, each problem with the field that it concerns.

use domain::{Id, TagConflict};

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The path of the field (`vehicle.accessIds[1].ocppIdTag`), the name of a parameter or header, or empty for a body
    /// that is no JSON object.
    pub field: String,
    /// What is wrong with it, as the end of a sentence that begins with the field.
    pub message: String,
}

/// An element of a request whose tag is taken.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conflict {
    /// The path of the tag: `accessId.ocppIdTag` or `vehicle.accessIds[38].ocppIdTag`.
    pub(crate) field: String,
    /// The access ID that has the tag.
    pub(crate) access_id: Id,
}

impl Conflict {
    /// What the contract shows of a conflict.
    pub(crate) fn new(conflict: &TagConflict) -> Self {
        let field = match conflict.index {
            None => "accessId.ocppIdTag".to_owned(),
            Some(index) => format!("vehicle.accessIds[{index}].ocppIdTag"),
        };
        Self { field, access_id: conflict.access_id }
    }
}

/// All that is wrong with a request, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One problem.
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, message);
        problems
    }

    /// Adds a problem at the end.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { field: field.into(), message: message.into() });
    }

    /// The value if there are no problems. A reader that has no value has added the reason, so `None` comes with
    /// at least one problem.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}
