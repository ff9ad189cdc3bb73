//! Reads a JSON body field by field and remembers everything that is wrong with it, not just the first.

use std::fmt;

use domain::{InvalidText, OcppIdTag, Patch, Text};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Problem {
    /// The path of the field (`vehicle.accessIds[1].ocppIdTag`), the name of a parameter or header, or empty for a body
    /// that is no JSON object.
    pub field: String,
    /// What is wrong with it, as the end of a sentence that begins with the field.
    pub message: String,
}

/// All that is wrong with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One problem.
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, message);
        problems
    }

    /// One more problem.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { field: field.into(), message: message.into() });
    }

    /// The value if nothing is wrong. A missing value is always somebody's problem, so there is one if there are none.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

/// A JSON value that keeps its objects as they were written, repeated keys included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool,
    /// A number; if it is an unsigned integer, which.
    Number(Option<u64>),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E: Error>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Bool)
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(Some(number)))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Number(None))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Number(None))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
                Ok(Json::String(text.to_owned()))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
                Ok(Json::String(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(Json::Array(elements))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = object.next_entry()? {
                    entries.push(entry);
                }
                Ok(Json::Object(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The text of a body: JSON in UTF-8, a byte order mark before it ignored.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problems> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("must be a JSON object in UTF-8 (line {}, column {})", error.line(), error.column());
        Problems::one("", message)
    })
}

/// An object of a body, its fields not yet looked at.
pub(crate) struct Object {
    path: String,
    fields: Vec<(String, Json)>,
}

impl Object {
    /// The body's root, which must hold one object under `root`, and nothing else.
    pub fn root(body: &[u8], root: &str, problems: &mut Problems) -> Option<Self> {
        let body = match parse::<Json>(body) {
            Ok(Json::Object(fields)) => Self::new(String::new(), fields, problems),
            Ok(_) => {
                problems.add("", "must be a JSON object");
                return None;
            }
            Err(unreadable) => {
                problems.0.extend(unreadable.0);
                return None;
            }
        };
        body.read(problems, |body, problems| {
            let value = body.take(root);
            if value.is_none() {
                problems.add(root, "is required");
            }
            Self::of(root.to_owned(), value?, problems)
        })
    }

    fn of(path: String, value: Json, problems: &mut Problems) -> Option<Self> {
        match value {
            Json::Object(fields) => Some(Self::new(path, fields, problems)),
            _ => {
                problems.add(path, "must be an object");
                None
            }
        }
    }

    fn new(path: String, fields: Vec<(String, Json)>, problems: &mut Problems) -> Self {
        let mut object = Self { path, fields: Vec::with_capacity(fields.len()) };
        let mut seen = std::collections::HashSet::new();
        let mut repeated = std::collections::HashSet::new();
        for (name, value) in fields {
            if seen.insert(name.clone()) {
                object.fields.push((name, value));
            } else if repeated.insert(name.clone()) {
                problems.add(object.path_of(&name), "is given more than once");
            }
        }
        object
    }

    /// Reads the object's fields; what is left then is unknown, and refused.
    pub fn read<T>(mut self, problems: &mut Problems, read: impl FnOnce(&mut Self, &mut Problems) -> T) -> T {
        let value = read(&mut self, problems);
        for (name, _) in &self.fields {
            problems.add(self.path_of(name), "is not a field that can be set here");
        }
        value
    }

    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Whether the field is there and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, value)| field == name && *value != Json::Null)
    }

    fn patch<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(String, Json, &mut Problems) -> Option<T>,
    ) -> Patch<T> {
        match self.take(name) {
            None => Patch::Keep,
            Some(Json::Null) => Patch::Clear,
            Some(value) => read(self.path_of(name), value, problems).map_or(Patch::Keep, Patch::Set),
        }
    }

    /// A field that may be left out but not be `null`.
    fn not_null<T>(&self, name: &str, patch: Patch<T>, problems: &mut Problems) -> Option<T> {
        if matches!(patch, Patch::Clear) {
            problems.add(self.path_of(name), "must not be null");
        }
        patch.apply(None)
    }

    /// A text that may be left out or be `null`.
    pub fn text<const MAX: usize>(&mut self, name: &str, problems: &mut Problems) -> Patch<Text<MAX>> {
        self.patch(name, problems, |path, value, problems| {
            string(path, value, problems, |text| Text::new(text).map_err(|invalid: InvalidText| invalid.to_string()))
        })
    }

    /// A text that may be left out but not be `null`.
    pub fn text_not_null<const MAX: usize>(&mut self, name: &str, problems: &mut Problems) -> Option<Text<MAX>> {
        let patch = self.text(name, problems);
        self.not_null(name, patch, problems)
    }

    /// A text that must be there.
    pub fn required_text<const MAX: usize>(&mut self, name: &str, problems: &mut Problems) -> Option<Text<MAX>> {
        self.require(name, problems)?;
        self.text_not_null(name, problems)
    }

    /// An ID tag that must be there.
    pub fn required_tag(&mut self, name: &str, problems: &mut Problems) -> Option<OcppIdTag> {
        self.required(name, problems, |text| OcppIdTag::normalize(text).map_err(|invalid| invalid.to_string()))
    }

    /// A string that must be there and that `read` accepts.
    pub fn required<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.require(name, problems)?;
        let patch = self.patch(name, problems, |path, value, problems| string(path, value, problems, read));
        self.not_null(name, patch, problems)
    }

    /// One of the words of a list, which may be left out but not be `null`.
    pub fn word_not_null<T: Copy>(&mut self, name: &str, words: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let patch =
            self.patch(name, problems, |path, value, problems| string(path, value, problems, |text| word(text, words)));
        self.not_null(name, patch, problems)
    }

    /// An unsigned integer that may be left out or be `null`.
    pub fn integer<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(u64) -> Result<T, String>,
    ) -> Option<T> {
        let patch = self.patch(name, problems, |path, value, problems| {
            let number = match value {
                Json::Number(Some(number)) => read(number),
                _ => Err("must be a positive integer".to_owned()),
            };
            number.map_err(|message| problems.add(path, message)).ok()
        });
        patch.apply(None)
    }

    /// An object that may be left out or be `null`.
    pub fn object(&mut self, name: &str, problems: &mut Problems) -> Patch<Self> {
        self.patch(name, problems, Self::of)
    }

    /// A list of objects that may be left out or be `null`.
    pub fn objects(&mut self, name: &str, at_most: usize, problems: &mut Problems) -> Vec<Self> {
        let patch = self.patch(name, problems, |path, value, problems| match value {
            Json::Array(elements) if elements.len() > at_most => {
                problems.add(path, format!("must hold at most {at_most} elements"));
                None
            }
            Json::Array(elements) => {
                let objects = elements.into_iter().enumerate();
                Some(objects.filter_map(|(at, element)| Self::of(format!("{path}[{at}]"), element, problems)).collect())
            }
            _ => {
                problems.add(path, "must be a list");
                None
            }
        });
        patch.apply(None).unwrap_or_default()
    }

    fn require(&self, name: &str, problems: &mut Problems) -> Option<()> {
        if self.fields.iter().any(|(field, _)| field == name) {
            return Some(());
        }
        problems.add(self.path_of(name), "is required");
        None
    }
}

fn string<T>(
    path: String,
    value: Json,
    problems: &mut Problems,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let value = match value {
        Json::String(text) => read(&text),
        _ => Err("must be a string".to_owned()),
    };
    value.map_err(|message| problems.add(path, message)).ok()
}

/// The value that a word stands for.
pub(crate) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("must be {}", words.join(" or "))
    })
}
