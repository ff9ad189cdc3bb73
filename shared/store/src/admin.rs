//! What the operator does by hand: organizations, credentials, and bringing records in.

use domain::{AccessId, OrganizationId, Timestamp, Vehicle};

use crate::{
    Credential, Error, Scope, Store,
    credential::{self, ID_DIGEST_LENGTH, ORGANIZATION_ID_LENGTH},
    customers, digest,
    items::{AccessIdItem, CredentialItem, OrganizationItem, TagItem, VehicleItem, milliseconds},
    keys,
    table::{Attempt, Transaction},
};

/// A fleet that uses the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What the operator calls it.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A new credential. The token is nowhere else: the table keeps its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// What to revoke it by.
    pub id: String,
    /// What the caller shows.
    pub token: String,
}

/// What is known of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialInfo {
    /// What to revoke it by.
    pub id: String,
    /// What it opens.
    pub scope: Scope,
    /// What the operator calls it.
    pub label: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    /// Creates an organization. It begins without credentials.
    ///
    /// # Errors
    /// The table's own.
    pub async fn create_organization(&self, name: &str, now: Timestamp) -> Result<Organization, Error> {
        let created_at = milliseconds(now);
        let cursor_key = digest::hex(&digest::random::<32>());
        let item = OrganizationItem { name: name.to_owned(), created_at, cursor_key };
        self.table
            .settle(async || {
                let id: OrganizationId =
                    digest::random_base62(ORGANIZATION_ID_LENGTH).parse().map_err(|_| Error::Unusable)?;
                let mut transaction = Transaction::by_hand();
                transaction.create(keys::organization(&id), &item)?;
                self.table.commit(transaction).await?;
                Ok(Organization { id, name: name.to_owned(), created_at })
            })
            .await
    }

    /// All organizations.
    ///
    /// # Errors
    /// The table's own.
    pub async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        let organization = |(id, OrganizationItem { name, created_at, .. })| Organization { id, name, created_at };
        Ok(self.table.organizations().await?.into_iter().map(organization).collect())
    }

    /// Creates a credential for an organization. The token is shown here and never again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such organization, and the table's own.
    pub async fn create_credential(
        &self,
        organization: &OrganizationId,
        scope: Scope,
        label: &str,
        now: Timestamp,
    ) -> Result<NewCredential, Error> {
        let OrganizationItem { cursor_key, .. } =
            self.table.organization(organization).await?.ok_or(Error::NotFound)?;
        let created_at = milliseconds(now);
        let item = CredentialItem { scope, label: label.to_owned(), created_at, revoked_at: None, cursor_key };
        self.table
            .settle(async || {
                let token = Credential::generate(organization, scope);
                let digest = digest::sha256_hex(token.as_bytes());
                let mut transaction = Transaction::by_hand();
                transaction.create(keys::credential(organization, &digest), &item)?;
                self.table.commit(transaction).await?;
                Ok(NewCredential { id: credential::id(organization, &digest), token })
            })
            .await
    }

    /// An organization's credentials, the revoked ones included.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such organization, and the table's own.
    pub async fn credentials(&self, organization: &OrganizationId) -> Result<Vec<CredentialInfo>, Error> {
        self.table.organization(organization).await?.ok_or(Error::NotFound)?;
        let items = self.table.credentials(organization, "").await?;
        Ok(items.into_iter().map(|(digest, item)| credential_info(organization, &digest, item)).collect())
    }

    /// Ends a credential: from now on it opens nothing. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such credential, and the table's own.
    pub async fn revoke_credential(&self, id: &str, now: Timestamp) -> Result<CredentialInfo, Error> {
        let (organization, digest) = id.split_once('.').ok_or(Error::NotFound)?;
        let organization: OrganizationId = organization.parse().map_err(|_| Error::NotFound)?;
        if digest.len() != ID_DIGEST_LENGTH {
            return Err(Error::NotFound);
        }
        let found = self.table.credentials(&organization, digest).await?;
        let (digest, mut item) = found.into_iter().next().ok_or(Error::NotFound)?;
        if item.revoked_at.is_none() {
            item.revoked_at = Some(milliseconds(now));
            self.table
                .settle(async || {
                    let mut transaction = Transaction::by_hand();
                    transaction.follow(keys::credential(&organization, &digest), &item)?;
                    self.table.commit(transaction).await
                })
                .await?;
        }
        Ok(credential_info(&organization, &digest, item))
    }

    /// Brings records in as they are, ids and times included: all of them, or none if one of the ids or tags exists.
    /// At most 100 items in all: an access ID counts as two, a vehicle and a customer as one.
    ///
    /// # Errors
    /// [`Error::Exists`], and the table's own.
    pub async fn import(
        &self,
        organization: &OrganizationId,
        access_ids: &[AccessId],
        vehicles: &[Vehicle],
    ) -> Result<(), Error> {
        let mut transaction = Transaction::by_hand();
        let mut customers = Vec::new();
        for access_id in access_ids {
            transaction.write::<AccessIdItem>(organization, access_id, None)?;
            transaction.create(keys::tag(organization, &access_id.tag), &TagItem::new(access_id))?;
            customers.extend(&access_id.customer);
        }
        for vehicle in vehicles {
            transaction.write::<VehicleItem>(organization, vehicle, None)?;
            customers.extend(&vehicle.customer);
        }
        customers.sort_by_key(|customer| customer.key());
        customers.dedup();
        for customer in customers {
            customers::create(&mut transaction, organization, Some(customer))?;
        }
        self.table.commit(transaction).await.map_err(|attempt| match attempt {
            Attempt::Conflict => Error::Exists,
            Attempt::Failed(error) => error,
        })
    }
}

fn credential_info(organization: &OrganizationId, digest: &str, item: CredentialItem) -> CredentialInfo {
    let CredentialItem { scope, label, created_at, revoked_at, .. } = item;
    CredentialInfo { id: credential::id(organization, digest), scope, label, created_at, revoked_at }
}
