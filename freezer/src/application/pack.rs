//! The containers of an application: its own, and another one for the library where that is not taken as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use rspy_archive::{Archive, Builder, Code, Compression, FrozenModule, Metadata, Module};
use rspy_code::{marshal, pyc};

use super::collection::Collection;
use super::compiled::{Compiled, Modules};
use super::reach::{self, Node};
use super::source::Beginning;
use super::{ApplicationError, Event, Request, metadata};
use crate::executable::{Base, BaseError};
use crate::imports::imports;
use crate::store::{Key, Store};
use crate::{Variant, compile_variant};

/// What is to be packed.
pub struct Job<'a> {
    pub request: &'a Request,
    pub collection: &'a Collection,
    pub beginning: &'a Beginning,
    pub base: &'a Base,
    pub store: &'a Store,
}

/// The containers, and what is in them.
#[derive(Debug, Default)]
pub struct Packed {
    /// The application.
    pub application: Vec<u8>,
    /// The library, if it is not the executable's own.
    pub library: Option<Vec<u8>>,
    /// What the application is made of.
    pub parts: Vec<Part>,
    /// The modules of the library that were left out.
    pub dropped_library: Vec<String>,
    /// Other modules that were left out.
    pub dropped: Vec<String>,
    /// What whoever builds should know.
    pub warnings: Vec<String>,
}

/// What came from one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// A distribution and its release, or the name of a folder or file.
    pub name: String,
    /// Its modules.
    pub modules: usize,
    /// Its files.
    pub files: usize,
    /// The bytes that it takes in the application.
    pub stored: u64,
}

/// Makes the containers.
pub fn pack(
    job: &Job<'_>,
    mut modules: Modules,
    progress: &(dyn Fn(Event) + Sync),
) -> Result<Packed, ApplicationError> {
    let library = job
        .base
        .library()
        .map_err(|error| ApplicationError::Base("rspy".into(), BaseError::Library(error)))?;
    let application_key = application_key(job);
    let mut library_key = job.store.key("library");
    library_key.add(&application_key.digest());
    let mut warnings_key = job.store.key("warnings");
    warnings_key.add(&application_key.digest());
    let replaces_library = job.request.tree_shake || job.request.optimize > 0;
    let known = job.store.get(&application_key).filter(|bytes| is_sound(bytes));
    let known_library = if replaces_library {
        job.store.get(&library_key).filter(|bytes| is_sound(bytes)).map(Some)
    } else {
        Some(None)
    };
    let mut packed = Packed::default();
    if let (Some(application), Some(other)) = (known, known_library) {
        (packed.application, packed.library) = (application, other);
        let texts = job.store.get(&warnings_key).and_then(|texts| String::from_utf8(texts).ok());
        packed.warnings = texts.unwrap_or_default().lines().map(str::to_owned).collect();
    } else {
        super::compiled::compile(job.collection, &mut modules, job.request.optimize, job.store, progress)?;
        check_start(job, &modules, &library)?;
        let graph = graph(job.collection, &modules, &library);
        progress(Event::Packing);
        packed.warnings = warnings(job, &modules, &graph);
        let at_start = at_start(job, &modules, &graph, &library);
        let kept = job.request.tree_shake.then(|| reached(job, graph, &library));
        packed.application = application(job, &modules, at_start, kept.as_ref(), &library)?;
        job.store.put(&application_key, &packed.application);
        job.store.put(&warnings_key, packed.warnings.join("\n").as_bytes());
        if replaces_library {
            let other = other_library(job, &library, kept.as_ref())?;
            job.store.put(&library_key, &other);
            packed.library = Some(other);
        }
        job.store.prune();
    }
    describe(job, &mut packed, &library);
    Ok(packed)
}

fn is_sound(bytes: &[u8]) -> bool {
    Archive::open(bytes).is_ok_and(|archive| archive.check().is_ok())
}

