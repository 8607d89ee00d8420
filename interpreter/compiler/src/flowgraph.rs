//! The instruction graph: basic blocks linked by fall-through, jumps and handlers, and what is done to them.
//!
//! [`build`] makes the graph from what code generation wrote; [`optimize`] runs the optimisations, each in a file of its
//! own; [`finish`] turns what is left of pseudo instructions into real ones and lays the blocks out in a row for the
//! assembler. The order of the passes and the conditions each tests decide the bytes that come out, so they follow
//! CPython's.

mod basic_block;
mod borrow;
mod build;
mod cells;
mod checks;
mod cold;
mod folding;
mod handlers;
mod jumps;
mod lines;
mod load_const;
mod nops;
mod pseudo;
mod stack_depth;
mod superinstructions;
mod swaps;
mod unreachable;

use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

use rspy_code::Location;

pub use build::build;
pub use cells::Variables;
pub use folding::STACK_USE_GUIDELINE;

use crate::constants::{ConstantId, Constants};
use crate::op::Op;

/// A basic block of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockId(NonZeroU32);

/// An instruction in a block.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Its argument; meaningless if it has a target.
    pub argument: i32,
    /// Where it stands in the source.
    pub location: Location,
    /// Where it jumps, or which handler it sets up.
    pub target: Option<BlockId>,
    /// Which handler guards it.
    pub handler: Option<BlockId>,
}

impl Instruction {
    /// An instruction without target and handler.
    pub fn new(op: Op, argument: i32, location: Location) -> Self {
        Self { op, argument, location, target: None, handler: None }
    }

    /// Makes another instruction of it, in the same place.
    pub fn set(&mut self, op: Op, argument: i32) {
        self.op = op;
        self.argument = argument;
    }

    /// Makes it do nothing, in the same place.
    pub fn clear(&mut self) {
        self.set(Op::NOP, 0);
    }

    /// Makes it do nothing and stand nowhere.
    pub fn erase(&mut self) {
        self.clear();
        self.location = Location::NONE;
    }

    fn line(&self) -> i32 {
        self.location.line
    }
}

/// A run of instructions entered only at its start and left only at its end.
#[derive(Debug, Default)]
pub struct Block {
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// The block that follows.
    pub next: Option<BlockId>,
    /// Whether anything jumps here, as far as is known.
    pub is_labelled: bool,
    /// How many ways lead here.
    pub predecessors: u32,
    /// How deep the stack is at the start.
    pub start_depth: i32,
    /// Whether it is a handler.
    pub is_handler: bool,
    /// Whether it is a handler that wants the raising instruction's offset.
    pub pushes_last_instruction: bool,
    /// Whether it is reached through exceptions only.
    pub is_cold: bool,
    /// Whether it is reached without exceptions.
    pub is_warm: bool,
    /// Local variables that may be unbound at the start, one bit each.
    unsafe_locals: u64,
    /// A mark for passes that walk the graph.
    is_visited: bool,
    /// The handlers of instructions that were removed from the end, the last to be overwritten first.
    ///
    /// CPython keeps instructions in arrays, removes them by moving others over them, and does not set the handler of one
    /// that it appends: that is the one which was at its place before.
    removed_handlers: Vec<Option<BlockId>>,
}

impl Block {
    fn last(&self) -> Option<&Instruction> {
        self.instructions.last()
    }

    /// Whether its end leads on to the following block.
    fn falls_through(&self) -> bool {
        !self.last().is_some_and(|last| last.op.is_scope_exit() || last.op.is_unconditional_jump())
    }

    fn exits_scope(&self) -> bool {
        self.last().is_some_and(|last| last.op.is_scope_exit())
    }

    fn has_no_line(&self) -> bool {
        self.instructions.iter().all(|instruction| instruction.line() < 0)
    }

    /// Appends an instruction, which takes the handler that is left at its place.
    fn append(&mut self, mut instruction: Instruction) {
        instruction.handler = self.take_place();
        self.instructions.push(instruction);
    }

    /// Appends copies of instructions.
    fn append_copies(&mut self, copies: &[Instruction]) {
        for &copy in copies {
            self.take_place();
            self.instructions.push(copy);
        }
    }

    /// Inserts instructions.
    fn insert(&mut self, index: usize, inserted: &[Instruction]) {
        for _ in inserted {
            self.take_place();
        }
        self.instructions.splice(index..index, inserted.iter().copied());
    }

    fn take_place(&mut self) -> Option<BlockId> {
        self.removed_handlers.pop().flatten()
    }

    /// Keeps the first instructions only. `handlers` are those that the others had.
    fn truncate(&mut self, length: usize, handlers: &[Option<BlockId>]) {
        self.instructions.truncate(length);
        self.removed_handlers.extend(handlers.iter().rev());
    }
}

/// A graph of basic blocks.
#[derive(Debug)]
pub struct Graph {
    blocks: Vec<Block>,
    entry: BlockId,
}

