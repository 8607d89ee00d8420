//! Code generation: from the tree to rows of instructions, one [`Unit`] for each code object.
//!
//! What is emitted for each kind of node stands in a file per kind. When a unit is complete, [`Generator::finish_unit`]
//! sends it through the instruction graph and the assembler, and the code object becomes a constant of the unit around.

mod annotations;
mod assignment;
mod blocks;
mod call;
mod class;
mod comparison;
mod comprehension;
mod control;
mod display;
mod exceptions;
mod expression;
mod function;
mod import;
mod name;
mod pattern;
mod statement;
mod string;
mod subscript;
mod type_parameters;
mod unit;
mod with;

use std::sync::Arc;

use rspy_code::code_object::flags;
use rspy_code::operation::Resume;
use rspy_code::{CodeObject, Constant, Location, Text};
use rspy_syntax::ast::{self, Mod, Stmt};
use rspy_syntax::{Warning, WarningCategory};

use crate::assemble::{Assembler, Metadata};
use crate::constants::Constants;
use crate::docstring::{body_statements, clean, docstring, replacing_pass, starts_with_plain_string};
use crate::error::{CompileError, Result, located, syntax_error};
use crate::flowgraph::{self, Graph, Layout, Variables};
use crate::future::Futures;
use crate::instruction_sequence::{InstructionSequence, Label};
use crate::names::{self, NameId, Names};
use crate::op::Op;
use crate::recursion::Depth;
use crate::stages::Written;
use crate::symtable::{Scope, ScopeId, ScopeKey, ScopeRole, SymbolTable, Visibility, location};
use unit::{Unit, UnitKind};

pub use expression::constant_value;

/// What code generation depends on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file's name.
    pub filename: Text,
    /// The optimisation level.
    pub optimize: u8,
    /// The future features in force.
    pub futures: Futures,
    /// Flags that every code object gets.
    pub flags: u32,
    /// How deep the tree may be nested.
    pub recursion_limit: u32,
    /// Whether columns are left out of line tables.
    pub omit_columns: bool,
}

/// Generates the code of a module, and notes warnings.
pub fn generate(
    module: &Mod,
    table: SymbolTable,
    names: Names,
    settings: Settings,
    warnings: &mut Vec<Warning>,
) -> Result<Arc<CodeObject>> {
    let mut generator = Generator::new(module, table, names, settings);
    let result = generator.module(module);
    warnings.append(&mut generator.warnings);
    result
}

/// What [`generate`] writes before it makes a graph of it: the instructions of a module, and its constants.
pub fn write(
    module: &Mod,
    table: SymbolTable,
    names: Names,
    settings: Settings,
    warnings: &mut Vec<Warning>,
) -> Result<(Written, Vec<Constant>)> {
    let mut generator = Generator::new(module, table, names, settings);
    generator.keeps_written = true;
    let result = generator.module_code(module);
    warnings.append(&mut generator.warnings);
    let adds_none = result?;
    generator.add_return(adds_none);
    let unit = generator.units.pop().unwrap_or_else(|| unreachable!("a module is one code object"));
    let constants = unit.constants.list.iter().map(|&id| generator.constants.value(id).clone()).collect();
    Ok((Written { instructions: unit.sequence.resolved(), nested: unit.nested }, constants))
}

struct Generator<'a> {
    names: Names,
    table: SymbolTable,
    constants: Constants,
    /// The graph of the code object that is being completed.
    graph: Graph,
    layout: Layout,
    assembler: Assembler,
    /// Empty sequences for code objects to come.
    spare_sequences: Vec<InstructionSequence>,
    /// The code objects being made, each inside the one before.
    units: Vec<Unit<'a>>,
    settings: Settings,
    warnings: Vec<Warning>,
    /// Greater than zero while code is generated about which warnings were given.
    silence: u32,
    depth: Depth,
    is_interactive: bool,
    /// Whether what was written for code objects is kept with the one around.
    keeps_written: bool,
}

/// How many parameters of each kind a code object has.
#[derive(Clone, Copy, Debug, Default)]
struct ParameterCounts {
    positional_only: usize,
    positional: usize,
    keyword_only: usize,
}

