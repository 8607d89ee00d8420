//! Where compiled files go.

use std::path::{Path, PathBuf};

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
    fn caches_are_named_by_optimisation() {
        assert_eq!(cache_path(Path::new("a/b.py"), 0), Path::new("a/__pycache__/b.cpython-314.pyc"));
        assert_eq!(cache_path(Path::new("b.py"), 2), Path::new("__pycache__/b.cpython-314.opt-2.pyc"));
    }
}
