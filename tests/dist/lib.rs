//! Building applications and running them, for tests.
//!
//! `RSPY` and `FREEZER` name the executables; without them, they are those in `bin`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder of this crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn executable(variable: &str, name: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| root().join("../../bin").join(name), PathBuf::from)
}

/// The interpreter that applications are built upon.
pub fn rspy() -> PathBuf {
    executable("RSPY", "rspy")
}

/// `freezer`, with a cache of its own.
pub fn freezer(work: &Work) -> Command {
    let mut command = Command::new(executable("FREEZER", "freezer"));
    command.env("RSPY_CACHE", work.path("cache")).current_dir(&work.folder);
    command
}

/// `freezer build` with some words.
pub fn build(work: &Work, words: &[&str]) -> io::Result<Output> {
    freezer(work).arg("build").arg("--base").arg(rspy()).args(words).output()
}

/// A folder to work in, which goes when the test ends.
pub struct Work {
    /// Where it is.
    pub folder: PathBuf,
}

impl Work {
    /// A new folder.
    pub fn new() -> io::Result<Work> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rspy-dist-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        // Links in the way to it are not seen in what programs print.
        Ok(Work { folder: folder.canonicalize()? })
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, contents: &str) -> io::Result<()> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, contents)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // The folder for temporary files is emptied by others too.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
