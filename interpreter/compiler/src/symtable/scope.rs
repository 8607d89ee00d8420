//! The data of symbol tables: scopes and their symbols.

use rspy_code::Location;
use rustc_hash::FxHashMap;

use crate::names::NameId;

/// What a scope does with a name, as a set of bits.
pub mod usage {
    /// Declares it `global`.
    pub const GLOBAL: u16 = 1;
    /// Assigns to it.
    pub const LOCAL: u16 = 1 << 1;
    /// Has it as a parameter.
    pub const PARAMETER: u16 = 1 << 2;
    /// Declares it `nonlocal`.
    pub const NONLOCAL: u16 = 1 << 3;
    /// Reads it.
    pub const USE: u16 = 1 << 4;
    /// Has methods in which it is free, while it means something else here.
    pub const FREE_CLASS: u16 = 1 << 6;
    /// Imports it.
    pub const IMPORT: u16 = 1 << 7;
    /// Annotates it.
    pub const ANNOTATED: u16 = 1 << 8;
    /// Iterates it in a comprehension.
    pub const COMPREHENSION_ITERATION: u16 = 1 << 9;
    /// Has it as a type parameter.
    pub const TYPE_PARAMETER: u16 = 1 << 10;
    /// Has it as a cell in an inlined comprehension.
    pub const COMPREHENSION_CELL: u16 = 1 << 11;
    /// Binds it in any way.
    pub const BOUND: u16 = LOCAL | PARAMETER | IMPORT;
}

/// Where a name lives, seen from a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Visibility {
    /// The scope does not know the name.
    #[default]
    Unknown,
    /// In the scope itself.
    Local,
    /// In the module, by declaration.
    GlobalExplicit,
    /// In the module or the builtins.
    GlobalImplicit,
    /// In a surrounding scope.
    Free,
    /// In the scope itself, and nested scopes use it.
    Cell,
}

/// What is known about a name in a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Symbol {
    /// What the scope does with it: bits of [`usage`].
    pub usage: u16,
    /// Where it lives.
    pub visibility: Visibility,
}

/// Names and what is known about them, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    entries: Vec<(NameId, Symbol)>,
    places: FxHashMap<NameId, u32>,
}

/// Up to this size, names are found by looking at each.
const SMALL: usize = 8;

impl Symbols {
    fn place(&self, name: NameId) -> Option<usize> {
        if self.entries.len() <= SMALL {
            self.entries.iter().position(|&(known, _)| known == name)
        } else {
            self.places.get(&name).map(|&place| place as usize)
        }
    }

    /// What is known about a name.
    pub fn get(&self, name: NameId) -> Option<Symbol> {
        self.place(name).map(|place| self.entries[place].1)
    }

    /// Sets what is known about a name.
    pub fn set(&mut self, name: NameId, symbol: Symbol) {
        if let Some(place) = self.place(name) {
            self.entries[place].1 = symbol;
            return;
        }
        self.entries.push((name, symbol));
        if self.entries.len() == SMALL + 1 {
            let entries = self.entries.iter().enumerate();
            self.places = entries.map(|(place, &(name, _))| (name, place as u32)).collect();
        } else if self.entries.len() > SMALL {
            self.places.insert(name, self.entries.len() as u32 - 1);
        }
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: NameId) {
        self.entries.retain(|&(known, _)| known != name);
        self.places =
            self.entries.iter().enumerate().map(|(place, &(name, _))| (name, place as u32)).collect();
    }

    /// All names, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (NameId, Symbol)> + '_ {
        self.entries.iter().copied()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The name at a place, and what is known about it.
    pub fn at(&self, place: usize) -> (NameId, Symbol) {
        self.entries[place]
    }

    /// Sets what is known about the name at a place.
    pub fn set_at(&mut self, place: usize, symbol: Symbol) {
        self.entries[place].1 = symbol;
    }
}

/// A scope of a symbol table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ScopeId(pub(super) u32);

/// The kinds of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeKind {
    /// A function, lambda or comprehension.
    Function,
    /// A class body.
    Class,
    /// A module.
    Module,
    /// Annotations (PEP 649).
    Annotation,
    /// The bound or the default of a type parameter.
    TypeVariable,
    /// The value of a type alias.
    TypeAlias,
    /// The type parameters of something generic (PEP 695).
    TypeParameters,
}

/// The kinds of comprehensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comprehension {
    /// `[…]`
    List,
    /// `{…}`
    Set,
    /// `{…: …}`
    Dict,
    /// `(…)`
    Generator,
}

/// A `global` or `nonlocal` declaration, or what amounts to one.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// The name declared.
    pub name: NameId,
    /// Where.
    pub location: Location,
}

