//! Customers have no use cases of their own: they come to be with the first record that names them.

use domain::{Customer, OrganizationId, Patch};

use crate::{
    Error,
    items::{Corrupt, CustomerItem},
    keys::{self, Key},
    table::{Found, Transaction},
};

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
    transaction: &mut Transaction,
    organization: &OrganizationId,
    new: Option<&Customer>,
) -> Result<(), Error> {
    let Some(customer) = new else { return Ok(()) };
    transaction.create(key(organization, customer), &CustomerItem { name: customer.name().to_owned() })
}
