//! Removes instructions without effect: `NOP`s that no line needs, values dropped at once, jumps to what follows anyway.

use rspy_code::Location;

use super::{BlockId, Graph};
use crate::op::Op;

/// Removes `NOP`s unless they are the only instruction of their line; tells whether any went.
pub fn remove(graph: &mut Graph) -> bool {
    let mut changed = false;
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        changed |= remove_in_block(graph, block);
    }
    changed
}

fn remove_in_block(graph: &mut Graph, block: BlockId) -> bool {
    let count = graph[block].instructions.len();
    if !graph[block].instructions.iter().any(|instruction| instruction.op == Op::NOP) {
        return false;
    }
    let following_line = line_after(graph, block);
    let instructions = &mut graph[block].instructions;
    let mut kept = 0;
    let mut previous_line = -1;
    for index in 0..count {
        let instruction = instructions[index];
        let line = instruction.line();
        if instruction.op == Op::NOP {
            if line < 0 || previous_line == line {
                continue;
            }
            if let Some(next) = instructions.get_mut(index + 1) {
                if next.line() == line {
                    continue;
                }
                if next.line() < 0 {
                    next.location = instruction.location;
                    continue;
                }
            } else if following_line == Some(line) {
                continue;
            }
        }
        instructions[kept] = instruction;
        kept += 1;
        previous_line = line;
    }
    graph[block].truncate(kept);
    kept != count
}

/// The line on which the code after a block starts.
fn line_after(graph: &Graph, block: BlockId) -> Option<i32> {
    let next = graph.next_nonempty(graph[block].next)?;
    let first = graph[next]
        .instructions
        .iter()
        .find(|instruction| !(instruction.op == Op::NOP && instruction.line() < 0));
    Some(first.map_or(Location::NONE.line, |instruction| instruction.line()))
}

/// Removes `NOP`s, and values that are pushed only to be dropped.
pub fn remove_with_redundant_pairs(graph: &mut Graph) {
    loop {
        let mut changed = false;
        // The instruction executed before, where there is only one such.
        let mut previous: Option<(BlockId, usize)> = None;
        let mut order = graph.order();
        while let Some(block) = order.next(graph) {
            remove_in_block(graph, block);
            if graph[block].is_labelled {
                previous = None;
            }
            for index in 0..graph[block].instructions.len() {
                if graph[block].instructions[index].op == Op::POP_TOP
                    && let Some((earlier_block, earlier_index)) = previous
                {
                    let earlier = &mut graph[earlier_block].instructions[earlier_index];
                    let is_redundant = matches!(earlier.op, Op::LOAD_CONST | Op::LOAD_SMALL_INT)
                        || earlier.op == Op::COPY && earlier.argument == 1;
                    if is_redundant {
                        earlier.clear();
                        graph[block].instructions[index].clear();
                        changed = true;
                    }
                }
                previous = Some((block, index));
            }
            let jumps = previous.is_some_and(|(block, index)| graph[block].instructions[index].op.has_jump());
            if jumps || !graph[block].falls_through() {
                previous = None;
            }
        }
        if !changed {
            return;
        }
    }
}

/// Removes `NOP`s and jumps to what follows until there are none.
pub fn remove_with_redundant_jumps(graph: &mut Graph) {
    loop {
        let removed_nops = remove(graph);
        let removed_jumps = clear_redundant_jumps(graph);
        if !removed_nops && !removed_jumps {
            return;
        }
    }
}

fn clear_redundant_jumps(graph: &mut Graph) -> bool {
    let mut changed = false;
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let Some(last) = graph[block].last() else { continue };
        if !last.op.is_unconditional_jump() {
            continue;
        }
        let target = graph.next_nonempty(last.target);
        if target.is_some()
            && target == graph.next_nonempty(graph[block].next)
            && let Some(last) = graph[block].instructions.last_mut()
        {
            last.clear();
            changed = true;
        }
    }
    changed
}
