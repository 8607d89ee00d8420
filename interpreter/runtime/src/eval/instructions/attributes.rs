//! Instructions for attributes, and `super()`.

use crate::attempt;
use crate::eval::call::push_frame;
use crate::eval::frame::Owner;
use crate::eval::instructions::calls::{enter_exactly, enter_frame};
use crate::eval::instructions::instructions;
use crate::eval::polymorphic::{self, Place, Purpose};
use crate::eval::{Flow, Instruction, State, raised_or_word, specialize, word};
use crate::exceptions::Exception;
use crate::native::Getter;
use crate::object::{Header, Object, Payload};
use crate::slots::DescriptorGet;
use crate::types::descriptors::{ClassMethod, Property};
use crate::types::function::Function;
use crate::types::module::Module;
use crate::types::string::Str;
use crate::types::typ::TypeFlags;
use crate::types::typ::instance;
use crate::value::Value;
use crate::vm::Vm;

/// The object on top, if it is one and its type has the version in the cache.
#[inline(always)]
unsafe fn of_version<'a>(state: &State<'_>, word: u64) -> Option<&'a Header> {
    if !word::is_pointer(word) {
        return None;
    }
    // SAFETY: a pointer word's object is alive while it is on the stack.
    unsafe {
        let object = &*(word::untagged(word) as *const Header);
        (object.type_of().current_version() == state.cache_wide(1)).then_some(object)
    }
}

/// Replaces the object on top by an attribute, given without a reference of its own.
#[inline(always)]
unsafe fn replace_top(state: &mut State<'_>, argument: u32, found: u64) -> Flow {
    // SAFETY: the owner is an object, which keeps the attribute alive until its reference has been added.
    unsafe {
        let owner = *state.at(1);
        if owner & word::BORROWED != 0 {
            *state.at(1) = word::duplicate(found);
        } else {
            let object = &*(owner as *const Header);
            if object.reference_count() == 1 {
                return Flow::Slow;
            }
            *state.at(1) = word::duplicate(found);
            object.remove_reference_quietly();
        }
        if argument & 1 != 0 {
            state.push(0);
        }
        state.skip(9);
    }
    Flow::Next
}

/// Puts a method below the object on top, ready to be called.
#[inline(always)]
unsafe fn push_method(state: &mut State<'_>) -> Flow {
    // SAFETY: the cache holds the method, which the type keeps alive while its version holds.
    unsafe {
        let method = state.next.add(5).cast::<u64>().read_unaligned();
        let owner = *state.at(1);
        *state.at(1) = word::duplicate(method);
        state.push(owner);
        state.skip(9);
    }
    Flow::Next
}

/// Puts the function of a class method below the class on top, ready to be called.
#[inline(always)]
unsafe fn push_class_method(state: &mut State<'_>, method: u64) -> Flow {
    // SAFETY: the cache holds the class method, which the class keeps alive while its version holds.
    unsafe {
        let callable = (*(method as *const Object<ClassMethod>)).callable_word();
        if !word::is_pointer(callable)
            || callable == 0
            || !std::ptr::eq((*(callable as *const Header)).type_of(), Function::static_type())
        {
            return Flow::Slow;
        }
        let owner = *state.at(1);
        *state.at(1) = word::duplicate(callable);
        state.push(owner);
        state.skip(9);
    }
    Flow::Next
}

/// What the table of all classes knows about the object in a word.
#[inline(always)]
unsafe fn find_place<'a>(
    state: &State<'_>,
    word: u64,
    name: &Object<Str>,
    purpose: Purpose,
) -> Option<(&'a Header, Place, u64)> {
    if !word::is_pointer(word) {
        return None;
    }
    // SAFETY: a pointer word's object is alive while it is on the stack.
    unsafe {
        let object = &*(word::untagged(word) as *const Header);
        let version = object.type_of().current_version();
        let (place, value) = state.vm.interpreter.attributes.find(version, name, purpose)?;
        Some((object, place, value))
    }
}

