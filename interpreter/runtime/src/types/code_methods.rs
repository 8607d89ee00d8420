//! Methods of code objects: lines, positions, and copies with changes.

use rspy_code::location;
use rspy_code::opcode::Opcode;
use rspy_macros::pymethods;

use crate::arguments::KeywordArguments;
use crate::audit;
use crate::exceptions::{Exception, PyResult};
use crate::object::{Object, Payload, Ref};
use crate::slots::KeywordNames;
use crate::types::bytes::Bytes;
use crate::types::code::{Code, CodeFields, shown_line_table};
use crate::types::int;
use crate::types::list::List;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

fn iterator_of(vm: &Vm, items: Vec<Value>) -> PyResult {
    vm.iter(List::from_vec(items).value())
}

/// The conditional branches of a piece of code: where the instruction begins, and where it goes on.
fn branches(code: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    let (mut at, mut argument) = (0usize, 0usize);
    while at + 1 < code.len() {
        argument = argument << 8 | code[at + 1] as usize;
        let opcode = Opcode::try_from(code[at]).ok();
        let next = at + 2 + 2 * opcode.map_or(0, Opcode::cache_entries);
        let target = next + 2 * argument;
        let branch = match opcode {
            Some(Opcode::ExtendedArg) => {
                at = next;
                continue;
            }
            // The loop ends behind END_FOR and POP_ITER.
            Some(Opcode::ForIter) => Some((at, next, target + 4)),
            // Where the jump is not taken, NOT_TAKEN follows.
            Some(
                Opcode::PopJumpIfFalse
                | Opcode::PopJumpIfTrue
                | Opcode::PopJumpIfNone
                | Opcode::PopJumpIfNotNone,
            ) => Some((at, next + 2, target)),
            // The loop branches where END_SEND has the next item.
            Some(Opcode::EndAsyncFor) => {
                let sent = next.saturating_sub(2 * argument);
                Some((sent, sent + 4, next))
            }
            _ => None,
        };
        if let Some((from, left, right)) = branch {
            let offsets = [from, left, right].map(|offset| Value::int(offset as i32));
            found.push(Tuple::from_values(offsets).into_value());
        }
        argument = 0;
        at = next;
    }
    found
}

fn optional_number(number: i32) -> Value {
    if number < 0 { none() } else { Value::int(number) }
}

#[pymethods(MORE_METHODS)]
impl Code {
    /// Return an iterator over (start, end, line) triples of byte offsets and lines.
    #[method("co_lines(self, /)")]
    fn co_lines(&self, vm: &Vm) -> PyResult {
        let rows = location::lines(self.body().line_table.as_slice(), self.first_line)
            .map(|(start, end, line)| {
                let line = line.map_or_else(none, Value::int);
                Tuple::from_values([Value::int(start as i32 * 2), Value::int(end as i32 * 2), line])
                    .into_value()
            })
            .collect();
        iterator_of(vm, rows)
    }

    /// Return an iterator over (line, end line, column, end column) of each code unit.
    #[method("co_positions(self, /)")]
    fn co_positions(&self, vm: &Vm) -> PyResult {
        let mut rows = Vec::with_capacity(self.units().len());
        for entry in location::Decoder::new(self.body().line_table.as_slice(), self.first_line) {
            let place = entry.location;
            let row = Tuple::from_values([
                optional_number(place.line),
                optional_number(place.end_line),
                optional_number(place.column),
                optional_number(place.end_column),
            ]);
            for _ in entry.start..entry.end {
                rows.push(row.clone().into_value());
            }
        }
        iterator_of(vm, rows)
    }

    /// Return an iterator over (start, not taken, taken) triples of byte offsets, one for each conditional branch.
    #[method("co_branches(self, /)")]
    fn co_branches(&self, vm: &Vm) -> PyResult {
        iterator_of(vm, branches(self.plain_bytes().as_slice()))
    }

