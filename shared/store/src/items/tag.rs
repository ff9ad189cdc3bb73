use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccessId, AccessIdLabel, AccessIdType, AuthorizationStatus, Id, StoredRules, StoredTag};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use super::{Item, StoredItem, rules};

/// What an RFID decision needs to know of an access ID, stored under its tag. It changes together with the access ID.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagItem {
    pub access_id: Id,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AccessIdType,
    pub authorization_status: AuthorizationStatus,
    /// Where the vehicle can be read together with the access ID. No decision depends on it, and the access ID alone says
    /// whether it is true.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "id_if_readable")]
    pub vehicle_id: Option<Id>,
    #[serde(default, with = "rules", skip_serializing_if = "rules::are_not_written")]
    rules: StoredRules,
}

/// An id that nothing depends on: any other value is as good as none.
fn id_if_readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Ok(Id::deserialize(deserializer).ok())
}

impl StoredItem for TagItem {
    const OPTIONAL: &'static [&'static str] = &["vehicleId", rules::ATTRIBUTE];

    fn keeps(&self, attribute: &str) -> bool {
        rules::are_kept(&self.rules, attribute)
    }
}

impl TagItem {
    pub fn new(access_id: &AccessId) -> Self {
        Self {
            access_id: access_id.id,
            name: access_id.name.to_string(),
            kind: access_id.kind,
            authorization_status: access_id.status,
            vehicle_id: access_id.vehicle,
            rules: access_id.rules.clone(),
        }
    }

    /// Whose tag it is.
    pub fn into_label(self) -> AccessIdLabel {
        AccessIdLabel { id: self.access_id, name: self.name, kind: self.kind }
    }
}

/// The item of a tag as a decision takes it: part by part, since a part that cannot be read refuses and does not hide the
/// others. The authorizer reads the same item in `decision.rs`, through its own client.
pub(crate) fn stored_tag(mut item: Item) -> StoredTag {
    fn read<T: DeserializeOwned>(value: Option<AttributeValue>) -> Option<T> {
        serde_dynamo::from_attribute_value(value?).ok()
    }
    let (id, name, kind) = (read(item.remove("accessId")), read(item.remove("name")), read(item.remove("type")));
    StoredTag {
        access_id: id.zip(name).zip(kind).map(|((id, name), kind)| AccessIdLabel { id, name, kind }),
        status: read(item.remove("authorizationStatus")),
        rules: item
            .remove(rules::ATTRIBUTE)
            .map(|value| serde_dynamo::from_attribute_value(value).into())
            .unwrap_or_default(),
    }
}