/// A scope.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What kind of scope.
    pub kind: ScopeKind,
    /// Its name.
    pub name: NameId,
    /// Its symbols.
    pub symbols: Symbols,
    /// Its parameters.
    pub parameters: Vec<NameId>,
    /// The scopes in it.
    pub children: Vec<ScopeId>,
    /// The declarations in it.
    pub directives: Vec<Directive>,
    /// The set of names to mangle here if not all names are: an index into the table's sets.
    pub mangled_names: Option<usize>,
    /// Where it starts.
    pub location: Location,
    /// Of the bound or default of a type parameter: which, in words.
    pub description: &'static str,
    /// Whether it stands in a function.
    pub is_nested: bool,
    /// Whether it yields.
    pub is_generator: bool,
    /// Whether it awaits, or is declared to.
    pub is_coroutine: bool,
    /// Which kind of comprehension it is.
    pub comprehension: Option<Comprehension>,
    /// Whether annotations stand in it.
    pub annotations_used: bool,
    /// Whether it has `*args`.
    pub has_varargs: bool,
    /// Whether it has `**kwargs`.
    pub has_varkeywords: bool,
    /// Of a class: whether methods use `__class__`.
    pub needs_class_closure: bool,
    /// Of a class: whether scopes in it look at its namespace.
    pub needs_class_dict: bool,
    /// Of a comprehension: whether it is part of the code around it (PEP 709).
    pub is_inlined: bool,
    /// Whether it sees the names of the class around it.
    pub sees_class_names: bool,
    /// Whether it has documentation.
    pub has_docstring: bool,
    /// Whether it is a function in a class.
    pub is_method: bool,
    /// Whether it notes which annotations are executed.
    pub has_conditional_annotations: bool,
    /// The scope of its annotations.
    pub annotations: Option<ScopeId>,
    pub(super) in_comprehension_target: bool,
    pub(super) in_conditional_block: bool,
    pub(super) in_unevaluated_annotation: bool,
    pub(super) comprehension_iterable_depth: u32,
}

impl Scope {
    pub(super) fn new(kind: ScopeKind, name: NameId, location: Location) -> Self {
        Self {
            kind,
            name,
            symbols: Symbols::default(),
            parameters: Vec::new(),
            children: Vec::new(),
            directives: Vec::new(),
            mangled_names: None,
            location,
            description: "",
            is_nested: false,
            is_generator: false,
            is_coroutine: false,
            comprehension: None,
            annotations_used: false,
            has_varargs: false,
            has_varkeywords: false,
            needs_class_closure: false,
            needs_class_dict: false,
            is_inlined: false,
            sees_class_names: false,
            has_docstring: false,
            is_method: false,
            has_conditional_annotations: false,
            annotations: None,
            in_comprehension_target: false,
            in_conditional_block: false,
            in_unevaluated_annotation: false,
            comprehension_iterable_depth: 0,
        }
    }

    /// Whether its local variables live in a frame of its own.
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, ScopeKind::Class | ScopeKind::Module)
    }

    /// Where a name lives, seen from here.
    pub fn visibility(&self, name: NameId) -> Visibility {
        self.symbols.get(name).map_or(Visibility::Unknown, |symbol| symbol.visibility)
    }

    /// What this scope does with a name.
    pub fn usage(&self, name: NameId) -> u16 {
        self.symbols.get(name).map_or(0, |symbol| symbol.usage)
    }
}

/// Which of the scopes that belong to a node is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ScopeRole {
    /// That of the node itself.
    Body,
    /// That of its type parameters.
    TypeParameters,
    /// That of a type parameter's bound.
    Bound,
    /// That of a type parameter's default.
    Default,
    /// That of a function's annotations.
    Annotations,
}

/// Which scope belongs to a node: the node's address and a role.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ScopeKey {
    address: usize,
    role: ScopeRole,
}

impl ScopeKey {
    /// The key of a node's scope.
    pub fn new<T>(node: &T, role: ScopeRole) -> Self {
        Self { address: std::ptr::from_ref(node) as usize, role }
    }
}

/// The symbol table of a module.
#[derive(Debug)]
pub struct SymbolTable {
    pub(super) scopes: Vec<Scope>,
    pub(super) keys: FxHashMap<ScopeKey, ScopeId>,
    pub(super) top: ScopeId,
    pub(super) mangled_names: Vec<rustc_hash::FxHashSet<NameId>>,
}

impl SymbolTable {
    /// A scope.
    pub fn scope(&self, scope: ScopeId) -> &Scope {
        &self.scopes[scope.0 as usize]
    }

    /// A scope, to be changed.
    pub fn scope_mut(&mut self, scope: ScopeId) -> &mut Scope {
        &mut self.scopes[scope.0 as usize]
    }

    /// The module's scope.
    pub fn top(&self) -> ScopeId {
        self.top
    }

    /// The scope that belongs to a node.
    pub fn lookup(&self, key: ScopeKey) -> Option<ScopeId> {
        self.keys.get(&key).copied()
    }

    /// Whether a name is to be mangled in a scope.
    pub fn mangles(&self, scope: ScopeId, name: NameId) -> bool {
        self.scope(scope).mangled_names.is_none_or(|set| self.mangled_names[set].contains(&name))
    }
}
