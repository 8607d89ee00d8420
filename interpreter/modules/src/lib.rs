//! Native modules of the standard library.

pub mod functools;
pub mod operator;
