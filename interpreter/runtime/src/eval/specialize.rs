//! Specialisation (PEP 659): generic instructions count how often they run and replace themselves by a form for what
//! they meet, whose fast path is guarded by type versions.
//!
//! The counter in the first unit of a cache holds the count above and a back-off exponent in the lowest four bits, as
//! in CPython. A form whose guard fails does the generic thing; the generic instruction's counter then runs down
//! again and it specialises anew.

use rspy_code::opcode::Opcode;

use crate::eval::frame::Frame;
use crate::eval::polymorphic::{self, Purpose};
use crate::eval::{State, word};
use crate::object::{Header, Object, Payload};
use crate::types::bool::as_bool;
use crate::types::descriptors::{ClassMethod, MemberDescriptor, Property};
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::generator::Generator;
use crate::types::iterators::{ListIterator, RangeIterator, TupleIterator};
use crate::types::list::List;
use crate::types::method::BoundMethod;
use crate::types::module::Module;
use crate::types::native_function::{NativeFunction, NativeMethod};
use crate::types::none::is_none;
use crate::types::object::BaseObject;
use crate::types::set::{FrozenSet, Set};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags, instance};
use crate::value::Value;
use crate::vm::Vm;

/// Whether the instruction is to specialise now: its counter has run down.
#[inline(always)]
unsafe fn is_due(state: &State<'_>) -> bool {
    // SAFETY: every instruction that asks has a cache.
    unsafe {
        let counter = state.cache(0);
        let value = counter.get();
        if value >> 4 == 0 {
            return true;
        }
        counter.set(value - (1 << 4));
        false
    }
}

/// Whether the instruction may specialise when it next runs, which only the slow path does.
#[inline(always)]
pub(super) unsafe fn is_nearly_due(state: &State<'_>) -> bool {
    // SAFETY: every instruction that asks has a cache.
    unsafe { state.cache(0).get() >> 4 == 0 }
}

/// Counts a run of an instruction that is not [nearly due](is_nearly_due).
#[inline(always)]
pub(super) unsafe fn count_down(state: &State<'_>) {
    // SAFETY: as above.
    unsafe {
        let counter = state.cache(0);
        counter.set(counter.get() - (1 << 4));
    }
}

/// Puts a specialised form in the place of the instruction.
unsafe fn become_form(state: &State<'_>, form: Opcode) {
    // SAFETY: the instruction lies before its cache.
    unsafe {
        let unit = &*state.next.sub(1);
        unit.set(unit.get() & 0xff00 | form as u16);
        state.cache(0).set(52 << 4 | 1);
    }
}

/// Puts a form of an instruction without a counter in its place, when it is first run.
#[inline(always)]
pub(super) unsafe fn settle_plain(state: &State<'_>, form: Opcode) {
    // SAFETY: the instruction lies before the next one.
    unsafe {
        let unit = &*state.next.sub(1);
        unit.set(unit.get() & 0xff00 | form as u16);
    }
}

/// Waits longer before the next try.
unsafe fn back_off(state: &State<'_>, base: Opcode) {
    // SAFETY: the instruction lies before its cache.
    unsafe {
        let unit = &*state.next.sub(1);
        unit.set(unit.get() & 0xff00 | base as u16);
        let counter = state.cache(0);
        let exponent = (counter.get() & 15).min(11) + 1;
        counter.set(((1u16 << exponent) - 1) << 4 | exponent);
    }
}

unsafe fn settle(state: &State<'_>, base: Opcode, form: Option<Opcode>) {
    // SAFETY: as for the two.
    unsafe {
        match form {
            Some(form) => become_form(state, form),
            None => back_off(state, base),
        }
    }
}

fn is_exact<T: Payload>(value: &Value) -> bool {
    value.downcast_exact::<T>().is_some()
}

