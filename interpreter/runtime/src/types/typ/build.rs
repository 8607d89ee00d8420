//! Making types: the dict of a native type, and new classes from a name, bases and a namespace.

use crate::exceptions::PyResult;
use crate::exceptions::hierarchy::RuntimeWarning;
use crate::names;
use crate::native::Binding;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::SlotFunction;
use crate::types::descriptors::{
    ClassMethod, GetSetDescriptor, MemberDescriptor, StaticMethod, attribute_dict, attribute_weakref,
};
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::native_function::{NativeClassMethod, NativeFunction, NativeMethod, native_new};
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::special::{self, SPECIAL_METHODS, SpecialMethod};
use crate::types::typ::{HeapType, Type, TypeFlags, instance, mro};
use crate::value::Value;
use crate::vm::Vm;

/// Fills the dict of a native type from its description, before slots are inherited.
pub(crate) fn fill_native_dict(vm: &Vm, typ: &TypeObject) {
    let dict = typ.dict();
    // SAFETY: native types are statics.
    let typ: &'static TypeObject = unsafe { &*std::ptr::from_ref(typ) };
    let native = typ.native();
    if typ.slots().new.get().is_some()
        && !typ.has_flag(TypeFlags(TypeFlags::NO_NEW.0 | TypeFlags::HIDES_NEW.0))
    {
        dict.set_str(&names::__new__, native_new(typ));
    }
    if typ.has_flag(TypeFlags::FROM_MODULE) {
        dict.set_str(&names::__module__, vm.intern(native.module).into_value());
    }
    if typ.has_flag(TypeFlags::HAS_WEAK) && typ.has_flag(TypeFlags::EXCEPTION_SUBCLASS) {
        dict.set_str(&names::__weakref__, attribute_weakref(vm, typ));
    }
    for method in SPECIAL_METHODS {
        if method.name == "__new__" || method.name == "__getattr__" {
            continue;
        }
        let Some(function) = shown_slot(typ, method) else { continue };
        let name = (method.interned)();
        if dict.contains_str(name) {
            continue;
        }
        if method.name == "__hash__" && function.address() == special::not_hashable as *const () as usize {
            dict.set_str(name, none());
            continue;
        }
        dict.set_str(
            name,
            crate::types::native_function::SlotWrapper::new(method, function, typ).into_value(),
        );
    }
    if typ.has_flag(TypeFlags::UNHASHABLE)
        || typ.slots().compare.get().is_some() && typ.slots().hash.get().is_none()
    {
        dict.set_str(&names::__hash__, none());
    }
    for definition in native.methods.iter().copied().flatten() {
        let name = vm.intern(definition.name);
        let value = match definition.binding {
            Binding::ClassMethod => NativeClassMethod::new(definition, typ).into_value(),
            Binding::StaticMethod => {
                let function = NativeFunction::bound(definition, typ.to_value()).into_value();
                StaticMethod::new(function).into_value()
            }
            Binding::Method | Binding::Function => {
                let method = NativeMethod::new(definition, typ);
                match definition.name {
                    "append" if std::ptr::eq(typ, List::static_type()) => {
                        method.set_mark(NativeMethod::LIST_APPEND)
                    }
                    "get" if std::ptr::eq(typ, Dict::static_type()) => {
                        method.set_mark(NativeMethod::DICT_GET)
                    }
                    _ => {}
                }
                method.into_value()
            }
        };
        dict.set_str(&name, value);
    }
    for definition in native.attributes.iter().copied().flatten() {
        dict.set_str(&vm.intern(definition.name), GetSetDescriptor::new(definition, typ));
    }
    // Where the instances have a documentation string of their own, its descriptor stays.
    if !dict.contains_str(&names::__doc__) {
        dict.set_str(&names::__doc__, if native.doc.is_empty() { none() } else { vm.new_str(native.doc) });
    }
}