/// Everything that the containers depend on.
fn application_key(job: &Job<'_>) -> Key {
    let mut key = job.store.key("application");
    let Request { keep, tree_shake, optimize, no_source, isolated, modified, .. } = job.request;
    let start = &job.beginning.start;
    let options = format!(
        "{keep:?} {tree_shake} {optimize} {no_source} {isolated} {modified} {start:?} {}",
        job.beginning.name
    );
    key.add(options.as_bytes());
    if let Ok(library) = job.base.library() {
        key.add(&library.sum().to_le_bytes());
    }
    for (path, input) in &job.collection.inputs {
        key.add(path.as_bytes());
        key.add(&input.contents);
    }
    key
}

/// What whoever builds should know of the modules.
fn warnings(job: &Job<'_>, modules: &Modules, graph: &Graph) -> Vec<String> {
    let failed = modules.failed.iter();
    let mut warnings: Vec<String> = failed
        .map(|(path, failure)| format!("{path} does not compile and stays a mere file: {failure}"))
        .collect();
    if let Some(native) = &job.request.native {
        let missing = reach::missing(&graph.nodes, &job.beginning.start, &native.built_in);
        warnings.extend(missing.into_iter().map(|(name, by)| {
            if native.library.contains(&name) {
                format!("{by} imports {name}, a module of the standard library that this rspy does not have")
            } else {
                format!(
                    "{by} imports {name}, which is not included: --wheel, --site or --requirements takes it in"
                )
            }
        }));
    }
    warnings
}

/// Says at once where what is to run is not there.
fn check_start(job: &Job<'_>, modules: &Modules, library: &Archive<'_>) -> Result<(), ApplicationError> {
    let has = |name: &str| {
        modules.compiled.values().any(|module| module.module == name) || library.module(name).is_some()
    };
    let missing = match &job.beginning.start {
        rspy_archive::Start::Script(_) => None,
        rspy_archive::Start::Module(name) => {
            let is_package =
                modules.compiled.values().any(|module| module.module == *name && module.is_package)
                    || library.module(name).is_some_and(|module| module.is_package);
            let name = if is_package { format!("{name}.__main__") } else { name.clone() };
            (!has(&name)).then_some(name)
        }
        rspy_archive::Start::Function { module, .. } => (!has(module)).then(|| module.clone()),
    };
    match missing {
        None => Ok(()),
        Some(name) => Err(ApplicationError::Request(format!(
            "there is no module {name} to run: name what has it with --wheel or --site"
        ))),
    }
}

/// What the modules of the application and of the library import.
struct Graph {
    nodes: BTreeMap<String, Node>,
    /// What is reached whatever imports it: the modules of codecs that the application names, and files that run at the start.
    roots: BTreeSet<String>,
}

fn graph(collection: &Collection, modules: &Modules, library: &Archive<'_>) -> Graph {
    let of_library: Vec<Module<'_>> = library.all_modules().collect();
    let mut nodes: BTreeMap<String, Node> = of_library
        .par_iter()
        .filter_map(|module| {
            let code = marshal::load(&library.code(module).ok()?).ok()?;
            let imports = imports(&code, module.name, module.is_package);
            Some((module.name.to_owned(), Node { imports, in_library: true }))
        })
        .collect();
    let own: Vec<&Compiled> = modules.compiled.values().collect();
    let own: Vec<_> = own
        .par_iter()
        .filter_map(|module| {
            let code = module.code_object()?;
            let mut codecs = BTreeSet::new();
            reach::codecs(&code, &mut codecs);
            let imports = imports(&code, &module.module, module.is_package);
            Some((module.module.clone(), Node { imports, in_library: false }, codecs))
        })
        .collect();
    let mut roots = BTreeSet::new();
    for (name, node, named) in own {
        nodes.insert(name, node);
        roots.extend(named);
    }
    let files = collection.inputs.iter().map(|(path, input)| (path.as_str(), &input.contents[..]));
    for (name, node) in reach::path_files(files) {
        roots.insert(name.clone());
        nodes.insert(name, node);
    }
    Graph { nodes, roots }
}

