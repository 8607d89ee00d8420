//! Native modules of the standard library.

pub mod collections;
pub mod functools;
pub mod operator;
