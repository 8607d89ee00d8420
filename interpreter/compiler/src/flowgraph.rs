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
pub use checks::TRACKED as TRACKED_LOCALS;
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
        !self.last().is_some_and(|last| last.op.ends_flow())
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

    /// Keeps the first instructions only.
    fn truncate(&mut self, length: usize) {
        let removed = self.instructions[length..].iter().rev().map(|instruction| instruction.handler);
        // No handlers below all others are as good as none.
        let is_needed = |handler: &Option<BlockId>| handler.is_some();
        if self.removed_handlers.is_empty() {
            self.removed_handlers.extend(removed.skip_while(|handler| !is_needed(handler)));
        } else {
            self.removed_handlers.extend(removed);
        }
        self.instructions.truncate(length);
    }

    /// Makes an empty block of it that keeps its memory.
    fn reset(&mut self) {
        let (mut instructions, mut removed_handlers) =
            (std::mem::take(&mut self.instructions), std::mem::take(&mut self.removed_handlers));
        instructions.clear();
        removed_handlers.clear();
        *self = Self { instructions, removed_handlers, ..Self::default() };
    }
}

/// A graph of basic blocks. One graph serves all code objects of a compilation, one after the other, and keeps its memory.
#[derive(Debug)]
pub struct Graph {
    blocks: Vec<Block>,
    entry: BlockId,
    /// Empty blocks for later.
    spare: Vec<Block>,
    /// An empty list of blocks to come back to, for the passes that need one.
    worklist: Vec<BlockId>,
    simulation: borrow::Simulation,
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

impl Default for Graph {
    fn default() -> Self {
        let mut graph = Self {
            blocks: Vec::new(),
            entry: BlockId(NonZeroU32::MIN),
            spare: Vec::new(),
            worklist: Vec::new(),
            simulation: borrow::Simulation::default(),
        };
        graph.entry = graph.new_block();
        graph
    }
}

impl Graph {
    /// Takes all blocks out and puts an empty one in as the entry.
    fn reset(&mut self) {
        self.blocks.iter_mut().for_each(Block::reset);
        self.spare.append(&mut self.blocks);
        self.entry = self.new_block();
    }

    fn new_block(&mut self) -> BlockId {
        self.blocks.push(self.spare.pop().unwrap_or_default());
        BlockId(NonZeroU32::MIN.saturating_add(self.blocks.len() as u32 - 1))
    }

    /// An empty list of blocks, to be given back by [`Graph::return_worklist`].
    fn take_worklist(&mut self) -> Vec<BlockId> {
        std::mem::take(&mut self.worklist)
    }

    fn return_worklist(&mut self, mut worklist: Vec<BlockId>) {
        worklist.clear();
        self.worklist = worklist;
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
    find_handlers(graph);
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

/// Finds out which handler guards each instruction.
pub fn find_handlers(graph: &mut Graph) {
    handlers::mark(graph);
    handlers::assign(graph);
}

/// Lays an optimised graph out as it is, pseudo instructions included. Answers whether the stack always has what is taken
/// from it.
pub fn lay_out_optimized(graph: &mut Graph, layout: &mut Layout) -> bool {
    stack_depth::compute(graph);
    if !stack_depth::is_sound(graph) {
        return false;
    }
    borrow::optimize(graph);
    lay_out(graph, layout);
    true
}

/// An optimised graph laid out in a row. As the graph, it serves one code object after the other.
#[derive(Debug, Default)]
pub struct Layout {
    /// The instructions; the argument of a jump is the index of its target.
    pub instructions: Vec<Instruction>,
    /// For each instruction, which handler guards it.
    pub handlers: Vec<Option<Handler>>,
    /// How deep the stack gets.
    pub stack_depth: u32,
    /// How many local, cell and free variables there are.
    pub variable_count: usize,
    /// Where each block starts.
    starts: Vec<usize>,
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
pub fn finish(
    graph: &mut Graph,
    variables: &Variables<'_>,
    first_line: i32,
    is_generator: bool,
    layout: &mut Layout,
) {
    pseudo::expand_conditional_jumps(graph);
    layout.stack_depth = stack_depth::compute(graph);
    layout.variable_count = cells::prepare(graph, variables, first_line, is_generator);
    pseudo::replace(graph);
    jumps::normalize(graph);
    borrow::optimize(graph);
    lay_out(graph, layout);
}

fn lay_out(graph: &Graph, layout: &mut Layout) {
    let Layout { instructions, handlers, starts, .. } = layout;
    instructions.clear();
    handlers.clear();
    starts.clear();
    starts.resize(graph.blocks.len() + 1, 0);
    let mut total = 0;
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        starts[block.0.get() as usize] = total;
        total += graph[block].instructions.len();
    }
    let start_of = |block: BlockId| starts[block.0.get() as usize];
    instructions.reserve(total);
    handlers.reserve(total);
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
}
