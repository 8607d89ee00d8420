//! Weak references and proxies, and the native module `_weakref`.
//!
//! All weak references to an object are linked into a list that hangs off the object's weak word
//! ([`Header::weak_word`]). A reference without a callback and a proxy without a callback come first, in this order, and
//! are used again whenever the like is asked for.
//!
//! # Safety argument
//!
//! The payload of each of the three types begins with a [`Link`], at the same offset, so objects of all of them can be
//! handled as [`Node`]s. A link with a referent is in its referent's list, and only then: it leaves the list before its
//! object is freed (`Link::drop`), and every link is taken off the list, and forgets its referent, before the referent's
//! memory is given back ([`clear_weak_references`]). So the addresses in links and weak words are always those of objects
//! whose memory is valid. An object may be on the list while its count is zero already, because it is just being ended
//! or put off; such an object is never handed out.

use std::cell::Cell;
use std::ptr;

use rspy_macros::{pyclass, pyfunctions, pymethods};

use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult};
use crate::gc::{Trace, Visitor};
use crate::names;
use crate::object::{Borrow, Header, Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::dict::Dict;
use crate::types::none::{is_none, none, not_implemented};
use crate::types::string::Str;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;

/// What weak references and proxies have in common.
#[repr(C)]
pub struct Link {
    /// The word of the object referred to, not owned; 0 when it is gone.
    referent: Cell<u64>,
    callback: GilCell<Option<Value>>,
    /// The referent's hash, -1 until it is asked for.
    hash: Cell<i64>,
    previous: Cell<*const Node>,
    next: Cell<*const Node>,
}

/// A weak reference or proxy of any type.
type Node = Object<Link>;

/// A weak reference: it answers the object when called, or `None` once the object is gone.
#[pyclass(name = "ReferenceType", module = "weakref", manual_trace, subclassable)]
#[repr(C)]
pub struct WeakReference {
    link: Link,
}

/// Stands for an object without keeping it alive.
#[pyclass(name = "ProxyType", module = "weakref", manual_trace, no_new)]
#[repr(C)]
pub struct Proxy {
    link: Link,
}

/// Stands for a callable object without keeping it alive.
#[pyclass(name = "CallableProxyType", module = "weakref", manual_trace, no_new)]
#[repr(C)]
pub struct CallableProxy {
    link: Link,
}

macro_rules! trace_link {
    ($($typ:ty)*) => {$(
        impl Trace for $typ {
            fn trace(&self, visitor: &mut Visitor<'_>) {
                self.link.callback.trace(visitor);
            }

            fn clear_references(&self) {
                self.link.forget();
            }
        }
    )*};
}
trace_link!(WeakReference Proxy CallableProxy);

impl Link {
    fn new(referent: &Value, callback: Option<Value>) -> Link {
        Link {
            referent: Cell::new(referent.bits()),
            callback: GilCell::new(callback),
            hash: Cell::new(-1),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
        }
    }

    /// The object referred to, if it is not gone.
    #[inline]
    fn referent(&self) -> Option<Value> {
        let bits = self.referent.get();
        if bits == 0 {
            return None;
        }
        // SAFETY: the memory is valid while the link has the referent.
        unsafe {
            if (*(bits as *const Header)).reference_count() == 0 {
                return None;
            }
            Some(Borrow::clone_value(&Borrow::from_bits(bits)))
        }
    }

    /// Takes the link off its referent's list.
    fn unlink(&self) {
        let bits = self.referent.replace(0);
        if bits == 0 {
            return;
        }
        let (previous, next) = (self.previous.replace(ptr::null()), self.next.replace(ptr::null()));
        // SAFETY: referent and neighbours are valid while the link is in the list.
        unsafe {
            if !next.is_null() {
                (&*next).previous.set(previous);
            }
            if !previous.is_null() {
                (&*previous).next.set(next);
            } else if let Some(word) = (*(bits as *const Header)).weak_word() {
                word.set(next as u64);
            }
        }
    }

    /// Lets go of referent and callback.
    fn forget(&self) {
        self.unlink();
        drop(self.callback.take());
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.unlink();
    }
}

/// The object as a node.
fn node_of(object: &Header) -> &Node {
    // SAFETY: callers pass objects of the three types only, whose payloads begin with a link.
    unsafe { &*ptr::from_ref(object).cast() }
}

/// The first weak reference in the list of an object.
fn first(header: &Header) -> Option<&Node> {
    let word = header.weak_word()?.get() as *const Node;
    // SAFETY: nodes in the list are valid.
    unsafe { word.as_ref() }
}

fn following(node: &Node) -> Option<&Node> {
    // SAFETY: as for `first`.
    unsafe { node.next.get().as_ref() }
}

/// The weak references to an object, in the order of the list.
fn nodes(header: &Header) -> impl Iterator<Item = &Node> {
    std::iter::successors(first(header), |node| following(node))
}

/// Whether the object may be handed out: it is not being ended.
fn is_alive(node: &Node) -> bool {
    node.header().reference_count() != 0
}

fn is_basic_reference(node: &Node) -> bool {
    ptr::eq(node.type_of(), WeakReference::static_type()) && node.callback.borrow().is_none()
}

fn is_proxy(node: &Node) -> bool {
    ptr::eq(node.type_of(), Proxy::static_type()) || ptr::eq(node.type_of(), CallableProxy::static_type())
}

fn is_basic_proxy(node: &Node) -> bool {
    is_proxy(node) && node.callback.borrow().is_none()
}

/// Puts a new node into its referent's list: a basic reference first, a basic proxy next, the others behind these,
/// newest first.
fn insert(header: &Header, node: &Node) {
    let Some(word) = header.weak_word() else { return };
    let mut after: *const Node = ptr::null();
    if !is_basic_reference(node) {
        for other in nodes(header) {
            if !(is_basic_reference(other) || (is_basic_proxy(other) && !is_basic_proxy(node))) {
                break;
            }
            after = other;
        }
    }
    // SAFETY: nodes in the list are valid.
    unsafe {
        let next = if after.is_null() { word.get() as *const Node } else { (&*after).next.get() };
        node.previous.set(after);
        node.next.set(next);
        if !next.is_null() {
            (&*next).previous.set(node);
        }
        if after.is_null() {
            word.set(ptr::from_ref(node) as u64);
        } else {
            (&*after).next.set(node);
        }
    }
}

/// The header of an object that can be referred to weakly.
fn referable<'a>(vm: &Vm, object: &'a Value) -> PyResult<&'a Header> {
    match object.header() {
        Some(header) if header.type_of().has_flag(TypeFlags::HAS_WEAK) && header.weak_word().is_some() => {
            Ok(header)
        }
        _ => Err(vm.type_error(format!(
            "cannot create weak reference to '{}' object",
            object.type_of().full_name()
        ))),
    }
}

