//! Reads a JSON body field by field and collects everything that is wrong with it.
//!
//! `serde` alone would stop at the first problem and let the last of repeated keys win. So a body is first read into
//! [`Json`], which keeps repeated keys, and then taken apart as [`Object`]s.

use std::{collections::HashSet, fmt};

use chrono::Datelike as _;
use domain::{Id, OcppIdTag, Patch, Text, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, MapAccess, SeqAccess, Visitor},
};

use crate::problems::Problems;

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
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Bool)
            }
            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(Some(number)))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Number(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Number(None))
            }
            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::String(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(Json::Array(elements))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = object.next_entry()? {
                    fields.push(field);
                }
                Ok(Json::Object(fields))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Reads a body: JSON in UTF-8, a byte order mark before it ignored.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problems> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("must be a JSON object in UTF-8 (line {}, column {})", error.line(), error.column());
        Problems::one("", message)
    })
}

/// An object of a body. Each field is taken out when it is read; what remains at the end is unknown, and refused.
pub(crate) struct Object {
    path: String,
    fields: Vec<(String, Json)>,
}

impl Object {
    /// The body's root, which must hold one object under `root`, and nothing else.
    pub fn root(body: &[u8], root: &str, problems: &mut Problems) -> Option<Self> {
        let fields = match parse(body) {
            Ok(Json::Object(fields)) => fields,
            Ok(_) => {
                problems.add("", "must be a JSON object");
                return None;
            }
            Err(unreadable) => {
                problems.0.extend(unreadable.0);
                return None;
            }
        };
        Self::new(String::new(), fields, problems).read(problems, |body, problems| {
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

    /// Of a repeated field the first counts, and the repetition is a problem.
    fn new(path: String, fields: Vec<(String, Json)>, problems: &mut Problems) -> Self {
        let mut object = Self { path, fields: Vec::with_capacity(fields.len()) };
        let (mut seen, mut repeated) = (HashSet::new(), HashSet::new());
        for (name, value) in fields {
            if seen.insert(name.clone()) {
                object.fields.push((name, value));
            } else if repeated.insert(name.clone()) {
                problems.add(object.path_of(&name), "is given more than once");
            }
        }
        object
    }

    /// Reads the object's fields with `read`. Each field that is left then is a problem.
    pub fn read<T>(mut self, problems: &mut Problems, read: impl FnOnce(&mut Self, &mut Problems) -> T) -> T {
        let value = read(&mut self, problems);
        for (name, _) in &self.fields {
            problems.add(self.path_of(name), "is not a field that can be set here");
        }
        value
    }

    /// The path of a field, as problems name it.
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

    /// A field that may be left out or be `null`. A value that `read` refuses is a problem.
    pub fn optional<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(Json) -> Result<T, String>,
    ) -> Patch<T> {
        match self.take(name) {
            None => Patch::Keep,
            Some(Json::Null) => Patch::Clear,
            Some(value) => match read(value) {
                Ok(value) => Patch::Set(value),
                Err(message) => {
                    problems.add(self.path_of(name), message);
                    Patch::Keep
                }
            },
        }
    }

    /// A field that may be left out but not be `null`.
    pub fn not_null<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(Json) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.optional(name, problems, read);
        if matches!(value, Patch::Clear) {
            problems.add(self.path_of(name), "must not be null");
        }
        value.apply(None)
    }

    /// A field that must be there.
    pub fn required<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(Json) -> Result<T, String>,
    ) -> Option<T> {
        if self.fields.iter().all(|(field, _)| field != name) {
            problems.add(self.path_of(name), "is required");
        }
        self.not_null(name, problems, read)
    }

    /// An object that may be left out or be `null`.
    pub fn object(&mut self, name: &str, problems: &mut Problems) -> Patch<Self> {
        match self.take(name) {
            None => Patch::Keep,
            Some(Json::Null) => Patch::Clear,
            Some(value) => Self::of(self.path_of(name), value, problems).map_or(Patch::Keep, Patch::Set),
        }
    }

    /// A list of objects that may be left out or be `null`.
    pub fn objects(&mut self, name: &str, at_most: usize, problems: &mut Problems) -> Vec<Self> {
        let list = self.optional(name, problems, |value| match list(value)? {
            elements if elements.len() > at_most => Err(format!("must hold at most {at_most} elements")),
            elements => Ok(elements),
        });
        let elements = list.apply(None).unwrap_or_default().into_iter().enumerate();
        let path = self.path_of(name);
        elements.filter_map(|(at, element)| Self::of(format!("{path}[{at}]"), element, problems)).collect()
    }
}

/// A string that `read` accepts.
pub(crate) fn string<T, E: fmt::Display>(value: Json, read: impl FnOnce(&str) -> Result<T, E>) -> Result<T, String> {
    match value {
        Json::String(text) => read(&text).map_err(|invalid| invalid.to_string()),
        _ => Err("must be a string".to_owned()),
    }
}

/// A text of at most `MAX` characters.
pub(crate) fn text<const MAX: usize>(value: Json) -> Result<Text<MAX>, String> {
    string(value, Text::new)
}

/// An ID tag.
pub(crate) fn tag(value: Json) -> Result<OcppIdTag, String> {
    string(value, OcppIdTag::normalize)
}

/// The elements of a list, whatever they are.
pub(crate) fn list(value: Json) -> Result<Vec<Json>, String> {
    match value {
        Json::Array(elements) => Ok(elements),
        _ => Err("must be a list".to_owned()),
    }
}

/// A time of RFC 3339 with any offset. In UTC it has to be one of RFC 3339 too, so that it can be shown.
pub(crate) fn time(value: Json) -> Result<Timestamp, String> {
    string(value, |text| {
        let time = chrono::DateTime::parse_from_rfc3339(text).ok().map(Timestamp::from);
        let shown = time.filter(|time| (0..=9999).contains(&time.year()));
        shown.ok_or("must be a time of RFC 3339 with its offset, such as 2026-03-01T08:00:00Z")
    })
}

/// The number of a record.
pub(crate) fn id(value: Json) -> Result<Id, String> {
    match value {
        Json::Number(Some(number)) => Id::new(number).map_err(|invalid| invalid.to_string()),
        _ => Err("must be a positive integer".to_owned()),
    }
}

/// One of the words that an enum of the domain deserializes from.
pub(crate) fn word<T: for<'a> Deserialize<'a>>(value: Json) -> Result<T, String> {
    string(value, word_of)
}

/// The same for a text.
pub(crate) fn word_of<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, UnknownWord> {
    T::deserialize(text.into_deserializer())
}

/// Says which words an enum knows, in place of `serde`'s message, which names Rust's terms.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnknownWord(String);

impl de::Error for UnknownWord {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self(format!("must be {}", words.join(" or ")))
    }
}