/// The function behind a special method that the dict of a native type shows.
fn shown_slot(typ: &TypeObject, method: &SpecialMethod) -> Option<SlotFunction> {
    let (hides, shows) = match method.name {
        "__getattribute__" => (TypeFlags::NONE, TypeFlags::SHOWS_GET),
        "__setattr__" | "__delattr__" => (TypeFlags::HIDES_SET, TypeFlags::SHOWS_SET),
        "__del__" => (TypeFlags::HIDES_DEL, TypeFlags::NONE),
        _ => (TypeFlags::NONE, TypeFlags::NONE),
    };
    if typ.has_flag(hides) {
        return None;
    }
    typ.slots().get(method.slot).or_else(|| {
        let usual = crate::types::object::BaseObject::static_type();
        typ.has_flag(shows).then(|| usual.slots().get(method.slot)).flatten()
    })
}

/// The most derived metaclass of the bases and the one asked for.
///
/// # Errors
/// `TypeError` where they conflict.
pub fn winning_metaclass<'a>(
    vm: &Vm,
    asked: &'a TypeObject,
    bases: &'a Object<Tuple>,
) -> PyResult<&'a TypeObject> {
    let mut winner = asked;
    for base in bases.items() {
        let metaclass = base.type_of();
        if winner.is_subtype(metaclass) {
            continue;
        }
        if metaclass.is_subtype(winner) {
            winner = metaclass;
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses \
             of all its bases",
        ));
    }
    Ok(winner)
}

/// The type from which the layout of an object comes: the nearest ancestor that adds to it.
fn solid_base(typ: &TypeObject) -> &TypeObject {
    let mut typ = typ;
    loop {
        let Some(base) = typ.base() else { return typ };
        let adds = if typ.is_heap() {
            typ.with_heap(|heap| !heap.members.is_empty()).unwrap_or(false)
        } else {
            typ.native().size != base.native().size
                || !std::ptr::eq(typ.native(), base.native())
                    && typ.native().trace.is_some() != base.native().trace.is_some()
        };
        if adds {
            return typ;
        }
        typ = base;
    }
}

/// The base whose layout a class with these bases continues.
fn best_base<'a>(vm: &Vm, bases: &'a Object<Tuple>) -> PyResult<&'a TypeObject> {
    let mut best: Option<(&TypeObject, &TypeObject)> = None;
    for base in bases.items() {
        let Some(candidate) = base.downcast::<Type>() else {
            return Err(vm.type_error("bases must be types"));
        };
        candidate.ready(vm);
        if !candidate.has_flag(TypeFlags::BASE) && !candidate.is_heap() {
            return Err(
                vm.type_error(format!("type '{}' is not an acceptable base type", candidate.full_name()))
            );
        }
        let solid = solid_base(candidate);
        best = match best {
            None => Some((candidate, solid)),
            Some((base, winner)) if winner.is_native_subtype(solid) => Some((base, winner)),
            Some((_, winner)) if solid.is_native_subtype(winner) => Some((candidate, solid)),
            Some(_) => return Err(vm.type_error("multiple bases have instance lay-out conflict")),
        };
    }
    best.map(|(base, _)| base).ok_or_else(|| vm.type_error("bases must be types"))
}

/// What `__slots__` of a namespace asks for.
struct SlotRequest {
    names: Vec<Ref<Str>>,
    dict: bool,
    weak: bool,
}

