//! Finds cargo-lambda, or installs it under `target/tools`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// The package that pip installs: the version that the project is tested with.
const PACKAGE: &str = "cargo-lambda==1.9.2";

/// What a usable program answers to `--version`. Older ones start one instance of a function only.
const USABLE: &[u8] = b"cargo-lambda 1.9.";

/// The program to run as cargo-lambda: the one on `PATH` if it is of the right version, else the one under `target/tools`,
/// which is installed if it is not there yet. Only that needs the network.
///
/// # Errors
/// A sentence for the user.
pub(crate) async fn cargo_lambda(target: &Path) -> Result<PathBuf, String> {
    let environment = target.join("tools/cargo-lambda");
    let installed = environment.join("bin/cargo-lambda");
    for program in [PathBuf::from("cargo-lambda"), installed.clone()] {
        if is_usable(&program).await {
            return Ok(program);
        }
    }
    crate::say(&format!("installing {PACKAGE} with pip into {}; this needs the network", environment.display()));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment)).await?;
    // Alone: zig, on which the package depends, is needed to compile for other machines only.
    let pip = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", PACKAGE];
    run(Command::new(environment.join("bin/pip")).args(pip)).await?;
    if is_usable(&installed).await {
        return Ok(installed);
    }
    Err(format!("{PACKAGE}, which pip installed into {}, does not run", environment.display()))
}

async fn is_usable(program: &Path) -> bool {
    let output = Command::new(program).args(["lambda", "--version"]).stdin(Stdio::null()).output().await;
    output.is_ok_and(|output| output.stdout.starts_with(USABLE))
}

/// Runs a program that prints itself what goes wrong.
async fn run(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await;
    let failed = |reason: String| {
        let program = command.as_std().get_program().display();
        format!("cargo-lambda is not installed, and installing it failed: {program}: {reason}")
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}
