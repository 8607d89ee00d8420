//! Projects: what `pyproject.toml` says of an application, its packages, its scripts and how it is to be built.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::collection::{Collection, SITE};
use super::{ApplicationError, distribution};
use crate::Tree;

/// Folders of a flat project that are not part of what it installs.
const NOT_PACKAGES: &[&str] = &[
    "test",
    "tests",
    "testing",
    "doc",
    "docs",
    "example",
    "examples",
    "script",
    "scripts",
    "tool",
    "tools",
    "bench",
    "benchmark",
    "benchmarks",
    "build",
    "dist",
    "ci",
    "htmlcov",
    "node_modules",
];

/// A project that `pyproject.toml` describes.
#[derive(Clone, Debug)]
pub struct Project {
    folder: PathBuf,
    table: Table,
}

impl Project {
    /// Reads the project of a folder; nothing if it is none.
    pub fn read(folder: &Path) -> Result<Option<Project>, ApplicationError> {
        let path = folder.join("pyproject.toml");
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(ApplicationError::file(&path))?;
        let table =
            text.parse::<Table>().map_err(|error| ApplicationError::input(&path, error.to_string()))?;
        Ok(Some(Project { folder: folder.to_owned(), table }))
    }

    fn section(&self, path: &[&str]) -> Option<&Table> {
        path.iter().try_fold(&self.table, |table, name| table.get(*name)?.as_table())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.section(&["project"])?.get(name)?.as_str()
    }

    /// The table with the options of `freezer build`.
    pub fn options(&self) -> Option<&Table> {
        self.section(&["tool", "rspy"])
    }

    /// The project's name.
    pub fn name(&self) -> Result<&str, ApplicationError> {
        self.text("name").ok_or_else(|| {
            ApplicationError::input(
                &self.folder.join("pyproject.toml"),
                "it has no [project] table with a name",
            )
        })
    }

    /// The entry points of the scripts that it installs, by name.
    pub fn scripts(&self) -> BTreeMap<String, String> {
        ["scripts", "gui-scripts"].iter().flat_map(|name| entries(self.section(&["project", name]))).collect()
    }

    /// Adds what installing the project would install: its packages and modules, and what is said about it.
    pub fn add(&self, collection: &mut Collection) -> Result<(), ApplicationError> {
        let name = self.name()?.to_owned();
        let version = self.text("version").unwrap_or("0").to_owned();
        let origin = collection.origin(format!("{name} {version}"));
        let root = self.import_root();
        for path in self.packages(&root)? {
            let location = root.join(&path);
            if location.is_dir() {
                collection.add_folder(&location, &format!("{SITE}/{path}"), origin)?;
            } else {
                collection.add_files(vec![(path, location)], SITE, origin)?;
            }
        }
        let folder = format!("{}-{version}.dist-info", distribution::normalised(&name).replace('-', "_"));
        collection.add(
            SITE,
            &format!("{folder}/METADATA"),
            self.metadata(&name, &version).into_bytes(),
            origin,
        );
        collection.add(SITE, &format!("{folder}/INSTALLER"), b"freezer\n".to_vec(), origin);
        let points = self.entry_points();
        if !points.is_empty() {
            collection.add(SITE, &format!("{folder}/entry_points.txt"), points.into_bytes(), origin);
        }
        Ok(())
    }

    /// The folder that the project's packages stand in.
    pub fn import_root(&self) -> PathBuf {
        let source = self.folder.join("src");
        if source.is_dir() { source } else { self.folder.clone() }
    }

    /// The packages and modules of the project, below its import root: that of its name if there is one, otherwise all that
    /// look like packages.
    fn packages(&self, root: &Path) -> Result<Vec<String>, ApplicationError> {
        let name = distribution::normalised(self.name()?).replace('-', "_");
        let is_source = root != self.folder;
        if !is_source {
            for candidate in [name.clone(), format!("{name}.py")] {
                if root.join(&candidate).exists() {
                    return Ok(vec![candidate]);
                }
            }
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(root).map_err(ApplicationError::file(root))? {
            let entry = entry.map_err(ApplicationError::file(root))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = entry.path();
            let is_package = path.join("__init__.py").is_file()
                || is_source && path.is_dir() && !Tree::scan(&path, &[])?.files.is_empty();
            let is_module =
                path.extension().is_some_and(|end| end == "py") && path.is_file() && name != "setup.py";
            let is_wanted = is_source || !NOT_PACKAGES.contains(&name.trim_end_matches(".py"));
            if (is_package || is_module)
                && is_wanted
                && !name.starts_with('.')
                && !name.ends_with(".egg-info")
            {
                found.push(name);
            }
        }
        found.sort();
        if found.is_empty() {
            return Err(ApplicationError::input(
                root,
                format!("the project has no package: neither {name}/ nor {name}.py is there"),
            ));
        }
        Ok(found)
    }

    fn metadata(&self, name: &str, version: &str) -> String {
        let mut text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        if let Some(summary) = self.text("description") {
            let _ = writeln!(text, "Summary: {}", summary.replace('\n', " "));
        }
        if let Some(license) = self.text("license") {
            let _ = writeln!(text, "License-Expression: {license}");
        }
        if let Some(python) = self.text("requires-python") {
            let _ = writeln!(text, "Requires-Python: {python}");
        }
        let needs = self.section(&["project"]).and_then(|project| project.get("dependencies")?.as_array());
        for need in needs.into_iter().flatten().filter_map(Value::as_str) {
            let _ = writeln!(text, "Requires-Dist: {need}");
        }
        text
    }

    fn entry_points(&self) -> String {
        let mut groups = vec![
            ("console_scripts", entries(self.section(&["project", "scripts"]))),
            ("gui_scripts", entries(self.section(&["project", "gui-scripts"]))),
        ];
        let others = self.section(&["project", "entry-points"]);
        for (name, group) in others.into_iter().flatten() {
            groups.push((name, entries(group.as_table())));
        }
        let mut text = String::new();
        for (name, points) in groups.iter().filter(|(_, points)| !points.is_empty()) {
            let _ = writeln!(text, "[{name}]");
            for (point, target) in points {
                let _ = writeln!(text, "{point} = {target}");
            }
            text.push('\n');
        }
        text
    }
}

fn entries(table: Option<&Table>) -> BTreeMap<String, String> {
    let pairs = table.into_iter().flatten();
    pairs.filter_map(|(name, target)| Some((name.clone(), target.as_str()?.to_owned()))).collect()
}
