//! `cargo admin`: creates organizations and credentials, lists them and revokes credentials, in AWS or in a local table. Brings
//! access IDs in from a CSV file, and writes them into one, through the API.
//! Answers are JSON on standard output; what goes wrong is one sentence on standard error, and the exit code is 1.

mod access_ids;

use std::{env, net::IpAddr, process::ExitCode};

use access_ids::{AccessIdsCommand, Outcome};
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{Name, OrganizationId, Timestamp, rfc3339};
use serde_json::{Value, json};
use store::{CredentialInfo, Error, Scope, Settings, Store, TableCredentials, Unreachable};
use ureq::http::Uri;

/// Creates and lists organizations; creates, lists and revokes their credentials; imports and exports access IDs.
///
/// Access IDs are reached through the API. For all else the table is reached with the AWS environment variables (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
/// AWS_SESSION_TOKEN).
#[derive(Parser)]
#[command(name = "cargo admin", bin_name = "cargo admin", version)]
struct Arguments {
    #[command(flatten)]
    table: TableArguments,
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Args)]
struct TableArguments {
    /// The table's name
    #[arg(long, global = true, env = "TABLE_NAME", default_value = "charge-access")]
    table: String,
    /// Where the table is, if not in AWS: $DYNAMODB_URL of target/local/env for `cargo dev`
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_DYNAMODB")]
    endpoint_url: Option<String>,
    /// The AWS region
    #[arg(long, global = true, env = "AWS_REGION")]
    region: Option<String>,
}

#[derive(Subcommand)]
enum Subject {
    #[command(flatten)]
    OfTable(TableSubject),
    /// Cards and vehicles in CSV files, through the API
    #[command(subcommand)]
    AccessIds(AccessIdsCommand),
}

#[derive(Subcommand)]
enum TableSubject {
    /// Fleets: every record belongs to one
    #[command(subcommand)]
    Organization(OrganizationCommand),
    /// Tokens that open the management API or the RFID authorizer for one organization
    #[command(subcommand)]
    Credential(CredentialCommand),
}

#[derive(Subcommand)]
enum OrganizationCommand {
    /// Creates an organization: {"organizationId"}
    Create {
        /// What to call it: 1 to 200 characters
        #[arg(value_name = "NAME", required_unless_present = "name", value_parser = name)]
        positional: Option<Name>,
        /// The same
        #[arg(long, conflicts_with = "positional", value_parser = name)]
        name: Option<Name>,
    },
    /// Lists all organizations: {"organizations": […]}
    List,
}

#[derive(Subcommand)]
enum CredentialCommand {
    /// Creates a credential: {"credentialId", "token"}. The token is shown this once
    Create {
        #[command(flatten)]
        organization: Organization,
        /// What it opens
        #[arg(long)]
        scope: ScopeArgument,
        /// What to call it: 1 to 200 characters
        #[arg(long, value_parser = name)]
        label: Option<Name>,
    },
    /// Lists an organization's credentials: {"credentials": […]}
    List {
        #[command(flatten)]
        organization: Organization,
    },
    /// Revokes a credential: from the next request on it opens nothing
    Revoke {
        /// Its credentialId
        #[arg(value_name = "CREDENTIAL", required_unless_present = "credential")]
        positional: Option<String>,
        /// The same
        #[arg(long, visible_alias = "credential-id", visible_alias = "id", conflicts_with = "positional")]
        credential: Option<String>,
        /// Not needed: the credentialId says which. If given, it must be that one
        #[arg(long, visible_alias = "organization-id")]
        organization: Option<OrganizationId>,
    },
}

