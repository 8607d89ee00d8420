//! `code`: a compiled piece of source, with the instructions in the form that specialises itself while it runs.

use std::cell::{Cell, OnceCell};

use rspy_code::code_object::{flags, local_kind};
use rspy_code::location::{self, Location};
use rspy_code::opcode::Opcode;
use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::frozen_code::BodySource;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bytes::Bytes;
use crate::types::code_body::{Body, Unit, plain_opcodes};
use crate::types::none::not_implemented;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A compiled piece of source.
#[pyclass(name = "code", weak, methods(MORE_METHODS))]
pub struct Code {
    /// Parameters that can be given by position.
    pub arg_count: u32,
    /// Of these, those that cannot be given by name.
    pub positional_only_count: u32,
    /// Parameters that can only be given by name.
    pub keyword_only_count: u32,
    /// `co_flags`.
    pub flags: u32,
    /// Words of evaluation stack.
    pub stack_size: u32,
    /// The line of the `def`.
    pub first_line: i32,
    /// `co_filename`.
    file: GilCell<Ref<Str>>,
    /// `co_name`.
    pub name: Ref<Str>,
    /// `co_qualname`.
    pub qualified_name: Ref<Str>,
    /// What only running the code and looking into it needs, once that was read.
    body: OnceCell<Body>,
    /// Where the body is to be read from, until it was.
    source: GilCell<Option<BodySource>>,
    /// How many locals, cells and free variables there are.
    variable_count: u32,
    free_count: u32,
    /// How many arguments fill the parameters as they are, [`Code::NEEDS_BINDING`] where that is not all there is or the
    /// body has not been read.
    exact_arguments: Cell<u32>,
    /// Words that a frame needs for variables and stack.
    frame_words: u32,
    /// `co_code`, once it was asked for.
    plain: GilCell<Option<Ref<Bytes>>>,
    /// The first unit of code that has not been verified yet; in its place stands one that has it verified.
    unverified: Cell<Option<u16>>,
}

/// Where in a code object its parts lie, for those who read the memory of another process.
pub(crate) struct Places {
    pub units: usize,
    pub first_line: usize,
    pub file: usize,
    pub qualified_name: usize,
    pub line_table: usize,
}

impl Code {
    pub(crate) const PLACES: Places = {
        const fn place(field: usize) -> usize {
            Object::<Code>::PAYLOAD_PLACE + field
        }
        const fn place_in_body(field: usize) -> usize {
            // A cell as large as what it holds begins where that begins.
            assert!(size_of::<OnceCell<Body>>() == size_of::<Body>());
            place(std::mem::offset_of!(Code, body)) + field
        }
        Places {
            units: place_in_body(Body::UNITS),
            first_line: place(std::mem::offset_of!(Code, first_line)),
            file: place(std::mem::offset_of!(Code, file)),
            qualified_name: place(std::mem::offset_of!(Code, qualified_name)),
            line_table: place_in_body(std::mem::offset_of!(Body, line_table)),
        }
    };
}

/// What a code object is made of.
#[allow(missing_docs)]
pub struct CodeFields {
    pub arg_count: u32,
    pub positional_only_count: u32,
    pub keyword_only_count: u32,
    pub flags: u32,
    pub stack_size: u32,
    pub first_line: i32,
    pub code: Vec<u8>,
    pub constants: Ref<Tuple>,
    pub names: Ref<Tuple>,
    pub variable_names: Ref<Tuple>,
    pub variable_kinds: Vec<u8>,
    pub filename: Ref<Str>,
    pub name: Ref<Str>,
    pub qualified_name: Ref<Str>,
    pub line_table: Ref<Bytes>,
    pub exception_table: Ref<Bytes>,
}

/// What of a code object is known before its body is read.
#[allow(missing_docs)]
pub struct CodeHead {
    pub arg_count: u32,
    pub positional_only_count: u32,
    pub keyword_only_count: u32,
    pub flags: u32,
    pub stack_size: u32,
    pub first_line: i32,
    pub filename: Ref<Str>,
    pub name: Ref<Str>,
    pub qualified_name: Ref<Str>,
    /// Locals, cells and free variables.
    pub variable_count: u32,
    /// How many of these are free.
    pub free_count: u32,
}

/// The line table as code objects keep it: with `-X no_debug_ranges` without columns.
pub fn shown_line_table(vm: &Vm, line_table: Ref<Bytes>) -> Ref<Bytes> {
    if vm.interpreter.configuration.no_debug_ranges {
        Bytes::new(location::without_columns(line_table.as_slice()))
    } else {
        line_table
    }
}