/// A weak reference to an object.
///
/// # Errors
/// `TypeError` for objects that cannot be referred to weakly.
pub fn new_reference(vm: &Vm, object: &Value, callback: Option<&Value>) -> PyResult {
    reference_of_type(vm, WeakReference::static_type(), object, callback)
}

fn reference_of_type(vm: &Vm, typ: &TypeObject, object: &Value, callback: Option<&Value>) -> PyResult {
    let header = referable(vm, object)?;
    let callback = callback.filter(|callback| !is_none(callback));
    if callback.is_none()
        && ptr::eq(typ, WeakReference::static_type())
        && let Some(basic) = first(header).filter(|node| is_basic_reference(node) && is_alive(node))
    {
        return Ok(basic.to_value());
    }
    let reference = Object::with_type(typ, WeakReference { link: Link::new(object, callback.cloned()) });
    insert(header, node_of(reference.header()));
    Ok(reference.into_value())
}

/// A proxy for an object.
///
/// # Errors
/// `TypeError` for objects that cannot be referred to weakly.
pub fn new_proxy(vm: &Vm, object: &Value, callback: Option<&Value>) -> PyResult {
    let header = referable(vm, object)?;
    let callback = callback.filter(|callback| !is_none(callback));
    if callback.is_none()
        && let Some(basic) = nodes(header).take(2).find(|node| is_basic_proxy(node) && is_alive(node))
    {
        return Ok(basic.to_value());
    }
    let link = Link::new(object, callback.cloned());
    let proxy = if vm.is_callable(object) {
        Object::new(CallableProxy { link }).into_value()
    } else {
        Object::new(Proxy { link }).into_value()
    };
    if let Some(made) = proxy.header() {
        insert(header, node_of(made));
    }
    Ok(proxy)
}

