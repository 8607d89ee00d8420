//! Code objects to marshal bytes and back.
//!
//! Marshal flags an object if more than one reference to it exists, and writes it once. Plain data has no object
//! identity, so [`dump`] derives CPython's: its compiler keeps equal constants, name tuples and tables of one
//! compilation as one object, some values exist once in the whole process (small integers, the empty tuple, strings of
//! one Latin-1 character), and strings that look like names are interned.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use num_bigint::BigInt;
use rustc_hash::{FxHashMap, FxHashSet};

use super::read::{Builder, CodeParts, Container, ReadError, read};
use super::write::{WriteError, Writer};
use crate::code_object::flags;
use crate::{CodeObject, Constant, Opcode, Text};

/// Writes a code object in the given version, as CPython does for one that nobody else holds: the bytes are those of
/// `marshal.dumps(compile(…))`.
pub fn dump(code: &CodeObject, version: u32) -> Result<Vec<u8>, WriteError> {
    dump_root(code, version, 1)
}

/// Writes a code object in the given version, as CPython does for one that is still held: the bytes are those in a `.pyc`
/// file.
pub fn dump_held(code: &CodeObject, version: u32) -> Result<Vec<u8>, WriteError> {
    dump_root(code, version, 2)
}

/// As [`dump_held`] for code that was compiled without columns. CPython makes line tables of its own for such code, which
/// are not shared as others are.
pub fn dump_held_without_columns(code: &CodeObject, version: u32) -> Result<Vec<u8>, WriteError> {
    dump_objects(code, version, 2, Objects { has_own_line_tables: true, ..Objects::default() })
}

fn dump_root(code: &CodeObject, version: u32, references: u32) -> Result<Vec<u8>, WriteError> {
    dump_objects(code, version, references, Objects::default())
}

fn dump_objects<'a>(
    code: &'a CodeObject,
    version: u32,
    references: u32,
    mut objects: Objects<'a>,
) -> Result<Vec<u8>, WriteError> {
    objects.note_names(code, &mut ALREADY_INTERNED.iter().map(|name| name.as_bytes()).collect());
    let root = objects.code(code);
    objects.list[root].references += references;
    let mut dumper = Dumper {
        writer: Writer::new(version),
        places: vec![None; objects.list.len()],
        place_count: 0,
        placed: Vec::new(),
        apart: None,
        objects: &objects,
    };
    dumper.object(root)?;
    Ok(dumper.writer.finish())
}

/// Reads a code object.
pub fn load(mut bytes: &[u8]) -> Result<Arc<CodeObject>, LoadError> {
    match read(&mut bytes, &mut PlainBuilder, true)? {
        Plain::Constant(Constant::Code(code)) => Ok(code),
        _ => Err(LoadError::Unexpected("code object")),
    }
}

/// Why no code object could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The bytes are no marshal data.
    Read(ReadError),
    /// There is something that cannot stand in a code object, or not at that place; what was expected, the text says.
    Unexpected(&'static str),
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Unexpected(what) => write!(f, "bad marshal data ({what} expected)"),
        }
    }
}

impl std::error::Error for LoadError {}

/// The percent sign that a compiler makes of the `%%` in a format. Other strings of one character exist once in the whole
/// process and are interned; CPython makes this one by replacing, and it is neither.
pub fn replaced_percent_sign() -> Text {
    static PERCENT_SIGN: OnceLock<Text> = OnceLock::new();
    PERCENT_SIGN.get_or_init(|| Text::from("%")).clone()
}

/// Whether CPython interns a string constant: it looks like a name, or it is one of the strings made once for all.
pub fn is_interned_constant(text: &Text) -> bool {
    let bytes = text.as_bytes();
    let is_name_like = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_name_like || is_latin1_character(bytes) && !text.is_same(&replaced_percent_sign())
}

fn is_latin1_character(bytes: &[u8]) -> bool {
    matches!(bytes, [0..0x80] | [0xC2..=0xC3, _])
}

