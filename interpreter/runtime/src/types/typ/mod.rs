//! `type`: the layout of type objects, attribute lookup along the method resolution order, and its cache.

pub mod build;
pub mod instance;
pub mod methods;
pub mod mro;
pub mod special;

use std::cell::Cell;
use std::ptr::NonNull;

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::gc::{Trace, Visitor};
use crate::native::NativeType;
use crate::object::{Header, Object, Payload, Ref, TypeObject};
use crate::slots::Slots;
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// What holds for a type; a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeFlags(pub u32);

impl TypeFlags {
    /// Nothing.
    pub const NONE: TypeFlags = TypeFlags(0);
    /// Made at run time: counted, changeable, with a name of its own.
    pub const HEAP: TypeFlags = TypeFlags(1);
    /// The collector tracks its objects.
    pub const TRACKED: TypeFlags = TypeFlags(1 << 1);
    /// Its objects have the words for an attribute dict and weak references before the header.
    pub const PREFIX: TypeFlags = TypeFlags(1 << 2);
    /// Its objects have an attribute dict.
    pub const HAS_DICT: TypeFlags = TypeFlags(1 << 3);
    /// Its objects can be referred to weakly.
    pub const HAS_WEAK: TypeFlags = TypeFlags(1 << 4);
    /// It can be derived from.
    pub const BASE: TypeFlags = TypeFlags(1 << 5);
    /// Its objects have a variable size: attributes of subclasses cannot lie behind them.
    pub const VARIABLE: TypeFlags = TypeFlags(1 << 6);
    /// Its attributes cannot be set.
    pub const IMMUTABLE: TypeFlags = TypeFlags(1 << 7);
    /// It cannot be called to make objects.
    pub const NO_NEW: TypeFlags = TypeFlags(1 << 8);
    /// `match` takes its objects for sequences.
    pub const SEQUENCE: TypeFlags = TypeFlags(1 << 9);
    /// `match` takes its objects for mappings.
    pub const MAPPING: TypeFlags = TypeFlags(1 << 10);
    /// It has abstract methods.
    pub const ABSTRACT: TypeFlags = TypeFlags(1 << 11);
    /// Functions of this type bind to an instance, and a call of `instance.method()` need not make the bound method.
    pub const METHOD_DESCRIPTOR: TypeFlags = TypeFlags(1 << 12);
    /// A class pattern with one positional part matches the object itself.
    pub const MATCH_SELF: TypeFlags = TypeFlags(1 << 13);
    /// Its attributes lie inline in its objects until a dict is asked for.
    pub const INLINE: TypeFlags = TypeFlags(1 << 14);
    /// Derives from `type`.
    pub const TYPE_SUBCLASS: TypeFlags = TypeFlags(1 << 15);
    /// Derives from `BaseException`.
    pub const EXCEPTION_SUBCLASS: TypeFlags = TypeFlags(1 << 16);
    /// A subclass of `int`.
    pub const INT_SUBCLASS: TypeFlags = TypeFlags(1 << 17);
    /// A subclass of `str`.
    pub const STR_SUBCLASS: TypeFlags = TypeFlags(1 << 18);
    /// It belongs to a native module as a class does: its dict names the module.
    pub const FROM_MODULE: TypeFlags = TypeFlags(1 << 19);
    /// Its dict shows `__getattribute__` although it is the usual one.
    pub const SHOWS_GET: TypeFlags = TypeFlags(1 << 21);
    /// Its dict shows `__setattr__` and `__delattr__` although they are the usual ones.
    pub const SHOWS_SET: TypeFlags = TypeFlags(1 << 22);
    /// Its dict shows none of `__setattr__` and `__delattr__` although they are its own.
    pub const HIDES_SET: TypeFlags = TypeFlags(1 << 23);
    /// Its dict does not show `__new__` although it is its own.
    pub const HIDES_NEW: TypeFlags = TypeFlags(1 << 24);
    /// Its dict does not show `__del__` although it is its own.
    pub const HIDES_DEL: TypeFlags = TypeFlags(1 << 25);
    /// Its objects have no hash although they are compared by identity.
    pub const UNHASHABLE: TypeFlags = TypeFlags(1 << 26);
    /// Some of its objects are smaller than its layout says: they were made as objects of another class.
    pub const UNEVEN: TypeFlags = TypeFlags(1 << 27);
    /// The type has been made ready.
    pub const READY: TypeFlags = TypeFlags(1 << 20);
    /// Flags that a subclass takes over.
    pub const INHERITED: TypeFlags = TypeFlags(
        Self::TRACKED.0
            | Self::PREFIX.0
            | Self::HAS_DICT.0
            | Self::HAS_WEAK.0
            | Self::VARIABLE.0
            | Self::SEQUENCE.0
            | Self::MAPPING.0
            | Self::MATCH_SELF.0
            | Self::TYPE_SUBCLASS.0
            | Self::EXCEPTION_SUBCLASS.0
            | Self::INT_SUBCLASS.0
            | Self::STR_SUBCLASS.0,
    );

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: TypeFlags) -> TypeFlags {
        TypeFlags(self.0 | other.0)
    }
}

