//! Heap objects: their header, allocation, typed references, and how they end.
//!
//! An object lies in memory as
//!
//! ```text
//! [ weak references | attribute dict ]  header { count, meta, type }  payload  [ slots ]  [ inline attributes ]
//!   only where the type has a prefix    the pointer points here                           only user classes
//! ```
//!
//! # Safety argument
//!
//! * A pointer to an object is made by [`allocate`] alone, from a type whose `basic_size` covers the payload of
//!   the native type it derives from, so the payload of every native ancestor lies at the same offset
//!   (ancestors are embedded as first field, `repr(C)`).
//! * `Ref<T>` owns one reference; [`release`] frees the object when the last goes. Immortal objects (count with
//!   the top bit set) are never written to and never freed.
//! * Freeing follows one order: finaliser (which may resurrect), collector list, weak references, attributes,
//!   payload, memory, type.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::gc::{self, Trace, Visitor};
use crate::types::typ::{Type, TypeFlags};
use crate::value::Value;
use crate::vm::Vm;

/// A type object.
pub type TypeObject = Object<Type>;

/// What every heap object begins with.
#[repr(C)]
pub struct Header {
    count: Cell<u32>,
    /// Flags and the collector's index; strings keep their kind here.
    pub(crate) meta: Cell<u32>,
    typ: Cell<NonNull<TypeObject>>,
}

/// Counts with this bit are never changed: the object is immortal.
pub const IMMORTAL: u32 = 0xC000_0000;

/// Bits of [`Header::meta`] for objects that the collector knows; the rest is the index in its list.
pub mod meta {
    /// The finaliser has run (PEP 442: it runs once).
    pub const FINALIZED: u32 = 1;
    /// The collector tracks the object.
    pub const TRACKED: u32 = 2;
    /// Position of the two bits that tell the generation.
    pub const GENERATION_SHIFT: u32 = 2;
    /// Position of the index.
    pub const INDEX_SHIFT: u32 = 4;
}

impl Header {
    /// Which word of an object is its type.
    pub(crate) const TYPE_PLACE: usize = std::mem::offset_of!(Header, typ) / size_of::<u64>();

    /// A header with one reference.
    #[inline(always)]
    pub const fn new(typ: NonNull<TypeObject>) -> Self {
        Header { count: Cell::new(1), meta: Cell::new(0), typ: Cell::new(typ) }
    }

    /// A header whose object is never freed.
    pub const fn immortal(typ: *const TypeObject) -> Self {
        Header {
            count: Cell::new(IMMORTAL),
            meta: Cell::new(0),
            // SAFETY: callers pass the address of a static.
            typ: Cell::new(unsafe { NonNull::new_unchecked(typ.cast_mut()) }),
        }
    }

    /// The object's type.
    #[inline(always)]
    pub fn type_of(&self) -> &TypeObject {
        // SAFETY: an object holds a reference to its type.
        unsafe { self.typ.get().as_ref() }
    }

    /// Makes the object one of another type.
    ///
    /// # Safety
    /// Both types must have the same layout, and the caller moves the references that the object owns.
    pub(crate) unsafe fn set_type(&self, typ: &TypeObject) {
        self.typ.set(NonNull::from(typ));
    }

    /// Adds a reference.
    #[inline(always)]
    pub fn add_reference(&self) {
        let count = self.count.get();
        if count as i32 >= 0 {
            self.count.set(count + 1);
        }
    }

    /// Gives back a reference that is not the last.
    #[inline(always)]
    pub(crate) fn remove_reference_quietly(&self) {
        let count = self.count.get();
        if count as i32 >= 0 {
            self.count.set(count - 1);
        }
    }

    /// Number of references.
    #[inline(always)]
    pub fn reference_count(&self) -> u32 {
        self.count.get()
    }

    /// Whether the object is never freed.
    pub fn is_immortal(&self) -> bool {
        (self.count.get() as i32) < 0
    }

    /// Makes the object one that is never freed.
    pub fn make_immortal(&self) {
        self.count.set(IMMORTAL);
    }

    pub(crate) fn has_meta(&self, bits: u32) -> bool {
        self.meta.get() & bits != 0
    }