/// Qualified names of local classes in CPython's own import system. They are interned before any code is compiled.
const ALREADY_INTERNED: [&str; 1] = ["_WeakValueDictionary.__init__.<locals>.KeyedRef"];

/// An object as CPython would have it: where its contents stand, and how many references to it there are.
struct Object<'a> {
    content: Content<'a>,
    references: u32,
}

enum Content<'a> {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    BigInt(&'a BigInt),
    Float(f64),
    Complex(f64, f64),
    Text(&'a Text, bool),
    Bytes(&'a [u8]),
    Tuple(Rc<[usize]>),
    FrozenSet(Vec<usize>),
    Slice([usize; 3]),
    Code(&'a CodeObject, Box<CodeItems>),
}

/// The objects a code object refers to.
struct CodeItems {
    code: usize,
    constants: usize,
    names: usize,
    locals_plus_names: usize,
    locals_plus_kinds: usize,
    filename: usize,
    name: usize,
    qualified_name: usize,
    line_table: usize,
    exception_table: usize,
}

/// What makes two objects the same one, tuples aside.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'a> {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    BigInt(&'a BigInt),
    Float(u64),
    Complex(u64, u64),
    Text(&'a [u8], bool),
    Bytes(&'a [u8]),
    FrozenSet(*const Constant),
    Slice(&'a [Constant; 3]),
    Code(*const CodeObject),
}

/// References to an object that is never freed.
const IMMORTAL: u32 = 1 << 31;

#[derive(Default)]
struct Objects<'a> {
    list: Vec<Object<'a>>,
    known: FxHashMap<Identity<'a>, usize>,
    /// The tuples by their items.
    tuples: FxHashMap<Rc<[usize]>, usize>,
    /// The items of the tuples that are being looked at, each behind those of the tuple it is in.
    items: Vec<usize>,
    /// Strings that are interned although they do not look like names in ASCII.
    interned: FxHashSet<&'a [u8]>,
    /// Where names are kept that are not ASCII: a constant is interned if it is such a name, not if it merely equals one.
    foreign_names: FxHashSet<*const u8>,
    /// Each code object's line table is an object of its own.
    has_own_line_tables: bool,
}

/// Names that are not ASCII of keyword arguments and of attributes in class patterns: they stand in constants alone.
fn foreign_keywords(code: &CodeObject) -> impl Iterator<Item = &Text> {
    let tuples = code.constants.iter().enumerate().filter_map(|(index, constant)| match constant {
        Constant::Tuple(items) => Some((index, &**items)),
        _ => None,
    });
    let foreign = |item: &Constant| matches!(item, Constant::Str(text) if !text.is_ascii());
    let candidates: Vec<_> = tuples.filter(|(_, items)| items.iter().any(foreign)).collect();
    let loaded = if candidates.is_empty() { Vec::new() } else { tuples_of_names(&code.code) };
    let named = candidates.into_iter().filter(move |(index, _)| loaded.contains(index));
    named.flat_map(|(_, items)| items).filter_map(|item| match item {
        Constant::Str(text) if !text.is_ascii() => Some(text),
        _ => None,
    })
}

/// The constants that are loaded right before an instruction which takes a tuple of names.
fn tuples_of_names(code: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut oparg, mut loaded) = (0, None);
    let mut units = code.chunks_exact(2);
    while let Some(&[opcode, low]) = units.next() {
        let Ok(opcode) = Opcode::try_from(opcode) else { continue };
        oparg = oparg << 8 | usize::from(low);
        match opcode {
            Opcode::ExtendedArg => continue,
            Opcode::CallKw | Opcode::MatchClass => found.extend(loaded),
            _ => {}
        }
        loaded = (opcode == Opcode::LoadConst).then_some(oparg);
        oparg = 0;
        units.by_ref().take(opcode.cache_entries()).for_each(drop);
    }
    found
}

impl<'a> Objects<'a> {
    fn is_interned_otherwise(&self, text: &Text) -> bool {
        self.interned.contains(text.as_bytes())
            || !text.is_ascii() && self.foreign_names.contains(&text.as_bytes().as_ptr())
    }

    /// Notes which strings are interned for another reason than their looks, in the order in which CPython makes the code
    /// objects.
    fn note_names(&mut self, code: &'a CodeObject, seen: &mut FxHashSet<&'a [u8]>) {
        for constant in code.constants.iter() {
            if let Constant::Code(code) = constant {
                self.note_names(code, seen);
            }
        }
        let names = code.names.iter().chain(code.locals_plus_names.iter()).chain([&code.name]);
        let foreign = names.filter(|name| !name.is_ascii()).chain(foreign_keywords(code));
        self.foreign_names.extend(foreign.map(|name| name.as_bytes().as_ptr()));
        let qualified_name = code.qualified_name.as_bytes();
        // The constant from which a class body takes its qualified name is the very string that the code object interns,
        // unless there is an equal one already.
        let is_class_body = code.flags & flags::OPTIMIZED == 0
            && matches!(code.constants.first(), Some(Constant::Str(first)) if *first == code.qualified_name);
        if is_class_body && !seen.contains(qualified_name) {
            self.interned.insert(qualified_name);
        }
        seen.insert(qualified_name);
    }

    fn add(&mut self, content: Content<'a>, references: u32) -> usize {
        self.list.push(Object { content, references });
        self.list.len() - 1
    }

    /// The object with this identity, made if there is none; either way without counting a reference.
    fn find(
        &mut self,
        identity: Identity<'a>,
        references: u32,
        content: impl FnOnce() -> Content<'a>,
    ) -> usize {
        if let Some(&object) = self.known.get(&identity) {
            return object;
        }
        let object = self.add(content(), references);
        self.known.insert(identity, object);
        object
    }

    fn refer(&mut self, object: usize) -> usize {
        self.list[object].references += 1;
        object
    }

    fn text(&mut self, text: &'a Text, interned: bool) -> usize {
        let references = if interned { IMMORTAL } else { 0 };
        self.find(Identity::Text(text.as_bytes(), interned), references, || Content::Text(text, interned))
    }

    /// A bytes object that equals no other by being kept with the constants.
    fn own_bytes(&mut self, bytes: &'a [u8]) -> usize {
        if bytes.is_empty() { self.bytes(bytes) } else { self.add(Content::Bytes(bytes), 0) }
    }

    fn bytes(&mut self, bytes: &'a [u8]) -> usize {
        let references = if bytes.len() < 2 { IMMORTAL } else { 0 };
        self.find(Identity::Bytes(bytes), references, || Content::Bytes(bytes))
    }

    /// The tuple of all items from a place on.
    fn tuple(&mut self, start: usize) -> usize {
        let items = &self.items[start..];
        if let Some(&object) = self.tuples.get(items) {
            self.items.truncate(start);
            return object;
        }
        for &item in items {
            self.list[item].references += 1;
        }
        let references = if items.is_empty() { IMMORTAL } else { 0 };
        let items: Rc<[usize]> = items.into();
        self.items.truncate(start);
        let object = self.add(Content::Tuple(items.clone()), references);
        self.tuples.insert(items, object);
        object
    }

    fn names(&mut self, names: &'a [Text]) -> usize {
        let start = self.items.len();
        for name in names {
            let item = self.text(name, true);
            self.items.push(item);
        }
        self.tuple(start)
    }

    /// The names of local variables, which are a tuple of its own where the compiler renamed a parameter last: that of
    /// `__annotate__`.
    fn local_names(&mut self, code: &'a CodeObject) -> usize {
        let names = &code.locals_plus_names;
        let is_annotate = code.name == "__annotate__"
            && code.positional_only_arg_count == 1
            && names.first().is_some_and(|first| *first == "format");
        if !is_annotate {
            return self.names(names);
        }
        let items = names.iter().map(|name| self.text(name, true)).collect();
        self.add(Content::Tuple(items), 0)
    }

    fn constants(&mut self, constants: &'a [Constant]) -> usize {
        let start = self.items.len();
        for constant in constants {
            let item = self.constant(constant);
            self.items.push(item);
        }
        self.tuple(start)
    }

    fn constant(&mut self, constant: &'a Constant) -> usize {
        match constant {
            Constant::None => self.find(Identity::None, IMMORTAL, || Content::None),
            Constant::Ellipsis => self.find(Identity::Ellipsis, IMMORTAL, || Content::Ellipsis),
            Constant::Bool(value) => self.find(Identity::Bool(*value), IMMORTAL, || Content::Bool(*value)),
            Constant::Int(value) => {
                let references = if (-5..=256).contains(value) { IMMORTAL } else { 0 };
                self.find(Identity::Int(*value), references, || Content::Int(*value))
            }
            Constant::BigInt(value) => self.find(Identity::BigInt(value), 0, || Content::BigInt(value)),
            // A NaN equals nothing, so each is an object of its own.
            Constant::Float(value) if value.is_nan() => self.add(Content::Float(*value), 0),
            Constant::Float(value) => {
                self.find(Identity::Float(value.to_bits()), 0, || Content::Float(*value))
            }
            Constant::Complex { real, imaginary } if real.is_nan() || imaginary.is_nan() => {
                self.add(Content::Complex(*real, *imaginary), 0)
            }
            Constant::Complex { real, imaginary } => {
                self.find(Identity::Complex(real.to_bits(), imaginary.to_bits()), 0, || {
                    Content::Complex(*real, *imaginary)
                })
            }
            Constant::Str(text) => {
                let interned = is_interned_constant(text) || self.is_interned_otherwise(text);
                self.text(text, interned)
            }
            Constant::Bytes(bytes) => self.bytes(bytes),
            Constant::Tuple(items) => self.constants(items),
            Constant::FrozenSet(items) => self.frozen_set(items),
            Constant::Slice(items) => {
                if let Some(&object) = self.known.get(&Identity::Slice(items)) {
                    return object;
                }
                let own = [&items[0], &items[1], &items[2]].map(|item| self.slice_item(item));
                self.find(Identity::Slice(items), 0, || Content::Slice(own))
            }
            Constant::Code(code) => {
                if let Some(&object) = self.known.get(&Identity::Code(Arc::as_ptr(code))) {
                    return object;
                }
                let object = self.code(code);
                self.known.insert(Identity::Code(Arc::as_ptr(code)), object);
                object
            }
        }
    }

    /// An item of a slice. The compiler does not merge these with other constants.
    fn slice_item(&mut self, item: &'a Constant) -> usize {
        let object = self.constant(item);
        let object = if self.list[object].references >= IMMORTAL {
            object
        } else {
            match *item {
                Constant::Int(value) => self.add(Content::Int(value), 0),
                Constant::Float(value) => self.add(Content::Float(value), 0),
                Constant::Complex { real, imaginary } => self.add(Content::Complex(real, imaginary), 0),
                Constant::BigInt(ref value) => self.add(Content::BigInt(value), 0),
                Constant::Str(ref text) => self.add(Content::Text(text, false), 0),
                Constant::Bytes(ref bytes) => self.add(Content::Bytes(bytes), 0),
                _ => object,
            }
        };
        self.refer(object)
    }

    fn frozen_set(&mut self, items: &'a [Constant]) -> usize {
        let identity = items.as_ptr();
        if let Some(&object) = self.known.get(&Identity::FrozenSet(identity)) {
            return object;
        }
        let items: Vec<usize> = items.iter().map(|item| self.constant(item)).collect();
        for &item in &items {
            self.refer(item);
            // Sorting the items takes another reference to each.
            self.refer(item);
        }
        self.find(Identity::FrozenSet(identity), 0, || Content::FrozenSet(items))
    }

    fn code(&mut self, code: &'a CodeObject) -> usize {
        let bytecode = self.own_bytes(&code.code);
        // Asking a code object for its bytecode makes a bytes object that it keeps.
        self.refer(bytecode);
        let items = CodeItems {
            code: bytecode,
            constants: self.constants(&code.constants),
            names: self.names(&code.names),
            locals_plus_names: self.local_names(code),
            locals_plus_kinds: self.own_bytes(&code.locals_plus_kinds),
            filename: self.text(&code.filename, true),
            name: self.text(&code.name, true),
            qualified_name: self.text(&code.qualified_name, true),
            line_table: if self.has_own_line_tables {
                self.own_bytes(&code.line_table)
            } else {
                self.bytes(&code.line_table)
            },
            exception_table: self.bytes(&code.exception_table),
        };
        for item in [
            items.code,
            items.constants,
            items.names,
            items.locals_plus_names,
            items.locals_plus_kinds,
            items.filename,
            items.name,
            items.qualified_name,
            items.line_table,
            items.exception_table,
        ] {
            self.refer(item);
        }
        self.add(Content::Code(code, Box::new(items)), 0)
    }
}

struct Dumper<'o, 'a> {
    writer: Writer,
    objects: &'o Objects<'a>,
    /// The number under which each object was flagged.
    places: Vec<Option<usize>>,
    place_count: usize,
    /// The objects that have a place.
    placed: Vec<usize>,
    /// What the items of sets are written with to find their order.
    apart: Option<Box<Self>>,
}

impl Dumper<'_, '_> {
    /// Writes an object to which the caller holds a reference, so that it is flagged.
    fn alone(&mut self, object: usize) -> Result<(), WriteError> {
        match self.objects.list[object].content {
            Content::None | Content::Ellipsis | Content::Bool(_) => self.object(object),
            _ => {
                self.writer.enter()?;
                self.place(object);
                self.content(object, self.writer.has_references())
            }
        }
    }

    fn place(&mut self, object: usize) {
        self.places[object] = Some(self.place_count);
        self.place_count += 1;
        self.placed.push(object);
    }

    /// What was written. Forgets all of it, places included.
    fn take_bytes(&mut self) -> Vec<u8> {
        for object in self.placed.drain(..) {
            self.places[object] = None;
        }
        self.place_count = 0;
        let version = self.writer.version();
        std::mem::replace(&mut self.writer, Writer::new(version)).finish()
    }

    fn object(&mut self, object: usize) -> Result<(), WriteError> {
        self.writer.enter()?;
        match self.objects.list[object].content {
            Content::None => self.writer.none(),
            Content::Ellipsis => self.writer.ellipsis(),
            Content::Bool(value) => self.writer.bool(value),
            _ => self.shared(object)?,
        }
        self.writer.leave();
        Ok(())
    }

    fn shared(&mut self, object: usize) -> Result<(), WriteError> {
        if let Some(place) = self.places[object] {
            return self.writer.reference(place);
        }
        let flagged = self.writer.has_references() && self.objects.list[object].references > 1;
        if flagged {
            self.place(object);
        }
        self.content(object, flagged)
    }

    fn content(&mut self, object: usize, flagged: bool) -> Result<(), WriteError> {
        let objects = self.objects;
        let writer = &mut self.writer;
        match &objects.list[object].content {
            Content::None | Content::Ellipsis | Content::Bool(_) => {}
            Content::Int(value) => writer.int(*value, flagged),
            Content::BigInt(value) => writer.big_int(value, flagged)?,
            Content::Float(value) => writer.float(*value, flagged),
            Content::Complex(real, imaginary) => writer.complex(*real, *imaginary, flagged),
            Content::Text(text, interned) => writer.text(text.as_bytes(), *interned, flagged)?,
            Content::Bytes(bytes) => writer.bytes(bytes, flagged)?,
            Content::Tuple(items) => {
                writer.tuple(items.len(), flagged)?;
                for &item in &**items {
                    self.object(item)?;
                }
            }
            Content::FrozenSet(items) => {
                writer.frozen_set(items.len(), flagged)?;
                for item in self.in_order(items)? {
                    self.object(item)?;
                }
            }
            Content::Slice(items) => {
                writer.slice(flagged)?;
                for &item in items {
                    self.object(item)?;
                }
            }
            Content::Code(code, items) => {
                writer.code(flagged);
                self.code(code, items)?;
            }
        }
        Ok(())
    }

    /// The items of a set in the order of the bytes each alone is written as.
    fn in_order(&mut self, items: &[usize]) -> Result<Vec<usize>, WriteError> {
        let mut keyed = Vec::with_capacity(items.len());
        let mut apart = self.apart.take().unwrap_or_else(|| {
            Box::new(Self {
                writer: Writer::new(self.writer.version()),
                objects: self.objects,
                places: vec![None; self.objects.list.len()],
                place_count: 0,
                placed: Vec::new(),
                apart: None,
            })
        });
        for &item in items {
            apart.alone(item)?;
            keyed.push((apart.take_bytes(), item));
        }
        self.apart = Some(apart);
        keyed.sort();
        Ok(keyed.into_iter().map(|(_, item)| item).collect())
    }

    fn code(&mut self, code: &CodeObject, items: &CodeItems) -> Result<(), WriteError> {
        for number in [
            code.arg_count,
            code.positional_only_arg_count,
            code.keyword_only_arg_count,
            code.stack_size,
            code.flags,
        ] {
            self.writer.int32(number as i32);
        }
        for item in [
            items.code,
            items.constants,
            items.names,
            items.locals_plus_names,
            items.locals_plus_kinds,
            items.filename,
            items.name,
            items.qualified_name,
        ] {
            self.object(item)?;
        }
        self.writer.int32(code.first_line);
        self.object(items.line_table)?;
        self.object(items.exception_table)
    }
}

/// What is found while a code object is read: constants, and name tuples on their way into one.
#[derive(Clone)]
enum Plain {
    Constant(Constant),
    /// A container that cannot stand in code.
    Foreign,
}

struct PlainBuilder;

impl PlainBuilder {
    fn text(value: Plain) -> Result<Text, LoadError> {
        match value {
            Plain::Constant(Constant::Str(text)) => Ok(text),
            _ => Err(LoadError::Unexpected("string")),
        }
    }

    fn bytes_of(value: Plain) -> Result<Arc<[u8]>, LoadError> {
        match value {
            Plain::Constant(Constant::Bytes(bytes)) => Ok(bytes),
            _ => Err(LoadError::Unexpected("bytes object")),
        }
    }

    fn tuple_of(value: Plain) -> Result<Arc<[Constant]>, LoadError> {
        match value {
            Plain::Constant(Constant::Tuple(items)) => Ok(items),
            _ => Err(LoadError::Unexpected("tuple")),
        }
    }

    fn names(value: Plain) -> Result<Arc<[Text]>, LoadError> {
        Self::tuple_of(value)?.iter().map(|item| Self::text(Plain::Constant(item.clone()))).collect()
    }

    fn count(value: i32) -> Result<u32, LoadError> {
        u32::try_from(value).map_err(|_| LoadError::Unexpected("count"))
    }

    fn constant_of(value: Plain) -> Result<Constant, LoadError> {
        match value {
            Plain::Constant(constant) => Ok(constant),
            Plain::Foreign => Err(LoadError::Unexpected("constant")),
        }
    }
}

impl Builder for PlainBuilder {
    type Value = Plain;
    type Error = LoadError;

    fn none(&mut self) -> Plain {
        Plain::Constant(Constant::None)
    }

    fn ellipsis(&mut self) -> Plain {
        Plain::Constant(Constant::Ellipsis)
    }

    fn stop_iteration(&mut self) -> Result<Plain, LoadError> {
        Ok(Plain::Foreign)
    }

    fn bool(&mut self, value: bool) -> Plain {
        Plain::Constant(Constant::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<Plain, LoadError> {
        Ok(Plain::Constant(Constant::Int(value)))
    }

    fn big_int(&mut self, value: BigInt) -> Result<Plain, LoadError> {
        Ok(Plain::Constant(Constant::from_integer(value)))
    }

    fn float(&mut self, value: f64) -> Result<Plain, LoadError> {
        Ok(Plain::Constant(Constant::Float(value)))
    }

    fn complex(&mut self, real: f64, imaginary: f64) -> Result<Plain, LoadError> {
        Ok(Plain::Constant(Constant::Complex { real, imaginary }))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Plain, LoadError> {
        Ok(Plain::Constant(Constant::Bytes(bytes.into())))
    }

    fn utf8(&mut self, bytes: &[u8], _interned: bool) -> Result<Plain, LoadError> {
        let text = Text::from_bytes(bytes).map_err(|_| LoadError::Unexpected("UTF-8"))?;
        Ok(Plain::Constant(Constant::Str(text)))
    }

    fn latin1(&mut self, bytes: &[u8], interned: bool) -> Result<Plain, LoadError> {
        if bytes == b"%" && !interned {
            return Ok(Plain::Constant(Constant::Str(replaced_percent_sign())));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(ascii) if ascii.is_ascii() => Text::from(ascii),
            _ => Text::from_code_points(bytes.iter().copied().map(u32::from)),
        };
        Ok(Plain::Constant(Constant::Str(text)))
    }

    fn container(
        &mut self,
        kind: Container,
        _reserved: Option<Plain>,
        items: Vec<Plain>,
    ) -> Result<Plain, LoadError> {
        let constants = || items.into_iter().map(Self::constant_of).collect::<Result<Arc<[_]>, _>>();
        match kind {
            Container::Tuple => Ok(Plain::Constant(Constant::Tuple(constants()?))),
            Container::FrozenSet => Ok(Plain::Constant(Constant::FrozenSet(constants()?))),
            Container::List | Container::Dict | Container::Set => Ok(Plain::Foreign),
        }
    }

    fn slice(&mut self, start: Plain, stop: Plain, step: Plain) -> Result<Plain, LoadError> {
        let items = [Self::constant_of(start)?, Self::constant_of(stop)?, Self::constant_of(step)?];
        Ok(Plain::Constant(Constant::Slice(Arc::new(items))))
    }

    fn code(&mut self, parts: CodeParts<Plain>) -> Result<Plain, LoadError> {
        let code = CodeObject {
            arg_count: Self::count(parts.arg_count)?,
            positional_only_arg_count: Self::count(parts.positional_only_arg_count)?,
            keyword_only_arg_count: Self::count(parts.keyword_only_arg_count)?,
            stack_size: Self::count(parts.stack_size)?,
            flags: parts.flags as u32,
            code: Self::bytes_of(parts.code)?,
            constants: Self::tuple_of(parts.constants)?,
            names: Self::names(parts.names)?,
            locals_plus_names: Self::names(parts.locals_plus_names)?,
            locals_plus_kinds: Self::bytes_of(parts.locals_plus_kinds)?,
            filename: Self::text(parts.filename)?,
            name: Self::text(parts.name)?,
            qualified_name: Self::text(parts.qualified_name)?,
            first_line: parts.first_line,
            line_table: Self::bytes_of(parts.line_table)?,
            exception_table: Self::bytes_of(parts.exception_table)?,
        };
        Ok(Plain::Constant(Constant::Code(Arc::new(code))))
    }
}
