//! Finds cargo-lambda, and installs it under `target/` where there is none.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::supervise::Supervised;

/// What is installed: the version that the project is tested with.
const WHEEL: &str = "cargo-lambda==1.9.2";

/// The first version that starts several instances of a function.
const OLDEST: (u32, u32) = (1, 9);

/// The program to run as cargo-lambda. Fails with a sentence for the user.
pub(crate) async fn cargo_lambda(target: &Path) -> Result<PathBuf, String> {
    let on_path = PathBuf::from("cargo-lambda");
    if is_usable(&on_path).await {
        return Ok(on_path);
    }
    let folder = target.join("tools/cargo-lambda");
    let installed = folder.join("bin/cargo-lambda");
    if !is_usable(&installed).await {
        install(&folder).await?;
        if !is_usable(&installed).await {
            return Err(format!("the {WHEEL} that pip installed into {} does not run", folder.display()));
        }
    }
    Ok(installed)
}

async fn is_usable(program: &Path) -> bool {
    let output = Command::new(program).args(["lambda", "--version"]).stdin(Stdio::null()).output().await;
    output.is_ok_and(|output| version(&output).is_some_and(|version| version >= OLDEST))
}

/// Reads `cargo-lambda 1.9.2 (…)`.
fn version(output: &Output) -> Option<(u32, u32)> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().nth(1)?.split('.').map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Installs the wheel alone: zig, which it would bring along, is needed to cross-compile only.
async fn install(folder: &Path) -> Result<(), String> {
    let has_python = succeeds("python3", &["--version"]).await;
    if !has_python {
        return Err("cargo-lambda is missing and python3, which would install it, is missing too".into());
    }
    println!("cargo-lambda is missing: installing {WHEEL} into {}", folder.display());
    // Made beside its place, so that an interrupted installation is not taken for a whole one.
    let partial = folder.with_extension("partial");
    _ = std::fs::remove_dir_all(&partial);
    let mut python = PathBuf::from("python3");
    if !succeeds("python3", &["-m", "pip", "--version"]).await {
        let environment = folder.with_extension("venv");
        let made = run("python3", &["-m", "venv", &environment.to_string_lossy()]).await;
        made.map_err(|error| format!("cargo-lambda is missing and cannot be installed without pip: {error}"))?;
        python = environment.join("bin/python3");
    }
    let destination = partial.to_string_lossy();
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", &destination];
    let pip = run(&python.to_string_lossy(), &[&pip[..], &[WHEEL]].concat()).await;
    pip.map_err(|error| format!("cargo-lambda could not be installed: {error}"))?;
    _ = std::fs::remove_dir_all(folder);
    std::fs::rename(&partial, folder).map_err(|error| format!("cargo-lambda could not be installed: {error}"))
}

async fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    output.is_ok_and(|output| output.status.success())
}

/// Runs a program that says itself what goes wrong.
async fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut child = Supervised::start(program, None, |command| {
        // As root it would warn, though it writes nowhere but into our folder.
        command.args(arguments).env("PIP_ROOT_USER_ACTION", "ignore");
    })
    .map_err(|error| error.to_string())?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("`{program} {}` failed", arguments.join(" "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version() {
        let version =
            |text: &str| version(&Output { status: Default::default(), stdout: text.into(), stderr: Vec::new() });
        assert_eq!(version("cargo-lambda 1.9.2 (67129fc 2026-08-21Z)\n"), Some((1, 9)));
        assert_eq!(version("cargo-lambda 2.10.0-rc1"), Some((2, 10)));
        assert_eq!(version("error"), None);
        assert!(Some((1, 10)) > Some(OLDEST));
    }
}
