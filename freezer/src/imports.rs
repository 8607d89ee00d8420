//! Which modules a code object imports: its `import` statements, and the names that it hands to `importlib`.

use std::collections::BTreeSet;

use rspy_code::{CodeObject, Constant, Opcode, Text};

/// What the code of one module imports, as absolute names. `from a import b` names both `a` and `a.b`, since `b` may be a
/// module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// Modules that statements name.
    pub statements: BTreeSet<String>,
    /// Texts that look like names of modules, in code that imports by name at run time.
    pub texts: BTreeSet<String>,
}

/// Functions that import what a text names.
const DYNAMIC: &[&str] = &["import_module", "__import__", "resolve_name", "find_spec", "lazy_import"];

/// Finds the imports in a module's code and in all code nested in it.
pub fn imports(code: &CodeObject, module: &str, is_package: bool) -> Imports {
    let package =
        if is_package { module } else { module.rsplit_once('.').map_or("", |(package, _)| package) };
    let mut found = Imports::default();
    let mut is_dynamic = false;
    code.walk(&mut |code| {
        statements(code, package, &mut found.statements);
        is_dynamic |=
            code.names.iter().any(|name| name.as_utf8().is_some_and(|name| DYNAMIC.contains(&name)));
    });
    if is_dynamic {
        code.walk(&mut |code| {
            code.constants.iter().for_each(|constant| texts(constant, package, &mut found.texts))
        });
    }
    found
}

/// One instruction's operand, with what `EXTENDED_ARG` put in front.
fn statements(code: &CodeObject, package: &str, found: &mut BTreeSet<String>) {
    // What the last two instructions push: the level and the names of an import.
    let mut pushed: [Option<Constant>; 2] = [None, None];
    let mut extended = 0;
    for unit in code.code.chunks_exact(2) {
        let Ok(opcode) = Opcode::try_from(unit[0]) else { continue };
        let operand = extended << 8 | usize::from(unit[1]);
        if opcode == Opcode::ExtendedArg {
            extended = operand;
            continue;
        }
        extended = 0;
        match opcode {
            Opcode::LoadSmallInt => push(&mut pushed, Some(Constant::Int(operand as i64))),
            Opcode::LoadConst => push(&mut pushed, code.constants.get(operand).cloned()),
            Opcode::ImportName => {
                let module = code
                    .names
                    .get(operand)
                    .and_then(Text::as_utf8)
                    .and_then(|name| absolute(name, pushed[0].as_ref(), package));
                if let Some(module) = &module {
                    found.insert(module.clone());
                    if let Some(Constant::Tuple(names)) = &pushed[1] {
                        found.extend(names.iter().filter_map(|name| match name {
                            Constant::Str(name) => Some(format!("{module}.{}", name.as_utf8()?)),
                            _ => None,
                        }));
                    }
                }
            }
            _ => push(&mut pushed, None),
        }
    }
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
        let names: Vec<String> = found(source, "m", false).statements.into_iter().collect();
        assert_eq!(names, ["a.b", "c", "c.d", "c.e", "h"]);
    }

    #[test]
    fn relative_names_become_absolute() {
        let source = "from . import x\nfrom .y import z\nfrom .. import w\n";
        let names: Vec<String> = found(source, "p.q.m", false).statements.into_iter().collect();
        assert_eq!(names, ["p", "p.q", "p.q.x", "p.q.y", "p.q.y.z", "p.w"]);
        assert!(found("from . import x\n", "p", true).statements.contains("p.x"));
    }

    #[test]
    fn texts_count_where_something_imports_by_name() {
        assert!(found("names = ('a.b', 'not one')\n", "m", false).texts.is_empty());
        let source = "import importlib\nnames = ('a.b', 'not one')\nimportlib.import_module(names[0])\n";
        assert_eq!(found(source, "m", false).texts.into_iter().collect::<Vec<_>>(), ["a.b"]);
    }
}
