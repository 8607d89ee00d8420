//! Reading a pickle: a machine with a stack, driven by the opcodes. Damaged pickles cost an exception, whatever they say.

use num_bigint::BigInt;
use rspy_runtime::audit;
use rspy_runtime::codecs::errors::Errors;
use rspy_runtime::codecs::{escape, registry, utf8};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::{ByteArray, Bytes, MemoryView};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::set::{FrozenSet, Set};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::{from_ascii, from_wtf8};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::{buffer, types::float};

use super::errors::UnpicklingError;
use super::input::{Source, truncated};
use super::numbers::{float_of_line, int_of_line};
use super::opcodes::*;
use super::reduce::{follow, loaded, path_of};
use super::registry::{Direction, renamed, table};
use super::state::set_state;
use super::unpickler::Unpickler;

/// A pickle being read.
struct Machine<'a> {
    unpickler: &'a Unpickler,
    input: Source,
    /// The unpickler as Python sees it, where its class may have methods of its own.
    owner: Option<&'a Value>,
    stack: Vec<Value>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
}

/// Reads a pickle.
///
/// # Errors
/// `UnpicklingError` and others for damaged pickles, and what the objects raise.
pub fn load(vm: &Vm, unpickler: &Unpickler, owner: Option<&Value>) -> PyResult {
    let input = unpickler.input.get();
    let mut machine = Machine { unpickler, input, owner, stack: Vec::with_capacity(16), marks: Vec::new() };
    let value = machine.run(vm)?;
    machine.input.skip_looked_at(vm)?;
    Ok(value)
}