/// Sets the attribute that lies inline so many words from the header of the object on top.
#[inline(always)]
unsafe fn store_inline(state: &mut State<'_>, owner: u64, object: &Header, words: usize) -> Flow {
    // SAFETY: the object's type has the place.
    unsafe {
        if object.dict_word().get() != 0 || !word::closes_quietly(owner) {
            return Flow::Slow;
        }
        let place = std::ptr::from_ref(object).cast::<u64>().cast_mut().add(words);
        let old = *place;
        if !word::closes_quietly(old) || old == word::untagged(owner) {
            return Flow::Slow;
        }
        if old == 0 {
            let typ = object.type_of();
            instance::note_order(object, typ, words - typ.basic_size() / 8);
        }
        word::close_quietly(old);
        *place = word::keep(*state.at(2));
        word::close_quietly(owner);
        state.stack = state.stack.sub(2);
        state.skip(4);
    }
    Flow::Next
}

/// Sets the `__slots__` member that lies so many words from the header of the object on top.
#[inline(always)]
unsafe fn store_slot(state: &mut State<'_>, owner: u64, object: &Header, words: usize) -> Flow {
    // SAFETY: the object's type has the member.
    unsafe {
        let place = std::ptr::from_ref(object).cast::<u64>().cast_mut().add(words);
        let old = *place;
        if !word::closes_quietly(owner) || !word::closes_quietly(old) || old == word::untagged(owner) {
            return Flow::Slow;
        }
        word::close_quietly(old);
        *place = word::keep(*state.at(2));
        word::close_quietly(owner);
        state.stack = state.stack.sub(2);
        state.skip(4);
    }
    Flow::Next
}

/// A method descriptor's value found in the class, without binding it.
#[inline(always)]
unsafe fn cached_value(state: &State<'_>) -> u64 {
    // SAFETY: as for `push_method`.
    unsafe { state.next.add(5).cast::<u64>().read_unaligned() }
}

/// The attribute that a descriptor of the class gives.
unsafe fn descriptor_attribute(
    state: &mut State<'_>,
    argument: u32,
    name: &Object<Str>,
    descriptor: &Value,
    get: DescriptorGet,
) -> Flow {
    // SAFETY: the object is alive while it is on the stack, and the caller keeps the descriptor.
    unsafe {
        let found = {
            let object = state.look(1);
            get(state.vm, descriptor, Some(&object), Some(&object.type_of().to_value()))
        };
        let value = match found {
            Ok(value) => value,
            Err(exception) => {
                raise_for_attribute(state.vm, exception, &state.look(1), name);
                return Flow::Raise;
            }
        };
        state.drop_words(1);
        state.push_value(value);
        if argument & 1 != 0 {
            state.push(0);
        }
        state.skip(9);
    }
    Flow::Next
}

/// The word of an attribute that a function computes, 0 where it raised an exception. The owner's word is given back unless
/// it did.
#[inline(always)]
unsafe fn computed_word(vm: &Vm, place: *mut u64, get: Getter) -> u64 {
    // SAFETY: the place has the owner, whose word counts as a value without its tag.
    unsafe {
        let owner = *place;
        *place = word::untagged(owner);
        let found = raised_or_word(vm, get(vm, &*place.cast::<Value>()));
        if found == 0 {
            *place = owner;
        } else {
            word::close(owner);
        }
        found
    }
}

/// As [`computed_word`] for what a descriptor of the owner's class gives.
#[inline(never)]
unsafe fn described_word(vm: &Vm, place: *mut u64, descriptor: u64) -> u64 {
    // SAFETY: the class has the descriptor; what that calls may take it out of the class.
    unsafe {
        let owner = *place;
        let descriptor = word::take(word::borrowed(descriptor));
        let Some(get) = descriptor.type_of().slots().descriptor_get.get() else {
            vm.set_raised(vm.system_error("no descriptor"));
            return 0;
        };
        let object = word::look(owner);
        let found =
            raised_or_word(vm, get(vm, &descriptor, Some(&object), Some(&object.type_of().as_value())));
        if found != 0 {
            word::close(owner);
        }
        found
    }
}

