//! `cargo admin access-ids`: brings access IDs in from a CSV file and writes them into one, through the API.

mod client;
mod table;

use std::{fs, io, mem, path::PathBuf, thread};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};

use client::Client;
use table::{Row, RowError};

/// What the API takes in one request.
const MAX_ROWS: usize = 1_000;
const MAX_BYTES: usize = 1 << 20;
const AROUND: &str = r#"{"accessIds":[]}"#;
/// How often rows are sent that the API had no time for.
const ROUNDS: u32 = 5;
/// How many access IDs are read at the same time.
const AT_ONCE: usize = 8;

#[derive(Subcommand)]
pub enum AccessIdsCommand {
    /// Creates or changes the access IDs of a CSV file, each by its tag: {"created", "updated", "unchanged", "failed"}
    ///
    /// The first row names the columns: ocppIdTag, name and type have to be there; authorizationStatus, customer,
    /// vehicle.make, vehicle.model, vehicle.vin and vehicleId may be. A comma or a semicolon separates them. An empty cell
    /// changes nothing. Nothing is deleted. Rows that fail are named on standard error by their lines, the others are carried
    /// out, and the exit code is 1. An import that was interrupted can be repeated as it is.
    Import {
        /// The CSV file, in UTF-8
        file: PathBuf,
        /// Writes nothing, and says what would change
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Writes all access IDs as CSV, in the columns that an import reads
    ///
    /// A cell that a spreadsheet might take for a formula gets an apostrophe before it, which an import takes off.
    Export {
        /// The CSV file; standard output if it is not given
        file: Option<PathBuf>,
        #[command(flatten)]
        api: Api,
    },
}

#[derive(Args)]
pub struct Api {
    /// The API's URL
    #[arg(long, env = "API")]
    api: String,
    /// A credential of scope `api`
    #[arg(long, env = "TOKEN", hide_env_values = true)]
    token: String,
}

impl Api {
    /// A client, unless the credential would be sent over the network as it is.
    fn client(&self) -> Result<Client, String> {
        if self.api.starts_with("https://") || crate::is_loopback(&self.api) {
            Ok(Client::new(&self.api, &self.token))
        } else {
            Err(format!("{:?} is no https:// URL; without TLS only this machine is asked", self.api))
        }
    }
}

/// What a command says on standard output, and whether all went well.
#[derive(Debug)]
pub struct Outcome {
    pub answer: Option<String>,
    pub is_whole: bool,
}

/// # Errors
/// One sentence: nothing was done, or not all.
pub fn run(command: AccessIdsCommand) -> Result<Outcome, String> {
    match command {
        AccessIdsCommand::Import { file, dry_run, api } => {
            let name = file.display().to_string();
            let content = fs::read(&file).map_err(|error| format!("{name}: {error}"))?;
            let (rows, errors) = table::read(&content).map_err(|error| format!("{name}: {error}"))?;
            let mut import = Import {
                client: api.client()?,
                file: name,
                is_dry_run: dry_run,
                tally: Tally { changes: dry_run.then(Vec::new), ..Tally::default() },
            };
            errors.into_iter().for_each(|error| import.fail(&error));
            import.send(rows)?;
            let is_whole = import.tally.failed == 0;
            let answer = serde_json::to_string(&import.tally).map_err(|error| error.to_string())?;
            Ok(Outcome { answer: Some(answer), is_whole })
        }
        AccessIdsCommand::Export { file, api } => {
            let access_ids = all(&api.client()?)?;
            let written = match &file {
                Some(file) => {
                    fs::File::create(file).map_err(csv::Error::from).and_then(|to| table::write(&access_ids, to))
                }
                None => table::write(&access_ids, io::stdout().lock()),
            };
            written.map_err(|error| error.to_string())?;
            eprintln!("{} access IDs exported", access_ids.len());
            Ok(Outcome { answer: None, is_whole: true })
        }
    }
}

/// An import under way.
struct Import {
    client: Client,
    file: String,
    is_dry_run: bool,
    tally: Tally,
}

/// What has become of the rows.
#[derive(Default, Serialize)]
struct Tally {
    created: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
    /// Of a dry run: what would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<RowChange>>,
}

/// What a dry run says of a row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowChange {
    line: u64,
    ocpp_id_tag: Value,
    outcome: Value,
    changes: Value,
}

impl Import {
    /// Names a row that cannot be sent.
    fn fail(&mut self, error: &RowError) {
        self.tally.failed += 1;
        self.name(error);
    }

    fn name(&self, RowError { line, column, message }: &RowError) {
        let column = column.as_ref().map(|column| format!(" {column}")).unwrap_or_default();
        eprintln!("{}:{line}:{column} {message}", self.file);
    }

