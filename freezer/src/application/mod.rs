//! Applications: from a script, a package or a project, and what it depends on, to one executable.
//!
//! The way through: [`source`] finds out what the application is and where it starts; [`wheel`] and [`site`] add what it
//! depends on; [`collection`] holds all files by their path in the container; [`compiled`] compiles the modules;
//! [`reach`] follows the imports; [`pack`] makes containers of what is left, and [`crate::executable`] puts them into a copy
//! of `rspy`.
//!
//! [`contents`] goes the other way: it tells what is in an executable that was built.
//!
//! The application's own files lie in `app` of the container, what is installed in `lib/python3.14/site-packages`, as if the
//! executable were the folder of an installation.

pub mod collection;
mod compiled;
pub mod contents;
pub mod distribution;
mod error;
mod pack;
mod project;
mod reach;
mod site;
mod source;
mod wheel;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rspy_archive::{Application, Metadata, Start};

pub use error::ApplicationError;
pub use project::Project;

use crate::executable::Base;
use crate::store::Store;
use collection::{Collection, OWN, SITE};
use compiled::Modules;
use source::Beginning;

/// What is to be built.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// A script, a package, a folder or a project.
    pub source: Option<PathBuf>,
    /// The module to run, as `-m` does.
    pub module: Option<String>,
    /// The function to run, `MODULE:FUNCTION`, or the name of a script that a distribution brings.
    pub entry: Option<String>,
    /// Wheels to include.
    pub wheels: Vec<PathBuf>,
    /// Folders of installed packages to include.
    pub sites: Vec<PathBuf>,
    /// Patterns of files to include, seen from the source's folder.
    pub data: Vec<String>,
    /// Modules and packages to leave out.
    pub exclude: Vec<String>,
    /// Modules to keep, whoever imports them.
    pub keep: Vec<String>,
    /// Whether modules that nothing imports are left out, of the library too.
    pub tree_shake: bool,
    /// The optimisation level.
    pub optimize: u8,
    /// Whether sources stay out.
    pub no_source: bool,
    /// Whether the environment's variables and the user's folders count for nothing.
    pub isolated: bool,
    /// Whether compiled extension modules are left out instead of being an error.
    pub allow_missing_native: bool,
    /// The modification time that files show.
    pub modified: u64,
    /// The modules of the interpreter, for warnings, where it can be asked.
    pub native: Option<NativeModules>,
}

/// Names of modules that an interpreter knows of.
#[derive(Clone, Debug, Default)]
pub struct NativeModules {
    /// Those that it has built in (`sys.builtin_module_names`), or that files of its library stand for.
    pub built_in: BTreeSet<String>,
    /// Those of the standard library, whether it has them or not (`sys.stdlib_module_names`).
    pub library: BTreeSet<String>,
}

/// What building is at, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many modules have to be compiled.
    Compiling(usize),
    /// One more is.
    Compiled,
    /// All are there; containers are made.
    Packing,
}

/// An application, built.
#[derive(Debug)]
pub struct Built {
    /// The executable.
    pub executable: Vec<u8>,
    /// The name of the application.
    pub name: String,
    /// What it is made of.
    pub parts: Vec<pack::Part>,
    /// Modules of the library that were left out.
    pub dropped_library: Vec<String>,
    /// Other modules that were left out.
    pub dropped: Vec<String>,
    /// What whoever builds should know.
    pub warnings: Vec<String>,
}

/// Builds an application upon an executable.
pub fn build(
    request: &Request,
    base: &Base,
    store: &Store,
    progress: &(dyn Fn(Event) + Sync),
) -> Result<Built, ApplicationError> {
    let mut collection = Collection::default();
    for path in &request.wheels {
        wheel::add(&mut collection, path)?;
    }
    for folder in &request.sites {
        site::add(&mut collection, folder, &request.keep)?;
    }
    let beginning = source::add(
        &mut collection,
        request.source.as_deref(),
        request.module.as_deref(),
        request.entry.as_deref(),
    )?;
    if let Some((folder, root)) = &beginning.beside {
        add_data(&mut collection, &request.data, folder, root)?;
    }
    let mut modules = Modules::default();
    if matches!(request.source.as_deref(), Some(path) if path.is_file()) {
        add_neighbours(&mut collection, &mut modules, &beginning, request, base, store, progress)?;
    }
    collection.exclude(&request.exclude);
    modules.compiled.retain(|path, _| collection.inputs.contains_key(path));
    if !collection.native.is_empty() && !request.allow_missing_native {
        return Err(ApplicationError::Native(collection.native_files()));
    }
    let warnings = warnings(&collection);
    let job = pack::Job { request, collection: &collection, beginning: &beginning, base, store };
    let packed = pack::pack(&job, modules, progress)?;
    Ok(Built {
        executable: base.with(packed.library.as_deref(), &packed.application),
        name: beginning.name.clone(),
        parts: packed.parts,
        dropped_library: packed.dropped_library,
        dropped: packed.dropped,
        warnings: [warnings, packed.warnings].concat(),
    })
}

