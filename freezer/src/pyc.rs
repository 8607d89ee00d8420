//! The header of `.pyc` files (PEP 552), as far as the freezer meets it.

use std::path::{Path, PathBuf};

/// The magic number of CPython 3.14's bytecode.
pub const BYTECODE_MAGIC: u16 = 3627;

/// The size of a `.pyc` file's header.
const HEADER: usize = 16;

/// A `.pyc` file that is valid as long as its source has this modification time and size.
pub fn timestamp_pyc(code: &[u8], modified: u32, source_size: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + code.len());
    bytes.extend(BYTECODE_MAGIC.to_le_bytes());
    bytes.extend(b"\r\n");
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(modified.to_le_bytes());
    bytes.extend(source_size.to_le_bytes());
    bytes.extend(code);
    bytes
}

/// The code in a `.pyc` file of this bytecode; `None` for any other.
pub fn code_of_pyc(bytes: &[u8]) -> Option<&[u8]> {
    let [low, high] = BYTECODE_MAGIC.to_le_bytes();
    (bytes.starts_with(&[low, high, b'\r', b'\n'])).then(|| bytes.get(HEADER..)).flatten()
}

/// Where CPython keeps the compiled form of a source file (PEP 3147).
pub fn cache_path(source: &Path, optimize: u8) -> PathBuf {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let tag = if optimize == 0 { String::new() } else { format!(".opt-{optimize}") };
    let folder = source.parent().unwrap_or(Path::new(""));
    folder.join("__pycache__").join(format!("{stem}.cpython-314{tag}.pyc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_sixteen_bytes() {
        let pyc = timestamp_pyc(b"code", 0x0102_0304, 5);
        assert_eq!(&pyc[..16], b"\x2b\x0e\r\n\0\0\0\0\x04\x03\x02\x01\x05\0\0\0");
        assert_eq!(code_of_pyc(&pyc), Some(&b"code"[..]));
        assert_eq!(code_of_pyc(b"\x2a\x0e\r\n\0\0\0\0\0\0\0\0\0\0\0\0code"), None);
        assert_eq!(code_of_pyc(&pyc[..10]), None);
    }

    #[test]
    fn caches_are_named_by_optimisation() {
        assert_eq!(cache_path(Path::new("a/b.py"), 0), Path::new("a/__pycache__/b.cpython-314.pyc"));
        assert_eq!(cache_path(Path::new("b.py"), 2), Path::new("__pycache__/b.cpython-314.opt-2.pyc"));
    }
}
