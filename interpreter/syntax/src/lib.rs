//! Python 3.14 source to tokens to syntax tree, with every SyntaxError.

pub mod ast;
