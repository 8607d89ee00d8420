//! The operating system: files, directories, processes, time, signals, threads and terminals. Nothing else in the
//! workspace makes system calls; a new target is one folder here, with the names that [`linux`](self) exports.
//!
//! # Safety argument
//!
//! Functions here are safe to call: pointers handed to the system come from Rust references that outlive the call,
//! lengths are those of the slices, and what the system writes is initialised before it is read.

#[cfg(target_os = "linux")]
mod linux;
pub mod resolver;
mod room;

#[cfg(target_os = "linux")]
pub use linux::*;
pub use room::{Destination, Room, fitted};

/// The part below the executable of a path such as `/usr/bin/rspy/lib/python3.14/json/decoder.py`, which is served
/// from the frozen library: the executable is a file, so nothing on disk can have such a path.
pub fn archive_path<'a>(executable: &str, path: &'a [u8]) -> Option<&'a str> {
    let rest = path.strip_prefix(executable.as_bytes())?;
    if executable.is_empty() || rest.first() != Some(&b'/') {
        return None;
    }
    std::str::from_utf8(rest).ok().map(|rest| rest.trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::archive_path;

    #[test]
    fn only_paths_below_the_executable_are_frozen() {
        assert_eq!(archive_path("/bin/rspy", b"/bin/rspy/lib/a.py"), Some("lib/a.py"));
        assert_eq!(archive_path("/bin/rspy", b"/bin/rspy"), None);
        assert_eq!(archive_path("/bin/rspy", b"/bin/rspyx/a"), None);
        assert_eq!(archive_path("", b"/a"), None);
    }
}
