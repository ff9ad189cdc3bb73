//! The table as `template.yaml` defines it, so that what is tested is what is deployed.

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

/// The deployment's template, read at build time.
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The properties of a CloudFormation table that the CreateTable call takes under the same name and in the same form.
const CREATE_TABLE: [&str; 5] =
    ["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes"];

/// What creates the template's table under the given name.
pub(crate) struct Definition {
    /// The table itself.
    pub(crate) create: CreateTableRequest,
    /// Its time to live, set by a second call.
    pub(crate) time_to_live: Option<UpdateTimeToLiveRequest>,
}

impl Definition {
    /// Reads the template's resource `Table`. Fails, naming the reason, if it is not a table that CreateTable takes.
    pub(crate) fn read(table_name: &str) -> Result<Definition, String> {
        let documents = Yaml::load_from_str(TEMPLATE).map_err(|error| error.to_string())?;
        let template = json(documents.first().ok_or("it is empty")?);
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

        Ok(Definition {
            create: serde_json::from_value(request.into()).map_err(|error| error.to_string())?,
            time_to_live: properties
                .get("TimeToLiveSpecification")
                .map(|value| serde_json::from_value::<TimeToLiveSpecification>(value.clone()))
                .transpose()
                .map_err(|error| error.to_string())?
                .map(|time_to_live_specification| UpdateTimeToLiveRequest {
                    table_name: table_name.into(),
                    time_to_live_specification,
                }),
        })
    }
}

/// The same value as JSON. A CloudFormation function (`!Ref`, `!Sub`, …) becomes its argument: it means nothing here.
fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
        Yaml::Tagged(_, value) => json(value),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(values) => values
            .iter()
            .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), json(value)))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Value(Scalar::Null) | Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}