fn slot_request(
    vm: &Vm,
    namespace: &Object<Dict>,
    base: &TypeObject,
    class_name: &Object<Str>,
) -> PyResult<Option<SlotRequest>> {
    let Some(slots) = namespace.get_str(&names::__slots__) else { return Ok(None) };
    let listed = if slots.downcast::<Str>().is_some() { vec![slots] } else { vm.collect(&slots)? };
    let mut request = SlotRequest { names: Vec::new(), dict: false, weak: false };
    for item in listed {
        let Some(name) = item.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "__slots__ items must be strings, not '{}'",
                item.type_of().full_name()
            )));
        };
        if !Str::isidentifier(name) {
            return Err(vm.type_error("__slots__ must be identifiers"));
        }
        if name.equals_str("__dict__") {
            if base.has_flag(TypeFlags::HAS_DICT) || request.dict {
                return Err(vm.type_error("__dict__ slot disallowed: we already got one"));
            }
            request.dict = true;
        } else if name.equals_str("__weakref__") {
            if base.has_flag(TypeFlags::HAS_WEAK) || request.weak {
                return Err(vm.type_error("__weakref__ slot disallowed: we already got one"));
            }
            request.weak = true;
        } else {
            let name = mangle(vm, class_name, name);
            let special = name.equals_str("__qualname__")
                || name.equals_str("__classcell__")
                || name.equals_str("__classdictcell__");
            if namespace.contains_str(&name) && !special {
                return Err(vm.value_error(format!(
                    "'{}' in __slots__ conflicts with class variable",
                    name.to_string_lossy()
                )));
            }
            request.names.push(name);
        }
    }
    request.names.sort_by(|left, right| left.order(right));
    if !request.names.is_empty()
        && base.has_flag(TypeFlags(TypeFlags::VARIABLE.0 | TypeFlags::INT_SUBCLASS.0))
        && !base.has_flag(TypeFlags::STR_SUBCLASS)
    {
        return Err(
            vm.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", base.name()))
        );
    }
    Ok(Some(request))
}

/// A private name as the class sees it.
fn mangle(vm: &Vm, class_name: &Object<Str>, name: &Object<Str>) -> Ref<Str> {
    let text = name.to_string_lossy();
    let class = class_name.to_string_lossy();
    let stripped = class.trim_start_matches('_');
    if !text.starts_with("__") || text.ends_with("__") || text.contains('.') || stripped.is_empty() {
        return crate::types::string::intern::intern(name);
    }
    vm.intern(&format!("_{stripped}{text}"))
}

/// Makes a class: what `type.__new__` does once the metaclass is settled.
///
/// # Errors
/// `TypeError` and `ValueError` as CPython has them, and what hooks raise.
pub fn new_class(
    vm: &Vm,
    metaclass: &TypeObject,
    name: &Object<Str>,
    bases: &Object<Tuple>,
    namespace: &Object<Dict>,
    args: &[Value],
    names_of_keywords: crate::slots::KeywordNames<'_>,
) -> PyResult {
    let bases = if bases.items().is_empty() {
        Tuple::from_values([crate::types::object::BaseObject::static_type().to_value()])
    } else {
        bases.to_ref()
    };
    let base = best_base(vm, &bases)?;
    check_name(vm, name)?;
    let dict = namespace.copy();
    let class_cell = dict.remove_str(&names::__classcell__);
    if let Some(doc) = dict.get_str(&names::__doc__).as_ref().and_then(|doc| doc.downcast::<Str>()) {
        check_encodable(vm, doc)?;
    }
    let request = slot_request(vm, &dict, base, name)?;
    let typ = allocate_class(vm, metaclass, name, &bases, base, &dict, request.as_ref())?;
    fill_class_dict(vm, &typ, &dict);
    typ.set_dict(dict.clone());
    set_class_cells(vm, &typ, class_cell, &dict)?;
    warn_of_odd_keys(vm, &typ, &dict)?;
    mro::settle(vm, &typ)?;
    inherit(&typ, &bases, base);
    for base in bases.items() {
        if let Some(base) = base.downcast::<Type>() {
            base.add_subclass(&typ);
        }
    }
    set_names(vm, &typ)?;
    init_subclass(vm, &typ, args, names_of_keywords)?;
    Ok(typ.into_value())
}