/// A finished code object, and the variables it takes from the unit around.
struct Finished {
    code: CodeObject,
    free: Vec<NameId>,
}

impl<'a> Generator<'a> {
    fn new(module: &Mod, table: SymbolTable, names: Names, settings: Settings) -> Self {
        Self {
            names,
            table,
            constants: Constants::default(),
            graph: Graph::default(),
            layout: Layout::default(),
            assembler: Assembler::default(),
            spare_sequences: Vec::new(),
            units: Vec::new(),
            depth: Depth::new(settings.recursion_limit),
            settings,
            warnings: Vec::new(),
            silence: 0,
            is_interactive: matches!(module, Mod::Interactive { .. }),
            keeps_written: false,
        }
    }

    fn module(&mut self, module: &'a Mod) -> Result<Arc<CodeObject>> {
        let adds_none = self.module_code(module)?;
        Ok(Arc::new(self.finish_unit(adds_none).code))
    }

    /// The code of a module but for its end. Answers whether that returns `None`.
    fn module_code(&mut self, module: &'a Mod) -> Result<bool> {
        let top = self.table.top();
        self.enter(names::ANONYMOUS_MODULE, UnitKind::Module, top, 1, None, ParameterCounts::default());
        match module {
            Mod::Module { body, .. } | Mod::Interactive { body } => {
                self.module_body(body)?;
                Ok(true)
            }
            Mod::Expression { body } => {
                self.expression(body)?;
                Ok(false)
            }
            Mod::FunctionType { .. } => Err(CompileError::FunctionType),
        }
    }

    fn module_body(&mut self, body: &'a [Stmt]) -> Result<()> {
        let statements = body_statements(body, self.settings.optimize);
        let place = match statements.first() {
            Some(first) => location(first.span),
            None => replacing_pass(body, self.settings.optimize).unwrap_or(Location::new(1, 1, 0, 0)),
        };
        if self.scope().has_conditional_annotations {
            self.emit_argument(Op::BUILD_SET, 0, place);
            let index = self.unit().names.add(names::CONDITIONAL_ANNOTATIONS);
            self.emit_argument(Op::STORE_NAME, index, place);
        }
        self.body(body, place)
    }

    /// The body of a module or a class.
    fn body(&mut self, body: &'a [Stmt], place: Location) -> Result<()> {
        if self.settings.futures.annotations && self.scope().annotations_used {
            self.emit(Op::SETUP_ANNOTATIONS, place);
        }
        let optimize = self.settings.optimize;
        let statements = body_statements(body, optimize);
        if statements.is_empty() {
            self.replace_docstring(body);
            return Ok(());
        }
        let mut rest = statements;
        let is_prompt = self.is_interactive && self.units.len() == 1;
        if !is_prompt {
            if let Some((expression, text)) = docstring(body, optimize) {
                rest = &statements[1..];
                self.load_constant(Constant::Str(clean(text)), location(expression.span));
                self.name(names::DOC, ast::ExprContext::Store, Location::NONE);
            } else if starts_with_plain_string(body, optimize) {
                rest = &statements[1..];
                self.plain_string(&statements[0])?;
            }
        }
        self.statements(rest)?;
        if !self.settings.futures.annotations {
            self.deferred_annotations(place)?;
        }
        Ok(())
    }

    /// A body that was documentation only, and that is left out, is a `pass`.
    fn replace_docstring(&mut self, body: &[Stmt]) {
        if let Some(place) = replacing_pass(body, self.settings.optimize) {
            self.emit(Op::NOP, place);
        }
    }

    /// Starts a code object.
    fn enter(
        &mut self,
        name: NameId,
        kind: UnitKind,
        scope: ScopeId,
        first_line: i32,
        class: Option<NameId>,
        parameters: ParameterCounts,
    ) {
        let class = class.or_else(|| self.units.last().and_then(|unit| unit.class));
        let mut unit = Unit::new(name, kind, scope, first_line, class, parameters);
        unit.sequence = self.spare_sequences.pop().unwrap_or_default();
        unit.set_up_variables(self.table.scope(scope), &self.names);
        self.units.push(unit);
        self.set_qualified_name();
        let line = if kind == UnitKind::Module { 0 } else { first_line };
        let place = Location::new(line, first_line, 0, 0);
        self.emit_argument(Op::RESUME, Resume::FunctionStart as i32, place);
        if kind == UnitKind::Module {
            self.emit(Op::ANNOTATIONS_PLACEHOLDER, place);
        }
    }