/// What a weak reference refers to, `None` once it is gone. Nothing for values that are no weak references.
#[inline]
pub fn referent(reference: &Value) -> Option<Option<Value>> {
    reference.downcast::<WeakReference>().map(|reference| reference.link.referent())
}

/// The first weak reference to an object (`__weakref__`).
pub fn first_reference(object: &Value) -> Option<Value> {
    nodes(object.header()?).find(|node| is_alive(node)).map(Object::to_value)
}

/// Ends all weak references to an object that is going away, then calls their callbacks.
#[inline]
pub fn clear_weak_references(header: &Header) {
    if header.weak_word().is_some_and(|word| word.get() != 0) {
        clear_list(header);
    }
}

#[cold]
fn clear_list(header: &Header) {
    let mut pending = Vec::new();
    take_list(header, &mut pending);
    Vm::with_current(|vm| call_callbacks(vm, pending));
}

/// Empties an object's list; collects the references that have callbacks, with these.
fn take_list(header: &Header, pending: &mut Vec<(Value, Value)>) {
    while let Some(node) = first(header) {
        let reference = is_alive(node).then(|| node.to_value());
        node.unlink();
        let callback = node.callback.take();
        if let (Some(reference), Some(callback)) = (reference, callback) {
            pending.push((reference, callback));
        }
    }
}

fn call_callbacks(vm: &Vm, pending: Vec<(Value, Value)>) {
    if pending.is_empty() {
        return;
    }
    // An object may go away while an exception is on its way to a handler.
    let raised = vm.raised.replace(0);
    for (reference, callback) in pending {
        if let Err(error) = vm.call(&callback, &[reference]) {
            let shown = vm
                .repr(&callback)
                .map_or_else(|_| "<object repr() failed>".into(), |text| text.to_string_lossy().into_owned());
            let message = format!("Exception ignored while calling weakref callback {shown}");
            crate::exceptions::print::write_unraisable(vm, error, Some(&message), None);
        }
    }
    vm.raised.set(raised);
}

/// Ends the weak references to objects that the collector found unreachable, then calls the callbacks of those
/// references that are not garbage themselves. Answers whether there were any to call.
pub fn clear_for_garbage(vm: &Vm, garbage: &[Value]) -> bool {
    let mut pending = Vec::new();
    for header in garbage.iter().filter_map(Value::header) {
        if header.weak_word().is_some_and(|word| word.get() != 0) {
            take_list(header, &mut pending);
        }
    }
    if pending.is_empty() {
        return false;
    }
    let doomed: std::collections::HashSet<u64> = garbage.iter().map(Value::bits).collect();
    let (silent, heard): (Vec<_>, Vec<_>) =
        pending.into_iter().partition(|(reference, _)| doomed.contains(&reference.bits()));
    let calls = !heard.is_empty();
    call_callbacks(vm, heard);
    drop(silent);
    calls
}

/// `'C' at 0x… (name)`: the object referred to, for `repr`.
fn describe(object: &Value) -> String {
    let class = Vm::with_current(|vm| crate::exceptions::raise::shown_class_name(vm, object.type_of()));
    format!("'{class}' at {:#x}", object.id())
}