pub(super) unsafe fn load_global(state: &State<'_>, name: &Object<Str>) {
    // SAFETY: the instruction has a cache of four units.
    unsafe {
        if !is_due(state) {
            return;
        }
        let frame = &*state.frame;
        let (globals, builtins) = (frame.globals(), frame.builtins());
        let vm = state.vm;
        let form = if !crate::types::dict::is_exact(globals.type_of()) {
            None
        } else if let Some(position) = globals.position_of(name) {
            let version = globals.keys_version(vm);
            if version == 0 || position > 0xffff {
                None
            } else {
                state.set_cache_wide(1, version);
                state.cache(3).set(position as u16);
                Some(Opcode::LoadGlobalModule)
            }
        } else if let Some(position) = builtins.position_of(name) {
            let (own, theirs) = (globals.keys_version(vm), builtins.keys_version(vm));
            if own == 0 || theirs == 0 || own > 0xffff || theirs > 0xffff || position > 0xffff {
                None
            } else {
                state.cache(1).set(own as u16);
                state.cache(2).set(theirs as u16);
                state.cache(3).set(position as u16);
                Some(Opcode::LoadGlobalBuiltin)
            }
        } else {
            None
        };
        settle(state, Opcode::LoadGlobal, form);
    }
}

pub(super) unsafe fn binary_op(state: &State<'_>, argument: u32) {
    // SAFETY: the instruction has a cache of five units and two operands.
    unsafe {
        if !is_due(state) {
            return;
        }
        let (left, right) = (state.look(2), state.look(1));
        let ints = left.is_small_int() && right.is_small_int();
        let floats = left.is_small_float() && right.is_small_float();
        let numbers = !left.is_object() && !right.is_object();
        let texts = is_exact::<Str>(&left) && is_exact::<Str>(&right);
        let form = match argument {
            0 | 13 if ints => Some(Opcode::BinaryOpAddInt),
            10 | 23 if ints => Some(Opcode::BinaryOpSubtractInt),
            5 | 18 if ints => Some(Opcode::BinaryOpMultiplyInt),
            0 | 13 if floats => Some(Opcode::BinaryOpAddFloat),
            10 | 23 if floats => Some(Opcode::BinaryOpSubtractFloat),
            5 | 18 if floats => Some(Opcode::BinaryOpMultiplyFloat),
            0 | 13 if texts && stored_back(state).is_some() => Some(Opcode::BinaryOpInplaceAddUnicode),
            0 | 13 if texts => Some(Opcode::BinaryOpAddUnicode),
            26 if is_exact::<List>(&left) && right.is_small_int() => Some(Opcode::BinaryOpSubscrListInt),
            26 if is_exact::<Tuple>(&left) && right.is_small_int() => Some(Opcode::BinaryOpSubscrTupleInt),
            26 if is_exact::<Str>(&left) && right.is_small_int() => Some(Opcode::BinaryOpSubscrStrInt),
            26 if is_exact::<Dict>(&left) => Some(Opcode::BinaryOpSubscrDict),
            26 if left.type_of().is_heap() => {
                let method = left.type_of().lookup(state.vm, &crate::names::__getitem__);
                let version = left.type_of().version(state.vm);
                if version != 0 && method.is_some_and(|method| is_exact::<Function>(&method)) {
                    state.set_cache_wide(1, version);
                    Some(Opcode::BinaryOpSubscrGetitem)
                } else {
                    None
                }
            }
            1 | 2 | 3 | 6 | 7 | 9 | 12 | 14 | 15 | 16 | 19 | 20 | 22 | 25 if ints => {
                Some(Opcode::BinaryOpExtend)
            }
            0 | 5 | 10 | 11 | 13 | 18 | 23 | 24 if numbers => Some(Opcode::BinaryOpExtend),
            _ => None,
        };
        settle(state, Opcode::BinaryOp, form);
    }
}

/// The variable that holds the left operand of the binary operation and is about to get the result.
pub(super) unsafe fn stored_back(state: &State<'_>) -> Option<*mut u64> {
    // SAFETY: the instruction has a cache of five units and two operands; another instruction follows it.
    unsafe {
        let unit = (*state.next.add(5)).get();
        let index = match Opcode::try_from(unit as u8).ok()? {
            Opcode::StoreFast => unit >> 8,
            Opcode::StoreFastLoadFast => unit >> 12,
            _ => return None,
        };
        let variable = Frame::local(state.frame, index as usize);
        (*variable == word::untagged(*state.at(2))).then_some(variable)
    }
}

