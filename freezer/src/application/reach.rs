//! Which modules an application reaches by its imports, and by which import each comes in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rspy_archive::Start;
use rspy_code::{CodeObject, Constant};

use super::collection::SITE;
use super::compiled::Compiled;
use crate::imports::{Imports, imports};
use crate::{Variant, compile_variant};

/// The imports of a compiled module.
pub fn imports_of(module: &Compiled) -> Imports {
    module.code_object().map(|code| imports(&code, &module.module, module.is_package)).unwrap_or_default()
}

/// Files of installed packages of which `site` runs some lines at the start, each with what these import: by path in the
/// container, which stands for a module's name.
pub fn path_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<(String, Node)> {
    let is_path_file = |path: &str| {
        let name = path.strip_prefix(SITE).and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| name.ends_with(".pth") && !name.contains('/'))
    };
    files
        .into_iter()
        .filter(|(path, _)| is_path_file(path))
        .map(|(path, contents)| {
            let text = String::from_utf8_lossy(contents);
            let mut node = Node::default();
            let is_run = |line: &&str| line.starts_with("import ") || line.starts_with("import\t");
            for line in text.trim_start_matches('\u{feff}').lines().filter(is_run) {
                if let Ok((code, _)) = compile_variant(line.as_bytes(), path, Variant::default(), None) {
                    node.imports.add(imports(&code, "", false));
                }
            }
            (path.to_owned(), node)
        })
        .collect()
}

/// Modules of the library that the interpreter itself imports, whatever runs.
const BY_THE_INTERPRETER: &[&str] = &[
    "collections.abc",
    "copyreg",
    "encodings.ascii",
    "encodings.latin_1",
    "encodings.raw_unicode_escape",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_8_sig",
    "functools",
    "io",
    "runpy",
    "string.templatelib",
    "traceback",
    "types",
    "typing",
    "warnings",
    "weakref",
];

/// Modules that native modules, and loaders on behalf of others, import: by who does, and by the function that has to be
/// mentioned for it, if any.
const BY_NATIVE_CODE: &[(&str, &str, &[&str])] = &[
    (
        "_asyncio",
        "",
        &[
            "asyncio.events",
            "asyncio.exceptions",
            "asyncio.coroutines",
            "asyncio.base_futures",
            "asyncio.base_tasks",
        ],
    ),
    ("_datetime", "strptime", &["_strptime"]),
    ("_decimal", "", &["numbers", "collections"]),
    ("_interpqueues", "", &["concurrent.interpreters._queues"]),
    ("_interpreters", "", &["pickle"]),
    ("_json", "", &["json.decoder"]),
    ("_pickle", "", &["copyreg", "_compat_pickle"]),
    ("_socket", "", &["encodings.idna"]),
    ("_zoneinfo", "", &["zoneinfo._common", "zoneinfo._tzpath"]),
    ("importlib.resources", "", &["importlib.readers"]),
    ("time", "strptime", &["_strptime"]),
];

/// Functions of the library that make programs of its modules, or test them.
const PROGRAMS: &[&str] = &["main", "_main", "test", "_test", "_test_generator"];

/// Imports of the library that serve its own tests and the interactive interpreter, by who imports: `*` is everybody.
const NOT_IN_APPLICATIONS: &[(&str, &str)] = &[
    ("*", "doctest"),
    ("_py_warnings", "tracemalloc"),
    ("_sitebuiltins", "_pyrepl"),
    ("_sitebuiltins", "pydoc"),
    // Only what is imported from there calls the function that imports it.
    ("importlib._bootstrap_external", "importlib.metadata"),
    ("importlib._bootstrap_external", "importlib.readers"),
    ("os", "ntpath"),
    ("site", "_pyrepl"),
    ("site", "readline"),
    ("site", "rlcompleter"),
    // These would stand in for native modules, which are there.
    ("datetime", "_pydatetime"),
    ("decimal", "_pydecimal"),
];

/// A module as the search for what is reachable sees it.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What it imports.
    pub imports: Imports,
    /// Whether it belongs to the standard library. What the functions of the library import counts only where somebody
    /// mentions the function: it imports much for the sake of the few who need it.
    pub in_library: bool,
}

