use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccessId, AccessIdLabel, AccessIdType, AuthorizationStatus, Id, StoredRules, StoredTag, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Corrupt, Item, StoredItem, rules};

/// What an RFID decision needs to know of an access ID, stored under its tag. It changes together with the access ID.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagItem {
    access_id: u64,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AccessIdType,
    pub authorization_status: AuthorizationStatus,
    #[serde(default, with = "rules", skip_serializing_if = "rules::are_not_written")]
    rules: StoredRules,
}

impl StoredItem for TagItem {
    const OPTIONAL: &'static [&'static str] = &[rules::ATTRIBUTE];

    fn keeps(&self, attribute: &str) -> bool {
        rules::are_kept(&self.rules, attribute)
    }
}

impl TagItem {
    pub fn new(access_id: &AccessId) -> Self {
        Self {
            access_id: access_id.id.get(),
            name: access_id.name.to_string(),
            kind: access_id.kind,
            authorization_status: access_id.status,
            rules: access_id.rules.clone(),
        }
    }

    pub fn access_id(&self) -> Result<Id, Corrupt> {
        Id::new(self.access_id).map_err(Corrupt::new)
    }
}

/// The item of a tag as a decision takes it: part by part, since a part that cannot be read refuses and does not hide the
/// others. The authorizer reads the same item in `decision.rs`, through its own client.
pub(crate) fn stored_tag(mut item: Item) -> StoredTag {
    fn read<T: DeserializeOwned>(value: Option<AttributeValue>) -> Option<T> {
        serde_dynamo::from_attribute_value(value?).ok()
    }
    let id = read(item.remove("accessId")).and_then(|number| Id::new(number).ok());
    let (name, kind) = (read(item.remove("name")), read(item.remove("type")));
    StoredTag {
        access_id: id.zip(name).zip(kind).map(|((id, name), kind)| AccessIdLabel { id, name, kind }),
        status: read(item.remove("authorizationStatus")),
        rules: item
            .remove(rules::ATTRIBUTE)
            .map(|value| serde_dynamo::from_attribute_value(value).into())
            .unwrap_or_default(),
    }
}

/// An accepted start of a tag at a charge box. The authorizer writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartItem {
    /// Until when it is remembered, in seconds since 1970: the table's time to live.
    expires_at: i64,
}

impl StoredItem for StartItem {}

impl StartItem {
    pub fn remembered_until(&self) -> Option<Timestamp> {
        Timestamp::from_timestamp(self.expires_at, 0)
    }
}
