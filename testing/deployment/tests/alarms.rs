//! What rings each alarm and what does not: series of metrics are played through its expression, threshold and treatment of
//! missing data.

mod math;

use std::collections::{BTreeMap, BTreeSet};

use deployment::{Parameters, Template};
use math::{Series, rings, watched};
use serde_json::{Value, json};

/// The alarms as a stack of production has them.
fn alarms(changed: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let mut given: Parameters = ["Service", "Api", "ApiLogs", "Authorizer", "Version", "Table", "Topic"]
        .map(|name| (name.to_owned(), json!(name)))
        .into();
    for name in ["RefusedSharePercent", "SilenceHours", "SilenceBand", "CanaryMinutes"] {
        let default = &Template::read("template.yaml").unwrap().value["Parameters"][name]["Default"];
        given.insert(name.to_owned(), default.clone());
    }
    given.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let template = Template::read("infra/alarms.yaml").unwrap().with(&given).unwrap();
    template.of_type("AWS::CloudWatch::Alarm").map(|(id, alarm)| (id.to_owned(), alarm["Properties"].clone())).collect()
}

/// Values period by period; a negative number stands for a period in which nothing was measured.
fn of(values: &[f64]) -> Series {
    values.iter().map(|value| (*value >= 0.0).then_some(*value)).collect()
}

const NONE: f64 = -1.0;

