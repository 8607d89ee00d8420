//! Values on their way from one interpreter to another: taken apart in the one, made anew in the other.

use rspy_code::Text;
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::compile::{str_of, text_of};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import::import_module;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::marshal;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::bytes::memoryview::MemoryView;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::function::Function;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::types::{bool, float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::NotShareableError;
use super::channels::identifier;
use super::{queues, scripts};

/// The version of `marshal` that both sides speak.
const MARSHAL_VERSION: u32 = 5;

/// A value without an interpreter.
pub enum Crossing {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of 64 bits.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(Text),
    /// A `bytes` object.
    Bytes(Vec<u8>),
    /// A `tuple`.
    Tuple(Vec<Crossing>),
    /// Memory that both sides see.
    Buffer(Value),
    /// A queue.
    Queue(queues::Reference),
    /// A channel.
    Channel(identifier::Reference),
    /// What `marshal` wrote.
    Marshalled(Vec<u8>),
    /// A function without a state: its code as `marshal` writes it.
    Function(Vec<u8>),
    /// What `pickle` wrote.
    Pickled {
        /// The data.
        data: Vec<u8>,
        /// The file of the sender's `__main__`, whose names the data may mention.
        main_file: Option<Value>,
    },
}

/// Whether values that are not made to cross are made to all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fallback {
    /// They are refused.
    Refuse,
    /// Functions cross by their code, the rest by `pickle`.
    Full,
}

/// Types of Python whose objects cross, each with what takes them apart.
pub static HEAP_TYPES: PerInterpreter<GilCell<Vec<(Ref<Type>, fn(&Vm, &Value) -> PyResult<Crossing>)>>> =
    PerInterpreter::new(GilCell::default);

/// Has the objects of a type cross.
pub fn register(vm: &Vm, typ: &Object<Type>, share: fn(&Vm, &Value) -> PyResult<Crossing>) {
    let mut types = HEAP_TYPES.of(vm).borrow_mut();
    types.retain(|(other, _)| !other.is(&typ.to_value()));
    types.push((typ.to_ref(), share));
}

fn registered(vm: &Vm, value: &Value) -> Option<fn(&Vm, &Value) -> PyResult<Crossing>> {
    let typ = value.type_of().to_value();
    HEAP_TYPES.of(vm).borrow().iter().find(|(other, _)| other.is(&typ)).map(|(_, share)| *share)
}

/// Whether values of the type are made to cross; what is inside one may not be all the same.
pub fn is_shareable(vm: &Vm, value: &Value) -> bool {
    is_none(value)
        || bool::as_bool(value).is_some()
        || int::is_exact_int(value)
        || float::is_exact(value)
        || value.downcast_exact::<Str>().is_some()
        || value.downcast_exact::<Bytes>().is_some()
        || value.downcast_exact::<Tuple>().is_some()
        || value.downcast_exact::<MemoryView>().is_some()
        || registered(vm, value).is_some()
}

/// The error for a value that does not cross.
fn not_shareable(vm: &Vm, value: &Value, cause: Option<Exception>) -> Exception {
    let shown = match vm.repr(value) {
        Ok(shown) => shown.to_string_lossy().into_owned(),
        Err(error) => return error,
    };
    let error = NotShareableError::error(vm, format!("{shown} does not support cross-interpreter data"));
    match cause {
        Some(cause) => error.with_cause(cause),
        None => error,
    }
}

impl Crossing {
    /// Takes a value apart.
    ///
    /// # Errors
    /// `NotShareableError` where it does not cross.
    pub fn of(vm: &Vm, value: &Value, fallback: Fallback) -> PyResult<Crossing> {
        let refusal = match Self::directly(vm, value, fallback) {
            Err(error) if fallback == Fallback::Full => error,
            result => return result,
        };
        if value.downcast_exact::<Function>().is_some()
            && let Ok(function) = Self::function(vm, value)
        {
            return Ok(function);
        }
        Self::pickled(vm, value).map_err(|_| refusal)
    }

