//! The second pass: where each name lives.

use rustc_hash::{FxHashMap, FxHashSet};

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
    analysis.scope(top, None, &Set::default(), &Set::default(), None)?;
    Ok(())
}

struct Analysis<'a> {
    table: &'a mut SymbolTable,
    names: &'a Names,
}

/// What is decided about one scope so far.
struct State {
    visibility: FxHashMap<NameId, Visibility>,
    /// Names bound here.
    local: Set,
    /// Names that functions around bind; `None` in a module.
    bound: Option<Set>,
    /// Names declared global around or here.
    global: Set,
    /// Names around that are type parameters.
    type_parameters: Set,
    /// Names that are free here.
    free: Set,
}

impl Analysis<'_> {
    /// Analyses a scope and those in it; returns the names that are free in them.
    fn scope(
        &mut self,
        id: ScopeId,
        bound: Option<&Set>,
        global: &Set,
        type_parameters: &Set,
        class: Option<ScopeId>,
    ) -> Result<Set> {
        let scope = self.table.scope(id);
        let kind = scope.kind;
        let is_class = kind == ScopeKind::Class;
        let is_function_like = scope.is_function_like();
        let sees_class_names = scope.sees_class_names;
        // The names visible in nested scopes. A class's own names are not.
        let class_view = is_class.then(|| (bound.cloned().unwrap_or_default(), global.clone()));
        let mut state = State {
            visibility: FxHashMap::default(),
            local: Set::default(),
            bound: bound.cloned(),
            global: global.clone(),
            type_parameters: type_parameters.clone(),
            free: Set::default(),
        };
        for place in 0..self.table.scope(id).symbols.len() {
            let (name, symbol) = self.table.scope(id).symbols.at(place);
            self.name(id, name, symbol.usage, &mut state, class)?;
        }
        let (mut inner_bound, inner_global) =
            class_view.unwrap_or_else(|| (state.bound.clone().unwrap_or_default(), state.global.clone()));
        if is_function_like {
            inner_bound.extend(&state.local);
        } else if is_class {
            inner_bound.extend(PROVIDED_BY_CLASS);
        }
        let mut free = Set::default();
        let mut inlined_cells = Set::default();
        for child in self.table.scope(id).children.clone() {
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
                self.scope(child, Some(&inner_bound), &inner_global, &state.type_parameters, child_class)?;
            if is_inlined {
                self.inline(id, child, &mut state.visibility, &mut child_free, &mut inlined_cells);
                self.table.scope_mut(child).is_inlined = true;
            }
            free.extend(child_free);
        }
        self.splice_inlined(id);
        if is_function_like {
            make_cells(&mut state.visibility, &mut free, &inlined_cells);
        } else if is_class {
            self.drop_class_names(id, &mut free);
        }
        let sees_class = is_class || sees_class_names;
        self.record(id, &state, &free, &inlined_cells, sees_class);
        free.extend(state.free);
        Ok(free)
    }

    /// Decides about one name.
    fn name(
        &self,
        id: ScopeId,
        name: NameId,
        symbol_usage: u16,
        state: &mut State,
        class: Option<ScopeId>,
    ) -> Result<()> {
        if symbol_usage & usage::GLOBAL != 0 {
            if symbol_usage & usage::NONLOCAL != 0 {
                return self.fail(
                    id,
                    name,
                    format!("name '{}' is nonlocal and global", self.names.str(name)),
                );
            }
            state.visibility.insert(name, Visibility::GlobalExplicit);
            state.global.insert(name);
            if let Some(bound) = &mut state.bound {
                bound.remove(&name);
            }
            return Ok(());
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
            state.visibility.insert(name, Visibility::Free);
            state.free.insert(name);
            return Ok(());
        }
        if symbol_usage & usage::BOUND != 0 {
            state.visibility.insert(name, Visibility::Local);
            state.local.insert(name);
            state.global.remove(&name);
            if symbol_usage & usage::TYPE_PARAMETER != 0 {
                state.type_parameters.insert(name);
            } else {
                state.type_parameters.remove(&name);
            }
            return Ok(());
        }
        // A scope that sees a class's names takes them from there or from the module, not from functions around.
        if let Some(class) = class
            && name != names::CLASSDICT
        {
            let class_usage = self.table.scope(class).usage(name);
            if class_usage & usage::GLOBAL != 0 {
                state.visibility.insert(name, Visibility::GlobalExplicit);
                return Ok(());
            }
            if class_usage & usage::BOUND != 0 && class_usage & usage::NONLOCAL == 0 {
                state.visibility.insert(name, Visibility::GlobalImplicit);
                return Ok(());
            }
        }
        if state.bound.as_ref().is_some_and(|bound| bound.contains(&name)) {
            state.visibility.insert(name, Visibility::Free);
            state.free.insert(name);
        } else {
            state.visibility.insert(name, Visibility::GlobalImplicit);
        }
        Ok(())
    }

    fn fail(&self, id: ScopeId, name: NameId, message: String) -> Result<()> {
        let scope = self.table.scope(id);
        let directive = scope.directives.iter().find(|directive| directive.name == name);
        Err(syntax_error(directive.map_or(scope.location, |directive| directive.location), message))
    }

    /// Makes the names of an inlined comprehension names of the scope around it.
    fn inline(
        &mut self,
        id: ScopeId,
        comprehension: ScopeId,
        visibility: &mut FxHashMap<NameId, Visibility>,
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
                    let copied = Symbol { usage: symbol.usage, ..Symbol::default() };
                    self.table.scope_mut(id).symbols.set(name, copied);
                    visibility.insert(name, seen);
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
    fn record(&mut self, id: ScopeId, state: &State, free: &Set, inlined_cells: &Set, sees_class: bool) {
        let symbols = &mut self.table.scope_mut(id).symbols;
        for place in 0..symbols.len() {
            let (name, mut symbol) = symbols.at(place);
            if inlined_cells.contains(&name) {
                symbol.usage |= usage::COMPREHENSION_CELL;
            }
            if let Some(&visibility) = state.visibility.get(&name) {
                symbol.visibility = visibility;
            }
            symbols.set(name, symbol);
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
            if state.bound.as_ref().is_none_or(|bound| bound.contains(&name)) {
                symbols.set(name, Symbol { usage: 0, visibility: Visibility::Free });
            }
        }
    }
}

/// Names that are local here and free in nested scopes become cells.
fn make_cells(visibility: &mut FxHashMap<NameId, Visibility>, free: &mut Set, inlined_cells: &Set) {
    for (name, seen) in visibility {
        if *seen == Visibility::Local && (free.contains(name) || inlined_cells.contains(name)) {
            *seen = Visibility::Cell;
            free.remove(name);
        }
    }
}
