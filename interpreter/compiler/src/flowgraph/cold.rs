//! Code that only exceptions lead to moves behind all other code.

use rspy_code::Location;

use super::{Block, BlockId, Graph, Instruction, nops};
use crate::op::Op;

/// Moves cold blocks to the end.
pub fn move_to_end(graph: &mut Graph) {
    if graph[graph.entry].next.is_none() {
        return;
    }
    mark_warm(graph);
    mark_cold(graph);
    make_fall_through_explicit(graph);
    if reorder(graph) {
        nops::remove_with_redundant_jumps(graph);
    }
}

fn mark_warm(graph: &mut Graph) {
    graph.clear_visited();
    let entry = graph.entry;
    graph[entry].is_visited = true;
    let mut todo = graph.take_worklist();
    todo.push(entry);
    while let Some(block) = todo.pop() {
        graph[block].is_warm = true;
        for target in successors(&graph[block]) {
            if !std::mem::replace(&mut graph[target].is_visited, true) {
                todo.push(target);
            }
        }
    }
    graph.return_worklist(todo);
}

fn mark_cold(graph: &mut Graph) {
    graph.clear_visited();
    let mut todo = graph.take_worklist();
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        if graph[block].is_handler {
            graph[block].is_visited = true;
            todo.push(block);
        }
    }
    while let Some(block) = todo.pop() {
        graph[block].is_cold = true;
        for target in successors(&graph[block]) {
            if !graph[target].is_warm && !std::mem::replace(&mut graph[target].is_visited, true) {
                todo.push(target);
            }
        }
    }
    graph.return_worklist(todo);
}

/// The blocks that a block leads to without exceptions. Only its last instruction may jump.
fn successors(block: &Block) -> impl Iterator<Item = BlockId> + use<> {
    let next = block.next.filter(|_| block.falls_through());
    let target = block.last().filter(|last| last.op.has_jump()).and_then(|last| last.target);
    next.into_iter().chain(target)
}

/// Where cold code falls through to warm code, a jump takes the place of falling through.
fn make_fall_through_explicit(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let Some(next) = graph[block].next else { continue };
        if !(graph[block].is_cold && graph[block].falls_through() && graph[next].is_warm) {
            continue;
        }
        let explicit = graph.new_block();
        let mut jump = Instruction::new(Op::JUMP_NO_INTERRUPT, 0, Location::NONE);
        jump.target = Some(next);
        graph[next].is_labelled = true;
        let new = &mut graph[explicit];
        new.instructions.push(jump);
        new.is_cold = true;
        new.next = Some(next);
        new.predecessors = 1;
        graph[block].next = Some(explicit);
    }
}

/// Puts the cold blocks behind the others, each kind in its order; tells whether there are any.
fn reorder(graph: &mut Graph) -> bool {
    let mut warm = graph.take_worklist();
    let mut cold = Vec::new();
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        if graph[block].is_cold { cold.push(block) } else { warm.push(block) }
    }
    let any = !cold.is_empty();
    if any {
        warm.extend(cold);
        let followers = warm.iter().copied().skip(1).map(Some).chain([None]);
        for (&block, next) in warm.iter().zip(followers) {
            graph[block].next = next;
        }
    }
    graph.return_worklist(warm);
    any
}
