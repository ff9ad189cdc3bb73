//! What may stand in a field of a request, and what stands in one of an answer. A field means the same wherever it is.

use domain::{Id, MAX_ACCESS_IDS_PER_REQUEST, MAX_ACCESS_IDS_PER_VEHICLE};
use serde_json::Value;
use utoipa::openapi::{
    Header, HeaderBuilder, KnownFormat, ObjectBuilder, RefOr, SchemaFormat, Type,
    schema::{Schema, SchemaType},
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
            let description = scalar.description.take();
            let mut described = describe(schema, field, is_request).build();
            described.description = description.or(described.description);
            if let SchemaType::Type(kind) = &described.schema_type
                && is_nullable
            {
                described.schema_type = SchemaType::Array(vec![kind.clone(), Type::Null]);
            }
            *scalar = described;
        }
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

fn describe(schema: &str, field: &str, is_request: bool) -> ObjectBuilder {
    let text = |most| if is_request { given_text(most) } else { shown_text(most) };
    match (schema, field) {
        (_, "id" | "vehicleId") => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .maximum(Some(i64::try_from(Id::MAX).expect("2^53 is below 2^63"))),
        (_, "ocppIdTag") if is_request => string().pattern(Some(tag_pattern())).description(Some(
            "What the charger sends. Normalized: trimmed, in lower case, without the separators of hex pairs, without \
             `vid:` before a MAC address. After that 1 to 36 printable ASCII characters without a space.",
        )),
        (_, "ocppIdTag") => string()
            .min_length(Some(1))
            .max_length(Some(36))
            .pattern(Some(r"^[!-@\[-~]+$"))
            .description(Some("Normalized, and so perhaps not what was sent.")),
        (_, "type") => string().enum_values(Some(["RFID", "Vehicle"])),
        (_, "authorizationStatus") => string().enum_values(Some(["Authorized", "Revoked"])),
        (_, "authorizedAt") => time("When it was created, then when it last went from Revoked to Authorized."),
        (_, "revokedAt") => time("While it is Revoked: since when."),
        (_, "createdAt") => time("When it was created."),
        (_, "updatedAt") => time("When something of it last changed."),
        // Composed characters may be shown decomposed: up to three code points for one.
        ("Customer", "name") => shown_text(600).description(Some("As it was first spelled, in NFC.")),
        (_, "name") => text(200),
        (_, "make" | "model") => text(100),
        (_, "vin" | "licensePlate") => text(64),
        (_, "hasTelematics") => ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some("False until there is a source of telematics.")),
        (_, "hasNextPage") => ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some("Exact: if true, the next page has at least one record.")),
        (_, "nextPageCursor") => {
            string().min_length(Some(1)).description(Some("Where the next page begins. Set if there is one."))
        }
        (_, "error") => string().description(Some("One sentence for a person.")),
        (_, "code") => string().description(Some("A name that a program goes by. It never changes.")),
        (_, "requestId") => string().description(Some("What to name when asking for help.")),
        (_, "field" | "message") => string(),
        _ => panic!("{schema}.{field} is not described"),
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn shown_text(most: usize) -> ObjectBuilder {
    string().min_length(Some(1)).max_length(Some(most))
}

/// A pattern says what a maximal length cannot: that the white space around the text does not count.
fn given_text(most: usize) -> ObjectBuilder {
    let (edge, inner) = (format!("[^{SPACE}{CONTROL}]"), format!("[^{CONTROL}]"));
    string()
        .pattern(Some(format!("^[{SPACE}]*{edge}({inner}{{0,{}}}{edge})?[{SPACE}]*$", most - 2)))
        .description(Some(format!("1 to {most} characters after trimming, no control characters.")))
}

/// What [`domain::OcppIdTag::normalize`] makes a tag of.
fn tag_pattern() -> String {
    let pair = "[0-9A-Fa-f]{2}";
    let pairs = |separator: &str, least, most| format!("{pair}({separator}{pair}){{{least},{most}}}");
    let tags = [
        "[!-~]{1,36}".to_owned(),
        pairs(":", 1, 17),
        pairs("-", 1, 17),
        pairs(" ", 1, 17),
        format!("[Vv][Ii][Dd]:{}", pairs(" ", 5, 5)),
    ];
    format!("^[{SPACE}]*({})[{SPACE}]*$", tags.join("|"))
}

fn time(description: &str) -> ObjectBuilder {
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"))
        .description(Some(description))
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
