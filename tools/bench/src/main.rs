//! `cargo bench-lambda`: what functions cost, cold and warm, against the least that a function can cost (`../floor`) and
//! against one that takes the SDK's defaults (`../default-sdk`). Prints Markdown.

mod binaries;
mod instructions;
mod measure;
mod report;
mod table;
mod tls;

use std::path::Path;
use std::process::ExitCode;
use std::{env, error, fs};

use clap::{Parser, ValueEnum};
use instructions::Instructions;
use measure::Subject;
use report::Row;
use table::Table;
use tls::Certificates;

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

/// Measures functions, cold and warm, in one interleaved run against the floor and a function with the SDK's defaults.
///
/// Needs Linux and openssl 3; instructions are counted if there is a valgrind.
#[derive(Parser)]
#[command(name = "cargo bench-lambda", version)]
struct Arguments {
    /// The functions to measure
    #[arg(value_name = "FUNCTION", default_values = ["rfid-authorizer", "get-access-id"])]
    functions: Vec<String>,
    /// How often each is started
    #[arg(long, default_value_t = 15)]
    repetitions: usize,
    /// How often it is called after its first call
    #[arg(long, default_value_t = 200)]
    calls: usize,
    /// How many access IDs and tags the table holds, and how many vehicles
    #[arg(long, default_value_t = 1_000)]
    tags: usize,
    /// Link each access ID to a vehicle: a list then reads a vehicle for each
    #[arg(long)]
    linked: bool,
    /// Leave the function with the SDK's defaults out: it takes the most time by far
    #[arg(long)]
    without_default_sdk: bool,
    /// The authorities that AWS_CA_BUNDLE names
    #[arg(long, value_enum, default_value_t)]
    authorities: Authorities,
}

/// No server here has a certificate of a public authority, so without an `AWS_CA_BUNDLE` nothing can be measured.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Authorities {
    /// The test's root alone: nearest to what is deployed, where there is no bundle and the public authorities are compiled in
    #[default]
    One,
    /// The system's and the test's root: a bundle as companies have it that inspect TLS
    System,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(tables) => {
            print!("{tables}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cargo bench-lambda: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<String> {
    let certificates = Certificates::make(binaries::root()?.join(binaries::FOLDER).join("tls"))?;
    eprintln!("filling the table");
    let table = Table::start(arguments.tags, arguments.linked).await?;
    let endpoint = format!("https://localhost:{}", certificates.serve(table.addr()).await?.port());
    let subjects = subjects(arguments, &table, &environment(arguments, &table, &certificates, &endpoint))?;

    // Each call has a number of its own: what is created is new, what is updated changes.
    let mut numbers = 0..;
    let mut rows = Vec::new();
    for subject in &subjects {
        let size = fs::metadata(&subject.binary)?.len();
        rows.push(Row { name: subject.name.clone(), size, samples: Vec::new(), instructions: None });
        // Not counted: the first start reads the binary from the disk.
        subject.sample(&table.recorder, &mut numbers, 1).await?;
    }
    for repetition in 1..=arguments.repetitions {
        eprintln!("repetition {repetition} of {}", arguments.repetitions);
        for (subject, row) in subjects.iter().zip(&mut rows) {
            row.samples.push(subject.sample(&table.recorder, &mut numbers, arguments.calls).await?);
        }
    }
    if instructions::can_be_counted() {
        for (subject, row) in subjects.iter().zip(&mut rows) {
            eprintln!("counting the instructions of {}", subject.name);
            let Some(like) = row.samples.first() else { continue };
            let counted = Instructions::count(subject, like, &table.recorder, &mut numbers, arguments.calls).await?;
            row.instructions = Some(counted);
        }
    } else {
        eprintln!("valgrind is not installed: instructions are not counted");
    }
    let Arguments { repetitions, calls, tags, .. } = arguments;
    let authorities = match arguments.authorities {
        Authorities::One => 1,
        Authorities::System => certificates.authorities,
    };
    let circumstances = format!(
        "Medians of {repetitions} starts with {calls} calls after the first; {tags} tags; authorities in the bundle: {authorities}; {}.\n",
        env::consts::ARCH
    );
    Ok(circumstances + &report::tables(&rows))
}

/// The floor twice, as it is and with its first request made before the first call; then the others.
fn subjects(arguments: &Arguments, table: &Table, env: &[(String, String)]) -> Result<Vec<Subject>> {
    let subject = |name: &str, binary: &Path, like: &str| -> Result<Subject> {
        let (event, status) = table.event(like)?;
        Ok(Subject { name: name.to_owned(), binary: binary.to_owned(), env: env.to_vec(), event, status })
    };
    let floor = binaries::reference("floor")?;
    let mut prepared = subject("floor-pre", &floor, "rfid-authorizer")?;
    prepared.env.push(("PREWARM".to_owned(), "2".to_owned()));
    let mut subjects = vec![subject("floor", &floor, "rfid-authorizer")?, prepared];
    if !arguments.without_default_sdk {
        subjects.push(subject("default-sdk", &binaries::reference("default-sdk")?, "rfid-authorizer")?);
    }
    let binaries = binaries::functions(&arguments.functions)?;
    for name in &arguments.functions {
        let binary = binaries.get(name).ok_or_else(|| format!("{name} was not built"))?;
        subjects.push(subject(name, binary, name)?);
        if name == "rfid-authorizer" {
            // The decision alone. What it takes more with a journal is done after the answer.
            let mut decision = subject("rfid-authorizer, journal off", binary, name)?;
            decision.env.push(("JOURNAL".to_owned(), "Off".to_owned()));
            subjects.push(decision);
        }
    }
    Ok(subjects)
}

/// What Lambda sets, and where the table is. The credentials are invented.
fn environment(
    arguments: &Arguments,
    table: &Table,
    certificates: &Certificates,
    endpoint: &str,
) -> Vec<(String, String)> {
    let all = certificates.bundle().display().to_string();
    let bundle = match arguments.authorities {
        Authorities::One => certificates.root().display().to_string(),
        Authorities::System => all.clone(),
    };
    let variables = [
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE00"),
        ("AWS_CA_BUNDLE", &bundle),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", &"session-token-".repeat(6)),
        // valgrind is found by it
        ("PATH", &env::var("PATH").unwrap_or_default()),
        // The SDK's defaults read the system's authorities wherever they run, and look here for them.
        ("SSL_CERT_FILE", &all),
        ("TABLE_NAME", engine::TABLE_NAME),
        // for the floor, and the first for default-sdk too
        ("PK_VALUE", &table.tag_partition),
        ("PK_NAME", "PK"),
        ("SK_NAME", "SK"),
        ("SK_VALUE", "TAG"),
        ("STATUS_NAME", "authorizationStatus"),
        ("STATUS_VALUE", "Authorized"),
        ("CONSISTENT_READ", "1"),
        ("FLOOR_CA", &certificates.root().display().to_string()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