    fn set_qualified_name(&mut self) {
        let Some((unit, outer)) = self.units.split_last() else { return };
        let Some(mut parent) = outer.last() else {
            let name = self.names.text(unit.name).clone();
            self.unit().qualified_name = name;
            return;
        };
        let mut base = None;
        let skips_annotations = parent.kind == UnitKind::Annotations;
        let grandparent = outer.len().checked_sub(2).and_then(|index| outer.get(index));
        let is_in_module = outer.len() == 1 || skips_annotations && outer.len() == 2;
        if skips_annotations && let Some(grandparent) = grandparent {
            parent = grandparent;
        }
        if !is_in_module {
            let mut is_global = false;
            if matches!(unit.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class) {
                // A mangled name that was never seen is nothing in any scope.
                let mangled = match self.names.mangled(parent.class, unit.name) {
                    Some(mangled) => self.names.find(&mangled),
                    None => Some(unit.name),
                };
                let seen = mangled.map(|name| self.table.scope(parent.scope).visibility(name));
                is_global = seen == Some(Visibility::GlobalExplicit);
            }
            if !is_global {
                let is_function =
                    matches!(parent.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda);
                base = Some((parent.qualified_name.clone(), if is_function { ".<locals>." } else { "." }));
            }
        }
        let name = self.names.text(unit.name).clone();
        let qualified = match base {
            Some((base, separator)) => {
                let joined = [base.as_bytes(), separator.as_bytes(), name.as_bytes()].concat();
                Text::from_bytes(&joined).unwrap_or(name)
            }
            None => name,
        };
        self.unit().qualified_name = qualified;
    }

    /// Ends the innermost code object.
    fn add_return(&mut self, adds_none: bool) {
        if adds_none {
            self.load_constant(Constant::None, Location::NONE);
        }
        self.emit(Op::RETURN_VALUE, Location::NONE);
    }

    /// Completes the innermost code object.
    fn finish_unit(&mut self, adds_none: bool) -> Finished {
        self.add_return(adds_none);
        let unit = self.units.pop().unwrap_or_else(|| unreachable!("a unit is finished once"));
        let scope = self.table.scope(unit.scope);
        let code_flags = code_flags(scope) | self.settings.flags;
        let is_generator = code_flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0;
        let mut constants = unit.constants.list;
        flowgraph::build(&mut self.graph, &unit.sequence);
        flowgraph::optimize(
            &mut self.graph,
            &mut constants,
            &mut self.constants,
            unit.locals.list.len(),
            scope.parameters.len(),
        );
        let variables =
            Variables { locals: &unit.locals.list, cells: &unit.cells.list, free: &unit.free.list };
        flowgraph::finish(&mut self.graph, &variables, unit.first_line, is_generator, &mut self.layout);
        let metadata = Metadata {
            name: self.names.text(unit.name).clone(),
            qualified_name: unit.qualified_name,
            filename: self.settings.filename.clone(),
            first_line: unit.first_line,
            flags: code_flags,
            positional_only_count: unit.parameters.positional_only,
            positional_count: unit.parameters.positional,
            keyword_only_count: unit.parameters.keyword_only,
            variables,
            hidden: &unit.hidden.list,
            names: &unit.names.list,
            omits_columns: self.settings.omit_columns,
        };
        let names = &self.names;
        let is_identifier = |text: &Text| names.is_known(text) || names::is_builtin(text);
        let constants = self.constants.list(&constants, is_identifier);
        let code = self.assembler.assemble(&mut self.layout, &metadata, constants, names);
        if self.keeps_written
            && let Some(outer) = self.units.last_mut()
            // What belongs to deferred annotations is not shown.
            && outer.stashed_sequence.is_none()
        {
            outer.nested.push(Written { instructions: unit.sequence.resolved(), nested: unit.nested });
        }
        self.spare_sequences.push(unit.sequence.emptied());
        Finished { code, free: unit.free.list }
    }

