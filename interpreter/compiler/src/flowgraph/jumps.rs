//! Jumps: small targets are copied in their place, and conditional jumps only ever jump ahead.

use super::{BlockId, Graph, Instruction};
use crate::op::Op;

/// The size up to which a block that leaves the function is copied in place of a jump to it.
const MAXIMUM_COPIED: usize = 4;

/// How many instructions may be copied at least.
const MAXIMUM_GROWTH: usize = 10_000;

/// Copies blocks in place of jumps to them, if they are small and leave the function, or are on no line.
///
/// Blocks on no line that jump to each other, which only trees made by hand have, would be copied without end.
pub fn inline_small_or_lineless_blocks(graph: &mut Graph) {
    let present: usize = graph.blocks.iter().map(|block| block.instructions.len()).sum();
    let most = MAXIMUM_GROWTH + 10 * present;
    let mut copied = 0;
    loop {
        let before = copied;
        let mut order = graph.order();
        while let Some(block) = order.next(graph) {
            copied += inline_target(graph, block);
            if copied > most {
                return;
            }
        }
        if copied == before {
            return;
        }
    }
}

/// Answers how many instructions were copied.
fn inline_target(graph: &mut Graph, block: BlockId) -> usize {
    let Some(&Instruction { op, target: Some(target), .. }) = graph[block].last() else { return 0 };
    if !op.is_unconditional_jump() {
        return 0;
    }
    let destination = &graph[target];
    let is_small_exit = destination.exits_scope() && destination.instructions.len() <= MAXIMUM_COPIED;
    let is_lineless_end = destination.has_no_line() && !destination.falls_through();
    if !is_small_exit && !is_lineless_end {
        return 0;
    }
    let copied = destination.instructions.clone();
    let source = &mut graph[block];
    if let Some(jump) = source.instructions.last_mut() {
        jump.clear();
    }
    source.append_copies(&copied);
    // A jump that may be interrupted must not become one that may not.
    if let (true, Some(last)) = (is_lineless_end, source.instructions.last_mut())
        && last.op.is_unconditional_jump()
        && op == Op::JUMP
    {
        last.op = Op::JUMP;
    }
    graph[target].predecessors = graph[target].predecessors.saturating_sub(1);
    copied.len()
}

/// Marks the paths on which conditional jumps do not jump, and inverts those that would jump back.
pub fn normalize(graph: &mut Graph) {
    graph.clear_visited();
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        graph[block].is_visited = true;
        normalize_block(graph, block);
        order.next = graph[block].next;
    }
}

fn normalize_block(graph: &mut Graph, block: BlockId) {
    let Some(&last) = graph[block].last() else { return };
    let (Some(inverted), Some(target)) = (last.op.inverted_jump(), last.target) else { return };
    let not_taken = Instruction::new(Op::NOT_TAKEN, 0, last.location);
    if !graph[target].is_visited {
        graph[block].append(not_taken);
        return;
    }
    let next = graph[block].next;
    let backwards = graph.new_block();
    let mut jump = Instruction::new(Op::JUMP, 0, last.location);
    jump.target = Some(target);
    let start_depth = graph[target].start_depth;
    let is_cold = graph[block].is_cold;
    let new = &mut graph[backwards];
    new.instructions.extend([not_taken, jump]);
    new.start_depth = start_depth;
    new.is_cold = is_cold;
    new.next = next;
    // The walk comes by the new block, whose own jump needs no care.
    let source = &mut graph[block];
    source.next = Some(backwards);
    if let Some(last) = source.instructions.last_mut() {
        last.op = inverted;
        last.target = next;
    }
}