    /// Sends all rows. Those that the API had no time for are sent again, after the others of their request.
    fn send(&mut self, rows: Vec<Row>) -> Result<(), String> {
        let (total, mut done) = (rows.len(), 0);
        for batch in batches(rows) {
            let mut rows = batch;
            for round in 1..=ROUNDS {
                let (sent, is_last) = (rows.len(), round == ROUNDS);
                rows = self.send_once(rows, is_last)?;
                done += sent - rows.len();
                eprintln!("{done} of {total} rows sent");
                if rows.is_empty() {
                    break;
                }
                client::pause(round);
            }
        }
        Ok(())
    }

    /// Sends rows once. Gives back those that have to be sent again, unless it was the last time.
    fn send_once(&mut self, rows: Vec<Row>, is_last: bool) -> Result<Vec<Row>, String> {
        let path = if self.is_dry_run { "/api/access-ids/batch?dryRun=true" } else { "/api/access-ids/batch" };
        let items: Vec<_> = rows.iter().map(|row| &row.item).collect();
        let mut answer = self.client.put(path, &json!({ "accessIds": items }).to_string())?;
        let results = match answer["results"].take() {
            Value::Array(results) if results.len() == rows.len() => results,
            _ => return Err("the API answered with another number of results than rows were sent".to_owned()),
        };
        let mut again = Vec::new();
        for (row, result) in rows.into_iter().zip(results) {
            let (error, tally) = (&result["error"], &mut self.tally);
            match result["outcome"].as_str() {
                Some("created") => tally.created += 1,
                Some("updated") => tally.updated += 1,
                Some("unchanged") => tally.unchanged += 1,
                _ if !is_last && matches!(error["code"].as_str(), Some("send_again" | "service_unavailable")) => {
                    again.push(row);
                    continue;
                }
                _ => row_errors(row.line, error).iter().for_each(|error| self.name(error)),
            }
            if result["outcome"] == "error" {
                self.tally.failed += 1;
            } else if let Some(changes) = &mut self.tally.changes
                && result["outcome"] != "unchanged"
            {
                let [ocpp_id_tag, outcome, fields] =
                    ["ocppIdTag", "outcome", "changes"].map(|name| result[name].clone());
                changes.push(RowChange { line: row.line, ocpp_id_tag, outcome, changes: fields });
            }
        }
        Ok(again)
    }
}