impl Node {
    fn skips(&self, own: &str, name: &str) -> bool {
        let is_below = |above: &str| {
            name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.in_library
            && NOT_IN_APPLICATIONS
                .iter()
                .any(|&(importer, other)| (importer == "*" || importer == own) && is_below(other))
    }
}

/// The modules that are reached from some roots, each with the module that imports it; the roots have none.
pub fn reachable(
    nodes: &BTreeMap<String, Node>,
    roots: impl IntoIterator<Item = String>,
) -> BTreeMap<String, Option<String>> {
    let mut waiting: Vec<(String, Option<String>)> = roots.into_iter().map(|name| (name, None)).collect();
    let programs = waiting
        .iter()
        .filter(|(name, _)| name.ends_with(".__main__"))
        .map(|(name, _)| name.trim_end_matches(".__main__").to_owned());
    let programs = programs.collect();
    let mut search = Search {
        programs,
        nodes,
        reached: BTreeMap::new(),
        mentions: BTreeSet::new(),
        native: BTreeSet::new(),
    };
    while !waiting.is_empty() {
        for (name, importer) in std::mem::take(&mut waiting) {
            search.reach(&name, importer.as_deref());
        }
        waiting = search.deferred();
    }
    search.reached
}

struct Search<'a> {
    nodes: &'a BTreeMap<String, Node>,
    reached: BTreeMap<String, Option<String>>,
    mentions: BTreeSet<&'a str>,
    /// Those of [`BY_NATIVE_CODE`] that are imported.
    native: BTreeSet<&'static str>,
    /// The modules that run as programs.
    programs: BTreeSet<String>,
}

impl Search<'_> {
    /// Reaches a module, and what it imports when it is imported.
    fn reach(&mut self, name: &str, importer: Option<&str>) {
        let mut waiting = VecDeque::from([(name.to_owned(), importer.map(str::to_owned))]);
        while let Some((name, importer)) = waiting.pop_front() {
            self.native
                .extend(BY_NATIVE_CODE.iter().map(|(native, ..)| *native).find(|native| *native == name));
            // Importing a module imports the packages that it is in first.
            let ends = name.match_indices('.').map(|(dot, _)| dot).chain([name.len()]);
            for end in ends {
                let Some((part, node)) = self.nodes.get_key_value(&name[..end]) else { continue };
                if self.reached.contains_key(part) {
                    continue;
                }
                self.reached.insert(part.clone(), importer.clone());
                self.mentions.extend(node.imports.mentions.iter().map(String::as_str));
                let deferred = node.imports.deferred.iter().filter(|_| !node.in_library);
                // In the library, names of modules in texts are those of plug-ins, in full.
                let texts = node.imports.texts.iter().filter(|text| !node.in_library || text.contains('.'));
                let names = node.imports.statements.iter().chain(texts);
                let names =
                    names.chain(deferred.flat_map(|(_, names)| names)).filter(|name| !node.skips(part, name));
                waiting.extend(names.map(|name| (name.clone(), Some(part.clone()))));
            }
        }
    }

    /// What functions import that are mentioned by now, and that is not reached yet.
    fn deferred(&self) -> Vec<(String, Option<String>)> {
        let mut found = Vec::new();
        for (native, function, needs) in BY_NATIVE_CODE {
            if self.native.contains(native) && (function.is_empty() || self.mentions.contains(function)) {
                let new = needs
                    .iter()
                    .filter(|need| !self.reached.contains_key(**need) && self.nodes.contains_key(**need));
                found.extend(new.map(|need| ((*need).to_owned(), Some((*native).to_owned()))));
            }
        }
        for own in self.reached.keys() {
            let node = &self.nodes[own];
            for (around, names) in node.imports.deferred.iter().filter(|_| node.in_library) {
                let is_live = |name: &String| {
                    name.is_empty()
                        || self.mentions.contains(name.as_str()) && !PROGRAMS.contains(&name.as_str())
                        || self.programs.contains(own)
                };
                if around.iter().all(is_live) {
                    let new = names.iter().filter(|name| {
                        !node.skips(own, name)
                            && !self.reached.contains_key(*name)
                            && self.nodes.contains_key(*name)
                    });
                    found.extend(new.map(|name| (name.clone(), Some(own.clone()))));
                }
            }
        }
        found
    }
}

