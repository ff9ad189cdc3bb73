//! What was measured, as Markdown.

use std::fmt::Write as _;

use crate::instructions::Instructions;
use crate::measure::{Phase, Sample, median};

/// Everything about one function.
pub struct Row {
    pub name: String,
    /// Of its executable, in bytes.
    pub size: u64,
    pub samples: Vec<Sample>,
    pub instructions: Option<Instructions>,
}

impl Row {
    fn median(&self, value: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(value))
    }

    /// The medians of something for init, the first call and a warm call.
    fn medians(&self, value: fn(&Phase) -> f64) -> [f64; 3] {
        [0, 1, 2].map(|phase| self.median(|sample| value(&sample.phases[phase])))
    }
}

/// The tables. The first row is the floor, the second the floor that has prepared its first call.
pub fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    let [floor, prepared, ..] = rows else { return text };
    if let Some(base) = &floor.instructions {
        header(&mut text, "instructions", &["init", "first call", "cold: both", "× floor", "warm call", "× floor"]);
        for Row { name, instructions, .. } in rows {
            let Some(Instructions { init, cold, warm }) = *instructions else { continue };
            let first = count(cold.saturating_sub(init));
            let (cold_ratio, warm_ratio) = (ratio(cold as f64, base.cold as f64), ratio(warm as f64, base.warm as f64));
            line(&mut text, name, &[count(init), first, count(cold), cold_ratio, count(warm), warm_ratio]);
        }
    }

    let cpu = |row: &Row| row.medians(|phase| phase.cpu.as_secs_f64());
    header(&mut text, "CPU", &["init", "first call", "× floor-pre", "warm call", "× floor", "peak memory", "size"]);
    for row in rows {
        let [init, first, warm] = cpu(row);
        let (first_ratio, warm_ratio) = (ratio(first, cpu(prepared)[1]), ratio(warm, cpu(floor)[2]));
        let memory = mebibytes(row.median(|sample| sample.memory as f64));
        let cells = [time(init), time(first), first_ratio, time(warm), warm_ratio, memory, mebibytes(row.size as f64)];
        line(&mut text, &row.name, &cells);
    }

    let wall = |row: &Row| row.medians(|phase| phase.wall.as_secs_f64());
    let columns = ["init", "first call", "warm call", "× floor", "operations / connections: init", "first", "warm"];
    header(&mut text, "wall time", &columns);
    for row in rows {
        let [init, first, warm] = wall(row);
        let operations = row.medians(|phase| phase.operations);
        let connections = row.medians(|phase| phase.connections);
        let of_table = [0, 1, 2].map(|phase| format!("{} / {}", operations[phase], connections[phase]));
        let times = [time(init), time(first), time(warm), ratio(warm, wall(floor)[2])];
        line(&mut text, &row.name, &[times.as_slice(), &of_table].concat());
    }
    text
}

fn header(text: &mut String, title: &str, columns: &[&str]) {
    _ = writeln!(text, "\n| {title} | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()));
}

fn line(text: &mut String, name: &str, cells: &[String]) {
    _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
}

fn ratio(value: f64, base: f64) -> String {
    format!("{:.2}", value / base)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1024.0 / 1024.0)
}

fn count(instructions: u64) -> String {
    match instructions as f64 {
        many if many >= 1e6 => format!("{:.2} M", many / 1e6),
        few => format!("{:.1} k", few / 1e3),
    }
}

fn time(seconds: f64) -> String {
    if seconds < 1e-3 { format!("{:.0} µs", seconds * 1e6) } else { format!("{:.1} ms", seconds * 1e3) }
}
