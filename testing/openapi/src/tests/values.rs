//! Texts and values that the document allows, and such that it nearly does.

use std::collections::BTreeSet;

use domain::Id;
use proptest::{prelude::*, sample::select, strategy::Union};
use serde_json::{Value, json};

/// Texts at the borders of what is a text and a tag.
pub(super) fn texts() -> impl Strategy<Value = String> {
    let long =
        (select(&[1, 2, 36, 37, 63, 64, 65, 99, 100, 101, 199, 200, 201][..]), select(&["a", "é", "🚗", " "][..]));
    let long = long.prop_map(|(length, character)| character.repeat(length));
    let odd = select(
        &[
            "",
            " ",
            "\u{a0}",
            "\u{2003}",
            "\u{2028}",
            "\u{3000}",
            "\u{feff}",
            "\t",
            "\u{85}",
            "\u{7f}",
            "\u{200b}",
            "\0",
            "\r\n",
            "\u{202e}",
            "\u{2067}",
            "\u{fdd0}",
            "\u{ffff}",
            "\u{1fffe}",
            "=",
            "'",
        ][..],
    );
    let groups = |digits, count| prop::collection::vec(digits, count);
    let groups = (
        select(&["", "vid", "vid:", "VID: ", "Vid-", "vid ", "vid  ", "x:"][..]),
        prop_oneof![
            groups("[0-9A-Fa-f]{2}", 6..=6),
            groups("[0-9A-Fa-f]{2}", 1..=20),
            groups("[0-9A-Fa-f]{4}", 3..=3),
            groups("00", 4..=10),
            groups("[fF]{2}", 6..=7),
        ],
        select(&[":", "-", " ", ".", ""][..]),
    );
    let groups = groups.prop_map(|(prefix, groups, separator)| format!("{prefix}{}", groups.join(separator)));
    let emaid = (select(&["-", "*", " ", ""][..]), "[a-zA-Z]{2}", "[a-z0-9]{3}", "[a-zA-Z0-9]{9}", "[a-z0-9]?");
    let emaid = emaid.prop_map(|(separator, country, provider, instance, check)| {
        [country, provider, instance, check].join(separator)
    });
    let number = "[0-9]{0,2}[.,]?[0-9]{0,3}[eE][+-]?[0-9]{0,2}|#[nN]/[aA]|#REF!";
    let core = prop_oneof![3 => "[!-~]{1,36}", 1 => long, 2 => groups, 1 => emaid, 1 => number, 1 => "[a-fA-F0-9:vVidD -]{0,40}", 1 => "\\PC{0,8}", 1 => any::<String>()];
    (odd.clone(), core, odd).prop_map(|(before, core, after)| match core.len() % 3 {
        0 => format!("{before}{core}{after}"),
        _ => core,
    })
}

/// Values that keep to a schema, and now and then do not.
pub(super) fn values(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let null = || Just(Value::Null).boxed();
    let union = |parts: &Value| {
        let parts = parts.as_array().unwrap().iter().map(|part| values(document, part));
        Union::new(parts).boxed()
    };
    if let Some(name) = schema["$ref"].as_str() {
        return values(document, document.pointer(&name[1..]).unwrap());
    } else if let Some(forms) = ["oneOf", "anyOf"].map(|name| &schema[name]).into_iter().find(|forms| forms.is_array())
    {
        return union(forms);
    } else if let Some(words) = schema["enum"].as_array() {
        return prop_oneof![20 => select(words.clone()), 1 => Just(json!("vehicle"))].boxed();
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let typed = |kind: &Value| match kind.as_str() {
        Some("null") => null(),
        Some("integer") => select(&[1, 20, Id::MAX, 0, Id::MAX + 1, u64::MAX][..]).prop_map(Value::from).boxed(),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("string") => {
            prop_oneof![4 => "[a-z]{1,9}".prop_map(Value::from), 1 => texts().prop_map(Value::from)].boxed()
        }
        Some("array") => prop::collection::vec(values(document, &schema["items"]), 0..4).prop_map(Value::from).boxed(),
        _ => {
            let nothing = Just(Vec::new()).boxed();
            let fields = schema["properties"].as_object().unwrap().iter().fold(nothing, |fields, (name, field)| {
                let name = name.clone();
                let odd = prop_oneof![null(), Just(json!({})), Just(json!([])), Just(json!(1.5)), Just(json!(true))];
                let is_required = schema["required"].as_array().is_some_and(|required| required.contains(&json!(name)));
                let absent = if is_required { 1 } else { 20 };
                let value = prop_oneof![40 => values(document, field).prop_map(Some), 1 => odd.prop_map(Some), absent => Just(None)];
                (fields, value).prop_map(move |(mut fields, value)| {
                    fields.extend(value.map(|value| (name.clone(), value)));
                    fields
                }).boxed()
            });
            // Among them what the reader might take and the document forgets: a field that is shown elsewhere.
            let schemas = document["components"]["schemas"].as_object().unwrap().values();
            let properties = schemas.filter_map(|schema| schema["properties"].as_object());
            let names: BTreeSet<_> = properties.flat_map(|properties| properties.keys().cloned()).collect();
            let unknown = prop::option::weighted(0.1, select(names.into_iter().collect::<Vec<_>>()));
            (fields, unknown)
                .prop_map(|(fields, unknown)| {
                    let unknown = unknown.map(|name| (name, json!("x")));
                    fields.into_iter().chain(unknown).collect()
                })
                .boxed()
        }
    };
    Union::new(types.iter().map(typed)).boxed()
}
