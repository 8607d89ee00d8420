//! The second pass: where each name lives.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::scope::{ScopeId, ScopeKind, Symbol, SymbolTable, Visibility, usage};
use crate::error::{Result, syntax_error};
use crate::names::{self, NameId, Names};

/// Names that a class provides to the scopes in it by cells of its own.
const PROVIDED_BY_CLASS: [NameId; 3] = [names::CLASS, names::CLASSDICT, names::CONDITIONAL_ANNOTATIONS];

type Set = FxHashSet<NameId>;

/// Decides for every symbol of a table where it lives.
pub fn analyze(table: &mut SymbolTable, names: &Names) -> Result<()> {
    let mut analysis = Analysis { table, names };
    let top = analysis.table.top;
    analysis.scope(top, None, &Set::default(), None)?;
    Ok(())
}

struct Analysis<'a> {
    table: &'a mut SymbolTable,
    names: &'a Names,
}

/// What is known around one scope, and changed by it.
struct State<'s> {
    /// Names that functions around bind; `None` in a module.
    bound: Option<Cow<'s, Set>>,
    /// Names around that are type parameters.
    type_parameters: Cow<'s, Set>,
    /// Names that are free here.
    free: Set,
}

impl Analysis<'_> {
    /// Analyses a scope and those in it; returns the names that are free in them.
    fn scope(
        &mut self,
        id: ScopeId,
        bound: Option<&Set>,
        type_parameters: &Set,
        class: Option<ScopeId>,
    ) -> Result<Set> {
        let scope = self.table.scope(id);
        let is_class = scope.kind == ScopeKind::Class;
        let is_function_like = scope.is_function_like();
        let sees_class_names = scope.sees_class_names;
        let mut state = State {
            bound: bound.map(Cow::Borrowed),
            type_parameters: Cow::Borrowed(type_parameters),
            free: Set::default(),
        };
        for place in 0..self.table.scope(id).symbols.len() {
            let (name, symbol) = self.table.scope(id).symbols.at(place);
            let visibility = self.name(id, name, symbol.usage, &mut state, class)?;
            self.table.scope_mut(id).symbols.set_at(place, Symbol { visibility, ..symbol });
        }
        let mut free = Set::default();
        let mut inlined_cells = Set::default();
        let children = self.table.scope(id).children.clone();
        let inner_bound =
            if children.is_empty() { Set::default() } else { self.inner_bound(id, bound, &state) };
        for child in children {
            let entry = self.table.scope(child);
            let child_class = if !entry.sees_class_names {
                None
            } else if is_class {
                Some(id)
            } else {
                class
            };
            let is_inlined = entry.comprehension.is_some() && !entry.is_generator && !sees_class_names;
            let mut child_free =
                self.scope(child, Some(&inner_bound), &state.type_parameters, child_class)?;
            if is_inlined {
                self.inline(id, child, &mut child_free, &mut inlined_cells);
                self.table.scope_mut(child).is_inlined = true;
            }
            free.extend(child_free);
        }
        self.splice_inlined(id);
        if is_function_like {
            self.make_cells(id, &mut free, &inlined_cells);
        } else if is_class {
            self.drop_class_names(id, &mut free);
        }
        let sees_class = is_class || sees_class_names;
        self.record(id, state.bound.as_deref(), &free, &inlined_cells, sees_class);
        free.extend(state.free);
        Ok(free)
    }

    /// The names that functions bind, as the scopes in this one see it. A class's own names are not visible there.
    fn inner_bound(&self, id: ScopeId, bound: Option<&Set>, state: &State<'_>) -> Set {
        let scope = self.table.scope(id);
        if scope.kind == ScopeKind::Class {
            let mut inner = bound.cloned().unwrap_or_default();
            inner.extend(PROVIDED_BY_CLASS);
            return inner;
        }
        let mut inner = state.bound.as_deref().cloned().unwrap_or_default();
        if scope.is_function_like() {
            let local = scope.symbols.iter().filter(|(_, symbol)| symbol.visibility == Visibility::Local);
            inner.extend(local.map(|(name, _)| name));
        }
        inner
    }

    /// Decides about one name.
    fn name(
        &self,
        id: ScopeId,
        name: NameId,
        symbol_usage: u16,
        state: &mut State<'_>,
        class: Option<ScopeId>,
    ) -> Result<Visibility> {
        if symbol_usage & usage::GLOBAL != 0 {
            if symbol_usage & usage::NONLOCAL != 0 {
                return self.fail(
                    id,
                    name,
                    format!("name '{}' is nonlocal and global", self.names.str(name)),
                );
            }
            if let Some(bound) = &mut state.bound
                && bound.contains(&name)
            {
                bound.to_mut().remove(&name);
            }
            return Ok(Visibility::GlobalExplicit);
        }
        if symbol_usage & usage::NONLOCAL != 0 {
            let text = self.names.str(name);
            let Some(bound) = &state.bound else {
                return self.fail(id, name, "nonlocal declaration not allowed at module level".to_owned());
            };
            if !bound.contains(&name) {
                return self.fail(id, name, format!("no binding for nonlocal '{text}' found"));
            }
            if state.type_parameters.contains(&name) {
                let message = format!("nonlocal binding not allowed for type parameter '{text}'");
                return self.fail(id, name, message);
            }
            state.free.insert(name);
            return Ok(Visibility::Free);
        }
        if symbol_usage & usage::BOUND != 0 {
            if symbol_usage & usage::TYPE_PARAMETER != 0 {
                state.type_parameters.to_mut().insert(name);
            } else if state.type_parameters.contains(&name) {
                state.type_parameters.to_mut().remove(&name);
            }
            return Ok(Visibility::Local);
        }
        // A scope that sees a class's names takes them from there or from the module, not from functions around.
        if let Some(class) = class
            && name != names::CLASSDICT
        {
            let class_usage = self.table.scope(class).usage(name);
            if class_usage & usage::GLOBAL != 0 {
                return Ok(Visibility::GlobalExplicit);
            }
            if class_usage & usage::BOUND != 0 && class_usage & usage::NONLOCAL == 0 {
                return Ok(Visibility::GlobalImplicit);
            }
        }
        if state.bound.as_ref().is_some_and(|bound| bound.contains(&name)) {
            state.free.insert(name);
            return Ok(Visibility::Free);
        }
        Ok(Visibility::GlobalImplicit)
    }

    fn fail<T>(&self, id: ScopeId, name: NameId, message: String) -> Result<T> {
        let scope = self.table.scope(id);
        let directive = scope.directives.iter().find(|directive| directive.name == name);
        Err(syntax_error(directive.map_or(scope.location, |directive| directive.location), message))
    }

    /// Makes the names of an inlined comprehension names of the scope around it.
    fn inline(
        &mut self,
        id: ScopeId,
        comprehension: ScopeId,
        comprehension_free: &mut Set,
        inlined_cells: &mut Set,
    ) {
        let is_class = self.table.scope(id).kind == ScopeKind::Class;
        let mut removed = Vec::new();
        for place in 0..self.table.scope(comprehension).symbols.len() {
            let (name, symbol) = self.table.scope(comprehension).symbols.at(place);
            if symbol.usage & usage::PARAMETER != 0 {
                continue;
            }
            if symbol.visibility == Visibility::Cell || symbol.usage & usage::COMPREHENSION_CELL != 0 {
                inlined_cells.insert(name);
            }
            let mut seen = symbol.visibility;
            // What a class provides never comes through its own scope.
            if seen == Visibility::Free && is_class && PROVIDED_BY_CLASS.contains(&name) {
                seen = Visibility::GlobalImplicit;
                if !self.is_free_in_any_child(comprehension, name) {
                    comprehension_free.remove(&name);
                }
                removed.push(name);
            }
            match self.table.scope(id).symbols.get(name) {
                None => {
                    let copied = Symbol { usage: symbol.usage, visibility: seen };
                    self.table.scope_mut(id).symbols.set(name, copied);
                }
                Some(mut existing) => {
                    let is_used = symbol.visibility == Visibility::Free && symbol.usage & usage::USE != 0;
                    if is_used && !is_class {
                        existing.usage |= usage::USE;
                        self.table.scope_mut(id).symbols.set(name, existing);
                    }
                    // What was free in the comprehension and is local here is simply local, unless nested scopes use it.
                    let is_bound = existing.usage & usage::BOUND != 0 && !is_class;
                    if is_bound && !self.is_free_in_any_child(comprehension, name) {
                        comprehension_free.remove(&name);
                    }
                }
            }
        }
        for name in removed {
            self.table.scope_mut(comprehension).symbols.remove(name);
        }
    }

    fn is_free_in_any_child(&self, id: ScopeId, name: NameId) -> bool {
        let children = &self.table.scope(id).children;
        children.iter().any(|&child| self.table.scope(child).visibility(name) == Visibility::Free)
    }

    /// Puts the scopes in inlined comprehensions in their place.
    fn splice_inlined(&mut self, id: ScopeId) {
        let children = &self.table.scope(id).children;
        if !children.iter().any(|&child| self.table.scope(child).is_inlined) {
            return;
        }
        let spliced = children
            .iter()
            .flat_map(|&child| {
                let scope = self.table.scope(child);
                if scope.is_inlined { scope.children.clone() } else { vec![child] }
            })
            .collect();
        self.table.scope_mut(id).children = spliced;
    }

    /// A class provides some names to the scopes in it by cells of its own.
    fn drop_class_names(&mut self, id: ScopeId, free: &mut Set) {
        let scope = self.table.scope_mut(id);
        if free.remove(&names::CLASS) {
            scope.needs_class_closure = true;
        }
        if free.remove(&names::CLASSDICT) {
            scope.needs_class_dict = true;
        }
        if free.remove(&names::CONDITIONAL_ANNOTATIONS) {
            scope.has_conditional_annotations = true;
        }
    }

    /// Enters what was decided into the scope.
    fn record(
        &mut self,
        id: ScopeId,
        bound: Option<&Set>,
        free: &Set,
        inlined_cells: &Set,
        sees_class: bool,
    ) {
        let symbols = &mut self.table.scope_mut(id).symbols;
        for place in 0..symbols.len() {
            let (name, mut symbol) = symbols.at(place);
            if inlined_cells.contains(&name) {
                symbol.usage |= usage::COMPREHENSION_CELL;
                symbols.set_at(place, symbol);
            }
        }
        // Names free in nested scopes pass through this one.
        let mut passing: Vec<NameId> = free.iter().copied().collect();
        passing.sort_by(|&left, &right| self.names.compare(left, right));
        for name in passing {
            if let Some(mut symbol) = symbols.get(name) {
                if sees_class {
                    symbol.usage |= usage::FREE_CLASS;
                    symbols.set(name, symbol);
                }
                continue;
            }
            if bound.is_none_or(|bound| bound.contains(&name)) {
                symbols.set(name, Symbol { usage: 0, visibility: Visibility::Free });
            }
        }
    }

    /// Names that are local here and free in nested scopes become cells.
    fn make_cells(&mut self, id: ScopeId, free: &mut Set, inlined_cells: &Set) {
        if free.is_empty() && inlined_cells.is_empty() {
            return;
        }
        let symbols = &mut self.table.scope_mut(id).symbols;
        for place in 0..symbols.len() {
            let (name, symbol) = symbols.at(place);
            if symbol.visibility == Visibility::Local
                && (free.contains(&name) || inlined_cells.contains(&name))
            {
                symbols.set_at(place, Symbol { visibility: Visibility::Cell, ..symbol });
                free.remove(&name);
            }
        }
    }
}