/// The payload of type objects.
#[repr(C)]
pub struct Type {
    version: Cell<u32>,
    flags: Cell<u32>,
    slots: Slots,
    deallocate: Cell<unsafe fn(*mut Header)>,
    native: Cell<&'static NativeType>,
    base: Cell<Option<NonNull<TypeObject>>>,
    basic_size: Cell<u32>,
    prefix_size: Cell<u16>,
    pub(crate) inline_capacity: Cell<u8>,
    dict: Cell<Option<NonNull<Object<Dict>>>>,
    mro: GilCell<Option<Ref<Tuple>>>,
    bases: GilCell<Option<Ref<Tuple>>>,
    /// Direct subclasses; each takes itself off the list when it ends.
    subclasses: GilCell<Vec<NonNull<TypeObject>>>,
    heap: GilCell<Option<Box<HeapType>>>,
    /// The first weak reference to the type.
    pub(crate) weak: Cell<u64>,
}

/// What only types made at run time have.
pub struct HeapType {
    /// `__name__`.
    pub name: GilCell<Ref<Str>>,
    /// `__qualname__`.
    pub qualified_name: GilCell<Ref<Str>>,
    /// Offsets from the header of the places for `__slots__`.
    pub members: Vec<i32>,
    /// Their names.
    pub member_names: Vec<Ref<Str>>,
    /// Names of the attributes that lie inline in the objects, in the order of their places.
    pub shared_keys: GilCell<Vec<Ref<Str>>>,
}

// SAFETY: the layout is described by the native type of `type` below.
unsafe impl Payload for Type {
    fn static_type() -> &'static TypeObject {
        &TYPE
    }
    const TRACKED: bool = true;
    // Native types are statics, with no room before the header: the weak references have a field instead.
    const PREFIX: bool = false;
}

/// `type` itself.
pub static TYPE: TypeObject = Object::immortal(&raw const TYPE, Type::native(&NATIVE, methods::SLOTS));

static NATIVE: NativeType = NativeType {
    name: "type",
    module: "builtins",
    doc: "With one argument the type of an object; with three a new class made of a name, bases and a namespace.",
    signature: "",
    size: size_of::<TypeObject>(),
    base: Some(|| crate::types::object::BaseObject::static_type()),
    flags: TypeFlags::TRACKED
        .with(TypeFlags::HAS_WEAK)
        .with(TypeFlags::BASE)
        .with(TypeFlags::IMMUTABLE)
        .with(TypeFlags::TYPE_SUBCLASS),
    drop: crate::object::drop_payload::<Type>,
    deallocate: deallocate_type,
    trace: Some(crate::object::trace_payload::<Type>),
    clear: Some(crate::object::clear_payload::<Type>),
    methods: &[methods::METHODS],
    attributes: &[methods::ATTRIBUTES],
};

unsafe fn deallocate_type(object: *mut Header) {
    // SAFETY: only heap types are ever freed; they have the layout of `Type`.
    unsafe {
        let typ = &*object.cast::<TypeObject>();
        // Callbacks of weak references must not find the type any more.
        crate::gc::untrack(object);
        typ.forget_as_subclass();
        crate::types::weakref::clear_weak_references(&*object);
        crate::object::deallocate_native::<Type>(object);
    }
}

impl Trace for Type {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        if let Some(dict) = self.dict.get() {
            visitor.object(dict.as_ptr().cast());
        }
        self.mro.trace(visitor);
        self.bases.trace(visitor);
        if let Some(base) = self.base.get()
            && self.flags.get() & TypeFlags::HEAP.0 != 0
        {
            visitor.object(base.as_ptr().cast());
        }
    }

    fn clear_references(&self) {
        if self.flags.get() & TypeFlags::HEAP.0 == 0 {
            return;
        }
        if let Some(dict) = self.dict.get() {
            // SAFETY: the type owns the dict.
            unsafe { dict.as_ref() }.clear_references();
        }
        self.mro.clear_references();
    }
}