/// The modules that the application reaches, its own and the library's.
fn reached(job: &Job<'_>, graph: Graph, library: &Archive<'_>) -> BTreeSet<String> {
    let startup: Vec<String> = library
        .all_modules()
        .filter(|module| module.at_startup())
        .map(|module| module.name.to_owned())
        .collect();
    let mut roots = reach::roots(&job.beginning.start, &startup, &job.request.keep, &graph.nodes);
    roots.extend(graph.roots);
    reach::reachable(&graph.nodes, roots).into_keys().collect()
}

/// How much code is unpacked ahead. What of it is not imported after all stays in memory.
const AHEAD: usize = 8 << 20;
/// How much the names of the modules that are unpacked ahead take in memory: a fraction of what metadata may.
const AHEAD_NAMES: usize = 256 << 10;

/// The modules that the application imports as it starts, as far as their code is to be unpacked ahead.
fn at_start(job: &Job<'_>, modules: &Modules, graph: &Graph, library: &Archive<'_>) -> Vec<String> {
    let own: BTreeMap<&str, usize> =
        modules.compiled.values().map(|module| (module.module.as_str(), module.code.len())).collect();
    let mut found = reach::imported_at_start(&graph.nodes, &job.beginning.start);
    let (mut size, mut names) = (0, 0);
    found.retain(|name| {
        let in_library = || library.module(name).filter(|module| !module.at_startup());
        match own.get(name.as_str()).copied().or_else(|| Some(in_library()?.code_length() as usize)) {
            Some(length) => {
                size += length;
                names += name.len() + size_of::<String>();
                size <= AHEAD && names <= AHEAD_NAMES
            }
            None => false,
        }
    });
    found
}

/// The application's container.
fn application(
    job: &Job<'_>,
    modules: &Modules,
    at_start: Vec<String>,
    kept: Option<&BTreeSet<String>>,
    library: &Archive<'_>,
) -> Result<Vec<u8>, ApplicationError> {
    let python = library.metadata().map(|metadata| metadata.python).unwrap_or_default();
    let metadata = metadata(job.request, job.beginning, &python, at_start);
    let compression = if kept.is_some() { Compression::SMALL } else { Compression::APPLICATION };
    let mut builder = Builder::new(metadata, compression);
    for (path, input) in &job.collection.inputs {
        match modules.compiled.get(path) {
            None => builder.file(path, input.contents.clone())?,
            Some(module) if kept.is_some_and(|kept| !kept.contains(&module.module)) => {}
            Some(module) => {
                add_module(&mut builder, path, &input.contents, module, job.request.no_source, false)?;
            }
        }
    }
    Ok(builder.finish()?)
}

/// Adds a module with its source, or as a `.pyc` file where sources stay out.
fn add_module(
    builder: &mut Builder,
    path: &str,
    contents: &[u8],
    module: &Compiled,
    no_source: bool,
    at_startup: bool,
) -> Result<(), ApplicationError> {
    let (path, contents, code) = if !module.has_source {
        let offset = contents.len() - module.code.len();
        (path.to_owned(), contents.to_vec(), Code::InSource { offset })
    } else if no_source {
        // Its header has nothing to compare with: there is no source that could have changed.
        let header = pyc::write_header(pyc::Validation::UncheckedHash([0; 8]));
        let file = [&header[..], &module.code].concat();
        (format!("{path}c"), file, Code::InSource { offset: header.len() })
    } else {
        (path.to_owned(), contents.to_vec(), Code::Own(module.code.clone()))
    };
    builder.file(&path, contents)?;
    builder.module(FrozenModule {
        name: module.module.clone(),
        is_package: module.is_package,
        at_startup,
        source: Some(path),
        code,
    })?;
    Ok(())
}