/// The modules that are not there and that the application cannot start without, each with who imports it: `native` are those
/// that the interpreter has built in.
pub fn missing(
    nodes: &BTreeMap<String, Node>,
    start: &Start,
    native: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut waiting = start_modules(start);
    while let Some(name) = waiting.pop() {
        let ends = name.match_indices('.').map(|(dot, _)| dot).chain([name.len()]);
        for part in ends.map(|end| &name[..end]) {
            let Some((part, node)) = nodes.get_key_value(part).filter(|_| seen.insert(part.to_owned()))
            else {
                continue;
            };
            for required in &node.imports.required {
                let top = required.split('.').next().unwrap_or(required);
                if nodes.contains_key(required) {
                    waiting.push(required.clone());
                } else if !native.contains(top) && !nodes.contains_key(top) {
                    missing.entry(top.to_owned()).or_insert_with(|| part.clone());
                }
            }
        }
    }
    missing
}

/// The modules that are imported as soon as an application starts, by statements that stand in no function: each before
/// those that it imports.
pub fn imported_at_start(nodes: &BTreeMap<String, Node>, start: &Start) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting = start_modules(start);
    waiting.reverse();
    while let Some(name) = waiting.pop() {
        let ends = name.match_indices('.').map(|(dot, _)| dot).chain([name.len()]);
        // What is pushed last comes first.
        let mut next = Vec::new();
        for part in ends.map(|end| &name[..end]) {
            let Some(node) = nodes.get(part) else { continue };
            if seen.insert(part.to_owned()) {
                found.push(part.to_owned());
                next.extend(node.imports.statements.iter().cloned());
            }
        }
        waiting.extend(next.into_iter().rev());
    }
    found
}

/// The names that an application starts from: its own start, what the interpreter imports, what was asked for. A name that
/// ends in `.*` stands for everything in a package.
pub fn roots(
    start: &Start,
    startup: &[String],
    keep: &[String],
    nodes: &BTreeMap<String, Node>,
) -> Vec<String> {
    let mut roots = start_modules(start);
    roots.extend(startup.iter().cloned());
    roots.extend(BY_THE_INTERPRETER.iter().map(|&name| name.to_owned()));
    for name in keep {
        match name.strip_suffix(".*") {
            None => roots.push(name.clone()),
            Some(package) => {
                let prefix = format!("{package}.");
                roots.extend(
                    nodes.keys().filter(|name| *name == package || name.starts_with(&prefix)).cloned(),
                );
            }
        }
    }
    roots
}

/// The modules that an application starts with.
pub fn start_modules(start: &Start) -> Vec<String> {
    match start {
        Start::Script(path) => vec![script_module(path).to_owned()],
        Start::Module(name) => vec![name.clone(), format!("{name}.__main__")],
        Start::Function { module, .. } => vec![module.clone()],
    }
}

/// The module of a script, by its path in the container.
fn script_module(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(name, _)| name)
}

