//! Line numbers for instructions that have none (PEP 626).
//!
//! Instructions that leave a frame or may be interrupted must have a line. Blocks of such instructions without lines are
//! copied until each has one predecessor only, whose location it then takes.

use rspy_code::Location;

use super::{BlockId, Graph};

/// Gives lines to instructions that lack them and need them.
pub fn resolve(graph: &mut Graph) {
    duplicate_exits(graph);
    propagate(graph);
}

fn needs_line(graph: &Graph, block: BlockId) -> bool {
    let block = &graph[block];
    let matters =
        block.exits_scope() || block.instructions.iter().any(|instruction| instruction.op.has_eval_break());
    matters && block.has_no_line()
}

fn duplicate_exits(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let Some(&last) = graph[block].last() else { continue };
        if !last.op.has_jump() {
            continue;
        }
        let Some(target) = graph.next_nonempty(last.target) else { continue };
        if graph[target].predecessors <= 1 || !needs_line(graph, target) {
            continue;
        }
        let copy = graph.new_block();
        let instructions = graph[target].instructions.clone();
        let next = graph[target].next;
        let copied = &mut graph[copy];
        copied.instructions.extend(instructions);
        copied.instructions[0].location = last.location;
        copied.predecessors = 1;
        copied.next = next;
        copied.is_labelled = true;
        graph[target].predecessors -= 1;
        graph[target].next = Some(copy);
        if let Some(last) = graph[block].instructions.last_mut() {
            last.target = Some(copy);
        }
        order.next = graph[block].next;
    }
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let source = &graph[block];
        let (true, Some(next), Some(&last)) = (source.falls_through(), source.next, source.last()) else {
            continue;
        };
        if needs_line(graph, next)
            && let Some(first) = graph[next].instructions.first_mut()
        {
            first.location = last.location;
        }
    }
}

fn propagate(graph: &mut Graph) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let Some(&last) = graph[block].last() else { continue };
        let mut previous = Location::NONE;
        for instruction in &mut graph[block].instructions {
            if instruction.line() == Location::NONE.line {
                instruction.location = previous;
            } else {
                previous = instruction.location;
            }
        }
        if let (true, Some(next)) = (graph[block].falls_through(), graph[block].next) {
            inherit(graph, next, previous);
        }
        if let (true, Some(target)) = (last.op.has_jump(), last.target) {
            inherit(graph, target, previous);
        }
    }
}

/// Gives a block with one predecessor that predecessor's last location.
fn inherit(graph: &mut Graph, block: BlockId, location: Location) {
    let block = &mut graph[block];
    if block.predecessors == 1
        && let Some(first) = block.instructions.first_mut()
        && first.line() == Location::NONE.line
    {
        first.location = location;
    }
}
