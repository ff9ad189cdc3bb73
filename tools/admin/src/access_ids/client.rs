//! Calls of the management API.

use std::{thread, time::Duration};

use serde_json::Value;
use ureq::{Agent, http::Response};

/// How often a call is made at most.
const ATTEMPTS: u32 = 5;
/// Longer than API Gateway waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(40);
/// More than Lambda answers with.
const MAX_ANSWER: u64 = 8 << 20;

/// The API, and the credential that opens it.
pub struct Client {
    agent: Agent,
    url: String,
    authorization: String,
}

impl Client {
    pub fn new(url: &str, token: &str) -> Self {
        // What the API answers is read, whatever the status.
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        let authorization = format!("Bearer {token}");
        Self { agent: config.build().into(), url: url.trim_end_matches('/').to_owned(), authorization }
    }

    /// The answer to a GET; `None` if there is no such record.
    ///
    /// # Errors
    /// What the API says, or that it is not reached.
    pub fn get(&self, path: &str) -> Result<Option<Value>, String> {
        let get = || self.agent.get(format!("{}{path}", self.url)).header("authorization", &self.authorization).call();
        match patiently(get)? {
            (404, _) => Ok(None),
            answer => ok(answer).map(Some),
        }
    }

    /// The answer to a PUT, which may be made more than once.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn put(&self, path: &str, body: &str) -> Result<Value, String> {
        let url = format!("{}{path}", self.url);
        let put = || {
            let put = self.agent.put(&url).header("authorization", &self.authorization);
            put.header("content-type", "application/json").send(body)
        };
        ok(patiently(put)?)
    }
}

/// Makes a call again, after a pause, as long as waiting may help: after no answer, 429, and 500 and above.
fn patiently(call: impl Fn() -> Result<Response<ureq::Body>, ureq::Error>) -> Result<(u16, String), String> {
    let once = || -> Result<(u16, String), ureq::Error> {
        let mut response = call()?;
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?;
        Ok((response.status().as_u16(), text))
    };
    let mut attempt = 1;
    loop {
        let answer = once();
        let may_help = answer.as_ref().map_or(true, |(status, _)| *status == 429 || *status >= 500);
        if !may_help || attempt == ATTEMPTS {
            return answer.map_err(|error| format!("the API cannot be reached: {error}"));
        }
        pause(attempt);
        attempt += 1;
    }
}

/// Waits before attempt `attempt + 1`: longer each time.
pub fn pause(attempt: u32) {
    thread::sleep(Duration::from_millis(500) * attempt);
}

fn ok((status, text): (u16, String)) -> Result<Value, String> {
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    match (status, body["error"].as_str().or_else(|| body["message"].as_str())) {
        (200, _) if body.is_object() => Ok(body),
        (_, Some(sentence)) => Err(format!("the API answered {status}: {sentence}")),
        (_, None) => Err(format!("the API answered {status}, and not as this API does; is --api right?")),
    }
}