/// Installs what requirement files ask for and answers the folder, which is to be named as a site.
pub fn install(requirements: &[PathBuf], folder: &Path) -> Result<(), ApplicationError> {
    site::install(requirements, folder)
}

/// Adds the files that patterns name, where they lie as seen from a folder.
fn add_data(
    collection: &mut Collection,
    patterns: &[String],
    folder: &Path,
    root: &str,
) -> Result<(), ApplicationError> {
    let origin = if patterns.is_empty() { 0 } else { collection.origin("data") };
    for pattern in patterns {
        let whole = format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()));
        let paths = glob::glob(&whole)
            .map_err(|error| ApplicationError::Request(format!("--include-data {pattern}: {error}")))?;
        let before = collection.inputs.len();
        for path in paths {
            let path = path.map_err(|error| ApplicationError::file(&folder.join(pattern))(error.into()))?;
            let inner = path.strip_prefix(folder).ok().and_then(Path::to_str).ok_or_else(|| {
                ApplicationError::input(
                    &path,
                    "data has to lie in the folder of the source, under names that are text",
                )
            })?;
            if path.is_dir() {
                collection.add_folder(&path, &format!("{root}/{inner}"), origin)?;
            } else {
                let contents = fs::read(&path).map_err(ApplicationError::file(&path))?;
                collection.add(root, inner, contents, origin);
            }
        }
        if collection.inputs.len() == before {
            return Err(ApplicationError::Request(format!(
                "--include-data {pattern}: no file below {} is meant by it that is not included anyway",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// Adds the modules beside a script that it imports, and what those import.
fn add_neighbours(
    collection: &mut Collection,
    modules: &mut Modules,
    beginning: &Beginning,
    request: &Request,
    base: &Base,
    store: &Store,
    progress: &(dyn Fn(Event) + Sync),
) -> Result<(), ApplicationError> {
    let Some((folder, root)) = &beginning.beside else { return Ok(()) };
    let library = base.library().ok();
    let mut wanted: BTreeSet<String> = request.keep.iter().cloned().collect();
    let mut done: BTreeSet<String> = BTreeSet::new();
    loop {
        // Only the application's own modules: what is installed does not import them.
        let mut own = Collection::default();
        let inputs = collection.inputs.iter().filter(|(path, _)| path.starts_with(OWN));
        own.inputs.extend(inputs.map(|(path, input)| (path.clone(), input.clone())));
        compiled::compile(&own, modules, request.optimize, store, progress)?;
        for (path, module) in &modules.compiled {
            if done.insert(path.clone()) {
                let found = reach::imports_of(module);
                wanted.extend(found.all().cloned());
            }
        }
        let tops: BTreeSet<&str> = wanted.iter().filter_map(|name| name.split('.').next()).collect();
        let before = collection.inputs.len();
        for top in tops {
            let is_known = collection.module(top).is_some();
            let in_library = library.as_ref().is_some_and(|library| library.module(top).is_some());
            if !is_known && !request.exclude.iter().any(|name| name == top) {
                add_neighbour(collection, folder, root, top, in_library)?;
            }
        }
        if collection.inputs.len() == before {
            return Ok(());
        }
    }
}

/// Adds a module or package that lies beside a script.
fn add_neighbour(
    collection: &mut Collection,
    folder: &Path,
    root: &str,
    name: &str,
    in_library: bool,
) -> Result<(), ApplicationError> {
    let origin = collection.origin("application");
    let (package, module) = (folder.join(name), folder.join(format!("{name}.py")));
    if package.join("__init__.py").is_file() {
        collection.add_folder(&package, &format!("{root}/{name}"), origin)
    } else if module.is_file() {
        collection.add_files(vec![(format!("{name}.py"), module)], root, origin)
    } else if package.is_dir() && !in_library && holds_modules(&package) {
        // A package without `__init__` (PEP 420) comes last.
        collection.add_folder(&package, &format!("{root}/{name}"), origin)
    } else {
        Ok(())
    }
}

fn holds_modules(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|end| end == "py"))
}

/// What whoever builds should know before the application runs.
fn warnings(collection: &Collection) -> Vec<String> {
    let mut warnings: Vec<String> = distribution::missing(collection)
        .into_iter()
        .map(|(name, by)| format!("{by} needs {name}, which is not included"))
        .collect();
    for (origin, files) in collection.native_files() {
        warnings.push(format!("{origin}: left out {}", files.join(", ")));
    }
    warnings
}

/// What the container says of the application.
fn metadata(request: &Request, beginning: &Beginning, python: &str, at_start: Vec<String>) -> Metadata {
    let start = match &beginning.start {
        Start::Script(path) if request.no_source => Start::Script(format!("{path}c")),
        other => other.clone(),
    };
    let application = Application {
        name: beginning.name.clone(),
        start,
        isolated: request.isolated,
        // What is installed is found by `site`, as in any installation.
        paths: vec![OWN.to_owned()],
        at_start,
    };
    Metadata {
        python: python.to_owned(),
        bytecode: u32::from(rspy_code::pyc::MAGIC_NUMBER),
        optimize: request.optimize,
        root: SITE.to_owned(),
        modified: request.modified.max(Metadata::EARLIEST),
        application: Some(application),
    }
}
