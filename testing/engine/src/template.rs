//! Reads the table's definition from `template.yaml`, so that the tests use the table that is deployed.

use deployment::Template;
use serde_json::{Map, Value, json};

/// The deployment's template, read at build time.
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The properties of a CloudFormation table that the CreateTable call takes under the same name and in the same form.
const CREATE_TABLE: [&str; 5] =
    ["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes"];

/// The calls that create the template's table under the given name.
pub(crate) struct Definition {
    /// CreateTable.
    pub(crate) create: Value,
    /// UpdateTimeToLive. CreateTable has no parameter for it.
    pub(crate) time_to_live: Option<Value>,
}

impl Definition {
    /// Reads the template's resource `Table`. Fails, naming the reason, if it is not a table that CreateTable takes.
    pub(crate) fn read(table_name: &str) -> Result<Definition, String> {
        let template = Template::parse(TEMPLATE).map_err(|error| error.to_string())?;
        let properties = template
            .value
            .pointer("/Resources/Table/Properties")
            .and_then(Value::as_object)
            .ok_or("it has no resource `Table` with properties")?;

        let mut request: Map<String, Value> = properties
            .iter()
            .filter(|(name, _)| CREATE_TABLE.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        request.insert("TableName".into(), table_name.into());

        let time_to_live = properties
            .get("TimeToLiveSpecification")
            .map(|value| json!({ "TableName": table_name, "TimeToLiveSpecification": value }));
        Ok(Definition { create: request.into(), time_to_live })
    }
}
