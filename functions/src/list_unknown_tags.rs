//! `GET /api/unknown-tags`: tags that were refused because no access ID has them, a page at a time, or one with details.

use api::{
    Body, Call, Error, Method, Response, Route, respond,
    unknown_tags::{self, UnknownTagList},
};

/// Where the endpoint is.
pub const ROUTE: Route = Route::new("list-unknown-tags", Method::GET, "/api/unknown-tags");

/// List unknown tags
///
/// Tags that were refused in the last 30 days because no access ID had them, in the order of the tags. With `ocppIdTag`, the
/// one of that tag with details, or none. Create an access ID to register one.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = ROUTE.path,
    tag = "decisions",
    params(api::schemas::UnknownTagFilters, api::schemas::Page),
    responses((status = 200, description = "A page of unknown tags.", body = UnknownTagList))
))]
pub async fn handle(call: Call) -> Result<Response<Body>, Error> {
    let (tag, page) = call.accept(call.query(unknown_tags::query)).await?;
    let Some(tag) = tag else {
        let page = call.store.list_unknown_tags(&call.caller, &page, call.now).await?;
        return Ok(respond::ok(&UnknownTagList::new(&page)));
    };
    let details = call.store.get_unknown_tag(&call.caller, &tag, &page, call.now).await?;
    Ok(respond::ok(&UnknownTagList::one(details.as_ref())))
}
