//! Local variables that may be unbound are loaded by an instruction that checks for it.

use super::{BlockId, Graph};
use crate::op::Op;

/// Local variables from this number on are followed inside blocks only.
pub const TRACKED: usize = 64;

/// Makes loads of local variables that may be unbound check for it.
pub fn add(graph: &mut Graph, local_count: usize, parameter_count: usize) {
    if local_count == 0 {
        return;
    }
    if local_count > TRACKED {
        scan_many_locals(graph, local_count);
    }
    let tracked = local_count.min(TRACKED);
    graph.clear_visited();
    for block in &mut graph.blocks {
        block.unsafe_locals = 0;
    }
    let mut todo = graph.take_worklist();
    let unbound = (parameter_count..tracked).fold(0, |mask, local| mask | 1u64 << local);
    let entry = graph.entry;
    reach(graph, entry, unbound, &mut todo);
    // A local may become unbound anywhere, so every block is scanned once at least.
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        scan(graph, block, &mut todo);
    }
    while let Some(block) = todo.pop() {
        graph[block].is_visited = false;
        scan(graph, block, &mut todo);
    }
    graph.return_worklist(todo);
}

/// Notes that the locals of `mask` may be unbound where `block` starts. `is_visited` says that it is on the list already.
fn reach(graph: &mut Graph, block: BlockId, mask: u64, todo: &mut Vec<BlockId>) {
    let target = &mut graph[block];
    let both = target.unsafe_locals | mask;
    if target.unsafe_locals != both {
        target.unsafe_locals = both;
        if !std::mem::replace(&mut target.is_visited, true) {
            todo.push(block);
        }
    }
}

fn scan(graph: &mut Graph, block: BlockId, todo: &mut Vec<BlockId>) {
    let mut mask = graph[block].unsafe_locals;
    for index in 0..graph[block].instructions.len() {
        let instruction = graph[block].instructions[index];
        if let Some(handler) = instruction.handler {
            reach(graph, handler, mask, todo);
        }
        if !(0..TRACKED as i32).contains(&instruction.argument) {
            continue;
        }
        let bit = 1u64 << instruction.argument;
        match instruction.op {
            Op::DELETE_FAST | Op::LOAD_FAST_AND_CLEAR | Op::STORE_FAST_MAYBE_NULL => mask |= bit,
            Op::STORE_FAST | Op::LOAD_FAST_CHECK => mask &= !bit,
            Op::LOAD_FAST => {
                if mask & bit != 0 {
                    graph[block].instructions[index].op = Op::LOAD_FAST_CHECK;
                }
                mask &= !bit;
            }
            _ => {}
        }
    }
    if let (true, Some(next)) = (graph[block].falls_through(), graph[block].next) {
        reach(graph, next, mask, todo);
    }
    if let Some(&last) = graph[block].last()
        && let (true, Some(target)) = (last.op.has_jump(), last.target)
    {
        reach(graph, target, mask, todo);
    }
}

/// Looks at the locals that are followed inside blocks only.
fn scan_many_locals(graph: &mut Graph, local_count: usize) {
    // The number of the block in which the local is known to be bound.
    let mut bound_in = vec![0usize; local_count - TRACKED];
    let mut number = 0;
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        number += 1;
        for instruction in &mut graph[block].instructions {
            let Some(local) =
                usize::try_from(instruction.argument).ok().and_then(|local| local.checked_sub(TRACKED))
            else {
                continue;
            };
            match instruction.op {
                Op::DELETE_FAST | Op::LOAD_FAST_AND_CLEAR | Op::STORE_FAST_MAYBE_NULL => {
                    bound_in[local] = number - 1;
                }
                Op::STORE_FAST => bound_in[local] = number,
                Op::LOAD_FAST => {
                    if bound_in[local] != number {
                        instruction.op = Op::LOAD_FAST_CHECK;
                    }
                    bound_in[local] = number;
                }
                _ => {}
            }
        }
    }
}