pub(super) unsafe fn compare_op(state: &State<'_>, argument: u32) {
    // SAFETY: the instruction has a cache of one unit and two operands.
    unsafe {
        if !is_due(state) {
            return;
        }
        let (left, right) = (state.look(2), state.look(1));
        let form = if left.is_small_int() && right.is_small_int() {
            Some(Opcode::CompareOpInt)
        } else if left.is_small_float() && right.is_small_float() {
            Some(Opcode::CompareOpFloat)
        } else if is_exact::<Str>(&left) && is_exact::<Str>(&right) && matches!(argument >> 5, 2 | 3) {
            Some(Opcode::CompareOpStr)
        } else {
            None
        };
        settle(state, Opcode::CompareOp, form);
    }
}

pub(super) unsafe fn contains_op(state: &State<'_>) {
    // SAFETY: the instruction has a cache of one unit and two operands.
    unsafe {
        if !is_due(state) {
            return;
        }
        let container = state.look(1);
        let form = if is_exact::<Dict>(&container) {
            Some(Opcode::ContainsOpDict)
        } else if is_exact::<Set>(&container) || is_exact::<FrozenSet>(&container) {
            Some(Opcode::ContainsOpSet)
        } else {
            None
        };
        settle(state, Opcode::ContainsOp, form);
    }
}

pub(super) unsafe fn store_subscr(state: &State<'_>) {
    // SAFETY: the instruction has a cache of one unit and three operands.
    unsafe {
        if !is_due(state) {
            return;
        }
        let (key, container) = (state.look(1), state.look(2));
        let form = if is_exact::<List>(&container) && key.is_small_int() {
            Some(Opcode::StoreSubscrListInt)
        } else if is_exact::<Dict>(&container) {
            Some(Opcode::StoreSubscrDict)
        } else {
            None
        };
        settle(state, Opcode::StoreSubscr, form);
    }
}

pub(super) unsafe fn to_bool(state: &State<'_>) {
    // SAFETY: the instruction has a cache of three units and an operand.
    unsafe {
        if !is_due(state) {
            return;
        }
        let value = state.look(1);
        let form = if as_bool(&value).is_some() {
            Some(Opcode::ToBoolBool)
        } else if value.is_small_int() {
            Some(Opcode::ToBoolInt)
        } else if is_none(&value) {
            Some(Opcode::ToBoolNone)
        } else if is_exact::<List>(&value) {
            Some(Opcode::ToBoolList)
        } else if is_exact::<Str>(&value) {
            Some(Opcode::ToBoolStr)
        } else if value.is_object() {
            let slots = value.type_of().slots();
            let version = value.type_of().version(state.vm);
            if slots.bool.get().is_none() && slots.length.get().is_none() && version != 0 {
                state.set_cache_wide(1, version);
                Some(Opcode::ToBoolAlwaysTrue)
            } else {
                None
            }
        } else {
            None
        };
        settle(state, Opcode::ToBool, form);
    }
}

pub(super) unsafe fn unpack_sequence(state: &State<'_>, argument: u32) {
    // SAFETY: the instruction has a cache of one unit and an operand.
    unsafe {
        if !is_due(state) {
            return;
        }
        let value = state.look(1);
        let form = if let Some(tuple) = value.downcast_exact::<Tuple>() {
            if tuple.items().len() != argument as usize {
                None
            } else if argument == 2 {
                Some(Opcode::UnpackSequenceTwoTuple)
            } else {
                Some(Opcode::UnpackSequenceTuple)
            }
        } else {
            is_exact::<List>(&value).then_some(Opcode::UnpackSequenceList)
        };
        settle(state, Opcode::UnpackSequence, form);
    }
}

pub(super) unsafe fn for_iter(state: &State<'_>) {
    // SAFETY: the instruction has a cache of one unit and an iterator.
    unsafe {
        if !is_due(state) {
            return;
        }
        let iterator = state.look(1);
        let form = if is_exact::<ListIterator>(&iterator) {
            Some(Opcode::ForIterList)
        } else if is_exact::<TupleIterator>(&iterator) {
            Some(Opcode::ForIterTuple)
        } else if is_exact::<RangeIterator>(&iterator) {
            Some(Opcode::ForIterRange)
        } else if is_exact::<Generator>(&iterator) {
            Some(Opcode::ForIterGen)
        } else {
            None
        };
        settle(state, Opcode::ForIter, form);
    }
}

