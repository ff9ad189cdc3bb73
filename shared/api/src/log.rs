//! One line per request on stdout: a log record and, in CloudWatch's embedded metric format, the service's metrics.

use std::{
    env,
    io::Write as _,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "ChargeAccess";
/// The metrics, by the sets of dimensions under which CloudWatch keeps them. CloudWatch bills each pair of function and
/// outcome as a metric of its own, so only the number of requests is kept by outcome.
pub const METRICS: [Metrics; 2] = [
    Metrics {
        namespace: NAMESPACE,
        dimensions: &[&["Function"], &["Function", "Outcome"]],
        metrics: &[Metric { name: "Requests", unit: "Count" }],
    },
    Metrics {
        namespace: NAMESPACE,
        dimensions: &[&["Function"]],
        metrics: &[
            Metric { name: "Latency", unit: "Milliseconds" },
            Metric { name: "ColdStarts", unit: "Count" },
            Metric { name: "Conflicts", unit: "Count" },
            Metric { name: "TableErrors", unit: "Count" },
            Metric { name: "JournalLost", unit: "Count" },
        ],
    },
];

/// Metrics that share their dimensions.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metrics {
    namespace: &'static str,
    /// The sets of dimensions under which each is kept.
    pub dimensions: &'static [&'static [&'static str]],
    /// The metrics.
    pub metrics: &'static [Metric],
}

/// A metric of the embedded metric format.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    unit: &'static str,
}

/// What the line says of a request. It never holds a token, a body or a tag.
pub(crate) struct Record<'a> {
    pub function: &'a str,
    pub request_id: &'a str,
    /// The organization that the caller's credential names, be it valid or not.
    pub organization: Option<&'a str>,
    /// `ok`, `created`, a decision, or the code of an error.
    pub outcome: &'a str,
    pub status: u16,
    pub duration: Duration,
    pub counts: store::Counts,
}

/// The value of the dimension `Function`: what `METRICS_FUNCTION` says, or else the function's own name. The template gives all
/// management functions the same value, since CloudWatch bills each value by itself.
static METRICS_FUNCTION: LazyLock<Option<String>> =
    LazyLock::new(|| env::var("METRICS_FUNCTION").ok().filter(|name| !name.is_empty()));
/// [`METRICS`] as JSON. It is the same in every line, so it is serialized once.
static METRICS_JSON: LazyLock<Option<Box<RawValue>>> = LazyLock::new(|| to_raw_value(&METRICS).ok());
static IS_WARM: AtomicBool = AtomicBool::new(false);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    #[serde(rename = "_aws")]
    aws: Metadata,
    #[serde(rename = "Function")]
    metrics_function: &'a str,
    outcome: &'a str,
    requests: u8,
    latency: f64,
    cold_starts: u8,
    conflicts: u64,
    table_errors: u64,
    journal_lost: u64,
    /// The function that answered.
    #[serde(rename = "function")]
    function: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
    #[serde(rename = "organization", skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(rename = "status")]
    status: u16,
    #[serde(rename = "level")]
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: u64,
    cloud_watch_metrics: Option<&'static RawValue>,
}

/// Writes the line to stdout. If that fails, the request is answered all the same.
pub(crate) fn write(record: &Record<'_>) {
    if let Some(line) = line(record, METRICS_FUNCTION.as_deref(), !IS_WARM.swap(true, Ordering::Relaxed)) {
        let _ = std::io::stdout().lock().write_all(&line);
    }
}

fn line(record: &Record<'_>, metrics_function: Option<&str>, is_cold: bool) -> Option<Vec<u8>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let line = Line {
        aws: Metadata {
            timestamp: u64::try_from(now.as_millis()).unwrap_or_default(),
            cloud_watch_metrics: METRICS_JSON.as_deref(),
        },
        metrics_function: metrics_function.unwrap_or(record.function),
        outcome: record.outcome,
        requests: 1,
        latency: (record.duration.as_secs_f64() * 1e6).round() / 1e3,
        cold_starts: u8::from(is_cold),
        conflicts: record.counts.conflicts,
        table_errors: record.counts.failures,
        journal_lost: record.counts.journal_lost,
        function: record.function,
        request_id: record.request_id,
        organization: record.organization,
        status: record.status,
        level: if record.status >= 500 { "ERROR" } else { "INFO" },
    };
    let mut line = serde_json::to_vec(&line).ok()?;
    line.push(b'\n');
    Some(line)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::{Record, line};

    #[test]
    fn metrics_are_kept_under_the_name_that_the_environment_gives_and_the_line_names_the_function() {
        let record = Record {
            function: "stack-get-vehicle",
            request_id: "1",
            organization: None,
            outcome: "ok",
            status: 200,
            duration: Duration::ZERO,
            counts: store::Counts { conflicts: 0, failures: 0, journal_lost: 0 },
        };
        for (given, expected) in [(Some("stack-api"), "stack-api"), (None, "stack-get-vehicle")] {
            let line: Value = serde_json::from_slice(&line(&record, given, false).unwrap()).unwrap();
            assert_eq!(line["Function"], expected);
            assert_eq!(line["function"], "stack-get-vehicle");
        }
    }
}
