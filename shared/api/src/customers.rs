//! Customers on the wire.

use domain::Customer;
use serde::Serialize;

use crate::{access_ids::CustomerBody, page::Pagination};

/// A page of customers.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerList<'a> {
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    data: Vec<CustomerBody<'a>>,
    pagination: Pagination<'a>,
}

impl<'a> CustomerList<'a> {
    /// The document of a page.
    pub fn new(page: &'a store::Page<Customer>) -> Self {
        Self {
            data: page.records.iter().map(CustomerBody::new).collect(),
            pagination: Pagination::new(page.next_cursor.as_deref()),
        }
    }
}
