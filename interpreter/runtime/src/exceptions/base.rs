//! `BaseException`: arguments, traceback, cause and context; the payload that all exception objects begin with.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::arguments::KeywordArguments;
use crate::cell::GilCell;
use crate::exceptions::{
    PyResult, attribute_error, group, import_error, is_exception, os_error, stop, syntax_error, traceback,
    unicode,
};
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::instance;
use crate::value::Value;
use crate::vm::Vm;

/// Common base class for all exceptions.
#[pyclass(name = "BaseException", tracked, dict, subclassable, exception)]
#[repr(C)]
pub struct BaseException {
    args: GilCell<Option<Ref<Tuple>>>,
    traceback: GilCell<Option<Value>>,
    context: GilCell<Option<Value>>,
    cause: GilCell<Option<Value>>,
    #[untraced]
    suppress_context: Cell<bool>,
}

/// A payload that exception objects can have, with fields of its own behind those of `BaseException`.
pub trait ExceptionPayload: Payload {
    /// The payload with its own fields empty.
    fn empty(base: BaseException) -> Self;
}

impl BaseException {
    /// The payload of an exception with arguments.
    pub fn with_args(args: Ref<Tuple>) -> BaseException {
        BaseException {
            args: GilCell::new(Some(args)),
            traceback: GilCell::default(),
            context: GilCell::default(),
            cause: GilCell::default(),
            suppress_context: Cell::new(false),
        }
    }

    /// The arguments.
    pub fn args(&self) -> Ref<Tuple> {
        self.args.get().unwrap_or_else(Tuple::empty)
    }

    /// Replaces the arguments.
    pub fn set_args(&self, args: Ref<Tuple>) {
        self.args.set(Some(args));
    }

    /// The traceback.
    pub fn traceback(&self) -> Option<Value> {
        self.traceback.get()
    }

    /// Replaces the traceback.
    pub fn set_traceback(&self, traceback: Option<Value>) {
        self.traceback.set(traceback);
    }

    /// The exception that was being handled when this was raised.
    pub fn context(&self) -> Option<Value> {
        self.context.get()
    }

    /// Replaces the context.
    pub fn set_context(&self, context: Option<Value>) {
        self.context.set(context);
    }

    /// The explicit cause.
    pub fn cause(&self) -> Option<Value> {
        self.cause.get()
    }

    /// Replaces the cause; the context is not shown any more.
    pub fn set_cause(&self, cause: Option<Value>) {
        self.cause.set(cause);
        self.suppress_context.set(true);
    }

    /// Whether the context is not shown.
    pub fn suppresses_context(&self) -> bool {
        self.suppress_context.get()
    }

    /// What `BaseException.__str__` answers.
    ///
    /// # Errors
    /// What `str` of the arguments raises.
    pub fn show(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        let args = self.args();
        match args.items() {
            [] => Ok(Str::empty()),
            [only] => vm.str(only),
            _ => vm.str(args.value()),
        }
    }
}

/// An exception object of a class, with the payload that its native ancestor asks for.
pub fn allocate(class: &TypeObject, args: Ref<Tuple>) -> Value {
    fn of<T: ExceptionPayload>(class: &TypeObject, base: BaseException) -> Value {
        Object::with_type(class, T::empty(base)).into_value()
    }
    let base = BaseException::with_args(args);
    let is = |typ: &'static TypeObject| class.is_native_subtype(typ);
    match class.native().size {
        size if size == size_of::<Object<BaseException>>() => Object::with_type(class, base).into_value(),
        _ if is(stop::StopIteration::static_type()) => of::<stop::StopIteration>(class, base),
        _ if is(attribute_error::AttributeError::static_type()) => {
            of::<attribute_error::AttributeError>(class, base)
        }
        _ if is(os_error::OsError::static_type()) => of::<os_error::OsError>(class, base),
        _ if is(import_error::ImportError::static_type()) => of::<import_error::ImportError>(class, base),
        _ if is(attribute_error::NameError::static_type()) => of::<attribute_error::NameError>(class, base),
        _ if is(stop::SystemExit::static_type()) => of::<stop::SystemExit>(class, base),
        _ if is(syntax_error::SyntaxError::static_type()) => of::<syntax_error::SyntaxError>(class, base),
        _ if is(unicode::UnicodeEncodeError::static_type()) => of::<unicode::UnicodeEncodeError>(class, base),
        _ if is(unicode::UnicodeDecodeError::static_type()) => of::<unicode::UnicodeDecodeError>(class, base),
        _ if is(unicode::UnicodeTranslateError::static_type()) => {
            of::<unicode::UnicodeTranslateError>(class, base)
        }
        _ if is(group::BaseExceptionGroup::static_type()) => of::<group::BaseExceptionGroup>(class, base),
        _ => unreachable!("a native exception type with a payload of its own has a constructor of its own"),
    }
}

