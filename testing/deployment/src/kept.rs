use serde::Deserialize;

use crate::{Error, Grant, template::root};

/// A grant that no code uses any more and that the policy keeps for one release: `infra/kept-grants.toml` says why.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The function by the name of its binary.
    pub function: String,
    /// The table action, as `PutItem`.
    pub action: String,
    /// The partition keys, as the template writes them.
    pub partition: String,
    /// The day on which it was put on the list.
    pub since: toml::value::Date,
    /// The version of the workspace that removes it.
    pub remove_in: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    grant: Vec<Kept>,
}

/// The list.
///
/// # Errors
/// When it cannot be read.
pub fn kept() -> Result<Vec<Kept>, Error> {
    let path = root().join("infra/kept-grants.toml");
    let fail = |error: &dyn std::fmt::Display| Error::new(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| fail(&error))?;
    Ok(toml::from_str::<List>(&text).map_err(|error| fail(&error))?.grant)
}

impl Kept {
    /// What is left of a function's grants without this one.
    pub fn taken_from(&self, grants: Vec<Grant>) -> Vec<Grant> {
        let mut left = Vec::new();
        for grant in grants {
            if !grant.actions.contains(&self.action) || !grant.partitions.contains(&self.partition) {
                left.push(grant);
                continue;
            }
            let (mut here, mut elsewhere) = (grant.clone(), grant);
            here.actions.remove(&self.action);
            here.partitions = vec![self.partition.clone()];
            elsewhere.partitions.retain(|partition| *partition != self.partition);
            left.extend([here, elsewhere].into_iter().filter(|g| !g.actions.is_empty() && !g.partitions.is_empty()));
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(actions: &[&str], partitions: &[&str]) -> Grant {
        Grant {
            actions: actions.iter().map(ToString::to_string).collect(),
            partitions: partitions.iter().map(ToString::to_string).collect(),
            only_in_transaction: false,
        }
    }

    #[test]
    fn a_kept_grant_is_one_action_on_one_kind_of_key() {
        let text = "[[grant]]\nfunction = \"f\"\naction = \"GetItem\"\npartition = \"b\"\nsince = 2026-11-27\nremove_in = \"0.2.0\"";
        let list: List = toml::from_str(text).unwrap();
        let left =
            list.grant[0].taken_from(vec![grant(&["BatchGetItem", "GetItem"], &["a", "b"]), grant(&["Query"], &["b"])]);
        assert_eq!(
            left,
            [grant(&["BatchGetItem"], &["b"]), grant(&["BatchGetItem", "GetItem"], &["a"]), grant(&["Query"], &["b"])]
        );
        assert_eq!(list.grant[0].taken_from(vec![grant(&["GetItem"], &["b"])]), []);
    }
}
