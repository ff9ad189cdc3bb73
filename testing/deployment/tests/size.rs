//! What one more management function costs in lines of templates.

use std::fs::read_to_string;
use std::path::Path;

use deployment::{Template, functions};

/// The most that a management function may take: function, role, and its lines of the dashboard, blank lines included.
const LINES: usize = 40;

/// The lines of a resource, from its name to the next one's. Comments before it count as its own.
fn lines_of(text: &str, id: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.iter().position(|line| *line == format!("  {id}:")).unwrap();
    let is_next =
        |line: &&str| line.starts_with("  ") && !line.starts_with("   ") || !line.is_empty() && !line.starts_with(' ');
    let own = lines[begins + 1..].iter().position(is_next).unwrap() + 1;
    let comments = lines[..begins].iter().rev().take_while(|line| line.starts_with("  #")).count();
    own + comments
}

#[test]
fn a_management_function_costs_at_most_forty_lines_of_template() {
    let read = |path: &str| read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap();
    let (template, dashboard) = (read("template.yaml"), read("infra/dashboard.yaml"));
    for (name, id) in functions(&Template::read("template.yaml").unwrap()).unwrap() {
        if name == "rfid-authorizer" {
            continue;
        }
        let shown = dashboard.lines().filter(|line| line.contains(&format!("-{name}\""))).count();
        // Nothing else is named after it: no log group, no alarm.
        let resources = [id.clone(), format!("{id}Role")];
        for (other, _) in Template::read("template.yaml").unwrap().section("Resources") {
            let is_its = other.strip_prefix(&id).is_some_and(|rest| ["Logs", "Alarms", "Policy"].contains(&rest));
            assert!(!is_its, "{other}");
        }
        let lines = resources.iter().map(|id| lines_of(&template, id)).sum::<usize>() + shown;
        println!("{name}: {lines} lines");
        assert!(lines <= LINES, "{name} takes {lines} lines");
    }
}