impl Machine<'_> {
    fn run(&mut self, vm: &Vm) -> PyResult {
        loop {
            let opcode = self.opcode(vm)?;
            match opcode {
                STOP => return self.pop(vm),
                MARK => self.marks.push(self.stack.len()),
                BINGET | LONG_BINGET | GET | BINPUT | LONG_BINPUT | PUT | MEMOIZE => self.memo(vm, opcode)?,
                NONE | NEWTRUE | NEWFALSE | BININT | BININT1 | BININT2 | INT | LONG | LONG1 | LONG4 | FLOAT
                | BINFLOAT => {
                    let value = self.atom(vm, opcode)?;
                    self.stack.push(value);
                }
                SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 | UNICODE | SHORT_BINBYTES | BINBYTES | BINBYTES8
                | BYTEARRAY8 | SHORT_BINSTRING | BINSTRING | STRING => {
                    let value = self.text(vm, opcode)?;
                    self.stack.push(value);
                }
                EMPTY_TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | TUPLE | EMPTY_LIST | LIST | EMPTY_DICT | DICT
                | EMPTY_SET | FROZENSET => {
                    let value = self.container(vm, opcode)?;
                    self.stack.push(value);
                }
                APPEND | APPENDS | SETITEM | SETITEMS | ADDITEMS => self.fill(vm, opcode)?,
                GLOBAL | STACK_GLOBAL | INST | OBJ | NEWOBJ | NEWOBJ_EX | REDUCE | EXT1 | EXT2 | EXT4
                | PERSID | BINPERSID => {
                    let value = self.object(vm, opcode)?;
                    self.stack.push(value);
                }
                BUILD => self.build(vm)?,
                POP | POP_MARK | DUP => self.shuffle(vm, opcode)?,
                PROTO => {
                    let [protocol] = self.input.array(vm)?;
                    if protocol > HIGHEST_PROTOCOL {
                        return Err(vm.value_error(format!("unsupported pickle protocol: {protocol}")));
                    }
                    self.unpickler.protocol.set(protocol);
                }
                FRAME => self.frame(vm)?,
                NEXT_BUFFER => self.next_buffer(vm)?,
                READONLY_BUFFER => self.make_read_only(vm)?,
                _ => return Err(unknown(vm, opcode)),
            }
        }
    }

    #[inline]
    fn opcode(&self, vm: &Vm) -> PyResult<u8> {
        if let Some(opcode) = self.input.next_at_hand() {
            return Ok(opcode);
        }
        match self.input.array(vm) {
            Ok([opcode]) => Ok(opcode),
            Err(error) if error.is_a::<UnpicklingError>() => Err(vm.eof_error("Ran out of input")),
            Err(error) => Err(error),
        }
    }

    fn array<const N: usize>(&self, vm: &Vm) -> PyResult<[u8; N]> {
        self.input.array(vm)
    }

    // ----- the stack -----

    /// What lies below the last mark cannot be reached.
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    #[cold]
    fn underflow(&self, vm: &Vm) -> Exception {
        let marked = !self.marks.is_empty();
        UnpicklingError::error(vm, if marked { "unexpected MARK found" } else { "unpickling stack underflow" })
    }

    #[inline]
    fn pop(&mut self, vm: &Vm) -> PyResult {
        if self.stack.len() <= self.fence() {
            return Err(self.underflow(vm));
        }
        self.stack.pop().ok_or_else(|| self.underflow(vm))
    }

    fn top(&self, vm: &Vm) -> PyResult<&Value> {
        match self.stack.last() {
            Some(top) if self.stack.len() > self.fence() => Ok(top),
            _ => Err(self.underflow(vm)),
        }
    }

    /// Takes the last mark away and answers where it was.
    fn mark(&mut self, vm: &Vm) -> PyResult<usize> {
        self.marks.pop().ok_or_else(|| UnpicklingError::error(vm, "could not find MARK"))
    }

    /// The values from a height on.
    fn pop_from(&mut self, vm: &Vm, height: usize) -> PyResult<Vec<Value>> {
        if height < self.fence() || height > self.stack.len() {
            return Err(self.underflow(vm));
        }
        Ok(self.stack.split_off(height))
    }

    fn pop_marked(&mut self, vm: &Vm) -> PyResult<Vec<Value>> {
        let height = self.mark(vm)?;
        self.pop_from(vm, height)
    }

    fn shuffle(&mut self, vm: &Vm, opcode: u8) -> PyResult<()> {
        match opcode {
            DUP => {
                let top = self.top(vm)?.clone();
                self.stack.push(top);
            }
            POP_MARK => drop(self.pop_marked(vm)?),
            _ if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            _ => drop(self.pop(vm)?),
        }
        Ok(())
    }

    // ----- the memo -----

    #[inline]
    fn memo(&mut self, vm: &Vm, opcode: u8) -> PyResult<()> {
        match opcode {
            MEMOIZE => {
                let number = self.unpickler.memo.borrow().count();
                self.remember(vm, number)
            }
            BINPUT => {
                let [number] = self.array(vm)?;
                self.remember(vm, usize::from(number))
            }
            LONG_BINPUT => {
                let number = u32::from_le_bytes(self.array(vm)?);
                self.remember(vm, number as usize)
            }
            PUT => {
                let line = self.line(vm, 1)?;
                self.top(vm)?;
                let Ok(number) = usize::try_from(line_index(vm, &line)?) else {
                    return Err(vm.value_error("negative PUT argument"));
                };
                self.remember(vm, number)
            }
            BINGET => {
                let [number] = self.array(vm)?;
                self.recall(vm, i64::from(number))
            }
            LONG_BINGET => {
                let number = u32::from_le_bytes(self.array(vm)?);
                self.recall(vm, i64::from(number))
            }
            _ => {
                let line = self.line(vm, 1)?;
                let number = line_index(vm, &line)?;
                self.recall(vm, number)
            }
        }
    }

    fn remember(&mut self, vm: &Vm, number: usize) -> PyResult<()> {
        let value = self.top(vm)?.clone();
        let old = self.unpickler.memo.borrow_mut().insert(number, value);
        drop(old);
        Ok(())
    }

    fn recall(&mut self, vm: &Vm, number: i64) -> PyResult<()> {
        let found = usize::try_from(number).ok().and_then(|number| self.unpickler.memo.borrow().get(number));
        match found {
            Some(value) => {
                self.stack.push(value);
                Ok(())
            }
            None => Err(UnpicklingError::error(vm, format!("Memo value not found at index {number}"))),
        }
    }

    /// The next line, which must have so many characters.
    fn line(&self, vm: &Vm, least: usize) -> PyResult<Vec<u8>> {
        let line = self.input.line(vm)?;
        if line.len() < least { Err(truncated(vm)) } else { Ok(line) }
    }

    // ----- values -----

    #[inline]
    fn atom(&mut self, vm: &Vm, opcode: u8) -> PyResult {
        Ok(match opcode {
            NONE => none(),
            NEWTRUE => boolean(true),
            NEWFALSE => boolean(false),
            BININT1 => Value::int(i32::from(self.array::<1>(vm)?[0])),
            BININT2 => Value::int(i32::from(u16::from_le_bytes(self.array(vm)?))),
            BININT => Value::int(i32::from_le_bytes(self.array(vm)?)),
            BINFLOAT => float::new(f64::from_be_bytes(self.array(vm)?)),
            LONG1 => {
                let [count] = self.array(vm)?;
                self.signed(vm, usize::from(count))?
            }
            LONG4 => {
                let Ok(count) = usize::try_from(i32::from_le_bytes(self.array(vm)?)) else {
                    return Err(UnpicklingError::error(vm, "LONG pickle has negative byte count"));
                };
                self.signed(vm, count)?
            }
            INT => {
                let line = self.line(vm, 1)?;
                match line.as_slice() {
                    b"00" => boolean(false),
                    b"01" => boolean(true),
                    _ => int_of_line(vm, &line).map_err(|error| match error.is_value_error() {
                        true => vm.value_error("could not convert string to int"),
                        false => error,
                    })?,
                }
            }
            LONG => {
                let mut line = self.line(vm, 1)?;
                // Python 2 marked long numbers.
                if line.last() == Some(&b'L') {
                    line.pop();
                } else {
                    line.push(b'\n');
                }
                int_of_line(vm, &line)?
            }
            _ => float_of_line(vm, &self.line(vm, 1)?)?,
        })
    }

    fn signed(&self, vm: &Vm, count: usize) -> PyResult {
        self.input.take(vm, count, |bytes| {
            if bytes.len() <= 8 {
                let filler = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
                let mut number = [filler; 8];
                number[..bytes.len()].copy_from_slice(bytes);
                return int::new(i64::from_le_bytes(number));
            }
            int::from_big(BigInt::from_signed_bytes_le(bytes))
        })
    }

    /// A length of eight bytes, which must be one that memory could have.
    fn long_size(&self, vm: &Vm, what: &str) -> PyResult<usize> {
        let size = u64::from_le_bytes(self.array(vm)?);
        usize::try_from(size).ok().filter(|&size| isize::try_from(size).is_ok()).ok_or_else(|| {
            vm.overflow_error(format!("{what} of {} bytes", isize::MAX))
        })
    }

    #[inline]
    fn text(&mut self, vm: &Vm, opcode: u8) -> PyResult {
        match opcode {
            SHORT_BINUNICODE => {
                let [size] = self.array(vm)?;
                self.unicode(vm, usize::from(size))
            }
            BINUNICODE => {
                let size = u32::from_le_bytes(self.array(vm)?) as usize;
                self.unicode(vm, size)
            }
            BINUNICODE8 => {
                let size = self.long_size(vm, "BINUNICODE exceeds system's maximum size")?;
                self.unicode(vm, size)
            }
            UNICODE => {
                let line = self.line(vm, 0)?;
                Ok(escape::decode_raw_unicode(vm, &line, &Errors::strict(), true)?.0.into_value())
            }
            SHORT_BINBYTES => {
                let [size] = self.array(vm)?;
                self.bytes(vm, usize::from(size))
            }
            BINBYTES => {
                let size = u32::from_le_bytes(self.array(vm)?) as usize;
                self.bytes(vm, size)
            }
            BINBYTES8 => {
                let size = self.long_size(vm, "BINBYTES exceeds system's maximum size")?;
                if size > isize::MAX as usize - 64 {
                    return Err(vm.overflow_error("byte string is too large"));
                }
                self.bytes(vm, size)
            }
            BYTEARRAY8 => {
                let size = self.long_size(vm, "BYTEARRAY8 exceeds system's maximum size")?;
                if size == isize::MAX as usize {
                    return Err(vm.memory_error());
                }
                Ok(ByteArray::new(self.input.vector(vm, size)?).into_value())
            }
            SHORT_BINSTRING => {
                let [size] = self.array(vm)?;
                self.old_string(vm, usize::from(size))
            }
            BINSTRING => match usize::try_from(i32::from_le_bytes(self.array(vm)?)) {
                Ok(size) => self.old_string(vm, size),
                Err(_) => Err(UnpicklingError::error(vm, "BINSTRING pickle has negative byte count")),
            },
            _ => {
                let line = self.line(vm, 0)?;
                let quoted = match &*line {
                    [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
                    _ => {
                        return Err(UnpicklingError::error(vm, "the STRING opcode argument must be quoted"));
                    }
                };
                let bytes = escape::decode_bytes(vm, quoted, None)?;
                self.decoded(vm, bytes)
            }
        }
    }

    #[inline]
    fn unicode(&self, vm: &Vm, size: usize) -> PyResult {
        let text = self.input.take(vm, size, |bytes| {
            if bytes.is_ascii() {
                return Ok(from_ascii(bytes));
            }
            from_wtf8(bytes).ok_or_else(|| bytes.to_vec())
        })?;
        match text {
            Ok(text) => Ok(text.into_value()),
            Err(damaged) => {
                let errors = Errors::named(&Str::new("surrogatepass"));
                Ok(utf8::decode(vm, &damaged, &errors, true)?.0.into_value())
            }
        }
    }

    fn bytes(&self, vm: &Vm, size: usize) -> PyResult {
        Ok(Bytes::new(self.input.vector(vm, size)?).into_value())
    }

    fn old_string(&self, vm: &Vm, size: usize) -> PyResult {
        let bytes = self.input.take(vm, size, <[u8]>::to_vec)?;
        self.decoded(vm, bytes)
    }

    /// An eight-bit string of Python 2, decoded as the unpickler was told to.
    fn decoded(&self, vm: &Vm, bytes: Vec<u8>) -> PyResult {
        let bytes = Bytes::new(bytes).into_value();
        let (encoding, errors) = (self.unpickler.encoding.get(), self.unpickler.errors.get());
        match (encoding, errors) {
            (Some(encoding), _) if encoding.equals_str("bytes") => Ok(bytes),
            (encoding, errors) => {
                let encoding = encoding.map_or_else(|| vm.new_str("ASCII"), Ref::into_value);
                let errors = errors.map(Ref::into_value);
                registry::decode_bytes(vm, &bytes, Some(&encoding), errors.as_ref())
            }
        }
    }

    // ----- containers -----

    #[inline]
    fn container(&mut self, vm: &Vm, opcode: u8) -> PyResult {
        Ok(match opcode {
            EMPTY_TUPLE => Tuple::empty().into_value(),
            EMPTY_LIST => List::new().into_value(),
            EMPTY_DICT => Dict::new().into_value(),
            EMPTY_SET => Set::new().into_value(),
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let count = usize::from(opcode - TUPLE1) + 1;
                let Some(start) = self.stack.len().checked_sub(count).filter(|&start| start >= self.fence())
                else {
                    return Err(self.underflow(vm));
                };
                Tuple::from_values(self.stack.drain(start..)).into_value()
            }
            TUPLE => Tuple::from_values(self.pop_marked(vm)?).into_value(),
            LIST => List::from_vec(self.pop_marked(vm)?).into_value(),
            FROZENSET => FrozenSet::from_values(vm, self.pop_marked(vm)?)?.into_value(),
            _ => {
                let items = self.pop_marked(vm)?;
                if items.len() % 2 != 0 {
                    return Err(UnpicklingError::error(vm, "odd number of items for DICT"));
                }
                let dict = Dict::new();
                for pair in items.chunks_exact(2) {
                    dict.set(vm, &pair[0], pair[1].clone())?;
                }
                dict.into_value()
            }
        })
    }

    /// Puts items into the container below them.
    fn fill(&mut self, vm: &Vm, opcode: u8) -> PyResult<()> {
        let height = match opcode {
            APPENDS | SETITEMS | ADDITEMS => Some(self.mark(vm)?),
            APPEND => self.stack.len().checked_sub(1),
            _ => self.stack.len().checked_sub(2),
        };
        let height = height.filter(|&height| height > self.fence() && height <= self.stack.len());
        let Some(height) = height else { return Err(self.underflow(vm)) };
        if height == self.stack.len() {
            return Ok(());
        }
        let items = self.stack.split_off(height);
        // The container stays on the stack: what it does may run Python code, but not reach the stack.
        let container = &self.stack[height - 1];
        match opcode {
            APPEND | APPENDS => append(vm, container, items),
            SETITEM | SETITEMS => set_items(vm, container, items),
            _ => add_items(vm, container, items),
        }
    }

    // ----- objects -----

    fn object(&mut self, vm: &Vm, opcode: u8) -> PyResult {
        match opcode {
            GLOBAL => {
                let (module, name) = (self.name_line(vm)?, self.name_line(vm)?);
                self.find_class(vm, &module, &name)
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop(vm)?, self.pop(vm)?);
                match (module.downcast_exact::<Str>(), name.downcast_exact::<Str>()) {
                    (Some(module), Some(name)) => self.find_class(vm, module, name),
                    _ => Err(UnpicklingError::error(vm, "STACK_GLOBAL requires str")),
                }
            }
            INST => {
                let height = self.mark(vm)?;
                let (module, name) = (self.old_name_line(vm)?, self.old_name_line(vm)?);
                let class = self.find_class(vm, &module, &name)?;
                let args = self.pop_from(vm, height)?;
                instantiate(vm, &class, &args)
            }
            OBJ => {
                let height = self.mark(vm)?;
                if self.stack.len() <= height {
                    return Err(self.underflow(vm));
                }
                let mut parts = self.pop_from(vm, height)?;
                let args = parts.split_off(1);
                instantiate(vm, &parts[0], &args)
            }
            NEWOBJ | NEWOBJ_EX => self.new_object(vm, opcode == NEWOBJ_EX),
            REDUCE => {
                let (args, function) = (self.pop(vm)?, self.pop(vm)?);
                match args.downcast::<Tuple>() {
                    Some(args) => vm.call(&function, args.items()),
                    None => Err(vm.type_error("argument list must be a tuple")),
                }
            }
            EXT1 => {
                let [code] = self.array(vm)?;
                self.extension(vm, i64::from(code))
            }
            EXT2 => {
                let code = u16::from_le_bytes(self.array(vm)?);
                self.extension(vm, i64::from(code))
            }
            EXT4 => {
                let code = i32::from_le_bytes(self.array(vm)?);
                self.extension(vm, i64::from(code))
            }
            PERSID => {
                let line = self.line(vm, 0)?;
                if !line.is_ascii() {
                    let message = "persistent IDs in protocol 0 must be ASCII strings";
                    return Err(UnpicklingError::error(vm, message));
                }
                self.persistent(vm, &from_ascii(&line).into_value())
            }
            _ => {
                let id = self.pop(vm)?;
                self.persistent(vm, &id)
            }
        }
    }

    fn name_line(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        let line = self.line(vm, 1)?;
        vm.decode_utf8(&line)
    }

    fn old_name_line(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        let line = self.line(vm, 1)?;
        if line.is_ascii() {
            return Ok(from_ascii(&line));
        }
        let bytes = Bytes::new(line).into_value();
        let text = registry::decode_bytes(vm, &bytes, Some(&vm.new_str("ascii")), None)?;
        text.downcast_into().map_err(|_| truncated(vm))
    }

    fn find_class(&self, vm: &Vm, module: &Object<Str>, name: &Object<Str>) -> PyResult {
        match self.owner {
            Some(owner) => {
                vm.call_method(owner, &names::find_class, &[module.to_value(), name.to_value()])
            }
            None => self.unpickler.find_global(vm, module, name),
        }
    }

    fn persistent(&self, vm: &Vm, id: &Value) -> PyResult {
        match self.unpickler.persistent_load.get() {
            Some(function) => vm.call(&function, std::slice::from_ref(id)),
            None => Err(no_persistent_load(vm)),
        }
    }

    fn extension(&self, vm: &Vm, code: i64) -> PyResult {
        if code <= 0 {
            return Err(UnpicklingError::error(vm, "EXT specifies code <= 0"));
        }
        let key = int::new(code);
        let cache = table(vm, "copyreg", "_extension_cache")?;
        if let Some(known) = cache.get(vm, &key)? {
            return Ok(known);
        }
        let Some(pair) = table(vm, "copyreg", "_inverted_registry")?.get(vm, &key)? else {
            return Err(vm.value_error(format!("unregistered extension code {code}")));
        };
        let names = match pair.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([module, name]) => module.downcast::<Str>().zip(name.downcast::<Str>()),
            _ => None,
        };
        let Some((module, name)) = names else {
            let message = format!("_inverted_registry[{code}] isn't a 2-tuple of strings");
            return Err(vm.value_error(message));
        };
        let found = self.find_class(vm, module, name)?;
        cache.set(vm, &key, found.clone())?;
        Ok(found)
    }

    fn new_object(&mut self, vm: &Vm, with_keywords: bool) -> PyResult {
        let keywords = if with_keywords { Some(self.pop(vm)?) } else { None };
        let (args, class) = (self.pop(vm)?, self.pop(vm)?);
        let opcode = if with_keywords { "NEWOBJ_EX" } else { "NEWOBJ" };
        let wrong = |what: &str, got: &Value| {
            UnpicklingError::error(vm, format!("{opcode} {what}, not {}", got.type_of().full_name()))
        };
        let Some(typ) = class.downcast::<Type>() else {
            return Err(wrong("class argument must be a type", &class));
        };
        let Some(new) = typ.slots().new.get() else {
            let name = class.type_of().full_name();
            let message = format!("{opcode} class argument '{name}' doesn't have __new__");
            return Err(UnpicklingError::error(vm, message));
        };
        let Some(args) = args.downcast::<Tuple>() else {
            return Err(wrong("args argument must be a tuple", &args));
        };
        let Some(keywords) = keywords else { return new(vm, typ, args.items(), None) };
        let Some(keywords) = keywords.downcast::<Dict>() else {
            return Err(wrong("kwargs argument must be a dict", &keywords));
        };
        let (mut all, mut keys) = (args.items().to_vec(), Vec::new());
        for (key, value) in keywords.pairs() {
            if key.downcast::<Str>().is_none() {
                return Err(vm.type_error("keywords must be strings"));
            }
            keys.push(key);
            all.push(value);
        }
        if keys.is_empty() {
            return new(vm, typ, &all, None);
        }
        new(vm, typ, &all, Some(&Tuple::from_values(keys)))
    }

    fn build(&mut self, vm: &Vm) -> PyResult<()> {
        if self.stack.len() < self.fence() + 2 {
            return Err(self.underflow(vm));
        }
        let state = self.pop(vm)?;
        let object = self.top(vm)?.clone();
        set_state(vm, &object, &state)
    }

    // ----- frames and buffers -----

    fn frame(&self, vm: &Vm) -> PyResult<()> {
        let length = u64::from_le_bytes(self.array(vm)?);
        match isize::try_from(length) {
            Ok(length) => self.input.begin_frame(vm, length as usize),
            Err(_) => Err(vm.overflow_error(format!(
                "FRAME length exceeds system's maximum of {} bytes",
                isize::MAX
            ))),
        }
    }

    fn next_buffer(&mut self, vm: &Vm) -> PyResult<()> {
        let Some(buffers) = self.unpickler.buffers.get() else {
            let message = "pickle stream refers to out-of-band data but no *buffers* argument was given";
            return Err(UnpicklingError::error(vm, message));
        };
        match vm.next(&buffers)? {
            Some(buffer) => {
                self.stack.push(buffer);
                Ok(())
            }
            None => Err(UnpicklingError::error(vm, "not enough out-of-band buffers")),
        }
    }

    fn make_read_only(&mut self, vm: &Vm) -> PyResult<()> {
        let top = self.top(vm)?.clone();
        if !buffer::has_buffer(&top) {
            return Err(vm.type_error(format!(
                "memoryview: a bytes-like object is required, not '{}'",
                top.type_of().full_name()
            )));
        }
        let view = buffer::view_with(vm, &top, buffer::flags::FULL_RO)?;
        if !view.is_readonly() {
            drop(self.stack.pop());
            self.stack.push(MemoryView::from_view(view.read_only()).into_value());
        }
        Ok(())
    }
}

