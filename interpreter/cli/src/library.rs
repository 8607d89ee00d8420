//! The frozen library and the application, as the runtime asks for them: one folder tree, in two containers, and the
//! files that stand for native modules.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rspy_archive::{Application, Archive, ArchiveError, Entry, Module};
use rspy_runtime::frozen_code::OutlinedCode;
use rspy_runtime::host;
use rspy_runtime::import::extension::{self, ExtensionFile};
use rspy_runtime::import::{FrozenModule, Library, LibraryEntry};

use crate::ahead::Ahead;

/// What the executable carries, opened.
pub struct Frozen {
    library: Container,
    application: Option<Container>,
    /// The thread that unpacks ahead what the application's start imports.
    unpacking: Mutex<Option<JoinHandle<()>>>,
}

struct Container {
    archive: Archive<'static>,
    /// The optimisation level of its code.
    optimize: u8,
    ahead: Ahead,
}

/// Opens what is inside the executable, for as long as the process lives; where that is damaged the process ends with a
/// message.
pub fn open() -> (&'static Frozen, Option<Application>) {
    let (frozen, mut application) = opened().unwrap_or_else(|error| crate::report::damaged(&error));
    let frozen: &'static Frozen = Box::leak(Box::new(frozen));
    if let Some(application) = &mut application {
        frozen.unpack_ahead(std::mem::take(&mut application.at_start));
    }
    (frozen, application)
}

fn opened() -> Result<(Frozen, Option<Application>), String> {
    let contents = rspy_stdlib::contents(host::can_read).map_err(|damage| damage.to_string())?;
    let describe = |error: ArchiveError| error.to_string();
    let archive = Archive::open(contents.library).map_err(describe)?;
    let Some(bytes) = contents.application else {
        // The library of an executable without application is the one it was built with.
        return Ok((Frozen::new(Container::new(archive, 0), None), None));
    };
    let optimize = archive.metadata().map_err(describe)?.optimize;
    let library = Container::new(archive, optimize);
    let archive = Archive::open(bytes).map_err(describe)?;
    // What is damaged must not run half. What has been looked at need not stay in memory for it.
    let forget = |piece| {
        // SAFETY: the application is mapped from the executable, and nothing writes to it.
        unsafe { host::forget_file(piece) }
    };
    archive.check_in_pieces(forget).map_err(describe)?;
    let metadata = archive.metadata().map_err(describe)?;
    let application = metadata.application.ok_or("it does not say what to run")?;
    let container = Container::new(archive, metadata.optimize);
    Ok((Frozen::new(library, Some(container)), Some(application)))
}

impl Container {
    fn new(archive: Archive<'static>, optimize: u8) -> Container {
        Container { archive, optimize, ahead: Ahead::default() }
    }

    fn module(&self, name: &str) -> Option<FrozenModule> {
        let module = self.archive.module(name)?;
        let path = module.path(&self.archive)?;
        self.opened(&module, path)
    }

    /// The module of a name, if its file is at this path.
    fn module_at(&self, name: &str, path: &str) -> Option<FrozenModule> {
        let module = self.archive.module(name)?;
        let found = module.path(&self.archive)?;
        if found == path { self.opened(&module, found) } else { None }
    }

    fn opened(&self, module: &Module<'static>, path: String) -> Option<FrozenModule> {
        let code = match self.ahead.take(module.number) {
            Some(code) => code,
            None => OutlinedCode::new(self.archive.code(module).ok()?).ok()?,
        };
        Some(FrozenModule { code, is_package: module.is_package, path, optimize: self.optimize })
    }

    /// Unpacks the code of a module unless that is done. Damage is for those to tell who import the module.
    fn unpack_ahead(&self, name: &str) {
        if let Some(module) = self.archive.module(name)
            && !module.at_startup()
            && self.ahead.is_wanted(module.number)
            && let Ok(code) = self.archive.code(&module)
            && let Ok(code) = OutlinedCode::new(code)
        {
            self.ahead.put(module.number, code);
        }
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
    fn new(library: Container, application: Option<Container>) -> Frozen {
        Frozen { library, application, unpacking: Mutex::new(None) }
    }

    /// Has a thread unpack the code of modules, in their order, while the interpreter starts. Without that thread they are
    /// unpacked when they are imported.
    fn unpack_ahead(&'static self, names: Vec<String>) {
        if names.is_empty() || host::processors(0).is_ok_and(|numbers| numbers.len() < 2) {
            return;
        }
        self.containers().for_each(|container| container.ahead.begin());
        let unpack = move || {
            for name in &names {
                self.containers().for_each(|container| container.unpack_ahead(name));
            }
        };
        let thread = host::spawn_without_signals("unpacking", unpack).ok();
        *self.unpacking.lock().unwrap_or_else(PoisonError::into_inner) = thread;
    }

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
    fn module(&self, name: &str) -> Option<FrozenModule> {
        self.library.module(name)
    }

    fn module_at(&self, name: &str, path: &str) -> Option<FrozenModule> {
        self.containers().find_map(|container| container.module_at(name, path))
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

    fn settle(&self) {
        let thread = self.unpacking.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(thread.map(JoinHandle::join));
    }

    fn importer(&self) -> &[u8] {
        rspy_stdlib::importer()
    }

    fn names(&self) -> Vec<String> {
        self.library.archive.all_modules().map(|module| module.name.to_owned()).collect()
    }
}
