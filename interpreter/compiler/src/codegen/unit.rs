//! [`Unit`]: a code object while its code is generated.

use std::hash::Hash;

use rspy_code::Text;
use rspy_syntax::ast::Stmt;
use rustc_hash::FxHashMap;

use super::ParameterCounts;
use super::blocks::FrameBlock;
use crate::constants::ConstantId;
use crate::instruction_sequence::InstructionSequence;
use crate::names::{self, NameId, Names};
use crate::stages::Written;
use crate::symtable::{Scope, ScopeId, Visibility, usage};

/// What a unit is the code of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitKind {
    /// A module.
    Module,
    /// A class body.
    Class,
    /// A function.
    Function,
    /// An asynchronous function.
    AsyncFunction,
    /// A lambda.
    Lambda,
    /// A generator expression, or a comprehension that is not inlined.
    Comprehension,
    /// Annotations, type parameters and other code that is executed when it is asked for.
    Annotations,
}

/// Items in the order in which they were added first, each with its number.
#[derive(Debug)]
pub struct Numbered<T> {
    /// The items.
    pub list: Vec<T>,
    /// The numbers of all items once there are more than [`FEW`].
    numbers: FxHashMap<T, u32>,
}

/// Up to so many, items are found by looking at each.
const FEW: usize = 16;

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { list: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Copy + Eq + Hash> Numbered<T> {
    /// An item's number. If it has none, it gets the next.
    pub fn add(&mut self, item: T) -> usize {
        let next = self.list.len();
        if next <= FEW {
            if let Some(number) = self.list.iter().position(|&known| known == item) {
                return number;
            }
            self.list.push(item);
            if next == FEW {
                self.numbers.extend(self.list.iter().copied().zip(0..));
            }
            return next;
        }
        let number = *self.numbers.entry(item).or_insert(next as u32) as usize;
        if number == next {
            self.list.push(item);
        }
        number
    }
}

/// A code object in the making.
#[derive(Debug)]
pub struct Unit<'a> {
    /// Its name.
    pub name: NameId,
    /// Its name with those of what it stands in.
    pub qualified_name: Text,
    /// What it is the code of.
    pub kind: UnitKind,
    /// Its scope.
    pub scope: ScopeId,
    /// The line it starts on.
    pub first_line: i32,
    /// The class whose private names are mangled.
    pub class: Option<NameId>,
    /// Its parameters.
    pub parameters: ParameterCounts,
    /// Its instructions.
    pub sequence: InstructionSequence,
    /// Its instructions, while those for deferred annotations are generated.
    pub stashed_sequence: Option<InstructionSequence>,
    /// What was written for the code objects inside, where that is kept.
    pub nested: Vec<Written>,
    /// Its constants.
    pub constants: Numbered<ConstantId>,
    /// Names of globals and attributes.
    pub names: Numbered<NameId>,
    /// Local variables.
    pub locals: Numbered<NameId>,
    /// Variables that nested code uses.
    pub cells: Numbered<NameId>,
    /// Variables of code around.
    pub free: Numbered<NameId>,
    /// Local variables of inlined comprehensions in code that has no others.
    pub hidden: Numbered<NameId>,
    /// Those of them that are in use.
    pub active_hidden: Vec<NameId>,
    /// What surrounds the code being generated.
    pub blocks: Vec<FrameBlock<'a>>,
    /// How many inlined comprehensions surround it.
    pub inlined_comprehensions: u32,
    /// How many statements surround it that execute it under some condition.
    pub conditional_depth: u32,
    /// Of a class: the attributes that its methods set on `self`.
    pub static_attributes: Vec<NameId>,
    /// Annotations to be compiled at the end, each with its number if it is conditional.
    pub deferred_annotations: Vec<(&'a Stmt, Option<i64>)>,
    /// The number of the next conditional annotation.
    pub next_conditional_annotation: i64,
}

impl Unit<'_> {
    /// An empty unit.
    pub fn new(
        name: NameId,
        kind: UnitKind,
        scope: ScopeId,
        first_line: i32,
        class: Option<NameId>,
        parameters: ParameterCounts,
    ) -> Self {
        Self {
            name,
            qualified_name: Text::default(),
            kind,
            scope,
            first_line,
            class,
            parameters,
            sequence: InstructionSequence::default(),
            stashed_sequence: None,
            nested: Vec::new(),
            constants: Numbered::default(),
            names: Numbered::default(),
            locals: Numbered::default(),
            cells: Numbered::default(),
            free: Numbered::default(),
            hidden: Numbered::default(),
            active_hidden: Vec::new(),
            blocks: Vec::new(),
            inlined_comprehensions: 0,
            conditional_depth: 0,
            static_attributes: Vec::new(),
            deferred_annotations: Vec::new(),
            next_conditional_annotation: 0,
        }
    }

    /// Numbers the variables that the scope is known to have: parameters, cells and free variables.
    pub fn set_up_variables(&mut self, scope: &Scope, names: &Names) {
        for &parameter in &scope.parameters {
            self.locals.add(parameter);
        }
        let sorted = |wanted: &dyn Fn(u16, Visibility) -> bool| {
            let mut found: Vec<NameId> = scope
                .symbols
                .iter()
                .filter(|&(_, symbol)| wanted(symbol.usage, symbol.visibility))
                .map(|(name, _)| name)
                .collect();
            found.sort_by(|&left, &right| names.compare(left, right));
            found
        };
        let is_cell = |bits: u16, seen| seen == Visibility::Cell || bits & usage::COMPREHENSION_CELL != 0;
        for cell in sorted(&is_cell) {
            self.cells.add(cell);
        }
        let implicit = [
            (scope.needs_class_closure, names::CLASS),
            (scope.needs_class_dict, names::CLASSDICT),
            (scope.has_conditional_annotations, names::CONDITIONAL_ANNOTATIONS),
        ];
        for (is_needed, name) in implicit {
            if is_needed {
                self.cells.add(name);
            }
        }
        let is_free = |bits: u16, seen| seen == Visibility::Free || bits & usage::FREE_CLASS != 0;
        for free in sorted(&is_free) {
            self.free.add(free);
        }
    }

    /// The argument by which instructions name a free variable.
    pub fn free_index(&mut self, name: NameId) -> usize {
        let index = self.free.add(name);
        self.cells.list.len() + index
    }
}
