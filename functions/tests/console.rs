//! The pages, as API Gateway gets them of the built function.

use harness::{Function, HttpApi, Response};
use serde_json::Value;

use crate::support::binary;

/// Starts the function with nothing in its environment.
async fn start() -> Function {
    Function::start(binary("console"), &[]).await.unwrap()
}

async fn ask(function: &Function, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let routes = functions::console::ROUTES;
    let api = HttpApi::new(routes.iter().map(|route| (route.method.as_str(), route.path, route.function)));
    function.invoke(api.event(method, path, "", headers, b"")).await.unwrap()
}

#[tokio::test]
async fn the_pages_need_no_table_and_no_credential() {
    let function = start().await;
    for (path, kind) in [
        ("/console", "text/html; charset=utf-8"),
        ("/console/app.js", "text/javascript; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/openapi.json", "application/json"),
    ] {
        let plain = ask(&function, "GET", path, &[]).await;
        assert_eq!((plain.status, plain.headers["content-type"].as_str()), (200, kind), "{path}");
        assert!(!plain.headers.contains_key("content-encoding") && !plain.body.is_empty(), "{path}");
        // A body that is not text passes Lambda in base64, of which nobody outside sees anything.
        let gzip = ask(&function, "GET", path, &[("accept-encoding", "gzip, deflate, br")]).await;
        assert_eq!((gzip.headers["content-encoding"].as_str(), &gzip.body[..2]), ("gzip", &b"\x1f\x8b"[..]), "{path}");
        let known = [("if-none-match", plain.headers["etag"].as_str())];
        let same = ask(&function, "GET", path, &known).await;
        assert_eq!((same.status, same.body.len()), (304, 0), "{path}");
        let head = ask(&function, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len(), &head.headers), (200, 0, &plain.headers), "{path}");
    }
    let document: Value = serde_json::from_slice(&ask(&function, "GET", "/openapi.json", &[]).await.body).unwrap();
    assert_eq!(document["openapi"].as_str().map(|version| &version[..2]), Some("3."));
}

#[tokio::test]
async fn what_is_no_page_is_answered_as_everywhere_and_each_request_has_its_line() {
    let function = start().await;
    let answer = ask(&function, "GET", "/console/none.js", &[]).await;
    assert_eq!((answer.status, &answer.json()["code"]), (404, &"not_found".into()));
    assert_eq!(answer.headers["content-type"], "application/json");
    ask(&function, "GET", "/console", &[]).await;
    let lines = function.log_lines(2).await;
    let outcomes: Vec<_> = lines.iter().map(|line| (&line["Outcome"], &line["status"])).collect();
    assert_eq!(outcomes, [(&"not_found".into(), &404.into()), (&"ok".into(), &200.into())]);
    assert_eq!(lines[0]["requestId"], answer.json()["requestId"]);
}
