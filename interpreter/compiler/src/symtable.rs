//! Symbol tables: for every name of every scope, where it lives.
//!
//! [`build()`](build::build) walks the tree and notes what each scope does with each name; [`analyze`] then decides, from
//! the outermost scope inwards, which names are local, global, free, or cells for nested scopes.

mod analyze;
mod build;
mod describe;
mod expression;
mod scope;
mod statement;

pub use build::{Settings, build, location};
pub use describe::{ScopeDescription, describe};
pub use scope::{
    Comprehension, Scope, ScopeId, ScopeKey, ScopeKind, ScopeRole, Symbol, SymbolTable, Visibility, usage,
};
