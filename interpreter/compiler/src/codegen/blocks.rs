//! Frame blocks: what surrounds a statement and must be undone when it leaves by `return`, `break` or `continue`.

use rspy_code::{Constant, Location};
use rspy_syntax::ast::{ExprContext, Stmt};

use super::Generator;
use crate::error::Result;
use crate::instruction_sequence::Label;
use crate::names::NameId;
use crate::op::Op;

/// How deep statements may be nested.
const MAXIMUM_BLOCKS: usize = 21;

/// What surrounds a statement.
#[derive(Clone, Copy, Debug)]
pub enum Surrounding<'a> {
    /// `while`
    WhileLoop,
    /// `for`
    ForLoop,
    /// `async for`
    AsyncForLoop,
    /// The body of `try` with `except` clauses.
    TryExcept,
    /// The body of `try` with a `finally` clause, which is this.
    FinallyTry(&'a [Stmt]),
    /// A `finally` clause that runs since an exception was raised.
    FinallyEnd,
    /// `with`
    With,
    /// `async with`
    AsyncWith,
    /// An `except` clause, and the name it binds.
    HandlerCleanup(Option<NameId>),
    /// Something on the stack to be dropped.
    PopValue,
    /// The `except` clauses of a `try`.
    ExceptionHandler,
    /// The `except*` clauses of a `try`.
    ExceptionGroupHandler,
    /// An asynchronous generator inside a comprehension.
    AsyncComprehension,
    /// A comprehension inside the code around it, whose variables come back also if it raises.
    InlinedComprehension,
    /// The body of a generator, in which `StopIteration` becomes `RuntimeError`.
    StopIteration,
}

/// An entry of the stack of what surrounds the code being generated.
#[derive(Clone, Copy, Debug)]
pub struct FrameBlock<'a> {
    /// What it is.
    pub surrounding: Surrounding<'a>,
    /// Of a loop: where it goes on.
    pub start: Option<Label>,
    /// Of a loop: what is behind it.
    pub exit: Option<Label>,
    /// Where it stands.
    pub location: Location,
}

impl FrameBlock<'_> {
    fn is_loop(&self) -> bool {
        matches!(self.surrounding, Surrounding::WhileLoop | Surrounding::ForLoop | Surrounding::AsyncForLoop)
    }
}

impl<'a> Generator<'a> {
    pub(super) fn push_block(
        &mut self,
        surrounding: Surrounding<'a>,
        start: Option<Label>,
        exit: Option<Label>,
        place: Location,
    ) -> Result<()> {
        if self.unit().blocks.len() >= MAXIMUM_BLOCKS {
            return self.fail(place, "too many statically nested blocks");
        }
        self.unit().blocks.push(FrameBlock { surrounding, start, exit, location: place });
        Ok(())
    }

    pub(super) fn pop_block(&mut self) {
        self.unit().blocks.pop();
    }

    /// Undoes everything up to the innermost loop, which is returned, or up to the function. With `preserves_top`, the
    /// value on top of the stack stays there.
    pub(super) fn unwind(
        &mut self,
        place: &mut Location,
        preserves_top: bool,
        to_loop: bool,
    ) -> Result<Option<FrameBlock<'a>>> {
        let Some(&top) = self.unit().blocks.last() else { return Ok(None) };
        if matches!(top.surrounding, Surrounding::ExceptionGroupHandler) {
            return self.fail(*place, "'break', 'continue' and 'return' cannot appear in an except* block");
        }
        if to_loop && top.is_loop() {
            return Ok(Some(top));
        }
        self.pop_block();
        self.unwind_block(place, &top, preserves_top)?;
        let found = self.unwind(place, preserves_top, to_loop)?;
        self.unit().blocks.push(top);
        Ok(found)
    }

    /// Undoes one block.
    pub(super) fn unwind_block(
        &mut self,
        place: &mut Location,
        block: &FrameBlock<'a>,
        preserves_top: bool,
    ) -> Result<()> {
        match block.surrounding {
            Surrounding::WhileLoop
            | Surrounding::ExceptionHandler
            | Surrounding::ExceptionGroupHandler
            | Surrounding::AsyncComprehension
            | Surrounding::InlinedComprehension
            | Surrounding::StopIteration => {}
            Surrounding::ForLoop | Surrounding::AsyncForLoop | Surrounding::PopValue => {
                self.swap_if(preserves_top, *place);
                self.emit(Op::POP_TOP, *place);
            }
            Surrounding::TryExcept => self.emit(Op::POP_BLOCK, *place),
            Surrounding::FinallyTry(finally) => {
                self.emit(Op::POP_BLOCK, *place);
                if preserves_top {
                    self.push_block(Surrounding::PopValue, None, None, *place)?;
                }
                self.statements(finally)?;
                if preserves_top {
                    self.pop_block();
                }
                // The clause appears to be executed after the statement that leaves.
                *place = Location::NONE;
            }
            Surrounding::FinallyEnd => {
                self.swap_if(preserves_top, *place);
                self.emit(Op::POP_TOP, *place);
                self.swap_if(preserves_top, *place);
                self.emit(Op::POP_BLOCK, *place);
                self.emit(Op::POP_EXCEPT, *place);
            }
            Surrounding::With | Surrounding::AsyncWith => {
                *place = block.location;
                self.emit(Op::POP_BLOCK, *place);
                if preserves_top {
                    self.emit_argument(Op::SWAP, 3, *place);
                    self.emit_argument(Op::SWAP, 2, *place);
                }
                self.call_exit_with_nones(*place);
                if matches!(block.surrounding, Surrounding::AsyncWith) {
                    self.await_result(2, *place);
                }
                self.emit(Op::POP_TOP, *place);
                // The exit appears to be executed after the statement that leaves.
                *place = Location::NONE;
            }
            Surrounding::HandlerCleanup(name) => {
                if name.is_some() {
                    self.emit(Op::POP_BLOCK, *place);
                }
                self.swap_if(preserves_top, *place);
                self.emit(Op::POP_BLOCK, *place);
                self.emit(Op::POP_EXCEPT, *place);
                if let Some(name) = name {
                    self.unbind(name, *place);
                }
            }
        }
        Ok(())
    }

    fn swap_if(&mut self, condition: bool, place: Location) {
        if condition {
            self.emit_argument(Op::SWAP, 2, place);
        }
    }

    /// Unbinds the name of an `except` clause, which the clause may have unbound itself.
    pub(super) fn unbind(&mut self, name: NameId, place: Location) {
        self.load_constant(Constant::None, place);
        self.name(name, ExprContext::Store, place);
        self.name(name, ExprContext::Del, place);
    }

    pub(super) fn call_exit_with_nones(&mut self, place: Location) {
        for _ in 0..3 {
            self.load_constant(Constant::None, place);
        }
        self.emit_argument(Op::CALL, 3, place);
    }

    /// Awaits the value on top. `what` says to error messages where it comes from.
    pub(super) fn await_result(&mut self, what: i32, place: Location) {
        self.emit_argument(Op::GET_AWAITABLE, what, place);
        self.load_constant(Constant::None, place);
        self.yield_from(true, place);
    }

    pub(super) fn pop_except_and_reraise(&mut self, place: Location) {
        self.emit_argument(Op::COPY, 3, place);
        self.emit(Op::POP_EXCEPT, place);
        self.emit_argument(Op::RERAISE, 1, place);
    }
}
