//! The files of an application, by their path in the container, with where each comes from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::ApplicationError;
use crate::{Kind, Tree};

/// The folder of what was installed, in the container.
pub const SITE: &str = "lib/python3.14/site-packages";
/// The folder of the application's own files, in the container.
pub const OWN: &str = "app";

/// A file of an application.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its contents.
    pub contents: Vec<u8>,
    /// Which of [`Collection::origins`] it comes from.
    pub origin: usize,
    /// What it is, by its path below the folder that imports look in.
    pub kind: Kind,
}

/// All files of an application.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// By path in the container.
    pub inputs: BTreeMap<String, Input>,
    /// Where files come from, for people to read: a wheel and its release, a folder's name.
    pub origins: Vec<String>,
    /// Compiled extension modules and other libraries, by origin: they cannot be taken in.
    pub native: BTreeMap<usize, Vec<String>>,
}

impl Collection {
    /// Enters an origin.
    pub fn origin(&mut self, name: impl Into<String>) -> usize {
        let name = name.into();
        if let Some(number) = self.origins.iter().position(|known| *known == name) {
            return number;
        }
        self.origins.push(name);
        self.origins.len() - 1
    }

    /// Adds a file below a folder that imports look in. Of two files of one path the first counts, as it does on an import
    /// path.
    pub fn add(&mut self, root: &str, path: &str, contents: Vec<u8>, origin: usize) {
        let place = if root.is_empty() { path.to_owned() } else { format!("{root}/{path}") };
        let inner = [SITE, OWN].iter().find_map(|root| place.strip_prefix(root)?.strip_prefix('/'));
        if is_native(path) {
            self.native.entry(origin).or_default().push(inner.unwrap_or(&place).to_owned());
            return;
        }
        let kind = inner.map_or(Kind::Data, Kind::of);
        self.inputs.entry(place).or_insert(Input { contents, origin, kind });
    }

    /// Adds the files below a folder, except what belongs to version control, editors and caches.
    pub fn add_folder(&mut self, folder: &Path, root: &str, origin: usize) -> Result<(), ApplicationError> {
        let tree = Tree::scan_with(folder, &|path| is_left_out(folder, path))?;
        self.add_files(tree.files.into_iter().map(|file| (file.path, file.location)).collect(), root, origin)
    }

    /// Adds files from disk, with their paths below `root`.
    pub fn add_files(
        &mut self,
        files: Vec<(String, PathBuf)>,
        root: &str,
        origin: usize,
    ) -> Result<(), ApplicationError> {
        let contents: Vec<Result<Vec<u8>, ApplicationError>> = files
            .par_iter()
            .map(|(path, location)| {
                if is_native(path) {
                    return Ok(Vec::new());
                }
                fs::read(location).map_err(ApplicationError::file(location))
            })
            .collect();
        for ((path, _), contents) in files.iter().zip(contents) {
            self.add(root, path, contents?, origin);
        }
        Ok(())
    }

    /// Leaves out modules, and with a package all that lies in its folder.
    pub fn exclude(&mut self, modules: &[String]) {
        let is_excluded = |path: &str| {
            modules.iter().any(|module| {
                let module = module.replace('.', "/");
                [SITE, OWN].iter().any(|root| {
                    let rest = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
                    rest.and_then(|rest| rest.strip_prefix(module.as_str()))
                        .is_some_and(|end| end.starts_with('/') || end == ".py" || end == ".pyc")
                })
            })
        };
        self.inputs.retain(|path, _| !is_excluded(path));
        for files in self.native.values_mut() {
            files.retain(|path| !is_excluded(&format!("{SITE}/{path}")));
        }
        self.native.retain(|_, files| !files.is_empty());
    }

    /// The path of the file that a module's name leads to.
    pub fn module(&self, name: &str) -> Option<&str> {
        self.inputs.iter().find(|(_, input)| input.kind.module() == Some(name)).map(|(path, _)| path.as_str())
    }

    /// The compiled extension modules, by the name of their origin.
    pub fn native_files(&self) -> Vec<(String, Vec<String>)> {
        self.native.iter().map(|(&origin, files)| (self.origins[origin].clone(), files.clone())).collect()
    }
}

/// Whether a file is machine code for the system's loader.
fn is_native(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}

/// What does not belong into an application though it lies in its folder: hidden files, virtual environments, caches.
fn is_left_out(folder: &Path, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with('.') || name == "node_modules" || folder.join(path).join("pyvenv.cfg").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_code_is_told_by_its_name() {
        for path in ["a/b.so", "x.cpython-314-x86_64-linux-gnu.so", "a.libs/libgomp-1.so.1", "b.pyd"] {
            assert!(is_native(path), "{path}");
        }
        for path in ["so.py", "a.so/b.py", "something.sol"] {
            assert!(!is_native(path), "{path}");
        }
    }

    #[test]
    fn the_first_file_of_a_path_counts_and_packages_go_as_a_whole() {
        let mut collection = Collection::default();
        let (one, two) = (collection.origin("one"), collection.origin("two"));
        collection.add(SITE, "p/__init__.py", b"1".to_vec(), one);
        collection.add(SITE, "p/__init__.py", b"2".to_vec(), two);
        collection.add(SITE, "p/data.txt", Vec::new(), one);
        collection.add(SITE, "pq.py", Vec::new(), one);
        collection.add(SITE, "p/fast.so", Vec::new(), one);
        assert_eq!(collection.inputs[&format!("{SITE}/p/__init__.py")].contents, b"1");
        assert_eq!(collection.native_files(), [("one".to_owned(), vec!["p/fast.so".to_owned()])]);
        assert_eq!(collection.module("p"), Some("lib/python3.14/site-packages/p/__init__.py"));
        collection.exclude(&["p".to_owned()]);
        assert_eq!(collection.inputs.keys().collect::<Vec<_>>(), ["lib/python3.14/site-packages/pq.py"]);
        assert!(collection.native.is_empty());
    }
}
