//! The files of the local service, all in one folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where the files are.
pub(crate) struct Files {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// The folder of all others.
    pub(crate) folder: PathBuf,
    /// What a shell and the functions need to use the service, as lines of `NAME=value`. It is there while the service is ready.
    pub(crate) env: PathBuf,
    /// The table's data.
    pub(crate) data: PathBuf,
    /// The demo organization's tokens.
    pub(crate) credentials: PathBuf,
    /// What the functions and `cargo lambda watch` print.
    pub(crate) log: PathBuf,
}

impl Files {
    /// Makes the folder, `target/local` if none is named.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Files, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().map_err(|error| format!("{} is gone: {error}", root.display()))?;
        let folder = folder.map_or_else(|| root.join("target/local"), Path::to_owned);
        let failed = |error| format!("{} cannot be made: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(failed)?;
        // `cargo lambda watch` uses it from a folder of its own.
        let folder = folder.canonicalize().map_err(failed)?;
        let file = |name: &str| folder.join(name);
        Ok(Files {
            env: file("env"),
            data: file("data.db"),
            credentials: file("credentials.json"),
            log: file("functions.log"),
            root,
            folder,
        })
    }

    /// Makes sure that this is the only one on these files.
    pub(crate) fn lock(&self) -> Result<File, String> {
        let lock = File::create(self.folder.join("lock")).map_err(|error| error.to_string());
        lock.and_then(|file| match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err("another `cargo dev` runs on it; end that first".into()),
            Err(TryLockError::Error(error)) => Err(error.to_string()),
        })
        .map_err(|error| format!("{} cannot be used: {error}", self.folder.display()))
    }

    /// Writes the env file. Whoever finds it may rely on it.
    pub(crate) fn ready<'a>(&self, variables: impl Iterator<Item = &'a (&'a str, String)>) -> Result<(), String> {
        let lines: String = variables.map(|(name, value)| format!("{name}={value}\n")).collect();
        write(&self.env, lines.as_bytes())
    }

    /// Deletes the env file.
    pub(crate) fn not_ready(&self) {
        _ = std::fs::remove_file(&self.env);
    }

    /// Deletes what was stored, the tokens too.
    pub(crate) fn reset(&self) -> Result<(), String> {
        let data = self.data.display();
        let credentials = self.credentials.display();
        for file in [format!("{data}"), format!("{data}-wal"), format!("{data}-shm"), format!("{credentials}")] {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(format!("{file} cannot be deleted: {error}"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Writes a file that its owner alone can read, so that it is there whole or not at all.
pub(crate) fn write(file: &Path, content: &[u8]) -> Result<(), String> {
    let partial = file.with_extension("partial");
    // What an earlier run left behind may be readable by others.
    _ = std::fs::remove_file(&partial);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
    written
        .and_then(|mut written| written.write_all(content))
        .and_then(|()| std::fs::rename(&partial, file))
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_holds_tokens_is_the_owners_alone() {
        let folder = std::env::temp_dir().join(format!("dev-files-{}", std::process::id()));
        let files = Files::new(Some(&folder)).unwrap();
        std::fs::write(files.env.with_extension("partial"), "of a run that was killed").unwrap();
        files.ready([("A", "1".to_owned()), ("B", "2".to_owned())].iter()).unwrap();
        let mode = std::fs::metadata(&files.env).unwrap().permissions().mode();
        let content = std::fs::read_to_string(&files.env).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((mode & 0o777, content.as_str()), (0o600, "A=1\nB=2\n"));
    }
}
