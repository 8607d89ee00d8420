//! Two loads or stores of local variables in one instruction.

use super::{Graph, Instruction, nops};
use crate::op::Op;

/// Joins neighbouring loads and stores whose arguments fit four bits.
pub fn insert(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let instructions = &mut graph[block].instructions;
        for index in 1..instructions.len() {
            let [first, second] = &mut instructions[index - 1..=index] else { continue };
            match (first.op, second.op) {
                (Op::LOAD_FAST, Op::LOAD_FAST) => join(first, second, Op::LOAD_FAST_LOAD_FAST),
                (Op::STORE_FAST, Op::LOAD_FAST) => join(first, second, Op::STORE_FAST_LOAD_FAST),
                (Op::STORE_FAST, Op::STORE_FAST) => join(first, second, Op::STORE_FAST_STORE_FAST),
                _ => {}
            }
        }
    }
    nops::remove(graph);
}

fn join(first: &mut Instruction, second: &mut Instruction, op: Op) {
    let on_different_lines = first.line() >= 0 && second.line() >= 0 && first.line() != second.line();
    if on_different_lines || first.argument >= 16 || second.argument >= 16 {
        return;
    }
    first.set(op, first.argument << 4 | second.argument);
    second.clear();
}
