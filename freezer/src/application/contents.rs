//! What is in an application, found out from the containers themselves: parts, modules, files, and who imports whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use rspy_archive::{Application, Archive, ArchiveError, Module};
use rspy_code::marshal;

use super::collection::{OWN, SITE};
use super::distribution::{self, Distribution};
use super::reach::{self, Node};
use crate::imports::imports;

/// The name of the part that is the standard library.
const LIBRARY: &str = "Python's standard library";

/// What is in an application.
#[derive(Debug, Default)]
pub struct Contents {
    /// The release of Python.
    pub python: String,
    /// What runs, if it is an application.
    pub application: Option<Application>,
    /// The distributions that it includes.
    pub distributions: Vec<Distribution>,
    /// Each part with its files.
    pub parts: BTreeMap<String, Vec<Item>>,
}

/// A file or a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// The path in the executable.
    pub path: String,
    /// The module, if it is one.
    pub module: Option<String>,
    /// The bytes of the file.
    pub size: u64,
    /// The bytes of its code, unpacked.
    pub code: u64,
    /// What both take in the executable.
    pub stored: u64,
    /// The modules from the application's start to this one, each imported by the one before; empty if no import leads there.
    pub chain: Vec<String>,
}

impl Contents {
    /// Takes stock of the containers of an executable: the application's first, if there is one.
    pub fn of(archives: &[(&'static str, Archive<'_>)]) -> Result<Contents, ArchiveError> {
        let mut contents = Contents::default();
        for (_, archive) in archives {
            let metadata = archive.metadata()?;
            contents.python.clone_from(&metadata.python);
            contents.application = contents.application.or(metadata.application);
        }
        let chains = contents.application.as_ref().map(|application| chains(archives, application));
        for (name, archive) in archives {
            let owners = owners(archive)?;
            for number in 0..archive.entry_count() {
                let Some(entry) = archive.entry_at(number).filter(|entry| !entry.is_folder) else { continue };
                let path = archive.path(&entry);
                if path.ends_with(".dist-info/METADATA") {
                    contents
                        .distributions
                        .push(distribution::parse(&String::from_utf8_lossy(&archive.read(&entry)?)));
                }
                let module = entry.module.and_then(|number| archive.module_at(number));
                let part = if *name == "library" { LIBRARY.to_owned() } else { part_of(&path, &owners) };
                let chain =
                    module.as_ref().zip(chains.as_ref()).and_then(|(module, chains)| chains.get(module.name));
                contents.parts.entry(part).or_default().push(Item {
                    module: module.as_ref().map(|module| module.name.to_owned()),
                    size: u64::from(entry.size),
                    code: module.as_ref().map_or(0, |module| u64::from(module.code_length())),
                    stored: u64::from(archive.stored_size(&entry))
                        + module.as_ref().map_or(0, |module| u64::from(archive.stored_code_size(module))),
                    chain: chain.cloned().unwrap_or_default(),
                    path,
                });
            }
        }
        contents.distributions.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(contents)
    }
}

/// The part that a file belongs to: its distribution, the application itself, or else its topmost folder.
fn part_of(path: &str, owners: &HashMap<String, String>) -> String {
    if let Some(inner) = path.strip_prefix(SITE).and_then(|rest| rest.strip_prefix('/')) {
        return owners.get(inner).cloned().unwrap_or_else(|| top(inner));
    }
    match path.strip_prefix(OWN).and_then(|rest| rest.strip_prefix('/')) {
        Some(_) => "the application's own files".to_owned(),
        None => top(path),
    }
}

/// The topmost folder of a path, without the marks of a distribution.
fn top(path: &str) -> String {
    let first = path.split('/').next().unwrap_or(path);
    match first.strip_suffix(".dist-info") {
        Some(_) => distribution::name_of_folder(first),
        None => first.to_owned(),
    }
}

/// The distribution of each installed file, by the lists of what was installed.
fn owners(archive: &Archive<'_>) -> Result<HashMap<String, String>, ArchiveError> {
    let mut owners = HashMap::new();
    let Some(site) = archive.entry(SITE) else { return Ok(owners) };
    for folder in archive.children(&site).filter(|entry| entry.name.ends_with(".dist-info")) {
        let name = distribution::name_of_folder(folder.name);
        for file in archive.children(&folder) {
            owners.insert(format!("{}/{}", folder.name, file.name), name.clone());
        }
        if let Some(record) = archive.child(&folder, "RECORD") {
            for path in distribution::record_paths(&String::from_utf8_lossy(&archive.read(&record)?)) {
                owners.insert(path.to_owned(), name.clone());
            }
        }
    }
    Ok(owners)
}

/// For each module that imports lead to, the modules on the way from the application's start.
fn chains(
    archives: &[(&'static str, Archive<'_>)],
    application: &Application,
) -> HashMap<String, Vec<String>> {
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    let mut startup = BTreeSet::new();
    // The application's modules come before those of the library.
    for (name, archive) in archives.iter().rev() {
        let modules: Vec<Module<'_>> = archive.all_modules().collect();
        if *name == "library" {
            let at_startup = modules.iter().filter(|module| module.at_startup());
            startup.extend(at_startup.map(|module| module.name.to_owned()));
        }
        let found: Vec<(String, Node)> = modules
            .par_iter()
            .filter_map(|module| {
                let code = marshal::load(&archive.code(module).ok()?).ok()?;
                let imports = imports(&code, module.name, module.is_package);
                Some((module.name.to_owned(), Node { imports, in_library: *name == "library" }))
            })
            .collect();
        nodes.extend(found);
    }
    let mut path_files = Vec::new();
    for (_, archive) in archives {
        let Some(site) = archive.entry(SITE) else { continue };
        for file in archive.children(&site).filter(|entry| entry.name.ends_with(".pth")) {
            let contents = archive.read(&file).unwrap_or_default();
            path_files.extend(reach::path_files([(&*archive.path(&file), &*contents)]));
        }
    }
    // What the application itself imports is told first, so that chains begin there where they can.
    let own = reach::start_modules(&application.start);
    let mut roots = reach::roots(&application.start, &startup.into_iter().collect::<Vec<_>>(), &[], &nodes);
    roots.extend(path_files.iter().map(|(name, _)| name.clone()));
    nodes.extend(path_files);
    let reached = reach::reachable(&nodes, own.into_iter().chain(roots));
    reached
        .keys()
        .map(|name| {
            let mut chain = vec![name.clone()];
            while let Some(Some(importer)) = chain.last().and_then(|last| reached.get(last)) {
                if chain.contains(importer) {
                    break;
                }
                chain.push(importer.clone());
            }
            chain.reverse();
            (name.clone(), chain)
        })
        .collect()
}