    pub(crate) fn set_meta(&self, bits: u32) {
        self.meta.set(self.meta.get() | bits);
    }

    /// The word before the header that holds the attribute dict, where the type has a prefix.
    #[inline(always)]
    pub(crate) fn dict_word(&self) -> &Cell<u64> {
        debug_assert!(self.type_of().has_flag(TypeFlags::PREFIX));
        // SAFETY: callers ask only for types with a prefix, whose objects are allocated with two words before.
        unsafe { &*std::ptr::from_ref(self).cast::<Cell<u64>>().sub(1) }
    }

    /// The word that holds the first weak reference, where the type's objects can have any.
    #[inline]
    pub(crate) fn weak_word(&self) -> Option<&Cell<u64>> {
        let typ = self.type_of();
        if typ.has_flag(TypeFlags::PREFIX) {
            // SAFETY: as for `dict_word`.
            Some(unsafe { &*std::ptr::from_ref(self).cast::<Cell<u64>>().sub(2) })
        } else if typ.has_flag(TypeFlags::TYPE_SUBCLASS) {
            // SAFETY: the object is a type.
            Some(unsafe { &(&*std::ptr::from_ref(self).cast::<TypeObject>()).weak })
        } else {
            None
        }
    }
}

/// A heap object with a payload of a native type.
#[repr(C)]
pub struct Object<T> {
    header: Header,
    payload: T,
}

impl<T> Object<T> {
    /// Bytes from the object's beginning to its payload.
    pub(crate) const PAYLOAD_PLACE: usize = std::mem::offset_of!(Object<T>, payload);
}

// SAFETY: objects are only touched by the thread that holds the interpreter's lock.
unsafe impl<T> Sync for Object<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Object<T> {}

/// What a native type keeps in its objects. Implemented by `#[pyclass]`.
///
/// # Safety
/// `static_type` must be a type whose native description has `T`'s size, drop and trace functions; where the type
/// has a native base, `T` must be `repr(C)` with the base's payload as its first field.
pub unsafe trait Payload: Sized + 'static {
    /// The type object.
    fn static_type() -> &'static TypeObject;
    /// Whether the collector tracks the objects.
    const TRACKED: bool;
    /// Whether the objects have the words for an attribute dict and weak references.
    const PREFIX: bool;
    /// Whether an object of the type itself takes the payload's size and what [`extent`](Self::extent) says.
    const SIZED: bool = false;

    /// Bytes that the object has behind its payload.
    #[inline(always)]
    fn extent(&self) -> usize {
        0
    }
}

impl<T> Object<T> {
    /// An object in a static: immortal, without prefix.
    pub const fn immortal(typ: *const TypeObject, payload: T) -> Self {
        Object { header: Header::immortal(typ), payload }
    }

    /// The header.
    #[inline(always)]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The object's type, which may derive from the payload's.
    #[inline(always)]
    pub fn type_of(&self) -> &TypeObject {
        self.header.type_of()
    }

    /// A new reference to the object.
    #[inline(always)]
    pub fn to_value(&self) -> Value {
        self.header.add_reference();
        // SAFETY: the reference was just added.
        unsafe { Value::from_bits(std::ptr::from_ref(self) as u64) }
    }

    /// The object as a value without a reference of its own.
    #[inline(always)]
    pub fn as_value(&self) -> Borrow<'_> {
        Borrow {
            // SAFETY: the object lives as long as the borrow, and the word is never dropped.
            value: ManuallyDrop::new(unsafe { Value::from_bits(std::ptr::from_ref(self) as u64) }),
            of: PhantomData,
        }
    }

    /// A new typed reference to the object.
    #[inline(always)]
    pub fn to_ref(&self) -> Ref<T> {
        self.header.add_reference();
        Ref(NonNull::from(self))
    }

    /// Whether `value` is this object.
    #[inline(always)]
    pub fn is(&self, value: &Value) -> bool {
        std::ptr::from_ref(self) as u64 == value.bits()
    }

    /// The payload.
    #[inline(always)]
    pub const fn payload(&self) -> &T {
        &self.payload
    }
}