impl Index<BlockId> for Graph {
    type Output = Block;

    fn index(&self, block: BlockId) -> &Block {
        &self.blocks[block.0.get() as usize - 1]
    }
}

impl IndexMut<BlockId> for Graph {
    fn index_mut(&mut self, block: BlockId) -> &mut Block {
        &mut self.blocks[block.0.get() as usize - 1]
    }
}

impl Graph {
    fn new() -> Self {
        let mut graph = Self { blocks: Vec::new(), entry: BlockId(NonZeroU32::MIN) };
        graph.entry = graph.new_block();
        graph
    }

    fn new_block(&mut self) -> BlockId {
        self.blocks.push(Block::default());
        BlockId(NonZeroU32::MIN.saturating_add(self.blocks.len() as u32 - 1))
    }

    /// The first block from this one on that has instructions.
    fn next_nonempty(&self, mut block: Option<BlockId>) -> Option<BlockId> {
        while let Some(candidate) = block {
            if !self[candidate].instructions.is_empty() {
                return block;
            }
            block = self[candidate].next;
        }
        None
    }

    /// The blocks in their order. The graph may be changed while going on by [`Order::next`].
    fn order(&self) -> Order {
        Order { next: Some(self.entry) }
    }

    /// Takes the visitors' mark from every block.
    fn clear_visited(&mut self) {
        for block in &mut self.blocks {
            block.is_visited = false;
        }
    }
}

/// A walk over the blocks of a graph in their order.
struct Order {
    next: Option<BlockId>,
}

impl Order {
    /// The next block. What follows it is looked up only when the walk goes on.
    fn next(&mut self, graph: &Graph) -> Option<BlockId> {
        let block = self.next?;
        self.next = graph[block].next;
        Some(block)
    }
}

/// Runs every optimisation over a graph.
///
/// `constants` is the code's list of constants, to which folding adds and from which what is not used is removed.
pub fn optimize(
    graph: &mut Graph,
    constants: &mut Vec<ConstantId>,
    pool: &mut Constants,
    local_count: usize,
    parameter_count: usize,
) {
    handlers::mark(graph);
    handlers::assign(graph);
    jumps::inline_small_or_lineless_blocks(graph);
    unreachable::remove(graph);
    lines::resolve(graph);
    load_const::optimize(graph, constants, pool);
    basic_block::optimize(graph, constants, pool);
    nops::remove_with_redundant_pairs(graph);
    unreachable::remove(graph);
    nops::remove_with_redundant_jumps(graph);
    folding::remove_unused_constants(graph, constants);
    checks::add(graph, local_count, parameter_count);
    superinstructions::insert(graph);
    cold::move_to_end(graph);
    lines::resolve(graph);
}

/// An optimised graph laid out in a row.
#[derive(Debug)]
pub struct Layout {
    /// The instructions; the argument of a jump is the index of its target.
    pub instructions: Vec<Instruction>,
    /// For each instruction, which handler guards it.
    pub handlers: Vec<Option<Handler>>,
    /// How deep the stack gets.
    pub stack_depth: u32,
    /// How many local, cell and free variables there are.
    pub variable_count: usize,
}

/// A handler in a row of instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    /// The index of its first instruction.
    pub start: usize,
    /// How deep the stack is when it starts.
    pub start_depth: i32,
    /// Whether it wants the raising instruction's offset.
    pub pushes_last_instruction: bool,
}

/// Turns pseudo instructions into real ones and lays the blocks out.
pub fn finish(graph: &mut Graph, variables: &Variables<'_>, first_line: i32, is_generator: bool) -> Layout {
    pseudo::expand_conditional_jumps(graph);
    let stack_depth = stack_depth::compute(graph);
    let variable_count = cells::prepare(graph, variables, first_line, is_generator);
    pseudo::replace(graph);
    jumps::normalize(graph);
    borrow::optimize(graph);
    lay_out(graph, stack_depth, variable_count)
}

fn lay_out(graph: &Graph, stack_depth: u32, variable_count: usize) -> Layout {
    let mut starts = vec![0; graph.blocks.len() + 1];
    let mut total = 0;
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        starts[block.0.get() as usize] = total;
        total += graph[block].instructions.len();
    }
    let start_of = |block: BlockId| starts[block.0.get() as usize];
    let mut instructions = Vec::with_capacity(total);
    let mut handlers = Vec::with_capacity(total);
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        for &(mut instruction) in &graph[block].instructions {
            if let (true, Some(target)) = (instruction.op.has_target(), instruction.target) {
                instruction.argument = start_of(target) as i32;
            }
            handlers.push(instruction.handler.map(|handler| Handler {
                start: start_of(handler),
                start_depth: graph[handler].start_depth,
                pushes_last_instruction: graph[handler].pushes_last_instruction,
            }));
            instructions.push(instruction);
        }
    }
    Layout { instructions, handlers, stack_depth, variable_count }
}
