//! The endpoints of the service: one binary each, under `src/bin`. Their routes are written here and nowhere else.

use api::{Method, Route};

/// Every route of the management API, with the function that answers it.
pub const ROUTES: [Route; 8] = [
    Route { function: "list-access-ids", method: Method::GET, path: "/api/access-ids" },
    Route { function: "create-access-id", method: Method::POST, path: "/api/access-ids" },
    Route { function: "get-access-id", method: Method::GET, path: "/api/access-ids/{id}" },
    Route { function: "update-access-id", method: Method::PATCH, path: "/api/access-ids/{id}" },
    Route { function: "list-vehicles", method: Method::GET, path: "/api/vehicles" },
    Route { function: "create-vehicle", method: Method::POST, path: "/api/vehicles" },
    Route { function: "get-vehicle", method: Method::GET, path: "/api/vehicles/{id}" },
    Route { function: "update-vehicle", method: Method::PATCH, path: "/api/vehicles/{id}" },
];
