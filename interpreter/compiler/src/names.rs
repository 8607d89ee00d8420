//! [`NameId`]: identifiers as small numbers, equal if and only if the text is.

use std::cmp::Ordering;

use rspy_code::Text;
use rspy_syntax::ast::Name;
use rustc_hash::FxHashMap;

/// An identifier of one compilation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NameId(u32);

/// Every identifier seen so far.
#[derive(Debug)]
pub struct Names {
    ids: FxHashMap<Text, NameId>,
    texts: Vec<Text>,
}

/// Makes constants for the identifiers that the compiler itself knows.
macro_rules! known_names {
    ($($name:ident = $text:literal,)*) => {
        known_names!(@ids 0u32, $($name,)*);

        const KNOWN: &[&str] = &[$($text),*];
    };
    (@ids $index:expr, $name:ident, $($rest:ident,)*) => {
        #[doc = "A name that the compiler knows."]
        pub const $name: NameId = NameId($index);
        known_names!(@ids $index + 1u32, $($rest,)*);
    };
    (@ids $index:expr,) => {};
}

known_names! {
    EMPTY = "",
    TOP = "top",
    LAMBDA = "lambda",
    GENEXPR = "genexpr",
    LISTCOMP = "listcomp",
    SETCOMP = "setcomp",
    DICTCOMP = "dictcomp",
    ANONYMOUS_MODULE = "<module>",
    ANONYMOUS_LAMBDA = "<lambda>",
    ANONYMOUS_GENEXPR = "<genexpr>",
    ANONYMOUS_LISTCOMP = "<listcomp>",
    ANONYMOUS_SETCOMP = "<setcomp>",
    ANONYMOUS_DICTCOMP = "<dictcomp>",
    FORMAT = "format",
    DOT_FORMAT = ".format",
    DOT_ZERO = ".0",
    DOT_TYPE_PARAMS = ".type_params",
    DOT_GENERIC_BASE = ".generic_base",
    DOT_DEFAULTS = ".defaults",
    DOT_KWDEFAULTS = ".kwdefaults",
    CLASS = "__class__",
    CLASSDICT = "__classdict__",
    CLASSCELL = "__classcell__",
    CLASSDICTCELL = "__classdictcell__",
    CONDITIONAL_ANNOTATIONS = "__conditional_annotations__",
    ANNOTATE = "__annotate__",
    ANNOTATE_FUNC = "__annotate_func__",
    ANNOTATIONS = "__annotations__",
    DOC = "__doc__",
    NAME = "__name__",
    MODULE = "__module__",
    QUALNAME = "__qualname__",
    FIRSTLINENO = "__firstlineno__",
    STATIC_ATTRIBUTES = "__static_attributes__",
    TYPE_PARAMS = "__type_params__",
    RETURN = "return",
    SUPER = "super",
    DEBUG = "__debug__",
    JOIN = "join",
}

impl Names {
    /// The names that the compiler knows.
    pub fn new() -> Self {
        let mut names = Self { ids: FxHashMap::default(), texts: Vec::new() };
        for text in KNOWN {
            names.intern(text);
        }
        names
    }

    /// The number of an identifier.
    pub fn intern(&mut self, text: &str) -> NameId {
        match self.find(text) {
            Some(id) => id,
            None => self.add(text.into()),
        }
    }

    /// The number of an identifier of the tree.
    pub fn intern_name(&mut self, name: &Name) -> NameId {
        match self.find(name) {
            Some(id) => id,
            None => self.add(name.to_text()),
        }
    }

    /// The number of an identifier, which need not be valid UTF-8.
    pub fn intern_text(&mut self, text: &Text) -> NameId {
        match self.ids.get(text) {
            Some(&id) => id,
            None => self.add(text.clone()),
        }
    }

    fn add(&mut self, text: Text) -> NameId {
        let id = NameId(self.texts.len() as u32);
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    /// The identifier's text.
    pub fn text(&self, name: NameId) -> &Text {
        &self.texts[name.0 as usize]
    }

    /// The identifier's text.
    pub fn str(&self, name: NameId) -> &str {
        self.text(name).as_utf8().unwrap_or_default()
    }

    /// Python's order of strings.
    pub fn compare(&self, left: NameId, right: NameId) -> Ordering {
        self.text(left).cmp(self.text(right))
    }

    /// `__name` inside `class Class` is `_Class__name`, however it is used.
    pub fn mangle(&mut self, class: Option<NameId>, name: NameId) -> NameId {
        match self.mangled(class, name) {
            Some(mangled) => self.intern(&mangled),
            None => name,
        }
    }

    /// The mangled name, if mangling changes it.
    pub fn mangled(&self, class: Option<NameId>, name: NameId) -> Option<String> {
        if !self.text(name).as_bytes().starts_with(b"__") {
            return None;
        }
        let text = self.str(name);
        if text.ends_with("__") || text.contains('.') {
            return None;
        }
        let class = self.str(class?).trim_start_matches('_');
        (!class.is_empty()).then(|| format!("_{class}{text}"))
    }

    /// Whether a text is an identifier that was seen.
    pub fn is_known(&self, text: &Text) -> bool {
        self.ids.contains_key(text)
    }

    /// The number of an identifier, if it was seen before.
    pub fn find(&self, text: &str) -> Option<NameId> {
        self.ids.get(text.as_bytes()).copied()
    }
}

/// Whether a text is the name of a builtin. CPython has interned these before it compiles anything.
pub fn is_builtin(text: &Text) -> bool {
    text.as_utf8().is_some_and(|text| BUILTINS.split_whitespace().any(|name| name == text))
}

const BUILTINS: &str = "
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError
    BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
    ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception
    ExceptionGroup False FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError
    ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError
    KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError None NotADirectoryError NotImplemented
    NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError ProcessLookupError
    PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning
    StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError True
    TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError
    UnicodeWarning UserWarning ValueError Warning ZeroDivisionError _IncompleteInputError __build_class__ __debug__
    __doc__ __import__ __loader__ __name__ __package__ __spec__ abs aiter all anext any ascii bin bool breakpoint
    bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate eval exec filter
    float format frozenset getattr globals hasattr hash hex id input int isinstance issubclass iter len list locals
    map max memoryview min next object oct open ord pow print property range repr reversed round set setattr slice
    sorted staticmethod str sum super tuple type vars zip
";