    fn directly(vm: &Vm, value: &Value, fallback: Fallback) -> PyResult<Crossing> {
        vm.check_stack(" while sharing an object")?;
        if is_none(value) {
            return Ok(Crossing::None);
        }
        if let Some(truth) = bool::as_bool(value) {
            return Ok(Crossing::Bool(truth));
        }
        if int::is_exact_int(value) {
            return int::small_value(value).map(Crossing::Int).ok_or_else(|| {
                not_shareable(vm, value, Some(vm.overflow_error("try sending as bytes")))
            });
        }
        if float::is_exact(value) {
            return Ok(Crossing::Float(float::as_f64(value).unwrap_or_default()));
        }
        if let Some(text) = value.downcast_exact::<Str>() {
            return Ok(Crossing::Str(text_of(text)));
        }
        if let Some(bytes) = value.downcast_exact::<Bytes>() {
            return Ok(Crossing::Bytes(bytes.as_slice().to_vec()));
        }
        if let Some(tuple) = value.downcast_exact::<Tuple>() {
            let items = tuple.items().iter().map(|item| Self::of(vm, item, fallback)).collect::<PyResult<_>>();
            return items.map(Crossing::Tuple).map_err(|cause| not_shareable(vm, value, Some(cause)));
        }
        if value.downcast_exact::<MemoryView>().is_some() {
            return Ok(Crossing::Buffer(value.clone()));
        }
        match registered(vm, value) {
            Some(share) => share(vm, value).map_err(|cause| not_shareable(vm, value, Some(cause))),
            None => Err(not_shareable(vm, value, None)),
        }
    }

    /// Takes a value apart by `pickle`.
    ///
    /// # Errors
    /// `NotShareableError` where `pickle` does not know how.
    pub fn pickled(vm: &Vm, value: &Value) -> PyResult<Crossing> {
        let pickle = import_module(vm, "pickle")?;
        let data = vm
            .call_method_str(&pickle, "dumps", std::slice::from_ref(value))
            .map_err(|cause| NotShareableError::error(vm, "object could not be pickled").with_cause(cause))?;
        let Some(data) = data.downcast::<Bytes>() else {
            return Err(vm.type_error("pickle.dumps() returned no bytes"));
        };
        let main = vm.interpreter.modules.get_str(&vm.intern("__main__"));
        let main_file = match main {
            Some(main) => vm.get_attribute_optional(&main, &vm.intern("__file__"))?,
            None => None,
        };
        // Text has no interpreter.
        let main_file = main_file.filter(|file| file.downcast_exact::<Str>().is_some());
        Ok(Crossing::Pickled { data: data.as_slice().to_vec(), main_file })
    }

    /// Takes a value apart by `marshal`.
    ///
    /// # Errors
    /// `NotShareableError` where `marshal` does not know how.
    pub fn marshalled(vm: &Vm, value: &Value) -> PyResult<Crossing> {
        marshal::dump(vm, value, MARSHAL_VERSION, true)
            .map(Crossing::Marshalled)
            .map_err(|cause| NotShareableError::error(vm, "object could not be marshalled").with_cause(cause))
    }

    /// Takes a code object apart.
    ///
    /// # Errors
    /// `NotShareableError` for anything else.
    pub fn code(vm: &Vm, value: &Value) -> PyResult<Crossing> {
        if value.downcast::<Code>().is_some() {
            return Self::marshalled(vm, value);
        }
        Err(wrong_kind(vm, "code", value))
    }

    /// Takes a function apart that has no state: no closure, no defaults, no global names.
    ///
    /// # Errors
    /// `NotShareableError` where it has one.
    pub fn function(vm: &Vm, value: &Value) -> PyResult<Crossing> {
        let Some(function) = value.downcast::<Function>() else {
            return Err(wrong_kind(vm, "a function", value));
        };
        scripts::check_stateless(vm, function)
            .map_err(|cause| NotShareableError::error(vm, "only stateless functions are shareable").with_cause(cause))?;
        marshal::dump(vm, &function.code().as_value(), MARSHAL_VERSION, true).map(Crossing::Function)
    }

