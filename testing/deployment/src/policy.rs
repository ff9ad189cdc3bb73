use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{Error, Template};

/// One statement of a role's policy, as JSON.
pub type Statement = Value;

/// What one statement of a policy allows on the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The actions without `dynamodb:`, for example `PutItem`.
    pub actions: BTreeSet<String>,
    /// Patterns of the partition keys that it allows: `*` matches any text, `?` any character.
    pub partitions: Vec<String>,
    /// Whether it allows the actions only inside a TransactWriteItems.
    pub only_in_transaction: bool,
}

impl Grant {
    /// The grants of a function's role on the table, with those that are kept for one release.
    pub(crate) fn of(template: &Template, function: &str) -> Result<Vec<Grant>, Error> {
        statements(template, function)?
            .iter()
            .filter(|statement| actions(statement).iter().any(|action| action.starts_with("dynamodb:")))
            .map(|statement| Grant::read(statement).ok_or_else(|| Error::new(format!("unknown: {statement:#}"))))
            .collect()
    }

    /// None for a statement of any other form, which the caller makes an error.
    fn read(statement: &Statement) -> Option<Grant> {
        // The stack's own, those restored from it, and the one in use: infra/role.yaml says why.
        let tables = ["${Table}", "${Table}-restored-*", "${TableInUse.Value}"].map(|table| {
            let arn = format!("arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{table}");
            json!({ "Fn::Sub": arn })
        });
        let keys = ["Action", "Condition", "Effect", "Resource", "Sid"];
        let known = statement.as_object()?.keys().all(|key| keys.contains(&key.as_str()))
            && statement["Effect"] == "Allow"
            && statement["Resource"] == Value::from(tables.to_vec());

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

    /// Whether IAM would allow a call: its action, the partition keys of its items (in a transaction, of the members with
    /// this action), and whether it is part of a TransactWriteItems.
    pub fn allows(&self, action: &str, partitions: &[&str], in_transaction: bool) -> bool {
        self.actions.contains(action)
            && (in_transaction || !self.only_in_transaction)
            && !partitions.is_empty()
            && partitions
                .iter()
                .all(|partition| self.partitions.iter().any(|pattern| like(pattern.as_bytes(), partition.as_bytes())))
    }
}

/// The statements of a function's role, by the function's logical id. The role is a resource of the template, or the one
/// that a stack of `infra/role.yaml` makes.
///
/// # Errors
/// When the function has no role of its own with exactly one policy.
pub fn statements(template: &Template, function: &str) -> Result<Vec<Statement>, Error> {
    let id = format!("{function}Role");
    let mut role = template.resource(&id)?.clone();
    if role["Type"] == "AWS::CloudFormation::Stack" {
        role = template.nested(&id)?.resource("Role")?.clone();
    }
    match role["Properties"]["Policies"].as_array().map(Vec::as_slice) {
        Some([policy]) if role["Properties"].get("ManagedPolicyArns").is_none() => {
            policy["PolicyDocument"]["Statement"]
                .as_array()
                .cloned()
                .ok_or_else(|| Error::new(format!("{function}'s policy has no statements")))
        }
        _ => Err(Error::new(format!("{function}'s role does not hold exactly one policy"))),
    }
}

/// The actions of a statement, which are one text or a list.
fn actions(statement: &Statement) -> Vec<&str> {
    match &statement["Action"] {
        Value::String(action) => vec![action],
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// IAM's StringLike: `*` matches any text, the empty one included, and `?` any one character.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', pattern @ ..] => (0..=text.len()).any(|at| like(pattern, &text[at..])),
        [expected, pattern @ ..] => {
            text.split_first().is_some_and(|(byte, text)| [byte, &b'?'].contains(&expected) && like(pattern, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    fn is_like(pattern: &str, text: &str) -> bool {
        like(pattern.as_bytes(), text.as_bytes())
    }

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        assert!(is_like("ORG#??#TAG#*", "ORG#o1#TAG#04e1"));
        assert!(is_like("ORG#??#TAG#*", "ORG#o1#TAG#"));
        assert!(is_like("ORG#??", "ORG#o1"));
        assert!(is_like("a*a", "aa") && is_like("*", "") && is_like("a", "a") && is_like("*?", "ab"));
        assert!(!is_like("a*a", "a") && !is_like("a", "ab") && !is_like("?", ""));
        assert!(!is_like("ORG#??", "ORG#o1#VEHICLE"));
        assert!(!is_like("ORG#??#VEHICLE", "ORG#o1#TAG#x#VEHICLE"));
    }
}
