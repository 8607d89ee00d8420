//! What an application is made from: a script, a package, a folder, a project, or a module among what was given.

use std::fs;
use std::path::{Path, PathBuf};

use rspy_archive::Start;

use super::collection::{Collection, OWN};
use super::project::Project;
use super::site::folder_name;
use super::{ApplicationError, distribution};
use crate::Kind;

/// Where an application starts, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// What runs.
    pub start: Start,
    /// The name of the application.
    pub name: String,
    /// A folder on disk, and where in the container its files go: modules that the script imports are looked for there, and
    /// data is taken from there.
    pub beside: Option<(PathBuf, String)>,
}

/// Adds the application's own files, and finds out where it starts. `entry` is what was asked for beyond the source.
pub fn add(
    collection: &mut Collection,
    source: Option<&Path>,
    module: Option<&str>,
    entry: Option<&str>,
) -> Result<Beginning, ApplicationError> {
    let beside = match source {
        None => None,
        Some(path) if path.is_dir() => match Project::read(path)? {
            Some(project) => return add_project(collection, &project, module, entry),
            None => Some(add_package(collection, path)?),
        },
        Some(path) if path.is_file() => {
            let (start, beside) = add_script(collection, path)?;
            let name = stem(path);
            let start = asked_for(collection, module, entry)?.unwrap_or(start);
            return Ok(Beginning { start, name, beside: Some(beside) });
        }
        Some(path) => return Err(ApplicationError::input(path, "no such script, package or project")),
    };
    let start = match asked_for(collection, module, entry)? {
        Some(start) => start,
        None => main_of(collection, beside.as_ref())?,
    };
    let name = match (&beside, &start) {
        (Some(package), _) => folder_name(&package.folder),
        (None, Start::Module(name)) => name.clone(),
        (None, Start::Function { module, .. }) => {
            entry.filter(|name| !name.contains(':')).unwrap_or(module).to_owned()
        }
        (None, Start::Script(path)) => path.clone(),
    };
    Ok(Beginning { start, name, beside: beside.map(|package| (package.above, package.root)) })
}

/// What `-m` or `--entry` asks for, if they are given.
fn asked_for(
    collection: &Collection,
    module: Option<&str>,
    entry: Option<&str>,
) -> Result<Option<Start>, ApplicationError> {
    match (module, entry) {
        (Some(_), Some(_)) => {
            Err(ApplicationError::Request("-m and --entry both say what runs; give one".into()))
        }
        (Some(module), None) => Ok(Some(Start::Module(module.to_owned()))),
        (None, Some(entry)) if entry.contains(':') => function(entry).map(Some),
        (None, Some(name)) => match distribution::console_script(collection, name) {
            Some(target) => function(&target).map(Some),
            None => {
                let known: Vec<String> = distribution::console_scripts(collection).into_keys().collect();
                let known = if known.is_empty() {
                    String::new()
                } else {
                    format!(" (there are: {})", known.join(", "))
                };
                Err(ApplicationError::Request(format!(
                    "--entry {name}: neither MODULE:FUNCTION nor a script of what is included{known}"
                )))
            }
        },
        (None, None) => Ok(None),
    }
}

fn function(target: &str) -> Result<Start, ApplicationError> {
    match target.split_once(':') {
        Some((module, function)) if !module.is_empty() && !function.is_empty() => {
            Ok(Start::Function { module: module.trim().to_owned(), function: function.trim().to_owned() })
        }
        _ => Err(ApplicationError::Request(format!("{target}: an entry point is written MODULE:FUNCTION"))),
    }
}

/// A package or a folder of modules on disk.
struct Package {
    folder: PathBuf,
    /// The folder that imports look in: above a package, the folder itself otherwise.
    above: PathBuf,
    /// Where that folder's files go.
    root: String,
    is_package: bool,
}

fn add_package(collection: &mut Collection, folder: &Path) -> Result<Package, ApplicationError> {
    let name = folder_name(folder);
    let origin = collection.origin(name.clone());
    let is_package = folder.join("__init__.py").is_file();
    let root = OWN.to_owned();
    if is_package {
        collection.add_folder(folder, &format!("{OWN}/{name}"), origin)?;
    } else {
        collection.add_folder(folder, OWN, origin)?;
    }
    let real = folder.canonicalize().map_err(ApplicationError::file(folder))?;
    let above = if is_package { real.parent().unwrap_or(&real).to_owned() } else { real.clone() };
    Ok(Package { folder: folder.to_owned(), above, root, is_package })
}

/// What runs where nothing was asked for: `__main__`.
fn main_of(collection: &Collection, package: Option<&Package>) -> Result<Start, ApplicationError> {
    let Some(package) = package else {
        return Err(ApplicationError::Request(
            "nothing to run: name a script, a package or a project, or give -m MODULE or --entry MODULE:FUNCTION".into(),
        ));
    };
    let name = folder_name(&package.folder);
    if package.is_package && collection.module(&format!("{name}.__main__")).is_some() {
        return Ok(Start::Module(name));
    }
    match collection.module("__main__").filter(|_| !package.is_package) {
        Some(path) => Ok(Start::Script(path.to_owned())),
        None => Err(ApplicationError::input(
            &package.folder,
            "it has no __main__.py that could run; --entry MODULE:FUNCTION says what does",
        )),
    }
}

fn add_project(
    collection: &mut Collection,
    project: &Project,
    module: Option<&str>,
    entry: Option<&str>,
) -> Result<Beginning, ApplicationError> {
    project.add(collection)?;
    let name = project.name()?.to_owned();
    let beside = Some((project.import_root(), super::collection::SITE.to_owned()));
    if let Some(start) = asked_for(collection, module, entry)? {
        return Ok(Beginning { start, name, beside });
    }
    let scripts = project.scripts();
    let chosen = match scripts.len() {
        1 => scripts.iter().next(),
        _ => scripts.get_key_value(&name),
    };
    if let Some((script, target)) = chosen {
        return Ok(Beginning { start: function(target)?, name: script.clone(), beside });
    }
    let package = distribution::normalised(&name).replace('-', "_");
    if scripts.is_empty() && collection.module(&format!("{package}.__main__")).is_some() {
        return Ok(Beginning { start: Start::Module(package), name, beside });
    }
    let choice = if scripts.is_empty() {
        "it has neither [project.scripts] nor a __main__.py; --entry MODULE:FUNCTION says what runs"
            .to_owned()
    } else {
        let names: Vec<String> = scripts.into_keys().collect();
        format!("it has several scripts; --entry says which: {}", names.join(", "))
    };
    Err(ApplicationError::Request(format!("{name}: {choice}")))
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "application".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn add_script(
    collection: &mut Collection,
    path: &Path,
) -> Result<(Start, (PathBuf, String)), ApplicationError> {
    let contents = fs::read(path).map_err(ApplicationError::file(path))?;
    let name = stem(path);
    let origin = collection.origin(name.clone());
    let place = format!("{OWN}/{name}.py");
    collection.add(OWN, &format!("{name}.py"), contents, origin);
    if let Some(input) = collection.inputs.get_mut(&place) {
        // A script runs whatever it is called.
        input.kind = Kind::Source { module: name, is_package: false };
    }
    let real = path.canonicalize().map_err(ApplicationError::file(path))?;
    let folder = real.parent().unwrap_or(&real).to_owned();
    Ok((Start::Script(place), (folder, OWN.to_owned())))
}
