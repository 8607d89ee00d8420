//! `Pickler`: the object that writes pickles, and what one pickle's writing needs to remember.

use std::cell::Cell;
use std::collections::HashSet;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::RuntimeWarning;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::native_function::NativeFunction;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::object::{generic_get_attribute, generic_set_attribute};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings::warn;

use super::errors::PicklingError;
use super::memo::Memo;
use super::opcodes::{DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, PROTO, STOP};
use super::output::Output;
use super::plain::LastClass;
use super::proxies::{PicklerMemoProxy, memo_of};
use super::registry::table;

/// This takes a binary file for writing a pickle data stream.
///
/// The optional *protocol* argument tells the pickler to use the given
/// protocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default
/// protocol is 5. It was introduced in Python 3.8, and is incompatible
/// with previous versions.
///
/// Specifying a negative protocol version selects the highest protocol
/// version supported.  The higher the protocol used, the more recent the
/// version of Python needed to read the pickle produced.
///
/// The *file* argument must have a write() method that accepts a single
/// bytes argument. It can thus be a file object opened for binary
/// writing, an io.BytesIO instance, or any other custom object that meets
/// this interface.
///
/// If *fix_imports* is True and protocol is less than 3, pickle will try
/// to map the new Python 3 names to the old module names used in Python
/// 2, so that the pickle data stream is readable with Python 2.
///
/// If *buffer_callback* is None (the default), buffer views are
/// serialized into *file* as part of the pickle stream.
///
/// If *buffer_callback* is not None, then it can be called any number
/// of times with a buffer view.  If the callback returns a false value
/// (such as None), the given buffer is out-of-band; otherwise the
/// buffer is serialized in-band, i.e. inside the pickle stream.
///
/// It is an error if *buffer_callback* is not None and *protocol*
/// is None or smaller than 5.
#[pyclass(
    name = "Pickler", module = "_pickle", tracked, subclassable,
    signature = "(file, protocol=None, fix_imports=True, buffer_callback=None)"
)]
pub struct Pickler {
    #[untraced]
    pub(super) output: GilCell<Output>,
    pub(super) memo: GilCell<Memo>,
    /// `write` of the file; absent while bytes are only collected.
    pub(super) write: GilCell<Option<Value>>,
    /// `persistent_id` where it was set on the pickler.
    own_persistent_id: GilCell<Option<Value>>,
    /// `persistent_id` while a pickle is written, unless it is the one that answers nothing.
    pub(super) persistent_id: GilCell<Option<Value>>,
    /// `reducer_override` while a pickle is written.
    pub(super) reducer: GilCell<Option<Value>>,
    pub(super) dispatch_table: GilCell<Option<Value>>,
    pub(super) buffer_callback: GilCell<Option<Value>>,
    pub(super) protocol: Cell<u8>,
    /// Whether a pickle is being written.
    running: Cell<bool>,
    /// Whether opcodes are binary.
    pub(super) binary: Cell<i32>,
    /// Whether nothing is remembered.
    pub(super) fast: Cell<i32>,
    pub(super) fix_imports: Cell<bool>,
    /// How deep lists and dicts are nested while nothing is remembered.
    pub(super) fast_depth: Cell<usize>,
    /// The lists and dicts that are being written deep down while nothing is remembered.
    #[untraced]
    pub(super) fast_open: GilCell<HashSet<u64>>,
    /// `copyreg.dispatch_table`, once it was needed.
    shared_dispatch: GilCell<Option<Ref<Dict>>>,
    /// `copyreg._extension_registry`, once it was needed.
    extensions: GilCell<Option<Ref<Dict>>>,
    #[untraced]
    pub(super) last_class: LastClass,
}

/// The settings of a pickler.
pub struct Settings<'a> {
    /// The protocol, `None` for the default one.
    pub protocol: Option<&'a Value>,
    /// Whether old protocols get Python 2's names.
    pub fix_imports: bool,
    /// What decides whether buffers go out of band.
    pub buffer_callback: Option<&'a Value>,
}

impl Pickler {
    /// A pickler that has no file yet.
    pub fn empty() -> Pickler {
        Pickler {
            output: GilCell::new(Output::new()),
            memo: GilCell::default(),
            write: GilCell::default(),
            own_persistent_id: GilCell::default(),
            persistent_id: GilCell::default(),
            reducer: GilCell::default(),
            dispatch_table: GilCell::default(),
            buffer_callback: GilCell::default(),
            protocol: Cell::new(DEFAULT_PROTOCOL),
            running: Cell::new(false),
            binary: Cell::new(1),
            fast: Cell::new(0),
            fix_imports: Cell::new(false),
            fast_depth: Cell::new(0),
            fast_open: GilCell::default(),
            shared_dispatch: GilCell::default(),
            extensions: GilCell::default(),
            last_class: LastClass::default(),
        }
    }