/// The library, with only the modules that are kept, compiled as the application is.
fn other_library(
    job: &Job<'_>,
    library: &Archive<'_>,
    kept: Option<&BTreeSet<String>>,
) -> Result<Vec<u8>, ApplicationError> {
    let broken = |error| ApplicationError::Base("rspy".into(), BaseError::Library(error));
    let optimize = job.request.optimize;
    let old = library.metadata().map_err(broken)?;
    let compression = if kept.is_some() { Compression::BEST } else { Compression::APPLICATION };
    let mut builder = Builder::new(Metadata { optimize, ..old.clone() }, compression);
    let wanted: Vec<_> =
        library.all_modules().filter(|module| kept.is_none_or(|kept| kept.contains(module.name))).collect();
    let compiled: Vec<Result<_, ApplicationError>> = wanted
        .par_iter()
        .map(|module| {
            let path = module.path(library).unwrap_or_default();
            let source = library.entry(&path).map(|file| library.read(&file)).transpose().map_err(broken)?;
            let source = source.unwrap_or_default().into_owned();
            let code = if optimize == old.optimize {
                library.code(module).map_err(broken)?.into_owned()
            } else {
                let variant = Variant { optimize, ..Variant::default() };
                compile_variant(&source, &path, variant, None)
                    .map_err(|failure| ApplicationError::Compile(vec![(path.clone(), failure)]))?
                    .1
            };
            Ok((path, source, code))
        })
        .collect();
    let mut folders: BTreeSet<String> = BTreeSet::from([old.root.clone()]);
    for (module, compiled) in wanted.iter().zip(compiled) {
        let (path, source, code) = compiled?;
        let frozen = Compiled {
            module: module.name.to_owned(),
            is_package: module.is_package,
            code,
            has_source: true,
        };
        // What runs at every start is read where it lies, source or not.
        let no_source = job.request.no_source && !module.at_startup();
        if module.is_package {
            folders.extend(path.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        }
        add_module(&mut builder, &path, &source, &frozen, no_source, module.at_startup())?;
    }
    for number in 0..library.entry_count() {
        let Some(file) = library.entry_at(number).filter(|entry| !entry.is_folder && entry.module.is_none())
        else {
            continue;
        };
        let path = library.path(&file);
        // Data goes with the package that it lies in.
        let is_wanted = kept.is_none()
            || Path::new(&path).ancestors().skip(1).any(|folder| {
                folder.to_str().is_some_and(|folder| folder != old.root && folders.contains(folder))
            })
            || path == format!("{}/LICENSE.txt", old.root);
        if is_wanted {
            builder.file(&path, library.read(&file).map_err(broken)?.into_owned())?;
        }
    }
    Ok(builder.finish()?)
}

/// Tells what is in the containers, by what the container itself says: it may have been made earlier.
fn describe(job: &Job<'_>, packed: &mut Packed, library: &Archive<'_>) {
    let Ok(archive) = Archive::open(&packed.application) else { return };
    let mut parts: Vec<Part> =
        job.collection.origins.iter().map(|name| Part { name: name.clone(), ..Part::default() }).collect();
    for (path, input) in &job.collection.inputs {
        let found = archive.entry(path).or_else(|| archive.entry(&format!("{path}c")));
        match (found, input.kind.module()) {
            (None, Some(module)) => packed.dropped.push(module.to_owned()),
            (None, None) => {}
            (Some(entry), _) => {
                let part = &mut parts[input.origin];
                part.files += 1;
                part.stored += u64::from(archive.stored_size(&entry));
                if let Some(module) = entry.module.and_then(|number| archive.module_at(number)) {
                    part.modules += 1;
                    part.stored += u64::from(archive.stored_code_size(&module));
                }
            }
        }
    }
    parts.retain(|part| part.files > 0);
    packed.parts = parts;
    if let Some(other) = packed.library.as_ref().and_then(|bytes| Archive::open(bytes).ok()) {
        packed.dropped_library = library
            .all_modules()
            .filter(|module| other.module(module.name).is_none())
            .map(|module| module.name.to_owned())
            .collect();
    }
}