#[derive(Args)]
struct Organization {
    /// The organizationId
    #[arg(value_name = "ORGANIZATION", required_unless_present = "organization")]
    positional: Option<OrganizationId>,
    /// The same
    #[arg(long, visible_alias = "organization-id", conflicts_with = "positional")]
    organization: Option<OrganizationId>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScopeArgument {
    /// The management API
    Api,
    /// What only reads in the management API
    View,
    /// The RFID authorizer
    Rfid,
}

impl From<ScopeArgument> for Scope {
    fn from(scope: ScopeArgument) -> Self {
        match scope {
            ScopeArgument::Api => Self::Api,
            ScopeArgument::View => Self::View,
            ScopeArgument::Rfid => Self::Rfid,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).without_time().init();
    match run(Arguments::parse()).await {
        Ok(Outcome { answer, is_whole }) => {
            if let Some(answer) = answer {
                println!("{answer}");
            }
            if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(sentence) => {
            eprintln!("cargo admin: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Outcome, String> {
    match arguments.subject {
        Subject::AccessIds(command) => access_ids::run(command),
        Subject::OfTable(subject) => {
            let answer = run_on_table(&arguments.table, subject).await?;
            Ok(Outcome { answer: Some(answer.to_string()), is_whole: true })
        }
    }
}

async fn run_on_table(arguments: &TableArguments, subject: TableSubject) -> Result<Value, String> {
    let settings = settings(arguments)?;
    let store = Store::new(&settings).map_err(|error| error.to_string())?;
    store.reach().await.map_err(|cause| advice(&cause, &settings))?;
    let no_organization = |id: &OrganizationId| format!("there is no organization {id} in the table");
    let table = |error: Error| format!("{error} (table {:?})", settings.table);
    match subject {
        TableSubject::Organization(OrganizationCommand::Create { positional, name }) => {
            let name = positional.or(name).ok_or("a name is required")?;
            let created = store.create_organization(name.as_str(), now()).await.map_err(table)?;
            Ok(json!({"organizationId": created.id.as_str()}))
        }
        TableSubject::Organization(OrganizationCommand::List) => {
            let organizations = store.organizations().await.map_err(table)?;
            let rows = organizations.iter().map(|organization| {
                json!({"organizationId": organization.id.as_str(), "name": organization.name, "createdAt": rfc3339(organization.created_at)})
            });
            Ok(json!({"organizations": rows.collect::<Vec<_>>()}))
        }
        TableSubject::Credential(CredentialCommand::Create { organization, scope, label }) => {
            let organization = organization.id()?;
            let label = label.as_ref().map_or("", Name::as_str);
            match store.create_credential(&organization, scope.into(), label, now()).await {
                Ok(created) => Ok(json!({"credentialId": created.id, "token": created.token})),
                Err(Error::NotFound) => Err(no_organization(&organization)),
                Err(error) => Err(table(error)),
            }
        }
        TableSubject::Credential(CredentialCommand::List { organization }) => {
            let organization = organization.id()?;
            match store.credentials(&organization).await {
                Ok(found) => Ok(json!({"credentials": found.iter().map(credential).collect::<Vec<_>>()})),
                Err(Error::NotFound) => Err(no_organization(&organization)),
                Err(error) => Err(table(error)),
            }
        }
        TableSubject::Credential(CredentialCommand::Revoke { positional, credential: named, organization }) => {
            let id = positional.or(named).unwrap_or_default();
            if organization.is_some_and(|organization| !id.starts_with(&format!("{organization}."))) {
                return Err(format!("the credential {id} is not of that organization"));
            }
            match store.revoke_credential(&id, now()).await {
                Ok(revoked) => Ok(credential(&revoked)),
                Err(Error::NotFound) => Err(format!("there is no credential {id} in the table")),
                Err(error) => Err(table(error)),
            }
        }
    }
}

/// What went wrong with the table, and what to do about it.
fn advice(cause: &Unreachable, settings: &Settings) -> String {
    let table = &settings.table;
    let place = settings.endpoint_url.as_deref().unwrap_or(&settings.region);
    let check = match &settings.endpoint_url {
        Some(_) => {
            "see whether `cargo dev` runs there (its $DYNAMODB_URL changes with each start), or give --endpoint-url"
        }
        None => "see whether this machine reaches AWS and whether --region is right",
    };
    match cause {
        Unreachable::NoTable => format!(
            "there is no table {table:?} at {place}: give --table (in AWS, the output TableName of the stack), --region or --endpoint-url"
        ),
        Unreachable::NotConnected(cause) => format!("no connection to the table at {place} ({cause}): {check}"),
        Unreachable::Timeout => format!("the table at {place} did not answer in time: {check}"),
        Unreachable::Denied(said) => format!(
            "the table {table:?} at {place} may not be used with these AWS credentials ({said}): \
            renew them, or use those of a role that may read and write the table"
        ),
        Unreachable::Other(said) => format!("the table {table:?} at {place} failed: {said}"),
    }
}

/// A name obeys the rules of all texts of the service.
fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|invalid| invalid.to_string())
}

impl Organization {
    fn id(self) -> Result<OrganizationId, String> {
        self.positional.or(self.organization).ok_or_else(|| "an organizationId is required".to_owned())
    }
}

fn credential(info: &CredentialInfo) -> Value {
    json!({
        "credentialId": info.id,
        "scope": info.scope.as_str(),
        "label": info.label,
        "createdAt": rfc3339(info.created_at),
        "revokedAt": info.revoked_at.map(rfc3339),
    })
}

/// A table on this machine needs no credentials; one in AWS takes them from the environment.
fn settings(arguments: &TableArguments) -> Result<Settings, String> {
    let is_local = arguments.endpoint_url.as_deref().is_some_and(is_loopback);
    if is_local && env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        let endpoint_url = arguments.endpoint_url.as_deref().unwrap_or_default();
        return Ok(Settings::local(endpoint_url, &arguments.table));
    }
    let region = arguments.region.clone().or_else(|| env::var("AWS_DEFAULT_REGION").ok());
    let region = match region {
        Some(region) => region,
        None if is_local => "us-east-1".to_owned(),
        None => return Err("set AWS_REGION or give --region".to_owned()),
    };
    let is_missing = |name: &str| env::var_os(name).is_none_or(|value| value.is_empty());
    if let Some(missing) = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].into_iter().find(|name| is_missing(name)) {
        return Err(format!(
            "{missing} is not set, and profiles are not read: run `eval \"$(aws configure export-credentials --format env)\"` first"
        ));
    }
    Ok(Settings {
        table: arguments.table.clone(),
        region,
        endpoint_url: arguments.endpoint_url.clone(),
        credentials: TableCredentials::Environment,
        change_days: Settings::CHANGE_DAYS,
    })
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.scheme().and(uri.host()).unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The one place where this command reads the clock.
#[expect(clippy::disallowed_methods, reason = "everything else takes the time as an argument")]
fn now() -> Timestamp {
    chrono::Utc::now()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn only_this_machine_is_local() {
        for url in ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000", "http://127.0.0.1"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://dynamodb.eu-west-1.amazonaws.com",
            "http://127.0.0.1.example.com:1",
            "http://127.0.0.1:80@example.com",
            "http://127.0.0.1:80@example.com:80/",
            "http://example.com#@127.0.0.1",
            "127.0.0.1",
            "",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
    async fn error_of<const N: usize>(arguments: [&str; N]) -> String {
        let arguments = [&["cargo admin"], &arguments[..]].concat();
        run(Arguments::try_parse_from(arguments).unwrap()).await.unwrap_err()
    }

    fn list(url: &str) -> [&str; 6] {
        ["organization", "list", "--table", "other", "--endpoint-url", url]
    }

    #[tokio::test]
    async fn an_error_says_what_is_wrong_with_the_table() {
        let engine = engine::Engine::in_memory().await.unwrap();
        let url = engine.endpoint_url();
        let no_table = error_of(list(&url)).await;
        assert!(no_table.starts_with(&format!("there is no table \"other\" at {url}")), "{no_table}");
        let refused = error_of(list("http://127.0.0.1:1")).await;
        assert!(refused.starts_with("no connection to the table at http://127.0.0.1:1 ("), "{refused}");
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let timeout = error_of(list(&url)).await;
        assert!(timeout.starts_with(&format!("the table at {url} did not answer in time")), "{timeout}");
        let without_credentials =
            error_of(["organization", "list", "--region", "eu-west-1", "--endpoint-url", "http://192.0.2.1"]).await;
        assert!(without_credentials.starts_with("AWS_ACCESS_KEY_ID is not set"), "{without_credentials}");
    }

    #[test]
    fn names_and_labels_are_texts() {
        for bad in [" ", "a\nb", &"x".repeat(201)] {
            for arguments in [
                &["organization", "create", bad][..],
                &["organization", "create", "--name", bad],
                &["credential", "create", "abcdefghijkl", "--scope", "api", "--label", bad],
            ] {
                let arguments = [&["cargo admin"], arguments].concat();
                assert!(Arguments::try_parse_from(arguments).is_err(), "{bad:?}");
            }
        }
        assert_eq!(name("  Fleet ").unwrap().as_str(), "Fleet");
    }
}