/// Whether a text can be the name of a class.
///
/// # Errors
/// `ValueError` for one with null characters, `UnicodeEncodeError` for one with lone surrogates.
pub(super) fn check_name(vm: &Vm, name: &Object<Str>) -> PyResult<()> {
    if name.characters().iter().any(|c| c == 0) {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    check_encodable(vm, name)
}

fn check_encodable(vm: &Vm, text: &Object<Str>) -> PyResult<()> {
    if text.characters().iter().any(|c| (0xd800..0xe000).contains(&c)) {
        crate::codecs::encode_text(vm, &text.as_value(), None, None)?;
    }
    Ok(())
}

fn allocate_class(
    vm: &Vm,
    metaclass: &TypeObject,
    name: &Object<Str>,
    bases: &Object<Tuple>,
    base: &TypeObject,
    dict: &Object<Dict>,
    request: Option<&SlotRequest>,
) -> PyResult<Ref<Type>> {
    let qualified_name = match dict.remove_str(&names::__qualname__) {
        None => name.to_ref(),
        Some(value) => value.downcast_into::<Str>().map_err(|other| {
            vm.type_error(format!("type __qualname__ must be a str, not {}", other.type_of().full_name()))
        })?,
    };
    let is_class = base.has_flag(TypeFlags::TYPE_SUBCLASS);
    let any_dict = bases
        .items()
        .iter()
        .filter_map(|base| base.downcast::<Type>())
        .any(|base| base.has_flag(TypeFlags::HAS_DICT));
    let any_weak = bases
        .items()
        .iter()
        .filter_map(|base| base.downcast::<Type>())
        .any(|base| base.has_flag(TypeFlags::HAS_WEAK));
    // Modules have a dict of their own already.
    let any_dict = any_dict && !base.is_native_subtype(Module::static_type());
    let (wants_dict, wants_weak, member_names) = match request {
        None if base.is_native_subtype(Module::static_type()) => (false, true, &[][..]),
        None => (true, true, &[][..]),
        Some(request) => (request.dict || any_dict, request.weak || any_weak, &request.names[..]),
    };
    let mut flags = TypeFlags(base_flags(base)).with(TypeFlags::BASE);
    // Strings keep their kind where the collector would keep its index.
    if !base.has_flag(TypeFlags::STR_SUBCLASS) {
        flags = flags.with(TypeFlags::TRACKED);
    }
    if !is_class {
        if wants_dict {
            flags = flags.with(TypeFlags::HAS_DICT);
        }
        if wants_weak {
            flags = flags.with(TypeFlags::HAS_WEAK);
        }
        if wants_dict || wants_weak || base.has_flag(TypeFlags::PREFIX) {
            flags = flags.with(TypeFlags::PREFIX);
        }
    }
    // Objects of Python classes can be part of cycles; those without attributes and over untracked bases cannot.
    if wants_dict || !member_names.is_empty() || base.has_flag(TypeFlags::TRACKED) {
        flags = flags.with(TypeFlags::TRACKED);
    }
    flags = TypeFlags(flags.0 & !TypeFlags::SEQUENCE.with(TypeFlags::MAPPING).0);
    // What a class is for `match`, the first base says that is anything.
    let patterns = [TypeFlags::SEQUENCE, TypeFlags::MAPPING];
    let mut classes = bases.items().iter().filter_map(|base| base.downcast::<Type>());
    if let Some(first) = classes.find(|class| patterns.iter().any(|&flag| class.has_flag(flag))) {
        for flag in patterns.into_iter().filter(|&flag| first.has_flag(flag)) {
            flags = flags.with(flag);
        }
    }
    let variable = base.has_flag(TypeFlags::VARIABLE);
    let prefix = if flags.0 & TypeFlags::PREFIX.0 != 0 { 16 } else { 0 };
    let (members, basic, prefix) = if variable {
        // Members of variable-size objects lie before the header.
        let below = base.prefix_size().max(prefix);
        let members =
            (0..member_names.len()).map(|index| -((below + 8 * (index + 1)) as i32)).collect::<Vec<_>>();
        (members, base.basic_size(), below + (8 * member_names.len()).next_multiple_of(16))
    } else {
        let start = base.basic_size().next_multiple_of(8);
        let members = (0..member_names.len()).map(|index| (start + 8 * index) as i32).collect::<Vec<_>>();
        (members, start + 8 * member_names.len(), prefix)
    };
    let capacity = if flags.0 & TypeFlags::HAS_DICT.0 != 0 && !variable && !is_class {
        inline_capacity(base, dict)
    } else {
        0
    };
    if capacity > 0 {
        flags = flags.with(TypeFlags::INLINE);
    }
    let shared_keys = if base.is_heap() && capacity > 0 {
        base.with_heap(|heap| heap.shared_keys.get()).unwrap_or_default()
    } else {
        Vec::new()
    };
    let heap = HeapType {
        name: crate::cell::GilCell::new(name.to_exact()),
        qualified_name: crate::cell::GilCell::new(qualified_name),
        members,
        member_names: request.map_or_else(Vec::new, |request| request.names.clone()),
        shared_keys: crate::cell::GilCell::new(shared_keys),
    };
    let typ = Object::with_type(metaclass, Type::heap(base.native(), flags, heap));
    typ.set_layout(base, basic as u32, prefix as u16, capacity as u8);
    typ.set_bases(bases.to_ref());
    typ.set_flag(TypeFlags::READY);
    // The members' descriptors go into the dict right away.
    if let Some(request) = request {
        let offsets = typ.with_heap(|heap| heap.members.clone()).unwrap_or_default();
        for (name, offset) in request.names.iter().zip(offsets) {
            dict.set_str(name, MemberDescriptor::new(name.clone(), &typ, offset).into_value());
        }
    }
    Ok(typ)
}

fn base_flags(base: &TypeObject) -> u32 {
    base.flag_bits() & TypeFlags::INHERITED.0
}

/// How many attributes of an object lie inline: those that the class's own methods and its bases' assign, and a few.
fn inline_capacity(base: &TypeObject, dict: &Object<Dict>) -> usize {
    let own = dict
        .get_str(&names::__static_attributes__)
        .and_then(|names| names.downcast::<Tuple>().map(|names| names.items().len()))
        .unwrap_or(0);
    if base.is_heap() {
        return (own.max(2) + base.inline_capacity.get() as usize).min(instance::MOST_INLINE);
    }
    // What assigns the attributes of a class with annotations may be made for it, as in data classes.
    let annotated =
        dict.contains_str(&names::__annotate_func__) || dict.contains_str(&names::__annotations__);
    let spare = if own == 0 && annotated { 10 } else { 2 };
    (own + spare).clamp(4, instance::MOST_INLINE)
}

fn fill_class_dict(vm: &Vm, typ: &Object<Type>, dict: &Object<Dict>) {
    if !dict.contains_str(&names::__module__)
        && let Some(frame) = vm.current_frame()
        && let Some(module) = frame.globals().get_str(&names::__name__)
    {
        dict.set_str(&names::__module__, module);
    }
    for name in [&*names::__new__] {
        if let Some(function) = dict.get_str(name)
            && function.downcast_exact::<Function>().is_some()
        {
            dict.set_str(name, StaticMethod::new(function).into_value());
        }
    }
    for name in [&*names::__init_subclass__, &*names::__class_getitem__] {
        if let Some(function) = dict.get_str(name)
            && function.downcast_exact::<Function>().is_some()
        {
            dict.set_str(name, ClassMethod::new(function).into_value());
        }
    }
    let is_class = typ.has_flag(TypeFlags::TYPE_SUBCLASS);
    let any = |flag| {
        typ.bases().items().iter().filter_map(|base| base.downcast::<Type>()).any(|base| base.has_flag(flag))
    };
    if !is_class
        && typ.has_flag(TypeFlags::HAS_DICT)
        && !any(TypeFlags::HAS_DICT)
        && !dict.contains_str(&names::__dict__)
    {
        dict.set_str(&names::__dict__, attribute_dict(vm, typ));
    }
    if !is_class
        && typ.has_flag(TypeFlags::HAS_WEAK)
        && !any(TypeFlags::HAS_WEAK)
        && !dict.contains_str(&names::__weakref__)
    {
        dict.set_str(&names::__weakref__, attribute_weakref(vm, typ));
    }
    if !dict.contains_str(&names::__doc__) {
        dict.set_str(&names::__doc__, none());
    }
    if dict.contains_str(&names::__eq__) && !dict.contains_str(&names::__hash__) {
        dict.set_str(&names::__hash__, none());
    }
}

/// The method resolution order, by `mro()` of the metaclass if that is overridden.
fn inherit(typ: &Object<Type>, bases: &Object<Tuple>, base: &TypeObject) {
    typ.slots().inherit(base.slots());
    if bases.items().len() == 1 {
        for key in typ.dict().keys() {
            if let Some(name) = key.downcast::<Str>()
                && let Some(name) = name.as_ascii()
            {
                special::update(typ, name);
            }
        }
    } else {
        special::update_all(typ);
    }
}

/// Hands the class over to the functions in it that refer to `__class__`.
fn set_class_cells(
    vm: &Vm,
    typ: &Object<Type>,
    class_cell: Option<Value>,
    dict: &Object<Dict>,
) -> PyResult<()> {
    if let Some(cell) = class_cell {
        match cell.downcast::<crate::types::cell::CellObject>() {
            Some(cell) => drop(cell.replace(Some(typ.to_value()))),
            None => {
                return Err(vm.type_error(format!(
                    "__classcell__ must be a nonlocal cell, not {}",
                    vm.repr(&cell.type_of().to_value())?.to_string_lossy()
                )));
            }
        }
    }
    if let Some(cell) = dict.remove_str(&names::__classdictcell__)
        && let Some(cell) = cell.downcast::<crate::types::cell::CellObject>()
    {
        drop(cell.replace(Some(dict.to_value())));
    }
    Ok(())
}

/// Warns where attributes of a class have names that are no strings.
fn warn_of_odd_keys(vm: &Vm, typ: &Object<Type>, dict: &Object<Dict>) -> PyResult<()> {
    if dict.keys().iter().all(|key| key.downcast::<Str>().is_some()) {
        return Ok(());
    }
    let message = format!("non-string key in the __dict__ of class {}", typ.name());
    crate::warnings::warn(vm, RuntimeWarning::static_type(), &message, 1)
}

fn set_names(vm: &Vm, typ: &Object<Type>) -> PyResult<()> {
    for (key, value) in typ.dict().pairs() {
        let Some(method) = value.type_of().lookup(vm, &names::__set_name__) else { continue };
        if let Err(error) = vm.call_found_method(&method, &value, &[typ.to_value(), key.clone()]) {
            let note = format!(
                "Error calling __set_name__ on '{}' instance {} in '{}'",
                value.type_of().full_name(),
                vm.repr(&key)?.to_string_lossy(),
                typ.name()
            );
            error.add_note(vm, &note);
            return Err(error);
        }
    }
    Ok(())
}

fn init_subclass(
    vm: &Vm,
    typ: &Object<Type>,
    args: &[Value],
    names_of_keywords: crate::slots::KeywordNames<'_>,
) -> PyResult<()> {
    let supertype = crate::types::super_::Super::make(vm, &typ.to_value(), &typ.to_value())?;
    let method = vm.get_attribute(&supertype, &names::__init_subclass__)?;
    let keyword_count = names_of_keywords.map_or(0, |names| names.items().len());
    vm.call_with_names(&method, &args[args.len() - keyword_count..], names_of_keywords)?;
    Ok(())
}

/// `__build_class__(function, name, *bases, metaclass=…, **keywords)`.
///
/// # Errors
/// What the class statement raises.
pub fn build_class(vm: &Vm, args: &[Value], keyword_names: crate::slots::KeywordNames<'_>) -> PyResult {
    let keyword_count = keyword_names.map_or(0, |names| names.items().len());
    let (positional, keyword_values) = args.split_at(args.len() - keyword_count);
    let [function, name, bases @ ..] = positional else {
        return Err(vm.type_error("__build_class__: not enough arguments"));
    };
    let Some(body) = function.downcast_exact::<Function>() else {
        return Err(vm.type_error("__build_class__: func must be a function"));
    };
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("__build_class__: name is not a string"));
    }
    let original_bases = Tuple::from_slice(bases);
    let bases = resolve_bases(vm, &original_bases)?;
    let mut metaclass = None;
    let mut key_names = Vec::new();
    let mut key_values = Vec::new();
    for (key, value) in keyword_names.map_or(&[][..], |names| names.items()).iter().zip(keyword_values) {
        if key.downcast::<Str>().is_some_and(|key| key.equals_str("metaclass")) {
            metaclass = Some(value.clone());
        } else {
            key_names.push(key.clone());
            key_values.push(value.clone());
        }
    }
    let mut metaclass = match metaclass {
        Some(metaclass) => metaclass,
        None => match bases.items().first() {
            Some(base) => base.type_of().to_value(),
            None => Type::static_type().to_value(),
        },
    };
    if let Some(asked) = metaclass.clone().downcast::<Type>() {
        metaclass = winning_metaclass(vm, asked, &bases)?.to_value();
    }
    let key_names = Tuple::from_values(key_names);
    let call = |callable: &Value, first: [Value; 2]| {
        let mut all = first.to_vec();
        all.extend_from_slice(&key_values);
        vm.call_with_names(callable, &all, Some(&key_names))
    };
    let namespace = match vm.get_attribute_optional(&metaclass, &names::__prepare__)? {
        Some(prepare) => {
            let namespace = call(&prepare, [name.clone(), bases.clone().into_value()])?;
            if namespace.type_of().slots().get_item.get().is_none() {
                let shown =
                    metaclass.downcast::<Type>().map_or_else(|| "<metaclass>".to_owned(), |typ| typ.name());
                return Err(vm.type_error(format!(
                    "{shown}.__prepare__() must return a mapping, not {}",
                    namespace.type_of().full_name()
                )));
            }
            namespace
        }
        None => Dict::new().into_value(),
    };
    let cell = run_body(vm, body, &namespace)?;
    if !std::ptr::eq(bases.as_ptr(), original_bases.as_ptr()) {
        vm.set_item(&namespace, &vm.new_str("__orig_bases__"), original_bases.value())?;
    }
    let mut all = vec![name.clone(), bases.into_value(), namespace];
    all.extend_from_slice(&key_values);
    let class = vm.call_with_names(&metaclass, &all, Some(&key_names))?;
    check_class_cell(vm, &class, &cell, name)?;
    Ok(class)
}

