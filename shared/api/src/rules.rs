//! Rules on the wire.

use domain::{ChargeBoxPattern, MAX_PATTERNS, Rules, rfc3339};
use serde::Serialize;

#[cfg(feature = "openapi")]
use crate::schemas::Time;
use crate::{
    json::{self, Json, Object},
    problems::Problems,
};

/// `{"rules": …}`: when and where an access ID may begin to charge.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RulesDocument<'a> {
    rules: RulesBody<'a>,
}

/// When and where an access ID may begin to charge. What is null restricts nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Rules))]
struct RulesBody<'a> {
    /// The first moment at which a charge may begin.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Time>))]
    valid_from: Option<String>,
    /// The first moment at which a charge may no longer begin.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Time>))]
    valid_until: Option<String>,
    /// The charge boxes at which a charge may begin: ids, and beginnings of ids that end in `*`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 50))]
    charge_boxes: Option<Vec<&'a str>>,
}

impl<'a> RulesDocument<'a> {
    /// The document of these rules.
    pub fn new(rules: &'a Rules) -> Self {
        let patterns = |patterns: &'a [ChargeBoxPattern]| patterns.iter().map(ChargeBoxPattern::as_str).collect();
        Self {
            rules: RulesBody {
                valid_from: rules.valid_from().map(rfc3339),
                valid_until: rules.valid_until().map(rfc3339),
                charge_boxes: rules.charge_boxes().map(patterns),
            },
        }
    }
}

/// Reads the body of `PUT /api/access-ids/{id}/rules`. What is left out restricts nothing, as `null` does, because PUT
/// replaces the rules as a whole.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse(body: &[u8]) -> Result<Rules, Problems> {
    json::read(body, "rules", read)
}

fn read(rules: &mut Object, problems: &mut Problems) -> Option<Rules> {
    let valid_from = rules.optional("validFrom", problems, json::time).apply(None);
    let valid_until = rules.optional("validUntil", problems, json::time).apply(None);
    let charge_boxes = rules.optional("chargeBoxes", problems, json::list).apply(None);
    let path = |field: &dyn std::fmt::Display| rules.path_of(&field.to_string());
    let mut pattern =
        |(at, value): (usize, Json<'_>)| match json::string(value, |text| Ok::<_, String>(text.to_owned())) {
            Ok(text) => text,
            Err(_) => {
                problems.add(path(&format_args!("chargeBoxes[{at}]")), "must be a string");
                // Stands for the element, so that the others are looked at under their own numbers.
                "*".to_owned()
            }
        };
    let charge_boxes = charge_boxes.map(|elements| match elements.len() {
        0..=MAX_PATTERNS => elements.into_iter().enumerate().map(&mut pattern).collect(),
        // The list is refused for its length, whatever its elements are.
        too_many => vec!["*".to_owned(); too_many],
    });
    match Rules::new(valid_from, valid_until, charge_boxes) {
        Ok(rules) => Some(rules),
        Err(invalid) => {
            invalid.0.iter().for_each(|part| problems.add(path(&part.field), part.problem.to_string()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn named(body: &Value) -> Vec<String> {
        let problems = parse(body.to_string().as_bytes()).unwrap_err();
        problems.0.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn times_are_taken_in_any_offset_and_shown_in_utc() {
        let given = json!({"rules": {"validFrom": "2026-03-01T01:00:00+01:00", "validUntil": "2026-03-01t08:00:00.12345z",
            "chargeBoxes": [" depot-* ", "DE*ICE*E45B*78C"]}});
        let rules = parse(given.to_string().as_bytes()).unwrap();
        let shown = json!({"rules": {"validFrom": "2026-03-01T00:00:00.000Z", "validUntil": "2026-03-01T08:00:00.123Z",
            "chargeBoxes": ["depot-*", "DE*ICE*E45B*78C"]}});
        assert_eq!(json!(RulesDocument::new(&rules)), shown);
        assert_eq!(parse(shown.to_string().as_bytes()), Ok(rules));
    }

    #[test]
    fn what_is_left_out_or_null_restricts_nothing() {
        let null = json!({"rules": {"validFrom": null, "validUntil": null, "chargeBoxes": null}});
        assert_eq!(json!(RulesDocument::new(&Rules::default())), null);
        for body in [null, json!({"rules": {}}), json!({"rules": {"validFrom": null}})] {
            assert_eq!(parse(body.to_string().as_bytes()), Ok(Rules::default()));
        }
    }

    #[test]
    fn everything_wrong_is_named() {
        assert_eq!(named(&json!({"rules": null})), ["rules"]);
        assert_eq!(named(&json!({"rules": {"validTo": null}})), ["rules.validTo"]);
        assert_eq!(named(&json!({"rules": {"chargeBoxes": []}})), ["rules.chargeBoxes"]);
        assert_eq!(named(&json!({"rules": {"chargeBoxes": "x"}})), ["rules.chargeBoxes"]);
        assert_eq!(named(&json!({"rules": {"chargeBoxes": vec![1; 51]}})), ["rules.chargeBoxes"]);
        let times = json!({"validFrom": "2026-03-01T00:00:00Z", "validUntil": "2026-03-01T01:00:00+01:00"});
        assert_eq!(named(&json!({"rules": times})), ["rules.validUntil"]);
        let several =
            json!({"rules": {"validFrom": "tomorrow", "validUntil": 5, "chargeBoxes": ["a", 7, "*b", null, " "]}});
        let elements = [1, 3, 2, 4].map(|at| format!("rules.chargeBoxes[{at}]"));
        assert_eq!(
            named(&several),
            [&["rules.validFrom".to_owned(), "rules.validUntil".to_owned()], &elements[..]].concat()
        );
        for time in [
            "2026-03-01",
            "2026-03-01T00:00:00",
            "2026-02-30T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "",
            "0000-01-01T00:00:00+01:00",
        ] {
            assert_eq!(named(&json!({"rules": {"validFrom": time}})), ["rules.validFrom"], "{time}");
        }
    }
}