    /// Return the name of the variable of an instruction's argument.
    #[method("_varname_from_oparg(self, /, oparg)")]
    fn varname_from_oparg(&self, vm: &Vm, oparg: i32) -> PyResult {
        match usize::try_from(oparg).ok().and_then(|index| self.body().variable_names.items().get(index)) {
            Some(name) => Ok(name.clone()),
            None => Err(vm.index_error("tuple index out of range")),
        }
    }

    /// Return a copy of the code object with new values for the specified fields.
    #[method("replace(self, /, **changes)")]
    fn replace(this: &Object<Code>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Code>> {
        let (positional, changes) = KeywordArguments::of_call(args, names);
        if !positional.is_empty() {
            return Err(vm.type_error("replace() takes 0 positional arguments"));
        }
        copy_with(this, vm, changes)
    }

    /// The same as replace().
    #[method("__replace__(self, /, **changes)")]
    fn replace_protocol(
        this: &Object<Code>,
        vm: &Vm,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult<Ref<Code>> {
        let (_, changes) = KeywordArguments::of_call(args, names);
        copy_with(this, vm, changes)
    }

    /// Return the size of the object in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(&self) -> usize {
        size_of::<Object<Code>>() + self.units().len() * 2
    }
}

/// The code object of the arguments of `code()`, which are CPython's.
///
/// # Errors
/// `TypeError` and `ValueError` for arguments that do not fit together.
pub fn construct(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Code>> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error("code() takes no keyword arguments"));
    }
    if args.len() < 16 {
        return Err(vm.type_error(format!("code expected at least 16 arguments, got {}", args.len())));
    }
    if args.len() > 18 {
        return Err(vm.type_error(format!("code expected at most 18 arguments, got {}", args.len())));
    }
    fn typed<T: Payload>(vm: &Vm, args: &[Value], index: usize) -> PyResult<Ref<T>> {
        args[index].downcast::<T>().map(Object::to_ref).ok_or_else(|| {
            vm.type_error(format!(
                "code() argument {} must be {}, not {}",
                index + 1,
                T::static_type().name(),
                args[index].type_of().full_name()
            ))
        })
    }
    let strings = |index: usize| -> PyResult<Ref<Tuple>> {
        match args.get(index) {
            Some(_) => strings_of(vm, &*typed::<Tuple>(vm, args, index)?),
            None => Ok(Tuple::empty()),
        }
    };
    for (index, name) in [(0, "argcount"), (1, "posonlyargcount"), (2, "kwonlyargcount"), (3, "nlocals")] {
        if number(vm, &args[index])? < 0 {
            return Err(vm.value_error(format!("code: {name} must not be negative")));
        }
    }
    let mut fields = CodeFields {
        arg_count: count(vm, &args[0])?,
        positional_only_count: count(vm, &args[1])?,
        keyword_only_count: count(vm, &args[2])?,
        stack_size: count(vm, &args[4])?,
        flags: number(vm, &args[5])? as u32,
        code: typed::<Bytes>(vm, args, 6)?.as_slice().to_vec(),
        constants: typed(vm, args, 7)?,
        names: strings(8)?,
        variable_names: Tuple::empty(),
        variable_kinds: Vec::new(),
        filename: typed(vm, args, 10)?,
        name: typed(vm, args, 11)?,
        qualified_name: typed(vm, args, 12)?,
        first_line: number(vm, &args[13])?,
        line_table: typed(vm, args, 14)?,
        exception_table: typed(vm, args, 15)?,
    };
    let variables = Variables { local: strings(9)?, free: strings(16)?, cell: strings(17)?, changed: true };
    if count(vm, &args[3])? as usize != variables.local.items().len() {
        return Err(vm.value_error("code: co_nlocals != len(co_varnames)"));
    }
    lay_out(&variables, &mut fields);
    finish(vm, fields)
}

