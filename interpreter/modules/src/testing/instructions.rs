//! `_testinternalcapi`: what lies between the stages of the compiler, as rows of instructions.

use std::cell::Cell;
use std::collections::HashMap;

use rspy_code::{Constant, Location};
use rspy_compiler::stages::{self, Description, Instruction, Kept, StageError, Written};
use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::builtins::filename_text;
use rspy_runtime::cell::GilCell;
use rspy_runtime::compile::{
    CompileRequest, code_from_outside, compile_error, constant_of, show_warnings, text_of,
};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::plain_code::plain_constant;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::Mode;

use crate::ast;

/// Instructions in a row, with labels.
#[pyclass(name = "InstructionSequence", module = "builtins", tracked)]
struct InstructionSequence {
    /// Until the labels are resolved, the argument of an instruction with a target is a label.
    #[untraced]
    instructions: GilCell<Vec<Instruction>>,
    /// The last label that was given out.
    #[untraced]
    last_label: Cell<i32>,
    /// Which instruction each label stands before; nothing once the labels are resolved.
    #[untraced]
    labels: GilCell<Option<HashMap<i32, i32>>>,
    /// The sequences of the code objects inside.
    nested: GilCell<Option<Ref<List>>>,
}

/// What stands for the place of a label that was never used.
const NOWHERE: i32 = -111;

impl InstructionSequence {
    fn of(instructions: Vec<Instruction>, nested: Option<Ref<List>>) -> InstructionSequence {
        InstructionSequence {
            instructions: GilCell::new(instructions),
            last_label: Cell::new(0),
            labels: GilCell::new(None),
            nested: GilCell::new(nested),
        }
    }

    fn of_written(written: Written) -> Ref<InstructionSequence> {
        let nested: Vec<Value> =
            written.nested.into_iter().map(|inner| Self::of_written(inner).into_value()).collect();
        let nested = (!nested.is_empty()).then(|| List::from_vec(nested));
        Object::new(Self::of(written.instructions, nested))
    }

    /// The instructions, each target given by its index.
    fn resolved(&self) -> Vec<Instruction> {
        if let Some(labels) = self.labels.take() {
            for instruction in self.instructions.borrow_mut().iter_mut().filter(|it| it.op.has_target()) {
                instruction.argument = labels.get(&instruction.argument).copied().unwrap_or(NOWHERE);
            }
        }
        self.instructions.borrow().clone()
    }
}

#[pymethods]
impl InstructionSequence {
    #[new("InstructionSequence()")]
    fn new(cls: &TypeObject) -> Value {
        Object::with_type(cls, Self::of(Vec::new(), None)).into_value()
    }

    /// Append an instruction.
    #[method("addop(self, /, opcode, oparg, lineno, col_offset, end_lineno, end_col_offset)")]
    fn add_op(
        &self,
        vm: &Vm,
        opcode: i32,
        oparg: i32,
        lineno: i32,
        col_offset: i32,
        end_lineno: i32,
        end_col_offset: i32,
    ) -> PyResult<()> {
        // In CPython too, the four numbers are taken in the order of a location's fields, whatever they are called.
        let location = Location::new(lineno, col_offset, end_lineno, end_col_offset);
        let number = u16::try_from(opcode).ok();
        let Some(instruction) = number.and_then(|number| stages::instruction(number, oparg, location)) else {
            return Err(vm.value_error(format!("there is no instruction {opcode}")));
        };
        self.instructions.borrow_mut().push(instruction);
        Ok(())
    }

    /// Return a new label.
    #[method("new_label(self, /)")]
    fn new_label(&self, vm: &Vm) -> PyResult<i32> {
        let label = self.last_label.get().checked_add(1);
        let label = label.ok_or_else(|| vm.overflow_error("too many labels"))?;
        self.last_label.set(label);
        Ok(label)
    }

    /// Put a label before the next instruction.
    #[method("use_label(self, /, label)")]
    fn use_label(&self, label: i32) {
        let place = self.instructions.borrow().len() as i32;
        self.labels.borrow_mut().get_or_insert_default().insert(label, place);
    }