impl<T: Payload> Object<T> {
    /// What the allocator and the collector's prefix keep to.
    const ALIGNMENT_FITS: () =
        assert!(align_of::<Self>() <= 16, "the payload's alignment is beyond an object's");

    /// A new object of the payload's own type.
    #[inline]
    pub fn new(payload: T) -> Ref<T> {
        const { Self::ALIGNMENT_FITS };
        Self::with_type(T::static_type(), payload)
    }

    /// As [`new`](Self::new), without the collector knowing of it.
    pub fn new_untracked(payload: T) -> Ref<T> {
        // SAFETY: the payload is written before anyone looks.
        unsafe {
            let object = allocate(T::static_type(), 0).cast::<Object<T>>();
            (&raw mut (*object).payload).write(payload);
            Ref(NonNull::new_unchecked(object))
        }
    }

    /// A new object of `typ`, which is or derives from the payload's type.
    #[inline]
    pub fn with_type(typ: &TypeObject, payload: T) -> Ref<T> {
        const { Self::ALIGNMENT_FITS };
        debug_assert!(typ.is_native_subtype(T::static_type()));
        // SAFETY: the type derives from T's, so its size covers the payload, which is written before anyone looks.
        unsafe {
            let is_native = std::ptr::eq(typ, T::static_type());
            let object =
                if is_native { allocate_native::<T>() } else { allocate(typ, 0) }.cast::<Object<T>>();
            (&raw mut (*object).payload).write(payload);
            if T::TRACKED || !is_native && typ.has_flag(TypeFlags::TRACKED) {
                gc::track(object.cast());
            }
            Ref(NonNull::new_unchecked(object))
        }
    }
}

impl<T> Deref for Object<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.payload
    }
}

/// A value that borrows its reference from somewhere that outlives it.
pub struct Borrow<'a> {
    value: ManuallyDrop<Value>,
    of: PhantomData<&'a Value>,
}

impl<'a> Borrow<'a> {
    /// A value of one's own.
    pub fn clone_value(this: &Borrow<'_>) -> Value {
        (*this.value).clone()
    }

    /// A borrowed value from its word.
    ///
    /// # Safety
    /// The word must be a valid value for all of `'a`.
    #[inline(always)]
    pub(crate) unsafe fn from_bits(bits: u64) -> Borrow<'a> {
        // SAFETY: as promised; the word is never dropped.
        Borrow { value: ManuallyDrop::new(unsafe { Value::from_bits(bits) }), of: PhantomData }
    }
}

impl Deref for Borrow<'_> {
    type Target = Value;
    #[inline(always)]
    fn deref(&self) -> &Value {
        &self.value
    }
}

/// An owned, typed reference to a heap object.
#[repr(transparent)]
pub struct Ref<T>(NonNull<Object<T>>);

// SAFETY: as for `Value`.
unsafe impl<T> Send for Ref<T> {}
// SAFETY: as for `Value`.
unsafe impl<T> Sync for Ref<T> {}

impl<T> Ref<T> {
    /// Takes over a reference.
    ///
    /// # Safety
    /// `pointer` is a live object with payload `T`, and the caller gives up one reference.
    #[inline(always)]
    pub unsafe fn from_raw(pointer: NonNull<Object<T>>) -> Self {
        Ref(pointer)
    }

    /// The reference as a plain value.
    #[inline(always)]
    pub fn into_value(self) -> Value {
        let bits = self.0.as_ptr() as u64;
        std::mem::forget(self);
        // SAFETY: the reference moves over.
        unsafe { Value::from_bits(bits) }
    }

    /// The reference seen as a plain value.
    #[inline(always)]
    pub fn value(&self) -> &Value {
        // SAFETY: both are one word with the same meaning.
        unsafe { &*std::ptr::from_ref(self).cast::<Value>() }
    }

    /// The object's address.
    #[inline(always)]
    pub const fn as_ptr(&self) -> *mut Object<T> {
        self.0.as_ptr()
    }
}

impl<T> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        self.header().add_reference();
        Ref(self.0)
    }
}

impl<T> Drop for Ref<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the reference owned here is given back once.
        unsafe { release(self.0.as_ptr().cast()) }
    }
}

