//! Which handler guards which instruction.

use rspy_code::operation::Resume;

use super::{BlockId, Graph};
use crate::op::Op;

/// Marks the blocks that are handlers.
pub fn mark(graph: &mut Graph) {
    let mut handlers = Vec::new();
    for block in &graph.blocks {
        for instruction in &block.instructions {
            if instruction.op.is_block_push() {
                handlers.extend(instruction.target);
            }
        }
    }
    for handler in handlers {
        graph[handler].is_handler = true;
    }
}

/// The handlers that are set up at some place, innermost first: a list whose tails are shared.
#[derive(Clone, Copy)]
struct HandlerStack {
    top: Option<usize>,
    depth: usize,
}

struct Entry {
    handler: BlockId,
    below: Option<usize>,
}

/// Follows control flow to give each instruction its handler, and removes the instructions that end protected regions.
pub fn assign(graph: &mut Graph) {
    graph.clear_visited();
    let entry = graph.entry;
    let mut entries: Vec<Entry> = Vec::new();
    let mut todo = vec![(entry, HandlerStack { top: None, depth: 0 })];
    graph[entry].is_visited = true;
    while let Some((block, mut stack)) = todo.pop() {
        let mut handler = stack.top.map(|top| entries[top].handler);
        let mut last_yield_depth = None;
        for index in 0..graph[block].instructions.len() {
            let instruction = graph[block].instructions[index];
            if instruction.op.is_block_push() {
                let Some(target) = instruction.target else { continue };
                if !graph[target].is_visited {
                    graph[target].is_visited = true;
                    todo.push((target, stack));
                }
                if instruction.op != Op::SETUP_FINALLY {
                    graph[target].pushes_last_instruction = true;
                }
                entries.push(Entry { handler: target, below: stack.top });
                stack = HandlerStack { top: Some(entries.len() - 1), depth: stack.depth + 1 };
                handler = Some(target);
                continue;
            }
            let place = &mut graph[block].instructions[index];
            match instruction.op {
                Op::POP_BLOCK => {
                    let below = stack.top.and_then(|top| entries[top].below);
                    stack = HandlerStack { top: below, depth: stack.depth.saturating_sub(1) };
                    handler = stack.top.map(|top| entries[top].handler);
                    place.clear();
                    continue;
                }
                Op::YIELD_VALUE => last_yield_depth = Some(stack.depth),
                Op::RESUME if instruction.argument != 0 => {
                    if last_yield_depth == Some(1) {
                        place.argument |= Resume::DEPTH_ONE as i32;
                    }
                    last_yield_depth = None;
                }
                _ => {}
            }
            place.handler = handler;
            if let (true, Some(target)) = (instruction.op.has_jump(), instruction.target)
                && !graph[target].is_visited
            {
                graph[target].is_visited = true;
                todo.push((target, stack));
            }
        }
        if let (true, Some(next)) = (graph[block].falls_through(), graph[block].next)
            && !graph[next].is_visited
        {
            graph[next].is_visited = true;
            todo.push((next, stack));
        }
    }
}
