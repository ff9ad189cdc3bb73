//! Reads a query string parameter by parameter and collects everything that is wrong with it.

use std::fmt::Display;

use crate::problems::Problems;

/// The parameters of a query. Each is taken out when it is read; what remains at the end is unknown, and refused.
#[derive(Debug)]
pub struct Query {
    parameters: Vec<(String, String)>,
    problems: Problems,
}

impl Query {
    /// Reads a query with `read`, which names each parameter of the endpoint once by asking for it.
    ///
    /// # Errors
    /// Every parameter that is refused, empty, repeated or unknown.
    pub fn read<T>(query: &str, read: impl FnOnce(&mut Self) -> T) -> Result<T, Problems> {
        let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut query = Self { parameters, problems: Problems::default() };
        let value = read(&mut query);
        let Self { mut parameters, mut problems } = query;
        parameters.sort();
        parameters.dedup_by(|one, other| one.0 == other.0);
        for (name, _) in parameters {
            match &*name {
                "" => problems.add("query", "has a parameter without a name"),
                _ => problems.add(name, "is not a parameter of this endpoint"),
            }
        }
        problems.or(Some(value))
    }

    /// The parameter of this name as `parse` reads it; `None` if it is left out, or if something is wrong with it.
    pub fn optional<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let mut values = self.parameters.extract_if(.., |(key, _)| key == name).map(|(_, value)| value);
        let value = values.next()?;
        let read = if values.next().is_some() {
            Err("is given more than once".to_owned())
        } else if value.is_empty() {
            Err("must not be empty".to_owned())
        } else {
            parse(&value).map_err(|refused| refused.to_string())
        };
        drop(values);
        read.map_err(|message| self.problems.add(name, message)).ok()
    }
}
