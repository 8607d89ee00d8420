//! Which modules a code object imports: its `import` statements, and the names that it hands to `importlib`.

use std::collections::BTreeSet;

use rspy_code::code_object::flags;
use rspy_code::{CodeObject, Constant, Opcode, Text, exception_table};

/// What the code of one module imports, as absolute names. `from a import b` names both `a` and `a.b`, since `b` may be a
/// module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// Modules that statements name which run when the module is imported.
    pub statements: BTreeSet<String>,
    /// Those of them whose statements nothing guards: without these modules it cannot be imported.
    pub required: BTreeSet<String>,
    /// Modules that statements in functions name, by the names of the functions around the statement.
    pub deferred: Vec<(Vec<String>, BTreeSet<String>)>,
    /// Texts that look like names of modules, in code that imports by name at run time.
    pub texts: BTreeSet<String>,
    /// Names that the code uses: a function that nobody mentions does not run.
    pub mentions: BTreeSet<String>,
}

impl Imports {
    /// Adds what other code imports.
    pub fn add(&mut self, other: Imports) {
        self.statements.extend(other.statements);
        self.required.extend(other.required);
        self.deferred.extend(other.deferred);
        self.texts.extend(other.texts);
        self.mentions.extend(other.mentions);
    }

    /// All names of modules, wherever they stand.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.statements.iter().chain(self.deferred.iter().flat_map(|(_, names)| names)).chain(&self.texts)
    }
}

/// Functions that import what a text names.
const DYNAMIC: &[&str] = &["import_module", "__import__", "resolve_name", "find_spec", "lazy_import"];

/// Finds the imports in a module's code and in all code nested in it.
pub fn imports(code: &CodeObject, module: &str, is_package: bool) -> Imports {
    let package =
        if is_package { module } else { module.rsplit_once('.').map_or("", |(package, _)| package) };
    let mut found = Imports::default();
    nested(code, package, &mut Vec::new(), &mut found);
    if DYNAMIC.iter().any(|&name| found.mentions.contains(name)) {
        code.walk(&mut |code| {
            code.constants.iter().for_each(|constant| texts(constant, package, &mut found.texts));
        });
    }
    found
}

/// Finds what code and the code nested in it imports; `around` names the functions that it stands in.
fn nested(code: &CodeObject, package: &str, around: &mut Vec<String>, found: &mut Imports) {
    let (mut names, mut required) = (BTreeSet::new(), BTreeSet::new());
    statements(code, package, &mut names, &mut required, &mut found.mentions);
    if around.is_empty() {
        found.statements.extend(names);
        found.required.extend(required);
    } else if !names.is_empty() {
        found.deferred.push((around.clone(), names));
    }
    for constant in code.constants.iter() {
        let Constant::Code(inner) = constant else { continue };
        let depth = around.len();
        // The bodies of classes run where they stand.
        if inner.flags & flags::OPTIMIZED != 0 {
            around.extend(function_name(inner));
        }
        nested(inner, package, around, found);
        around.truncate(depth);
    }
}

/// The name that a function is used by: that of its class where the interpreter calls it, nothing where it has none.
fn function_name(code: &CodeObject) -> Option<String> {
    let name = code.name.as_utf8()?;
    if name.starts_with('<') {
        // It runs as soon as what is around it.
        return Some(String::new());
    }
    if !(name.starts_with("__") && name.ends_with("__")) {
        return Some(name.to_owned());
    }
    let class = code.qualified_name.as_utf8()?.rsplit_once('.')?.0;
    let class = class.rsplit('.').next().unwrap_or(class);
    Some(if class.starts_with('<') { String::new() } else { class.to_owned() })
}

/// The modules that the statements of one code object name, and the names that it uses.
fn statements(
    code: &CodeObject,
    package: &str,
    found: &mut BTreeSet<String>,
    required: &mut BTreeSet<String>,
    mentions: &mut BTreeSet<String>,
) {
    // Up to this unit, what runs depends on a condition.
    let mut conditional = 0;
    // What the last two instructions push: the level and the names of an import.
    let mut pushed: [Option<Constant>; 2] = [None, None];
    let mut extended = 0;
    for (number, unit) in code.code.chunks_exact(2).enumerate() {
        let Ok(opcode) = Opcode::try_from(unit[0]) else { continue };
        let operand = extended << 8 | usize::from(unit[1]);
        if opcode == Opcode::ExtendedArg {
            extended = operand;
            continue;
        }
        extended = 0;
        if opcode == Opcode::Cache {
            continue;
        }
        mentions.extend(mentioned(code, opcode, operand).map(str::to_owned));
        match opcode {
            Opcode::PopJumpIfFalse
            | Opcode::PopJumpIfTrue
            | Opcode::PopJumpIfNone
            | Opcode::PopJumpIfNotNone
            | Opcode::JumpForward => {
                conditional = conditional.max(number + 1 + opcode.cache_entries() + operand);
            }
            Opcode::LoadSmallInt => push(&mut pushed, Some(Constant::Int(operand as i64))),
            Opcode::LoadConst => push(&mut pushed, code.constants.get(operand).cloned()),
            Opcode::ImportName => {
                let module = code
                    .names
                    .get(operand)
                    .and_then(Text::as_utf8)
                    .and_then(|name| absolute(name, pushed[0].as_ref(), package));
                let Some(module) = module else { continue };
                if let Some(Constant::Tuple(names)) = &pushed[1] {
                    found.extend(names.iter().filter_map(|name| match name {
                        Constant::Str(name) => Some(format!("{module}.{}", name.as_utf8()?)),
                        _ => None,
                    }));
                }
                if number >= conditional
                    && exception_table::find(&code.exception_table, number as u32).is_none()
                {
                    required.insert(module.clone());
                }
                found.insert(module);
            }
            _ => push(&mut pushed, None),
        }
    }
}

