//! What may stand in a field of a request, and what stands in one of an answer. A field means the same wherever it is.

use domain::{Id, MAX_ACCESS_IDS_PER_REQUEST, MAX_ACCESS_IDS_PER_VEHICLE};
use serde_json::Value;
use utoipa::openapi::{
    Header, HeaderBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, SchemaFormat, Type,
    schema::{Object, OneOfBuilder, Schema, SchemaType},
};

/// White space that is no control character: what is trimmed.
const SPACE: &str = r" \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000";
/// Control characters: Unicode category Cc.
const CONTROL: &str = r"\u0000-\u001F\u007F-\u009F";

/// Replaces what the struct's type says of a field by what may stand in it. Whether it may be `null`, the type knows.
pub(super) fn complete(schema: &str, field: &str, is_request: bool, stated: &mut RefOr<Schema>) {
    match stated {
        RefOr::T(Schema::Array(list)) => match field {
            "accessIds" if is_request => {
                list.max_items = Some(MAX_ACCESS_IDS_PER_REQUEST);
                list.unique_items = true;
            }
            "accessIds" => list.max_items = Some(MAX_ACCESS_IDS_PER_VEHICLE),
            "data" => list.max_items = Some(crate::page::MAX_LIMIT),
            _ => {
                list.min_items = Some(1);
                list.schema_type = Type::Array.into();
            }
        },
        RefOr::T(Schema::Object(scalar)) => {
            let is_nullable = matches!(&scalar.schema_type, SchemaType::Array(types) if types.contains(&Type::Null));
            *stated = match given(field).filter(|_| is_request) {
                Some(name) if is_nullable => {
                    let null = ObjectBuilder::new().schema_type(Type::Null);
                    OneOfBuilder::new().item(Ref::from_schema_name(name)).item(null).into()
                }
                Some(name) => Ref::from_schema_name(name).into(),
                None => {
                    let mut shown = shown(schema, field).build();
                    shown.description = scalar.description.take().or(shown.description);
                    if let SchemaType::Type(kind) = &shown.schema_type
                        && is_nullable
                    {
                        shown.schema_type = SchemaType::Array(vec![kind.clone(), Type::Null]);
                    }
                    RefOr::T(shown.into())
                }
            };
        }
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

/// The schema of what is given in a field of a request, if more goes in there than comes out.
fn given(field: &str) -> Option<&'static str> {
    match field {
        "ocppIdTag" => Some("GivenTag"),
        "name" => Some("GivenText200"),
        "make" | "model" => Some("GivenText100"),
        "vin" | "licensePlate" => Some("GivenText64"),
        _ => None,
    }
}

/// The schemas that [`given`] names.
pub(super) fn shared() -> impl Iterator<Item = (String, RefOr<Schema>)> {
    let texts = [64, 100, 200].map(|most| (format!("GivenText{most}"), given_text(most).into()));
    texts.into_iter().chain([("GivenTag".to_owned(), given_tag().into())])
}

/// What is shown in a field, and given where that is the same.
fn shown(schema: &str, field: &str) -> ObjectBuilder {
    match (schema, field) {
        (_, "id" | "vehicleId") => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(i64::try_from(Id::MAX).expect("2^53 is below 2^63")))
            .description(Some("A later record of its kind has a greater one.")),
        (_, "ocppIdTag") => string()
            .min_length(Some(1))
            .max_length(Some(36))
            .pattern(Some(r"^[!-@\[-~]+$"))
            .description(Some("Normalized, and so perhaps not what was given.")),
        (_, "type") => string().enum_values(Some(["RFID", "Vehicle"])),
        (_, "authorizationStatus") => string().enum_values(Some(["Authorized", "Revoked"])),
        (_, "authorizedAt") => time("When it was created, then when it last went from Revoked to Authorized."),
        (_, "revokedAt") => time("While it is Revoked: since when."),
        (_, "createdAt") => time("When it was created."),
        (_, "updatedAt") => time("When something of it last changed."),
        // In NFC some characters are three.
        ("Customer", "name") => text(600).description(Some("As it was first given, in Unicode NFC.")),
        (_, "name") => text(200),
        (_, "make" | "model") => text(100),
        (_, "vin" | "licensePlate") => text(64),
        (_, "hasTelematics") => boolean("False until there is a source of telematics."),
        (_, "hasNextPage") => boolean("If true, the next page has at least one record."),
        (_, "nextPageCursor") => string().min_length(Some(1)).description(Some("Where the next page begins.")),
        (_, "error") => string().description(Some("One sentence for a person.")),
        (_, "code") => string().description(Some("What a program goes by. It never changes.")),
        (_, "requestId") => string().description(Some("What to name when asking for help.")),
        (_, "field" | "message") => string(),
        _ => panic!("nothing says what stands in {schema}.{field}"),
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn boolean(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description))
}

fn text(most: usize) -> ObjectBuilder {
    string().min_length(Some(1)).max_length(Some(most))
}

/// The pattern says what a maximal length cannot: that white space around the text does not count.
fn given_text(most: usize) -> ObjectBuilder {
    let (edge, inner) = (format!("[^{SPACE}{CONTROL}]"), format!("[^{CONTROL}]"));
    string()
        .pattern(Some(format!("^[{SPACE}]*{edge}({inner}{{0,{}}}{edge})?[{SPACE}]*$", most - 2)))
        .description(Some(format!("Trimmed of white space; then 1 to {most} characters, none of them a control one.")))
}

/// What [`domain::OcppIdTag::normalize`] takes.
fn given_tag() -> ObjectBuilder {
    let pair = "[0-9A-Fa-f]{2}";
    let pairs = |separator, times| format!("{pair}({separator}{pair}){{{times}}}");
    let mac_address = format!("[Vv][Ii][Dd]:{}", pairs(" ", "5"));
    let tags = ["[!-~]{1,36}".to_owned(), pairs(":", "1,17"), pairs("-", "1,17"), pairs(" ", "1,17"), mac_address];
    string().pattern(Some(format!("^[{SPACE}]*({})[{SPACE}]*$", tags.join("|")))).description(Some(
        "What the charger sends. Normalized: trimmed of white space, in lower case, hex pairs without the `:`, `-` or \
         space between them, a MAC address without `vid:` before it; then 1 to 36 printable ASCII characters, no space.",
    ))
}

fn time(description: &str) -> ObjectBuilder {
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"))
        .description(Some(description))
}

/// Restricts a field to some words.
pub(super) fn restrict(object: &mut Object, field: &str, words: &[&str]) {
    if let Some(RefOr::T(Schema::Object(field))) = object.properties.get_mut(field) {
        field.enum_values = Some(words.iter().map(|word| (*word).into()).collect());
    }
}

/// A header that an error response has, if it is one to tell of.
pub(super) fn header(name: &str, value: &Value) -> Option<(&'static str, Header)> {
    let text = value.as_str()?;
    let (name, schema, description, example) = match name {
        "retry-after" => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
            (
                "Retry-After",
                seconds,
                "After how many seconds to try again.",
                text.parse().map_or(Value::Null, i64::into),
            )
        }
        "www-authenticate" => ("WWW-Authenticate", string(), "The scheme of the credential.", value.clone()),
        _ => return None,
    };
    let mut header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
    header.example = Some(example);
    Some((name, header))
}
