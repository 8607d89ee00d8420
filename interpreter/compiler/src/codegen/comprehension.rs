//! Comprehensions, most of them inlined (PEP 709), and generator expressions.

use rspy_code::Location;
use rspy_syntax::ast::{Comprehension as Clause, Expr, ExprKind};

use super::blocks::Surrounding;
use super::function::Attributes;
use super::unit::UnitKind;
use super::{Generator, ParameterCounts};
use crate::error::Result;
use crate::instruction_sequence::Label;
use crate::names::{self, NameId};
use crate::op::Op;
use crate::symtable::{Comprehension, ScopeId, ScopeKind, ScopeRole, Symbol, Visibility, location, usage};

/// A comprehension's parts.
#[derive(Clone, Copy)]
struct Parts<'a> {
    kind: Comprehension,
    clauses: &'a [Clause],
    element: &'a Expr,
    value: Option<&'a Expr>,
}

impl<'a> Parts<'a> {
    fn of(expression: &'a Expr) -> Option<Self> {
        let (kind, clauses, element, value) = match &expression.kind {
            ExprKind::GeneratorExp { elt, generators } => (Comprehension::Generator, generators, elt, None),
            ExprKind::ListComp { elt, generators } => (Comprehension::List, generators, elt, None),
            ExprKind::SetComp { elt, generators } => (Comprehension::Set, generators, elt, None),
            ExprKind::DictComp { key, value, generators } => {
                (Comprehension::Dict, generators, key, Some(&**value))
            }
            _ => return None,
        };
        Some(Self { kind, clauses, element, value })
    }
}

/// What must be undone after an inlined comprehension.
#[derive(Default)]
struct Inlined {
    /// Names whose values were put on the stack.
    pushed: Vec<NameId>,
    /// Symbols that meant something else in the comprehension.
    replaced: Vec<(NameId, Symbol)>,
    /// Names that were made local variables of code that has none.
    hidden: Vec<NameId>,
    cleanup: Option<Label>,
}

impl<'a> Generator<'a> {
    pub(super) fn comprehension(&mut self, expression: &'a Expr) -> Result<()> {
        let Some(parts) = Parts::of(expression).filter(|parts| !parts.clauses.is_empty()) else {
            return Ok(());
        };
        let place = location(expression.span);
        let scope = self.scope_of(expression, ScopeRole::Body);
        let is_inlined = self.table.scope(scope).is_inlined;
        let is_async = self.table.scope(scope).is_coroutine;
        let Some(outermost) = parts.clauses.first() else { return Ok(()) };
        if is_inlined {
            self.iterator_of(outermost)?;
            let mut inlined = self.adopt_scope(scope);
            self.isolate_locals(scope, &mut inlined, place)?;
            self.start_collection(parts.kind, place);
            self.emit_argument(Op::SWAP, 2, place);
            self.clause(&parts, 0, 0, true, place)?;
            self.restore_locals(&inlined, place);
            self.release_scope(inlined);
            return Ok(());
        }
        let name = match parts.kind {
            Comprehension::Generator => names::ANONYMOUS_GENEXPR,
            Comprehension::List => names::ANONYMOUS_LISTCOMP,
            Comprehension::Set => names::ANONYMOUS_SETCOMP,
            Comprehension::Dict => names::ANONYMOUS_DICTCOMP,
        };
        let counts = ParameterCounts { positional: 1, ..ParameterCounts::default() };
        self.enter(name, UnitKind::Comprehension, scope, place.line, None, counts);
        let is_generator = parts.kind == Comprehension::Generator;
        if !is_generator {
            self.start_collection(parts.kind, place);
        }
        self.clause(&parts, 0, 0, false, place)?;
        if is_generator {
            self.wrap_in_stop_iteration_handler();
        } else {
            self.emit(Op::RETURN_VALUE, place);
        }
        let finished = self.finish_unit(true);
        self.make_closure(finished, Attributes::default(), place);
        self.iterator_of(outermost)?;
        self.emit_argument(Op::CALL, 0, place);
        if is_async && !is_generator {
            self.await_result(0, place);
        }
        Ok(())
    }

    fn start_collection(&mut self, kind: Comprehension, place: Location) {
        let op = match kind {
            Comprehension::List => Op::BUILD_LIST,
            Comprehension::Set => Op::BUILD_SET,
            Comprehension::Dict => Op::BUILD_MAP,
            Comprehension::Generator => return,
        };
        self.emit_argument(op, 0, place);
    }

    /// Pushes the iterator of a clause.
    fn iterator_of(&mut self, clause: &'a Clause) -> Result<()> {
        self.expression(&clause.iter)?;
        let op = if clause.is_async != 0 { Op::GET_AITER } else { Op::GET_ITER };
        self.emit(op, location(clause.iter.span));
        Ok(())
    }

