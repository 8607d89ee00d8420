//! The frozen standard library as data.
//!
//! The build script freezes `Lib/python3.14`; here it is embedded. The container's reader takes numbers apart
//! byte by byte, so it does not matter at which address the bytes come to lie.
//!
//! The container lies in a section of its own, which the executable's linker script puts behind all else in the file:
//! one whose end was lost still starts, and says so, because [`is_whole`] can look.

use std::ffi::CStr;

use include_dir::{Dir, include_dir};
use rspy_archive::{Archive, ArchiveError};

static FROZEN: Dir<'static> = include_dir!("$OUT_DIR/frozen");

const LIBRARY: &[u8; include_bytes!(concat!(env!("OUT_DIR"), "/library.rspyar")).len()] =
    include_bytes!(concat!(env!("OUT_DIR"), "/library.rspyar"));

const END: &CStr = c"the end of rspy";

/// The container, and a mark that a file which was cut does not have.
#[repr(C, align(4096))]
struct Section {
    container: [u8; LIBRARY.len()],
    end: [u8; END.to_bytes_with_nul().len()],
}

// SAFETY: the section holds constant data and nothing else; its name is one that no linker gives a meaning to.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".rspy.library"))]
static SECTION: Section = Section {
    container: *LIBRARY,
    end: match END.to_bytes_with_nul().as_chunks() {
        ([end], _) => *end,
        _ => panic!("the mark is as long as its place"),
    },
};

/// The container's bytes.
pub fn container() -> &'static [u8] {
    &SECTION.container
}

/// Whether the executable's file goes to its end. `can_read` says whether the memory of a text can be read: it cannot
/// where the file that it is mapped from has become shorter.
pub fn is_whole(can_read: impl FnOnce(&[u8]) -> bool) -> bool {
    let end = std::hint::black_box(&SECTION.end);
    can_read(end) && end == END.to_bytes_with_nul()
}

/// The library, opened: this looks at the container's header and at nothing else.
pub fn open() -> Result<Archive<'static>, ArchiveError> {
    Archive::open(container())
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
        assert!(is_whole(|end| end.ends_with(b"\0")));
        assert!(!is_whole(|_| false));
    }

    #[test]
    fn start_up_code_is_used_where_it_lies() {
        let archive = open().unwrap();
        let os = archive.module("os").unwrap();
        let code = archive.code(&os).unwrap();
        assert!(container().as_ptr_range().contains(&code.as_ptr()));
    }
}
