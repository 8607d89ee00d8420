//! From a row of instructions to basic blocks.

use super::{BlockId, Graph, Instruction};
use crate::instruction_sequence::InstructionSequence;
use crate::op::Op;

/// Makes the graph of an instruction sequence, in the place of what it was.
pub fn build(graph: &mut Graph, sequence: &InstructionSequence) {
    graph.reset();
    let instructions = &sequence.instructions;
    let mut targets = vec![Target::None; instructions.len() + 1];
    for instruction in instructions {
        if instruction.op.has_target() {
            targets[sequence.target(instruction)] = Target::Unmet;
        }
    }
    let mut builder = Builder { graph, current: None };
    // Where an instruction with a target ended up, and the index of its target.
    let mut jumps: Vec<(BlockId, usize, usize)> = Vec::new();
    for (index, instruction) in instructions.iter().enumerate() {
        if instruction.op == Op::ANNOTATIONS_PLACEHOLDER {
            for inserted in sequence.annotations.iter().flat_map(|annotations| &annotations.instructions) {
                builder.push(Instruction::new(inserted.op, inserted.argument, inserted.location));
            }
            continue;
        }
        if let Target::Unmet = targets[index] {
            targets[index] = Target::Block(builder.use_label());
        }
        let new = Instruction::new(instruction.op, instruction.argument, instruction.location);
        let block = builder.push(new);
        if instruction.op.has_target() {
            let place = builder.graph[block].instructions.len() - 1;
            jumps.push((block, place, sequence.target(instruction)));
        }
    }
    for (block, place, target) in jumps {
        graph[block].instructions[place].target = match targets[target] {
            Target::Block(target) => Some(target),
            Target::None | Target::Unmet => None,
        };
    }
}

/// Whether an instruction is one that others name.
#[derive(Clone, Copy)]
enum Target {
    /// It is none.
    None,
    /// It is one, and has no block yet.
    Unmet,
    /// It is the first of a block.
    Block(BlockId),
}

struct Builder<'g> {
    graph: &'g mut Graph,
    /// The block being filled; `None` stands for the entry.
    current: Option<BlockId>,
}

impl Builder<'_> {
    fn current(&self) -> BlockId {
        self.current.unwrap_or(self.graph.entry)
    }

    fn start_block(&mut self) -> BlockId {
        let block = self.graph.new_block();
        let current = self.current();
        self.graph[current].next = Some(block);
        self.current = Some(block);
        block
    }

    /// The block that starts with the next instruction.
    fn use_label(&mut self) -> BlockId {
        let current = self.current();
        let block = &self.graph[current];
        let label_here = block.instructions.is_empty() && !block.is_labelled;
        let block = if label_here { current } else { self.start_block() };
        self.graph[block].is_labelled = true;
        block
    }

    fn push(&mut self, instruction: Instruction) -> BlockId {
        let mut block = self.current();
        if self.graph[block].last().is_some_and(|last| last.op.is_terminator()) {
            block = self.start_block();
        }
        self.graph[block].instructions.push(instruction);
        block
    }
}