#[pymethods]
impl WeakReference {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        if keywords > 0 && ptr::eq(cls, WeakReference::static_type()) {
            return Err(vm.type_error("ref() takes no keyword arguments"));
        }
        let positional = &args[..args.len() - keywords];
        check_count(vm, "__new__", positional.len())?;
        reference_of_type(vm, cls, &positional[0], positional.get(1))
    }

    #[slot(init)]
    fn init(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let keywords = names.map_or(0, |names| names.items().len());
        if keywords > 0 {
            return Err(vm.type_error("ref() takes no keyword arguments"));
        }
        check_count(vm, "__init__", args.len())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("weakref() takes no keyword arguments"));
        }
        if !args.is_empty() {
            return Err(vm.type_error(format!("weakref expected 0 arguments, got {}", args.len())));
        }
        Ok(self.link.referent().unwrap_or_else(none))
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        if self.link.hash.get() == -1 {
            let object = self.link.referent().ok_or_else(|| vm.type_error("weak object has gone away"))?;
            self.link.hash.set(vm.hash(&object)?);
        }
        Ok(self.link.hash.get())
    }

    #[slot(compare)]
    fn compare(this: &Value, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Some(left), Some(right)) = (referent(this), referent(other)) else {
            return Ok(not_implemented());
        };
        match (comparison, left, right) {
            (Comparison::Equal | Comparison::NotEqual, Some(left), Some(right)) => {
                vm.compare(&left, &right, comparison)
            }
            (Comparison::Equal, ..) => Ok(boolean(this.is(other))),
            (Comparison::NotEqual, ..) => Ok(boolean(!this.is(other))),
            _ => Ok(not_implemented()),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<WeakReference>, vm: &Vm) -> PyResult {
        let address = ptr::from_ref(this) as usize;
        let Some(object) = this.link.referent() else {
            return Ok(vm.new_str(&format!("<weakref at {address:#x}; dead>")));
        };
        let what = describe(&object);
        let name = vm.get_attribute_optional(&object, &names::__name__)?;
        Ok(vm.new_str(&match name.as_ref().and_then(|name| name.downcast::<Str>()) {
            Some(name) => format!("<weakref at {address:#x}; to {what} ({})>", name.to_string_lossy()),
            None => format!("<weakref at {address:#x}; to {what}>"),
        }))
    }

    #[getter("__callback__", member)]
    fn callback(&self) -> Option<Value> {
        self.link.callback.get()
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        crate::types::generic_alias::new(vm, &cls.to_value(), object)
    }
}

fn check_count(vm: &Vm, function: &str, given: usize) -> PyResult<()> {
    match given {
        0 => Err(vm.type_error(format!("{function} expected at least 1 argument, got 0"))),
        1 | 2 => Ok(()),
        _ => Err(vm.type_error(format!("{function} expected at most 2 arguments, got {given}"))),
    }
}

fn gone(vm: &Vm) -> Exception {
    vm.reference_error("weakly-referenced object no longer exists")
}

/// What a proxy stands for.
fn proxied(vm: &Vm, proxy: &Value) -> PyResult {
    match proxy.header() {
        Some(header) if is_proxy_type(header.type_of()) => node_of(header).referent().ok_or_else(|| gone(vm)),
        _ => Ok(proxy.clone()),
    }
}

fn is_proxy_type(typ: &TypeObject) -> bool {
    ptr::eq(typ, Proxy::static_type()) || ptr::eq(typ, CallableProxy::static_type())
}

