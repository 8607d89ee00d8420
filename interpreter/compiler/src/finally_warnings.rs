//! Warnings of `return`, `break` and `continue` that leave a `finally` clause (PEP 765).

use rspy_syntax::Warning;
use rspy_syntax::ast::{ExceptHandler, ExceptHandlerKind, Mod, Stmt, StmtKind};

use crate::codegen::syntax_warning;
use crate::docstring::body_statements;
use crate::symtable::location;

/// What surrounds a statement most closely.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surrounding {
    Nothing,
    Finally,
    FunctionInside,
    LoopInside,
}

/// The warnings about a module.
pub fn collect(module: &Mod, optimize: u8) -> Vec<Warning> {
    let mut finder = Finder { warnings: Vec::new(), optimize };
    match module {
        Mod::Module { body, .. } | Mod::Interactive { body } => finder.body(body, Surrounding::Nothing, true),
        Mod::Expression { .. } | Mod::FunctionType { .. } => {}
    }
    finder.warnings
}

struct Finder {
    warnings: Vec<Warning>,
    optimize: u8,
}

impl Finder {
    /// Statements in `finally` clauses may return only inside functions, break and continue only inside loops.
    fn body(&mut self, body: &[Stmt], around: Surrounding, has_docstring: bool) {
        let body = if has_docstring { body_statements(body, self.optimize) } else { body };
        for statement in body {
            self.statement(statement, around);
        }
    }

    fn handlers(&mut self, handlers: &[ExceptHandler], around: Surrounding) {
        for handler in handlers {
            let ExceptHandlerKind::ExceptHandler { body, .. } = &handler.kind;
            self.body(body, around, false);
        }
    }

    fn warn(&mut self, statement: &Stmt, keyword: &str) {
        let message = format!("'{keyword}' in a 'finally' block");
        self.warnings.push(syntax_warning(location(statement.span), message));
    }

    fn statement(&mut self, statement: &Stmt, around: Surrounding) {
        match &statement.kind {
            StmtKind::FunctionDef { body, .. } | StmtKind::AsyncFunctionDef { body, .. } => {
                self.body(body, Surrounding::FunctionInside, true);
            }
            StmtKind::ClassDef { body, .. } => self.body(body, around, true),
            StmtKind::Return { .. } if around == Surrounding::Finally => self.warn(statement, "return"),
            StmtKind::Return { .. } => {}
            StmtKind::Break {} if around == Surrounding::Finally => self.warn(statement, "break"),
            StmtKind::Continue {} if around == Surrounding::Finally => self.warn(statement, "continue"),
            StmtKind::For { body, orelse, .. }
            | StmtKind::AsyncFor { body, orelse, .. }
            | StmtKind::While { body, orelse, .. } => {
                self.body(body, Surrounding::LoopInside, false);
                self.body(orelse, around, false);
            }
            StmtKind::If { body, orelse, .. } => {
                self.body(body, around, false);
                self.body(orelse, around, false);
            }
            StmtKind::With { body, .. } | StmtKind::AsyncWith { body, .. } => self.body(body, around, false),
            StmtKind::Match { cases, .. } => {
                for case in cases {
                    self.body(&case.body, around, false);
                }
            }
            StmtKind::Try { body, handlers, orelse, finalbody }
            | StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                self.body(body, around, false);
                self.handlers(handlers, around);
                self.body(orelse, around, false);
                self.body(finalbody, Surrounding::Finally, false);
            }
            _ => {}
        }
    }
}