    /// Add the sequence of a code object inside.
    #[method("add_nested(self, /, nested)")]
    fn add_nested(&self, vm: &Vm, nested: &Value) -> PyResult<()> {
        if nested.downcast::<InstructionSequence>().is_none() {
            let name = nested.type_of().full_name();
            return Err(vm.type_error(format!("expected an instruction sequence, not {name}")));
        }
        self.nested.borrow_mut().get_or_insert_with(List::new).push(nested.clone());
        Ok(())
    }

    /// Return the sequences of the code objects inside.
    #[method("get_nested(self, /)")]
    fn get_nested(&self) -> Ref<List> {
        self.nested.get().unwrap_or_else(List::new)
    }

    /// Return the instructions as a list of tuples, their labels resolved.
    #[method("get_instructions(self, /)")]
    fn get_instructions(&self) -> Ref<List> {
        let shown = self.resolved().into_iter().map(|instruction| {
            let Location { line, end_line, column, end_column } = instruction.location;
            let number = |number: i32| int::new(i64::from(number));
            let argument = if instruction.op.has_argument() { number(instruction.argument) } else { none() };
            let opcode = number(i32::from(instruction.op.number()));
            let place = [line, end_line, column, end_column].map(number);
            Tuple::from_values([opcode, argument].into_iter().chain(place).collect::<Vec<_>>()).into_value()
        });
        List::from_vec(shown.collect())
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return an empty instruction sequence.
    #[function("new_instruction_sequence()")]
    fn new_instruction_sequence() -> Value {
        Object::new(InstructionSequence::of(Vec::new(), None)).into_value()
    }

    /// Generate the code of a tree, and return it with what is known of it.
    #[function("compiler_codegen(ast, filename, optimize, compile_mode=0)")]
    fn compiler_codegen(
        vm: &Vm,
        ast: &Value,
        filename: &Value,
        optimize: i32,
        compile_mode: i32,
    ) -> PyResult<(Ref<InstructionSequence>, Ref<Dict>)> {
        let filename = filename_text(vm, filename)?;
        let mode = match compile_mode {
            0 => Mode::Module,
            1 => Mode::Expression,
            2 => Mode::Interactive,
            _ => return Err(vm.value_error("there is no such mode of compilation")),
        };
        let optimize = optimize.clamp(0, 2) as u8;
        let request = CompileRequest { filename: &filename, mode, flags: 0, optimize, feature_version: 14 };
        let tree = ast::tree_for_compiler(vm, ast, mode)?;
        let mut warnings = Vec::new();
        let options = request.compile_options(vm);
        let generated = stages::generate(&tree, &text_of(&filename), &options, &mut warnings);
        let (written, constants) = generated.map_err(|error| compile_error(vm, error, &request))?;
        show_warnings(vm, &warnings, &filename, &|_| ())?;
        let metadata = Dict::new();
        for name in ["argcount", "posonlyargcount", "kwonlyargcount"] {
            metadata.set_str(&vm.intern(name), int::new(0));
        }
        let constants = constants.iter().map(|constant| constant_of(vm, constant)).collect();
        metadata.set_str(&vm.intern("consts"), List::from_vec(constants).into_value());
        Ok((InstructionSequence::of_written(written), metadata))
    }

    /// Optimize a sequence of instructions, and the list of its constants.
    #[function("optimize_cfg(instructions, consts, nlocals)")]
    fn optimize_cfg(
        vm: &Vm,
        instructions: &Value,
        consts: &Value,
        nlocals: i32,
    ) -> PyResult<Ref<InstructionSequence>> {
        let Some(sequence) = instructions.downcast::<InstructionSequence>() else {
            return Err(vm.value_error("expected an instruction sequence"));
        };
        let Some(list) = consts.downcast::<List>() else {
            return Err(vm.type_error("consts must be a list"));
        };
        let before = list.to_vec();
        let plain: Option<Vec<Constant>> = before.iter().map(plain_constant).collect();
        let Some(plain) = plain else {
            return Err(vm.type_error("consts must be such as the compiler makes"));
        };
        let local_count = usize::try_from(nlocals).unwrap_or(0);
        let (instructions, kept) = stages::optimize(sequence.resolved(), &plain, local_count)
            .map_err(|error| stage_error(vm, error))?;
        let after = kept.iter().map(|kept| match kept {
            Kept::Old(index) => before[*index].clone(),
            Kept::New(constant) => constant_of(vm, constant),
        });
        let replaced = std::mem::replace(&mut *list.items().borrow_mut(), after.collect());
        drop(replaced);
        Ok(Object::new(InstructionSequence::of(instructions, None)))
    }

    /// Make a code object of a sequence of instructions.
    #[function("assemble_code_object(filename, instructions, metadata)")]
    fn assemble_code_object(
        vm: &Vm,
        filename: &Object<Str>,
        instructions: &Value,
        metadata: &Object<Dict>,
    ) -> PyResult<Ref<Code>> {
        let Some(sequence) = instructions.downcast::<InstructionSequence>() else {
            return Err(vm.type_error("expected an instruction sequence"));
        };
        let metadata = Metadata { vm, dict: metadata };
        let texts = |name: &str| metadata.names(name);
        let description = Description {
            name: text_of(&*metadata.text("name")?),
            qualified_name: text_of(&*metadata.text("qualname")?),
            filename: text_of(filename),
            first_line: metadata.count("firstlineno")? as i32,
            positional_only_count: metadata.count("posonlyargcount")?,
            positional_count: metadata.count("argcount")?,
            keyword_only_count: metadata.count("kwonlyargcount")?,
            names: texts("names")?,
            locals: texts("varnames")?,
            cells: texts("cellvars")?,
            free: texts("freevars")?,
            hidden: texts("fasthidden")?,
        };
        let constants = Tuple::from_values(metadata.dict("consts")?.keys());
        let code =
            stages::assemble(sequence.resolved(), &description).map_err(|error| stage_error(vm, error))?;
        Ok(code_from_outside(vm, &code, constants))
    }
}

fn stage_error(vm: &Vm, error: StageError) -> Exception {
    vm.value_error(error.to_string())
}

/// What a code object consists of, as a dict gives it.
struct Metadata<'a> {
    vm: &'a Vm,
    dict: &'a Object<Dict>,
}