    /// Takes the settings over.
    ///
    /// # Errors
    /// `ValueError` for an unknown protocol, and where buffers cannot go out of band.
    pub fn configure(&self, vm: &Vm, settings: &Settings<'_>) -> PyResult<()> {
        let protocol = match settings.protocol {
            None => DEFAULT_PROTOCOL,
            Some(protocol) => {
                let number = vm.index(protocol)?;
                match int::small_value(&number) {
                    Some(number) if number < 0 => HIGHEST_PROTOCOL,
                    Some(number) if number <= i64::from(HIGHEST_PROTOCOL) => number as u8,
                    Some(_) => {
                        let message = format!("pickle protocol must be <= {HIGHEST_PROTOCOL}");
                        return Err(vm.value_error(message));
                    }
                    None => return Err(vm.overflow_error("Python int too large to convert to C long")),
                }
            }
        };
        self.protocol.set(protocol);
        self.binary.set(i32::from(protocol > 0));
        self.fix_imports.set(settings.fix_imports && protocol < 3);
        let callback = settings.buffer_callback.filter(|callback| !is_none(callback));
        if callback.is_some() && protocol < 5 {
            return Err(vm.value_error("buffer_callback needs protocol >= 5"));
        }
        self.buffer_callback.set(callback.cloned());
        Ok(())
    }

    /// Writes to a file from now on.
    ///
    /// # Errors
    /// `TypeError` where the file has no `write`.
    pub fn set_file(&self, vm: &Vm, file: &Value) -> PyResult<()> {
        match vm.get_attribute_optional(file, &names::write)? {
            Some(write) => {
                self.write.set(Some(write));
                Ok(())
            }
            None => Err(vm.type_error("file must have a 'write' attribute")),
        }
    }

    /// Writes the pickle of an object, without handing it to the file.
    ///
    /// # Errors
    /// What pickling raises.
    pub fn write_pickle(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let protocol = self.protocol.get();
        if protocol >= 2 {
            let mut output = self.output.borrow_mut();
            output.opcode(PROTO, [protocol]);
            if protocol >= 4 {
                output.begin_framing();
            }
        }
        let saved = self.save(vm, object, true);
        let mut output = self.output.borrow_mut();
        if saved.is_ok() {
            output.byte(STOP);
            output.end_frame();
        }
        output.end_framing();
        saved
    }

    /// The bytes written so far.
    pub fn take_bytes(&self) -> Vec<u8> {
        self.output.borrow_mut().take()
    }

    /// Hands what was written to the file.
    ///
    /// # Errors
    /// What the file raises.
    pub fn flush(&self, vm: &Vm) -> PyResult<()> {
        let bytes = Bytes::new(self.take_bytes()).into_value();
        match self.write.get() {
            Some(write) => vm.call(&write, &[bytes]).map(drop),
            None => Ok(()),
        }
    }

    /// `copyreg.dispatch_table`.
    ///
    /// # Errors
    /// `RuntimeError` where it is no dict.
    pub(super) fn shared_dispatch(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        if let Some(known) = self.shared_dispatch.get() {
            return Ok(known);
        }
        let found = table(vm, "copyreg", "dispatch_table")?;
        self.shared_dispatch.set(Some(found.clone()));
        Ok(found)
    }

    /// `copyreg._extension_registry`.
    ///
    /// # Errors
    /// `RuntimeError` where it is no dict.
    pub(super) fn extensions(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        if let Some(known) = self.extensions.get() {
            return Ok(known);
        }
        let found = table(vm, "copyreg", "_extension_registry")?;
        self.extensions.set(Some(found.clone()));
        Ok(found)
    }

    /// Gets the hooks of the pickler's class, writes, and lets go of the hooks: bound methods would make a cycle.
    fn write_with_hooks(this: &Object<Pickler>, vm: &Vm, object: &Value) -> PyResult<()> {
        this.running.set(true);
        let written = Self::write_with_found_hooks(this, vm, object);
        this.running.set(false);
        this.reducer.set(None);
        this.persistent_id.set(None);
        written
    }

    fn write_with_found_hooks(this: &Object<Pickler>, vm: &Vm, object: &Value) -> PyResult<()> {
        let own = this.as_value();
        this.reducer.set(vm.get_attribute_optional(&own, &names::reducer_override)?);
        let found = vm.get_attribute_optional(&own, &names::persistent_id)?;
        this.persistent_id.set(found.filter(|found| !is_native_default(&own, found, "persistent_id")));
        this.output.borrow_mut().clear();
        this.write_pickle(vm, object).and_then(|()| this.flush(vm))
    }

    fn check_idle(&self, vm: &Vm) -> PyResult<()> {
        if self.running.get() {
            return Err(vm.runtime_error("Pickler object is already used"));
        }
        Ok(())
    }
}