    /// Makes the value in this interpreter.
    ///
    /// # Errors
    /// What making it raises.
    pub fn load(&self, vm: &Vm) -> PyResult {
        match self {
            Crossing::None => Ok(none()),
            Crossing::Bool(truth) => Ok(bool::boolean(*truth)),
            Crossing::Int(number) => Ok(int::new(*number)),
            Crossing::Float(number) => Ok(float::new(*number)),
            Crossing::Str(text) => Ok(str_of(text).into_value()),
            Crossing::Bytes(bytes) => Ok(Bytes::new(bytes.as_slice()).into_value()),
            Crossing::Tuple(items) => {
                let items = items.iter().map(|item| item.load(vm)).collect::<PyResult<Vec<_>>>()?;
                Ok(Tuple::from_values(items).into_value())
            }
            Crossing::Buffer(view) => {
                SharedBuffer::static_type().ready(vm);
                let shared = Object::new(SharedBuffer { view: view.clone() }).into_value();
                Ok(MemoryView::from_view(buffer::view_with(vm, &shared, buffer::flags::FULL_RO)?).into_value())
            }
            Crossing::Queue(queue) => queue.load(vm),
            Crossing::Channel(channel) => channel.load(vm),
            Crossing::Marshalled(data) => Ok(marshal::load(vm, data, true)?.0),
            Crossing::Function(data) => {
                let (code, _) = marshal::load(vm, data, true)?;
                let Ok(code) = code.downcast_into::<Code>() else {
                    return Err(vm.type_error("a function's code is none"));
                };
                Ok(Function::new(vm, code, super::main_names(vm)?).into_value())
            }
            Crossing::Pickled { data, main_file } => unpickle(vm, data, main_file.as_ref())
                .map_err(|cause| NotShareableError::error(vm, "object could not be unpickled").with_cause(cause)),
        }
    }
}

fn wrong_kind(vm: &Vm, expected: &str, value: &Value) -> Exception {
    match vm.repr(value) {
        Ok(shown) => {
            NotShareableError::error(vm, format!("expected {expected}, got {}", shown.to_string_lossy()))
        }
        Err(error) => error,
    }
}

/// What the sender's `__main__` is called where its file was run for its names.
const FAKE_MAIN: &str = "<fake __main__>";
/// The names of the sender's main file, once it was run here.
static FAKE_MAIN_NAMES: PerInterpreter<GilCell<Option<Value>>> = PerInterpreter::new(GilCell::default);

/// Reads pickled data. Where it mentions a name of the sender's `__main__` that the one here has not, the sender's file
/// is run for its names.
fn unpickle(vm: &Vm, data: &[u8], main_file: Option<&Value>) -> PyResult {
    let pickle = import_module(vm, "pickle")?;
    let data = Bytes::new(data).into_value();
    let load = || vm.call_method_str(&pickle, "loads", std::slice::from_ref(&data));
    let error = match load() {
        Err(error) if error.is_attribute_error() => error,
        result => return result,
    };
    let Some(file) = main_file else { return Err(error) };
    let stand_in = match FAKE_MAIN_NAMES.of(vm).get() {
        Some(stand_in) => stand_in,
        None => {
            let runpy = import_module(vm, "runpy")?;
            let arguments = [file.clone(), none(), vm.new_str(FAKE_MAIN)];
            let names = vm.call_method_str(&runpy, "run_path", &arguments)?;
            let stand_in = rspy_runtime::types::module::Module::new(vm, "__main__");
            vm.call_method_str(stand_in.dict().value(), "update", &[names])?;
            FAKE_MAIN_NAMES.of(vm).set(Some(stand_in.to_value()));
            stand_in.into_value()
        }
    };
    let modules = &vm.interpreter.modules;
    let name = vm.intern("__main__");
    let own = modules.get_str(&name);
    modules.set_str(&name, stand_in);
    let result = load();
    if let Some(own) = own {
        modules.set_str(&name, own);
    }
    result
}

/// Memory of another interpreter.
#[pyclass(name = "CrossInterpreterBufferView", module = "_interpreters", tracked, no_new)]
pub struct SharedBuffer {
    view: Value,
}

#[pymethods]
impl SharedBuffer {
    #[slot(buffer)]
    fn buffer(&self, vm: &Vm, flags: u32) -> PyResult<BufferView> {
        buffer::view_with(vm, &self.view, flags)
    }
}
