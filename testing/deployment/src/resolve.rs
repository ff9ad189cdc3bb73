use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{Error, Template};

/// The values of a template's parameters by their names.
pub type Parameters = BTreeMap<String, Value>;

impl Template {
    /// The template as CloudFormation would use it with these parameters, and with the defaults of the others: conditions
    /// are decided, what they leave out is gone, and parameters are replaced by their values. References to resources stay;
    /// so does `Fn::Sub` as long as it names one.
    ///
    /// # Errors
    /// When a parameter has no value, or a function is used in a way that this reader does not know.
    pub fn with(&self, given: &Parameters) -> Result<Template, Error> {
        let mut values = Parameters::new();
        for (name, parameter) in self.section("Parameters") {
            let value = given.get(name).or_else(|| parameter.get("Default"));
            let value = value.ok_or_else(|| Error::new(format!("the parameter {name} has no value")))?;
            let is_list = parameter["Type"] == "CommaDelimitedList";
            values.insert(name.to_owned(), if is_list { list(value) } else { value.clone() });
        }
        let resolver = Resolver { values, conditions: &self.value["Conditions"] };
        let mut value = self.value.clone();
        for section in ["Resources", "Outputs"] {
            let mut kept = Map::new();
            for (name, entry) in self.section(section) {
                let is_made = match entry.get("Condition").and_then(Value::as_str) {
                    Some(condition) => resolver.condition(condition)?,
                    None => true,
                };
                if is_made && let Some(entry) = resolver.resolve(entry)? {
                    kept.insert(name.to_owned(), entry);
                }
            }
            if value.get(section).is_some() {
                value[section] = kept.into();
            }
        }
        Ok(Template { value })
    }

    /// A nested stack's template with the parameters that this template gives it.
    ///
    /// # Errors
    /// When there is no such nested stack, and as [`Template::with`].
    pub fn nested(&self, id: &str) -> Result<Template, Error> {
        let properties = &self.resource(id)?["Properties"];
        let path = properties["TemplateURL"].as_str().ok_or_else(|| Error::new(format!("{id} is no nested stack")))?;
        let given = properties["Parameters"].as_object().into_iter().flatten();
        Template::read(path)?.with(&given.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

struct Resolver<'a> {
    values: Parameters,
    conditions: &'a Value,
}

impl Resolver<'_> {
    /// `None` for `AWS::NoValue`.
    fn resolve(&self, value: &Value) -> Result<Option<Value>, Error> {
        match value {
            Value::Array(values) => {
                let values = values.iter().filter_map(|value| self.resolve(value).transpose());
                Ok(Some(values.collect::<Result<Vec<_>, _>>()?.into()))
            }
            Value::Object(entries) => match entries.iter().next() {
                Some((name, argument)) if entries.len() == 1 => self.function(name, argument),
                _ => self.object(entries),
            },
            _ => Ok(Some(value.clone())),
        }
    }

    fn object(&self, entries: &Map<String, Value>) -> Result<Option<Value>, Error> {
        let mut resolved = Map::new();
        for (key, value) in entries {
            if let Some(value) = self.resolve(value)? {
                resolved.insert(key.clone(), value);
            }
        }
        Ok(Some(resolved.into()))
    }

    fn function(&self, name: &str, argument: &Value) -> Result<Option<Value>, Error> {
        match (name, argument) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => Ok(None),
            ("Ref", Value::String(name)) => {
                Ok(Some(self.values.get(name).cloned().unwrap_or_else(|| json!({ "Ref": name }))))
            }
            ("Fn::If", Value::Array(choice)) => match &choice[..] {
                [Value::String(condition), yes, no] => self.resolve(if self.condition(condition)? { yes } else { no }),
                _ => Err(Error::new(format!("Fn::If {argument}"))),
            },
            ("Fn::Join", Value::Array(parts)) => match &parts[..] {
                [Value::String(between), values] => match self.resolve(values)? {
                    Some(Value::Array(values)) if values.iter().all(Value::is_string) => {
                        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                        Ok(Some(values.join(between).into()))
                    }
                    other => Ok(Some(json!({ "Fn::Join": [between, other] }))),
                },
                _ => Err(Error::new(format!("Fn::Join {argument}"))),
            },
            ("Fn::Sub", Value::Array(parts)) => match &parts[..] {
                [Value::String(text), Value::Object(named)] => {
                    let mut text = text.clone();
                    for (name, value) in named {
                        let value = self.resolve(value)?.ok_or_else(|| Error::new(format!("Fn::Sub {argument}")))?;
                        text = text.replace(&format!("${{{name}}}"), &in_text(&value));
                    }
                    self.function("Fn::Sub", &text.into())
                }
                _ => Err(Error::new(format!("Fn::Sub {argument}"))),
            },
            ("Fn::Sub", Value::String(text)) => {
                let text = self
                    .values
                    .iter()
                    .fold(text.clone(), |text, (name, value)| text.replace(&format!("${{{name}}}"), &in_text(value)));
                Ok(Some(if text.contains("${") { json!({ "Fn::Sub": text }) } else { text.into() }))
            }
            _ => self.object(&Map::from_iter([(name.to_owned(), argument.clone())])),
        }
    }