pub(super) unsafe fn send(state: &State<'_>) {
    // SAFETY: the instruction has a cache of one unit, and a receiver below the value.
    unsafe {
        if !is_due(state) {
            return;
        }
        let generator = crate::types::generator::as_generator(&state.look(2)).is_some();
        settle(state, Opcode::Send, generator.then_some(Opcode::SendGen));
    }
}

/// In the place of an attribute that is found in a class: it is a class method about to be called, so that nothing need be
/// bound.
pub(super) const CLASS_METHOD: u16 = 1;

/// In the place of an attribute that native code computes: by a function, which is the form's value, or by what the class
/// has, a descriptor; that of an object with a dict may be hidden by it.
pub(super) const FUNCTION: u16 = 0;
pub(super) const DESCRIPTOR: u16 = 1;
pub(super) const DESCRIPTOR_UNLESS_DICT: u16 = 2;

/// What an attribute access specialises to, and what its form wants to have remembered.
pub(super) struct AttributeForm {
    pub(super) opcode: Opcode,
    /// The version of the type, or of the keys of a module's dict.
    version: u32,
    /// Words from the object's header, or a position in a dict.
    pub(super) place: u16,
    /// The version of the metaclass, where it matters.
    meta_version: u32,
    /// The word of what the class has, where the form pushes that, or the address of a function that reads the attribute.
    pub(super) value: u64,
}

impl AttributeForm {
    fn new(opcode: Opcode, version: u32) -> Option<AttributeForm> {
        (version != 0).then_some(AttributeForm { opcode, version, place: 0, meta_version: 0, value: 0 })
    }

    fn at(opcode: Opcode, version: u32, place: usize) -> Option<AttributeForm> {
        let place = u16::try_from(place).ok()?;
        Some(AttributeForm { place, ..AttributeForm::new(opcode, version)? })
    }

    fn of_class(opcode: Opcode, version: u32, value: &Value) -> Option<AttributeForm> {
        Some(AttributeForm { value: value.bits(), ..AttributeForm::new(opcode, version)? })
    }

    /// Fills the inline cache of the instruction.
    unsafe fn write(&self, state: &State<'_>) {
        // SAFETY: a place's cache has four units at least; forms with a value or a metaclass are of loads, whose
        // caches have nine.
        unsafe {
            state.set_cache_wide(1, self.version);
            if self.meta_version == 0 {
                state.cache(3).set(self.place);
            } else {
                state.set_cache_wide(3, self.meta_version);
            }
            if self.value != 0 {
                state.next.add(5).cast_mut().cast::<u64>().write_unaligned(self.value);
            }
        }
    }
}

/// Specialises an attribute access for the class at hand, or, where it was specialised for another before, has it
/// use the table of all classes.
unsafe fn settle_attribute(state: &State<'_>, base: Opcode, form: Option<AttributeForm>) {
    // SAFETY: the instruction lies before its cache.
    unsafe {
        let unit = &*state.next.sub(1);
        let met_another = unit.get() as u8 != base as u8;
        match form {
            Some(form) if met_another && polymorphic::is_covered(&form) => {
                unit.set(unit.get() & 0xff00 | base as u16);
                state.cache(0).set(polymorphic::MARK);
            }
            Some(form) => {
                form.write(state);
                become_form(state, form.opcode);
            }
            None => back_off(state, base),
        }
    }
}

pub(super) unsafe fn load_attr(state: &State<'_>, argument: u32, name: &Object<Str>) {
    // SAFETY: the instruction has a cache of nine units and an operand.
    unsafe {
        if state.cache(0).get() == polymorphic::MARK {
            let owner = state.look(1);
            let purpose = if argument & 1 != 0 { Purpose::Call } else { Purpose::Load };
            let form = || load_form(state.vm, &owner, argument, name);
            state.vm.interpreter.attributes.learn(owner.type_of(), name, purpose, form);
        } else if is_due(state) {
            let form = load_form(state.vm, &state.look(1), argument, name);
            settle_attribute(state, Opcode::LoadAttr, form);
        }
    }
}