impl Drop for Type {
    fn drop(&mut self) {
        // SAFETY: the type owns a reference to its dict and, as a heap type, to its base.
        unsafe {
            if let Some(dict) = self.dict.take() {
                drop(Ref::from_raw(dict));
            }
            if self.flags.get() & TypeFlags::HEAP.0 != 0
                && let Some(base) = self.base.take()
            {
                drop(Ref::from_raw(base));
            }
        }
    }
}

impl Type {
    /// The payload of a native type, in a static.
    pub const fn native(native: &'static NativeType, slots: Slots) -> Type {
        Type {
            version: Cell::new(0),
            flags: Cell::new(native.flags.0),
            slots,
            deallocate: Cell::new(native.deallocate),
            native: Cell::new(native),
            base: Cell::new(None),
            basic_size: Cell::new(native.size as u32),
            prefix_size: Cell::new(if native.flags.0 & TypeFlags::PREFIX.0 != 0 { 16 } else { 0 }),
            inline_capacity: Cell::new(0),
            dict: Cell::new(None),
            mro: GilCell::new(None),
            bases: GilCell::new(None),
            subclasses: GilCell::new(Vec::new()),
            heap: GilCell::new(None),
            weak: Cell::new(0),
        }
    }

    pub(crate) fn heap(native: &'static NativeType, flags: TypeFlags, heap: HeapType) -> Type {
        let typ = Type::native(native, Slots::EMPTY);
        typ.flags.set(flags.with(TypeFlags::HEAP).0);
        typ.deallocate.set(crate::object::deallocate_subtype);
        typ.heap.set(Some(Box::new(heap)));
        typ
    }
}

impl TypeObject {
    /// The name without its module.
    pub fn name(&self) -> String {
        match &*self.heap.borrow() {
            Some(heap) => heap.name.borrow().to_string_lossy().into_owned(),
            None => self.native.get().name.to_owned(),
        }
    }

    /// The qualified name, `__qualname__`.
    pub fn qualified_name(&self, vm: &Vm) -> Ref<Str> {
        match &*self.heap.borrow() {
            Some(heap) => heap.qualified_name.get(),
            None => vm.intern(self.native.get().name),
        }
    }

    /// The name with its module unless that is `builtins`, as error messages of native types show it.
    pub fn full_name(&self) -> String {
        if self.is_heap() || self.native.get().module == "builtins" {
            self.name()
        } else {
            format!("{}.{}", self.native.get().module, self.native.get().name)
        }
    }

