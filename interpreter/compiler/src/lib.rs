//! Syntax tree to symbol tables to instruction graph to code object.