impl Code {
    /// Stands for a number of arguments that no call has.
    const NEEDS_BINDING: u32 = u32::MAX;

    /// Makes a code object.
    pub fn new(fields: CodeFields) -> Ref<Code> {
        let free = |&&kind: &&u8| kind & local_kind::FREE != 0;
        let head = CodeHead {
            arg_count: fields.arg_count,
            positional_only_count: fields.positional_only_count,
            keyword_only_count: fields.keyword_only_count,
            flags: fields.flags,
            stack_size: fields.stack_size,
            first_line: fields.first_line,
            filename: fields.filename,
            name: fields.name,
            qualified_name: fields.qualified_name,
            variable_count: fields.variable_kinds.len() as u32,
            free_count: fields.variable_kinds.iter().filter(free).count() as u32,
        };
        let body = Body::new(
            &fields.code,
            fields.constants,
            fields.names,
            fields.variable_names,
            fields.variable_kinds.into_boxed_slice(),
            fields.line_table,
            fields.exception_table,
        );
        let code = Code::of_head(head, None);
        code.exact_arguments.set(code.count_exact_arguments());
        // The cell is empty so far.
        let _ = code.body.set(body);
        Object::new(code)
    }

    /// Makes a code object whose body is read when somebody calls it or looks into it.
    pub fn without_body(head: CodeHead, source: BodySource) -> Ref<Code> {
        Object::new(Code::of_head(head, Some(source)))
    }

    fn of_head(head: CodeHead, source: Option<BodySource>) -> Code {
        Code {
            arg_count: head.arg_count,
            positional_only_count: head.positional_only_count,
            keyword_only_count: head.keyword_only_count,
            flags: head.flags,
            stack_size: head.stack_size,
            first_line: head.first_line,
            file: GilCell::new(head.filename),
            name: head.name,
            qualified_name: head.qualified_name,
            body: OnceCell::new(),
            source: GilCell::new(source),
            variable_count: head.variable_count,
            free_count: head.free_count,
            exact_arguments: Cell::new(Self::NEEDS_BINDING),
            frame_words: head.variable_count.saturating_add(head.stack_size).saturating_add(1),
            plain: GilCell::new(None),
            unverified: Cell::new(None),
        }
    }

    fn count_exact_arguments(&self) -> u32 {
        let collects = self.flags & (flags::VARARGS | flags::VARKEYWORDS) != 0;
        if collects || self.keyword_only_count != 0 { Self::NEEDS_BINDING } else { self.arg_count }
    }

    /// What only running the code and looking into it needs.
    #[inline(always)]
    pub fn body(&self) -> &Body {
        match self.body.get() {
            Some(body) => body,
            None => self.read_body(),
        }
    }

    #[cold]
    fn read_body(&self) -> &Body {
        let body = self.source.take().and_then(|source| source.read());
        // The checksum of what lies in the executable was right, and its outline could be made.
        let body =
            body.unwrap_or_else(|| panic!("the code of {} cannot be read", self.name.to_string_lossy()));
        self.exact_arguments.set(self.count_exact_arguments());
        self.body.get_or_init(|| body)
    }

    /// The body of code that runs.
    ///
    /// # Safety
    /// The code has a frame, or its body was asked for before.
    #[inline(always)]
    unsafe fn running_body(&self) -> &Body {
        // SAFETY: nobody makes a frame without asking for the body, and bodies stay.
        unsafe { self.body.get().unwrap_unchecked() }
    }

    /// Whether the parameters are so many that positional arguments can fill as they are.
    pub fn parameters_are(&self, count: usize) -> bool {
        self.count_exact_arguments() as usize == count
    }

    /// Whether so many positional arguments fill the parameters, each as it is. Not before the body was read.
    #[inline(always)]
    pub fn takes_exactly(&self, count: usize) -> bool {
        self.exact_arguments.get() as usize == count
    }

    /// How many parameters positional arguments leave to defaults; `None` where there is more to be bound.
    #[inline(always)]
    pub fn lacking(&self, count: usize) -> Option<usize> {
        match self.exact_arguments.get() {
            Self::NEEDS_BINDING => None,
            exact => (exact as usize).checked_sub(count),
        }
    }

    /// Makes a code object of bytecode that our compiler did not write: it is verified when it first runs.
    pub fn from_outside(fields: CodeFields) -> Ref<Code> {
        let code = Code::new(fields);
        if let Some(first) = code.units().first() {
            code.unverified.set(Some(first.replace(Opcode::Reserved as u16)));
        }
        code
    }

    /// Whether the code must be verified before it runs.
    #[inline]
    pub fn is_unverified(&self) -> bool {
        self.unverified.get().is_some()
    }

