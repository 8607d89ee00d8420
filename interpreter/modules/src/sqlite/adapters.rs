//! How objects become values that SQLite knows (PEP 246), and how values become objects again.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::bytearray::ByteArray;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float::{self, Float};
use rspy_runtime::types::int::{self, Int};
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::ProgrammingError;

/// What an interpreter has registered.
pub struct State {
    /// Functions by type and protocol.
    pub adapters: Ref<Dict>,
    /// Functions by the name of a type, in capitals.
    pub converters: Ref<Dict>,
    /// Whether values of plain types are adapted, too.
    pub adapts_plain: Cell<bool>,
    /// Whether exceptions in callbacks are shown.
    pub shows_tracebacks: Cell<bool>,
}

static STATE: PerInterpreter<State> = PerInterpreter::new(|| State {
    adapters: Dict::new(),
    converters: Dict::new(),
    adapts_plain: Cell::new(false),
    shows_tracebacks: Cell::new(false),
});

/// What the interpreter has registered.
pub fn state(vm: &Vm) -> &'static State {
    STATE.of(vm)
}

/// PEP 246 style object adaption protocol type.
#[pyclass(name = "PrepareProtocol", module = "sqlite3", subclassable, hides_new)]
pub struct PrepareProtocol;

#[pymethods]
impl PrepareProtocol {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, PrepareProtocol).into_value())
    }

    #[slot(init)]
    fn init(&self, _args: &[Value], _names: KeywordNames<'_>) -> PyResult<()> {
        Ok(())
    }
}

fn key_of(typ: &Value, protocol: &Value) -> Value {
    Tuple::from_values([typ.clone(), protocol.clone()]).into_value()
}

/// Registers how objects of a type become values.
///
/// # Errors
/// `TypeError` for types without hash.
pub fn register_adapter(vm: &Vm, typ: &Value, adapter: &Value) -> PyResult<()> {
    let plain = [Int::static_type(), Float::static_type(), Str::static_type(), ByteArray::static_type()];
    if typ.downcast::<Type>().is_some_and(|typ| plain.into_iter().any(|plain| std::ptr::eq(plain, typ))) {
        state(vm).adapts_plain.set(true);
    }
    let protocol = PrepareProtocol::static_type().to_value();
    state(vm).adapters.set(vm, &key_of(typ, &protocol), adapter.clone())
}

/// What an object becomes under a protocol; the alternative where nobody knows how.
///
/// # Errors
/// `ProgrammingError` without an alternative, and what the adapters raise.
pub fn adapt(vm: &Vm, object: &Value, protocol: &Value, alternative: Option<&Value>) -> PyResult {
    let key = key_of(&object.type_of().to_value(), protocol);
    if let Some(adapter) = state(vm).adapters.get(vm, &key)? {
        return vm.call(&adapter, std::slice::from_ref(object));
    }
    for (asked, name, about) in [(protocol, "__adapt__", object), (object, "__conform__", protocol)] {
        let Some(method) = vm.get_attribute_optional(asked, &vm.intern(name))? else { continue };
        match vm.call(&method, std::slice::from_ref(about)) {
            Ok(adapted) if is_none(&adapted) => {}
            Ok(adapted) => return Ok(adapted),
            Err(error) if error.is_type_error() => {}
            Err(error) => return Err(error),
        }
    }
    alternative.cloned().ok_or_else(|| ProgrammingError::error(vm, "can't adapt"))
}

/// What a parameter becomes before it is bound.
///
/// # Errors
/// What the adapters raise.
pub fn prepare(vm: &Vm, parameter: Value) -> PyResult {
    let plain = int::is_exact_int(&parameter)
        || float::is_exact(&parameter)
        || parameter.downcast_exact::<Str>().is_some()
        || parameter.downcast_exact::<ByteArray>().is_some();
    if plain && !state(vm).adapts_plain.get() {
        return Ok(parameter);
    }
    adapt(vm, &parameter, &PrepareProtocol::static_type().to_value(), Some(&parameter))
}

/// The converter of a type's name, whichever its case.
///
/// # Errors
/// `UnicodeDecodeError` for names that are no UTF-8.
pub fn converter(vm: &Vm, name: &[u8]) -> PyResult<Option<Value>> {
    let name = vm.decode_utf8(name)?.into_value();
    let key = vm.call_method_str(&name, "upper", &[])?;
    state(vm).converters.get(vm, &key)
}
