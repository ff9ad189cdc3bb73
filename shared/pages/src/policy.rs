//! What a browser lets the pages do.

/// The console: its own scripts, styles and requests and nothing else, no text that becomes markup.
const CONSOLE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
/// Swagger UI sets styles in attributes of its elements, and makes markup of the document's texts, which it cleans itself.
const DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What is no page needs nothing.
const NONE: &str = "default-src 'none'; frame-ancestors 'none'";

/// The content security policy of the file at this path.
pub(crate) fn of(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("console") => CONSOLE,
        Some("docs") => DOCS,
        _ => NONE,
    }
}
