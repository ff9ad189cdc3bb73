//! What the operator does by hand: organizations, credentials, and bringing records in.

use domain::{AccessId, OrganizationId, Timestamp, Vehicle};

use crate::{
    Credential, Error, Scope, Store, digest,
    keys::{self, CREDENTIAL_SORT_PREFIX, ORGANIZATIONS},
    record::{
        AccessIdRecord, Corrupt, CredentialRecord, OrganizationRecord, Stored, TagRecord, VehicleRecord, from_item,
        key_of, milliseconds,
    },
    table::{Attempt, KnownCustomer},
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

/// Characters of every organization's id. The functions' policies name partitions of organizations with ids of this length.
pub(crate) const ORGANIZATION_ID_LENGTH: usize = 12;
/// Hex digits of the token's SHA-256 in a credential's id.
const DIGEST_LENGTH: usize = 16;

impl Store {
    /// Creates an organization. It begins without credentials.
    ///
    /// # Errors
    /// The table's own.
    pub async fn create_organization(&self, name: &str, now: Timestamp) -> Result<Organization, Error> {
        let now = milliseconds(now);
        self.settle(async || {
            let id: OrganizationId =
                digest::random_base62(ORGANIZATION_ID_LENGTH).parse().map_err(|_| Error::Unusable)?;
            let record = OrganizationRecord {
                name: name.to_owned(),
                created_at: now,
                cursor_key: digest::hex(&digest::random::<32>()),
            };
            let mut transaction = self.transaction();
            transaction.create(keys::organization(&id), &record);
            self.commit(transaction).await?;
            Ok(Organization { id, name: name.to_owned(), created_at: now })
        })
        .await
    }

    /// All organizations.
    ///
    /// # Errors
    /// The table's own.
    pub async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        let read = |item: Stored| {
            let id = key_of(&item)?.sort.parse().map_err(|_| Corrupt("an organization's id".to_owned()))?;
            let OrganizationRecord { name, created_at, .. } = from_item(&item)?;
            Ok(Organization { id, name, created_at })
        };
        let items = self.query_prefix(ORGANIZATIONS, "").await?;
        items.into_iter().map(read).collect::<Result<_, Corrupt>>().map_err(Error::from)
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
        let item = self.get(&keys::organization(organization)).await?.ok_or(Error::NotFound)?;
        let OrganizationRecord { cursor_key, .. } = from_item(&item)?;
        let created_at = milliseconds(now);
        let record = CredentialRecord { scope, label: label.to_owned(), created_at, revoked_at: None, cursor_key };
        self.settle(async || {
            let token = Credential::generate(organization, scope);
            let digest = digest::sha256_hex(token.as_bytes());
            let mut transaction = self.transaction();
            transaction.create(keys::credential(organization, &digest), &record);
            self.commit(transaction).await?;
            Ok(NewCredential { id: credential_id(organization, &digest), token })
        })
        .await
    }

    /// An organization's credentials, the revoked ones included.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such organization, and the table's own.
    pub async fn credentials(&self, organization: &OrganizationId) -> Result<Vec<CredentialInfo>, Error> {
        self.get(&keys::organization(organization)).await?.ok_or(Error::NotFound)?;
        let read = |item: Stored| {
            let digest = key_of(&item)?.sort.trim_start_matches(CREDENTIAL_SORT_PREFIX).to_owned();
            let CredentialRecord { scope, label, created_at, revoked_at, .. } = from_item(&item)?;
            Ok(CredentialInfo { id: credential_id(organization, &digest), scope, label, created_at, revoked_at })
        };
        let items = self.query_prefix(&keys::credentials(organization), CREDENTIAL_SORT_PREFIX).await?;
        items.into_iter().map(read).collect::<Result<_, Corrupt>>().map_err(Error::from)
    }

    /// Ends a credential: from now on it opens nothing. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such credential, and the table's own.
    pub async fn revoke_credential(&self, id: &str, now: Timestamp) -> Result<CredentialInfo, Error> {
        let (organization, digest) = id.split_once('.').ok_or(Error::NotFound)?;
        let organization: OrganizationId = organization.parse().map_err(|_| Error::NotFound)?;
        if digest.len() != DIGEST_LENGTH {
            return Err(Error::NotFound);
        }
        let prefix = format!("{CREDENTIAL_SORT_PREFIX}{digest}");
        let found = self.query_prefix(&keys::credentials(&organization), &prefix).await?;
        let item = found.into_iter().next().ok_or(Error::NotFound)?;
        let digest = key_of(&item)?.sort.trim_start_matches(CREDENTIAL_SORT_PREFIX).to_owned();
        let mut record: CredentialRecord = from_item(&item)?;
        if record.revoked_at.is_none() {
            record.revoked_at = Some(milliseconds(now));
            self.settle(async || {
                let mut transaction = self.transaction();
                transaction.follow(keys::credential(&organization, &digest), &record);
                self.commit(transaction).await
            })
            .await?;
        }
        let CredentialRecord { scope, label, created_at, revoked_at, .. } = record;
        Ok(CredentialInfo { id: id.to_owned(), scope, label, created_at, revoked_at })
    }

    /// Brings records in as they are, ids and times included: all of them, or none if one of the ids or tags exists.
    /// At most 100 items in all: an access ID counts as two, a vehicle and a customer as one.
    ///
    /// # Errors
    /// [`Error::TagTaken`] if something exists, and the table's own.
    pub async fn import(
        &self,
        organization: &OrganizationId,
        access_ids: &[AccessId],
        vehicles: &[Vehicle],
    ) -> Result<(), Error> {
        let mut transaction = self.transaction();
        let mut customers = Vec::new();
        for access_id in access_ids {
            transaction.create(keys::access_id(organization, access_id.id), &AccessIdRecord::new(access_id, 1));
            transaction.create(keys::tag(organization, &access_id.tag), &TagRecord::new(access_id));
            customers.extend(&access_id.customer);
        }
        for vehicle in vehicles {
            transaction.create(keys::vehicle(organization, vehicle.id), &VehicleRecord::new(vehicle, 1));
            customers.extend(&vehicle.customer);
        }
        customers.sort_by_key(|customer| customer.key());
        customers.dedup();
        for customer in customers {
            transaction.create_customer(organization, &KnownCustomer { customer: customer.clone(), is_new: true });
        }
        self.commit(transaction).await.map_err(|attempt| match attempt {
            Attempt::Conflict => Error::TagTaken,
            Attempt::Failed(error) => error,
        })
    }
}

fn credential_id(organization: &OrganizationId, digest: &str) -> String {
    format!("{organization}.{}", digest.get(..DIGEST_LENGTH).unwrap_or(digest))
}
