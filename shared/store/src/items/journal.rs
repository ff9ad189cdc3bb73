use domain::{AccessIdLabel, DecisionRecord, Excerpt, Reason, RequestType, Timestamp, UnknownTag};
use serde::{Deserialize, Serialize};

use super::{Corrupt, StoredItem, tag};
use crate::keys;

/// An entry of the decision journal. It is stored twice: among all of the organization and, if what was received is a tag,
/// among those about this tag.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionItem {
    #[serde(rename = "SK", default, skip_serializing)]
    sort: String,
    decided_at: Timestamp,
    #[serde(rename = "type")]
    kind: RequestType,
    charge_box: Excerpt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ocpp_id_tag: Option<String>,
    received_id: Excerpt,
    /// Absent if the tag was authorized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Whose tag it was when it was decided about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_id: Option<AccessIdLabel>,
    request_id: String,
    expires_at: i64,
}

impl StoredItem for DecisionItem {}

impl DecisionItem {
    pub fn new(record: &DecisionRecord, expires_at: i64) -> Self {
        Self {
            sort: String::new(),
            decided_at: record.decided_at,
            kind: record.kind,
            charge_box: record.charge_box.clone(),
            ocpp_id_tag: record.tag.as_ref().map(ToString::to_string),
            received_id: record.received_id.clone(),
            reason: record.refusal,
            access_id: record.access_id.clone(),
            request_id: record.request_id.clone(),
            expires_at,
        }
    }
}

impl Expiring for DecisionItem {
    type Value = DecisionRecord;

    fn expires_at(&self) -> i64 {
        self.expires_at
    }

    fn into_value(self) -> Result<DecisionRecord, Corrupt> {
        Ok(DecisionRecord {
            id: keys::id_of(&self.sort).ok_or_else(|| Corrupt::new("a decision's sort key"))?,
            decided_at: self.decided_at,
            kind: self.kind,
            charge_box: self.charge_box,
            tag: self.ocpp_id_tag.map(tag).transpose()?,
            received_id: self.received_id,
            refusal: self.reason,
            access_id: self.access_id,
            request_id: self.request_id,
        })
    }
}

/// The latest sight of a tag that no access ID has.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnknownTagItem {
    #[serde(rename = "SK", default, skip_serializing)]
    sort: String,
    received_id: Excerpt,
    last_seen_at: Timestamp,
    charge_box: Excerpt,
    #[serde(rename = "type")]
    kind: RequestType,
    expires_at: i64,
}

impl StoredItem for UnknownTagItem {}

impl UnknownTagItem {
    pub fn new(unknown: &UnknownTag, expires_at: i64) -> Self {
        Self {
            sort: String::new(),
            received_id: unknown.received_id.clone(),
            last_seen_at: unknown.last_seen_at,
            charge_box: unknown.charge_box.clone(),
            kind: unknown.kind,
            expires_at,
        }
    }
}

impl Expiring for UnknownTagItem {
    type Value = UnknownTag;

    fn expires_at(&self) -> i64 {
        self.expires_at
    }

    fn into_value(self) -> Result<UnknownTag, Corrupt> {
        Ok(UnknownTag {
            tag: tag(self.sort)?,
            received_id: self.received_id,
            last_seen_at: self.last_seen_at,
            charge_box: self.charge_box,
            kind: self.kind,
        })
    }
}

/// A start that was accepted: until it expires, rules do not count at the charge box.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartItem {
    pub expires_at: i64,
}

impl StoredItem for StartItem {}

/// A kind of item that the table forgets.
pub(crate) trait Expiring: StoredItem {
    /// What it stands for.
    type Value;

    /// When it is forgotten, in seconds since 1970: the table's time to live, which removes items only after a while.
    fn expires_at(&self) -> i64;

    fn into_value(self) -> Result<Self::Value, Corrupt>;
}
