use domain::{Change, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Corrupt, Expiring, StoredItem};
use crate::keys;

/// An entry of the history.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeItem {
    #[serde(rename = "SK", default, skip_serializing)]
    sort: String,
    changed_at: Timestamp,
    credential_id: String,
    request_id: String,
    operation: String,
    subjects: Vec<Subject>,
    expires_at: i64,
}

impl StoredItem for ChangeItem {}

impl ChangeItem {
    pub fn new(change: Change, expires_at: i64) -> Self {
        Self {
            sort: String::new(),
            changed_at: change.changed_at,
            credential_id: change.credential_id,
            request_id: change.request_id,
            operation: change.operation,
            subjects: change.subjects,
            expires_at,
        }
    }
}

impl Expiring for ChangeItem {
    type Value = Change;

    fn expires_at(&self) -> i64 {
        self.expires_at
    }

    fn into_value(self) -> Result<Change, Corrupt> {
        Ok(Change {
            id: keys::id_of(&self.sort).ok_or_else(|| Corrupt::new("the sort key of a change"))?,
            changed_at: self.changed_at,
            credential_id: self.credential_id,
            request_id: self.request_id,
            operation: self.operation,
            subjects: self.subjects,
        })
    }
}