/// `BaseException.__new__`: keyword arguments are left to `__init__`.
///
/// # Errors
/// None; the signature is that of the slot.
pub fn new(_: &Vm, class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    let (positional, _) = KeywordArguments::of_call(args, names);
    Ok(allocate(class, Tuple::from_slice(positional)))
}

/// `BaseException.__init__`.
///
/// # Errors
/// `TypeError` for keyword arguments.
pub fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
    let (positional, keywords) = KeywordArguments::of_call(args, names);
    reject_keywords(vm, this.type_of(), &keywords)?;
    crate::exceptions::base_of(this).set_args(Tuple::from_slice(positional));
    Ok(())
}

/// The error for a class that takes no keyword arguments.
///
/// # Errors
/// `TypeError` if there are any.
pub fn reject_keywords(vm: &Vm, class: &TypeObject, keywords: &KeywordArguments<'_>) -> PyResult<()> {
    if keywords.is_empty() {
        return Ok(());
    }
    Err(vm.type_error(format!("{}() takes no keyword arguments", class.full_name())))
}

/// `(class, args)`, or `(class, args, state)` where there is a state.
pub fn reduced(this: &Value, args: Ref<Tuple>, state: Option<Value>) -> Value {
    let class = this.type_of().to_value();
    match state {
        Some(state) => Tuple::from_values([class, args.into_value(), state]).into_value(),
        None => Tuple::from_values([class, args.into_value()]).into_value(),
    }
}

/// The attribute dict, if the object has attributes of its own.
pub fn attributes(vm: &Vm, this: &Value) -> Option<Ref<Dict>> {
    let header = this.header()?;
    if let Some(dict) = instance::existing_dict(header) {
        return Some(dict.to_ref());
    }
    if !header.type_of().is_heap() {
        return None;
    }
    let dict = instance::dict(vm, this);
    (!dict.is_empty()).then_some(dict)
}

/// The value of an attribute that may be `None` or an exception.
fn exception_or_none(vm: &Vm, value: Option<&Value>, name: &str, what: &str) -> PyResult<Option<Value>> {
    match value {
        None => Err(vm.type_error(format!("{name} may not be deleted"))),
        Some(value) if is_none(value) => Ok(None),
        Some(value) if is_exception(value) => Ok(Some(value.clone())),
        Some(_) => Err(vm.type_error(format!("exception {what} must be None or derive from BaseException"))),
    }
}

#[pymethods]
impl BaseException {
    #[slot(new)]
    fn new(vm: &Vm, class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        new(vm, class, args, names)
    }

