//! `GET /console`, `/docs` and `/openapi.json`: pages for people, on the API's origin. They are open to everybody and hold no
//! data, so the function needs no credential and no table.

use api::{Method, Route, StartError};

/// The name of the function.
pub const FUNCTION: &str = "console";

/// Where the pages are. They are no part of the management API, which [`crate::ROUTES`] lists and `openapi.json` describes.
pub const ROUTES: [Route; 10] = [
    Route::new(FUNCTION, Method::GET, "/console"),
    Route::new(FUNCTION, Method::HEAD, "/console"),
    Route::new(FUNCTION, Method::GET, "/console/{file}"),
    Route::new(FUNCTION, Method::HEAD, "/console/{file}"),
    Route::new(FUNCTION, Method::GET, "/docs"),
    Route::new(FUNCTION, Method::HEAD, "/docs"),
    Route::new(FUNCTION, Method::GET, "/docs/{file}"),
    Route::new(FUNCTION, Method::HEAD, "/docs/{file}"),
    Route::new(FUNCTION, Method::GET, "/openapi.json"),
    Route::new(FUNCTION, Method::HEAD, "/openapi.json"),
];

/// Serves them until Lambda ends the process.
///
/// # Errors
/// [`StartError`] when the Runtime API is gone.
pub async fn serve() -> Result<(), StartError> {
    api::serve_public(pages::answer).await
}