/// Declares the slots of a type of proxies: each does its operation with the objects that stand behind the operands.
macro_rules! proxy_methods {
    ($typ:ident [$($operator:ident = $operation:literal)*] $($more:tt)*) => {
        #[pymethods]
        impl $typ {
            $(#[slot($operator)]
            fn $operator(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                vm.binary_operation($operation, &proxied(vm, left)?, &proxied(vm, right)?)
            })*

            #[slot(divmod)]
            fn divmod(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                vm.divmod(&proxied(vm, left)?, &proxied(vm, right)?)
            }

            #[slot(power)]
            fn power(vm: &Vm, base: &Value, exponent: &Value, modulus: &Value) -> PyResult {
                vm.power(&proxied(vm, base)?, &proxied(vm, exponent)?, &proxied(vm, modulus)?)
            }

            #[slot(inplace_power)]
            fn inplace_power(vm: &Vm, base: &Value, exponent: &Value, _modulus: &Value) -> PyResult {
                vm.binary_operation(21, &proxied(vm, base)?, &proxied(vm, exponent)?)
            }

            #[slot(negative)]
            fn negative(this: &Value, vm: &Vm) -> PyResult {
                vm.negative(&proxied(vm, this)?)
            }

            #[slot(positive)]
            fn positive(this: &Value, vm: &Vm) -> PyResult {
                vm.positive(&proxied(vm, this)?)
            }

            #[slot(absolute)]
            fn absolute(this: &Value, vm: &Vm) -> PyResult {
                vm.absolute(&proxied(vm, this)?)
            }

            #[slot(invert)]
            fn invert(this: &Value, vm: &Vm) -> PyResult {
                vm.invert(&proxied(vm, this)?)
            }

            #[slot(int)]
            fn int(this: &Value, vm: &Vm) -> PyResult {
                crate::types::int::Int::static_type().construct(vm, &[proxied(vm, this)?])
            }

            #[slot(float)]
            fn float(this: &Value, vm: &Vm) -> PyResult {
                crate::types::float::Float::static_type().construct(vm, &[proxied(vm, this)?])
            }

            #[slot(index)]
            fn index(this: &Value, vm: &Vm) -> PyResult {
                vm.index(&proxied(vm, this)?)
            }

            #[slot(bool)]
            fn bool(this: &Value, vm: &Vm) -> PyResult<bool> {
                vm.is_true(&proxied(vm, this)?)
            }

            #[slot(length)]
            fn length(this: &Value, vm: &Vm) -> PyResult<usize> {
                vm.length(&proxied(vm, this)?)
            }

            #[slot(get_item)]
            fn get_item(this: &Value, vm: &Vm, key: &Value) -> PyResult {
                vm.get_item(&proxied(vm, this)?, key)
            }

            #[slot(set_item)]
            fn set_item(this: &Value, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
                let object = proxied(vm, this)?;
                match value {
                    Some(value) => vm.set_item(&object, key, value),
                    None => vm.delete_item(&object, key),
                }
            }

            #[slot(contains)]
            fn contains(this: &Value, vm: &Vm, item: &Value) -> PyResult<bool> {
                vm.contains(&proxied(vm, this)?, item)
            }

            #[slot(iter)]
            fn iter(this: &Value, vm: &Vm) -> PyResult {
                vm.iter(&proxied(vm, this)?)
            }

            #[slot(next)]
            fn next(this: &Value, vm: &Vm) -> PyResult<Option<Value>> {
                let object = proxied(vm, this)?;
                if object.type_of().slots().next.get().is_none() {
                    return Err(vm.type_error(format!(
                        "Weakref proxy referenced a non-iterator '{}' object",
                        object.type_of().full_name()
                    )));
                }
                vm.next(&object)
            }

            #[slot(compare)]
            fn compare(this: &Value, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
                vm.compare(&proxied(vm, this)?, &proxied(vm, other)?, comparison)
            }

            #[slot(str)]
            fn str(this: &Value, vm: &Vm) -> PyResult<Ref<Str>> {
                vm.str(&proxied(vm, this)?)
            }

            #[slot(repr)]
            fn repr(this: &Object<$typ>) -> String {
                let address = ptr::from_ref(this) as usize;
                match this.link.referent() {
                    Some(object) => format!("<weakproxy at {address:#x}; to {}>", describe(&object)),
                    None => format!("<weakproxy at {address:#x}; dead>"),
                }
            }

            #[slot(getattribute)]
            fn getattribute(this: &Value, vm: &Vm, name: &Object<Str>) -> PyResult {
                vm.get_attribute(&proxied(vm, this)?, name)
            }

            #[slot(setattribute)]
            fn setattribute(this: &Value, vm: &Vm, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
                let object = proxied(vm, this)?;
                match value {
                    Some(value) => vm.set_attribute(&object, name, value),
                    None => vm.delete_attribute(&object, name),
                }
            }

            #[method("__bytes__")]
            fn bytes(this: &Value, vm: &Vm) -> PyResult {
                vm.call_method_str(&proxied(vm, this)?, "__bytes__", &[])
            }

            #[method("__reversed__")]
            fn reversed(this: &Value, vm: &Vm) -> PyResult {
                vm.call_method(&proxied(vm, this)?, &names::__reversed__, &[])
            }

            $($more)*
        }
    };
}

