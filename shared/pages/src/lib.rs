//! The console, the API reference and `openapi.json`: files that are part of the program, and what answers requests for them.
//!
//! They are the same for everybody and hold no data: the console asks the management API, with a token that its user pastes.

mod policy;

use api::{
    Body, Error, Method, Request, Response,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
};

/// One file.
struct File {
    /// The path that it is served under.
    path: &'static str,
    /// Its `Content-Type`.
    kind: &'static str,
    /// Its `ETag`. It is weak, since it stands for the compressed form too.
    tag: &'static str,
    plain: &'static str,
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Answers GET and HEAD of a file, and 304 to who has it already.
///
/// # Errors
/// [`Error::NotFound`] for any other path or method.
pub fn answer(request: &Request) -> Result<Response<Body>, Error> {
    let file = FILES.iter().find(|file| file.path == request.uri().path()).ok_or(Error::NotFound)?;
    let is_head = request.method() == Method::HEAD;
    if !is_head && request.method() != Method::GET {
        return Err(Error::NotFound);
    }
    let mut response = Response::new(Body::Empty);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(ETAG, file.tag);
    // Any cache may keep it, and asks each time whether it has changed: after a deployment no page mixes old and new files.
    set(CACHE_CONTROL, "no-cache");
    set(VARY, "accept-encoding");
    set(CONTENT_SECURITY_POLICY, policy::of(file.path));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    if knows(request.headers(), file.tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    set(CONTENT_TYPE, file.kind);
    let takes_gzip = takes_gzip(request.headers());
    if takes_gzip {
        set(CONTENT_ENCODING, "gzip");
    }
    if !is_head {
        // Lambda hands text over as it is and anything else in base64.
        *response.body_mut() = if takes_gzip { file.gzip.into() } else { file.plain.into() };
    }
    Ok(response)
}

/// Whether `If-None-Match` names this tag.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    values(headers, &IF_NONE_MATCH).any(|known| known.trim() == "*" || opaque(known) == opaque(tag))
}

/// Whether `Accept-Encoding` has gzip, and does not give it the weight 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    values(headers, &ACCEPT_ENCODING).any(|accepted| {
        let mut parts = accepted.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_gzip && weight != Some(0.0)
    })
}

/// The elements of a header that is a list.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
}

#[cfg(test)]
mod tests;