    /// The native description of the type or of its nearest native ancestor.
    #[inline(always)]
    pub fn native(&self) -> &'static NativeType {
        self.native.get()
    }

    /// Whether the type was made at run time.
    #[inline(always)]
    pub fn is_heap(&self) -> bool {
        self.has_flag(TypeFlags::HEAP)
    }

    /// Whether one of the flags is set.
    #[inline(always)]
    pub fn has_flag(&self, flag: TypeFlags) -> bool {
        self.flags.get() & flag.0 != 0
    }

    pub(crate) fn flag_bits(&self) -> u32 {
        self.flags.get()
    }

    /// Settles the layout of a new class's objects.
    pub(crate) fn set_layout(
        &self,
        base: &TypeObject,
        basic_size: u32,
        prefix_size: u16,
        inline_capacity: u8,
    ) {
        std::mem::forget(base.to_ref());
        self.base.set(Some(NonNull::from(base)));
        self.basic_size.set(basic_size);
        self.prefix_size.set(prefix_size);
        self.inline_capacity.set(inline_capacity);
    }

    pub(crate) fn set_base(&self, base: &TypeObject) {
        std::mem::forget(base.to_ref());
        if let Some(old) = self.base.replace(Some(NonNull::from(base))) {
            // SAFETY: a heap type owned its base.
            drop(unsafe { Ref::from_raw(old) });
        }
    }

    /// Sets flags.
    pub fn set_flag(&self, flag: TypeFlags) {
        self.flags.set(self.flags.get() | flag.0);
    }

    /// Takes flags away.
    pub fn clear_flag(&self, flag: TypeFlags) {
        self.flags.set(self.flags.get() & !flag.0);
    }

    /// The slots.
    #[inline(always)]
    pub fn slots(&self) -> &Slots {
        &self.payload().slots
    }

    #[inline(always)]
    pub(crate) fn deallocator(&self) -> unsafe fn(*mut Header) {
        self.deallocate.get()
    }

    /// Size of an object's fixed part, header and inline attributes included.
    #[inline(always)]
    pub(crate) fn allocation_size(&self) -> usize {
        let inline = self.inline_capacity.get() as usize;
        let basic = self.basic_size.get() as usize;
        if inline == 0 { basic } else { basic + instance::inline_size(inline) }
    }

    /// Size of an object's fixed part without inline attributes (`__basicsize__`).
    #[inline(always)]
    pub(crate) fn basic_size(&self) -> usize {
        self.basic_size.get() as usize
    }

    /// Size of what lies before an object's header.
    #[inline(always)]
    pub(crate) fn prefix_size(&self) -> usize {
        self.prefix_size.get() as usize
    }

    /// The base whose layout the type continues.
    #[inline(always)]
    pub fn base(&self) -> Option<&TypeObject> {
        // SAFETY: a type holds a reference to its base.
        self.base.get().map(|base| unsafe { &*base.as_ptr() })
    }

    /// Whether the chain of bases, which decides about layout, has `other` in it.
    #[inline]
    pub fn is_native_subtype(&self, other: &TypeObject) -> bool {
        let mut typ = self;
        loop {
            if std::ptr::eq(typ, other) {
                return true;
            }
            match typ.base() {
                Some(base) => typ = base,
                None => return false,
            }
        }
    }

    /// Whether `other` is in the method resolution order (`issubclass` without hooks).
    pub fn is_subtype(&self, other: &TypeObject) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        match &*self.mro.borrow() {
            Some(mro) => mro.items().iter().any(|base| other.is(base)),
            None => self.is_native_subtype(other),
        }
    }

    /// Makes a native type ready that was not: objects are made without looking whether their type is. Answers whether
    /// there was anything to do.
    #[cold]
    pub(crate) fn make_ready(&self, vm: &Vm) -> bool {
        if self.has_flag(TypeFlags::READY) || self.is_heap() {
            return false;
        }
        self.ready(vm);
        true
    }

    /// Prepares a native type: finds its base, inherits slots, fills its dict. Any number of calls do it once.
    pub fn ready(&self, vm: &Vm) {
        if self.has_flag(TypeFlags::READY) {
            return;
        }
        self.set_flag(TypeFlags::READY);
        let native = self.native.get();
        let dict = Dict::new();
        dict.header().make_immortal();
        self.dict.set(Some(NonNull::from(&*dict)));
        build::fill_native_dict(vm, self);
        if let Some(base) = native.base {
            let base = base();
            base.ready(vm);
            self.base.set(Some(NonNull::from(base)));
            // A type that compares without hashing is unhashable, as in CPython.
            let unhashable = self.has_flag(TypeFlags::UNHASHABLE)
                || self.slots().compare.get().is_some() && self.slots().hash.get().is_none();
            self.slots().inherit(base.slots());
            if unhashable {
                self.slots().hash.set(Some(special::not_hashable));
            }
            self.set_flag(TypeFlags(base.flags.get() & TypeFlags::INHERITED.0));
            if self.has_flag(TypeFlags::PREFIX) {
                self.prefix_size.set(16);
            }
            base.subclasses.borrow_mut().push(NonNull::from(self));
            self.bases.set(Some(Tuple::from_values([base.to_value()])));
        } else {
            self.bases.set(Some(Tuple::empty()));
        }
        if self.has_flag(TypeFlags::NO_NEW) {
            self.slots().new.set(None);
        }
        let mut order = vec![self.to_value()];
        let mut next = self.base();
        while let Some(base) = next {
            order.push(base.to_value());
            next = base.base();
        }
        self.mro.set(Some(Tuple::from_values(order)));
    }

    /// The attributes of the type itself.
    pub fn dict(&self) -> &Object<Dict> {
        match self.dict.get() {
            // SAFETY: the type owns the dict.
            Some(dict) => unsafe { &*dict.as_ptr() },
            None => {
                Vm::with_current(|vm| self.ready(vm));
                self.dict()
            }
        }
    }

    pub(crate) fn set_dict(&self, dict: Ref<Dict>) {
        let pointer = NonNull::from(&*dict);
        std::mem::forget(dict);
        self.dict.set(Some(pointer));
    }

    /// The method resolution order.
    pub fn mro(&self) -> Ref<Tuple> {
        if self.mro.borrow().is_none() {
            if self.is_heap() {
                return Tuple::empty();
            }
            Vm::with_current(|vm| self.ready(vm));
        }
        self.mro.get().unwrap_or_else(Tuple::empty)
    }

    /// The method resolution order, if it is known yet.
    pub(crate) fn current_mro(&self) -> Option<Ref<Tuple>> {
        if !self.is_heap() { Some(self.mro()) } else { self.mro.get() }
    }

    pub(crate) fn set_mro(&self, mro: Ref<Tuple>) {
        self.mro.set(Some(mro));
    }

    /// The bases.
    pub fn bases(&self) -> Ref<Tuple> {
        if self.bases.borrow().is_none() {
            Vm::with_current(|vm| self.ready(vm));
        }
        self.bases.get().unwrap_or_else(Tuple::empty)
    }

    pub(crate) fn set_bases(&self, bases: Ref<Tuple>) {
        self.bases.set(Some(bases));
    }

    /// Direct subclasses, oldest first.
    pub fn subclasses(&self) -> Vec<Value> {
        // SAFETY: a subclass takes itself off the list before it ends.
        self.subclasses.borrow().iter().map(|typ| unsafe { typ.as_ref() }.to_value()).collect()
    }

    pub(crate) fn add_subclass(&self, typ: &TypeObject) {
        self.subclasses.borrow_mut().push(NonNull::from(typ));
    }

    pub(crate) fn remove_subclass(&self, typ: &TypeObject) {
        self.subclasses.borrow_mut().retain(|other| !std::ptr::eq(other.as_ptr(), typ));
    }

    /// Takes the type out of its bases' lists of subclasses.
    pub(crate) fn forget_as_subclass(&self) {
        if let Some(bases) = &*self.bases.borrow() {
            for base in bases.items() {
                if let Some(base) = base.downcast::<Type>() {
                    base.remove_subclass(self);
                }
            }
        }
        if let Some(base) = self.base() {
            base.remove_subclass(self);
        }
    }

    /// What only a type made at run time has.
    #[inline(always)]
    pub(crate) fn with_heap<R>(&self, with: impl FnOnce(&HeapType) -> R) -> Option<R> {
        self.heap.borrow().as_ref().map(|heap| with(heap))
    }

    /// The version tag: a number that no other state of any type has; 0 when tags have run out.
    #[inline]
    pub fn version(&self, vm: &Vm) -> u32 {
        let version = self.version.get();
        if version != 0 { version } else { self.assign_version(vm) }
    }

    /// The version tag if one is assigned, else 0.
    #[inline(always)]
    pub fn current_version(&self) -> u32 {
        self.version.get()
    }

    #[cold]
    fn assign_version(&self, vm: &Vm) -> u32 {
        // A base's change must reach every type that has a version, so bases get theirs first.
        for base in self.mro().items().iter().skip(1) {
            if let Some(base) = base.downcast::<Type>()
                && base.version.get() == 0
            {
                base.version.set(crate::vm::TYPE_VERSIONS.next(vm));
            }
        }
        let version = crate::vm::TYPE_VERSIONS.next(vm);
        self.version.set(version);
        version
    }

    /// Invalidates everything cached about the type and what derives from it.
    pub fn modified(&self) {
        if self.version.get() == 0 && self.subclasses.borrow().is_empty() {
            return;
        }
        self.version.set(0);
        let subclasses = self.subclasses.borrow().clone();
        for typ in subclasses {
            // SAFETY: a subclass takes itself off the list before it ends.
            unsafe { typ.as_ref() }.modified();
        }
    }

    /// The attribute `name` of the type or the first of its ancestors that has it, as it stands in the dict.
    #[inline]
    pub fn lookup(&self, vm: &Vm, name: &Object<Str>) -> Option<Value> {
        if !name.is_interned() {
            return self.lookup_uncached(name);
        }
        let version = self.version(vm);
        vm.interpreter.method_cache.lookup(version, name, || self.lookup_uncached(name))
    }

    /// The word of what [`lookup`](Self::lookup) finds, 0 for nothing. It stays the type's.
    #[inline]
    pub(crate) fn lookup_word(&self, vm: &Vm, name: &Object<Str>) -> u64 {
        vm.interpreter.method_cache.lookup_word(self.version(vm), name, || {
            self.lookup_uncached(name).map_or(0, |found| found.bits())
        })
    }

    /// As [`lookup`](Self::lookup) without the cache.
    pub fn lookup_uncached(&self, name: &Object<Str>) -> Option<Value> {
        let mro = self.mro();
        for typ in mro.items() {
            if let Some(typ) = typ.downcast::<Type>()
                && let Some(found) = typ.dict().get_str(name)
            {
                return Some(found);
            }
        }
        None
    }

    /// As [`lookup`](Self::lookup), with the type where the attribute was found.
    pub fn lookup_where(&self, name: &Object<Str>) -> Option<(Ref<Type>, Value)> {
        let mro = self.mro();
        for typ in mro.items() {
            if let Some(typ) = typ.downcast::<Type>()
                && let Some(found) = typ.dict().get_str(name)
            {
                return Some((typ.to_ref(), found));
            }
        }
        None
    }

    /// Calls the type to make an object, as `type.__call__` does.
    pub fn construct(&self, vm: &Vm, args: &[Value]) -> PyResult {
        crate::types::typ::methods::call_type(vm, self, args, None)
    }
}

