//! The first pass: what each scope does with each name.

use rspy_code::Location;
use rspy_syntax::ast::{Expr, Mod, Name, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use super::analyze::analyze;
use super::scope::{Directive, Scope, ScopeId, ScopeKey, ScopeKind, ScopeRole, Symbol, SymbolTable, usage};
use crate::docstring::{body_statements, has_docstring};
use crate::error::{CompileError, Result, syntax_error};
use crate::future::Futures;
use crate::names::{self, NameId, Names};
use crate::recursion::Depth;

/// What building a symbol table depends on.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The future features in force.
    pub futures: Futures,
    /// Whether `await` may stand at the top level of a module.
    pub allow_top_level_await: bool,
    /// The optimisation level.
    pub optimize: u8,
    /// How deep the tree may be nested.
    pub recursion_limit: u32,
}

/// Builds the symbol table of a module.
pub fn build(module: &Mod, settings: Settings, names: &mut Names) -> Result<SymbolTable> {
    let table = SymbolTable {
        scopes: Vec::new(),
        keys: FxHashMap::default(),
        top: ScopeId(0),
        mangled_names: Vec::new(),
    };
    let mut builder = Builder {
        table,
        names,
        settings,
        stack: Vec::new(),
        class: None,
        depth: Depth::new(settings.recursion_limit),
    };
    builder.enter(names::TOP, ScopeKind::Module, None, Location::new(0, 0, 0, 0));
    match module {
        Mod::Module { body, .. } => {
            builder.current_mut().has_docstring = has_docstring(body, settings.optimize);
            builder.visit_body(body_statements(body, settings.optimize))?;
        }
        Mod::Interactive { body } => builder.visit_body(body)?,
        Mod::Expression { body } => builder.visit_expression(body)?,
        Mod::FunctionType { .. } => return Err(CompileError::FunctionType),
    }
    builder.exit();
    let mut table = builder.table;
    analyze(&mut table, names)?;
    Ok(table)
}

/// The location of a node.
pub fn location(span: Span) -> Location {
    Location::new(span.line as i32, span.end_line as i32, span.column as i32, span.end_column as i32)
}

pub(super) struct Builder<'n> {
    pub(super) table: SymbolTable,
    pub(super) names: &'n mut Names,
    pub(super) settings: Settings,
    pub(super) stack: Vec<ScopeId>,
    /// The class whose private names are mangled.
    pub(super) class: Option<NameId>,
    pub(super) depth: Depth,
}

