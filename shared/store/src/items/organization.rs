use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoredItem;
use crate::Scope;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationItem {
    pub name: String,
    pub created_at: Timestamp,
    /// What the organization's cursors are signed with.
    pub cursor_key: String,
}

impl StoredItem for OrganizationItem {}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialItem {
    pub scope: Scope,
    pub label: String,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The organization's, copied here so that a list needs no further read.
    pub cursor_key: String,
}

impl StoredItem for CredentialItem {
    const OPTIONAL: &'static [&'static str] = &["revokedAt"];
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CustomerItem {
    /// In the spelling in which it was first given.
    pub name: String,
}

impl StoredItem for CustomerItem {}