    #[slot(init)]
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        init(vm, this, args, names)
    }

    #[slot(repr)]
    fn repr(&self, this: &Value, vm: &Vm) -> PyResult<String> {
        let args = self.args();
        let shown = match args.items() {
            [only] => format!("({})", vm.repr(only)?.to_string_lossy()),
            _ => vm.repr(args.value())?.to_string_lossy().into_owned(),
        };
        Ok(format!("{}{shown}", this.type_of().name()))
    }

    #[slot(str)]
    fn str(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        self.show(vm)
    }

    /// Helper for pickle.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, this: &Value, vm: &Vm) -> Value {
        reduced(this, self.args(), attributes(vm, this).map(Ref::into_value))
    }

    #[method("__setstate__(self, state, /)")]
    fn setstate(this: &Value, vm: &Vm, state: &Value) -> PyResult<()> {
        if is_none(state) {
            return Ok(());
        }
        let Some(state) = state.downcast::<Dict>() else {
            return Err(vm.type_error("state is not a dictionary"));
        };
        for (key, value) in state.pairs() {
            let Some(name) = key.downcast::<Str>() else {
                return Err(vm.type_error(format!(
                    "attribute name must be string, not '{}'",
                    key.type_of().full_name()
                )));
            };
            vm.set_attribute(this, name, &value)?;
        }
        Ok(())
    }

    /// Set self.__traceback__ to tb and return self.
    #[method("with_traceback(self, tb, /)")]
    fn with_traceback(&self, this: &Value, vm: &Vm, tb: &Value) -> PyResult {
        self.set_traceback_attribute(vm, Some(tb))?;
        Ok(this.clone())
    }

    /// Add a note to the exception
    #[method("add_note(self, note, /)")]
    fn add_note(this: &Value, vm: &Vm, note: &Value) -> PyResult<()> {
        if note.downcast::<Str>().is_none() {
            return Err(vm.type_error(format!("note must be a str, not '{}'", note.type_of().full_name())));
        }
        let notes = match vm.get_attribute_optional(this, &names::__notes__)? {
            Some(notes) => notes,
            None => {
                let notes = List::new().into_value();
                vm.set_attribute(this, &names::__notes__, &notes)?;
                notes
            }
        };
        match notes.downcast::<List>() {
            Some(notes) => {
                notes.push(note.clone());
                Ok(())
            }
            None => Err(vm.type_error("Cannot add note: __notes__ is not a list")),
        }
    }

    #[getter("__suppress_context__", member)]
    fn suppress_context(&self) -> bool {
        self.suppress_context.get()
    }

    #[setter("__suppress_context__")]
    fn set_suppress_context(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value {
            None => Err(vm.type_error("can't delete numeric/char attribute")),
            Some(value) => match crate::types::bool::as_bool(value) {
                Some(value) => {
                    self.suppress_context.set(value);
                    Ok(())
                }
                None => Err(vm.type_error("attribute value type must be bool")),
            },
        }
    }

    #[getter("__dict__")]
    fn dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        instance::dict(vm, this)
    }

    #[setter("__dict__")]
    fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("cannot delete __dict__")) };
        let Some(dict) = value.downcast::<Dict>() else {
            return Err(vm.type_error(format!(
                "__dict__ must be set to a dictionary, not a '{}'",
                value.type_of().full_name()
            )));
        };
        instance::replace_dict(vm, this, dict);
        Ok(())
    }

    #[getter("args")]
    fn args_attribute(&self) -> Ref<Tuple> {
        self.args()
    }

    #[setter("args")]
    fn set_args_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("args may not be deleted")) };
        let args = match value.downcast_exact::<Tuple>() {
            Some(tuple) => tuple.to_ref(),
            None => Tuple::from_values(vm.collect(value)?),
        };
        self.set_args(args);
        Ok(())
    }

    #[getter("__traceback__")]
    fn traceback_attribute(&self) -> Value {
        self.traceback().unwrap_or_else(none)
    }

    #[setter("__traceback__")]
    fn set_traceback_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value {
            None => Err(vm.type_error("__traceback__ may not be deleted")),
            Some(value) if is_none(value) => {
                self.set_traceback(None);
                Ok(())
            }
            Some(value) if value.downcast::<traceback::Traceback>().is_some() => {
                self.set_traceback(Some(value.clone()));
                Ok(())
            }
            Some(_) => Err(vm.type_error("__traceback__ must be a traceback or None")),
        }
    }

    #[getter("__context__")]
    fn context_attribute(&self) -> Value {
        self.context().unwrap_or_else(none)
    }

    #[setter("__context__")]
    fn set_context_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_context(exception_or_none(vm, value, "__context__", "context")?);
        Ok(())
    }

    #[getter("__cause__")]
    fn cause_attribute(&self) -> Value {
        self.cause().unwrap_or_else(none)
    }

    #[setter("__cause__")]
    fn set_cause_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_cause(exception_or_none(vm, value, "__cause__", "cause")?);
        Ok(())
    }
}
