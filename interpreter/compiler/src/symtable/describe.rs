//! Symbol tables as plain data, for Python's module `symtable`.

use std::sync::Arc;

use rspy_code::Text;
use rspy_syntax::ast::Mod;

use super::build::{Settings, build};
use super::scope::{ScopeId, ScopeKind, SymbolTable};
use crate::error::{CompileError, Result};
use crate::future::Futures;
use crate::names::Names;
use crate::{CompileOptions, recursion};

/// A scope and those in it.
#[derive(Debug)]
pub struct ScopeDescription {
    /// Its name.
    pub name: Text,
    /// What kind of scope.
    pub kind: ScopeKind,
    /// The line it starts in.
    pub line: i32,
    /// Whether it stands in a function.
    pub is_nested: bool,
    /// Its names, what it does with each (bits of [`super::usage`]), and where each lives (CPython's number).
    pub symbols: Vec<(Text, u16, u8)>,
    /// Its parameters.
    pub parameters: Vec<Text>,
    /// The scopes in it.
    pub children: Vec<Arc<ScopeDescription>>,
}

/// The symbol table of a module, an interactive statement or an expression.
pub fn describe(module: &Mod, options: &CompileOptions) -> Result<Arc<ScopeDescription>> {
    match describe_within(module, options, recursion::SHALLOW) {
        Err(CompileError::RecursionTooDeep) => std::thread::scope(|scope| {
            let describe = || describe_within(module, options, recursion::DEEP);
            let thread = std::thread::Builder::new()
                .stack_size(recursion::DEEP_STACK_SIZE)
                .spawn_scoped(scope, describe);
            match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => Err(CompileError::RecursionTooDeep),
            }
        }),
        result => result,
    }
}

fn describe_within(
    module: &Mod,
    options: &CompileOptions,
    recursion_limit: u32,
) -> Result<Arc<ScopeDescription>> {
    let mut names = Names::new();
    let settings = Settings {
        futures: Futures::from_flags(options.future_flags).collect(module)?,
        allow_top_level_await: options.allow_top_level_await,
        optimize: options.optimize,
        recursion_limit,
    };
    let table = build(module, settings, &mut names)?;
    Ok(scope(&table, table.top(), &names))
}

fn scope(table: &SymbolTable, id: ScopeId, names: &Names) -> Arc<ScopeDescription> {
    let scope = table.scope(id);
    let symbols = scope
        .symbols
        .iter()
        .map(|(name, symbol)| (names.text(name).clone(), symbol.usage, symbol.visibility as u8));
    Arc::new(ScopeDescription {
        name: names.text(scope.name).clone(),
        kind: scope.kind,
        line: scope.location.line,
        is_nested: scope.is_nested,
        symbols: symbols.collect(),
        parameters: scope.parameters.iter().map(|&name| names.text(name).clone()).collect(),
        children: scope.children.iter().map(|&child| self::scope(table, child, names)).collect(),
    })
}
