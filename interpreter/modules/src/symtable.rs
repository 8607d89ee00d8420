//! The module `_symtable`: the compiler's symbol tables.

use rspy_compiler::{CompileOptions, ScopeDescription, ScopeKind, describe_symbols};
use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::builtins::{SourceText, filename_text};
use rspy_runtime::compile::{CompileRequest, compile_error, parse, str_of};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::intern::intern;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::Mode;

/// How far left in a symbol's flags stands where it lives.
const SCOPE_OFFSET: u32 = 12;

/// A scope of a symbol table.
#[pyclass(name = "symtable entry", module = "builtins", tracked, no_new)]
struct Entry {
    name: Ref<Str>,
    symbols: Ref<Dict>,
    parameters: Ref<List>,
    children: Ref<List>,
    #[untraced]
    is_nested: bool,
    #[untraced]
    kind: ScopeKind,
    #[untraced]
    line: i32,
}

fn entry_of(scope: &ScopeDescription) -> Ref<Entry> {
    let symbols = Dict::new();
    for (name, usage, visibility) in &scope.symbols {
        let flags = i64::from(*usage) | i64::from(*visibility) << SCOPE_OFFSET;
        symbols.set_str(&intern(&str_of(name)), int::new(flags));
    }
    let parameters = scope.parameters.iter().map(|name| intern(&str_of(name)).into_value());
    let children = scope.children.iter().map(|child| entry_of(child).into_value());
    Object::new(Entry {
        name: intern(&str_of(&scope.name)),
        symbols,
        parameters: List::from_vec(parameters.collect()),
        children: List::from_vec(children.collect()),
        is_nested: scope.is_nested,
        kind: scope.kind,
        line: scope.line,
    })
}

/// The number that Python's module has for a kind of scope.
fn kind_number(kind: ScopeKind) -> i64 {
    match kind {
        ScopeKind::Function => 0,
        ScopeKind::Class => 1,
        ScopeKind::Module => 2,
        ScopeKind::Annotation => 3,
        ScopeKind::TypeAlias => 4,
        ScopeKind::TypeParameters => 5,
        ScopeKind::TypeVariable => 6,
    }
}

#[pymethods]
impl Entry {
    #[slot(repr)]
    fn repr(this: &Object<Entry>) -> String {
        format!("<symtable entry {}({}), line {}>", this.name.to_string_lossy(), this.to_value().id(), this.line)
    }

    #[getter("id", member)]
    fn id(this: &Value) -> u64 {
        this.id()
    }

    #[getter("name", member)]
    fn name(&self) -> Ref<Str> {
        self.name.clone()
    }

    #[getter("symbols", member)]
    fn symbols(&self) -> Ref<Dict> {
        self.symbols.clone()
    }

    #[getter("varnames", member)]
    fn varnames(&self) -> Ref<List> {
        self.parameters.clone()
    }

    #[getter("children", member)]
    fn children(&self) -> Ref<List> {
        self.children.clone()
    }

    #[getter("nested", member)]
    fn nested(&self) -> i64 {
        i64::from(self.is_nested)
    }

    #[getter("type", member)]
    fn kind(&self) -> i64 {
        kind_number(self.kind)
    }

    #[getter("lineno", member)]
    fn line(&self) -> i64 {
        i64::from(self.line)
    }
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return symbol and scope dictionaries used internally by compiler.
    #[function("symtable(source, filename, startstr, /)")]
    fn symtable(vm: &Vm, source: &Value, filename: &Value, startstr: &Object<Str>) -> PyResult<Ref<Entry>> {
        let filename = filename_text(vm, filename)?;
        let text = SourceText::of(vm, source, "symtable", "string or bytes")?;
        let mode = match &*startstr.to_string_lossy() {
            "exec" => Mode::Module,
            "eval" => Mode::Expression,
            "single" => Mode::Interactive,
            _ => return Err(vm.value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
        };
        let optimize = vm.interpreter.configuration.optimize.clamp(0, 2) as u8;
        let request = CompileRequest { filename: &filename, mode, flags: 0, optimize, feature_version: 14 };
        let tree = parse(vm, &text.source(), &request)?;
        let options = CompileOptions { optimize, ..CompileOptions::default() };
        match describe_symbols(&tree, &options) {
            Ok(scope) => Ok(entry_of(&scope)),
            Err(error) => Err(compile_error(vm, error, &request)),
        }
    }
}

/// The constants of the module.
const CONSTANTS: &[(&str, i64)] = &[
    ("USE", 16),
    ("DEF_GLOBAL", 1),
    ("DEF_NONLOCAL", 8),
    ("DEF_LOCAL", 2),
    ("DEF_PARAM", 4),
    ("DEF_TYPE_PARAM", 1 << 10),
    ("DEF_FREE_CLASS", 1 << 6),
    ("DEF_IMPORT", 1 << 7),
    ("DEF_BOUND", 2 | 4 | 1 << 7),
    ("DEF_ANNOT", 1 << 8),
    ("DEF_COMP_ITER", 1 << 9),
    ("DEF_COMP_CELL", 1 << 11),
    ("TYPE_FUNCTION", 0),
    ("TYPE_CLASS", 1),
    ("TYPE_MODULE", 2),
    ("TYPE_ANNOTATION", 3),
    ("TYPE_TYPE_ALIAS", 4),
    ("TYPE_TYPE_PARAMETERS", 5),
    ("TYPE_TYPE_VARIABLE", 6),
    ("LOCAL", 1),
    ("GLOBAL_EXPLICIT", 2),
    ("GLOBAL_IMPLICIT", 3),
    ("FREE", 4),
    ("CELL", 5),
    ("SCOPE_OFF", SCOPE_OFFSET as i64),
    ("SCOPE_MASK", 15),
];

native_module! {
    name: "_symtable", doc: "",
    functions: [Functions::FUNCTIONS], types: [],
    execute: |vm, module| {
        Entry::static_type().ready(vm);
        for (name, value) in CONSTANTS {
            module.set_int(vm, name, *value);
        }
        Ok(())
    }
}