/// Raises what came instead of an attribute; an `AttributeError` learns of which.
#[cold]
fn raise_for_attribute(vm: &Vm, exception: Exception, object: &Value, name: &Object<Str>) {
    crate::exceptions::attribute_error::add_context(&exception, object, name);
    vm.set_raised(exception);
}

/// The attribute as `object` looks it up, where only a descriptor has to be called for it.
unsafe fn plain_attribute(state: &mut State<'_>, argument: u32, name: &Object<Str>) -> Option<Flow> {
    // SAFETY: the object is alive while it is on the stack, and what is found belongs to it or its type.
    unsafe {
        let owner = *state.at(1);
        if !word::is_pointer(owner) {
            return None;
        }
        let object = &*(word::untagged(owner) as *const Header);
        let typ = object.type_of();
        let generic = crate::types::object::generic_get_attribute as *const () as usize;
        if typ.slots().getattribute.get().is_none_or(|get| get as usize != generic) || !name.is_interned() {
            return None;
        }
        let in_class = typ.lookup_word(state.vm, name);
        let (mut is_method, mut plain) = (false, false);
        if in_class != 0 {
            let class_value = word::look(in_class);
            let kind = class_value.type_of();
            if kind.slots().descriptor_set.get().is_some() {
                let get = kind.slots().descriptor_get.get()?;
                // What it calls may take it out of the class.
                let descriptor = crate::object::Borrow::clone_value(&class_value);
                return Some(descriptor_attribute(state, argument, name, &descriptor, get));
            }
            is_method = argument & 1 != 0 && kind.has_flag(TypeFlags::METHOD_DESCRIPTOR);
            plain = kind.slots().descriptor_get.get().is_none();
        }
        let own = instance::own_word(object, typ, name);
        if own == 0 && is_method {
            *state.at(1) = word::duplicate(in_class);
            state.push(owner);
            state.skip(9);
            return Some(Flow::Next);
        }
        let found = if own != 0 {
            own
        } else if plain {
            in_class
        } else {
            return None;
        };
        *state.at(1) = word::duplicate(found);
        if argument & 1 != 0 {
            state.push(0);
        }
        state.skip(9);
        word::close(owner);
        Some(Flow::Next)
    }
}

/// Enters the getter of a property whose class has the version in the cache, as a call.
unsafe fn enter_getter(state: &mut State<'_>, argument: u32) -> Option<Flow> {
    // SAFETY: the stack has the object, which becomes the getter's argument.
    unsafe {
        let object = of_version(state, *state.at(1))?;
        let vm = state.vm;
        let name = (*state.frame).code().name((argument >> 1) as usize);
        let found = object.type_of().lookup(vm, name)?;
        let getter = found.downcast_exact::<Property>()?.getter()?;
        getter.downcast_exact::<Function>()?;
        if vm.enter_call().is_err() {
            return None;
        }
        let first = state.at(1);
        state.stack = first;
        Some(match push_frame(vm, getter, first, 1, None, Owner::Call) {
            Ok(frame) => enter_frame(state, frame, 10),
            Err(error) => {
                vm.leave_call();
                state.raise(error)
            }
        })
    }
}

