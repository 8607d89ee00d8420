//! Names: which instruction loads, stores or deletes them.

use rspy_code::Location;
use rspy_syntax::ast::{ExprContext, Name};

use super::Generator;
use super::unit::UnitKind;
use crate::names::{self, NameId};
use crate::op::Op;
use crate::symtable::{ScopeKind, Visibility};

/// Where a name is found when the code runs.
enum Access {
    Fast,
    Global(usize),
    Cell(usize),
    Name(usize),
}

impl Generator<'_> {
    /// The name as the current scope sees it.
    pub(super) fn mangle(&mut self, name: NameId) -> NameId {
        let (scope, class) = (self.unit().scope, self.unit().class);
        if self.table.mangles(scope, name) { self.names.mangle(class, name) } else { name }
    }

    /// An instruction on a name that is no variable.
    pub(super) fn emit_name(&mut self, op: Op, name: &Name, place: Location) {
        let name = self.intern(name);
        self.emit_name_shifted(op, name, 0, 0, place);
    }

    /// The same, with `flags` below the name's number.
    pub(super) fn emit_name_shifted(
        &mut self,
        op: Op,
        name: NameId,
        shift: u32,
        flags: usize,
        place: Location,
    ) {
        let mangled = self.mangle(name);
        let index = self.unit().names.add(mangled);
        self.emit_argument(op, index << shift | flags, place);
    }

    /// Loads an attribute.
    pub(super) fn load_attribute(&mut self, name: &Name, place: Location) {
        let name = self.intern(name);
        self.emit_name_shifted(Op::LOAD_ATTR, name, 1, 0, place);
    }

    /// Loads an attribute that is about to be called.
    pub(super) fn load_method(&mut self, name: NameId, place: Location) {
        self.emit_name_shifted(Op::LOAD_ATTR, name, 1, 1, place);
    }

    /// Loads, stores or deletes a variable.
    pub(super) fn name(&mut self, name: NameId, context: ExprContext, place: Location) {
        let mangled = self.mangle(name);
        let seen = self.scope().visibility(mangled);
        let is_class = self.scope().kind == ScopeKind::Class;
        let sees_class = self.scope().sees_class_names;
        let is_inlined = self.unit().inlined_comprehensions > 0;
        let (op, argument) = match self.access(mangled, seen) {
            Access::Cell(index) => match context {
                ExprContext::Load if is_class && !is_inlined => {
                    self.emit(Op::LOAD_LOCALS, place);
                    (Op::LOAD_FROM_DICT_OR_DEREF, index)
                }
                ExprContext::Load if sees_class => {
                    self.load_class_dict(place);
                    (Op::LOAD_FROM_DICT_OR_DEREF, index)
                }
                ExprContext::Load => (Op::LOAD_DEREF, index),
                ExprContext::Store => (Op::STORE_DEREF, index),
                ExprContext::Del => (Op::DELETE_DEREF, index),
            },
            Access::Fast => {
                let index = self.unit().locals.add(mangled);
                let op = match context {
                    ExprContext::Load => Op::LOAD_FAST,
                    ExprContext::Store => Op::STORE_FAST,
                    ExprContext::Del => Op::DELETE_FAST,
                };
                (op, index)
            }
            Access::Global(index) => match context {
                ExprContext::Load if sees_class && seen == Visibility::GlobalImplicit => {
                    self.load_class_dict(place);
                    (Op::LOAD_FROM_DICT_OR_GLOBALS, index)
                }
                ExprContext::Load => (Op::LOAD_GLOBAL, index << 1),
                ExprContext::Store => (Op::STORE_GLOBAL, index),
                ExprContext::Del => (Op::DELETE_GLOBAL, index),
            },
            Access::Name(index) => match context {
                ExprContext::Load if is_class && is_inlined => (Op::LOAD_GLOBAL, index << 1),
                ExprContext::Load => (Op::LOAD_NAME, index),
                ExprContext::Store => (Op::STORE_NAME, index),
                ExprContext::Del => (Op::DELETE_NAME, index),
            },
        };
        self.emit_argument(op, argument, place);
    }

    /// Pushes the namespace of the class around.
    fn load_class_dict(&mut self, place: Location) {
        let index = self.unit().free_index(names::CLASSDICT);
        self.emit_argument(Op::LOAD_DEREF, index, place);
    }

    fn access(&mut self, mangled: NameId, seen: Visibility) -> Access {
        let is_function_like = self.scope().is_function_like();
        let unit = self.unit();
        match seen {
            Visibility::Free => Access::Cell(unit.free_index(mangled)),
            Visibility::Cell => Access::Cell(unit.cells.add(mangled)),
            Visibility::Local if is_function_like || unit.active_hidden.contains(&mangled) => Access::Fast,
            Visibility::GlobalImplicit if is_function_like => Access::Global(unit.names.add(mangled)),
            Visibility::GlobalExplicit => Access::Global(unit.names.add(mangled)),
            _ => Access::Name(unit.names.add(mangled)),
        }
    }

    /// Where a name lives, for code nested in this unit that takes it from here.
    pub(super) fn reference_kind(&self, name: NameId) -> Visibility {
        let provides = [names::CLASS, names::CLASSDICT, names::CONDITIONAL_ANNOTATIONS];
        if self.unit_ref().kind == UnitKind::Class && provides.contains(&name) {
            return Visibility::Cell;
        }
        self.scope().visibility(name)
    }

    /// The argument that names a variable for a closure.
    pub(super) fn closure_index(&mut self, name: NameId) -> usize {
        let is_cell = self.reference_kind(name) == Visibility::Cell;
        let unit = self.unit();
        if is_cell { unit.cells.add(name) } else { unit.free_index(name) }
    }
}