impl Builder<'_> {
    pub(super) fn current_id(&self) -> ScopeId {
        self.stack.last().copied().unwrap_or(self.table.top)
    }

    pub(super) fn current(&self) -> &Scope {
        self.table.scope(self.current_id())
    }

    pub(super) fn current_mut(&mut self) -> &mut Scope {
        let current = self.current_id();
        self.table.scope_mut(current)
    }

    pub(super) fn intern(&mut self, name: &Name) -> NameId {
        self.names.intern_name(name)
    }

    /// A new scope, not yet entered.
    pub(super) fn new_scope(
        &mut self,
        name: NameId,
        kind: ScopeKind,
        key: Option<ScopeKey>,
        location: Location,
    ) -> ScopeId {
        let mut scope = Scope::new(kind, name, location);
        if let Some(&outer) = self.stack.last() {
            let outer = self.table.scope(outer);
            scope.is_nested = outer.is_nested || outer.is_function_like();
            scope.is_method = outer.kind == ScopeKind::Class && kind == ScopeKind::Function;
        }
        let id = ScopeId(self.table.scopes.len() as u32);
        self.table.scopes.push(scope);
        if let Some(key) = key {
            self.table.keys.insert(key, id);
        }
        id
    }

    /// Enters a scope made before.
    pub(super) fn enter_existing(&mut self, id: ScopeId, as_child: bool) {
        let previous = self.stack.last().copied();
        self.stack.push(id);
        let Some(previous) = previous else { return };
        let outer = self.table.scope(previous);
        let (depth, mangled) = (outer.comprehension_iterable_depth, outer.mangled_names);
        let scope = self.table.scope_mut(id);
        scope.comprehension_iterable_depth = depth;
        if mangled.is_some() && scope.kind != ScopeKind::Class {
            scope.mangled_names = mangled;
        }
        // Annotations that become strings leave no trace.
        let is_stringised = self.settings.futures.annotations && scope.kind == ScopeKind::Annotation;
        if as_child && !is_stringised {
            self.table.scope_mut(previous).children.push(id);
        }
    }

    /// Makes a scope and enters it.
    pub(super) fn enter(&mut self, name: NameId, kind: ScopeKind, key: Option<ScopeKey>, location: Location) {
        let id = self.new_scope(name, kind, key, location);
        self.enter_existing(id, true);
        if matches!(kind, ScopeKind::Annotation | ScopeKind::TypeVariable | ScopeKind::TypeAlias) {
            // The code of these scopes looks at its parameter.
            let scope = self.table.scope_mut(id);
            scope.parameters.push(names::DOT_FORMAT);
            let symbol = Symbol { usage: usage::PARAMETER | usage::USE, ..Symbol::default() };
            scope.symbols.set(names::DOT_FORMAT, symbol);
        }
    }

    pub(super) fn exit(&mut self) {
        self.stack.pop();
    }

    /// The name as this scope sees it.
    pub(super) fn mangle(&mut self, scope: ScopeId, name: NameId) -> NameId {
        if self.table.mangles(scope, name) { self.names.mangle(self.class, name) } else { name }
    }

    pub(super) fn lookup(&mut self, scope: ScopeId, name: NameId) -> u16 {
        let mangled = self.mangle(scope, name);
        self.table.scope(scope).usage(mangled)
    }

    /// Notes that the current scope does something with a name.
    pub(super) fn define(&mut self, name: NameId, usage: u16, location: Location) -> Result<()> {
        if usage & usage::BOUND != 0 {
            self.check_store(name, location)?;
        }
        let current = self.current_id();
        if usage & usage::TYPE_PARAMETER != 0
            && let Some(set) = self.table.scope(current).mangled_names
        {
            self.table.mangled_names[set].insert(name);
        }
        self.define_in(current, name, usage, location)
    }

    /// Notes that a scope does something with a name, mangled as the current scope does it.
    pub(super) fn define_in(
        &mut self,
        scope: ScopeId,
        name: NameId,
        added: u16,
        location: Location,
    ) -> Result<()> {
        let current = self.current_id();
        let mangled = self.mangle(current, name);
        let known = self.table.scope(scope).symbols.get(mangled).unwrap_or_default();
        if added & known.usage & usage::PARAMETER != 0 {
            return self.fail(
                location,
                format!("duplicate argument '{}' in function definition", self.names.str(name)),
            );
        }
        if added & known.usage & usage::TYPE_PARAMETER != 0 {
            return self.fail(location, format!("duplicate type parameter '{}'", self.names.str(name)));
        }
        let mut combined = known.usage | added;
        let entry = self.table.scope_mut(scope);
        if entry.in_comprehension_target {
            // An iteration variable must not be a named expression's target, here or later.
            if combined & (usage::GLOBAL | usage::NONLOCAL) != 0 {
                return self.fail(
                    location,
                    format!(
                        "comprehension inner loop cannot rebind assignment expression target '{}'",
                        self.names.str(name)
                    ),
                );
            }
            combined |= usage::COMPREHENSION_ITERATION;
        }
        entry.symbols.set(mangled, Symbol { usage: combined, ..known });
        if added & usage::PARAMETER != 0 {
            entry.parameters.push(mangled);
        } else if added & usage::GLOBAL != 0 {
            let top = self.table.top;
            let global = self.table.scope(top).symbols.get(mangled).unwrap_or_default();
            let symbol = Symbol { usage: global.usage | added, ..global };
            self.table.scope_mut(top).symbols.set(mangled, symbol);
        }
        Ok(())
    }

    pub(super) fn check_store(&self, name: NameId, location: Location) -> Result<()> {
        if name == names::DEBUG { self.fail(location, "cannot assign to __debug__") } else { Ok(()) }
    }

    pub(super) fn check_delete(&self, name: NameId, location: Location) -> Result<()> {
        if name == names::DEBUG { self.fail(location, "cannot delete __debug__") } else { Ok(()) }
    }

    /// Notes where a name was declared, for errors found later.
    pub(super) fn record_directive(&mut self, name: NameId, location: Location) {
        let current = self.current_id();
        let name = self.mangle(current, name);
        self.current_mut().directives.push(Directive { name, location });
    }

    pub(super) fn fail<T>(&self, location: Location, message: impl Into<String>) -> Result<T> {
        Err(syntax_error(location, message))
    }

    /// Lets code in the current scope see the names of the class around it.
    pub(super) fn see_class_scope(&mut self, location: Location) -> Result<()> {
        self.current_mut().sees_class_names = true;
        self.define(names::CLASSDICT, usage::USE, location)
    }

    /// Enters the scope of type parameters.
    pub(super) fn enter_type_parameters<T>(
        &mut self,
        name: NameId,
        owner: &T,
        location: Location,
        is_class: bool,
        has_defaults: bool,
        has_keyword_defaults: bool,
    ) -> Result<()> {
        let in_class = self.current().kind == ScopeKind::Class;
        let key = ScopeKey::new(owner, ScopeRole::TypeParameters);
        self.enter(name, ScopeKind::TypeParameters, Some(key), location);
        if in_class {
            self.see_class_scope(location)?;
        }
        if is_class {
            for name in [names::DOT_TYPE_PARAMS, names::DOT_GENERIC_BASE] {
                self.define(name, usage::LOCAL, location)?;
                self.define(name, usage::USE, location)?;
            }
        }
        if has_defaults {
            self.define(names::DOT_DEFAULTS, usage::PARAMETER, location)?;
        }
        if has_keyword_defaults {
            self.define(names::DOT_KWDEFAULTS, usage::PARAMETER, location)?;
        }
        Ok(())
    }

    /// Starts a set of names, of which alone those in the current scope and below are mangled.
    pub(super) fn start_mangled_names(&mut self) {
        self.table.mangled_names.push(FxHashSet::default());
        let set = self.table.mangled_names.len() - 1;
        self.current_mut().mangled_names = Some(set);
    }

    /// The annotation of a variable.
    pub(super) fn visit_annotation(&mut self, annotation: &Expr) -> Result<()> {
        let place = location(annotation.span);
        let parent = self.current_id();
        let scope = self.table.scope(parent);
        let kind = scope.kind;
        // A module may be executed in part, so its annotations are always conditional.
        let is_conditional =
            kind == ScopeKind::Module || kind == ScopeKind::Class && scope.in_conditional_block;
        if is_conditional && !scope.has_conditional_annotations {
            self.current_mut().has_conditional_annotations = true;
            self.define(names::CONDITIONAL_ANNOTATIONS, usage::USE, place)?;
        }
        if let Some(existing) = self.table.scope(parent).annotations {
            self.enter_existing(existing, false);
        } else {
            self.enter(names::ANNOTATE, ScopeKind::Annotation, None, place);
            let entered = self.current_id();
            self.table.scope_mut(parent).annotations = Some(entered);
            if kind == ScopeKind::Class && !self.settings.futures.annotations {
                self.see_class_scope(place)?;
            }
        }
        let is_unevaluated = kind == ScopeKind::Function;
        self.current_mut().in_unevaluated_annotation = is_unevaluated;
        let result = self.visit_expression(annotation);
        self.current_mut().in_unevaluated_annotation = false;
        self.exit();
        result
    }
}