    /// One `for` clause and everything in it. `depth` counts the iterators above the collection.
    fn clause(
        &mut self,
        parts: &Parts<'a>,
        index: usize,
        depth: usize,
        has_iterator: bool,
        place: Location,
    ) -> Result<()> {
        if parts.clauses[index].is_async != 0 {
            self.async_clause(parts, index, depth, has_iterator, place)
        } else {
            self.sync_clause(parts, index, depth, has_iterator, place)
        }
    }

    fn sync_clause(
        &mut self,
        parts: &Parts<'a>,
        index: usize,
        depth: usize,
        has_iterator: bool,
        place: Location,
    ) -> Result<()> {
        let clause = &parts.clauses[index];
        let start = self.new_label();
        let skip = self.new_label();
        let anchor = self.new_label();
        let mut loops = true;
        if !has_iterator {
            if index == 0 {
                self.emit_argument(Op::LOAD_FAST, 0, place);
            } else if let Some(single) = single_item(&clause.iter) {
                // `for y in [f(x)]` merely assigns.
                self.expression(single)?;
                loops = false;
            } else {
                self.iterator_of(clause)?;
            }
        }
        let mut depth = depth;
        if loops {
            depth += 1;
            self.use_label(start);
            self.emit_jump(Op::FOR_ITER, anchor, location(clause.iter.span));
        }
        self.expression(&clause.target)?;
        for condition in &clause.ifs {
            self.jump_if(condition, skip, false, place)?;
        }
        let element_place = self.inner_clause_or_element(parts, index, depth, place)?;
        self.use_label(skip);
        if loops {
            self.emit_jump(Op::JUMP, start, element_place);
            self.use_label(anchor);
            self.emit(Op::END_FOR, Location::NONE);
            self.emit(Op::POP_ITER, Location::NONE);
        }
        Ok(())
    }

    fn async_clause(
        &mut self,
        parts: &Parts<'a>,
        index: usize,
        depth: usize,
        has_iterator: bool,
        place: Location,
    ) -> Result<()> {
        let clause = &parts.clauses[index];
        let start = self.new_label();
        let send = self.new_label();
        let except = self.new_label();
        let skip = self.new_label();
        if !has_iterator {
            if index == 0 {
                self.emit_argument(Op::LOAD_FAST, 0, place);
            } else {
                self.iterator_of(clause)?;
            }
        }
        self.use_label(start);
        self.push_block(Surrounding::AsyncComprehension, Some(start), None, place)?;
        self.emit_jump(Op::SETUP_FINALLY, except, place);
        self.next_of_async_iterator(send, place);
        self.emit(Op::POP_BLOCK, place);
        self.expression(&clause.target)?;
        for condition in &clause.ifs {
            self.jump_if(condition, skip, false, place)?;
        }
        let element_place = self.inner_clause_or_element(parts, index, depth + 1, place)?;
        self.use_label(skip);
        self.emit_jump(Op::JUMP, start, element_place);
        self.pop_block();
        self.use_label(except);
        self.emit_jump(Op::END_ASYNC_FOR, send, place);
        Ok(())
    }

    /// What is in a clause: the next one, or the element. Returns the element's place.
    fn inner_clause_or_element(
        &mut self,
        parts: &Parts<'a>,
        index: usize,
        depth: usize,
        place: Location,
    ) -> Result<Location> {
        let element_place = location(parts.element.span);
        if index + 1 < parts.clauses.len() {
            self.clause(parts, index + 1, depth, false, place)?;
            return Ok(element_place);
        }
        self.expression(parts.element)?;
        let add = match parts.kind {
            Comprehension::Generator => {
                self.yield_value(element_place);
                self.emit(Op::POP_TOP, element_place);
                return Ok(element_place);
            }
            Comprehension::List => Op::LIST_APPEND,
            Comprehension::Set => Op::SET_ADD,
            Comprehension::Dict => Op::MAP_ADD,
        };
        let mut add_place = element_place;
        if let Some(value) = parts.value {
            self.expression(value)?;
            let value_place = location(value.span);
            add_place.end_line = value_place.end_line;
            add_place.end_column = value_place.end_column;
        }
        self.emit_argument(add, depth + 1, add_place);
        Ok(add_place)
    }

    /// Whether the current code is a class body, and not an inlined comprehension in one.
    fn is_directly_in_class(&self) -> bool {
        self.scope().kind == ScopeKind::Class && self.unit_ref().inlined_comprehensions == 0
    }