fn load_form(vm: &Vm, owner: &Value, argument: u32, name: &Object<Str>) -> Option<AttributeForm> {
    if let Some(module) = owner.downcast_exact::<Module>() {
        let position = module.dict_ref().position_of(name)?;
        if Module::static_type().lookup(vm, name).is_some() {
            return None;
        }
        return AttributeForm::at(Opcode::LoadAttrModule, module.dict_ref().keys_version(vm), position);
    }
    if let Some(class) = owner.downcast::<Type>() {
        return class_load_form(vm, class, argument, name);
    }
    let typ = owner.type_of();
    let generic = crate::types::object::generic_get_attribute as *const () as usize;
    if typ.slots().getattribute.get().is_none_or(|get| get as usize != generic) {
        return None;
    }
    let version = typ.version(vm);
    if let Some(found) = typ.lookup(vm, name) {
        if is_class_getter(vm, name, &found) {
            return AttributeForm::at(Opcode::LoadAttrSlot, version, Header::TYPE_PLACE);
        }
        return found_load_form(owner, argument, name, &found, version);
    }
    own_load_form(owner.header()?, name, version)
}

/// The form for an attribute that the object itself has.
fn own_load_form(object: &Header, name: &Object<Str>, version: u32) -> Option<AttributeForm> {
    let typ = object.type_of();
    if !typ.has_flag(TypeFlags::HAS_DICT) || !typ.has_flag(TypeFlags::PREFIX) {
        return None;
    }
    if let Some(dict) = instance::existing_dict(object) {
        return AttributeForm::at(Opcode::LoadAttrWithHint, version, dict.position_of(name)?);
    }
    if !typ.has_flag(TypeFlags::INLINE) {
        return None;
    }
    AttributeForm::at(Opcode::LoadAttrInstanceValue, version, instance::place_of(typ, name)?)
}

/// Whether what was found is `object.__class__`: it lies in every object as slots do.
fn is_class_getter(vm: &Vm, name: &Object<Str>, found: &Value) -> bool {
    let class: &Object<Str> = &crate::names::__class__;
    std::ptr::eq(name, class)
        && BaseObject::static_type().lookup(vm, name).is_some_and(|getter| getter.is(found))
}

/// The form for an attribute that the class has.
fn found_load_form(
    owner: &Value,
    argument: u32,
    name: &Object<Str>,
    found: &Value,
    version: u32,
) -> Option<AttributeForm> {
    let typ = owner.type_of();
    if let Some(offset) = slot_offset(typ, found) {
        return AttributeForm::at(Opcode::LoadAttrSlot, version, offset);
    }
    if argument & 1 == 0
        && let Some(property) = found.downcast_exact::<Property>()
        && let Some(getter) = property.getter()
        && is_exact::<Function>(&getter)
    {
        return AttributeForm::of_class(Opcode::LoadAttrProperty, version, found);
    }
    if let Some(get) = crate::types::descriptors::native_getter(typ, found) {
        let form = AttributeForm::new(Opcode::LoadAttrGetattributeOverridden, version)?;
        return Some(AttributeForm { value: get as usize as u64, ..form });
    }
    let slots = found.type_of().slots();
    if slots.descriptor_set.get().is_some() {
        return descriptor_form(found, DESCRIPTOR, version);
    }
    // A class made by Python code may yet make its objects descriptors, which come before what lies in the object.
    if let Some(object) = owner.header()
        && !found.type_of().is_heap()
        && instance::own_word(object, typ, name) != 0
    {
        return own_load_form(object, name, version);
    }
    let has_dict = typ.has_flag(TypeFlags::HAS_DICT);
    let is_never_hidden = typ.has_flag(TypeFlags::INLINE) && instance::place_of(typ, name).is_none();
    let opcode = if argument & 1 != 0 && found.type_of().has_flag(TypeFlags::METHOD_DESCRIPTOR) {
        if !has_dict {
            Opcode::LoadAttrMethodNoDict
        } else if is_never_hidden {
            Opcode::LoadAttrMethodWithValues
        } else if !typ.has_flag(TypeFlags::INLINE) && typ.has_flag(TypeFlags::PREFIX) {
            Opcode::LoadAttrMethodLazyDict
        } else {
            return None;
        }
    } else if slots.descriptor_get.get().is_none() {
        if !has_dict && owner.is_object() {
            Opcode::LoadAttrNondescriptorNoDict
        } else if is_never_hidden {
            Opcode::LoadAttrNondescriptorWithValues
        } else {
            return None;
        }
    } else if !has_dict && owner.is_object() {
        return descriptor_form(found, DESCRIPTOR, version);
    } else if is_never_hidden {
        return descriptor_form(found, DESCRIPTOR_UNLESS_DICT, version);
    } else {
        return None;
    };
    AttributeForm::of_class(opcode, version, found)
}

