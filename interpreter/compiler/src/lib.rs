//! Syntax tree to symbol tables to instruction graph to code object.
#![allow(dead_code)]

mod arithmetic;
mod assemble;
mod constants;
mod flowgraph;
mod instruction_sequence;
mod names;
mod op;
