//! What a folder of Python files holds: modules, packages, and the files beside them.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a file is to the freezer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The source of a module.
    Source {
        /// The module's dotted name.
        module: String,
        /// Whether it is a package.
        is_package: bool,
    },
    /// A module of which only the compiled form is there.
    Compiled {
        /// The module's dotted name.
        module: String,
        /// Whether it is a package.
        is_package: bool,
    },
    /// Anything else: kept so that it can be read.
    Data,
}

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path in the tree, with `/` between the parts.
    pub path: String,
    /// Where it is on disk.
    pub location: PathBuf,
    /// What it is.
    pub kind: Kind,
}

/// The files below a folder, by path.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The files, sorted by path.
    pub files: Vec<TreeFile>,
}

/// Why a folder cannot be taken stock of.
#[derive(Debug)]
pub enum TreeError {
    /// A folder cannot be listed.
    Unreadable(PathBuf, io::Error),
    /// A name is not text, so no container can hold it.
    Name(PathBuf),
    /// A folder contains itself, by a link.
    Loop(PathBuf),
}

impl fmt::Display for TreeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeError::Unreadable(path, error) => write!(formatter, "{}: {error}", path.display()),
            TreeError::Name(path) => write!(formatter, "{}: its name is not UTF-8", path.display()),
            TreeError::Loop(path) => write!(formatter, "{}: the folder contains itself", path.display()),
        }
    }
}

impl std::error::Error for TreeError {}

impl Tree {
    /// Takes stock of `folder`, leaving out compiled caches and whatever `exclude` names: paths in the tree, of
    /// files or of folders.
    pub fn scan(folder: &Path, exclude: &[String]) -> Result<Tree, TreeError> {
        Tree::scan_with(folder, &|path| exclude.iter().any(|excluded| excluded == path))
    }

    /// Takes stock of `folder`, leaving out compiled caches and the files and folders whose paths in the tree
    /// `is_excluded` is true of.
    pub fn scan_with(folder: &Path, is_excluded: &dyn Fn(&str) -> bool) -> Result<Tree, TreeError> {
        let mut files = Vec::new();
        let mut above = Vec::new();
        walk(folder, "", is_excluded, &mut above, &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let paths: HashSet<String> = files.iter().map(|file| file.path.clone()).collect();
        // A compiled file beside its source is a cache of it.
        files.retain(|file| file.kind == Kind::Data || !is_cache(&file.path, &paths));
        // Of a package and a file of one name, an import finds the package.
        let packages: HashSet<String> =
            files.iter().filter_map(|file| file.kind.package().map(str::to_owned)).collect();
        for file in &mut files {
            if let Kind::Source { module, is_package: false } | Kind::Compiled { module, is_package: false } =
                &file.kind
                && packages.contains(module)
            {
                file.kind = Kind::Data;
            }
        }
        Ok(Tree { files })
    }
}

impl Tree {
    /// Adds another tree's files; where both have a path, the other's file is taken.
    pub fn add(&mut self, other: Tree) {
        let paths: HashSet<&str> = other.files.iter().map(|file| file.path.as_str()).collect();
        self.files.retain(|file| !paths.contains(file.path.as_str()));
        self.files.extend(other.files);
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
    }
}

impl Kind {
    /// What a file is, by its path below the folder that imports look in: a module when an `import` statement can name it.
    pub fn of(path: &str) -> Kind {
        let (stem, compiled) = match (path.strip_suffix(".py"), path.strip_suffix(".pyc")) {
            (Some(stem), _) => (stem, false),
            (_, Some(stem)) => (stem, true),
            _ => return Kind::Data,
        };
        if !stem.split('/').all(is_identifier) {
            return Kind::Data;
        }
        let (module, is_package) = match stem.strip_suffix("/__init__") {
            Some(package) => (package, true),
            None => (stem, false),
        };
        let module = module.replace('/', ".");
        if compiled { Kind::Compiled { module, is_package } } else { Kind::Source { module, is_package } }
    }

    /// The name of the module that this is.
    pub fn module(&self) -> Option<&str> {
        match self {
            Kind::Source { module, .. } | Kind::Compiled { module, .. } => Some(module),
            Kind::Data => None,
        }
    }

    /// Whether it is a package.
    pub fn is_package(&self) -> bool {
        self.package().is_some()
    }

    /// The name of the package whose `__init__` this is.
    fn package(&self) -> Option<&str> {
        match self {
            Kind::Source { module, is_package: true } | Kind::Compiled { module, is_package: true } => {
                Some(module)
            }
            _ => None,
        }
    }
}

fn is_cache(path: &str, paths: &HashSet<String>) -> bool {
    path.strip_suffix('c').is_some_and(|source| paths.contains(source))
}

fn walk(
    folder: &Path,
    prefix: &str,
    is_excluded: &dyn Fn(&str) -> bool,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<TreeFile>,
) -> Result<(), TreeError> {
    let unreadable = |error| TreeError::Unreadable(folder.to_owned(), error);
    let place = folder.canonicalize().map_err(unreadable)?;
    if above.contains(&place) {
        return Err(TreeError::Loop(folder.to_owned()));
    }
    above.push(place);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let location = entry.map_err(unreadable)?.path();
        let name =
            location.file_name().and_then(|name| name.to_str()).ok_or(TreeError::Name(location.clone()))?;
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        if name == "__pycache__" || is_excluded(&path) {
            continue;
        }
        let kind = fs::metadata(&location).map_err(|error| TreeError::Unreadable(location.clone(), error))?;
        if kind.is_dir() {
            walk(&location, &path, is_excluded, above, files)?;
        } else if kind.is_file() {
            let kind = Kind::of(&path);
            files.push(TreeFile { path, location, kind });
        }
    }
    above.pop();
    Ok(())
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && characters.all(|character| character == '_' || character.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(module: &str, is_package: bool) -> Kind {
        Kind::Source { module: module.into(), is_package }
    }

    #[test]
    fn paths_name_modules() {
        assert_eq!(Kind::of("json/decoder.py"), source("json.decoder", false));
        assert_eq!(Kind::of("json/__init__.py"), source("json", true));
        assert_eq!(Kind::of("__main__.py"), source("__main__", false));
        assert_eq!(Kind::of("a/b.pyc"), Kind::Compiled { module: "a.b".into(), is_package: false });
        assert_eq!(Kind::of("venv/scripts/common/activate"), Kind::Data);
        assert_eq!(Kind::of("test/bad-name.py"), Kind::Data);
        assert_eq!(Kind::of("3d/shape.py"), Kind::Data);
    }

    #[test]
    fn a_tree_leaves_out_caches_and_what_it_is_told() {
        let folder = std::env::temp_dir().join(format!("freezer-tree-{}", std::process::id()));
        for path in [
            "a.py",
            "a.pyc",
            "only.pyc",
            "__pycache__/a.cpython-314.pyc",
            "p/__init__.py",
            "p/q.txt",
            "t/x.py",
        ] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let tree = Tree::scan(&folder, &["t".to_owned()]).unwrap();
        let paths: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(paths, ["a.py", "only.pyc", "p/__init__.py", "p/q.txt"]);
        assert_eq!(tree.files[3].kind, Kind::Data);
        assert!(Tree::scan(&folder, &[]).is_err());
    }
}
