//! The stages of compiling one by one, for whoever looks at what lies between them: code generation, the optimisation
//! of the graph, and assembling.
//!
//! Between the stages stand instructions in a row, the target of each given by its index. What comes from outside is
//! checked here, since the stages themselves take for granted that the one before did its work.

use std::fmt;
use std::sync::Arc;

use rspy_code::{CodeObject, Constant, Location, Text};
use rspy_syntax::Warning;
use rspy_syntax::ast::Mod;

use crate::assemble::{Assembler, Metadata};
use crate::codegen;
use crate::constants::Constants;
use crate::error::CompileError;
use crate::flowgraph::{self, Graph, Layout, Variables};
use crate::instruction_sequence::InstructionSequence;
use crate::names::{NameId, Names};
use crate::{CompileOptions, recursion};

pub use crate::instruction_sequence::Instruction;
pub use crate::op::Op;

/// What code generation writes for a code object.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// The same of the code objects inside.
    pub nested: Vec<Written>,
}

/// Why instructions from outside are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StageError {
    /// An instruction loads a constant that is not there.
    NoConstant {
        /// The instruction.
        op: Op,
        /// The constant's number.
        index: i32,
        /// How many there are.
        count: usize,
    },
    /// An instruction names another that is not there.
    NoTarget(Op),
    /// An instruction names a variable that is not there.
    NoVariable(Op),
    /// There are fewer variables than parameters.
    TooManyParameters,
    /// An argument is out of range.
    Argument(Op),
    /// An instruction comes into being only in a later stage.
    Misplaced(Op),
    /// An instruction takes from the stack what is not there.
    StackUnderflow,
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConstant { op, index, count } => {
                write!(f, "{op:?} index {index} is out of range for consts (len={count})")
            }
            Self::NoTarget(op) => write!(f, "the target of {op:?} is no instruction"),
            Self::NoVariable(op) => write!(f, "the variable of {op:?} is out of range"),
            Self::TooManyParameters => f.write_str("there are more parameters than local variables"),
            Self::Misplaced(op) => write!(f, "{op:?} is no instruction of this stage"),
            Self::Argument(op) => write!(f, "the argument of {op:?} is out of range"),
            Self::StackUnderflow => f.write_str("Invalid CFG, stack underflow"),
        }
    }
}

impl std::error::Error for StageError {}

/// Generates the code of a tree, and answers with it the constants that it loads. Warnings are noted.
///
/// # Errors
/// The tree cannot be compiled.
pub fn generate(
    module: &Mod,
    filename: &Text,
    options: &CompileOptions,
    warnings: &mut Vec<Warning>,
) -> Result<(Written, Vec<Constant>), CompileError> {
    let analysed = crate::analyse(module, filename, options, recursion::SHALLOW)?;
    codegen::write(module, analysed.table, analysed.names, analysed.settings, warnings)
}

/// A constant after optimisation.
#[derive(Clone, PartialEq, Debug)]
pub enum Kept {
    /// One that was there before, by its index.
    Old(usize),
    /// One that folding made.
    New(Constant),
}

/// Makes a graph of the instructions, optimises it, and lays it out in a row.
///
/// # Errors
/// The instructions make no sense.
pub fn optimize(
    instructions: Vec<Instruction>,
    constants: &[Constant],
    local_count: usize,
) -> Result<(Vec<Instruction>, Vec<Kept>), StageError> {
    check(&instructions)?;
    // Directions of jumps are chosen by the assembler.
    let has_direction =
        |op| matches!(op, Op::JUMP_FORWARD | Op::JUMP_BACKWARD | Op::JUMP_BACKWARD_NO_INTERRUPT);
    if let Some(jump) = instructions.iter().find(|instruction| has_direction(instruction.op)) {
        return Err(StageError::Misplaced(jump.op));
    }
    check_constants(&instructions, constants.len())?;
    // Locals that no instruction names do not matter.
    let named = instructions.iter().filter_map(|instruction| locals_of(instruction).into_iter().max());
    let local_count = local_count.min(named.max().map_or(0, |local| local + 1));
    if local_count > flowgraph::TRACKED_LOCALS {
        check_locals(&instructions, local_count)?;
    }
    let mut pool = Constants::default();
    let mut ids: Vec<_> = constants.iter().map(|constant| pool.intern(constant.clone())).collect();
    let before = ids.clone();
    let mut graph = Graph::default();
    flowgraph::build(&mut graph, &InstructionSequence::with_targets(instructions));
    flowgraph::optimize(&mut graph, &mut ids, &mut pool, local_count, 0);
    let mut layout = Layout::default();
    if !flowgraph::lay_out_optimized(&mut graph, &mut layout) {
        return Err(StageError::StackUnderflow);
    }
    let instructions = layout.instructions.iter().map(|instruction| Instruction {
        op: instruction.op,
        argument: instruction.argument,
        location: instruction.location,
    });
    let kept = ids.iter().map(|id| match before.iter().position(|old| old == id) {
        Some(index) => Kept::Old(index),
        None => Kept::New(pool.value(*id).clone()),
    });
    Ok((instructions.collect(), kept.collect()))
}

