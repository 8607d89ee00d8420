//! Loads of local variables that need not count the reference.
//!
//! A value on the stack may borrow the frame's reference if it is taken from the stack before the variable changes and
//! does not itself become a variable. Each block is run on a stack of abstract references to find the loads for which
//! this holds.

use super::{Block, BlockId, Graph};
use crate::op::Op;

/// The instruction that pushed a reference, if it is in this block, and the local it was loaded from, if it was.
#[derive(Clone, Copy, Debug)]
struct Reference {
    source: Option<usize>,
    local: Option<i32>,
}

/// Turns loads into borrowing ones where that is safe.
pub fn optimize(graph: &mut Graph) {
    graph.clear_visited();
    let entry = graph.entry;
    graph[entry].is_visited = true;
    graph[entry].start_depth = 0;
    let mut todo = graph.take_worklist();
    todo.push(entry);
    let mut simulation = std::mem::take(&mut graph.simulation);
    while let Some(block) = todo.pop() {
        simulation.run(&graph[block]);
        for (instruction, &is_unsafe) in graph[block].instructions.iter_mut().zip(&simulation.is_unsafe) {
            if is_unsafe {
                continue;
            }
            match instruction.op {
                Op::LOAD_FAST => instruction.op = Op::LOAD_FAST_BORROW,
                Op::LOAD_FAST_LOAD_FAST => instruction.op = Op::LOAD_FAST_BORROW_LOAD_FAST_BORROW,
                _ => {}
            }
        }
        // What the simulation reached is put on the list once.
        for target in simulation.reached.drain(..) {
            if !std::mem::replace(&mut graph[target].is_visited, true) {
                todo.push(target);
            }
        }
    }
    graph.return_worklist(todo);
    graph.simulation = simulation;
}

#[derive(Debug, Default)]
pub(super) struct Simulation {
    stack: Vec<Reference>,
    is_unsafe: Vec<bool>,
    reached: Vec<BlockId>,
}

impl Simulation {
    fn run(&mut self, block: &Block) {
        self.is_unsafe.clear();
        self.is_unsafe.resize(block.instructions.len(), false);
        self.stack.clear();
        let depth = block.start_depth.max(0) as usize;
        self.stack.resize(depth, Reference { source: None, local: None });
        for (index, instruction) in block.instructions.iter().enumerate() {
            self.step(index, instruction.op, instruction.argument, instruction.target);
        }
        if let (Some(last), Some(next)) = (block.last(), block.next)
            && !last.op.ends_flow()
        {
            self.reached.push(next);
        }
        for reference in &self.stack {
            if let Some(source) = reference.source {
                self.is_unsafe[source] = true;
            }
        }
    }

    fn push(&mut self, source: usize, local: Option<i32>) {
        self.stack.push(Reference { source: Some(source), local });
    }

    fn pop(&mut self) -> Reference {
        self.stack.pop().unwrap_or(Reference { source: None, local: None })
    }

    fn pop_many(&mut self, count: i32) {
        self.stack.truncate(self.stack.len().saturating_sub(count.max(0) as usize));
    }

    /// The variable changes while references loaded from it are on the stack.
    fn kill(&mut self, local: i32) {
        for reference in &self.stack {
            if let (true, Some(source)) = (reference.local == Some(local), reference.source) {
                self.is_unsafe[source] = true;
            }
        }
    }

    fn store(&mut self, local: i32) {
        let reference = self.pop();
        self.kill(local);
        if let Some(source) = reference.source {
            self.is_unsafe[source] = true;
        }
    }

    fn step(&mut self, index: usize, op: Op, argument: i32, target: Option<BlockId>) {
        match op {
            Op::DELETE_FAST => self.kill(argument),
            Op::LOAD_FAST => self.push(index, Some(argument)),
            Op::LOAD_FAST_AND_CLEAR => {
                self.kill(argument);
                self.push(index, Some(argument));
            }
            Op::LOAD_FAST_LOAD_FAST => {
                self.push(index, Some(argument >> 4));
                self.push(index, Some(argument & 15));
            }
            Op::STORE_FAST => self.store(argument),
            Op::STORE_FAST_LOAD_FAST => {
                self.store(argument >> 4);
                self.push(index, Some(argument & 15));
            }
            Op::STORE_FAST_STORE_FAST => {
                self.store(argument >> 4);
                self.store(argument & 15);
            }
            Op::COPY => {
                if let Some(&reference) = self.at(argument) {
                    self.stack.push(reference);
                }
            }
            Op::SWAP => {
                let count = self.stack.len();
                if let Some(other) = count.checked_sub(argument as usize).filter(|&other| other < count) {
                    self.stack.swap(count - 1, other);
                }
            }
            // These leave their inputs where they are.
            Op::FORMAT_SIMPLE
            | Op::GET_ANEXT
            | Op::GET_LEN
            | Op::GET_YIELD_FROM_ITER
            | Op::IMPORT_FROM
            | Op::MATCH_KEYS
            | Op::MATCH_MAPPING
            | Op::MATCH_SEQUENCE
            | Op::WITH_EXCEPT_START => {
                // CPython counts what is pushed instead of naming the instruction, so that the block's first
                // instructions are held responsible.
                for number in 0..op.pushed(argument) - op.popped(argument) {
                    self.push(number as usize, None);
                }
            }
            // These take some of their inputs and push nothing.
            Op::DICT_MERGE
            | Op::DICT_UPDATE
            | Op::LIST_APPEND
            | Op::LIST_EXTEND
            | Op::MAP_ADD
            | Op::RERAISE
            | Op::SET_ADD
            | Op::SET_UPDATE => self.pop_many(op.popped(argument) - op.pushed(argument)),
            Op::END_SEND | Op::SET_FUNCTION_ATTRIBUTE => {
                let top = self.pop();
                self.pop();
                self.stack.push(top);
            }
            Op::CHECK_EXC_MATCH => {
                self.pop();
                self.push(index, None);
            }
            Op::FOR_ITER => {
                self.reached.extend(target);
                self.push(index, None);
            }
            Op::LOAD_ATTR | Op::LOAD_SUPER_ATTR => {
                let object = self.pop();
                if op == Op::LOAD_SUPER_ATTR {
                    self.pop_many(2);
                }
                self.push(index, None);
                if argument & 1 != 0 {
                    // The object may come back as the method's first argument.
                    self.stack.push(object);
                }
            }
            Op::LOAD_SPECIAL | Op::PUSH_EXC_INFO => {
                let top = self.pop();
                self.push(index, None);
                self.stack.push(top);
            }
            Op::SEND => {
                self.reached.extend(target);
                self.pop();
                self.push(index, None);
            }
            _ => {
                if op.has_target() {
                    self.reached.extend(target);
                }
                if !op.is_block_push() {
                    self.pop_many(op.popped(argument));
                    for _ in 0..op.pushed(argument) {
                        self.push(index, None);
                    }
                }
            }
        }
    }

    fn at(&self, depth: i32) -> Option<&Reference> {
        self.stack.get(self.stack.len().checked_sub(depth as usize)?)
    }
}
