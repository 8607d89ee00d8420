//! Empties blocks that nothing leads to, and counts the ways that lead to the others.

use super::Graph;

/// Counts every block's predecessors and removes the instructions of blocks that have none.
pub fn remove(graph: &mut Graph) {
    for block in &mut graph.blocks {
        block.predecessors = 0;
        block.is_visited = false;
    }
    let entry = graph.entry;
    graph[entry].predecessors = 1;
    graph[entry].is_visited = true;
    let mut todo = graph.take_worklist();
    todo.push(entry);
    while let Some(block) = todo.pop() {
        let mut reach = |graph: &mut Graph, target| {
            if !std::mem::replace(&mut graph[target].is_visited, true) {
                todo.push(target);
            }
            graph[target].predecessors += 1;
        };
        if let (true, Some(next)) = (graph[block].falls_through(), graph[block].next) {
            reach(graph, next);
        }
        for index in 0..graph[block].instructions.len() {
            let instruction = graph[block].instructions[index];
            if let (true, Some(target)) = (instruction.op.has_target(), instruction.target) {
                reach(graph, target);
            }
        }
    }
    graph.return_worklist(todo);
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let block = &mut graph[block];
        if block.predecessors == 0 {
            block.truncate(0);
            block.is_handler = false;
        }
    }
}
