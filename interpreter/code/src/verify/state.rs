//! What is known at a point of the code: what each word on the stack and each variable may be.

use crate::code_object::local_kind;
use crate::verify::Subject;

/// What a word may be, as a set.
pub(super) type May = u8;

/// Nothing.
pub(super) const EMPTY: May = 1;
/// Any object.
pub(super) const OBJECT: May = 2;
/// A cell of the frame.
pub(super) const CELL: May = 4;
/// A list that the code has made itself.
pub(super) const LIST: May = 8;
/// `True` or `False`, with its reference.
pub(super) const BOOL: May = 16;
/// What a comparison gave: a truth value, unless a method of Python code says otherwise.
pub(super) const COMPARED: May = 32;

/// Where a word comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From elsewhere.
    Other,
    /// It is a constant.
    Constant(u32),
    /// It was borrowed from a variable.
    Borrowed(u32),
}

/// A word on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub may: May,
    pub origin: Origin,
}

impl Slot {
    /// An object.
    pub const VALUE: Slot = Slot::of(OBJECT);
    /// Nothing.
    pub const EMPTY: Slot = Slot::of(EMPTY);

    /// A word of some kind.
    pub const fn of(may: May) -> Slot {
        Slot { may, origin: Origin::Other }
    }
}

/// The abstract frame.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The stack, its top last.
    pub stack: Vec<Slot>,
    /// The variables.
    pub variables: Vec<May>,
    /// Whether the frame has become a generator's.
    pub in_generator: bool,
    /// Counts changes of variables: handlers need to be told again.
    pub changes: u32,
}

impl State {
    /// Parameters are bound; nothing else is.
    pub fn at_start(subject: &Subject<'_>) -> State {
        let bound = subject.parameters.min(subject.variable_kinds.len());
        let mut variables = vec![EMPTY; subject.variable_kinds.len()];
        variables[..bound].fill(OBJECT);
        State { stack: Vec::new(), variables, in_generator: false, changes: 0 }
    }

    /// Words in it.
    pub fn size(&self) -> usize {
        self.stack.len() + self.variables.len() / 8 + 1
    }

    /// Sets what a variable may be.
    pub fn set_variable(&mut self, index: usize, may: May) {
        if let Some(variable) = self.variables.get_mut(index)
            && *variable != may
        {
            *variable = may;
            self.changes += 1;
        }
    }

    /// Makes this state one that allows for another as well. Answers whether that made a difference.
    pub fn join(&mut self, other: &State, needs_owned_loads: &mut bool) -> Result<bool, &'static str> {
        if self.stack.len() != other.stack.len() {
            return Err("stack depth differs between paths");
        }
        if self.in_generator != other.in_generator {
            return Err("RETURN_GENERATOR on some paths only");
        }
        let mut changed = false;
        for (slot, &other) in self.stack.iter_mut().zip(&other.stack) {
            let may = slot.may | other.may;
            changed |= may != slot.may;
            slot.may = may;
            if slot.origin != other.origin {
                let borrowed = |origin| matches!(origin, Origin::Borrowed(_));
                *needs_owned_loads |= borrowed(slot.origin) || borrowed(other.origin);
                changed |= slot.origin != Origin::Other;
                slot.origin = Origin::Other;
            }
        }
        for (variable, &other) in self.variables.iter_mut().zip(&other.variables) {
            let may = *variable | other;
            changed |= may != *variable;
            *variable = may;
        }
        Ok(changed)
    }
}

/// Whether a variable may hold a cell.
pub(super) fn can_be_cell(kind: u8) -> bool {
    kind & (local_kind::CELL | local_kind::FREE) != 0
}
