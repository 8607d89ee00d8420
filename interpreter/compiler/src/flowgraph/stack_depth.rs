//! How deep the stack gets, and how deep it is where each block starts.

use super::{BlockId, Graph};
use crate::op::Op;

const UNKNOWN: i32 = i32::MIN;

/// Computes the depths. Cycles are assumed to leave the depth as it was.
pub fn compute(graph: &mut Graph) -> u32 {
    for block in &mut graph.blocks {
        block.start_depth = UNKNOWN;
    }
    let mut deepest = 0;
    let mut todo = graph.take_worklist();
    let entry = graph.entry;
    reach(graph, entry, 0, &mut todo);
    while let Some(block) = todo.pop() {
        let mut depth = graph[block].start_depth;
        let mut next = graph[block].next;
        for index in 0..graph[block].instructions.len() {
            let instruction = graph[block].instructions[index];
            let op = instruction.op;
            let effect = op.pushed(instruction.argument) - op.popped(instruction.argument);
            deepest = deepest.max(depth);
            if let (true, Some(target)) = (op.has_target() && op != Op::END_ASYNC_FOR, instruction.target) {
                reach(graph, target, depth + effect, &mut todo);
            }
            if !op.is_block_push() {
                depth += effect;
            }
            if op.ends_flow() {
                next = None;
                break;
            }
        }
        if let Some(next) = next {
            reach(graph, next, depth, &mut todo);
        }
    }
    graph.return_worklist(todo);
    deepest as u32
}

/// Whether no instruction that is reached leaves less than nothing on the stack.
pub fn is_sound(graph: &Graph) -> bool {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let mut depth = graph[block].start_depth;
        if depth == UNKNOWN {
            continue;
        }
        for instruction in &graph[block].instructions {
            let op = instruction.op;
            if op.is_block_push() {
                continue;
            }
            if matches!(op, Op::SWAP | Op::COPY) && instruction.argument > depth {
                return false;
            }
            depth += op.pushed(instruction.argument) - op.popped(instruction.argument);
            if depth < 0 {
                return false;
            }
        }
    }
    true
}

fn reach(graph: &mut Graph, block: BlockId, depth: i32, todo: &mut Vec<BlockId>) {
    let target = &mut graph[block];
    if target.start_depth < depth && target.start_depth < 100 {
        target.start_depth = depth;
        todo.push(block);
    }
}
