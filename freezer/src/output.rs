//! Files that are either the old ones or the new ones, whatever happens in between.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To save work. If it is lost it is made again, so nobody waits for the disk.
    Cache,
    /// To be read.
    Data,
    /// To be run: it gets the permission. It can be built again, so nobody waits for the disk either.
    Program,
}

/// Writes a file beside its destination and renames it: a reader sees all of it or nothing of it.
pub fn write_atomically(path: &Path, contents: &[u8], purpose: Purpose) -> io::Result<()> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}.part", process::id()));
    let beside = path.with_file_name(beside);
    let written = write_all(&beside, contents, purpose).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The error that matters is the one above.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_all(path: &Path, contents: &[u8], purpose: Purpose) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(contents)?;
    if purpose == Purpose::Program {
        make_executable(&file)?;
    }
    if purpose == Purpose::Data { file.sync_all() } else { Ok(()) }
}

#[cfg(unix)]
fn make_executable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    // Whoever may read it may run it.
    file.set_permissions(fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(not(unix))]
fn make_executable(_file: &fs::File) -> io::Result<()> {
    Ok(())
}