impl Metadata<'_> {
    fn get(&self, name: &str) -> PyResult {
        let found = self.dict.get_str(&self.vm.intern(name));
        found.ok_or_else(|| self.vm.value_error(format!("the metadata has no {name}")))
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> Exception {
        let found = found.type_of().full_name();
        self.vm.type_error(format!("the {name} of the metadata must be {expected}, not {found}"))
    }

    fn count(&self, name: &str) -> PyResult<usize> {
        let value = self.get(name)?;
        let number = int::small_value(&value).and_then(|number| i32::try_from(number).ok());
        let number = number.ok_or_else(|| self.wrong(name, "a C int", &value))?;
        let negative = || self.vm.value_error(format!("{name} must not be negative"));
        usize::try_from(number).map_err(|_| negative())
    }

    fn text(&self, name: &str) -> PyResult<Ref<Str>> {
        let value = self.get(name)?;
        value.downcast::<Str>().map(Object::to_ref).ok_or_else(|| self.wrong(name, "a str", &value))
    }

    fn dict(&self, name: &str) -> PyResult<Ref<Dict>> {
        let value = self.get(name)?;
        value.downcast::<Dict>().map(Object::to_ref).ok_or_else(|| self.wrong(name, "a dict", &value))
    }

    /// The keys of a dict from names to their numbers.
    fn names(&self, name: &str) -> PyResult<Vec<rspy_code::Text>> {
        let keys = self.dict(name)?.keys();
        let text = |key: &Value| match key.downcast::<Str>() {
            Some(key) => Ok(text_of(key)),
            None => Err(self.wrong(name, "a dict of names", key)),
        };
        keys.iter().map(text).collect()
    }
}