/// Makes a code object of what `code()` and `replace()` were given.
fn finish(vm: &Vm, mut fields: CodeFields) -> PyResult<Ref<Code>> {
    use rspy_code::code_object::local_kind;
    check(vm, &fields)?;
    audit::raise_event(vm, "code.__new__", || {
        let locals = fields.variable_kinds.iter().filter(|&&kind| kind & local_kind::LOCAL != 0).count();
        let numbers = [
            fields.arg_count,
            fields.positional_only_count,
            fields.keyword_only_count,
            locals as u32,
            fields.stack_size,
            fields.flags,
        ];
        let code = Bytes::new(&fields.code[..]).into_value();
        let mut shown = vec![code, fields.filename.to_value(), fields.name.to_value()];
        shown.extend(numbers.map(|number| int::new(number.into())));
        shown
    })?;
    fields.line_table = shown_line_table(vm, fields.line_table);
    Ok(Code::from_outside(fields))
}

fn wrong(vm: &Vm, name: &str, expected: &str, got: &Value) -> Exception {
    vm.type_error(format!(
        "replace() argument '{name}' must be {expected}, not {}",
        got.type_of().full_name()
    ))
}

fn typed<T: Payload>(vm: &Vm, name: &str, value: &Value) -> PyResult<Ref<T>> {
    value.downcast::<T>().map(Object::to_ref).ok_or_else(|| wrong(vm, name, &T::static_type().name(), value))
}

fn number(vm: &Vm, value: &Value) -> PyResult<i32> {
    let index = vm.index(value)?;
    let small = int::small_value(&index).and_then(|small| i32::try_from(small).ok());
    small.ok_or_else(|| vm.overflow_error("Python int too large to convert to C int"))
}

fn count(vm: &Vm, value: &Value) -> PyResult<u32> {
    u32::try_from(number(vm, value)?).map_err(|_| vm.value_error("code: argcount must not be negative"))
}

/// Names with their kinds, as `co_varnames`, `co_cellvars` and `co_freevars` give them.
struct Variables {
    local: Ref<Tuple>,
    cell: Ref<Tuple>,
    free: Ref<Tuple>,
    changed: bool,
}

fn copy_with(this: &Object<Code>, vm: &Vm, changes: KeywordArguments<'_>) -> PyResult<Ref<Code>> {
    use rspy_code::code_object::local_kind;
    let mut fields = CodeFields {
        arg_count: this.arg_count,
        positional_only_count: this.positional_only_count,
        keyword_only_count: this.keyword_only_count,
        flags: this.flags,
        stack_size: this.stack_size,
        first_line: this.first_line,
        code: this.plain_bytes().as_slice().to_vec(),
        constants: this.body().constants.clone(),
        names: this.body().names.clone(),
        variable_names: this.body().variable_names.clone(),
        variable_kinds: this.body().variable_kinds.to_vec(),
        filename: this.filename(),
        name: this.name.clone(),
        qualified_name: this.qualified_name.clone(),
        line_table: this.body().line_table.clone(),
        exception_table: this.body().exception_table.clone(),
    };
    let mut variables = Variables {
        local: Tuple::from_values(this.variables(local_kind::LOCAL)),
        cell: Tuple::from_values(this.variables(local_kind::CELL)),
        free: Tuple::from_values(this.variables(local_kind::FREE)),
        changed: false,
    };
    for (key, value) in changes.iter() {
        let Some(key) = key.downcast::<Str>() else { return Err(vm.type_error("keywords must be strings")) };
        let name = key.to_string_lossy();
        let name = &*name;
        match name {
            "co_argcount" => fields.arg_count = count(vm, value)?,
            "co_posonlyargcount" => fields.positional_only_count = count(vm, value)?,
            "co_kwonlyargcount" => fields.keyword_only_count = count(vm, value)?,
            "co_stacksize" => fields.stack_size = count(vm, value)?,
            "co_flags" => fields.flags = number(vm, value)? as u32,
            "co_firstlineno" => {
                fields.first_line = number(vm, value)?;
                if fields.first_line < 0 {
                    return Err(vm.value_error("co_firstlineno must be a positive integer"));
                }
            }
            "co_code" => fields.code = typed::<Bytes>(vm, name, value)?.as_slice().to_vec(),
            "co_consts" => fields.constants = typed(vm, name, value)?,
            "co_names" => fields.names = names_tuple(vm, name, value)?,
            "co_filename" => fields.filename = typed(vm, name, value)?,
            "co_name" => fields.name = typed(vm, name, value)?,
            "co_qualname" => fields.qualified_name = typed(vm, name, value)?,
            "co_linetable" => fields.line_table = typed(vm, name, value)?,
            "co_exceptiontable" => fields.exception_table = typed(vm, name, value)?,
            "co_varnames" => {
                variables.local = names_tuple(vm, name, value)?;
                variables.changed = true;
            }
            "co_cellvars" => {
                variables.cell = names_tuple(vm, name, value)?;
                variables.changed = true;
            }
            "co_freevars" => {
                variables.free = names_tuple(vm, name, value)?;
                variables.changed = true;
            }
            "co_nlocals" => {
                if count(vm, value)? as usize != variables.local.items().len() {
                    return Err(vm.value_error("code: co_nlocals != len(co_varnames)"));
                }
            }
            _ => return Err(vm.type_error(format!("replace() got an unexpected keyword argument '{name}'"))),
        }
    }
    if variables.changed {
        lay_out(&variables, &mut fields);
    }
    finish(vm, fields)
}

