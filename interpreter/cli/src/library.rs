//! The frozen library and the application, as the runtime asks for them: one folder tree, in two containers, and the
//! files that stand for native modules.

use std::borrow::Cow;

use rspy_archive::{Application, Archive, ArchiveError, Entry};
use rspy_runtime::import::extension::{self, ExtensionFile};
use rspy_runtime::import::{FrozenModule, Library, LibraryEntry};

/// What the executable carries, opened.
pub struct Frozen {
    library: Container,
    application: Option<Container>,
}

struct Container {
    archive: Archive<'static>,
    /// The optimisation level of its code.
    optimize: u8,
}

/// Opens what is inside the executable; where that is damaged the process ends with a message.
pub fn open() -> (Frozen, Option<Application>) {
    opened().unwrap_or_else(|error| crate::report::damaged(&error))
}

fn opened() -> Result<(Frozen, Option<Application>), String> {
    let contents =
        rspy_stdlib::contents(rspy_runtime::host::can_read).map_err(|damage| damage.to_string())?;
    let describe = |error: ArchiveError| error.to_string();
    let archive = Archive::open(contents.library).map_err(describe)?;
    let Some(bytes) = contents.application else {
        // The library of an executable without application is the one it was built with.
        return Ok((Frozen { library: Container { archive, optimize: 0 }, application: None }, None));
    };
    let optimize = archive.metadata().map_err(describe)?.optimize;
    let library = Container { archive, optimize };
    let archive = Archive::open(bytes).map_err(describe)?;
    // What is damaged must not run half. What has been looked at need not stay in memory for it.
    let forget = |piece| {
        // SAFETY: the application is mapped from the executable, and nothing writes to it.
        unsafe { rspy_runtime::host::forget_file(piece) }
    };
    archive.check_in_pieces(forget).map_err(describe)?;
    let metadata = archive.metadata().map_err(describe)?;
    let application = metadata.application.ok_or("it does not say what to run")?;
    let container = Container { archive, optimize: metadata.optimize };
    Ok((Frozen { library, application: Some(container) }, Some(application)))
}

impl Container {
    fn module(&self, name: &str) -> Option<FrozenModule<'_>> {
        let module = self.archive.module(name)?;
        let code = self.archive.code(&module).ok()?;
        let path = module.path(&self.archive)?;
        Some(FrozenModule { code, is_package: module.is_package, path, optimize: self.optimize })
    }

    /// The path of a module and whether it is a package, if it is one that a folder of the import path holds.
    fn module_in(&self, name: &str, folder: &str) -> Option<(String, bool)> {
        let module = self.archive.module(name)?;
        let path = module.path(&self.archive)?;
        let (mut found, _) = path.rsplit_once('/').unwrap_or(("", &path));
        if module.is_package {
            found = found.rsplit_once('/').map_or("", |(above, _)| above);
        }
        (found == folder).then_some((path, module.is_package))
    }
}

impl Frozen {
    /// The optimisation level of the application, or of the library where there is none.
    pub fn optimize(&self) -> u8 {
        self.application.as_ref().unwrap_or(&self.library).optimize
    }

    fn containers(&self) -> impl Iterator<Item = &Container> {
        std::iter::once(&self.library).chain(&self.application)
    }

    /// The entry of a path, and the container that it is in; a folder may be in both.
    fn entries(&self, path: &str) -> impl Iterator<Item = (&Container, Entry<'static>)> {
        self.containers().filter_map(move |container| Some((container, container.archive.entry(path)?)))
    }
}

fn extension_files() -> impl Iterator<Item = &'static ExtensionFile> {
    rspy_modules::modules().files.iter()
}

fn is_extension_file(path: &str) -> bool {
    extension::file_name(path).is_some_and(|name| extension_files().any(|file| file.name() == name))
}

impl Library for Frozen {
    fn module(&self, name: &str) -> Option<FrozenModule<'_>> {
        self.library.module(name)
    }

    fn module_at(&self, name: &str, path: &str) -> Option<FrozenModule<'_>> {
        self.containers().find_map(|container| container.module(name).filter(|module| module.path == path))
    }

    fn contains(&self, name: &str) -> bool {
        self.library.archive.module(name).is_some()
    }

    fn module_in(&self, name: &str, folder: &str) -> Option<(String, bool)> {
        if folder == extension::FOLDER {
            return extension_files()
                .any(|file| file.name() == name)
                .then(|| (format!("{folder}/{name}{}", extension::SUFFIX), false));
        }
        self.containers().find_map(|container| container.module_in(name, folder))
    }

    fn entry(&self, path: &str) -> Option<LibraryEntry> {
        if path.starts_with(extension::FOLDER) {
            let is_folder = path == extension::FOLDER;
            return (is_folder || is_extension_file(path)).then_some(LibraryEntry { is_folder, size: 0 });
        }
        let (_, entry) = self.entries(path).next()?;
        Some(LibraryEntry { is_folder: entry.is_folder, size: u64::from(entry.size) })
    }

    fn list(&self, path: &str) -> Option<Vec<String>> {
        if path == extension::FOLDER {
            return Some(
                extension_files().map(|file| format!("{}{}", file.name(), extension::SUFFIX)).collect(),
            );
        }
        let mut names: Option<Vec<String>> = None;
        for (container, folder) in self.entries(path).filter(|(_, entry)| entry.is_folder) {
            let names = names.get_or_insert_default();
            let known = names.len();
            for child in container.archive.children(&folder) {
                if names[..known].iter().all(|name| name != child.name) {
                    names.push(child.name.to_owned());
                }
            }
        }
        if let Some((above, own)) = extension::FOLDER.rsplit_once('/')
            && above == path
        {
            names.get_or_insert_default().push(own.to_owned());
        }
        names
    }

    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        if is_extension_file(path) {
            return Some(Cow::Borrowed(&[]));
        }
        let (container, file) = self.entries(path).next()?;
        container.archive.read(&file).ok()
    }

    fn importer(&self) -> &[u8] {
        rspy_stdlib::importer()
    }

    fn names(&self) -> Vec<String> {
        self.library.archive.all_modules().map(|module| module.name.to_owned()).collect()
    }
}
