use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{Error, Template};

/// One statement of a role's policy.
pub type Statement = Value;

/// What one statement allows a function to do to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The actions, as DynamoDB calls them: `PutItem`.
    pub actions: BTreeSet<String>,
    /// The partition keys that it may touch; `*` stands for any text.
    pub partitions: Vec<String>,
    /// Whether it holds inside a TransactWriteItems alone.
    pub only_in_transaction: bool,
}

impl Grant {
    /// The grants that a function's role holds on the table.
    pub(crate) fn of(template: &Template, function: &str) -> Result<Vec<Grant>, Error> {
        statements(template, function)?
            .iter()
            .filter(|statement| actions(statement).iter().any(|action| action.starts_with("dynamodb:")))
            .map(|statement| Grant::read(statement).ok_or_else(|| Error::new(format!("unknown: {statement:#}"))))
            .collect()
    }

    /// `None` for a statement of any other shape: what is not understood must not count as allowed or refused.
    fn read(statement: &Statement) -> Option<Grant> {
        let table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableInUse.Value}";
        let keys = ["Action", "Condition", "Effect", "Resource", "Sid"];
        let known = statement.as_object()?.keys().all(|key| keys.contains(&key.as_str()))
            && statement["Effect"] == "Allow"
            && statement["Resource"] == json!({ "Fn::Sub": table });

        let mut condition = statement["Condition"].as_object()?.clone();
        let needs_keys = condition.remove("Null")? == json!({ "dynamodb:LeadingKeys": "false" });
        let mut like = condition.remove("ForAllValues:StringLike")?;
        let partitions = serde_json::from_value(like.as_object_mut()?.remove("dynamodb:LeadingKeys")?).ok()?;
        let only_in_transaction = match condition.remove("ForAnyValue:StringEquals") {
            None => false,
            Some(value) if value == json!({ "dynamodb:EnclosingOperation": "TransactWriteItems" }) => true,
            Some(_) => return None,
        };
        let actions = actions(statement)
            .into_iter()
            .map(|action| action.strip_prefix("dynamodb:").map(str::to_owned))
            .collect::<Option<_>>()?;
        let rest_is_empty = condition.is_empty() && like.as_object()?.is_empty();
        (known && needs_keys && rest_is_empty).then_some(Grant { actions, partitions, only_in_transaction })
    }

    /// Whether IAM would let a call pass: its action, the partition keys of its items (for a transaction, those of the
    /// members with this action), and whether it stands in a TransactWriteItems.
    pub fn allows(&self, action: &str, partitions: &[&str], in_transaction: bool) -> bool {
        self.actions.contains(action)
            && (in_transaction || !self.only_in_transaction)
            && !partitions.is_empty()
            && partitions.iter().all(|partition| self.partitions.iter().any(|pattern| like(pattern, partition)))
    }
}

/// The statements of a function's role, by the function's logical id.
///
/// # Errors
/// When the function has no role of its own with exactly one policy.
pub fn statements<'a>(template: &'a Template, function: &str) -> Result<&'a [Statement], Error> {
    let role = template.resource(&format!("{function}Role"))?;
    match role["Properties"]["Policies"].as_array().map(Vec::as_slice) {
        Some([policy]) if role["Properties"].get("ManagedPolicyArns").is_none() => policy["PolicyDocument"]["Statement"]
            .as_array()
            .map(Vec::as_slice)
            .ok_or_else(|| Error::new(format!("{function}'s policy has no statements"))),
        _ => Err(Error::new(format!("{function}'s role does not hold exactly one policy"))),
    }
}

/// One action or a list of them.
fn actions(statement: &Statement) -> Vec<&str> {
    match &statement["Action"] {
        Value::String(action) => vec![action],
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// IAM's StringLike: `*` is any text, the empty one included. The patterns use no `?`.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((end, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_star_is_any_text() {
        assert!(like("ORG#*#TAG#*", "ORG#o#TAG#04e1"));
        assert!(like("ORG#*#TAG#*", "ORG#o#TAG#"));
        assert!(like("ORG#*#VEHICLE", "ORG#o#VEHICLE"));
        assert!(like("ORG#*#VEHICLE", "ORG#o#TAG#x#VEHICLE"));
        assert!(like("a*a", "aa") && like("*", "") && like("a", "a"));
        assert!(!like("a*a", "a"));
        assert!(!like("ORG#*#VEHICLE", "ORG#o#VEHICLES"));
        assert!(!like("ORG#*", "ORG"));
        assert!(!like("a", "ab"));
    }
}