    fn unit(&mut self) -> &mut Unit<'a> {
        let index = self.units.len() - 1;
        &mut self.units[index]
    }

    fn unit_ref(&self) -> &Unit<'a> {
        &self.units[self.units.len() - 1]
    }

    fn scope(&self) -> &Scope {
        self.table.scope(self.unit_ref().scope)
    }

    fn scope_of<T>(&self, node: &T, role: ScopeRole) -> ScopeId {
        self.table
            .lookup(ScopeKey::new(node, role))
            .unwrap_or_else(|| unreachable!("the symbol table has a scope for every node that opens one"))
    }

    fn emit(&mut self, op: Op, place: Location) {
        self.unit().sequence.push(op, 0, place);
    }

    fn emit_argument(&mut self, op: Op, argument: impl TryInto<i32>, place: Location) {
        let argument = argument.try_into().unwrap_or(i32::MAX);
        self.unit().sequence.push(op, argument, place);
    }

    fn emit_jump(&mut self, op: Op, target: Label, place: Location) {
        self.unit().sequence.push_jump(op, target, place);
    }

    fn new_label(&mut self) -> Label {
        self.unit().sequence.new_label()
    }

    fn use_label(&mut self, label: Label) {
        self.unit().sequence.use_label(label);
    }

    fn add_constant(&mut self, value: Constant) -> usize {
        let id = self.constants.intern(value);
        self.unit().constants.add(id)
    }

    fn load_constant(&mut self, value: Constant, place: Location) {
        let index = self.add_constant(value);
        self.emit_argument(Op::LOAD_CONST, index, place);
    }

    fn load_name_constant(&mut self, name: NameId, place: Location) {
        let id = self.constants.intern_name(self.names.text(name));
        let index = self.unit().constants.add(id);
        self.emit_argument(Op::LOAD_CONST, index, place);
    }

    /// Loads a tuple of names.
    fn load_names(&mut self, names: impl IntoIterator<Item = NameId>, place: Location) {
        let mut items = Vec::new();
        for name in names {
            let text = self.names.text(name);
            self.constants.intern_name(text);
            items.push(Constant::Str(text.clone()));
        }
        self.load_constant(Constant::tuple(items), place);
    }

    fn intern(&mut self, name: &ast::Name) -> NameId {
        self.names.intern_name(name)
    }

    fn fail<T>(&self, place: Location, message: impl Into<String>) -> Result<T> {
        Err(syntax_error(place, message))
    }

    fn warn(&mut self, place: Location, message: impl Into<String>) {
        if self.silence == 0 {
            self.warnings.push(syntax_warning(place, message.into()));
        }
    }
}

/// The warning about a range of source text.
pub fn syntax_warning(place: Location, message: String) -> Warning {
    Warning {
        category: WarningCategory::Syntax,
        line: place.line.max(0) as u32,
        as_error: Box::new(located(place, message.clone())),
        message,
    }
}

/// The flags that follow from a scope.
fn code_flags(scope: &Scope) -> u32 {
    let mut code_flags = 0;
    if scope.is_function_like() {
        code_flags |= flags::NEWLOCALS | flags::OPTIMIZED;
        let conditions = [
            (scope.is_nested, flags::NESTED),
            (scope.is_generator && !scope.is_coroutine, flags::GENERATOR),
            (scope.is_generator && scope.is_coroutine, flags::ASYNC_GENERATOR),
            (scope.has_varargs, flags::VARARGS),
            (scope.has_varkeywords, flags::VARKEYWORDS),
            (scope.has_docstring, flags::HAS_DOCSTRING),
            (scope.is_method, flags::METHOD),
        ];
        for (holds, flag) in conditions {
            if holds {
                code_flags |= flag;
            }
        }
    }
    if scope.is_coroutine && !scope.is_generator {
        code_flags |= flags::COROUTINE;
    }
    code_flags
}