/// Lookups along the method resolution order, remembered by type version and name.
pub struct MethodCache {
    entries: Box<[CacheEntry]>,
}

struct CacheEntry {
    version: Cell<u32>,
    name: Cell<*const Object<Str>>,
    /// Zero where the attribute is known to be absent. Not a reference of its own: the entry is only used while
    /// the version holds, and so the type's dict holds the value.
    value: Cell<u64>,
}

const CACHE_SIZE: usize = 1 << 12;

impl Default for MethodCache {
    fn default() -> Self {
        let empty =
            || CacheEntry { version: Cell::new(0), name: Cell::new(std::ptr::null()), value: Cell::new(0) };
        MethodCache { entries: (0..CACHE_SIZE).map(|_| empty()).collect() }
    }
}

impl MethodCache {
    #[inline]
    fn lookup(
        &self,
        version: u32,
        name: &Object<Str>,
        find: impl FnOnce() -> Option<Value>,
    ) -> Option<Value> {
        let bits = self.lookup_word(version, name, || find().map_or(0, |found| found.bits()));
        // SAFETY: the type's dict holds the value while the version holds.
        (bits != 0).then(|| unsafe { (*crate::object::Borrow::from_bits(bits)).clone() })
    }

    #[inline(always)]
    fn entry(&self, version: u32, name: *const Object<Str>) -> &CacheEntry {
        // Versions and addresses both come in runs: a plain mixture would let whole families collide.
        let mixed = (u64::from(version).wrapping_mul(0x9E37_79B9_7F4A_7C15))
            ^ (name as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        &self.entries[(mixed >> 32) as usize & (CACHE_SIZE - 1)]
    }

    /// The word that is remembered, 0 where there is none.
    #[inline(always)]
    pub(crate) fn peek(&self, version: u32, name: &Object<Str>) -> u64 {
        let entry = self.entry(version, name);
        let is_same = entry.version.get() == version && std::ptr::eq(entry.name.get(), name);
        if is_same { entry.value.get() } else { 0 }
    }

    #[inline]
    fn lookup_word(&self, version: u32, name: &Object<Str>, find: impl FnOnce() -> u64) -> u64 {
        let address = std::ptr::from_ref(name);
        let entry = self.entry(version, address);
        if entry.version.get() == version && entry.name.get() == address && version != 0 {
            return entry.value.get();
        }
        let found = find();
        if version != 0 {
            entry.version.set(version);
            entry.name.set(address);
            entry.value.set(found);
        }
        found
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for entry in &self.entries {
            entry.version.set(0);
        }
    }
}

/// Whether CPython constructs objects of the class directly from arguments in a row. What is seen of that: the forms that calls
/// of the class take, and that keywords which are no strings are refused before the class sees them.
pub fn is_constructed_directly(typ: &TypeObject) -> bool {
    const DIRECTLY: [&str; 15] = [
        "range",
        "list",
        "dict",
        "set",
        "int",
        "enumerate",
        "map",
        "float",
        "bool",
        "super",
        "frozenset",
        "reversed",
        "str",
        "tuple",
        "type",
    ];
    !typ.is_heap()
        && (DIRECTLY.contains(&&*typ.name())
            || typ.is_native_subtype(crate::exceptions::base::BaseException::static_type()))
}