    /// Lets verified code run. Where its borrowed loads are not safe they become loads with references of their own,
    /// which `co_code` does not show.
    pub(super) fn admit(&self, owns_loads: bool) {
        if owns_loads {
            drop(self.plain_bytes());
        }
        if let (Some(first), Some(unit)) = (self.unverified.take(), self.units().first()) {
            unit.set(first);
        }
        if owns_loads {
            self.own_loads();
        }
    }

    fn own_loads(&self) {
        let mut units = self.units().iter();
        while let Some(unit) = units.next() {
            let [opcode, oparg] = unit.get().to_le_bytes();
            let Ok(opcode) = Opcode::try_from(opcode) else { continue };
            let owning = match opcode {
                Opcode::LoadFastBorrow => Opcode::LoadFast,
                Opcode::LoadFastBorrowLoadFastBorrow => Opcode::LoadFastLoadFast,
                other => other,
            };
            unit.set(u16::from_le_bytes([owning as u8, oparg]));
            units.by_ref().take(opcode.cache_entries()).for_each(drop);
        }
    }

    /// The first instruction.
    ///
    /// # Safety
    /// As for [`running_body`](Self::running_body).
    #[inline(always)]
    pub unsafe fn start(&self) -> *const Unit {
        // SAFETY: as promised.
        unsafe { self.running_body() }.start()
    }

    /// The instructions and caches as they stand now.
    pub fn units(&self) -> &[Unit] {
        self.body().units()
    }

    /// Number of locals, cells and free variables.
    #[inline(always)]
    pub fn variable_count(&self) -> usize {
        self.variable_count as usize
    }

    /// Words that a frame needs for variables and stack.
    #[inline(always)]
    pub fn frame_words(&self) -> usize {
        self.frame_words as usize
    }

    /// Number of free variables.
    pub fn free_count(&self) -> usize {
        self.free_count as usize
    }

    /// Parameters of every kind.
    #[inline(always)]
    pub fn total_arg_count(&self) -> usize {
        (self.arg_count + self.keyword_only_count) as usize
            + usize::from(self.flags & flags::VARARGS != 0)
            + usize::from(self.flags & flags::VARKEYWORDS != 0)
    }

    /// Whether a call makes a generator, coroutine or asynchronous generator.
    pub fn is_generator(&self) -> bool {
        self.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0
    }

    /// The words of the constants.
    ///
    /// # Safety
    /// As for [`running_body`](Self::running_body).
    #[inline(always)]
    pub unsafe fn constants_pointer(&self) -> *const u64 {
        // SAFETY: as promised.
        unsafe { self.running_body() }.constants.items().as_ptr().cast()
    }

    /// A name by index.
    #[inline(always)]
    pub fn name(&self, index: usize) -> &Object<Str> {
        // SAFETY: the names were checked to be strings when the body was made.
        unsafe { self.body().names.items()[index].downcast_unchecked() }
    }

    /// As [`name`](Self::name), for the evaluator.
    ///
    /// # Safety
    /// The index is that of an instruction of this code, which has been verified.
    #[inline(always)]
    pub(crate) unsafe fn name_of_instruction(&self, index: usize) -> &Object<Str> {
        // SAFETY: as promised, and as for `name`.
        unsafe { self.running_body().names.items().get_unchecked(index).downcast_unchecked() }
    }

    /// The name of a variable.
    pub fn variable_name(&self, index: usize) -> &Object<Str> {
        // SAFETY: as for `name`.
        unsafe { self.body().variable_names.items()[index].downcast_unchecked() }
    }

    /// The documentation string.
    pub fn doc(&self) -> Option<Value> {
        let has_one = self.flags & flags::HAS_DOCSTRING != 0;
        if has_one { self.body().constants.items().first().cloned() } else { None }
    }

    /// Names of variables of the given kinds.
    pub fn variables(&self, kinds: u8) -> Vec<Value> {
        let Body { variable_names, variable_kinds, .. } = self.body();
        let pairs = variable_names.items().iter().zip(variable_kinds);
        pairs.filter(|(_, kind)| **kind & kinds != 0).map(|(name, _)| name.clone()).collect()
    }

    /// `co_filename`.
    pub fn filename(&self) -> Ref<Str> {
        self.file.get()
    }

    /// Where in the source an instruction comes from.
    pub fn location(&self, unit: isize) -> Option<Location> {
        if unit < 0 {
            return Some(Location {
                line: self.first_line,
                end_line: self.first_line,
                column: -1,
                end_column: -1,
            });
        }
        location::location_of(self.body().line_table.as_slice(), self.first_line, unit as u32)
    }