    fn condition(&self, name: &str) -> Result<bool, Error> {
        match self.conditions.get(name) {
            Some(condition) => self.holds(condition),
            None => Err(Error::new(format!("there is no condition {name}"))),
        }
    }

    fn holds(&self, condition: &Value) -> Result<bool, Error> {
        let unknown = || Error::new(format!("unknown condition: {condition}"));
        let (name, argument) = condition.as_object().and_then(|entries| entries.iter().next()).ok_or_else(unknown)?;
        match (name.as_str(), argument) {
            ("Condition", Value::String(name)) => self.condition(name),
            ("Fn::Not", Value::Array(of)) if of.len() == 1 => Ok(!self.holds(&of[0])?),
            ("Fn::And", Value::Array(of)) => of.iter().try_fold(true, |all, next| Ok(all && self.holds(next)?)),
            ("Fn::Equals", Value::Array(pair)) if pair.len() == 2 => {
                Ok(self.resolve(&pair[0])?.as_ref().map(in_text) == self.resolve(&pair[1])?.as_ref().map(in_text))
            }
            _ => Err(unknown()),
        }
    }
}

/// A value as it stands in a text. A reference becomes what `Fn::Sub` would write for it.
fn in_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(entries) => match entries.iter().next() {
            Some((name, Value::String(of))) if name == "Ref" => format!("${{{of}}}"),
            Some((name, Value::String(of))) if name == "Fn::Sub" => of.clone(),
            Some((name, Value::Array(path))) if name == "Fn::GetAtt" => {
                let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
                format!("${{{}}}", path.join("."))
            }
            _ => value.to_string(),
        },
        _ => value.to_string(),
    }
}

/// What CloudFormation makes of a list in one text.
fn list(value: &Value) -> Value {
    match value {
        Value::String(text) => text.split(',').map(str::trim).collect(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_lists_and_texts_are_what_the_parameters_make_of_them() {
        let template = Template {
            value: json!({
                "Parameters": {
                    "Keys": { "Type": "CommaDelimitedList", "Default": "" },
                    "Hours": { "Type": "Number", "Default": 0 },
                    "Table": { "Type": "String" },
                },
                "Conditions": {
                    "HasKeys": { "Fn::Not": [{ "Fn::Equals": [{ "Fn::Join": ["", { "Ref": "Keys" }] }, ""] }] },
                    "Watched": { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "Hours" }, 0] }] },
                },
                "Resources": {
                    "Role": { "Properties": [
                        { "Fn::If": ["HasKeys", { "Keys": { "Ref": "Keys" } }, { "Ref": "AWS::NoValue" }] },
                        { "Fn::Sub": "table/${Table}" },
                        { "Fn::Sub": ["${Table} ${Kind}", { "Kind": { "Fn::If": ["HasKeys", "keys", "none"] } }] },
                    ] },
                    "Alarm": { "Condition": "Watched", "Properties": { "Ref": "Hours" } },
                },
            }),
        };
        let made = |given: &[(&str, Value)]| {
            let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            template.with(&given).map(|template| template.value["Resources"].clone()).unwrap()
        };
        assert_eq!(made(&[("Table", json!("t"))]), json!({ "Role": { "Properties": ["table/t", "t none"] } }));
        let given = [("Table", json!({ "Fn::GetAtt": ["A", "B"] })), ("Keys", json!("a, b#*")), ("Hours", json!("3"))];
        assert_eq!(
            made(&given),
            json!({
                "Role": { "Properties": [{ "Keys": ["a", "b#*"] }, { "Fn::Sub": "table/${A.B}" }, { "Fn::Sub": "${A.B} keys" }] },
                "Alarm": { "Condition": "Watched", "Properties": "3" },
            })
        );
        assert!(template.with(&Parameters::new()).is_err(), "Table has no value");
    }
}
