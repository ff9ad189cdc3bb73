//! Reads the table's definition from `template.yaml`, so that the tests use the table that is deployed.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
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
        let documents = Yaml::load_from_str(TEMPLATE).map_err(|error| error.to_string())?;
        let template = as_json(documents.first().ok_or("it is empty")?);
        let properties = template
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

/// The value as JSON. A CloudFormation function (`!Ref`, `!Sub`, …) is replaced by its argument; no property read here
/// depends on one.
fn as_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
        Yaml::Tagged(_, value) => as_json(value),
        Yaml::Sequence(values) => values.iter().map(as_json).collect(),
        Yaml::Mapping(values) => values
            .iter()
            .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), as_json(value)))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Value(Scalar::Null) | Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}