/// The modules of codecs whose names stand in code as texts.
pub fn codecs(code: &CodeObject, found: &mut BTreeSet<String>) {
    code.walk(&mut |code| {
        for constant in code.constants.iter() {
            if let Constant::Str(text) = constant
                && let Some(text) =
                    text.as_utf8().filter(|text| (2..30).contains(&text.len()) && text.is_ascii())
            {
                let name = text.to_ascii_lowercase().replace(['-', ' '], "_");
                let name = name.strip_prefix("windows_").map_or(name.clone(), |page| format!("cp{page}"));
                found.insert(format!("encodings.{name}"));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(names: &[&str]) -> Node {
        let statements = names.iter().map(|&name| name.to_owned()).collect();
        Node { imports: Imports { statements, ..Imports::default() }, in_library: false }
    }

    #[test]
    fn what_is_imported_is_reached_with_its_packages() {
        let nodes = BTreeMap::from([
            ("main".to_owned(), node(&["p.q.f", "_json"])),
            ("p".to_owned(), node(&["p.r"])),
            ("p.q".to_owned(), node(&[])),
            ("p.r".to_owned(), node(&["main"])),
            ("p.s".to_owned(), node(&[])),
            ("json".to_owned(), node(&[])),
            ("json.decoder".to_owned(), node(&[])),
        ]);
        let start = Start::Script("app/main.py".to_owned());
        let reached = reachable(&nodes, roots(&start, &[], &[], &nodes));
        assert_eq!(reached.keys().collect::<Vec<_>>(), ["json", "json.decoder", "main", "p", "p.q", "p.r"]);
        assert_eq!(reached["main"], None);
        assert_eq!(reached["p.r"].as_deref(), Some("p"));
        let kept = reachable(&nodes, roots(&start, &[], &["p.*".to_owned()], &nodes));
        assert!(kept.contains_key("p.s"));
    }

    #[test]
    fn what_functions_import_is_not_imported_at_the_start() {
        let mut main = node(&["p.q", "lib"]);
        main.imports.deferred = vec![(vec!["f".to_owned()], BTreeSet::from(["later".to_owned()]))];
        let lib = Node { in_library: true, ..node(&["later"]) };
        let nodes = BTreeMap::from([
            ("main".to_owned(), main),
            ("p".to_owned(), node(&[])),
            ("p.q".to_owned(), node(&["main"])),
            ("lib".to_owned(), lib),
            ("later".to_owned(), node(&[])),
        ]);
        let found = imported_at_start(&nodes, &Start::Script("app/main.py".to_owned()));
        assert_eq!(found, ["main", "lib", "later", "p", "p.q"]);
    }

    #[test]
    fn functions_of_the_library_count_where_they_are_mentioned() {
        let names =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
        let mut lib = Node { in_library: true, ..Node::default() };
        lib.imports.deferred = vec![
            (vec!["used".to_owned()], names(&["a"])),
            (vec!["unused".to_owned()], names(&["b", "doctest"])),
        ];
        let mut main = node(&["lib"]);
        main.imports.mentions = names(&["used"]);
        let nodes = BTreeMap::from([
            ("main".to_owned(), main),
            ("lib".to_owned(), lib),
            ("a".to_owned(), node(&[])),
            ("b".to_owned(), node(&[])),
            ("doctest".to_owned(), node(&[])),
        ]);
        let reached = reachable(&nodes, ["main".to_owned()]);
        assert_eq!(reached.keys().collect::<Vec<_>>(), ["a", "lib", "main"]);
        assert_eq!(reached["a"].as_deref(), Some("lib"));
    }

    #[test]
    fn lines_of_path_files_import() {
        let text = b"# import a\nfolder\nimport b.c; b.f()\nimport\td\nimport is not code\n";
        let nested = format!("{SITE}/p/x.pth");
        let found = path_files([("lib/python3.14/site-packages/x.pth", &text[..]), (&nested, &text[..])]);
        let [(name, node)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(name, "lib/python3.14/site-packages/x.pth");
        assert_eq!(node.imports.statements.iter().collect::<Vec<_>>(), ["b.c", "d"]);
        assert!(node.imports.mentions.contains("f"));
    }

    #[test]
    fn what_is_required_and_not_there_is_missing() {
        let names =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
        let mut main = Node::default();
        main.imports.required = names(&["lib", "time", "absent.part"]);
        let mut lib = Node::default();
        lib.imports.required = names(&["_native"]);
        lib.imports.statements = names(&["optional"]);
        let nodes = BTreeMap::from([("main".to_owned(), main), ("lib".to_owned(), lib)]);
        let missing = missing(&nodes, &Start::Script("app/main.py".to_owned()), &names(&["time"]));
        let found: Vec<(&str, &str)> =
            missing.iter().map(|(name, by)| (name.as_str(), by.as_str())).collect();
        assert_eq!(found, [("_native", "lib"), ("absent", "main")]);
    }
}