/// The name that an instruction looks up.
fn mentioned(code: &CodeObject, opcode: Opcode, operand: usize) -> Option<&str> {
    let number = match opcode {
        Opcode::LoadName | Opcode::ImportFrom | Opcode::LoadFromDictOrGlobals => operand,
        Opcode::LoadGlobal | Opcode::LoadAttr => operand >> 1,
        Opcode::LoadSuperAttr => operand >> 2,
        _ => return None,
    };
    code.names.get(number)?.as_utf8()
}

fn push(pushed: &mut [Option<Constant>; 2], constant: Option<Constant>) {
    pushed.swap(0, 1);
    pushed[1] = constant;
}

/// The absolute name of what is imported with a level.
fn absolute(name: &str, level: Option<&Constant>, package: &str) -> Option<String> {
    let level = match level {
        Some(Constant::Int(level)) => usize::try_from(*level).ok()?,
        _ => return None,
    };
    if level == 0 {
        return Some(name.to_owned());
    }
    let mut base = package;
    for _ in 1..level {
        base = base.rsplit_once('.')?.0;
    }
    Some(if name.is_empty() { base.to_owned() } else { format!("{base}.{name}") })
}

fn texts(constant: &Constant, package: &str, found: &mut BTreeSet<String>) {
    match constant {
        Constant::Str(text) => {
            let Some(text) = text.as_utf8().filter(|text| text.len() < 200) else { return };
            let (relative, name) = match text.strip_prefix('.') {
                Some(name) => (true, name),
                None => (false, text),
            };
            let is_name = !name.is_empty()
                && name.split('.').all(|part| {
                    part.starts_with(|first: char| first == '_' || first.is_alphabetic())
                        && part.chars().all(|c| c == '_' || c.is_alphanumeric())
                });
            if is_name {
                found.insert(if relative { format!("{package}.{name}") } else { name.to_owned() });
            }
        }
        Constant::Tuple(items) | Constant::FrozenSet(items) => {
            items.iter().for_each(|item| texts(item, package, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Variant, compile_variant};

    fn found(source: &str, module: &str, is_package: bool) -> Imports {
        let (code, _) = compile_variant(source.as_bytes(), "m.py", Variant::default(), None).unwrap();
        imports(&code, module, is_package)
    }

    #[test]
    fn statements_are_found_at_every_depth() {
        let source = "import a.b\ndef f():\n    from c import d, e as g\n    class C:\n        import h\n";
        let found = found(source, "m", false);
        assert_eq!(found.statements.iter().collect::<Vec<_>>(), ["a.b"]);
        assert_eq!(found.all().collect::<Vec<_>>(), ["a.b", "c", "c.d", "c.e", "h"]);
        assert!(found.deferred.iter().all(|(around, _)| *around == ["f"]));
    }

    #[test]
    fn relative_names_become_absolute() {
        let source = "from . import x\nfrom .y import z\nfrom .. import w\n";
        let names: Vec<String> = found(source, "p.q.m", false).statements.into_iter().collect();
        assert_eq!(names, ["p", "p.q", "p.q.x", "p.q.y", "p.q.y.z", "p.w"]);
        assert!(found("from . import x\n", "p", true).statements.contains("p.x"));
    }

    #[test]
    fn what_is_guarded_is_not_required() {
        let source = "import a\ntry:\n    import b\nexcept ImportError:\n    import c\nif x:\n    import d\nelse:\n    import e\n\
                      import f.g\ndef h():\n    import i\n";
        assert_eq!(found(source, "m", false).required.iter().collect::<Vec<_>>(), ["a", "f.g"]);
    }

    #[test]
    fn what_is_stored_is_not_mentioned() {
        let source = "def f(): pass\nclass C:\n    def __init__(self): import a\n    def m(self): self.n()\nx.g = f()\n";
        let found = found(source, "m", false);
        assert_eq!(found.mentions.iter().collect::<Vec<_>>(), ["__name__", "f", "n", "x"]);
        assert_eq!(found.deferred[0].0, ["C"]);
    }

    #[test]
    fn texts_count_where_something_imports_by_name() {
        assert!(found("names = ('a.b', 'not one')\n", "m", false).texts.is_empty());
        let source = "import importlib\nnames = ('a.b', 'not one')\nimportlib.import_module(names[0])\n";
        assert_eq!(found(source, "m", false).texts.into_iter().collect::<Vec<_>>(), ["a.b"]);
    }
}
