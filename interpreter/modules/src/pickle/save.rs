//! Writing values of builtin types, each as its own opcodes, without calling any Python code.

use std::borrow::Cow;

use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::bool::as_bool;
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float::{self, Float};
use rspy_runtime::types::function::Function;
use rspy_runtime::types::int::{self, Int};
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::set::{FrozenSet, Set};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::from_latin1;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::buffers::PickleBuffer;
use super::errors::{Noted, PicklingError};
use super::opcodes::*;
use super::output::FRAME_TARGET;
use super::pickler::Pickler;
use super::registry::global;

/// From this nesting on lists and dicts are checked for cycles while nothing is remembered.
const FAST_NESTING: usize = 50;
/// The longest that protocols before 4 can say.
const LONGEST: usize = 0xffff_ffff;

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
        if let Some(text) = value.downcast_exact::<Str>() {
            return self.save_str(vm, text);
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
            output.opcode(BINGET, [number as u8]);
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
            output.opcode(BINPUT, [number as u8]);
        } else {
            output.opcode(LONG_BINPUT, (number as u32).to_le_bytes());
        }
    }

    // ----- numbers -----

    fn save_bool(&self, truth: bool) {
        let mut output = self.output.borrow_mut();
        if self.protocol.get() >= 2 {
            output.byte(if truth { NEWTRUE } else { NEWFALSE });
        } else {
            output.write(if truth { b"I01\n" } else { b"I00\n" });
        }
    }

    #[inline]
    fn save_small(&self, vm: &Vm, number: i64, value: &Value) -> PyResult<()> {
        let mut output = self.output.borrow_mut();
        let Ok(short) = i32::try_from(number) else {
            drop(output);
            return self.save_big(vm, value);
        };
        if self.binary.get() == 0 {
            output.byte(INT);
            output.write(format!("{short}\n").as_bytes());
        } else if let Ok(byte) = u8::try_from(short) {
            output.opcode(BININT1, [byte]);
        } else if let Ok(word) = u16::try_from(short) {
            output.opcode(BININT2, word.to_le_bytes());
        } else {
            output.opcode(BININT, short.to_le_bytes());
        }
        Ok(())
    }

    /// An `int` that does not fit 32 bits.
    fn save_big(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        if self.protocol.get() < 2 {
            let digits = vm.repr(value)?;
            let mut output = self.output.borrow_mut();
            output.byte(LONG);
            output.write(digits.to_string_lossy().as_bytes());
            output.write(b"L\n");
            return Ok(());
        }
        let bytes = int::borrow_big(value).unwrap_or_default().to_signed_bytes_le();
        let mut output = self.output.borrow_mut();
        if let Ok(length) = u8::try_from(bytes.len()) {
            output.opcode(LONG1, [length]);
        } else if let Ok(length) = i32::try_from(bytes.len()) {
            output.opcode(LONG4, length.to_le_bytes());
        } else {
            return Err(vm.overflow_error("int too large to pickle"));
        }
        output.write(&bytes);
        Ok(())
    }

    fn save_float(&self, number: f64) {
        let mut output = self.output.borrow_mut();
        if self.binary.get() == 0 {
            output.byte(FLOAT);
            output.write(rspy_runtime::format::float::repr(number).as_bytes());
            output.byte(b'\n');
        } else {
            output.opcode(BINFLOAT, number.to_be_bytes());
        }
    }

    // ----- bytes and text -----

    /// Writes a header and the bytes behind it. Many bytes stay outside of frames and go straight to the file.
    fn write_sized(&self, vm: &Vm, header: &[u8], data: &[u8], whole: Option<&Value>) -> PyResult<()> {
        if data.len() < FRAME_TARGET {
            let mut output = self.output.borrow_mut();
            output.write(header);
            output.write(data);
            return Ok(());
        }
        {
            let mut output = self.output.borrow_mut();
            output.end_frame();
            output.write(header);
        }
        match self.write.get() {
            None => self.output.borrow_mut().write(data),
            Some(write) => {
                self.flush(vm)?;
                let whole = whole.map_or_else(|| Bytes::new(data).into_value(), Value::clone);
                vm.call(&write, &[whole])?;
            }
        }
        self.output.borrow_mut().begin_frame();
        Ok(())
    }

    /// Writes an opcode with a length in as many bytes as it needs, and the bytes behind it. `long` is the opcode for
    /// more than 4 GiB, which old protocols do not have.
    fn write_counted(
        &self,
        vm: &Vm,
        (short, medium, long): (Option<u8>, u8, u8),
        data: &[u8],
        whole: Option<&Value>,
        what: &str,
    ) -> PyResult<()> {
        let length = data.len();
        match short {
            Some(short) if length < 256 => {
                let mut output = self.output.borrow_mut();
                output.opcode(short, [length as u8]);
                output.write(data);
                Ok(())
            }
            _ if length <= LONGEST => {
                let [a, b, c, d] = (length as u32).to_le_bytes();
                self.write_sized(vm, &[medium, a, b, c, d], data, whole)
            }
            _ if self.protocol.get() >= 4 => self.write_sized(vm, &long_header(long, length), data, whole),
            _ => Err(vm.overflow_error(format!(
                "serializing a {what} larger than 4 GiB requires pickle protocol 4 or higher"
            ))),
        }
    }

    #[inline]
    fn save_str(&self, vm: &Vm, text: &Object<Str>) -> PyResult<()> {
        if self.binary.get() == 0 {
            let escaped = escaped(text);
            let mut output = self.output.borrow_mut();
            output.byte(UNICODE);
            output.write(&escaped);
            output.byte(b'\n');
        } else {
            let encoded = match text.as_ascii() {
                Some(ascii) => Cow::Borrowed(ascii.as_bytes()),
                None => text.to_wtf8(),
            };
            let short = (self.protocol.get() >= 4).then_some(SHORT_BINUNICODE);
            self.write_counted(vm, (short, BINUNICODE, BINUNICODE8), &encoded, None, "string")?;
        }
        self.memoize(&text.as_value());
        Ok(())
    }

    fn save_bytes(&self, vm: &Vm, bytes: &Object<Bytes>) -> PyResult<()> {
        let value = bytes.as_value();
        if self.protocol.get() >= 3 {
            self.write_bytes(vm, bytes.as_slice(), Some(&value))?;
            self.memoize(&value);
            return Ok(());
        }
        // Python 2 makes a `str` of this and Python 3 `bytes`.
        let (function, args) = if bytes.is_empty() {
            (Bytes::static_type().to_value(), Tuple::empty())
        } else {
            let text = from_latin1(bytes.as_slice()).into_value();
            (global(vm, "codecs", "encode")?, Tuple::from_values([text, vm.intern("latin1").into_value()]))
        };
        self.save_reduction(vm, &[function, args.into_value()], Some(&value))
    }

    fn write_bytes(&self, vm: &Vm, data: &[u8], whole: Option<&Value>) -> PyResult<()> {
        self.write_counted(vm, (Some(SHORT_BINBYTES), BINBYTES, BINBYTES8), data, whole, "bytes object")
    }

    fn save_bytearray(&self, vm: &Vm, bytes: &Object<ByteArray>) -> PyResult<()> {
        let value = bytes.as_value();
        let data = bytes.borrow().to_vec();
        if self.protocol.get() >= 5 {
            self.write_sized(vm, &long_header(BYTEARRAY8, data.len()), &data, Some(&value))?;
            self.memoize(&value);
            return Ok(());
        }
        let args =
            if data.is_empty() { Tuple::empty() } else { Tuple::from_values([Bytes::new(data).into_value()]) };
        self.save_reduction(vm, &[ByteArray::static_type().to_value(), args.into_value()], Some(&value))
    }

    fn save_buffer(&self, vm: &Vm, buffer: &Object<PickleBuffer>) -> PyResult<()> {
        if self.protocol.get() < 5 {
            return Err(PicklingError::error(vm, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        // The view stays valid whatever the callback does with the buffer.
        let Some(view) = buffer.contiguous(vm)? else {
            return Err(PicklingError::error(
                vm,
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
            ));
        };
        let value = buffer.as_value();
        let in_band = match self.buffer_callback.get() {
            None => true,
            Some(callback) => vm.is_true(&vm.call(&callback, &[value.clone()])?)?,
        };
        if !in_band {
            let mut output = self.output.borrow_mut();
            output.byte(NEXT_BUFFER);
            if view.is_readonly() {
                output.byte(READONLY_BUFFER);
            }
            return Ok(());
        }
        let data = view.as_slice().to_vec();
        if view.is_readonly() {
            self.write_bytes(vm, &data, None)?;
        } else {
            self.write_sized(vm, &long_header(BYTEARRAY8, data.len()), &data, None)?;
        }
        self.memoize(&value);
        Ok(())
    }

    // ----- containers -----

    fn save_tuple(&self, vm: &Vm, tuple: &Object<Tuple>) -> PyResult<()> {
        let items = tuple.items();
        let value = tuple.as_value();
        if items.is_empty() {
            let mut output = self.output.borrow_mut();
            output.write(if self.binary.get() == 0 { &[MARK, TUPLE] } else { &[EMPTY_TUPLE] });
            return Ok(());
        }
        let counted = self.protocol.get() >= 2 && items.len() <= 3;
        if !counted {
            self.output.borrow_mut().byte(MARK);
        }
        for (index, item) in items.iter().enumerate() {
            self.save(vm, item, true).noted(vm, &value, || format!("item {index}"))?;
        }
        // Writing the items of a tuple that contains itself has written the tuple already.
        let known = self.memo.borrow().get(&value);
        if let Some(number) = known {
            {
                let mut output = self.output.borrow_mut();
                match (counted, self.binary.get() != 0) {
                    (true, _) => output.write(&[POP; 3][..items.len()]),
                    (false, true) => output.byte(POP_MARK),
                    (false, false) => (0..=items.len()).for_each(|_| output.byte(POP)),
                }
            }
            self.write_get(number);
            return Ok(());
        }
        let opcode = if counted { [TUPLE1, TUPLE2, TUPLE3][items.len() - 1] } else { TUPLE };
        self.output.borrow_mut().byte(opcode);
        self.memoize(&value);
        Ok(())
    }

    fn save_list(&self, vm: &Vm, list: &Object<List>) -> PyResult<()> {
        let value = list.as_value();
        self.enter_fast(vm, &value)?;
        let opening: &[u8] = if self.binary.get() == 0 { &[MARK, LIST] } else { &[EMPTY_LIST] };
        self.output.borrow_mut().write(opening);
        self.memoize(&value);
        let saved = match list.len() {
            0 => Ok(()),
            _ if self.protocol.get() == 0 => {
                vm.iter(&value).and_then(|items| self.save_items(vm, &items, &value))
            }
            _ => self.save_list_items(vm, list),
        };
        self.leave_fast(&value);
        saved
    }

    fn save_list_items(&self, vm: &Vm, list: &Object<List>) -> PyResult<()> {
        let value = list.as_value();
        let save = |index: usize, item: &Value| {
            self.save(vm, item, true).noted(vm, &value, || format!("item {index}"))
        };
        if list.len() == 1 {
            if let Some(item) = list.get(0) {
                save(0, &item)?;
            }
            self.output.borrow_mut().byte(APPEND);
            return Ok(());
        }
        let mut index = 0;
        loop {
            self.output.borrow_mut().byte(MARK);
            let end = index + BATCH;
            while index < end
                && let Some(item) = list.get(index)
            {
                save(index, &item)?;
                index += 1;
            }
            self.output.borrow_mut().byte(APPENDS);
            if index >= list.len() {
                return Ok(());
            }
        }
    }

    /// Appends what an iterator gives to the list, or its like, that was just written.
    pub(super) fn save_items(&self, vm: &Vm, iterator: &Value, object: &Value) -> PyResult<()> {
        let mut index = 0;
        let mut save = |item: &Value| {
            index += 1;
            self.save(vm, item, true).noted(vm, object, || format!("item {}", index - 1))
        };
        self.save_batches(vm, iterator, APPEND, APPENDS, &mut save)
    }

    /// Writes what an iterator gives, in batches of one opcode.
    fn save_batches(
        &self,
        vm: &Vm,
        iterator: &Value,
        single: u8,
        batch: u8,
        save: &mut dyn FnMut(&Value) -> PyResult<()>,
    ) -> PyResult<()> {
        if self.protocol.get() == 0 {
            while let Some(item) = vm.next(iterator)? {
                save(&item)?;
                self.output.borrow_mut().byte(single);
            }
            return Ok(());
        }
        let mut count = BATCH;
        while count == BATCH {
            let Some(first) = vm.next(iterator)? else { return Ok(()) };
            let Some(second) = vm.next(iterator)? else {
                save(&first)?;
                self.output.borrow_mut().byte(single);
                return Ok(());
            };
            self.output.borrow_mut().byte(MARK);
            save(&first)?;
            save(&second)?;
            count = 2;
            while count < BATCH
                && let Some(item) = vm.next(iterator)?
            {
                save(&item)?;
                count += 1;
            }
            self.output.borrow_mut().byte(batch);
        }
        Ok(())
    }

    fn save_dict(&self, vm: &Vm, dict: &Object<Dict>) -> PyResult<()> {
        let value = dict.as_value();
        self.enter_fast(vm, &value)?;
        let opening: &[u8] = if self.binary.get() == 0 { &[MARK, DICT] } else { &[EMPTY_DICT] };
        self.output.borrow_mut().write(opening);
        self.memoize(&value);
        let saved = match dict.len() {
            0 => Ok(()),
            _ if self.protocol.get() == 0 => vm
                .call_method_str(&value, "items", &[])
                .and_then(|items| vm.iter(&items))
                .and_then(|items| self.save_pairs(vm, &items, &value)),
            _ => self.save_dict_items(vm, dict),
        };
        self.leave_fast(&value);
        saved
    }

    fn save_pair(&self, vm: &Vm, key: &Value, item: &Value, object: &Value) -> PyResult<()> {
        self.save(vm, key, true)?;
        match self.save(vm, item, true) {
            Ok(()) => Ok(()),
            Err(error) => {
                let shown = vm.repr(key)?;
                Err(error).noted(vm, object, || format!("item {}", shown.to_string_lossy()))
            }
        }
    }

    fn save_dict_items(&self, vm: &Vm, dict: &Object<Dict>) -> PyResult<()> {
        let value = dict.as_value();
        let length = dict.len();
        let mut position = 0;
        if length == 1 {
            if let Some((_, key, item)) = dict.next_entry(0) {
                self.save_pair(vm, &key, &item, &value)?;
                self.output.borrow_mut().byte(SETITEM);
            }
            return Ok(());
        }
        let mut count = BATCH;
        while count == BATCH {
            count = 0;
            self.output.borrow_mut().byte(MARK);
            while count < BATCH
                && let Some((next, key, item)) = dict.next_entry(position)
            {
                self.save_pair(vm, &key, &item, &value)?;
                position = next;
                count += 1;
            }
            self.output.borrow_mut().byte(SETITEMS);
            if dict.len() != length {
                return Err(vm.runtime_error("dictionary changed size during iteration"));
            }
        }
        Ok(())
    }

    /// Sets the pairs that an iterator gives in the dict, or its like, that was just written.
    pub(super) fn save_pairs(&self, vm: &Vm, iterator: &Value, object: &Value) -> PyResult<()> {
        let mut save = |pair: &Value| match pair.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([key, item]) => self.save_pair(vm, key, item, object),
            _ => Err(vm.type_error("dict items iterator must return 2-tuples")),
        };
        self.save_batches(vm, iterator, SETITEM, SETITEMS, &mut save)
    }

    fn save_set(&self, vm: &Vm, set: &Object<Set>) -> PyResult<()> {
        let value = set.as_value();
        if self.protocol.get() < 4 {
            return self.save_as_list(vm, Set::static_type().to_value(), set.to_vec(), &value);
        }
        self.output.borrow_mut().byte(EMPTY_SET);
        self.memoize(&value);
        let length = set.len();
        if length == 0 {
            return Ok(());
        }
        let mut position = 0;
        let mut count = BATCH;
        while count == BATCH {
            count = 0;
            self.output.borrow_mut().byte(MARK);
            while count < BATCH
                && let Some((next, _, item)) = set.core().next_entry(position)
            {
                self.save(vm, &item, true).noted(vm, &value, || "element".to_owned())?;
                position = next;
                count += 1;
            }
            self.output.borrow_mut().byte(ADDITEMS);
            if set.len() != length {
                return Err(vm.runtime_error("set changed size during iteration"));
            }
        }
        Ok(())
    }

    fn save_frozenset(&self, vm: &Vm, set: &Object<FrozenSet>) -> PyResult<()> {
        let value = set.as_value();
        let items = set.to_vec();
        if self.protocol.get() < 4 {
            return self.save_as_list(vm, FrozenSet::static_type().to_value(), items, &value);
        }
        self.output.borrow_mut().byte(MARK);
        for item in &items {
            self.save(vm, item, true).noted(vm, &value, || "element".to_owned())?;
        }
        // As for tuples: the set may contain itself.
        let known = self.memo.borrow().get(&value);
        if let Some(number) = known {
            self.output.borrow_mut().byte(POP_MARK);
            self.write_get(number);
            return Ok(());
        }
        self.output.borrow_mut().byte(FROZENSET);
        self.memoize(&value);
        Ok(())
    }

    /// Writes a set as the call of its class with a list.
    fn save_as_list(&self, vm: &Vm, class: Value, items: Vec<Value>, set: &Value) -> PyResult<()> {
        let args = Tuple::from_values([List::from_vec(items).into_value()]);
        self.save_reduction(vm, &[class, args.into_value()], Some(set))
    }

    // ----- cycles while nothing is remembered -----

    fn enter_fast(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        if self.fast.get() == 0 {
            return Ok(());
        }
        let depth = self.fast_depth.get() + 1;
        self.fast_depth.set(depth);
        if depth >= FAST_NESTING && !self.fast_open.borrow_mut().insert(value.bits()) {
            return Err(self.cyclic(vm, value));
        }
        Ok(())
    }

    fn leave_fast(&self, value: &Value) {
        if self.fast.get() != 0 && self.fast_depth.get() > 0 {
            self.fast_depth.set(self.fast_depth.get() - 1);
            self.fast_open.borrow_mut().remove(&value.bits());
        }
    }

    fn cyclic(&self, vm: &Vm, value: &Value) -> Exception {
        self.fast_depth.set(0);
        vm.value_error(format!(
            "fast mode: can't pickle cyclic objects including object type {} at {:#x}",
            value.type_of().full_name(),
            value.id()
        ))
    }
}

/// An opcode with a length of eight bytes.
fn long_header(opcode: u8, length: usize) -> [u8; 9] {
    let mut header = [opcode; 9];
    header[1..].copy_from_slice(&(length as u64).to_le_bytes());
    header
}

/// Text with the escapes of raw unicode literals, and further ones for what would end the line.
fn escaped(text: &Object<Str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.length());
    for character in text.characters().iter() {
        match character {
            0 | 0x0a | 0x0d | 0x1a | 0x5c | 0x100..=0xffff => {
                out.extend(format!("\\u{character:04x}").into_bytes());
            }
            0x1_0000.. => out.extend(format!("\\U{character:08x}").into_bytes()),
            _ => out.push(character as u8),
        }
    }
    out
}