impl Unpickler {
    /// The object of a module and a name.
    ///
    /// # Errors
    /// Those of the import, and `AttributeError`.
    pub(super) fn find_global(&self, vm: &Vm, module: &Object<Str>, name: &Object<Str>) -> PyResult {
        audit::raise_event(vm, "pickle.find_class", || vec![module.to_value(), name.to_value()])?;
        let protocol = self.protocol.get();
        let (module, name) = if protocol < 3 && self.fix_imports.get() {
            renamed(vm, Direction::ToNew, module, name)?
        } else {
            (module.to_ref(), name.to_ref())
        };
        let found = loaded(vm, &module)?;
        if protocol < 4 {
            return vm.get_attribute(&found, &name);
        }
        let path = path_of(&name);
        match follow(vm, &found, &path) {
            Err(error) if error.is_attribute_error() && path.len() > 1 => {
                let (name, module) = (vm.repr(name.value())?, vm.repr(module.value())?);
                let (name, module) = (name.to_string_lossy(), module.to_string_lossy());
                let message = format!("Can't resolve path {name} on module {module}");
                Err(vm.bare_attribute_error(message).with_context(error))
            }
            found => found,
        }
    }
}

/// The error of an unpickler that was told nothing about persistent ids.
pub fn no_persistent_load(vm: &Vm) -> Exception {
    UnpicklingError::error(
        vm,
        "A load persistent id instruction was encountered, but no persistent_load function was specified.",
    )
}