    /// The first instruction that is told of: `RESUME`. What comes before sets the frame up or moves it into a generator, so
    /// it must not get a frame object yet.
    pub(crate) fn first_told(&self) -> isize {
        let resume = |unit: &Unit| {
            Opcode::try_from(unit.get() as u8).is_ok_and(|opcode| opcode.base() == Opcode::Resume)
        };
        self.units().iter().position(resume).map_or(0, |index| index as isize)
    }

    /// The line that an instruction comes from.
    pub fn line(&self, unit: isize) -> Option<i32> {
        self.location(unit).map(|location| location.line).filter(|&line| line >= 0)
    }

    /// The instructions as the compiler made them: nothing specialised, caches zero.
    pub fn plain_bytes(&self) -> Ref<Bytes> {
        if let Some(plain) = &*self.plain.borrow() {
            return plain.clone();
        }
        let plain = Bytes::new(self.to_plain_bytes());
        self.plain.set(Some(plain.clone()));
        plain
    }

    /// As [`plain_bytes`](Self::plain_bytes), not kept.
    pub(super) fn to_plain_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.units().len() * 2);
        let mut first = self.unverified.get();
        let mut units = self.units().iter();
        while let Some(unit) = units.next() {
            let [opcode, oparg] = first.take().unwrap_or(unit.get()).to_le_bytes();
            let base = Opcode::try_from(opcode).map_or(opcode, |opcode| opcode.base() as u8);
            bytes.extend([base, oparg]);
            let caches = Opcode::try_from(base).map_or(0, Opcode::cache_entries);
            for _ in 0..caches {
                if units.next().is_some() {
                    bytes.extend([0, 0]);
                }
            }
        }
        bytes
    }

    /// The line table in the form of old: pairs of bytes, the distance in the code and that in lines.
    fn line_number_table(&self) -> Vec<u8> {
        let mut table = Vec::new();
        let (mut last_start, mut last_line) = (0i32, self.first_line);
        for (start, _, line) in location::lines(self.body().line_table.as_slice(), self.first_line) {
            let Some(line) = line.filter(|&line| line != last_line) else { continue };
            let (mut units, mut lines) = (start as i32 * 2 - last_start, line - last_line);
            while units > 254 {
                table.extend([254, 0]);
                units -= 254;
            }
            while !(-128..=127).contains(&lines) {
                let step = lines.clamp(-128, 127);
                table.extend([units as u8, step as u8]);
                units = 0;
                lines -= step;
            }
            table.extend([units as u8, lines as u8]);
            last_start = start as i32 * 2;
            last_line = line;
        }
        table
    }

    /// The instructions as they stand, caches included (`_co_code_adaptive`).
    pub fn adaptive_bytes(&self) -> Vec<u8> {
        let first = self.unverified.get().into_iter();
        let rest = self.units().iter().map(Cell::get).skip(first.len());
        let mut bytes: Vec<u8> = first.chain(rest).flat_map(u16::to_le_bytes).collect();
        let mut at = 0;
        while let Some(opcode) = bytes.get_mut(at) {
            let (base, caches) = plain_opcodes()[usize::from(*opcode)];
            // CPython has no form for attributes that native code computes.
            if *opcode == Opcode::LoadAttrGetattributeOverridden as u8 {
                *opcode = base;
            }
            at += 2 * (1 + usize::from(caches));
        }
        bytes
    }
}

#[pymethods]
impl Code {
    #[slot(new)]
    fn construct(vm: &Vm, _cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::types::code_methods::construct(vm, args, names).map(Ref::into_value)
    }