struct Case {
    alarm: &'static str,
    what: &'static str,
    series: Vec<(&'static str, Series)>,
    rings: bool,
}

fn case(alarm: &'static str, what: &'static str, series: &[(&'static str, &[f64])], rings: bool) -> Case {
    Case { alarm, what, series: series.iter().map(|(id, values)| (*id, of(values))).collect(), rings }
}

fn cases() -> Vec<Case> {
    let quiet_nights = [40.0, 44.0, 42.0, 38.0, 41.0];
    let hours = |last: f64| [&quiet_nights[..], &[last]].concat();
    vec![
        case("Errors", "one crash", &[("metric", &[0.0, 1.0])], true),
        case("Errors", "calls without a crash", &[("metric", &[0.0, 0.0])], false),
        case("Errors", "nobody calls", &[("metric", &[NONE])], false),
        case("NewVersionErrors", "the new version crashes once", &[("metric", &[1.0])], true),
        case("NewVersionErrors", "no call has reached it yet", &[("metric", &[NONE])], false),
        case("Failing", "one minute of 503", &[("unavailable", &[NONE, NONE, 3.0, NONE, NONE])], false),
        case(
            "Failing",
            "one minute of 503 and one of 500",
            &[("unavailable", &[2.0, NONE, NONE, NONE, NONE]), ("internal", &[NONE, NONE, NONE, 1.0, NONE])],
            true,
        ),
        case("JournalLost", "lost in two of six periods", &[("metric", &[1.0, 0.0, NONE, 0.0, 4.0, 0.0])], true),
        case("JournalLost", "one hiccup", &[("metric", &[0.0, 0.0, 9.0, 0.0, 0.0, 0.0])], false),
        case("JournalLost", "nothing is decided", &[("metric", &[NONE; 6])], false),
        case(
            "Slow",
            "half an hour of six slow calls in each quarter",
            &[("calls", &[6.0, 6.0, 6.0, 6.0]), ("duration", &[20.0, 700.0, 30.0, 900.0])],
            true,
        ),
        case("Slow", "one slow quarter", &[("calls", &[50.0; 4]), ("duration", &[20.0, 700.0, 30.0, 30.0])], false),
        case("Slow", "single cold starts", &[("calls", &[1.0; 4]), ("duration", &[900.0; 4])], false),
        case("Slow", "nobody calls", &[("calls", &[NONE; 4])], false),
        case("Throttles", "one call turned away", &[("metric", &[1.0])], true),
        case("Throttles", "none", &[("metric", &[0.0])], false),
        case("RfidServerErrors", "two minutes of 5xx", &[("metric", &[1.0, 0.0, 0.0, 4.0, NONE])], true),
        case("RfidServerErrors", "one request failed", &[("metric", &[1.0, 0.0, 0.0, 0.0, 0.0])], false),
        case("RfidTurnedAway", "the permission is lost", &[("requests", &[12.0])], true),
        case("RfidTurnedAway", "a fifth is throttled", &[("requests", &[1000.0]), ("invocations", &[800.0])], true),
        case("RfidTurnedAway", "all reach the function", &[("requests", &[12.0]), ("invocations", &[12.0])], false),
        case(
            "RfidTurnedAway",
            "minutes do not quite match",
            &[("requests", &[500.0]), ("invocations", &[470.0])],
            false,
        ),
        case("RfidTurnedAway", "too few to say", &[("requests", &[3.0])], false),
        case(
            "RefusedShare",
            "most cards are unknown, and the canary's refusals count for nothing",
            &[("authorized", &[8.0]), ("unknown", &[15.0]), ("revoked", &[3.0]), ("canary", &[3.0])],
            true,
        ),
        case(
            "RefusedShare",
            "half of few real decisions are refused; with the canary's it would be more",
            &[("authorized", &[10.0]), ("unknown", &[10.0]), ("revoked", &[3.0]), ("canary", &[3.0])],
            false,
        ),
        case(
            "RefusedShare",
            "a rule that was set on all cards",
            &[("authorized", &[8.0]), ("notHere", &[9.0]), ("expired", &[2.0]), ("notYetValid", &[2.0])],
            true,
        ),
        case("RefusedShare", "items that nobody can read", &[("authorized", &[8.0]), ("unreadable", &[13.0])], true),
        case("RefusedShare", "no card is authorized at all", &[("unknown", &[25.0])], true),
        case("RefusedShare", "nineteen refusals", &[("unknown", &[19.0])], false),
        case("RefusedShare", "the canary alone", &[("revoked", &[3.0]), ("canary", &[3.0])], false),
        case(
            "RfidUnauthorized",
            "a small fleet after a rotation that forgot the platform: six cards in an hour",
            &[("requests", &[18.0]), ("unauthorized", &[6.0]), ("canary", &[12.0])],
            true,
        ),
        case(
            "RfidUnauthorized",
            "somebody guesses beside a fleet at work",
            &[("requests", &[500.0]), ("unauthorized", &[100.0]), ("canary", &[12.0])],
            false,
        ),
        case("RfidUnauthorized", "a flood of guesses", &[("requests", &[9000.0]), ("unauthorized", &[8900.0])], true),
        case("RfidUnauthorized", "the canary alone", &[("requests", &[12.0]), ("canary", &[12.0])], false),
        case("Silent", "no card for a day", &[("metric", &[NONE; 24])], true),
        case("Silent", "one card, 23 hours ago", &[("metric", &[&[1.0][..], &[NONE; 23]].concat())], false),
        case("FewerThanUsual", "only the canary, at an hour with traffic", &[("requests", &hours(12.0))], true),
        case("FewerThanUsual", "nothing at all, not even the canary", &[("requests", &hours(NONE))], true),
        case("FewerThanUsual", "an hour like others", &[("requests", &hours(39.0))], false),
        case("CanaryFails", "no right answer in three", &[("invocations", &[3.0]), ("errors", &[3.0])], true),
        case("CanaryFails", "it is not called", &[("invocations", &[NONE])], true),
        case("CanaryFails", "one wrong answer of three", &[("invocations", &[3.0]), ("errors", &[1.0])], false),
        case("ApiServerErrors", "two minutes with a 5xx", &[("metric", &[1.0, NONE, NONE, NONE, 1.0])], true),
        case("ApiServerErrors", "one 5xx", &[("metric", &[NONE, NONE, NONE, NONE, 1.0])], false),
        case("ApiSlow", "half an hour of it", &[("calls", &[9.0; 4]), ("latency", &[9e3, 90.0, 2.5e3, 90.0])], true),
        case("ApiSlow", "an import of four large batches", &[("calls", &[4.0; 4]), ("latency", &[25e3; 4])], false),
        case("ApiSlow", "nobody calls", &[("calls", &[NONE; 4])], false),
        case("ApiThrottled", "ten in five minutes", &[("metric", &[10.0])], true),
        case("ApiThrottled", "a burst that was just too large", &[("metric", &[4.0])], false),
        case("ApiThrottled", "none was ever turned away", &[("metric", &[NONE])], false),
        case("ApiRefusedShare", "a token was revoked", &[("calls", &[30.0]), ("refused", &[30.0])], true),
        case("ApiRefusedShare", "some 404 and 409", &[("calls", &[100.0]), ("refused", &[20.0])], false),
        case("ApiRefusedShare", "all is well", &[("calls", &[100.0])], false),
        case("TableReadThrottles", "two minutes", &[("metric", &[5.0, NONE, NONE, NONE, 2.0])], true),
        case("TableReadThrottles", "one minute", &[("metric", &[5.0, NONE, NONE, NONE, NONE])], false),
        case("TableWriteThrottles", "two minutes", &[("metric", &[NONE, NONE, 1.0, NONE, 2.0])], true),
        case("TableWriteThrottles", "nothing was written", &[("metric", &[NONE; 5])], false),
    ]
}

#[test]
fn each_alarm_rings_when_it_should_and_is_silent_when_it_should() {
    let alarms = alarms(&[]);
    let mut tried: BTreeSet<(&str, bool)> = BTreeSet::new();
    for case in cases() {
        let alarm = &alarms[case.alarm];
        let watched = watched(alarm, &case.series.into_iter().collect());
        assert_eq!(rings(alarm, &watched), case.rings, "{}: {}: {watched:?}", case.alarm, case.what);
        tried.insert((case.alarm, case.rings));
    }
    for id in alarms.keys() {
        assert!(tried.contains(&(id, true)), "nothing rings {id}");
        assert!(tried.contains(&(id, false)), "{id} always rings");
    }
}

/// A stack at rest, where nothing has been measured at all, rings what is about silence and nothing else.
#[test]
fn at_rest_only_silence_rings() {
    let ringing = |changed: &[(&str, Value)]| -> Vec<String> {
        let rests = |alarm: &Value| rings(alarm, &vec![None; 24]);
        alarms(changed).into_iter().filter(|(_, alarm)| rests(alarm)).map(|(id, _)| id).collect()
    };
    assert_eq!(ringing(&[]), ["CanaryFails", "FewerThanUsual", "Silent"]);
    assert_eq!(ringing(&[("CanaryMinutes", json!(0))]), ["Silent"]);
    let none = [("CanaryMinutes", json!(0)), ("SilenceHours", json!(0)), ("SilenceBand", json!("0"))];
    assert!(ringing(&none).is_empty());
}

#[test]
fn a_fleet_that_rests_on_weekends_can_say_so() {
    let alarm = &alarms(&[("SilenceHours", json!("72"))])["Silent"];
    assert!(!rings(alarm, &of(&[&[1.0][..], &[NONE; 60]].concat())));
    assert!(rings(alarm, &of(&[NONE; 72])));
}