/// The form for an attribute that a native descriptor of the class gives.
fn descriptor_form(descriptor: &Value, place: u16, version: u32) -> Option<AttributeForm> {
    let kind = descriptor.type_of();
    if kind.is_heap() || kind.slots().descriptor_get.get().is_none() {
        return None;
    }
    let form = AttributeForm::of_class(Opcode::LoadAttrGetattributeOverridden, version, descriptor)?;
    Some(AttributeForm { place, ..form })
}

/// Words from the header to a `__slots__` member that objects of the type have.
fn slot_offset(typ: &Object<Type>, found: &Value) -> Option<usize> {
    let member = found.downcast_exact::<MemberDescriptor>()?;
    let offset = usize::try_from(member.offset()).ok()?;
    typ.is_native_subtype(member.owner()).then_some(offset / 8)
}

fn class_load_form(
    vm: &Vm,
    class: &Object<Type>,
    argument: u32,
    name: &Object<Str>,
) -> Option<AttributeForm> {
    class.ready(vm);
    let metaclass = class.type_of();
    let get = metaclass.slots().getattribute.get()?;
    let plain = Type::static_type().slots().getattribute.get()?;
    if get as usize != plain as usize || metaclass.lookup(vm, name).is_some() {
        return None;
    }
    let found = class.lookup(vm, name)?;
    if is_exact::<ClassMethod>(&found) && argument & 1 != 0 && std::ptr::eq(metaclass, Type::static_type()) {
        let form = AttributeForm::of_class(Opcode::LoadAttrClass, class.version(vm), &found)?;
        return Some(AttributeForm { place: CLASS_METHOD, ..form });
    }
    if found.type_of().slots().descriptor_get.get().is_some() && !is_exact::<Function>(&found) {
        return None;
    }
    let form = AttributeForm::of_class(Opcode::LoadAttrClass, class.version(vm), &found)?;
    if std::ptr::eq(metaclass, Type::static_type()) {
        return Some(form);
    }
    let meta_version = metaclass.version(vm);
    let opcode = Opcode::LoadAttrClassWithMetaclassCheck;
    (meta_version != 0).then_some(AttributeForm { opcode, meta_version, ..form })
}

pub(super) unsafe fn store_attr(state: &State<'_>, name: &Object<Str>) {
    // SAFETY: the instruction has a cache of four units and an operand.
    unsafe {
        if state.cache(0).get() == polymorphic::MARK {
            let owner = state.look(1);
            let form = || store_form(state.vm, &owner, name);
            state.vm.interpreter.attributes.learn(owner.type_of(), name, Purpose::Store, form);
        } else if is_due(state) {
            let form = store_form(state.vm, &state.look(1), name);
            settle_attribute(state, Opcode::StoreAttr, form);
        }
    }
}

fn store_form(vm: &Vm, owner: &Value, name: &Object<Str>) -> Option<AttributeForm> {
    let header = owner.header()?;
    let typ = header.type_of();
    let generic = crate::types::object::generic_set_attribute as *const () as usize;
    if typ.slots().setattribute.get().is_none_or(|set| set as usize != generic) {
        return None;
    }
    let version = typ.version(vm);
    if let Some(found) = typ.lookup(vm, name) {
        if let Some(offset) = slot_offset(typ, &found) {
            return AttributeForm::at(Opcode::StoreAttrSlot, version, offset);
        }
        if found.type_of().slots().descriptor_set.get().is_some() {
            return None;
        }
    }
    if typ.has_flag(TypeFlags::HAS_DICT)
        && typ.has_flag(TypeFlags::PREFIX)
        && let Some(dict) = instance::existing_dict(header)
    {
        return AttributeForm::at(Opcode::StoreAttrWithHint, version, dict.position_of(name)?);
    }
    if !typ.has_flag(TypeFlags::INLINE) {
        return None;
    }
    AttributeForm::at(Opcode::StoreAttrInstanceValue, version, instance::place_of(typ, name)?)
}