/// [`proxy_methods`] with the binary operators and their numbers in `BINARY_OP`.
macro_rules! proxy_type {
    ($typ:ident $($more:tt)*) => {
        proxy_methods! {
            $typ [
                add = 0 and = 1 floor_divide = 2 lshift = 3 matrix_multiply = 4 multiply = 5 remainder = 6 or = 7
                rshift = 9 subtract = 10 true_divide = 11 xor = 12 inplace_add = 13 inplace_and = 14
                inplace_floor_divide = 15 inplace_lshift = 16 inplace_matrix_multiply = 17 inplace_multiply = 18
                inplace_remainder = 19 inplace_or = 20 inplace_rshift = 22 inplace_subtract = 23
                inplace_true_divide = 24 inplace_xor = 25
            ] $($more)*
        }
    };
}

proxy_type!(Proxy);
proxy_type! {
    CallableProxy
    #[slot(call)]
    fn call(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        vm.call_with_names(&proxied(vm, this)?, args, names)
    }
}

/// The functions of `_weakref`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the number of weak references to 'object'.
    #[function("getweakrefcount(object, /)")]
    fn getweakrefcount(object: &Value) -> usize {
        object.header().map_or(0, |header| nodes(header).filter(|node| is_alive(node)).count())
    }

    /// Return a list of all weak reference objects pointing to 'object'.
    #[function("getweakrefs(object, /)")]
    fn getweakrefs(object: &Value) -> Vec<Value> {
        object.header().map_or_else(Vec::new, |header| {
            nodes(header).filter(|node| is_alive(node)).map(Object::to_value).collect()
        })
    }

    /// Create a proxy object that weakly references 'object'.
    ///
    /// 'callback', if given, is called with a reference to the
    /// proxy when 'object' is about to be finalized.
    #[function("proxy(object, callback=None, /)")]
    fn proxy(vm: &Vm, object: &Value, callback: Option<&Value>) -> PyResult {
        new_proxy(vm, object, callback)
    }

    /// Atomically remove key from dict if it points to a dead weakref.
    #[function("_remove_dead_weakref(dct, key, /)")]
    fn remove_dead_weakref(vm: &Vm, dct: &Object<Dict>, key: &Value) -> PyResult<()> {
        match dct.get(vm, key)? {
            None => Ok(()),
            Some(found) => match referent(&found) {
                None => Err(vm.type_error("not a weakref")),
                Some(Some(_)) => Ok(()),
                Some(None) => dct.remove(vm, key).map(drop),
            },
        }
    }
}

crate::native_module! {
    name: "_weakref",
    doc: "Weak-reference support module.",
    functions: [Functions::FUNCTIONS],
    types: [WeakReference, Proxy, CallableProxy],
    execute: |vm, module| {
        module.dict().set_str(&vm.intern("ref"), WeakReference::static_type().to_value());
        Ok(())
    },
}
