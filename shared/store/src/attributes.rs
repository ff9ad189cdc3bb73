//! Records straight from DynamoDB's JSON. The SDK would make maps of all items first, and `serde_dynamo` the records of those
//! (`docs/performance.md` has what that costs).

use std::{
    borrow::Cow,
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::config::{ConfigBag, RuntimeComponents, http::HttpResponse};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::interceptors::{Intercept, context::BeforeDeserializationInterceptorContextMut, dyn_dispatch_hint},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;

/// Takes an operation's good answer away before the SDK reads it, and leaves the SDK an empty one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(Arc<Mutex<Option<HttpResponse>>>);

impl Body {
    /// Reads what was taken.
    pub fn read<T>(&self, read: impl FnOnce(&[u8]) -> T) -> T {
        let response = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        read(response.as_ref().and_then(|response| response.body().bytes()).unwrap_or_default())
    }
}

#[dyn_dispatch_hint]
impl Intercept for Body {
    fn name(&self) -> &'static str {
        "Body"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let empty = HttpResponse::new(response.status(), "{}".into());
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(mem::replace(response, empty));
        }
        Ok(())
    }
}

/// The record in an item's JSON.
///
/// # Errors
/// It holds none.
pub(crate) fn read<'a, R: Deserialize<'a>>(item: &'a RawValue) -> Result<R, serde_json::Error> {
    R::deserialize(Item(&mut serde_json::Deserializer::from_str(item.get())))
}

/// The record in an item, for `deserialize_with`.
pub(crate) fn deserialize<'de, R: Deserialize<'de>, D: Deserializer<'de>>(item: D) -> Result<R, D::Error> {
    R::deserialize(Item(item))
}

/// Reads a map of attributes as a map of their values.
struct Item<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Item<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Attributes(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A visitor who is shown values in the place of attributes, or the map or list that shows them.
struct Attributes<T>(T);

impl<'de, V: Visitor<'de>> Visitor<'de> for Attributes<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Attributes(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Attributes(list))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Attributes<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Attribute(seed))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Attributes<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Attribute(seed))
    }
}

/// An attribute, `{"S": "text"}`, that reads as its value; or the seed that reads it.
struct Attribute<T>(T);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Attribute<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Attribute(deserializer))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Attribute<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Typed { visitor, wanted: Wanted::Value })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Typed { visitor, wanted: Wanted::Option })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Typed { visitor, wanted: Wanted::Enum })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_ignored_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier
    }
}

/// The types of the attributes that records have.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    S,
    N,
    #[serde(rename = "BOOL")]
    Bool,
    #[serde(rename = "NULL")]
    Null,
    L,
    M,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

enum Wanted {
    Value,
    Option,
    Enum,
}

struct Typed<V> {
    visitor: V,
    wanted: Wanted,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Typed<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let kind = map.next_key()?.ok_or_else(|| A::Error::custom("an attribute without a type"))?;
        let value = Value { kind, map: &mut map };
        let read = match self.wanted {
            Wanted::Value => value.deserialize_any(self.visitor),
            Wanted::Option if kind == Kind::Null => {
                value.map.next_value::<IgnoredAny>().and_then(|_| self.visitor.visit_none())
            }
            Wanted::Option => self.visitor.visit_some(value),
            Wanted::Enum => value.deserialize_enum("", &[], self.visitor),
        }?;
        match map.next_key::<IgnoredAny>()? {
            None => Ok(read),
            Some(_) => Err(A::Error::custom("an attribute of two types")),
        }
    }
}

/// The value of an attribute whose type has been read.
struct Value<'a, A> {
    kind: Kind,
    map: &'a mut A,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Value<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        match self.kind {
            Kind::S => match self.map.next_value::<Text<'de>>()?.0 {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Kind::N => {
                let Text(number) = self.map.next_value()?;
                if let Ok(number) = number.parse() {
                    visitor.visit_u64(number)
                } else if let Some(number) = number.parse().ok().filter(|number| *number < 0) {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(number.parse().map_err(A::Error::custom)?)
                }
            }
            Kind::Bool => visitor.visit_bool(self.map.next_value()?),
            Kind::Null => self.map.next_value::<IgnoredAny>().and_then(|_| visitor.visit_unit()),
            Kind::L | Kind::M => self.map.next_value_seed(Nested(self.kind, visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        match self.kind {
            Kind::S => visitor.visit_enum(self.map.next_value::<Text<'de>>()?.0.into_deserializer()),
            _ => Err(A::Error::custom("a word that is no string")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Reads a list or a map of attributes.
struct Nested<V>(Kind, V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Nested<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        match self.0 {
            Kind::L => deserializer.deserialize_seq(Attributes(self.1)),
            _ => deserializer.deserialize_map(Attributes(self.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Word {
        Yes,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Record {
        text: String,
        number: i64,
        flag: bool,
        word: Word,
        list: Vec<Inner>,
        inner: Inner,
        #[serde(default)]
        maybe: Option<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        id: u64,
    }

    fn item() -> serde_json::Value {
        json!({
            "text": {"S": "a \"b\" ü"}, "number": {"N": "-7"}, "flag": {"BOOL": true}, "word": {"S": "Yes"},
            "list": {"L": [{"M": {"id": {"N": "1"}}}, {"M": {"id": {"N": "2"}, "more": {"SS": ["x"]}}}]},
            "inner": {"M": {"id": {"N": "3"}}}, "maybe": {"NULL": true}, "unknown": {"B": "AA=="}
        })
    }

    fn read_json(item: &serde_json::Value) -> Result<Record, serde_json::Error> {
        read(&serde_json::value::to_raw_value(item)?)
    }

    #[test]
    fn attributes_read_as_their_values() {
        let [one, two, three] = [1, 2, 3].map(|id| Inner { id });
        let record = Record {
            text: "a \"b\" ü".to_owned(),
            number: -7,
            flag: true,
            word: Word::Yes,
            list: vec![one, two],
            inner: three,
            maybe: None,
        };
        assert_eq!(read_json(&item()).unwrap(), record);
        let mut linked = item();
        linked["maybe"] = json!({"M": {"id": {"N": "4"}}});
        assert_eq!(read_json(&linked).unwrap(), Record { maybe: Some(Inner { id: 4 }), ..record });
    }

    #[test]
    fn what_is_no_such_attribute_is_refused() {
        for (name, value) in [
            ("text", json!({"N": "1"})),
            ("text", json!({"S": "a", "N": "1"})),
            ("text", json!({})),
            ("text", json!("a")),
            ("text", json!({"NULL": true})),
            ("number", json!({"S": "-7"})),
            ("number", json!({"N": "1.5"})),
            ("number", json!({"N": "many"})),
            ("number", json!({"N": -7})),
            ("flag", json!({"BOOL": "true"})),
            ("word", json!({"S": "No"})),
            ("word", json!({"N": "1"})),
            ("list", json!({"M": {}})),
            ("list", json!({"SS": ["x"]})),
            ("inner", json!({"M": {"id": {"N": "-1"}}})),
            ("maybe", json!({"S": "x"})),
        ] {
            let mut broken = item();
            broken[name] = value;
            assert!(read_json(&broken).is_err(), "{name}: {}", broken[name]);
        }
    }
}