    #[slot(repr)]
    fn repr(this: &Object<Code>) -> String {
        format!(
            "<code object {} at {:#x}, file \"{}\", line {}>",
            this.name.to_string_lossy(),
            std::ptr::from_ref(this) as usize,
            this.filename().to_string_lossy(),
            this.first_line
        )
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        let bytecode = self.plain_bytes().into_value();
        let body = self.body();
        let parts = [
            self.name.hash_value(),
            vm.hash(&bytecode)?,
            vm.hash(body.line_table.value())?,
            vm.hash(body.exception_table.value())?,
            vm.hash(body.constants.value()).unwrap_or(0),
            vm.hash(body.names.value())?,
            vm.hash(body.variable_names.value())?,
            i64::from(self.first_line),
            i64::from(self.flags),
            i64::from(self.arg_count),
            i64::from(self.positional_only_count),
            i64::from(self.keyword_only_count),
        ];
        crate::types::tuple::combine_hashes(parts.into_iter().map(Ok))
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) = (other.downcast::<Code>(), comparison)
        else {
            return Ok(not_implemented());
        };
        let (own, others) = (self.body(), other.body());
        let equal = self.name.same_text(&other.name)
            && self.arg_count == other.arg_count
            && self.positional_only_count == other.positional_only_count
            && self.keyword_only_count == other.keyword_only_count
            && self.flags == other.flags
            && self.first_line == other.first_line
            && self.plain_bytes().as_slice() == other.plain_bytes().as_slice()
            && crate::types::code_key::same_constants(vm, own.constants.value(), others.constants.value())?
            && vm.equal(own.names.value(), others.names.value())?
            && vm.equal(own.variable_names.value(), others.variable_names.value())?
            && own.line_table.as_slice() == others.line_table.as_slice()
            && own.exception_table.as_slice() == others.exception_table.as_slice();
        Ok(crate::types::bool::boolean(equal == (comparison == Comparison::Equal)))
    }

    #[getter("co_argcount", member)]
    fn co_argcount(&self) -> u32 {
        self.arg_count
    }

    #[getter("co_posonlyargcount", member)]
    fn co_posonlyargcount(&self) -> u32 {
        self.positional_only_count
    }

    #[getter("co_kwonlyargcount", member)]
    fn co_kwonlyargcount(&self) -> u32 {
        self.keyword_only_count
    }

    #[getter("co_stacksize", member)]
    fn co_stacksize(&self) -> u32 {
        self.stack_size
    }

    #[getter("co_flags", member)]
    fn co_flags(&self) -> u32 {
        self.flags
    }

    #[getter("co_names", member)]
    fn co_names(&self) -> Ref<Tuple> {
        self.body().names.clone()
    }

    #[getter("co_consts", member)]
    fn co_consts(&self) -> Ref<Tuple> {
        self.body().constants.clone()
    }

    #[getter("co_filename", member)]
    fn co_filename(&self) -> Ref<Str> {
        self.filename()
    }

    #[getter("co_name", member)]
    fn co_name(&self) -> Ref<Str> {
        self.name.clone()
    }

    #[getter("co_qualname", member)]
    fn co_qualname(&self) -> Ref<Str> {
        self.qualified_name.clone()
    }

    #[getter("co_firstlineno", member)]
    fn co_firstlineno(&self) -> i32 {
        self.first_line
    }

    #[getter("co_linetable", member)]
    fn co_linetable(&self) -> Ref<Bytes> {
        self.body().line_table.clone()
    }

    #[getter("co_exceptiontable", member)]
    fn co_exceptiontable(&self) -> Ref<Bytes> {
        self.body().exception_table.clone()
    }

    #[getter("co_nlocals")]
    fn co_nlocals(&self) -> usize {
        self.variables(local_kind::LOCAL).len()
    }

    #[getter("co_varnames")]
    fn co_varnames(&self) -> Ref<Tuple> {
        Tuple::from_values(self.variables(local_kind::LOCAL))
    }

    #[getter("co_cellvars")]
    fn co_cellvars(&self) -> Ref<Tuple> {
        Tuple::from_values(self.variables(local_kind::CELL))
    }

    #[getter("co_freevars")]
    fn co_freevars(&self) -> Ref<Tuple> {
        Tuple::from_values(self.variables(local_kind::FREE))
    }

    #[getter("co_code")]
    fn co_code(&self) -> Ref<Bytes> {
        self.plain_bytes()
    }

    #[getter("co_lnotab")]
    fn co_lnotab(&self, vm: &Vm) -> PyResult<Ref<Bytes>> {
        let category = crate::exceptions::deprecation_warning();
        crate::warnings::warn(vm, category, "co_lnotab is deprecated, use co_lines instead.", 1)?;
        Ok(Bytes::new(self.line_number_table()))
    }

    #[getter("_co_code_adaptive")]
    fn co_code_adaptive(&self) -> Ref<Bytes> {
        Bytes::new(self.adaptive_bytes())
    }
}

/// Gives a code object and those in it that have the same file name another one.
pub fn rename_file(code: &Object<Code>, path: &Object<Str>) {
    let old = code.filename();
    if old.same_text(path) {
        return;
    }
    rename_from(code, &old, path);
}

fn rename_from(code: &Object<Code>, old: &Object<Str>, path: &Object<Str>) {
    if !code.filename().same_text(old) {
        return;
    }
    code.file.set(path.to_ref());
    for constant in code.body().constants.items() {
        if let Some(inner) = constant.downcast::<Code>() {
            rename_from(inner, old, path);
        }
    }
}
