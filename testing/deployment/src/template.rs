use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::Error;

/// A CloudFormation template as JSON. Its functions are in their long form: `!Ref Table` is `{"Ref": "Table"}`.
#[derive(Clone, Debug)]
pub struct Template {
    /// The whole template.
    pub value: Value,
}

impl Template {
    /// Reads a template. The path is relative to the root of the workspace.
    ///
    /// # Errors
    /// When there is no such file or it is not YAML.
    pub fn read(path: impl AsRef<Path>) -> Result<Template, Error> {
        let path = root().join(path);
        let fail = |error: &dyn std::fmt::Display| Error::new(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| fail(&error))?;
        Template::parse(&text).map_err(|error| fail(&error))
    }

    /// Reads a template from its text.
    ///
    /// # Errors
    /// When it is not YAML.
    pub fn parse(text: &str) -> Result<Template, Error> {
        let documents = Yaml::load_from_str(text).map_err(|error| Error::new(error.to_string()))?;
        let document = documents.first().ok_or_else(|| Error::new("it is empty"))?;
        Ok(Template { value: to_json(document)? })
    }

    /// The entries of a section, none if there is no such section.
    pub fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.value.get(name).and_then(Value::as_object).into_iter().flatten().map(|(id, value)| (id.as_str(), value))
    }

    /// The resources of one type, by their logical ids.
    pub fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.section("Resources").filter(move |(_, resource)| resource["Type"] == kind)
    }

    /// The resource of a logical id.
    ///
    /// # Errors
    /// When there is no such resource.
    pub fn resource(&self, id: &str) -> Result<&Value, Error> {
        self.value["Resources"].get(id).ok_or_else(|| Error::new(format!("there is no resource {id}")))
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn to_json(yaml: &Yaml<'_>) -> Result<Value, Error> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
        Yaml::Sequence(values) => values.iter().map(to_json).collect::<Result<_, _>>()?,
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| {
                let key = key.as_str().ok_or_else(|| Error::new(format!("a key is no text: {key:?}")))?;
                Ok((key.to_owned(), to_json(value)?))
            })
            .collect::<Result<Map<_, _>, Error>>()?
            .into(),
        Yaml::Tagged(tag, value) => {
            let value = to_json(value)?;
            match (tag.suffix.as_str(), &value) {
                ("Ref" | "Condition", _) => json!({ &tag.suffix: value }),
                // In A.B.C the resource is A. Attributes with a dot are `Outputs.Name` of nested stacks and
                // `Version.Version` of SAM's functions.
                ("GetAtt", Value::String(path)) => {
                    let (resource, attribute) =
                        path.split_once('.').ok_or_else(|| Error::new(format!("!GetAtt {path} names no attribute")))?;
                    json!({ "Fn::GetAtt": [resource, attribute] })
                }
                (name, _) => json!({ format!("Fn::{name}"): value }),
            }
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            return Err(Error::new(format!("not plain YAML: {yaml:?}")));
        }
    })
}