/// What a code object consists of besides instructions and constants.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Its name.
    pub name: Text,
    /// Its name with those of what it stands in.
    pub qualified_name: Text,
    /// The file's name.
    pub filename: Text,
    /// The line it starts on.
    pub first_line: i32,
    /// How many parameters are positional only.
    pub positional_only_count: usize,
    /// How many parameters may be given by position or keyword.
    pub positional_count: usize,
    /// How many parameters are keyword only.
    pub keyword_only_count: usize,
    /// The names of globals and attributes.
    pub names: Vec<Text>,
    /// Local variables.
    pub locals: Vec<Text>,
    /// Variables that nested code uses.
    pub cells: Vec<Text>,
    /// Variables of surrounding code.
    pub free: Vec<Text>,
    /// Local variables of inlined comprehensions in code that has no others.
    pub hidden: Vec<Text>,
}

/// Assembles a code object, which has no constants yet.
///
/// # Errors
/// The instructions make no sense. What they do is not verified.
pub fn assemble(instructions: Vec<Instruction>, description: &Description) -> Result<CodeObject, StageError> {
    check(&instructions)?;
    check_locals(&instructions, description.locals.len())?;
    check_cells(&instructions, description.cells.len() + description.free.len())?;
    let parameters =
        [description.positional_only_count, description.positional_count, description.keyword_only_count];
    if parameters.iter().fold(0, |sum: usize, count| sum.saturating_add(*count)) > description.locals.len() {
        return Err(StageError::TooManyParameters);
    }
    let mut names = Names::new();
    let mut intern =
        |texts: &[Text]| -> Vec<NameId> { texts.iter().map(|text| names.intern_text(text)).collect() };
    let [globals, locals, cells, free, hidden] =
        [&description.names, &description.locals, &description.cells, &description.free, &description.hidden]
            .map(|texts| intern(texts));
    let variables = Variables { locals: &locals, cells: &cells, free: &free };
    let mut graph = Graph::default();
    flowgraph::build(&mut graph, &InstructionSequence::with_targets(instructions));
    flowgraph::find_handlers(&mut graph);
    let mut layout = Layout::default();
    flowgraph::finish(&mut graph, &variables, description.first_line, false, &mut layout);
    let metadata = Metadata {
        name: description.name.clone(),
        qualified_name: description.qualified_name.clone(),
        filename: description.filename.clone(),
        first_line: description.first_line,
        flags: 0,
        positional_only_count: description.positional_only_count,
        positional_count: description.positional_count,
        keyword_only_count: description.keyword_only_count,
        variables,
        hidden: &hidden,
        names: &globals,
        omits_columns: false,
    };
    let constants: Arc<[Constant]> = Arc::new([]);
    Ok(Assembler::default().assemble(&mut layout, &metadata, constants, &names))
}

/// How many words all instructions together may move, which bounds the memory that is taken.
const MOST_WORDS: i64 = 1 << 20;

/// Checks that targets exist and that arguments are not absurd.
fn check(instructions: &[Instruction]) -> Result<(), StageError> {
    let mut words = 0;
    for instruction in instructions {
        let Instruction { op, argument, .. } = *instruction;
        if op.has_target() {
            let target = usize::try_from(argument).ok().and_then(|index| instructions.get(index));
            if target.is_none_or(|target| target.op == Op::ANNOTATIONS_PLACEHOLDER) {
                return Err(StageError::NoTarget(op));
            }
            continue;
        }
        let is_absurd = !(0..1 << 24).contains(&argument)
            || matches!(op, Op::SWAP | Op::COPY) && !(1..1 << 16).contains(&argument);
        if is_absurd {
            return Err(StageError::Argument(op));
        }
        words += i64::from(op.popped(argument)) + i64::from(op.pushed(argument));
        if words > MOST_WORDS {
            return Err(StageError::Argument(op));
        }
    }
    Ok(())
}

fn check_constants(instructions: &[Instruction], count: usize) -> Result<(), StageError> {
    for &Instruction { op, argument: index, .. } in instructions {
        if op.has_const() && index as usize >= count {
            return Err(StageError::NoConstant { op, index, count });
        }
    }
    Ok(())
}

/// The local variables that an instruction names.
fn locals_of(instruction: &Instruction) -> Vec<usize> {
    let argument = instruction.argument as usize;
    match instruction.op {
        Op::LOAD_FAST
        | Op::LOAD_FAST_BORROW
        | Op::LOAD_FAST_CHECK
        | Op::LOAD_FAST_AND_CLEAR
        | Op::STORE_FAST
        | Op::STORE_FAST_MAYBE_NULL
        | Op::DELETE_FAST => vec![argument],
        Op::LOAD_FAST_LOAD_FAST
        | Op::LOAD_FAST_BORROW_LOAD_FAST_BORROW
        | Op::STORE_FAST_LOAD_FAST
        | Op::STORE_FAST_STORE_FAST => vec![argument >> 4, argument & 15],
        _ => Vec::new(),
    }
}

fn check_locals(instructions: &[Instruction], count: usize) -> Result<(), StageError> {
    let lacks = |instruction: &&Instruction| locals_of(instruction).iter().any(|&local| local >= count);
    match instructions.iter().find(lacks) {
        Some(instruction) => Err(StageError::NoVariable(instruction.op)),
        None => Ok(()),
    }
}

fn check_cells(instructions: &[Instruction], count: usize) -> Result<(), StageError> {
    match instructions.iter().find(|it| it.op.names_cell() && it.argument as usize >= count) {
        Some(instruction) => Err(StageError::NoVariable(instruction.op)),
        None => Ok(()),
    }
}

/// An instruction by its numbers; nothing where there is none of that number.
pub fn instruction(number: u16, argument: i32, location: Location) -> Option<Instruction> {
    Op::from_number(number).map(|op| Instruction { op, argument, location })
}
