//! `GET /api/customers`: the organization's customers, a page at a time.

use api::{Body, Call, Error, Method, Response, Route, customers::CustomerList, filters, respond};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-customers", Method::GET, "/api/customers");

/// List customers
///
/// Every customer that an access ID or a vehicle was ever given, in an order that never changes but is not that of their
/// names. With `q`, a page may be short although there is a next one: a request looks at no more than 5,000 customers.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "Customers",
    params(api::schemas::CustomerFilters, api::schemas::Page),
    responses((status = 200, description = "A page of customers.", body = CustomerList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (search, page) = call.accept(call.query(filters::customers)).await?;
    let page = call.store.list_customers(&call.caller, search.as_ref(), &page).await?;
    Ok(respond::ok(&CustomerList::new(&page)))
}
