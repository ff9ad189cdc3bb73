//! The endpoints of the management API, one module each: route, documentation and handler. The RFID authorizer has a module
//! too, with its documentation and no route: it has a URL of its own. The console has routes of its own. `src/bin` holds a
//! binary for each of them.

use api::Route;
use mimalloc::MiMalloc;

/// To allocate costs fewer instructions with mimalloc than with the system's allocator, in a decision as in a page of a list:
/// docs/performance.md has the figures, and what it costs in memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

pub mod check_access;
pub mod console;
pub mod create_access_id;
pub mod create_revocation;
pub mod create_vehicle;
pub mod delete_access_id;
pub mod delete_vehicle;
pub mod get_access_id;
pub mod get_access_id_rules;
pub mod get_vehicle;
pub mod list_access_ids;
pub mod list_changes;
pub mod list_customers;
pub mod list_decisions;
pub mod list_unknown_tags;
pub mod list_vehicles;
pub mod put_access_id_rules;
pub mod put_access_ids_batch;
pub mod rfid_authorizer;
pub mod update_access_id;
pub mod update_vehicle;

/// Every route of the management API. What matches none of them is answered by `get-access-id`, with 404.
pub const ROUTES: [Route; 19] = [
    list_access_ids::ROUTE,
    create_access_id::ROUTE,
    get_access_id::ROUTE,
    update_access_id::ROUTE,
    list_vehicles::ROUTE,
    create_vehicle::ROUTE,
    get_vehicle::ROUTE,
    update_vehicle::ROUTE,
    list_customers::ROUTE,
    list_decisions::ROUTE,
    list_unknown_tags::ROUTE,
    get_access_id_rules::ROUTE,
    put_access_id_rules::ROUTE,
    put_access_ids_batch::ROUTE,
    check_access::ROUTE,
    list_changes::ROUTE,
    create_revocation::ROUTE,
    delete_access_id::ROUTE,
    delete_vehicle::ROUTE,
];

/// The documentation of the same endpoints: see `testing/openapi`.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    list_access_ids::handle,
    create_access_id::handle,
    get_access_id::handle,
    update_access_id::handle,
    list_vehicles::handle,
    create_vehicle::handle,
    get_vehicle::handle,
    update_vehicle::handle,
    list_customers::handle,
    list_decisions::handle,
    list_unknown_tags::handle,
    get_access_id_rules::handle,
    put_access_id_rules::handle,
    put_access_ids_batch::handle,
    check_access::handle,
    list_changes::handle,
    create_revocation::handle,
    delete_access_id::handle,
    delete_vehicle::handle,
    rfid_authorizer::serve,
))]
#[derive(Debug)]
pub struct Operations;
