//! Reads a JSON body field by field and collects everything that is wrong with it.
//!
//! `serde` alone would stop at the first problem and let the last of repeated keys win. So an object is first read into its
//! fields, repeated ones included, whose values are kept as they stand until a reader asks for them. What nobody asks for is
//! skipped, and so may be of any depth. A reader sees a number's text, and so can name a number that no type of Rust holds.

use std::{char, collections::HashSet, fmt, iter};

use chrono::Datelike as _;
use domain::{Id, InvalidId, OcppIdTag, Patch, Text, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::problems::Problems;

/// A JSON value as it was written.
pub(crate) type Json<'a> = &'a RawValue;

/// The fields of an object as they were written, repeated ones included.
struct Fields<'a>(Vec<(String, Json<'a>)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields<'de>, A::Error> {
                iter::from_fn(|| object.next_entry().transpose()).collect::<Result<_, _>>().map(Fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads a body: JSON in UTF-8, a byte order mark before it ignored.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problems> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value = serde_json::from_slice(body).map_err(|error| {
        let message = format!("must be a JSON object in UTF-8 (line {}, column {})", error.line(), error.column());
        Problems::one("", message)
    })?;
    if is_unicode(body) { Ok(value) } else { Err(Problems::one("", "must not escape half of a surrogate pair")) }
}

/// Whether the `\u` escapes of a JSON text, in what is skipped too, are Unicode: each half of a surrogate pair next to its other
/// half. `serde_json` looks at those alone that it makes text of.
fn is_unicode(json: &[u8]) -> bool {
    if !json.contains(&b'\\') {
        return true;
    }
    let mut rest = json.iter();
    let mut units = iter::from_fn(|| match rest.next()? {
        b'\\' if *rest.next()? == b'u' => {
            let digits = str::from_utf8(rest.as_slice().get(..4)?).ok()?;
            rest.nth(3);
            u16::from_str_radix(digits, 16).ok()
        }
        // Any other character does as well: in UTF-8 none is half of a pair.
        _ => Some(0),
    });
    char::decode_utf16(&mut units).all(|unit| unit.is_ok())
}

/// An object of a body. Each field is taken out when it is read; what remains at the end is unknown, and refused.
pub(crate) struct Object<'a> {
    path: String,
    fields: Vec<(String, Json<'a>)>,
}

/// Reads a body that must hold one object under `root`, and nothing else. `fields` reads what is in the object.
///
/// # Errors
/// Every problem that was found. If there is none, `fields` must give a value.
pub fn read<'a, T>(
    body: &'a [u8],
    root: &str,
    fields: impl FnOnce(&mut Object<'a>, &mut Problems) -> Option<T>,
) -> Result<T, Problems> {
    let mut problems = Problems::default();
    let object = Object::whole(body, &mut problems).and_then(|body| {
        body.read(&mut problems, |body, problems| {
            let value = body.take(root);
            if value.is_none() {
                problems.add(root, "is required");
            }
            Object::of(root.to_owned(), value?, problems)
        })
    });
    let value = object.and_then(|object| object.read(&mut problems, fields));
    problems.or(value)
}

impl<'a> Object<'a> {
    /// The body itself, which must be an object.
    pub fn whole(body: &'a [u8], problems: &mut Problems) -> Option<Self> {
        let value = match parse(body) {
            Ok(value) => value,
            Err(unreadable) => {
                problems.0.extend(unreadable.0);
                return None;
            }
        };
        let Ok(Fields(fields)) = serde_json::from_str(RawValue::get(value)) else {
            problems.add("", "must be a JSON object");
            return None;
        };
        Some(Self::new(String::new(), fields, problems))
    }

    /// A value that must be an object.
    pub fn of(path: String, value: Json<'a>, problems: &mut Problems) -> Option<Self> {
        match serde_json::from_str(value.get()) {
            Ok(Fields(fields)) => Some(Self::new(path, fields, problems)),
            Err(_) => {
                problems.add(path, "must be an object");
                None
            }
        }
    }

