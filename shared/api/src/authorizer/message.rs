//! Thor's message: `{"msg": "rfid", "id": "…", "chargebox": "…", "type": "authorize" | "start"}`.

use std::{char, collections::BTreeMap, iter};

use domain::{ChargeBox, RequestType};
use serde_json::value::RawValue;

use crate::{json, problems::Problems};

/// The keys that a message must have, and the values that each may have, if not any text.
const KEYS: [(&str, &[&str]); 4] =
    [("msg", &["rfid"]), ("id", &[]), ("chargebox", &[]), ("type", &["authorize", "start"])];

/// What Thor says of a request.
#[derive(Debug)]
pub(crate) struct Message {
    /// The id as the charge box read it.
    pub id: String,
    pub charge_box: ChargeBox,
    pub kind: RequestType,
}

/// The message, if it keeps to Thor's schema.
///
/// The values are kept as they stand, so that other keys may hold any JSON: `serde_json` skips it without recursion and without
/// making numbers of it. A map takes the last of repeated keys, as the contract wants it, where a derived struct would fail.
pub(crate) fn parse(body: &[u8]) -> Result<Message, Problems> {
    let values: BTreeMap<String, &RawValue> = json::parse(body)?;
    if !is_unicode(body) {
        return Err(Problems::one("", "must not escape half of a surrogate pair"));
    }
    let mut problems = Problems::default();
    let [_, id, charge_box, kind] = KEYS.map(|(key, words)| {
        let Some(value) = values.get(key) else {
            problems.add(key, "is required");
            return None;
        };
        let text: Option<String> = serde_json::from_str(value.get()).ok();
        match &text {
            None => problems.add(key, "must be a string"),
            Some(text) if !words.is_empty() && !words.contains(&text.as_str()) => {
                problems.add(key, format!("must be {}", words.join(" or ")));
            }
            Some(_) => {}
        }
        text
    });
    let message =
        (|| Some(Message { id: id?, charge_box: ChargeBox::received(charge_box?), kind: kind?.parse().ok()? }))();
    problems.or(message)
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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"msg":"rfid","id":"04E1A2B3","chargebox":"x","type":"start""#;

    fn parsed(more: &str) -> Result<String, Vec<(String, String)>> {
        let problems = |problems: Problems| problems.0.into_iter().map(|problem| (problem.field, problem.message));
        let parsed = parse(format!("{GOOD}{more}}}").as_bytes());
        parsed.map(|message| message.id).map_err(|error| problems(error).collect())
    }

    #[test]
    fn extra_keys_may_hold_anything() {
        let deep = format!("{}1{}", r#"[{"a":"#.repeat(5_000), "}]".repeat(5_000));
        for value in
            ["1e400", "-1e-400", &"9".repeat(10_000), &deep, "null", r#""\ud83d\ude97""#, r#""\\ud800""#, r#"{"":{}}"#]
        {
            assert_eq!(parsed(&format!(r#","x":{value}"#)).as_deref(), Ok("04E1A2B3"), "{value:.40}");
        }
    }

    #[test]
    fn what_is_no_json_or_no_text_is_refused_wherever_it_stands() {
        for value in [
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            r#""\ud800x""#,
            r#""\ud800\\ude00""#,
            r#"[{"\ude00":1}]"#,
            "01",
            "NaN",
            r#""\q""#,
        ] {
            let problems = parsed(&format!(r#","x":{value},"x":1"#)).unwrap_err();
            assert_eq!(problems.len(), 1, "{value}");
            assert_eq!(problems[0].0, "", "{value}");
        }
        assert!(
            parse(b"[]").is_err()
                && parse(b"{").is_err()
                && parse(b"\xff").is_err()
                && parse(b"{\"\xc3\x28\":1}").is_err()
        );
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let named = |problems: &[(&str, &str)]| {
            Err(problems.iter().map(|(key, message)| ((*key).to_owned(), (*message).to_owned())).collect())
        };
        // Of a repeated key the last counts.
        assert_eq!(parsed(r#","id":1e400,"id":"other""#).as_deref(), Ok("other"));
        assert_eq!(
            parsed(r#","type":"stop","msg":1e400,"id":[[]],"chargebox":null"#),
            named(&[
                ("msg", "must be a string"),
                ("id", "must be a string"),
                ("chargebox", "must be a string"),
                ("type", "must be authorize or start"),
            ])
        );
        assert_eq!(
            parse(b"{}").unwrap_err().0.iter().map(|problem| &*problem.message).collect::<Vec<_>>(),
            ["is required"; 4]
        );
    }
}
