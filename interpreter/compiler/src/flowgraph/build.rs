//! From a row of instructions to basic blocks.

use super::{BlockId, Graph, Instruction};
use crate::instruction_sequence::InstructionSequence;
use crate::op::Op;

/// Makes the graph of an instruction sequence.
pub fn build(sequence: &InstructionSequence) -> Graph {
    let instructions = &sequence.instructions;
    let mut is_target = vec![false; instructions.len() + 1];
    for instruction in instructions {
        if instruction.op.has_target() {
            is_target[sequence.target(instruction)] = true;
        }
    }
    let mut builder = Builder { graph: Graph::new(), current: None };
    let mut block_at: Vec<Option<BlockId>> = vec![None; instructions.len() + 1];
    // Where an instruction with a target ended up, and the index of its target.
    let mut jumps: Vec<(BlockId, usize, usize)> = Vec::new();
    for (index, instruction) in instructions.iter().enumerate() {
        if instruction.op == Op::ANNOTATIONS_PLACEHOLDER {
            for inserted in sequence.annotations.iter().flat_map(|annotations| &annotations.instructions) {
                builder.push(Instruction::new(inserted.op, inserted.argument, inserted.location));
            }
            continue;
        }
        if is_target[index] {
            block_at[index] = Some(builder.use_label());
        }
        let new = Instruction::new(instruction.op, instruction.argument, instruction.location);
        let block = builder.push(new);
        if instruction.op.has_target() {
            let place = builder.graph[block].instructions.len() - 1;
            jumps.push((block, place, sequence.target(instruction)));
        }
    }
    let mut graph = builder.graph;
    for (block, place, target) in jumps {
        graph[block].instructions[place].target = block_at[target];
    }
    graph
}

struct Builder {
    graph: Graph,
    /// The block being filled; `None` stands for the entry.
    current: Option<BlockId>,
}

impl Builder {
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
