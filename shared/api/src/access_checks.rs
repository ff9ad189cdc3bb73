//! Access checks on the wire.

use domain::{
    AccessCheck, ChargeBox, CheckResult, CheckedAccess, NormalizationStep, OcppIdTag, OcppStatus, Reason, RequestType,
};
use serde::Serialize;

#[cfg(feature = "openapi")]
use crate::schemas::ShownTag;
use crate::{decisions::AccessIdLabelBody, json, problems::Problems, unknown_tags::NearMissBody};

/// `{"accessCheck": …}`: what the authorizer would answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessCheckDocument<'a> {
    access_check: AccessCheckBody<'a>,
}

/// What the authorizer would answer, and why.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AccessCheck))]
struct AccessCheckBody<'a> {
    /// Whether it would charge.
    authorized: bool,
    /// Why it would be refused; null if it would not.
    reason: Option<Reason>,
    /// What a charge box would be told.
    ocpp_status: OcppStatus,
    /// The id after normalization; null if it is no tag.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ShownTag>))]
    ocpp_id_tag: Option<&'a str>,
    /// How the id became the tag.
    steps: &'a [NormalizationStep],
    access_id: Option<AccessIdLabelBody<'a>>,
    /// What a decision looks at, in that order, and what it finds. It authorizes if all of these pass.
    rules: &'a [CheckResult],
    /// The organization's tags that the same card or vehicle may be known by, the most likely first. They are hints for a
    /// person: a decision never looks at them.
    #[cfg_attr(feature = "openapi", schema(max_items = 60))]
    near_misses: Vec<NearMissBody<'a>>,
}

impl<'a> AccessCheckDocument<'a> {
    /// The document of an answer.
    pub fn new(checked: &'a CheckedAccess) -> Self {
        Self {
            access_check: AccessCheckBody {
                authorized: checked.refusal.is_none(),
                reason: checked.refusal,
                ocpp_status: OcppStatus::of(checked.refusal),
                ocpp_id_tag: checked.tag.as_ref().map(OcppIdTag::as_str),
                steps: &checked.steps,
                access_id: checked.access_id.as_ref().map(AccessIdLabelBody::new),
                rules: &checked.rules,
                near_misses: checked.near_misses.iter().map(NearMissBody::new).collect(),
            },
        }
    }
}

/// Reads the body of `POST /api/access-checks`. `ocppIdTag` and `chargeBox` are what a charge box would send, so any text is
/// taken; that an id is no tag is part of the answer.
///
/// # Errors
/// Every field that breaks a rule, and why.
pub fn parse(body: &[u8]) -> Result<AccessCheck, Problems> {
    let any = |value| json::string(value, |text| Ok::<_, String>(text.to_owned()));
    json::read(body, "accessCheck", |check, problems| {
        let received = check.required("ocppIdTag", problems, any);
        let charge_box = check.optional("chargeBox", problems, any).apply(None);
        let kind = check.optional("type", problems, json::word).apply(None);
        let at = check.optional("at", problems, json::time).apply(None);
        let charge_box = charge_box.map(ChargeBox::received);
        Some(AccessCheck { received: received?, charge_box, kind: kind.unwrap_or(RequestType::Start), at })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(check: Value) -> Result<AccessCheck, Vec<String>> {
        let body = json!({ "accessCheck": check }).to_string();
        parse(body.as_bytes()).map_err(|problems| problems.0.into_iter().map(|problem| problem.field).collect())
    }

    #[test]
    fn a_check_of_a_start_now_is_the_default() {
        let check = read(json!({"ocppIdTag": " no tag\n"})).unwrap();
        assert_eq!((check.received.as_str(), check.kind), (" no tag\n", RequestType::Start));
        assert_eq!((check.charge_box, check.at), (None, None));
        let nulls = read(json!({"ocppIdTag": "x", "chargeBox": null, "type": null, "at": null})).unwrap();
        assert_eq!(nulls, read(json!({"ocppIdTag": "x"})).unwrap());
        let all = json!({"ocppIdTag": "x", "chargeBox": "", "type": "authorize", "at": "2026-03-01T01:00:00+01:00"});
        let all = read(all).unwrap();
        assert_eq!((all.kind, all.charge_box), (RequestType::Authorize, Some(ChargeBox::received(String::new()))));
        assert_eq!(all.at, "2026-03-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn everything_wrong_is_named() {
        assert_eq!(read(json!(null)), Err(vec!["accessCheck".to_owned()]));
        let wrong = json!({"chargebox": "x", "chargeBox": 1, "type": "stop", "at": "now"});
        let fields = ["ocppIdTag", "chargeBox", "type", "at", "chargebox"];
        assert_eq!(read(wrong), Err(fields.map(|field| format!("accessCheck.{field}")).into()));
    }
}