/// Rows in requests that the API takes.
fn batches(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let (mut batches, mut batch, mut bytes) = (Vec::new(), Vec::new(), AROUND.len());
    for row in rows {
        // with the comma before it
        let length = row.item.to_string().len() + 1;
        if !batch.is_empty() && (batch.len() == MAX_ROWS || bytes + length > MAX_BYTES) {
            batches.push(mem::take(&mut batch));
            bytes = AROUND.len();
        }
        bytes += length;
        batch.push(row);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// What the API says of a row, by columns.
fn row_errors(line: u64, error: &Value) -> Vec<RowError> {
    let details = error["details"].as_array().into_iter().flatten().map(|detail| {
        let field = detail["field"].as_str().unwrap_or_default();
        // `accessIds[3].customer.name` is the column `customer`.
        let column =
            field.split_once("].").map(|(_, column)| if column == "customer.name" { "customer" } else { column });
        let message = detail["message"].as_str().unwrap_or_default().to_owned();
        RowError { line, column: column.map(str::to_owned), message }
    });
    let details: Vec<_> = details.collect();
    if details.is_empty() {
        let message = error["error"].as_str().unwrap_or("failed").to_owned();
        return vec![RowError { line, column: None, message }];
    }
    details
}

/// All access IDs, each with its customer, which the list leaves out.
fn all(client: &Client) -> Result<Vec<Value>, String> {
    let mut access_ids = Vec::new();
    let mut path = "/api/access-ids?limit=100".to_owned();
    loop {
        let mut page = client.get(&path)?.ok_or("there is no such API; is --api right?")?;
        let Value::Array(listed) = page["data"].take() else { return Err("the API answered with no list".to_owned()) };
        access_ids.extend(with_customers(client, &listed)?);
        eprintln!("{} access IDs read", access_ids.len());
        match page["pagination"]["nextPageCursor"].as_str() {
            // Cursors are of letters that need no escape in a query.
            Some(cursor) => path = format!("/api/access-ids?limit=100&nextPageCursor={cursor}"),
            None => return Ok(access_ids),
        }
    }
}

/// Reads each access ID of a page. One that was deleted meanwhile is left out.
fn with_customers(client: &Client, listed: &[Value]) -> Result<Vec<Value>, String> {
    let read = |access_id: &Value| {
        let found = client.get(&format!("/api/access-ids/{}", access_id["id"]))?;
        Ok(found.map(|mut found| found["accessId"].take()))
    };
    let share = listed.len().div_ceil(AT_ONCE).max(1);
    let found: Vec<Result<Vec<_>, String>> = thread::scope(|scope| {
        let shares = listed.chunks(share).map(|share| scope.spawn(move || share.iter().map(read).collect()));
        let shares: Vec<_> = shares.collect();
        shares.into_iter().map(|share| share.join().unwrap_or_else(|_| Err("a thread failed".to_owned()))).collect()
    });
    let found: Vec<_> = found.into_iter().collect::<Result<_, _>>()?;
    Ok(found.into_iter().flatten().flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request after the other with these statuses and bodies, and gives the bodies that came.
    fn answering(answers: Vec<(u16, Value)>) -> (String, thread::JoinHandle<Vec<Value>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer = move |(status, answer): (u16, Value)| {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                let length = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..length]);
                let text = String::from_utf8_lossy(&request);
                assert!(length > 0, "{text}");
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str(body)
                {
                    assert!(head.contains("authorization: Bearer api_x"), "{head}");
                    let answer = answer.to_string();
                    let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}", answer.len());
                    stream.write_all(format!("{head}\r\n\r\n{answer}").as_bytes()).unwrap();
                    return body;
                }
            }
        };
        (url, thread::spawn(move || answers.into_iter().map(answer).collect()))
    }

    fn rows(tags: &[&str]) -> Vec<Row> {
        tags.iter().zip(2..).map(|(tag, line)| Row { line, item: json!({ "ocppIdTag": tag }) }).collect()
    }

    #[test]
    fn what_there_was_no_time_for_is_sent_again_and_nothing_else() {
        let again = json!({"outcome": "error", "error": {"code": "send_again", "error": "Send it again."}});
        let bad = json!({"outcome": "error", "error": {"code": "invalid_request", "details": [{"field": "accessIds[2].name"}]}});
        let (url, server) = answering(vec![
            (503, json!({"error": "Later."})),
            (200, json!({"results": [{"outcome": "created"}, again, bad]})),
            (200, json!({"results": [{"outcome": "updated"}]})),
        ]);
        let client = Client::new(&url, "api_x");
        let mut import = Import { client, file: "f".to_owned(), is_dry_run: false, tally: Tally::default() };
        import.send(rows(&["a", "b", "c"])).unwrap();
        let Tally { created, updated, unchanged, failed, .. } = import.tally;
        assert_eq!([created, updated, unchanged, failed], [1, 1, 0, 1]);
        let sent = server.join().unwrap();
        assert_eq!(sent[0], sent[1]);
        assert_eq!(sent[1]["accessIds"].as_array().unwrap().len(), 3);
        assert_eq!(sent[2], json!({"accessIds": [{"ocppIdTag": "b"}]}));
    }

    #[test]
    fn a_request_has_as_many_rows_as_the_api_takes() {
        let lengths = |rows| batches(rows).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(rows(&vec!["a"; 2_001])), [1_000, 1_000, 1]);
        let long = "x".repeat(300_000);
        let batches = batches(rows(&[long.as_str(); 7]));
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
        for batch in batches {
            let items: Vec<_> = batch.iter().map(|row| &row.item).collect();
            assert!(json!({ "accessIds": items }).to_string().len() <= MAX_BYTES);
        }
    }

    #[test]
    fn an_error_is_told_by_its_columns() {
        let error = json!({"error": "x", "details": [
            {"field": "accessIds[3].customer.name", "message": "m"}, {"field": "accessIds[3].vehicle.make", "message": "n"},
            {"field": "accessIds[3]", "message": "o"}]});
        let columns: Vec<_> = row_errors(7, &error).into_iter().map(|error| error.column).collect();
        assert_eq!(columns, [Some("customer".to_owned()), Some("vehicle.make".to_owned()), None]);
        assert_eq!(row_errors(7, &json!({"error": "Later."}))[0].message, "Later.");
    }

    #[test]
    fn a_token_is_sent_over_tls_or_to_this_machine() {
        let client = |api: &str| Api { api: api.to_owned(), token: String::new() }.client().is_ok();
        assert!(client("https://abcdefghij.execute-api.eu-central-1.amazonaws.com") && client("http://127.0.0.1:9000"));
        assert!(!client("http://192.0.2.1") && !client("abc"));
    }
}