impl<T> Deref for Ref<T> {
    type Target = Object<T>;
    #[inline(always)]
    fn deref(&self) -> &Object<T> {
        // SAFETY: the reference keeps the object alive.
        unsafe { self.0.as_ref() }
    }
}

impl<T> From<Ref<T>> for Value {
    fn from(typed: Ref<T>) -> Value {
        typed.into_value()
    }
}

impl<T> std::fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value().fmt(f)
    }
}

/// Makes room for an object of `typ` with `extra` bytes behind its fixed part; all but the header is zero.
/// The collector does not know it yet.
///
/// # Safety
/// The caller writes the payload before anyone else sees the object.
#[inline]
pub(crate) unsafe fn allocate(typ: &TypeObject, extra: usize) -> *mut Header {
    let size = typ.allocation_size() + extra;
    let prefix = typ.prefix_size();
    // SAFETY: plain allocation; the header is written at once.
    unsafe {
        let block = crate::heap::allocate_zeroed(prefix + size);
        let object = block.add(prefix).cast::<Header>();
        object.write(Header::new(NonNull::from(typ)));
        if typ.has_flag(TypeFlags::HEAP) {
            typ.header().add_reference();
        }
        object
    }
}

/// As [`allocate`] for a native type itself: the payload is not cleared.
///
/// # Safety
/// As for `allocate`; the payload is the whole of the object.
#[inline(always)]
unsafe fn allocate_native<T: Payload>() -> *mut Header {
    let typ = T::static_type();
    let prefix = if T::PREFIX { size_of::<[u64; 2]>() } else { 0 };
    debug_assert_eq!((typ.prefix_size(), typ.basic_size()), (prefix, size_of::<Object<T>>()));
    // SAFETY: plain allocation; prefix and header are written at once.
    unsafe {
        let block = crate::heap::allocate(prefix + size_of::<Object<T>>());
        if T::PREFIX {
            block.cast::<[u64; 2]>().write([0; 2]);
        }
        let object = block.add(prefix).cast::<Header>();
        object.write(Header::new(NonNull::from(typ)));
        object
    }
}

/// As [`allocate`] for a type that is known to be plain: a native type itself, with no prefix and no slots. The
/// memory is not cleared.
///
/// # Safety
/// As for `allocate`; `size` must be the whole size of the object.
#[inline(always)]
pub(crate) unsafe fn allocate_plain(typ: &'static TypeObject, size: usize) -> *mut Header {
    // SAFETY: plain allocation; the header is written at once.
    unsafe {
        let object = crate::heap::allocate(size).cast::<Header>();
        object.write(Header::new(NonNull::from(typ)));
        object
    }
}

/// Gives one reference back and frees the object with the last.
///
/// # Safety
/// The caller owned the reference.
#[inline(always)]
pub(crate) unsafe fn release(object: *mut Header) {
    // SAFETY: the object is alive until its last reference goes.
    unsafe {
        let count = (*object).count.get();
        if (count as i32) < 0 {
            return;
        }
        (*object).count.set(count - 1);
        if count == 1 {
            deallocate(object);
        }
    }
}

/// Ends an object without references.
///
/// # Safety
/// The count is zero.
#[inline(never)]
pub(crate) unsafe fn deallocate(object: *mut Header) {
    // SAFETY: the type's own function knows the layout.
    unsafe {
        let end = (*object).type_of().deallocator();
        end(object);
    }
}

/// How the objects of a native type without finaliser end.
///
/// # Safety
/// `object` has payload `T`, its exact native type, and no references.
pub unsafe fn deallocate_native<T: Payload>(object: *mut Header) {
    // SAFETY: in the order of the module's argument.
    unsafe {
        let typ = T::static_type();
        if typ.slots().finalize.get().is_some() && !finalize(object) {
            return;
        }
        if T::TRACKED {
            gc::untrack(object);
        }
        if T::PREFIX {
            crate::types::weakref::clear_weak_references(&*object);
        }
        if T::TRACKED && !Vm::enter_deallocation(object) {
            return;
        }
        if T::PREFIX {
            drop_dict(object);
        }
        let payload = &raw mut (*object.cast::<Object<T>>()).payload;
        let size = typ.prefix_size() + size_of::<Object<T>>() + (*payload).extent();
        payload.drop_in_place();
        let block = object.cast::<u8>().sub(typ.prefix_size());
        if T::SIZED {
            crate::heap::free_sized(block, size)
        } else {
            crate::heap::free(block)
        }
        if T::TRACKED {
            Vm::leave_deallocation();
        }
    }
}

