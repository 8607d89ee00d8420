//! Writing values: which are of what type, which were written already. `save_values` and `save_containers` write those of
//! builtin types, each as its own opcodes, without calling any Python code.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Payload;
use rspy_runtime::types::bool::as_bool;
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float::{self, Float};
use rspy_runtime::types::function::Function;
use rspy_runtime::types::int::Int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::set::{FrozenSet, Set};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::buffers::PickleBuffer;
use super::opcodes::*;
use super::pickler::Pickler;

impl Pickler {
    /// Writes a value. A persistent id that was told for another value is not asked for one itself.
    ///
    /// # Errors
    /// What pickling raises.
    pub(super) fn save(&self, vm: &Vm, value: &Value, asks_id: bool) -> PyResult<()> {
        if self.output.borrow().is_frame_full() {
            self.end_full_frame(vm)?;
        }
        if asks_id && self.persistent_id.borrow().is_some() && self.save_persistent(vm, value)? {
            return Ok(());
        }
        if let Some(number) = value.small_int() {
            return self.save_small(vm, number, value);
        }
        if let Some(number) = value.small_float() {
            self.save_float(number);
            return Ok(());
        }
        if let Some(text) = value.downcast_exact::<Str>() {
            return if self.save_known(value) { Ok(()) } else { self.save_str(vm, text) };
        }
        self.save_object(vm, value)
    }

    /// Writes a value that is neither a number in a word nor text.
    fn save_object(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        if is_none(value) {
            self.output.borrow_mut().byte(NONE);
            return Ok(());
        }
        if let Some(truth) = as_bool(value) {
            self.save_bool(truth);
            return Ok(());
        }
        let typ = std::ptr::from_ref(value.type_of());
        let is = |of: &'static rspy_runtime::object::TypeObject| std::ptr::eq(typ, of);
        if is(Int::static_type()) {
            return self.save_big(vm, value);
        }
        if is(Float::static_type()) {
            self.save_float(float::as_f64(value).unwrap_or(0.0));
            return Ok(());
        }
        if self.save_known(value) {
            return Ok(());
        }
        if let Some(bytes) = value.downcast_exact::<Bytes>() {
            return self.save_bytes(vm, bytes);
        }
        vm.check_stack(" while pickling an object")?;
        if let Some(dict) = value.downcast_exact::<Dict>() {
            self.save_dict(vm, dict)
        } else if let Some(set) = value.downcast_exact::<Set>() {
            self.save_set(vm, set)
        } else if let Some(set) = value.downcast_exact::<FrozenSet>() {
            self.save_frozenset(vm, set)
        } else if let Some(list) = value.downcast_exact::<List>() {
            self.save_list(vm, list)
        } else if let Some(tuple) = value.downcast_exact::<Tuple>() {
            self.save_tuple(vm, tuple)
        } else if let Some(bytes) = value.downcast_exact::<ByteArray>() {
            self.save_bytearray(vm, bytes)
        } else if let Some(buffer) = value.downcast_exact::<PickleBuffer>() {
            self.save_buffer(vm, buffer)
        } else {
            self.save_other(vm, value)
        }
    }

    /// Whether a value's type alone says that it is a class or a function.
    pub(super) fn save_class_or_function(&self, vm: &Vm, value: &Value) -> Option<PyResult<()>> {
        if value.downcast_exact::<Type>().is_some() {
            return Some(self.save_type(vm, value));
        }
        value.downcast_exact::<Function>().map(|_| self.save_global(vm, value, None))
    }

    #[cold]
    fn end_full_frame(&self, vm: &Vm) -> PyResult<()> {
        self.output.borrow_mut().end_frame();
        if self.write.borrow().is_some() {
            self.flush(vm)?;
        }
        self.output.borrow_mut().begin_frame();
        Ok(())
    }

    // ----- the memo -----

    /// Refers to a value that was written already, if it was.
    pub(super) fn save_known(&self, value: &Value) -> bool {
        let number = self.memo.borrow().get(value);
        if let Some(number) = number {
            self.write_get(number);
        }
        number.is_some()
    }

    /// Refers to a value that was written already, if it was, in the place of the one that was just written.
    pub(super) fn save_known_instead(&self, value: &Value) -> bool {
        let number = self.memo.borrow().get(value);
        if let Some(number) = number {
            self.output.borrow_mut().byte(POP);
            self.write_get(number);
        }
        number.is_some()
    }

    pub(super) fn write_get(&self, number: usize) {
        let mut output = self.output.borrow_mut();
        if self.binary.get() == 0 {
            output.byte(GET);
            output.write(format!("{number}\n").as_bytes());
        } else if number < 256 {
            output.write(&[BINGET, number as u8]);
        } else {
            output.opcode(LONG_BINGET, (number as u32).to_le_bytes());
        }
    }

    /// Remembers a value that was just written.
    #[inline]
    pub(super) fn memoize(&self, value: &Value) {
        if self.fast.get() != 0 {
            return;
        }
        let number = {
            let mut memo = self.memo.borrow_mut();
            let number = memo.len();
            memo.insert(value.clone(), number);
            number
        };
        let mut output = self.output.borrow_mut();
        if self.protocol.get() >= 4 {
            output.byte(MEMOIZE);
        } else if self.binary.get() == 0 {
            output.byte(PUT);
            output.write(format!("{number}\n").as_bytes());
        } else if number < 256 {
            output.write(&[BINPUT, number as u8]);
        } else {
            output.opcode(LONG_BINPUT, (number as u32).to_le_bytes());
        }
    }
}
