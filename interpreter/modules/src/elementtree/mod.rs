//! `_elementtree`: the classes of `xml.etree.ElementTree` in native code.
//!
//! [`element`] is a node of a tree; [`sequence`], [`search`] and [`copying`] have its methods, [`iterator`] walks trees.
//! [`builder`] makes trees of events, [`parser`] reads documents with the reader of [`crate::expat`], and [`listener`]
//! hands on what that tells.

mod builder;
mod copying;
mod element;
mod iterator;
mod listener;
mod names;
mod parser;
mod search;
mod sequence;

use rspy_macros::pyfunctions;
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::syntax_error::SyntaxError;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import::import_module;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use builder::TreeBuilder;
use element::Element;
use iterator::ElementIterator;
use parser::XmlParser;

/// What the module keeps beside its types.
#[derive(Default)]
struct State {
    /// `copy.deepcopy`.
    deepcopy: GilCell<Option<Value>>,
    /// `xml.etree.ElementPath`.
    paths: GilCell<Option<Value>>,
    /// What makes comments where a builder has nothing of its own.
    comment_factory: GilCell<Option<Value>>,
    /// The same for processing instructions.
    instruction_factory: GilCell<Option<Value>>,
    /// `ParseError`, one class for all that may load the module.
    parse_error: GilCell<Option<Value>>,
}

impl State {
    fn of(vm: &Vm) -> &'static State {
        static STATE: PerInterpreter<State> = PerInterpreter::new(State::default);
        STATE.of(vm)
    }

    /// Calls a function of `xml.etree.ElementPath`.
    fn search(vm: &Vm, function: &str, arguments: &[Value]) -> PyResult {
        let paths = Self::of(vm).paths.get().unwrap_or_else(none);
        vm.call_method_str(&paths, function, arguments)
    }
}

/// The value, unless it is `None`.
fn given(value: &Value) -> Option<Value> {
    (!is_none(value)).then(|| value.clone())
}

/// The error for an argument that should be an element.
#[cold]
fn wrong_argument(vm: &Vm, function: &str, number: usize, value: &Value) -> Exception {
    let name = if is_none(value) { "None".to_owned() } else { value.type_of().full_name() };
    vm.type_error(format!("{function}() argument {number} must be xml.etree.ElementTree.Element, not {name}"))
}

/// Refuses calls without the arguments that there must be, or with more than one beside them.
fn check_count(vm: &Vm, function: &str, args: &[Value], least: usize) -> PyResult<()> {
    let (bound, how) = match args.len() {
        few if few < least => (least, "least"),
        many if many > least + 1 => (least + 1, "most"),
        _ => return Ok(()),
    };
    let plural = if bound == 1 { "" } else { "s" };
    let given = args.len();
    Err(vm.type_error(format!("{function}() takes at {how} {bound} argument{plural} ({given} given)")))
}

/// The attributes that a call gives an element: a dict behind the other arguments, or by the name `attrib`, and what
/// other names there are.
fn attributes_of_call(
    vm: &Vm,
    function: &str,
    args: &[Value],
    position: usize,
    keywords: KeywordArguments<'_>,
) -> PyResult<Option<Ref<Dict>>> {
    let by_position = args.get(position);
    let by_name = if by_position.is_none() { keywords.get("attrib") } else { None };
    let attributes = match (by_position, by_name) {
        (Some(given), _) => given.downcast::<Dict>().map(|dict| dict.copy()).ok_or_else(|| {
            let name = if is_none(given) { "None".to_owned() } else { given.type_of().full_name() };
            vm.type_error(format!("{function}() argument {} must be dict, not {name}", position + 1))
        })?,
        (None, Some(given)) => given.downcast::<Dict>().map(|dict| dict.copy()).ok_or_else(|| {
            vm.type_error(format!("attrib must be dict, not {}", given.type_of().full_name()))
        })?,
        (None, None) if keywords.is_empty() => return Ok(None),
        (None, None) => Dict::new(),
    };
    for (name, value) in keywords.iter() {
        if !by_name.is_some_and(|known| std::ptr::eq(known, value)) {
            attributes.set(vm, name, value.clone())?;
        }
    }
    Ok(Some(attributes))
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    #[function("SubElement")]
    fn sub_element(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (args, keywords) = KeywordArguments::of_call(args, names);
        check_count(vm, "SubElement", args, 2)?;
        let Some(parent) = args[0].downcast::<Element>() else {
            return Err(wrong_argument(vm, "SubElement", 1, &args[0]));
        };
        let attributes = attributes_of_call(vm, "SubElement", args, 2, keywords)?;
        let child = Element::create(&args[1], attributes.map(Ref::into_value)).into_value();
        parent.push(child.clone());
        Ok(child)
    }

    /// Say what makes comments and processing instructions.
    ///
    /// Only the Python part of the module calls this.
    #[function("_set_factories(comment_factory, pi_factory, /)")]
    fn set_factories(vm: &Vm, comment_factory: &Value, pi_factory: &Value) -> PyResult {
        for (factory, what) in [(comment_factory, "Comment"), (pi_factory, "PI")] {
            if !is_none(factory) && !vm.is_callable(factory) {
                let name = factory.type_of().full_name();
                return Err(vm.type_error(format!("{what} factory must be callable, not {name}")));
            }
        }
        let state = State::of(vm);
        let old = [
            state.comment_factory.replace(given(comment_factory)),
            state.instruction_factory.replace(given(pi_factory)),
        ];
        Ok(Tuple::from_values(old.map(|old| old.unwrap_or_else(none))).into_value())
    }
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    ElementIterator::static_type().ready(vm);
    let state = State::of(vm);
    state.deepcopy.set(Some(vm.get_attribute_str(&import_module(vm, "copy")?, "deepcopy")?));
    let name = "xml.etree.ElementPath";
    let package = import_module(vm, name)?;
    // The import system may answer the package that the module is in.
    state.paths.set(Some(vm.interpreter.modules.get_str(&vm.intern(name)).unwrap_or(package)));
    if state.parse_error.borrow().is_none() {
        state.parse_error.set(Some(make_parse_error(vm)?));
    }
    module.set(vm, "ParseError", state.parse_error.get().unwrap_or_else(none));
    Ok(())
}

fn make_parse_error(vm: &Vm) -> PyResult {
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("xml.etree.ElementTree"));
    let bases = Tuple::from_values([SyntaxError::static_type().to_value()]).into_value();
    let arguments = [vm.new_str("ParseError"), bases, namespace.into_value()];
    vm.call(&Type::static_type().to_value(), &arguments)
}

native_module! {
    name: "_elementtree",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [Element, TreeBuilder, XmlParser],
    execute: execute,
}