/// How the objects of classes made by Python code end.
///
/// # Safety
/// `object` has no references, and its type is a heap type.
pub unsafe fn deallocate_subtype(object: *mut Header) {
    // SAFETY: in the order of the module's argument.
    unsafe {
        let typ = NonNull::from((*object).type_of());
        if typ.as_ref().slots().finalize.get().is_some() && !finalize(object) {
            return;
        }
        let typ = NonNull::from((*object).type_of());
        let kind = typ.as_ref();
        if kind.has_flag(TypeFlags::TRACKED) {
            gc::untrack(object);
        }
        if kind.has_flag(TypeFlags::PREFIX) {
            crate::types::weakref::clear_weak_references(&*object);
        }
        if !Vm::enter_deallocation(object) {
            return;
        }
        crate::types::typ::instance::drop_attributes(object, kind);
        if kind.has_flag(TypeFlags::PREFIX) {
            drop_dict(object);
        }
        (kind.native().drop)(object);
        let block = object.cast::<u8>().sub(kind.prefix_size());
        if kind.has_flag(TypeFlags::VARIABLE.with(TypeFlags::UNEVEN)) {
            crate::heap::free(block);
        } else {
            crate::heap::free_sized(block, kind.prefix_size() + kind.allocation_size());
        }
        Vm::leave_deallocation();
        release(typ.as_ptr().cast());
    }
}

/// Runs the finaliser once; answers whether the object is still to be freed.
unsafe fn finalize(object: *mut Header) -> bool {
    // SAFETY: the object is kept alive by a temporary reference while the finaliser runs.
    unsafe {
        if (*object).has_meta(meta::FINALIZED) && (*object).type_of().has_flag(TypeFlags::TRACKED) {
            return true;
        }
        (*object).count.set(1);
        (*object).set_meta(meta::FINALIZED);
        if let Some(finalizer) = (*object).type_of().slots().finalize.get() {
            let value = ManuallyDrop::new(Value::from_bits(object as u64));
            Vm::with_current(|vm| {
                // An exception that is being raised meanwhile is none of the finaliser's business.
                let raised = vm.raised.replace(0);
                finalizer(vm, &value);
                vm.raised.set(raised);
            });
        }
        let count = (*object).count.get();
        (*object).count.set(count - 1);
        count == 1
    }
}

/// Drops the attribute dict of an object with a prefix.
unsafe fn drop_dict(object: *mut Header) {
    // SAFETY: the word is zero or owns a reference to a dict.
    unsafe {
        let word = (*object).dict_word().replace(0);
        if word != 0 {
            drop(Value::from_bits(word));
        }
    }
}

/// Drops the payload in place. What `#[pyclass]` puts into a type's native description.
///
/// # Safety
/// `object` has payload `T` and is not used afterwards.
pub unsafe fn drop_payload<T: Payload>(object: *mut Header) {
    // SAFETY: as promised.
    unsafe { (&raw mut (*object.cast::<Object<T>>()).payload).drop_in_place() }
}

/// Visits what the payload refers to. What `#[pyclass]` puts into a type's native description.
///
/// # Safety
/// `object` has payload `T`.
pub unsafe fn trace_payload<T: Payload + Trace>(object: *const Header, visitor: &mut Visitor<'_>) {
    // SAFETY: as promised.
    unsafe { (*object.cast::<Object<T>>()).payload.trace(visitor) }
}

/// Lets go of what the payload refers to, to break a cycle. What `#[pyclass]` puts into a type's native description.
///
/// # Safety
/// `object` has payload `T`.
pub unsafe fn clear_payload<T: Payload + Trace>(object: *const Header) {
    // SAFETY: as promised.
    unsafe { (*object.cast::<Object<T>>()).payload.clear_references() }
}
