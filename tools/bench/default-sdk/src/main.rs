//! What `rfid-authorizer` would cost if it were written as most functions are: `lambda_http`, the SDK with its defaults
//! (`aws_config::load_defaults`), a line of JSON for each call. It reads one item, and is no product.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().without_time().with_target(false).init();
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let table = std::env::var("TABLE_NAME")?;
    // The partition of the tag, `{id}` in the place of its number.
    let partition = std::env::var("PK_VALUE")?;
    run(service_fn(|request: Request| decide(&client, &table, &partition, request))).await
}

async fn decide(client: &Client, table: &str, partition: &str, request: Request) -> Result<Response<Body>, Error> {
    let body: Value = serde_json::from_slice(request.body())?;
    let id = body["id"].as_str().unwrap_or_default();
    let answer = client
        .get_item()
        .table_name(table)
        .key("PK", AttributeValue::S(partition.replace("{id}", id)))
        .key("SK", AttributeValue::S("TAG".into()))
        .consistent_read(true)
        .send()
        .await?;
    let status = answer.item().and_then(|item| item.get("authorizationStatus")?.as_s().ok());
    let is_authorized = status.is_some_and(|status| status == "Authorized");
    tracing::info!(is_authorized, "decided");
    let response = Response::builder().status(if is_authorized { 200 } else { 403 });
    Ok(response.header("content-type", "application/json").body(format!("{{\"authorized\":{is_authorized}}}").into())?)
}