fn run_body(vm: &Vm, body: &Object<Function>, namespace: &Value) -> PyResult {
    crate::eval::call::run_with_locals(vm, &body.to_value(), namespace.clone())
}

fn check_class_cell(vm: &Vm, class: &Value, cell: &Value, name: &Value) -> PyResult<()> {
    if let Some(cell) = cell.downcast::<crate::types::cell::CellObject>()
        && class.downcast::<Type>().is_some()
    {
        let shown = vm.repr(name)?;
        match cell.get() {
            None => {
                return Err(vm.runtime_error(format!(
                    "__class__ not set defining {} as {}. Was __classcell__ propagated to type.__new__?",
                    shown.to_string_lossy(),
                    vm.repr(class)?.to_string_lossy()
                )));
            }
            Some(found) if !found.is(class) => {
                return Err(vm.type_error(format!(
                    "__class__ set to {} defining {} as {}",
                    vm.repr(&found)?.to_string_lossy(),
                    shown.to_string_lossy(),
                    vm.repr(class)?.to_string_lossy()
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Replaces bases that are no types by what their `__mro_entries__` answer (PEP 560).
fn resolve_bases(vm: &Vm, bases: &Ref<Tuple>) -> PyResult<Ref<Tuple>> {
    if bases.items().iter().all(|base| base.downcast::<Type>().is_some()) {
        return Ok(bases.clone());
    }
    let mut resolved = Vec::new();
    let mut changed = false;
    for base in bases.items() {
        let entries = if base.downcast::<Type>().is_some() {
            None
        } else {
            vm.get_attribute_optional(base, &names::__mro_entries__)?
        };
        match entries {
            None => resolved.push(base.clone()),
            Some(entries) => {
                let replacement = vm.call(&entries, &[bases.clone().into_value()])?;
                let Some(replacement) = replacement.downcast::<Tuple>() else {
                    return Err(vm.type_error("__mro_entries__ must return a tuple"));
                };
                resolved.extend_from_slice(replacement.items());
                changed = true;
            }
        }
    }
    Ok(if changed { Tuple::from_values(resolved) } else { bases.clone() })
}

/// The base whose layout a class with these bases would continue, for `__bases__` assignment.
///
/// # Errors
/// `TypeError` where the bases do not go together.
pub fn layout_base<'a>(vm: &Vm, bases: &'a Object<Tuple>) -> PyResult<&'a TypeObject> {
    best_base(vm, bases)
}

/// Whether objects of the type are laid out as those of the base are, and perhaps on.
pub fn has_layout_of(typ: &TypeObject, base: &TypeObject) -> bool {
    let wanted = solid_base(base);
    let mut own = Some(solid_base(typ));
    while let Some(solid) = own {
        if std::ptr::eq(solid, wanted) {
            return true;
        }
        own = solid.base();
    }
    false
}

/// Whether objects of the type could continue the layout of another base.
pub fn same_layout(typ: &TypeObject, base: &TypeObject) -> bool {
    let own = typ.base().map_or(typ, solid_base);
    std::ptr::eq(own, solid_base(base))
        && (!base.has_flag(TypeFlags::PREFIX) || typ.has_flag(TypeFlags::PREFIX))
}

/// `__flags__` as CPython shows them, as far as they mean something here.
pub fn cpython_flags(typ: &TypeObject) -> u64 {
    let mut flags = 1 << 12;
    let mut add = |condition: bool, bit: u32| {
        if condition {
            flags |= 1 << bit;
        }
    };
    add(typ.has_flag(TypeFlags::INLINE), 2);
    add(typ.has_flag(TypeFlags::PREFIX) && typ.has_flag(TypeFlags::HAS_WEAK), 3);
    add(typ.has_flag(TypeFlags::PREFIX) && typ.has_flag(TypeFlags::HAS_DICT), 4);
    add(typ.has_flag(TypeFlags::SEQUENCE), 5);
    add(typ.has_flag(TypeFlags::MAPPING), 6);
    add(typ.has_flag(TypeFlags::NO_NEW), 7);
    add(typ.has_flag(TypeFlags::IMMUTABLE), 8);
    add(typ.is_heap() || typ.has_flag(TypeFlags::FROM_MODULE), 9);
    add(typ.has_flag(TypeFlags::BASE), 10);
    add(true, 12);
    add(typ.has_flag(TypeFlags::TRACKED), 14);
    add(typ.has_flag(TypeFlags::METHOD_DESCRIPTOR), 17);
    add(typ.current_version() != 0, 19);
    add(typ.has_flag(TypeFlags::ABSTRACT), 20);
    add(typ.has_flag(TypeFlags::MATCH_SELF), 22);
    add(typ.has_flag(TypeFlags::INT_SUBCLASS), 24);
    add(typ.is_native_subtype(crate::types::list::List::static_type()), 25);
    add(typ.is_native_subtype(Tuple::static_type()), 26);
    add(typ.is_native_subtype(crate::types::bytes::Bytes::static_type()), 27);
    add(typ.has_flag(TypeFlags::STR_SUBCLASS), 28);
    add(typ.is_native_subtype(Dict::static_type()), 29);
    add(typ.has_flag(TypeFlags::EXCEPTION_SUBCLASS), 30);
    add(typ.has_flag(TypeFlags::TYPE_SUBCLASS), 31);
    flags
}

/// Whether an object of one class can become one of the other.
pub fn compatible_for_assignment(old: &TypeObject, new: &TypeObject) -> bool {
    std::ptr::eq(old.native(), new.native())
        && old.basic_size() == new.basic_size()
        && old.prefix_size() == new.prefix_size()
        && old.has_flag(TypeFlags::HAS_DICT) == new.has_flag(TypeFlags::HAS_DICT)
        && old.has_flag(TypeFlags::HAS_WEAK) == new.has_flag(TypeFlags::HAS_WEAK)
        && old.has_flag(TypeFlags::TRACKED) == new.has_flag(TypeFlags::TRACKED)
        && std::ptr::eq(solid_base(old).native(), solid_base(new).native())
        && same_names(&member_names(old), &member_names(new))
}

/// The names of the members along the chain of bases.
fn member_names(typ: &TypeObject) -> Vec<Ref<Str>> {
    let mut names = Vec::new();
    let mut next = Some(typ);
    while let Some(typ) = next {
        names.extend(typ.with_heap(|heap| heap.member_names.clone()).unwrap_or_default());
        next = typ.base();
    }
    names
}

fn same_names(left: &[Ref<Str>], right: &[Ref<Str>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.same_text(right))
}
