//! CloudWatch's metric math and the states of its alarms, as far as the alarms here use them.

use std::collections::BTreeMap;

use serde_json::Value;

/// One value for each period; `None` where nothing was measured.
pub type Series = Vec<Option<f64>>;

/// What an alarm watches, period by period, from the series of its metrics by their ids. A metric that is not given was never
/// measured. An alarm of a single metric has it under the id `metric`.
pub fn watched(alarm: &Value, given: &BTreeMap<&str, Series>) -> Series {
    let periods = given.values().map(Vec::len).max().unwrap_or(0);
    let Some(entries) = alarm["Metrics"].as_array() else { return series(given, "metric", periods) };
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let expressions: BTreeMap<&str, &str> =
        entries.iter().filter_map(|e| Some((e["Id"].as_str()?, e["Expression"].as_str()?))).collect();
    for entry in entries.iter().filter(|entry| entry.get("MetricStat").is_some()) {
        let id = entry["Id"].as_str().unwrap();
        all.insert(id.to_owned(), series(given, id, periods));
    }
    for id in given.keys() {
        assert!(all.contains_key(*id), "the alarm has no metric {id}");
    }
    // Each round computes the expressions whose terms are known.
    for _ in &expressions {
        for (id, expression) in &expressions {
            if !expression.starts_with("ANOMALY") && !all.contains_key(*id) {
                let value = (0..periods).map(|at| Parser::new(expression, &all, at).whole());
                if let Some(value) = value.collect::<Option<Series>>() {
                    all.insert((*id).to_owned(), value);
                }
            }
        }
    }
    let shown = entries.iter().find(|entry| entry["ReturnData"] != false).unwrap();
    all.remove(shown["Id"].as_str().unwrap()).unwrap()
}

fn series(given: &BTreeMap<&str, Series>, id: &str, periods: usize) -> Series {
    let mut series = given.get(id).cloned().unwrap_or_default();
    series.resize(periods, None);
    series
}

/// Whether the alarm rings at the end of the watched periods.
pub fn rings(alarm: &Value, watched: &Series) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let periods = number(&alarm["EvaluationPeriods"]).unwrap();
    let needed = number(&alarm["DatapointsToAlarm"]).unwrap_or(periods);
    let threshold = number(&alarm["Threshold"]);
    let recent = watched.iter().rev().chain(std::iter::repeat(&None)).take(periods as usize);
    let breaching = recent.filter(|value| match value {
        None => alarm["TreatMissingData"] == "breaching",
        Some(value) => match alarm["ComparisonOperator"].as_str().unwrap() {
            "GreaterThanThreshold" => *value > threshold.unwrap(),
            "GreaterThanOrEqualToThreshold" => *value >= threshold.unwrap(),
            "LessThanThreshold" => *value < threshold.unwrap(),
            // CloudWatch's model is not known here. The series before stand for the same hour of other days.
            "LessThanLowerThreshold" => *value < lower_band(alarm, watched),
            other => panic!("unknown: {other}"),
        },
    });
    breaching.count() as f64 >= needed
}

/// The mean of all but the last value, less as many standard deviations as the band is wide.
fn lower_band(alarm: &Value, watched: &Series) -> f64 {
    let expression = alarm["Metrics"].as_array().unwrap().iter().find_map(|e| e["Expression"].as_str()).unwrap();
    let width: f64 = expression.split([',', ')']).nth(1).unwrap().trim().parse().unwrap();
    let before: Vec<f64> = watched[..watched.len() - 1].iter().flatten().copied().collect();
    let mean = before.iter().sum::<f64>() / before.len() as f64;
    let variance = before.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / before.len() as f64;
    mean - width * variance.sqrt()
}

/// Evaluates an expression at one period. Values: `None` inside stands for no data.
struct Parser<'a> {
    tokens: Vec<String>,
    at: usize,
    known: &'a BTreeMap<String, Series>,
    period: usize,
}

impl<'a> Parser<'a> {
    fn new(expression: &str, known: &'a BTreeMap<String, Series>, period: usize) -> Parser<'a> {
        let mut tokens: Vec<String> = Vec::new();
        let mut is_word = false;
        for character in expression.chars() {
            let in_word = character.is_ascii_alphanumeric() || "_.".contains(character);
            match tokens.last_mut() {
                Some(last) if in_word && is_word => last.push(character),
                Some(last) if character == '=' && (last == ">" || last == "<") => last.push(character),
                _ if character != ' ' => tokens.push(character.to_string()),
                _ => {}
            }
            is_word = in_word;
        }
        Parser { tokens, at: 0, known, period }
    }

    /// `None` if a term is not known yet.
    fn whole(mut self) -> Option<Option<f64>> {
        let is_known = |token: &String| {
            !token.starts_with(|first: char| first.is_ascii_lowercase()) || self.known.contains_key(token)
        };
        if !self.tokens.iter().all(is_known) {
            return None;
        }
        let value = self.comparison();
        assert_eq!(self.at, self.tokens.len(), "{:?}", self.tokens);
        Some(value)
    }

    fn next_is(&mut self, options: &[&str]) -> Option<String> {
        let token = self.tokens.get(self.at).filter(|token| options.contains(&token.as_str()))?.clone();
        self.at += 1;
        Some(token)
    }

    fn comparison(&mut self) -> Option<f64> {
        let left = self.sum();
        match self.next_is(&[">", ">=", "<", "<="]) {
            None => left,
            Some(operator) => {
                let right = self.sum();
                let holds = match operator.as_str() {
                    ">" => left? > right?,
                    ">=" => left? >= right?,
                    "<" => left? < right?,
                    _ => left? <= right?,
                };
                Some(f64::from(u8::from(holds)))
            }
        }
    }

    fn sum(&mut self) -> Option<f64> {
        let mut value = self.product();
        while let Some(operator) = self.next_is(&["+", "-"]) {
            let right = self.product();
            value = value.zip(right).map(|(left, right)| if operator == "+" { left + right } else { left - right });
        }
        value
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.term();
        while let Some(operator) = self.next_is(&["*", "/"]) {
            let right = self.term();
            value = value.zip(right).map(|(left, right)| if operator == "*" { left * right } else { left / right });
        }
        value
    }

    fn term(&mut self) -> Option<f64> {
        let token = self.tokens[self.at].clone();
        self.at += 1;
        match token.as_str() {
            "(" => {
                let value = self.comparison();
                assert!(self.next_is(&[")"]).is_some());
                value
            }
            "FILL" => {
                let arguments = self.arguments();
                arguments[0].or(arguments[1])
            }
            // A period without a condition has no value; what is not chosen may be missing.
            "IF" => {
                let arguments = self.arguments();
                arguments[0].and_then(|holds| if holds != 0.0 { arguments[1] } else { arguments[2] })
            }
            number if number.starts_with(|first: char| first.is_ascii_digit()) => Some(number.parse().unwrap()),
            id => self.known[id][self.period],
        }
    }

    fn arguments(&mut self) -> Vec<Option<f64>> {
        assert!(self.next_is(&["("]).is_some());
        let mut arguments = vec![self.comparison()];
        while self.next_is(&[","]).is_some() {
            arguments.push(self.comparison());
        }
        assert!(self.next_is(&[")"]).is_some());
        arguments
    }
}
