//! Pseudo instructions become real ones.

use super::{Graph, Instruction, nops};
use crate::op::Op;

/// A jump that keeps the value it tests becomes a copy, a conversion and a jump that does not keep it.
pub fn expand_conditional_jumps(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let block = &mut graph[block];
        let mut index = 0;
        while index < block.instructions.len() {
            let instructions = &mut block.instructions;
            let op = match instructions[index].op {
                Op::JUMP_IF_FALSE => Op::POP_JUMP_IF_FALSE,
                Op::JUMP_IF_TRUE => Op::POP_JUMP_IF_TRUE,
                _ => {
                    index += 1;
                    continue;
                }
            };
            let jump = &mut instructions[index];
            jump.op = op;
            let beside = |op, argument| Instruction { target: None, op, argument, ..*jump };
            let test = [beside(Op::COPY, 1), beside(Op::TO_BOOL, 0)];
            block.insert(index, &test);
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
