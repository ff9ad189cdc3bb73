use std::io::Read as _;

use api::http;
use flate2::read::GzDecoder;

use super::*;

/// The most that the console may take on its way to the browser, in bytes.
const CONSOLE_BYTES: usize = 120_000;

fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Response<Body>, Error> {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(&request.body(Body::Empty).unwrap())
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn a_file_comes_compressed_to_who_takes_that_and_else_as_it_is() {
    for file in &FILES {
        let plain = ask("GET", file.path, &[]).unwrap();
        assert_eq!((plain.status(), header(&plain, "content-encoding")), (StatusCode::OK, None), "{}", file.path);
        assert!(matches!(plain.body(), Body::Text(_)), "{}", file.path);
        let gzip = ask("GET", file.path, &[("accept-encoding", "br;q=1, GZIP;q=0.5")]).unwrap();
        assert_eq!(header(&gzip, "content-encoding"), Some("gzip"), "{}", file.path);
        let Body::Binary(compressed) = gzip.body() else { panic!("{}", file.path) };
        let mut content = Vec::new();
        GzDecoder::new(compressed.as_slice()).read_to_end(&mut content).unwrap();
        assert_eq!(content.as_slice(), plain.body().as_ref(), "{}", file.path);
        for response in [plain, gzip] {
            assert_eq!(header(&response, "vary"), Some("accept-encoding"));
            assert_eq!(header(&response, "content-type"), Some(file.kind));
        }
    }
    for refused in ["gzip;q=0", "gzip; q=0.000", "br", "identity"] {
        let response = ask("GET", "/console", &[("accept-encoding", refused)]).unwrap();
        assert_eq!(header(&response, "content-encoding"), None, "{refused}");
    }
}

#[test]
fn who_has_it_is_told_so() {
    let tag = header(&ask("GET", "/console", &[]).unwrap(), "etag").unwrap().to_owned();
    let strong = tag.trim_start_matches("W/");
    for known in [tag.as_str(), strong, "*", &format!("\"other\", {tag}")] {
        let response = ask("GET", "/console", &[("if-none-match", known)]).unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert!(response.body().is_empty() && header(&response, "etag") == Some(&tag));
    }
    assert_eq!(ask("GET", "/console", &[("if-none-match", "\"other\"")]).unwrap().status(), StatusCode::OK);
    assert_eq!(ask("GET", "/docs", &[("if-none-match", &tag)]).unwrap().status(), StatusCode::OK);
}

#[test]
fn head_answers_the_headers_alone() {
    let head = ask("HEAD", "/docs", &[("accept-encoding", "gzip")]).unwrap();
    let get = ask("GET", "/docs", &[("accept-encoding", "gzip")]).unwrap();
    assert_eq!((head.status(), head.headers()), (get.status(), get.headers()));
    assert!(head.body().is_empty() && !get.body().is_empty());
}

#[test]
fn what_is_no_file_or_another_method_is_not_found() {
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/console/"),
        ("GET", "/console/index.html"),
        ("GET", "/console/../openapi.json"),
        ("GET", "/docs/index.css"),
        ("POST", "/console"),
        ("OPTIONS", "/openapi.json"),
    ] {
        assert_eq!(ask(method, path, &[]).unwrap_err(), Error::NotFound, "{method} {path}");
    }
}

#[test]
fn every_file_has_the_headers_that_keep_its_page_closed() {
    for file in &FILES {
        let response = ask("GET", file.path, &[]).unwrap();
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&response, "referrer-policy"), Some("no-referrer"));
        assert_eq!(header(&response, "cache-control"), Some("no-cache"));
        let policy = header(&response, "content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        if file.path.starts_with("/console") {
            assert_eq!(
                policy,
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
            );
        }
    }
}

#[test]
fn the_console_is_small() {
    let of = |folder: &str| -> usize {
        FILES.iter().filter(|file| file.path.starts_with(folder)).map(|file| file.gzip.len()).sum()
    };
    println!("console: {} bytes, API reference: {} bytes, compressed", of("/console"), of("/docs"));
    assert!(of("/console") <= CONSOLE_BYTES, "{} bytes", of("/console"));
}

/// Whatever a page loads is there, and nothing comes from elsewhere.
#[test]
fn every_reference_leads_to_a_file() {
    let mut references = 0;
    for file in FILES.iter().filter(|file| !file.path.contains("swagger-ui") && file.path != "/openapi.json") {
        let text = file.plain;
        let quoted = |before: &str| -> Vec<String> {
            let parts = text.split(before).skip(1);
            parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect()
        };
        for reference in quoted("from \"./")
            .into_iter()
            .map(|name| format!("/console/{name}"))
            .chain(quoted("src=\""))
            .chain(quoted("href=\"/").into_iter().map(|path| format!("/{path}")))
        {
            assert!(FILES.iter().any(|file| file.path == reference), "{}: {reference}", file.path);
            references += 1;
        }
        let elsewhere = [
            "https://",
            "http://",
            "innerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
            "sessionStorage",
            "document.cookie",
        ];
        for word in elsewhere {
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains(word), "{}: {word}", file.path);
        }
    }
    assert!(references > 10, "{references}");
}

#[test]
fn no_file_of_the_console_has_more_than_four_hundred_lines() {
    for file in FILES.iter().filter(|file| file.path.starts_with("/console")) {
        let lines = file.plain.lines().count();
        assert!(lines <= 400 || file.kind.starts_with("text/css"), "{}: {lines} lines", file.path);
    }
}

#[test]
fn the_document_is_the_one_of_the_repository() {
    let document = ask("GET", "/openapi.json", &[]).unwrap();
    let document: serde_json::Value = serde_json::from_slice(document.body()).unwrap();
    assert!(document["paths"]["/api/access-ids"]["post"].is_object());
}
