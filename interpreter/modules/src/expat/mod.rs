//! `pyexpat`: reading XML piece by piece, with functions that are told of what is found.
//!
//! [`reader`] reads, with [`scan`] for the small parts and [`doctype`] for declarations; it tells of [`event`]s.
//! [`input`] makes text of bytes; [`parser`] is the type that hands events on to Python functions.

mod doctype;
pub(crate) mod event;
pub(crate) mod input;
mod parser;
pub(crate) mod problem;
pub(crate) mod reader;
mod scan;

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use event::Place;
use parser::XmlParser;
use problem::ERRORS;

native_module! {
    name: "pyexpat",
    doc: "Python wrapper for Expat parser.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute,
}

/// The version of Expat whose behaviour this follows.
pub(crate) const VERSION: (i32, i32, i32) = (2, 9, 0);

const MODELS: [(&str, i64); 10] = [
    ("XML_CTYPE_EMPTY", 1),
    ("XML_CTYPE_ANY", 2),
    ("XML_CTYPE_MIXED", 3),
    ("XML_CTYPE_NAME", 4),
    ("XML_CTYPE_CHOICE", 5),
    ("XML_CTYPE_SEQ", 6),
    ("XML_CQUANT_NONE", 0),
    ("XML_CQUANT_OPT", 1),
    ("XML_CQUANT_REP", 2),
    ("XML_CQUANT_PLUS", 3),
];

/// The class of errors, once the module has run.
static ERROR: GilCell<Option<Value>> = GilCell::new(None);

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    XmlParser::static_type().ready(vm);
    module.set(vm, "XMLParserType", XmlParser::static_type().to_value());
    let error = error_class(vm)?;
    module.set(vm, "error", error.clone());
    module.set(vm, "ExpatError", error);
    let (major, minor, micro) = VERSION;
    module.set_str(vm, "EXPAT_VERSION", &format!("expat_{major}.{minor}.{micro}"));
    module.set(vm, "version_info", Tuple::from_values([major, minor, micro].map(Value::int)));
    module.set_str(vm, "native_encoding", "UTF-8");
    let features = [("sizeof(XML_Char)", 1), ("sizeof(XML_LChar)", 1), ("XML_DTD", 0), ("XML_NS", 0), ("XML_GE", 0)];
    let features = features.map(|(name, value)| {
        Tuple::from_values([vm.new_str(name), Value::int(value)]).into_value()
    });
    module.set(vm, "features", List::from_vec(features.into()));
    for (value, name) in ["NEVER", "UNLESS_STANDALONE", "ALWAYS"].iter().enumerate() {
        module.set_int(vm, &format!("XML_PARAM_ENTITY_PARSING_{name}"), value as i64);
    }
    module.set(vm, "model", model_module(vm));
    module.set(vm, "errors", errors_module(vm));
    Ok(())
}

/// `ExpatError`, one class for all that may load the module.
fn error_class(vm: &Vm) -> PyResult {
    if let Some(class) = ERROR.get() {
        return Ok(class);
    }
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("xml.parsers.expat"));
    let base = rspy_runtime::exceptions::hierarchy::PlainException::static_type().to_value();
    let arguments =
        [vm.new_str("ExpatError"), Tuple::from_values([base]).into_value(), namespace.into_value()];
    let class = vm.call(&rspy_runtime::types::typ::Type::static_type().to_value(), &arguments)?;
    ERROR.set(Some(class.clone()));
    Ok(class)
}

fn submodule(vm: &Vm, name: &str, doc: &str) -> rspy_runtime::Ref<Module> {
    let module = Module::new(vm, name);
    module.set_str(vm, "__doc__", doc);
    vm.interpreter.modules.set_str(&vm.intern(name), module.clone().into_value());
    module
}

fn model_module(vm: &Vm) -> Value {
    let module = submodule(vm, "pyexpat.model", "Constants used to interpret content model information.");
    for (name, number) in MODELS {
        module.set_int(vm, name, number);
    }
    module.into_value()
}

fn errors_module(vm: &Vm) -> Value {
    let module = submodule(vm, "pyexpat.errors", "Constants used to describe error conditions.");
    let (codes, messages) = (Dict::new(), Dict::new());
    for (index, (name, text)) in ERRORS.iter().enumerate() {
        let number = index as i64 + 1;
        module.set_str(vm, name, text);
        codes.set_str(&vm.intern(text), int::new(number));
        // Numbers are hashable.
        let _ = messages.set(vm, &int::new(number), vm.new_str(text));
    }
    module.set(vm, "codes", codes);
    module.set(vm, "messages", messages);
    module.into_value()
}

/// The error for a problem at a place.
fn expat_error(vm: &Vm, code: usize, place: Place) -> Exception {
    let text = ERRORS.get(code.wrapping_sub(1)).map_or("", |(_, text)| text);
    let message = format!("{text}: line {}, column {}", place.line, place.column);
    let made = error_class(vm).and_then(|class| vm.call(&class, &[vm.new_str(&message)]));
    let error = match made {
        Ok(error) => error,
        Err(failure) => return failure,
    };
    for (name, number) in [("code", code), ("offset", place.column), ("lineno", place.line)] {
        if let Err(failure) = vm.set_attribute_str(&error, name, &int::new(number as i64)) {
            return failure;
        }
    }
    vm.raised(error)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a new XML parser object.
    #[function("ParserCreate(encoding=None, namespace_separator=None, intern=<unrepresentable>)")]
    fn parser_create(
        vm: &Vm,
        encoding: Option<&Value>,
        namespace_separator: Option<&Value>,
        intern: Option<&Value>,
    ) -> PyResult {
        let text = |value: Option<&Value>, name: &str| match value.filter(|value| !is_none(value)) {
            None => Ok(None),
            Some(value) => match value.downcast::<Str>() {
                Some(text) => Ok(Some(text.to_utf8(vm)?.into_owned())),
                None => Err(vm.type_error(format!(
                    "ParserCreate() argument '{name}' must be str or None, not {}",
                    value.type_of().full_name()
                ))),
            },
        };
        let encoding = text(encoding, "encoding")?;
        let separator = text(namespace_separator, "namespace_separator")?;
        if separator.as_ref().is_some_and(|separator| separator.chars().count() > 1) {
            return Err(vm.value_error("namespace_separator must be at most one character, omitted, or None"));
        }
        let intern = match intern {
            None => Some(Dict::new().into_value()),
            Some(intern) if is_none(intern) => None,
            Some(intern) if intern.downcast::<Dict>().is_some() => Some(intern.clone()),
            Some(_) => return Err(vm.type_error("intern must be a dictionary")),
        };
        Ok(XmlParser::create(encoding, separator, intern))
    }

    /// Returns string error for given number.
    #[function("ErrorString(code, /)")]
    fn error_string(code: i64) -> Option<&'static str> {
        let index = usize::try_from(code).ok()?.checked_sub(1)?;
        ERRORS.get(index).map(|(_, text)| *text)
    }
}

