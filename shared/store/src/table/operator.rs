//! What the operator reads without a credential: organizations and their credentials, no records.

use domain::OrganizationId;

use super::Table;
use crate::{
    Error,
    items::{Corrupt, CredentialItem, OrganizationItem, from_item, key_of},
    keys::{self, CREDENTIAL_SORT_PREFIX, ORGANIZATIONS},
};

impl Table {
    /// An organization, if there is one of this id.
    pub async fn organization(&self, organization: &OrganizationId) -> Result<Option<OrganizationItem>, Error> {
        Ok(self.get(keys::organization(organization)).await?.map(from_item).transpose()?)
    }

    /// All organizations.
    pub async fn organizations(&self) -> Result<Vec<(OrganizationId, OrganizationItem)>, Error> {
        let items = self.query(ORGANIZATIONS, "SK > :sort", "0").await?;
        let read = |item| {
            let id = key_of(&item)?.sort.parse().map_err(|_| Corrupt::new("an organization's id"))?;
            Ok((id, from_item(item)?))
        };
        Ok(items.into_iter().map(read).collect::<Result<_, Corrupt>>()?)
    }

    /// An organization's credentials whose SHA-256 begins so, each with its SHA-256.
    pub async fn credentials(
        &self,
        organization: &OrganizationId,
        digest: &str,
    ) -> Result<Vec<(String, CredentialItem)>, Error> {
        let prefix = format!("{CREDENTIAL_SORT_PREFIX}{digest}");
        let partition = keys::credentials(organization);
        let items = self.query(&partition, "begins_with(SK, :sort)", &prefix).await?;
        let read = |item| {
            let digest = key_of(&item)?.sort.trim_start_matches(CREDENTIAL_SORT_PREFIX).to_owned();
            Ok((digest, from_item(item)?))
        };
        Ok(items.into_iter().map(read).collect::<Result<_, Corrupt>>()?)
    }
}
