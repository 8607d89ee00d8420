//! Pseudo instructions become real ones.

use super::{Graph, Instruction, nops};
use crate::op::Op;

/// A jump that keeps the value it tests becomes a copy, a conversion and a jump that does not keep it.
pub fn expand_conditional_jumps(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let instructions = &mut graph[block].instructions;
        let mut index = 0;
        while index < instructions.len() {
            let op = match instructions[index].op {
                Op::JUMP_IF_FALSE => Op::POP_JUMP_IF_FALSE,
                Op::JUMP_IF_TRUE => Op::POP_JUMP_IF_TRUE,
                _ => {
                    index += 1;
                    continue;
                }
            };
            let location = instructions[index].location;
            instructions[index].op = op;
            let test = [Instruction::new(Op::COPY, 1, location), Instruction::new(Op::TO_BOOL, 0, location)];
            instructions.splice(index..index, test);
            index += 3;
        }
    }
}

/// Replaces what has a real counterpart and removes the rest.
pub fn replace(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        for instruction in &mut graph[block].instructions {
            match instruction.op {
                op if op.is_block_push() => {
                    instruction.clear();
                    instruction.target = None;
                }
                Op::LOAD_CLOSURE => instruction.op = Op::LOAD_FAST,
                Op::STORE_FAST_MAYBE_NULL => instruction.op = Op::STORE_FAST,
                _ => {}
            }
        }
    }
    nops::remove_with_redundant_jumps(graph);
}