    /// Of a repeated field the first counts, and the repetition is a problem.
    fn new(path: String, fields: Vec<(String, Json<'a>)>, problems: &mut Problems) -> Self {
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

    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Whether the field is there, be it `null` or not.
    pub fn names(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// Whether the field is there and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, value)| field == name && value.get() != "null")
    }

    /// A field that may be left out or be `null`. A value that `read` refuses is a problem.
    pub fn optional<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(Json<'a>) -> Result<T, String>,
    ) -> Patch<T> {
        match self.take(name) {
            None => Patch::Keep,
            Some(value) if value.get() == "null" => Patch::Clear,
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
        read: impl FnOnce(Json<'a>) -> Result<T, String>,
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
        read: impl FnOnce(Json<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.names(name) {
            problems.add(self.path_of(name), "is required");
        }
        self.not_null(name, problems, read)
    }

    /// An object that may be left out or be `null`.
    pub fn object(&mut self, name: &str, problems: &mut Problems) -> Patch<Self> {
        match self.take(name) {
            None => Patch::Keep,
            Some(value) if value.get() == "null" => Patch::Clear,
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
pub(crate) fn string<T, E: fmt::Display>(
    value: Json<'_>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, String> {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => read(&text).map_err(|invalid| invalid.to_string()),
        Err(_) => Err("must be a string".to_owned()),
    }
}

/// A text of at most `MAX` characters.
pub(crate) fn text<const MAX: usize>(value: Json<'_>) -> Result<Text<MAX>, String> {
    string(value, Text::new)
}

/// An ID tag.
pub(crate) fn tag(value: Json<'_>) -> Result<OcppIdTag, String> {
    string(value, OcppIdTag::normalize)
}

/// The elements of a list, whatever they are.
pub(crate) fn list(value: Json<'_>) -> Result<Vec<Json<'_>>, String> {
    serde_json::from_str(value.get()).map_err(|_| "must be a list".to_owned())
}

/// True or false.
pub(crate) fn truth(value: Json<'_>) -> Result<bool, String> {
    serde_json::from_str(value.get()).map_err(|_| "must be true or false".to_owned())
}

/// A time of RFC 3339 with any offset. In UTC it has to be one of RFC 3339 too, so that it can be shown.
pub(crate) fn time(value: Json<'_>) -> Result<Timestamp, String> {
    string(value, time_of)
}

/// The same for a text.
pub(crate) fn time_of(text: &str) -> Result<Timestamp, &'static str> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok().map(Timestamp::from);
    let shown = time.filter(|time| (0..=9999).contains(&time.year()));
    shown.ok_or("must be a time of RFC 3339 with its offset, such as 2026-03-01T08:00:00Z")
}

/// The number of a record. JSON has one kind of number, so `20.0` and `2e1` are the integer 20.
pub(crate) fn id(value: Json<'_>) -> Result<Id, String> {
    integer(value.get()).and_then(|number| Id::new(number).ok()).ok_or_else(|| InvalidId.to_string())
}

/// The value of a JSON number that is a positive integer of at most 16 digits; `None` for everything else.
fn integer(number: &str) -> Option<u64> {
    let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    // How many zeros follow the significant digits.
    let shifted = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let zeros = shifted.checked_add(i64::try_from(digits.len() - significant.len()).ok()?)?;
    let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros <= 16)?;
    format!("{significant}{}", "0".repeat(zeros)).parse().ok()
}

/// One of the words that an enum of the domain deserializes from.
pub(crate) fn word<T: for<'a> Deserialize<'a>>(value: Json<'_>) -> Result<T, String> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers() {
        for number in ["20", "20.0", "2e1", "2E+1", "200e-1", "0.2e2", "0.0020e4", "20.000e0", "20e-0"] {
            assert_eq!(integer(number), Some(20), "{number}");
        }
        assert_eq!(integer("9007199254740991"), Some(Id::MAX));
        assert_eq!(integer("9007199254740.991e3"), Some(Id::MAX));
        let long_exponent = format!("1e{}", "9".repeat(1_000));
        for number in [
            "20.5",
            "2e-1",
            "-1",
            "-0",
            "1e400",
            "1e-400",
            "1e17",
            "20.000000000000000000000001",
            "\"20\"",
            "true",
            "[20]",
            "{}",
            &long_exponent,
        ] {
            assert!(integer(number).is_none_or(|integer| Id::new(integer).is_err()), "{number}");
        }
        assert_eq!(integer("9007199254740990.9"), None, "a float would round it");
        assert_eq!(integer("9007199254740992").map(|integer| Id::new(integer).is_err()), Some(true));
    }

    proptest! {
        #[test]
        fn every_way_to_write_an_integer_is_that_integer(number in 1..=Id::MAX, shift in 0..40_usize, zeros in 0..5_usize) {
            let digits = format!("{number:0>width$}", width = shift + 1);
            let (whole, fraction) = digits.split_at(digits.len() - shift);
            let zeros = "0".repeat(zeros);
            for written in [format!("{whole}.{fraction}0{zeros}e{shift}"), format!("{number}{zeros}e-{}", zeros.len())] {
                prop_assert_eq!(integer(&written), Some(number), "{}", written);
            }
        }
    }
}
