//! The frozen library, as the runtime asks for it.

use std::borrow::Cow;

use rspy_archive::Archive;
use rspy_runtime::import::{FrozenModule, Library, LibraryEntry};

struct Frozen {
    archive: Archive<'static>,
}

/// Opens the library inside the executable; where that is damaged the process ends with a message.
pub fn open() -> &'static dyn Library {
    match rspy_stdlib::open() {
        // It is open for as long as the process lives.
        Ok(archive) => Box::leak(Box::new(Frozen { archive })),
        Err(error) => crate::report::damaged(&error.to_string()),
    }
}

impl Library for Frozen {
    fn module(&self, name: &str) -> Option<FrozenModule<'_>> {
        let module = self.archive.module(name)?;
        let code = self.archive.code(&module).ok()?;
        Some(FrozenModule { code, is_package: module.is_package, path: module.path(&self.archive)? })
    }

    fn module_path(&self, name: &str) -> Option<(String, bool)> {
        let module = self.archive.module(name)?;
        Some((module.path(&self.archive)?, module.is_package))
    }

    fn entry(&self, path: &str) -> Option<LibraryEntry> {
        let entry = self.archive.entry(path)?;
        Some(LibraryEntry { is_folder: entry.is_folder, size: u64::from(entry.size) })
    }

    fn list(&self, path: &str) -> Option<Vec<String>> {
        let folder = self.archive.entry(path).filter(|entry| entry.is_folder)?;
        Some(self.archive.children(&folder).map(|entry| entry.name.to_owned()).collect())
    }

    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        let file = self.archive.entry(path)?;
        self.archive.read(&file).ok()
    }

    fn importer(&self) -> &[u8] {
        rspy_stdlib::importer()
    }

    fn names(&self) -> Vec<String> {
        self.archive.all_modules().map(|module| module.name.to_owned()).collect()
    }
}
