//! Customers come to be with the first record that names them, and stay.

use domain::{Customer, OrganizationId, Patch, Search};

use crate::{
    Credential, Error, Page, PageRequest, Store,
    items::{Corrupt, CustomerItem, Item, from_item},
    keys::{self, Key},
    table::{Direction, Found, Transaction, Walk},
};

impl Store {
    /// A page of the organization's customers, in the order of their keys, which says nothing to a person. Two calls; a search
    /// may take a few more to fill the page, and looks at 5,000 customers at most.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ForgedCursor`], and the table's own.
    pub async fn list_customers(
        &self,
        caller: &Credential,
        search: Option<&Search>,
        page: &PageRequest,
    ) -> Result<Page<Customer>, Error> {
        let access = self.table.authorize(caller).await?;
        let (partition, range) = keys::customers(&caller.organization);
        let filters = search.map(Search::text).unwrap_or_default();
        let walk = Walk { partition, range, direction: Direction::Ascending, filters, page };
        let readable = |item| {
            let read = from_item::<CustomerItem>(item);
            read.inspect_err(|corrupt| tracing::error!(reason = %corrupt, "stored item left out of a list")).ok()
        };
        let shown = |item: Item| {
            let CustomerItem { name } = readable(item)?;
            search.is_none_or(|search| search.is_in(&name)).then(|| Customer::stored(name))
        };
        access.walk(&walk, shown).await
    }
}

/// The customer that an update names, if it names one.
pub(crate) fn named(patch: &mut Patch<Customer>) -> Option<&mut Customer> {
    match patch {
        Patch::Set(customer) => Some(customer),
        Patch::Keep | Patch::Clear => None,
    }
}

/// The key of the item that has to be read for [`recognize`].
pub(crate) fn key(organization: &OrganizationId, customer: &Customer) -> Key {
    keys::customer(organization, &customer.key())
}

/// Brings a customer that a request names to the spelling that is stored. Gives the customer back if there is none of that
/// name yet: then it has to be created.
pub(crate) fn recognize(
    found: &mut Found,
    organization: &OrganizationId,
    given: Option<&mut Customer>,
) -> Result<Option<Customer>, Corrupt> {
    let Some(given) = given else { return Ok(None) };
    match found.take::<CustomerItem>(&key(organization, given))? {
        None => Ok(Some(given.clone())),
        Some(CustomerItem { name }) => {
            *given = Customer::stored(name);
            Ok(None)
        }
    }
}

/// Adds to the transaction that the customer is created, if there is one to create.
pub(crate) fn create(
    transaction: &mut Transaction<'_>,
    organization: &OrganizationId,
    new: Option<&Customer>,
) -> Result<(), Error> {
    let Some(customer) = new else { return Ok(()) };
    transaction.create(key(organization, customer), &CustomerItem { name: customer.name().to_owned() })
}