#[cold]
fn unknown(vm: &Vm, opcode: u8) -> Exception {
    let shown = match opcode {
        b'\'' | b'\\' => format!("\\x{opcode:02x}"),
        b' '..=b'~' => char::from(opcode).to_string(),
        _ => format!("\\x{opcode:02x}"),
    };
    UnpicklingError::error(vm, format!("invalid load key, '{shown}'."))
}

/// The number that a line gives.
fn line_index(vm: &Vm, line: &[u8]) -> PyResult<i64> {
    let mut line = line.to_vec();
    line.push(b'\n');
    int::small_value(&int_of_line(vm, &line)?)
        .ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))
}

/// An object of an old class: without arguments `__init__` is not called.
fn instantiate(vm: &Vm, class: &Value, args: &[Value]) -> PyResult {
    if args.is_empty()
        && class.downcast::<Type>().is_some()
        && vm.get_attribute_optional(class, &names::__getinitargs__)?.is_none()
    {
        return vm.call_method(class, &names::__new__, std::slice::from_ref(class));
    }
    vm.call(class, args)
}

fn append(vm: &Vm, list: &Value, items: Vec<Value>) -> PyResult<()> {
    if let Some(list) = list.downcast_exact::<List>() {
        list.items().borrow_mut().extend(items);
        return Ok(());
    }
    if let Some(extend) = vm.get_attribute_optional(list, &names::extend)? {
        return vm.call(&extend, &[List::from_vec(items).into_value()]).map(drop);
    }
    let append = vm.get_attribute(list, &names::append)?;
    for item in items {
        vm.call(&append, &[item])?;
    }
    Ok(())
}

fn set_items(vm: &Vm, mapping: &Value, items: Vec<Value>) -> PyResult<()> {
    if items.len() % 2 != 0 {
        return Err(UnpicklingError::error(vm, "odd number of items for SETITEMS"));
    }
    let mut items = items.into_iter();
    let exact = mapping.downcast_exact::<Dict>();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        match exact {
            Some(dict) if key.downcast_exact::<Str>().is_some() => dict.set(vm, &key, value)?,
            _ => vm.set_item(mapping, &key, &value)?,
        }
    }
    Ok(())
}

fn add_items(vm: &Vm, set: &Value, items: Vec<Value>) -> PyResult<()> {
    if let Some(set) = set.downcast::<Set>() {
        for item in &items {
            set.add(vm, item)?;
        }
        return Ok(());
    }
    let add = vm.get_attribute(set, &names::add)?;
    for item in items {
        vm.call(&add, &[item])?;
    }
    Ok(())
}
