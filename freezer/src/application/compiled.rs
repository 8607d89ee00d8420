//! The modules of an application, compiled: what is in the store is not compiled again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use rspy_code::verify::verify_all;
use rspy_code::{CodeObject, marshal, pyc};

use super::collection::{Collection, Input, OWN, SITE};
use super::{ApplicationError, Event};
use crate::store::Store;
use crate::{CompileFailure, Kind, Variant, compile_variant};

/// The code of one module.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its dotted name.
    pub module: String,
    /// Whether it is a package.
    pub is_package: bool,
    /// What `marshal` writes of it.
    pub code: Vec<u8>,
    /// Whether there is a source that it was compiled from.
    pub has_source: bool,
}

impl Compiled {
    /// The code as plain data.
    pub fn code_object(&self) -> Option<Arc<CodeObject>> {
        marshal::load(&self.code).ok()
    }
}

/// The compiled modules of an application, by the path of their file, and the files that are modules no longer.
#[derive(Debug, Default)]
pub struct Modules {
    /// By path in the container.
    pub compiled: BTreeMap<String, Compiled>,
    /// Files of packages that do not compile: they stay as they are, and importing them says what is wrong.
    pub failed: Vec<(String, CompileFailure)>,
}

/// Compiles what is not among `known` yet.
pub fn compile(
    collection: &Collection,
    known: &mut Modules,
    optimize: u8,
    store: &Store,
    progress: &(dyn Fn(Event) + Sync),
) -> Result<(), ApplicationError> {
    let chosen = chosen(collection);
    let wanted: Vec<(&String, &Input)> = collection
        .inputs
        .iter()
        .filter(|(path, input)| {
            input.kind.module().is_some_and(|module| chosen[module] == path.as_str())
                && !known.compiled.contains_key(*path)
                && known.failed.iter().all(|(failed, _)| failed != *path)
        })
        .collect();
    progress(Event::Compiling(wanted.len()));
    let compiled: Vec<_> = wanted
        .par_iter()
        .map(|(path, input)| {
            let compiled = compile_input(path, input, optimize, store);
            progress(Event::Compiled);
            compiled
        })
        .collect();
    let mut failures = Vec::new();
    for ((path, _), compiled) in wanted.into_iter().zip(compiled) {
        match compiled {
            Ok(compiled) => drop(known.compiled.insert(path.clone(), compiled)),
            // What packages bring along for other versions need not work.
            Err(failure) if path.starts_with(SITE) => known.failed.push((path.clone(), failure)),
            Err(failure) => failures.push((path.clone(), failure)),
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(ApplicationError::Compile(failures)) }
}

/// The file that an import finds for each module: the application's own before what is installed, a package before a module.
fn chosen(collection: &Collection) -> HashMap<&str, &str> {
    let mut chosen: HashMap<&str, (&str, bool)> = HashMap::new();
    for root in [OWN, SITE] {
        for (path, input) in collection.inputs.iter().filter(|(path, _)| path.starts_with(root)) {
            let Some(module) = input.kind.module() else { continue };
            let is_package = input.kind.is_package();
            let found = chosen.entry(module).or_insert((path, is_package));
            // Within one folder a package comes first, and a source before what was compiled from it.
            if is_package && !found.1 && found.0.starts_with(root) {
                *found = (path, true);
            }
        }
    }
    chosen.into_iter().map(|(module, (path, _))| (module, path)).collect()
}

fn compile_input(path: &str, input: &Input, optimize: u8, store: &Store) -> Result<Compiled, CompileFailure> {
    let (module, is_package) = match &input.kind {
        Kind::Source { module, is_package } | Kind::Compiled { module, is_package } => {
            (module.clone(), *is_package)
        }
        Kind::Data => unreachable!("only modules are compiled"),
    };
    if let Kind::Compiled { .. } = input.kind {
        let code = checked_code(&input.contents)
            .map_err(|message| CompileFailure::Unreadable(std::io::Error::other(message)))?;
        return Ok(Compiled { module, is_package, code, has_source: false });
    }
    let mut key = store.key("code");
    key.add(&[optimize]);
    key.add(path.as_bytes());
    key.add(&input.contents);
    let code = match store.get(&key) {
        Some(code) => code,
        None => {
            let variant = Variant { optimize, ..Variant::default() };
            let (_, code) = compile_variant(&input.contents, path, variant, None)?;
            store.put(&key, &code);
            code
        }
    };
    Ok(Compiled { module, is_package, code, has_source: true })
}

/// The code of a `.pyc` file that came without its source. The interpreter trusts what an application carries, so this is
/// where it is verified.
fn checked_code(file: &[u8]) -> Result<Vec<u8>, String> {
    let (_, code) = pyc::read_header(file).map_err(|error| error.to_string())?;
    let object = marshal::load(code).map_err(|error| error.to_string())?;
    match verify_all(&object) {
        Ok(()) => Ok(code.to_vec()),
        Err(refusal) => Err(format!("its bytecode is refused: {} at unit {}", refusal.reason, refusal.unit)),
    }
}
