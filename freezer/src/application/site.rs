//! Folders of installed packages: a virtual environment, its `site-packages`, or what `pip install --target` filled.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::collection::{Collection, SITE};
use super::{ApplicationError, distribution};
use crate::Tree;

/// Tools that environments come with: they are for whoever installs, not for what was installed.
const TOOLS: &[&str] = &["pip"];

/// Adds what is installed in a folder. `keep` names modules that are wanted even if they are such tools.
pub fn add(collection: &mut Collection, folder: &Path, keep: &[String]) -> Result<(), ApplicationError> {
    let folder = site_packages(folder)?;
    let is_tool = |path: &str| {
        TOOLS.iter().any(|tool| {
            let rest = path.strip_prefix(tool);
            let is_its_own = rest
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-') && rest.ends_with(".dist-info"));
            is_its_own && !keep.iter().any(|name| name == tool)
        })
    };
    // Scripts of `pip install --target` name an interpreter that is not there.
    let tree = Tree::scan_with(&folder, &|path| path.starts_with('.') || path == "bin" || is_tool(path))?;
    let owners = owners(&folder, &tree)?;
    let mut by_origin: HashMap<usize, Vec<(String, PathBuf)>> = HashMap::new();
    let other = folder_name(&folder);
    for file in tree.files {
        let name = owners.get(&file.path).unwrap_or(&other);
        let origin = collection.origin(name.clone());
        by_origin.entry(origin).or_default().push((file.path, file.location));
    }
    let mut origins: Vec<_> = by_origin.into_iter().collect();
    origins.sort();
    for (origin, files) in origins {
        collection.add_files(files, SITE, origin)?;
    }
    Ok(())
}

/// The folder that imports look in.
fn site_packages(folder: &Path) -> Result<PathBuf, ApplicationError> {
    let entries = match fs::read_dir(folder.join("lib")) {
        Err(_) => {
            return if folder.is_dir() {
                Ok(folder.to_owned())
            } else {
                Err(ApplicationError::input(folder, "not a folder of installed packages"))
            };
        }
        Ok(entries) => entries,
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages"))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    // A package may be called `lib` as well.
    Ok(found.pop().unwrap_or_else(|| folder.to_owned()))
}

/// The distribution that each file belongs to, by the lists of what was installed.
fn owners(folder: &Path, tree: &Tree) -> Result<HashMap<String, String>, ApplicationError> {
    let mut owners = HashMap::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".dist-info/RECORD")) {
        let text =
            fs::read_to_string(&file.location).map_err(ApplicationError::file(&folder.join(&file.path)))?;
        let name = distribution::name_of_folder(file.path.trim_end_matches("/RECORD"));
        owners.extend(distribution::record_paths(&text).map(|path| (path.to_owned(), name.clone())));
    }
    Ok(owners)
}

/// The last part of a folder's path, which is the same wherever the project lies.
pub fn folder_name(folder: &Path) -> String {
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    path.file_name().map_or_else(|| "files".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Installs what requirement files ask for into a new folder, with `uv` or `pip`, whichever is there.
pub fn install(requirements: &[PathBuf], folder: &Path) -> Result<(), ApplicationError> {
    // Wheels alone: to install anything else would run its own code.
    let uv: &[&str] =
        &["uv", "pip", "install", "--quiet", "--python-version", "3.14", "--only-binary", ":all:"];
    let pip: &[&str] = &[
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--python-version",
        "3.14",
        "--only-binary",
        ":all:",
        "--no-compile",
    ];
    for words in [uv, pip] {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("--target").arg(folder);
        for file in requirements {
            command.arg("--requirement").arg(file);
        }
        match command.status() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ApplicationError::Request(format!("{}: {error}", words[0]))),
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => {
                return Err(ApplicationError::Request(format!(
                    "{} could not install what the requirements ask for ({status}); its messages stand above",
                    words[0]
                )));
            }
        }
    }
    Err(ApplicationError::Request(
        "--requirements needs uv or pip on the path; or install them yourself and name the folder with --site".into(),
    ))
}
