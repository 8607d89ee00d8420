//! Cells: where they are made, and where among the frame's variables they stand.

use rspy_code::Location;

use super::{Graph, Instruction};
use crate::names::NameId;
use crate::op::Op;

/// The variables of a code object, each kind in the order of its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    /// Local variables.
    pub locals: &'a [NameId],
    /// Variables that nested code uses; some are local variables as well.
    pub cells: &'a [NameId],
    /// Variables of surrounding code.
    pub free: &'a [NameId],
}

impl Variables<'_> {
    /// Where in the frame each cell and then each free variable stands: at the place of the local variable of the same
    /// name if there is one.
    pub fn cell_offsets(&self) -> Vec<usize> {
        let mut next = self.locals.len();
        let mut fresh = || {
            next += 1;
            next - 1
        };
        let cells = self.cells.iter().map(|&cell| self.locals.iter().position(|&local| local == cell));
        let mut offsets: Vec<usize> = Vec::with_capacity(self.cells.len() + self.free.len());
        for place in cells {
            offsets.push(place.unwrap_or_else(&mut fresh));
        }
        offsets.extend(self.free.iter().map(|_| fresh()));
        offsets
    }

    /// How many places in the frame they take.
    pub fn count(&self) -> usize {
        let shared = self.cells.iter().filter(|cell| self.locals.contains(cell)).count();
        self.locals.len() + self.cells.len() + self.free.len() - shared
    }
}

/// Adds the instructions that start a generator and make cells, and turns numbers of cells into places in the frame.
/// Returns how many places there are.
pub fn prepare(graph: &mut Graph, variables: &Variables<'_>, first_line: i32, is_generator: bool) -> usize {
    let offsets = variables.cell_offsets();
    let mut prefix = Vec::new();
    if !variables.free.is_empty() {
        prefix.push(Instruction::new(Op::COPY_FREE_VARS, variables.free.len() as i32, Location::NONE));
    }
    let mut cells: Vec<usize> = (0..variables.cells.len()).collect();
    cells.sort_by_key(|&cell| offsets[cell]);
    prefix.extend(cells.iter().map(|&cell| Instruction::new(Op::MAKE_CELL, cell as i32, Location::NONE)));
    if is_generator {
        let location = Location::new(first_line, first_line, -1, -1);
        prefix.push(Instruction::new(Op::RETURN_GENERATOR, 0, location));
        prefix.push(Instruction::new(Op::POP_TOP, 0, location));
    }
    let entry = graph.entry;
    graph[entry].insert(0, &prefix);
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        for instruction in &mut graph[block].instructions {
            if instruction.op.names_cell() {
                instruction.argument = offsets[instruction.argument as usize] as i32;
            }
        }
    }
    variables.count()
}