    /// Lets the names of an inlined comprehension mean in the code around what they mean in the comprehension.
    fn adopt_scope(&mut self, comprehension: ScopeId) -> Inlined {
        let mut inlined = Inlined::default();
        let in_class = self.is_directly_in_class();
        let outer = self.unit().scope;
        self.unit().inlined_comprehensions += 1;
        for place in 0..self.table.scope(comprehension).symbols.len() {
            let (name, symbol) = self.table.scope(comprehension).symbols.at(place);
            let outer_symbol = self.table.scope(outer).symbols.get(name).unwrap_or_default();
            let (seen, outer_seen) = (symbol.visibility, outer_symbol.visibility);
            let differs = seen != outer_seen
                && seen != Visibility::Free
                && !(seen == Visibility::Cell && outer_seen == Visibility::Free);
            if differs || in_class {
                self.table.scope_mut(outer).symbols.set(name, symbol);
                inlined.replaced.push((name, outer_symbol));
            }
            if is_bound_inside(symbol) || in_class {
                let is_function_like = self.scope().is_function_like();
                let unit = self.unit();
                if !is_function_like && !unit.active_hidden.contains(&name) {
                    unit.hidden.add(name);
                    unit.active_hidden.push(name);
                    inlined.hidden.push(name);
                }
            }
        }
        inlined
    }

    /// Puts the values of names that the comprehension binds on the stack, to be restored later.
    fn isolate_locals(
        &mut self,
        comprehension: ScopeId,
        inlined: &mut Inlined,
        place: Location,
    ) -> Result<()> {
        // The comprehension itself is counted already.
        let in_class = self.scope().kind == ScopeKind::Class && self.unit().inlined_comprehensions == 0;
        let outer = self.unit().scope;
        for index in 0..self.table.scope(comprehension).symbols.len() {
            let (name, symbol) = self.table.scope(comprehension).symbols.at(index);
            if !is_bound_inside(symbol) && !in_class {
                continue;
            }
            let local = self.unit().locals.add(name);
            self.emit_argument(Op::LOAD_FAST_AND_CLEAR, local, place);
            if symbol.visibility == Visibility::Cell {
                let is_free_outside = self.table.scope(outer).visibility(name) == Visibility::Free;
                let unit = self.unit();
                let cell = if is_free_outside { unit.free_index(name) } else { unit.cells.add(name) };
                self.emit_argument(Op::MAKE_CELL, cell, place);
            }
            inlined.pushed.push(name);
        }
        if inlined.pushed.is_empty() {
            return Ok(());
        }
        // The iterator is below the pushed values; it comes back to the top.
        self.emit_argument(Op::SWAP, inlined.pushed.len() + 1, place);
        let cleanup = self.new_label();
        inlined.cleanup = Some(cleanup);
        self.emit_jump(Op::SETUP_FINALLY, cleanup, place);
        self.push_block(Surrounding::InlinedComprehension, None, None, place)
    }

    /// Restores the values that the comprehension replaced, also if it raises.
    fn restore_locals(&mut self, inlined: &Inlined, place: Location) {
        let Some(cleanup) = inlined.cleanup else { return };
        const NOWHERE: Location = Location::NONE;
        self.pop_block();
        self.emit(Op::POP_BLOCK, NOWHERE);
        let end = self.new_label();
        self.emit_jump(Op::JUMP_NO_INTERRUPT, end, NOWHERE);
        self.use_label(cleanup);
        // The unfinished collection is below the exception.
        self.emit_argument(Op::SWAP, 2, NOWHERE);
        self.emit(Op::POP_TOP, NOWHERE);
        self.store_pushed(inlined, place);
        self.emit_argument(Op::RERAISE, 0, NOWHERE);
        self.use_label(end);
        self.store_pushed(inlined, place);
    }

    fn store_pushed(&mut self, inlined: &Inlined, place: Location) {
        self.emit_argument(Op::SWAP, inlined.pushed.len() + 1, place);
        for &name in inlined.pushed.iter().rev() {
            let local = self.unit().locals.add(name);
            self.emit_argument(Op::STORE_FAST_MAYBE_NULL, local, place);
        }
    }

    /// Undoes [`Generator::adopt_scope`].
    fn release_scope(&mut self, inlined: Inlined) {
        let outer = self.unit().scope;
        self.unit().inlined_comprehensions -= 1;
        for (name, symbol) in inlined.replaced {
            self.table.scope_mut(outer).symbols.set(name, symbol);
        }
        self.unit().active_hidden.retain(|name| !inlined.hidden.contains(name));
    }
}

/// Whether a comprehension binds a name itself, and not for the scope around.
fn is_bound_inside(symbol: Symbol) -> bool {
    symbol.usage & usage::LOCAL != 0 && symbol.usage & usage::NONLOCAL == 0
}

/// The item of a list or tuple display of one item.
fn single_item(iterable: &Expr) -> Option<&Expr> {
    match &iterable.kind {
        ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => match elts.as_slice() {
            [single] if !matches!(single.kind, ExprKind::Starred { .. }) => Some(single),
            _ => None,
        },
        _ => None,
    }
}
