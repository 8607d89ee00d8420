//! The frozen standard library as data, and the application behind it, if the executable carries one.
//!
//! The build script freezes `Lib/python3.14`; here it is embedded. The container's reader takes numbers apart
//! byte by byte, so it does not matter at which address the bytes come to lie.
//!
//! A directory and the container lie in a section of their own, which the executable's linker script makes the last
//! segment. Whoever packages an application makes that segment longer and writes the directory anew, so that the system
//! maps the application too, and nobody has to look for it. One that was cut still starts, and says so, because
//! [`contents`] looks whether the end is there.

use include_dir::{Dir, include_dir};
use rspy_archive::layout::END_MAGIC;
use rspy_archive::{Archive, ArchiveError, Directory, directory};

static FROZEN: Dir<'static> = include_dir!("$OUT_DIR/frozen");

const EMBEDDED: &[u8; include_bytes!(concat!(env!("OUT_DIR"), "/library.rspyar")).len()] =
    include_bytes!(concat!(env!("OUT_DIR"), "/library.rspyar"));

/// The directory and the library.
#[repr(C, align(4096))]
struct Section([u8; EMBEDDED.len()]);

// SAFETY: the section holds constant data and nothing else; its name is one that no linker gives a meaning to.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".rspy.library"))]
static SECTION: Section = Section(*EMBEDDED);

/// What the executable carries.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// The standard library's container.
    pub library: &'static [u8],
    /// The application's.
    pub application: Option<&'static [u8]>,
}

/// Why the executable's file is not what was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The directory is not what was written.
    Directory,
    /// The file does not go to its end.
    Cut,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Damage::Directory => "it does not say where its library is",
            Damage::Cut => "its end is missing",
        })
    }
}

/// What the executable carries, if its file goes to its end. `can_read` says whether the memory of a text can be read (a
/// zero follows it): it cannot where the file that it is mapped from has become shorter.
pub fn contents(can_read: impl Fn(&[u8]) -> bool) -> Result<Contents, Damage> {
    let start = (&raw const SECTION).cast::<u8>();
    // SAFETY: the section is at least as long as a directory, and constant. The compiler must not know what it holds,
    // since the file may have been written anew.
    let bytes = unsafe { start.cast::<[u8; directory::SIZE]>().read_volatile() };
    let directory = Directory::from_bytes(&bytes).ok_or(Damage::Directory)?;
    // What is behind the static itself is no part of it for the compiler.
    let address = start.expose_provenance();
    let slice = |range: std::ops::Range<u64>| {
        let start = std::ptr::with_exposed_provenance::<u8>(address + range.start as usize);
        // SAFETY: whoever wrote the directory made the segment as long as it says, and nothing writes to it.
        unsafe { std::slice::from_raw_parts(start, (range.end - range.start) as usize) }
    };
    let library = slice(directory.library.clone());
    let application = directory.application.map(slice);
    let last = application.unwrap_or(library);
    let end = &last[last.len().saturating_sub(END_MAGIC.len())..];
    if can_read(end) && end.ends_with(&END_MAGIC) {
        Ok(Contents { library, application })
    } else {
        Err(Damage::Cut)
    }
}

/// The library that was embedded, opened: this looks at the container's header and at nothing else.
pub fn open() -> Result<Archive<'static>, ArchiveError> {
    Archive::open(&SECTION.0[directory::SIZE..])
}

/// The code, marshalled, that makes `importlib` find the library's modules; it runs once `importlib` is there.
pub fn importer() -> &'static [u8] {
    embedded("importer.marshal")
}

/// The licence of the library, which is the Python Software Foundation's.
pub fn license() -> &'static [u8] {
    embedded("LICENSE.txt")
}

fn embedded(name: &str) -> &'static [u8] {
    FROZEN.get_file(name).map_or(&[], |file| file.contents())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_sound_and_complete() {
        let archive = open().unwrap();
        let summary = archive.verify().unwrap();
        assert!(summary.modules > 540, "{summary:?}");
        for name in include_str!("../startup").lines() {
            assert!(archive.module(name).is_some(), "{name}");
        }
        for name in
            ["json.decoder", "ensurepip", "venv", "unittest.mock", "pydoc_data.topics", "encodings.cp037"]
        {
            let module = archive.module(name).unwrap_or_else(|| panic!("{name}"));
            let path = module.path(&archive).unwrap();
            assert_eq!(archive.entry(&path).unwrap().module, Some(module.number));
        }
        assert!(archive.module("test").is_none());
        assert!(archive.entry("lib/python3.14/venv/scripts/common/activate").is_some());
        assert!(license().starts_with(b"A. HISTORY OF THE SOFTWARE"));
    }

    #[test]
    fn a_file_that_goes_to_its_end_is_whole() {
        let contents = contents(|end| end.ends_with(&END_MAGIC)).unwrap();
        assert!(contents.application.is_none());
        assert_eq!(Archive::open(contents.library).unwrap().length(), open().unwrap().length());
        assert_eq!(super::contents(|_| false).unwrap_err(), Damage::Cut);
    }

    #[test]
    fn start_up_code_is_used_where_it_lies() {
        let archive = open().unwrap();
        let os = archive.module("os").unwrap();
        let code = archive.code(&os).unwrap();
        assert!(SECTION.0.as_ptr_range().contains(&code.as_ptr()));
    }
}