pub(super) unsafe fn call(state: &State<'_>, base: *mut u64, argument: u32) {
    // SAFETY: the instruction has a cache of three units; `base` is the callable with the place for self above it.
    unsafe {
        if !is_due(state) {
            return;
        }
        let form = call_form(state, base, argument);
        settle(state, Opcode::Call, form);
    }
}

unsafe fn call_form(state: &State<'_>, base: *mut u64, argument: u32) -> Option<Opcode> {
    // SAFETY: as for `call`.
    unsafe {
        let vm = state.vm;
        let callable = word::look(*base);
        let has_self = *base.add(1) != 0;
        let count = argument as usize + usize::from(has_self);
        if let Some(function) = callable.downcast_exact::<Function>() {
            let exact = function.code().parameters_are(count);
            return Some(if exact { Opcode::CallPyExactArgs } else { Opcode::CallPyGeneral });
        }
        if let Some(method) = callable.downcast_exact::<BoundMethod>()
            && !has_self
        {
            let exact = method.function().downcast_exact::<Function>()?.code().parameters_are(count + 1);
            return Some(if exact {
                Opcode::CallBoundMethodExactArgs
            } else {
                Opcode::CallBoundMethodGeneral
            });
        }
        if let Some(method) = callable.downcast_exact::<NativeMethod>() {
            if method.current_mark() == NativeMethod::LIST_APPEND && count == 2 {
                return Some(Opcode::CallListAppend);
            }
            state.set_cache_wide(1, method.current_mark());
            return Some(match count {
                1 => Opcode::CallMethodDescriptorNoargs,
                2 => Opcode::CallMethodDescriptorO,
                _ => Opcode::CallMethodDescriptorFast,
            });
        }
        if let Some(function) = callable.downcast_exact::<NativeFunction>() {
            if BEGIN_WATCHING.contains(&function.definition().name) {
                return None;
            }
            let builtins = vm.builtins();
            let is_builtin =
                |name: &Object<Str>| builtins.get_str(name).is_some_and(|found| found.is(&callable));
            // Definitions are statics: the lower half of the address tells them apart.
            state.set_cache_wide(1, std::ptr::from_ref(function.definition()) as usize as u32);
            return Some(match count {
                1 if is_builtin(&crate::names::len) => Opcode::CallLen,
                2 if is_builtin(&crate::names::isinstance) => Opcode::CallIsinstance,
                1 => Opcode::CallBuiltinO,
                _ => Opcode::CallBuiltinFast,
            });
        }
        if let Some(typ) = callable.downcast::<Type>()
            && !has_self
        {
            if std::ptr::eq(typ, Type::static_type()) && argument == 1 {
                return Some(Opcode::CallType1);
            }
            if std::ptr::eq(typ, Str::static_type()) && argument == 1 {
                return Some(Opcode::CallStr1);
            }
            if std::ptr::eq(typ, Tuple::static_type()) && argument == 1 {
                return Some(Opcode::CallTuple1);
            }
            return class_call_form(state, typ);
        }
        None
    }
}

/// Native functions after which the thread may be watched: only the general call looks for that.
const BEGIN_WATCHING: [&str; 6] =
    ["settrace", "settrace_to_record", "setprofile", "set_events", "set_local_events", "_settraceallthreads"];

/// A class whose objects `object.__new__` makes and whose `__init__` is a Python function.
unsafe fn class_call_form(state: &State<'_>, typ: &Object<Type>) -> Option<Opcode> {
    // SAFETY: as for `call`.
    unsafe {
        let vm = state.vm;
        let plain = crate::types::object::BaseObject::static_type().slots().new.get()?;
        if !typ.is_heap() {
            let directly = crate::types::typ::is_constructed_directly(typ);
            return Some(if directly { Opcode::CallBuiltinClass } else { Opcode::CallNonPyGeneral });
        }
        if typ.has_flag(TypeFlags::ABSTRACT)
            || !std::ptr::eq(typ.type_of(), Type::static_type())
            || typ.slots().new.get().is_none_or(|new| new as usize != plain as usize)
            || typ.native().size != size_of::<Object<crate::types::object::BaseObject>>()
        {
            return None;
        }
        typ.lookup(vm, &crate::names::__init__)?.downcast_exact::<Function>()?;
        let version = typ.version(vm);
        if version == 0 {
            return None;
        }
        state.set_cache_wide(1, version);
        Some(Opcode::CallAllocAndEnterInit)
    }
}