fn names_tuple(vm: &Vm, name: &str, value: &Value) -> PyResult<Ref<Tuple>> {
    strings_of(vm, &*typed::<Tuple>(vm, name, value)?)
}

fn strings_of(vm: &Vm, tuple: &Object<Tuple>) -> PyResult<Ref<Tuple>> {
    let mut names = Vec::with_capacity(tuple.items().len());
    for item in tuple.items() {
        let Some(text) = item.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "name tuples must contain only strings, not '{}'",
                item.type_of().full_name()
            )));
        };
        names.push(crate::types::string::intern::intern(text).into_value());
    }
    Ok(Tuple::from_values(names))
}

/// Puts locals, cells and free variables into the order of the frame; a local that is also a cell is both.
fn lay_out(variables: &Variables, fields: &mut CodeFields) {
    use rspy_code::code_object::local_kind;
    let mut names: Vec<Value> = variables.local.items().to_vec();
    let mut kinds = vec![local_kind::LOCAL; names.len()];
    for cell in variables.cell.items() {
        match names.iter().position(|name| name.is(cell)) {
            Some(index) => kinds[index] |= local_kind::CELL,
            None => {
                names.push(cell.clone());
                kinds.push(local_kind::CELL);
            }
        }
    }
    for free in variables.free.items() {
        names.push(free.clone());
        kinds.push(local_kind::FREE);
    }
    fields.variable_names = Tuple::from_values(names);
    fields.variable_kinds = kinds;
}

/// Checks that the parts of a code object fit together.
///
/// # Errors
/// `ValueError` where they do not.
pub fn check(vm: &Vm, fields: &CodeFields) -> PyResult<()> {
    use rspy_code::code_object::{flags, local_kind};
    if fields.positional_only_count > fields.arg_count {
        return Err(vm.value_error("code: argcount < posonlyargcount"));
    }
    if fields.code.len() % 2 != 0 {
        return Err(vm.value_error("code: co_code is malformed"));
    }
    let locals = fields.variable_kinds.iter().filter(|&&kind| kind & local_kind::LOCAL != 0).count();
    let arguments = (fields.arg_count + fields.keyword_only_count) as usize
        + usize::from(fields.flags & flags::VARARGS != 0)
        + usize::from(fields.flags & flags::VARKEYWORDS != 0);
    if arguments > locals {
        return Err(vm.value_error("code: varnames is too small"));
    }
    Ok(())
}