instructions! {
    /// `object.name`, or a method ready to be called if the lowest bit is set.
    LoadAttr(state, argument) fast {
        if state.cache(0).get() != polymorphic::MARK {
            return Flow::Slow;
        }
        let word = *state.at(1);
        let name = (*state.frame).code().name_of_instruction((argument >> 1) as usize);
        let purpose = if argument & 1 != 0 { Purpose::Call } else { Purpose::Load };
        let Some((object, place, value)) = find_place(state, word, name, purpose) else { return Flow::Slow };
        if !place.holds(object) {
            return Flow::Slow;
        }
        if place.is_method() {
            *state.at(1) = word::duplicate(value);
            state.push(word);
            state.skip(9);
            return Flow::Next;
        }
        let inline = std::ptr::from_ref(object).cast::<u64>().add(place.words as usize);
        let found = if place.words != 0 { *inline } else { value };
        if found == 0 {
            return Flow::Slow;
        }
        replace_top(state, argument, found)
    } slow {
        let name = (*state.frame).code().name((argument >> 1) as usize);
        specialize::load_attr(state, argument, name);
        if let Some(flow) = plain_attribute(state, argument, name) {
            return flow;
        }
        let vm = state.vm;
        if argument & 1 != 0 {
            let found = { let object = state.look(1); vm.get_method(&object, name) };
            let (method, is_method) = attempt!(state, found);
            if is_method {
                let owner = *state.at(1);
                *state.at(1) = method.into_bits();
                state.push(owner);
            } else {
                state.drop_words(1);
                state.push_value(method);
                state.push(0);
            }
        } else {
            let found = { let object = state.look(1); vm.get_attribute(&object, name) };
            let value = attempt!(state, found);
            state.drop_words(1);
            state.push_value(value);
        }
        state.skip(9);
        Flow::Next
    }

    /// An attribute that lies inline in the object.
    LoadAttrInstanceValue(state, argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        if object.dict_word().get() != 0 {
            return Flow::Slow;
        }
        let place = state.cache(3).get() as usize;
        let found = *std::ptr::from_ref(object).cast::<u64>().add(place);
        if found == 0 {
            return Flow::Slow;
        }
        replace_top(state, argument, found)
    } or LoadAttr

    /// An attribute that lies in the object's dict, at a known place.
    LoadAttrWithHint(state, argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        let Some(dict) = instance::existing_dict(object) else { return Flow::Slow };
        let name = (*state.frame).code().name((argument >> 1) as usize);
        let Some(place) = dict.place_of_name(state.cache(3).get() as usize, name) else { return Flow::Slow };
        replace_top(state, argument, *place)
    } or LoadAttr

    /// A `__slots__` member.
    LoadAttrSlot(state, argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        let found = *std::ptr::from_ref(object).cast::<u64>().add(state.cache(3).get() as usize);
        if found == 0 {
            return Flow::Slow;
        }
        replace_top(state, argument, found)
    } or LoadAttr

    /// An attribute of a module.
    LoadAttrModule(state, argument) fast {
        let word = *state.at(1);
        if !word::is_pointer(word) {
            return Flow::Slow;
        }
        let object = &*(word::untagged(word) as *const Object<Module>);
        if !std::ptr::eq(object.type_of(), <Module as crate::object::Payload>::static_type()) {
            return Flow::Slow;
        }
        let dict = object.dict_ref();
        if dict.current_keys_version() == 0 || dict.current_keys_version() != state.cache_wide(1) {
            return Flow::Slow;
        }
        let found = dict.word_at(state.cache(3).get() as usize);
        if found == 0 {
            return Flow::Slow;
        }
        replace_top(state, argument, found)
    } or LoadAttr

    /// An attribute of a class.
    LoadAttrClass(state, argument) fast {
        let word = *state.at(1);
        if !word::is_pointer(word) {
            return Flow::Slow;
        }
        let object = &*(word::untagged(word) as *const crate::object::TypeObject);
        if !object.type_of().has_flag(crate::types::typ::TypeFlags::TYPE_SUBCLASS)
            || object.current_version() == 0
            || object.current_version() != state.cache_wide(1)
        {
            return Flow::Slow;
        }
        let found = cached_value(state);
        if state.cache(3).get() == specialize::CLASS_METHOD {
            return push_class_method(state, found);
        }
        replace_top(state, argument, found)
    } or LoadAttr

    /// An attribute of a class whose metaclass was looked at too.
    LoadAttrClassWithMetaclassCheck(state, argument) fast {
        let word = *state.at(1);
        if !word::is_pointer(word) {
            return Flow::Slow;
        }
        let object = &*(word::untagged(word) as *const crate::object::TypeObject);
        if !object.type_of().has_flag(crate::types::typ::TypeFlags::TYPE_SUBCLASS)
            || object.type_of().current_version() != state.cache_wide(3)
            || object.current_version() == 0
            || object.current_version() != state.cache_wide(1)
        {
            return Flow::Slow;
        }
        let found = cached_value(state);
        replace_top(state, argument, found)
    } or LoadAttr

    /// A property implemented in Python.
    LoadAttrProperty(state, argument) fast {
        let owner = state.at(1);
        if of_version(state, *owner).is_none() {
            return Flow::Slow;
        }
        let property = &*(cached_value(state) as *const Object<Property>);
        let getter = property.getter_word();
        if !word::is_pointer(getter)
            || getter == 0
            || !std::ptr::eq((*(getter as *const Header)).type_of(), Function::static_type())
        {
            return Flow::Slow;
        }
        enter_exactly(state, &*(getter as *const Object<Function>), owner, 1, owner, 10)
    } slow {
        match enter_getter(state, argument) {
            Some(flow) => flow,
            None => <LoadAttr as Instruction>::slow(state, argument),
        }
    }
    /// An attribute that native code computes. CPython's opcode of this name is for a `__getattribute__` implemented in
    /// Python, which takes the general path here.
    LoadAttrGetattributeOverridden(state, argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        if state.cache(3).get() == specialize::DESCRIPTOR_UNLESS_DICT && object.dict_word().get() != 0 {
            return Flow::Slow;
        }
        Flow::Direct
    } direct {
        let value = cached_value(state);
        let place = state.at(1);
        let found = if state.cache(3).get() == specialize::FUNCTION {
            // SAFETY: the form's value is such a function.
            let get = std::mem::transmute::<usize, Getter>(value as usize);
            computed_word(state.vm, place, get)
        } else {
            described_word(state.vm, place, value)
        };
        if found == 0 {
            let name = (*state.frame).code().name((argument >> 1) as usize);
            let (exception, owner) = (state.vm.take_raised(), *place);
            raise_for_attribute(state.vm, exception, &word::look(owner), name);
            word::close(owner);
            state.stack = place;
            return Flow::Raise;
        }
        *place = found;
        if argument & 1 != 0 {
            state.push(0);
        }
        state.skip(9);
        Flow::Next
    } or LoadAttr

    /// A method of an object whose attributes lie inline and do not hide it.
    LoadAttrMethodWithValues(state, _argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        if object.dict_word().get() != 0 {
            return Flow::Slow;
        }
        push_method(state)
    } or LoadAttr

    /// A method of an object without attributes of its own.
    LoadAttrMethodNoDict(state, _argument) fast {
        let word = *state.at(1);
        let version = if word::is_pointer(word) {
            (*(word::untagged(word) as *const Header)).type_of().current_version()
        } else if word & 1 != 0 {
            <crate::types::int::Int as crate::object::Payload>::static_type().current_version()
        } else {
            <crate::types::float::Float as crate::object::Payload>::static_type().current_version()
        };
        if version != state.cache_wide(1) {
            return Flow::Slow;
        }
        push_method(state)
    } or LoadAttr

    /// A method of an object that could have a dict and has none yet.
    LoadAttrMethodLazyDict(state, _argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        if object.dict_word().get() != 0 {
            return Flow::Slow;
        }
        push_method(state)
    } or LoadAttr

    /// A class attribute of an object whose attributes lie inline and do not hide it.
    LoadAttrNondescriptorWithValues(state, argument) fast {
        let Some(object) = of_version(state, *state.at(1)) else { return Flow::Slow };
        if object.dict_word().get() != 0 {
            return Flow::Slow;
        }
        let found = cached_value(state);
        replace_top(state, argument, found)
    } or LoadAttr

    /// A class attribute of an object without attributes of its own.
    LoadAttrNondescriptorNoDict(state, argument) fast {
        if of_version(state, *state.at(1)).is_none() {
            return Flow::Slow;
        }
        let found = cached_value(state);
        replace_top(state, argument, found)
    } or LoadAttr

    /// `object.name = value`.
    StoreAttr(state, argument) fast {
        if state.cache(0).get() != polymorphic::MARK {
            return Flow::Slow;
        }
        let owner = *state.at(1);
        let name = (*state.frame).code().name_of_instruction(argument as usize);
        let Some((object, place, _)) = find_place(state, owner, name, Purpose::Store) else { return Flow::Slow };
        match place.words as usize {
            0 => Flow::Slow,
            words if place.is_slot() => store_slot(state, owner, object, words),
            words => store_inline(state, owner, object, words),
        }
    } slow {
        let name = (*state.frame).code().name(argument as usize);
        specialize::store_attr(state, name);
        let result = {
            let object = state.look(1);
            let value = state.look(2);
            state.vm.set_attribute(&object, name, &value)
        };
        state.drop_words(2);
        attempt!(state, result);
        state.skip(4);
        Flow::Next
    }

    /// Sets an attribute that lies inline in the object.
    StoreAttrInstanceValue(state, argument) fast {
        let owner = *state.at(1);
        let Some(object) = of_version(state, owner) else { return Flow::Slow };
        store_inline(state, owner, object, state.cache(3).get() as usize)
    } or StoreAttr

    /// Sets an attribute in the object's dict.
    StoreAttrWithHint(state, argument) fast {
        let owner = *state.at(1);
        let Some(object) = of_version(state, owner) else { return Flow::Slow };
        let Some(dict) = instance::existing_dict(object) else { return Flow::Slow };
        let name = (*state.frame).code().name(argument as usize);
        let Some(place) = dict.place_of_name(state.cache(3).get() as usize, name) else { return Flow::Slow };
        let old = *place;
        if !word::closes_quietly(owner) || !word::closes_quietly(old) || old == word::untagged(owner) {
            return Flow::Slow;
        }
        word::close_quietly(old);
        *place = word::keep(*state.at(2));
        word::close_quietly(owner);
        state.stack = state.stack.sub(2);
        state.skip(4);
        Flow::Next
    } or StoreAttr

    /// Sets a `__slots__` member.
    StoreAttrSlot(state, argument) fast {
        let owner = *state.at(1);
        let Some(object) = of_version(state, owner) else { return Flow::Slow };
        store_slot(state, owner, object, state.cache(3).get() as usize)
    } or StoreAttr

    /// `del object.name`.
    DeleteAttr(state, argument) {
        let name = (*state.frame).code().name(argument as usize);
        let result = { let object = state.look(1); state.vm.delete_attribute(&object, name) };
        state.drop_words(1);
        attempt!(state, result);
        Flow::Next
    }

    /// `super().name`.
    LoadSuperAttr(state, argument) {
        let name = (*state.frame).code().name((argument >> 2) as usize);
        let object = state.pop_value();
        let class = state.pop_value();
        let global_super = state.pop_value();
        let vm = state.vm;
        let method_wanted = argument & 1 != 0;
        let found = crate::types::super_::load_attribute(
            vm, &global_super, &class, &object, name, method_wanted, argument & 2 != 0,
        );
        let (value, is_method) = attempt!(state, found);
        state.push_value(value);
        if is_method {
            state.push_value(object);
        } else if method_wanted {
            state.push(0);
        }
        state.skip(1);
        Flow::Next
    }

    /// `super().name` of a plain `super`.
    LoadSuperAttrAttr = LoadSuperAttr;
    /// `super().name()` of a plain `super`.
    LoadSuperAttrMethod = LoadSuperAttr;
    /// With `sys.monitoring` at work.
    InstrumentedLoadSuperAttr = LoadSuperAttr;
}
