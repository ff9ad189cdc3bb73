//! A request to a function.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use harness::function_url_event;
use serde_json::Value;

use super::{API, AUTHORIZER, Answer, DEFAULT, Fleet, World};

/// What a test changes in an event before it is sent.
type Change<'a> = Box<dyn FnOnce(&mut Value) + 'a>;

/// A request that is sent when it is awaited. The form of every answer is checked then.
pub struct Call<'a> {
    world: &'a World,
    function: &'static str,
    instance: usize,
    request_id: Option<String>,
    method: String,
    path: String,
    query: String,
    authorization: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    changes: Vec<Change<'a>>,
}

impl<'a> Call<'a> {
    /// A request to the API with the fleet's credential, for the function that its route leads to.
    pub fn api(world: &'a World, method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Self {
            world,
            function: API.function(method, path).unwrap_or(DEFAULT),
            instance: 0,
            request_id: None,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: None,
            headers: Vec::new(),
            body: Vec::new(),
            changes: Vec::new(),
        };
        call.token(&world.fleet.api.token)
    }

    /// A POST to the authorizer's function URL, without `Authorization`.
    pub fn rfid(world: &'a World, path: &str) -> Self {
        let call = Self::api(world, "POST", path);
        Self { function: AUTHORIZER, authorization: None, ..call }
    }

    /// Sends the request to this function instead of the one that its route leads to.
    pub fn to(self, function: &'static str) -> Self {
        Self { function, ..self }
    }

    /// Sends the request to this instance of the function.
    pub fn on(self, instance: usize) -> Self {
        Self { instance, ..self }
    }

    /// Gives the request this id.
    pub fn request_id(self, id: String) -> Self {
        Self { request_id: Some(id), ..self }
    }

    pub fn method(self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self }
    }

    /// Sets or removes the `Authorization` header.
    pub fn authorization(self, value: Option<&str>) -> Self {
        Self { authorization: value.map(str::to_owned), ..self }
    }

    pub fn token(self, token: &str) -> Self {
        self.authorization(Some(&format!("Bearer {token}")))
    }

    /// Uses the API credential of another organization.
    pub fn of(self, fleet: &Fleet) -> Self {
        self.token(&fleet.api.token)
    }

    /// Adds a header. A second one of the same name is sent too.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body; null for none.
    pub fn json(self, body: &Value) -> Self {
        if body.is_null() { self } else { self.body(body.to_string()) }
    }

    /// Sets the body. A body that is not UTF-8 is delivered as base64, as API Gateway does.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Delivers the body as base64, as API Gateway does for content types that it takes for binary.
    pub fn base64(self) -> Self {
        self.change(|event| {
            let body = event["body"].as_str().unwrap_or_default();
            event["body"] = BASE64_STANDARD.encode(body).into();
            event["isBase64Encoded"] = true.into();
        })
    }

    /// Changes the event into one that API Gateway would not send.
    pub fn change(mut self, change: impl FnOnce(&mut Value) + 'a) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Sends the request. Returns the answer and how long it took.
    pub async fn timed(self) -> (Answer, Duration) {
        let function = self.world.instance(self.function, self.instance).await;
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
        let Self { method, path, query, body, .. } = &self;
        let mut event = match self.function {
            AUTHORIZER => function_url_event(method, path, query, &headers, body),
            _ => API.event(method, path, query, &headers, body),
        };
        for change in self.changes {
            change(&mut event);
        }
        let sent = Instant::now();
        let response = function.invoke_as(event, self.request_id).await;
        let took = sent.elapsed();
        let response = response.unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.path));
        (Answer::read(self.function, response), took)
    }
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.timed().await.0 })
    }
}