/// Whether a method is the native one that does nothing.
pub(super) fn is_native_default(own: &Value, method: &Value, name: &str) -> bool {
    method.downcast::<NativeFunction>().is_some_and(|function| {
        function.definition().name == name && function.instance().is_some_and(|instance| instance.is(own))
    })
}

#[pymethods]
impl Pickler {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Pickler::empty()).into_value())
    }

    #[init("Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)")]
    fn init(
        this: &Object<Pickler>,
        vm: &Vm,
        file: &Value,
        protocol: Option<&Value>,
        fix_imports: bool,
        buffer_callback: Option<&Value>,
    ) -> PyResult<()> {
        this.check_idle(vm)?;
        this.write.set(None);
        this.memo.take();
        this.configure(vm, &Settings { protocol, fix_imports, buffer_callback })?;
        this.set_file(vm, file)?;
        this.output.borrow_mut().clear();
        this.fast.set(0);
        this.fast_depth.set(0);
        this.fast_open.borrow_mut().clear();
        let table = vm.get_attribute_optional(&this.as_value(), &names::dispatch_table)?;
        this.dispatch_table.set(table);
        Ok(())
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<Pickler>, vm: &Vm, name: &Object<Str>) -> PyResult {
        if name.equals_str("persistent_id")
            && let Some(own) = this.own_persistent_id.get()
        {
            return Ok(own);
        }
        generic_get_attribute(vm, &this.as_value(), name)
    }

    #[slot(setattribute)]
    fn setattribute(this: &Object<Pickler>, vm: &Vm, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
        if name.equals_str("persistent_id") {
            this.own_persistent_id.set(value.cloned());
            return Ok(());
        }
        generic_set_attribute(vm, &this.as_value(), name, value)
    }

    /// Write a pickled representation of the given object to the open file.
    #[method("dump(self, obj, /)")]
    fn dump(this: &Object<Pickler>, vm: &Vm, obj: &Value) -> PyResult<()> {
        this.check_idle(vm)?;
        if this.write.borrow().is_none() {
            return Err(PicklingError::error(
                vm,
                format!("Pickler.__init__() was not called by {}.__init__()", this.type_of().full_name()),
            ));
        }
        Self::write_with_hooks(this, vm, obj)
    }

    /// Clears the pickler's "memo".
    ///
    /// The memo is the data structure that remembers which objects the
    /// pickler has already seen, so that shared or recursive objects are
    /// pickled by reference and not by value.  This method is useful when
    /// re-using picklers.
    #[method("clear_memo(self, /)")]
    pub(super) fn clear_memo(&self) {
        drop(self.memo.take());
    }

    #[method("persistent_id(self, obj, /)")]
    fn persistent_id_of_nothing(&self, _obj: &Value) -> Value {
        none()
    }

    /// Returns size in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Pickler>) -> usize {
        let base = this.type_of().native().size;
        base + this.memo.borrow().memory() + this.output.borrow().capacity()
    }

    #[getter("memo")]
    fn get_memo(this: &Object<Pickler>) -> Ref<PicklerMemoProxy> {
        PicklerMemoProxy::of(this.to_ref())
    }

    #[setter("memo")]
    fn set_memo(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("attribute deletion is not supported")) };
        let memo = memo_of(vm, value)?;
        drop(self.memo.replace(memo));
        Ok(())
    }

    #[getter("bin", member)]
    fn get_bin(&self) -> i32 {
        self.binary.get()
    }

    #[setter("bin")]
    fn set_bin(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.binary.set(member_int(vm, value)?);
        Ok(())
    }

    #[getter("fast", member)]
    fn get_fast(&self) -> i32 {
        self.fast.get()
    }

    #[setter("fast")]
    fn set_fast(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.fast.set(member_int(vm, value)?);
        Ok(())
    }

    #[getter("dispatch_table", member)]
    fn get_dispatch_table(this: &Object<Pickler>, vm: &Vm) -> PyResult {
        this.dispatch_table.get().ok_or_else(|| vm.no_attribute(&this.as_value(), &names::dispatch_table))
    }

    #[setter("dispatch_table")]
    fn set_dispatch_table(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let old = self.dispatch_table.replace(value.cloned());
        if value.is_none() && old.is_none() {
            return Err(vm.bare_attribute_error("dispatch_table"));
        }
        Ok(())
    }
}

/// The value that a plain integer attribute is set to.
fn member_int(vm: &Vm, value: Option<&Value>) -> PyResult<i32> {
    let Some(value) = value else { return Err(vm.type_error("can't delete numeric/char attribute")) };
    let number = vm.index(value)?;
    let Some(number) = int::small_value(&number) else {
        return Err(vm.overflow_error("Python int too large to convert to C long"));
    };
    if i32::try_from(number).is_err() {
        warn(vm, RuntimeWarning::static_type(), "Truncation of value to int", 1)?;
    }
    Ok(number as i32)
}

