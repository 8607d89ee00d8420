//! Which modules an application reaches by its imports, and by which import each comes in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rspy_archive::Start;
use rspy_code::{CodeObject, Constant};

use super::compiled::Compiled;
use crate::imports::{Imports, imports};

/// The imports of a compiled module.
pub fn imports_of(module: &Compiled) -> Imports {
    module.code_object().map(|code| imports(&code, &module.module, module.is_package)).unwrap_or_default()
}

/// Modules of the library that the interpreter itself imports, whatever runs.
const BY_THE_INTERPRETER: &[&str] = &[
    "collections.abc",
    "copyreg",
    "encodings.ascii",
    "encodings.idna",
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

/// Modules that native modules import, by who does.
const BY_NATIVE_MODULES: &[(&str, &[&str])] = &[
    (
        "_asyncio",
        &[
            "asyncio.events",
            "asyncio.exceptions",
            "asyncio.coroutines",
            "asyncio.base_futures",
            "asyncio.base_tasks",
        ],
    ),
    ("_datetime", &["_strptime", "time"]),
    ("_decimal", &["numbers", "collections"]),
    ("_interpqueues", &["concurrent.interpreters._queues"]),
    ("_interpreters", &["pickle"]),
    ("_json", &["json.decoder"]),
    ("_pickle", &["copyreg", "_compat_pickle"]),
    ("_zoneinfo", &["zoneinfo._common", "zoneinfo._tzpath"]),
    ("time", &["_strptime"]),
    ("_posixsubprocess", &["subprocess"]),
];

/// A module as the search for what is reachable sees it.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What it imports.
    pub imports: Imports,
}

/// The modules that are reached from some roots, each with the module that imports it; the roots have none.
pub fn reachable(
    nodes: &BTreeMap<String, Node>,
    roots: impl IntoIterator<Item = String>,
) -> BTreeMap<String, Option<String>> {
    let mut reached: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut waiting: VecDeque<(String, Option<String>)> =
        roots.into_iter().map(|name| (name, None)).collect();
    while let Some((name, importer)) = waiting.pop_front() {
        if let Some((_, needs)) = BY_NATIVE_MODULES.iter().find(|(native, _)| *native == name) {
            waiting.extend(needs.iter().map(|need| ((*need).to_owned(), importer.clone())));
        }
        // Importing a module imports the packages that it is in first.
        let ends = name.match_indices('.').map(|(dot, _)| dot).chain([name.len()]);
        for end in ends {
            let part = &name[..end];
            let Some(node) = nodes.get(part) else { continue };
            if reached.contains_key(part) {
                continue;
            }
            reached.insert(part.to_owned(), importer.clone());
            let names = node.imports.statements.iter().chain(&node.imports.texts);
            waiting.extend(names.map(|name| (name.clone(), Some(part.to_owned()))));
        }
    }
    reached
}

/// The names that an application starts from: its own start, what the interpreter imports, what was asked for. A name that
/// ends in `.*` stands for everything in a package.
pub fn roots(
    start: &Start,
    startup: &[String],
    keep: &[String],
    nodes: &BTreeMap<String, Node>,
) -> Vec<String> {
    let mut roots: Vec<String> = match start {
        Start::Script(path) => vec![script_module(path).to_owned()],
        Start::Module(name) => vec![name.clone(), format!("{name}.__main__")],
        Start::Function { module, .. } => vec![module.clone()],
    };
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

/// The module of a script, by its path in the container.
pub fn script_module(path: &str) -> &str {
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
        Node { imports: Imports { statements, texts: BTreeSet::new() } }
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
}
