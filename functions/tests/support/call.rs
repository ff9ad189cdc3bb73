//! One request on its way to a function.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use harness::{function_url_event, http_event};
use serde_json::Value;

use super::{Answer, Fleet, World};

/// What a test makes of an event before it is sent.
type Change<'a> = Box<dyn FnOnce(&mut Value) + 'a>;

/// A request that is sent when it is awaited. The answer's form is checked there, whatever the test is about.
pub struct Call<'a> {
    world: &'a World,
    function: &'static str,
    instance: usize,
    method: String,
    path: String,
    query: String,
    authorization: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    changes: Vec<Change<'a>>,
}

impl<'a> Call<'a> {
    /// A request to the API with the fleet's credential, for the function that API Gateway would call.
    pub fn api(world: &'a World, method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Self {
            world,
            // what has no route goes to this function
            function: route(method, path).map_or("get-access-id", |route| route.function),
            instance: 0,
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
        Self { function: "rfid-authorizer", authorization: None, ..call }
    }

    /// To this function, whatever the route.
    pub fn to(self, function: &'static str) -> Self {
        Self { function, ..self }
    }

    /// To this instance of the function.
    pub fn on(self, instance: usize) -> Self {
        Self { instance, ..self }
    }

    pub fn method(self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self }
    }

    /// With this `Authorization` header or none.
    pub fn authorization(self, value: Option<&str>) -> Self {
        Self { authorization: value.map(str::to_owned), ..self }
    }

    pub fn token(self, token: &str) -> Self {
        self.authorization(Some(&format!("Bearer {token}")))
    }

    /// With the API credential of another organization.
    pub fn of(self, fleet: &Fleet) -> Self {
        self.token(&fleet.api.token)
    }

    /// With a further header. One of the same name is given twice.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body, null for none.
    pub fn json(self, body: &Value) -> Self {
        if body.is_null() { self } else { self.body(body.to_string()) }
    }

    /// With a body of these bytes. What is no UTF-8 travels as base64, as it does through the gateway.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// With the body as base64, as the gateway delivers bodies of unknown content types.
    pub fn base64(self) -> Self {
        self.change(|event| {
            let body = event["body"].as_str().unwrap_or_default();
            event["body"] = BASE64_STANDARD.encode(body).into();
            event["isBase64Encoded"] = true.into();
        })
    }

    /// With an event that is not what the gateway would send.
    pub fn change(mut self, change: impl FnOnce(&mut Value) + 'a) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// The answer and how long the caller waited for it.
    pub async fn timed(self) -> (Answer, Duration) {
        let function = self.world.instance(self.function, self.instance).await;
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
        let event = if self.function == "rfid-authorizer" { function_url_event } else { http_event };
        let mut event = event(&self.method, &self.path, &self.query, &headers, &self.body);
        if self.function != "rfid-authorizer"
            && let Some(route) = route(&self.method, &self.path)
        {
            let key = format!("{} {}", route.method, route.path);
            event["requestContext"]["routeKey"] = key.as_str().into();
            event["routeKey"] = key.into();
        }
        for change in self.changes {
            change(&mut event);
        }
        let sent = Instant::now();
        let response = function.invoke(event).await;
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

/// The route of a path and method of the API.
fn route(method: &str, path: &str) -> Option<api::Route> {
    let is_of = |route: &api::Route| {
        let (stated, given): (Vec<_>, Vec<_>) = (route.path.split('/').collect(), path.split('/').collect());
        let fits =
            |(stated, given): (&&str, &&str)| if *stated == "{id}" { !given.is_empty() } else { stated == given };
        route.method == *method && stated.len() == given.len() && stated.iter().zip(&given).all(fits)
    };
    functions::ROUTES.into_iter().find(is_of)
}
