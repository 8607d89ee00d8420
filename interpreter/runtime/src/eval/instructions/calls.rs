//! Instructions that call and make functions.

use rspy_code::operation::{BinaryIntrinsic, FunctionAttribute, UnaryIntrinsic};

use crate::attempt;
use crate::eval::call::push_frame;
use crate::eval::frame::{Frame, Owner};
use crate::eval::instructions::instructions;
use crate::eval::native_calls::{
    call_spread_at, call_type_at, call_words, finish_native_call, native_function, native_method,
    native_with_keywords, settled_word, signals_after_call, takes_keywords_directly,
};
use crate::eval::word::exact;
use crate::eval::{Flow, Instruction, State, intrinsics, resume_watched, specialize, word};
use crate::names;
use crate::object::{Header, Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::bool::{boolean, false_word, true_word};
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::list::List;
use crate::types::method::BoundMethod;
use crate::types::native_function::{NativeFunction, NativeMethod};
use crate::types::object::BaseObject;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;
use crate::watch;

/// The function in a word, if it is one.
#[inline(always)]
unsafe fn function_in<'a>(word: u64) -> Option<&'a Object<Function>> {
    // SAFETY: a pointer word's object is alive while it is on the stack.
    unsafe { exact::<Function>(word) }
}

/// Makes room below for the function and instance of a bound method, in place of the method and nothing.
#[inline(always)]
unsafe fn unbind_method(base: *mut u64) {
    // SAFETY: `base` is the callable with the place for self above it.
    unsafe {
        if *base.add(1) == 0
            && let Some(method) = exact::<BoundMethod>(*base)
        {
            let instance = method.instance().clone();
            let function = method.function().clone();
            word::close(*base);
            *base = function.into_bits();
            *base.add(1) = instance.into_bits();
        }
    }
}

/// Enters a Python function with the topmost words as arguments; the frame that is left waits for the result.
#[inline(always)]
unsafe fn enter_function(
    state: &mut State<'_>,
    arguments: usize,
    names: KeywordNames<'_>,
    return_offset: u32,
) -> Flow {
    // SAFETY: the stack has the callable, a place for self, and the arguments; all are taken over.
    unsafe {
        let base = state.at(arguments + 2);
        let (first, count) =
            if *base.add(1) == 0 { (base.add(2), arguments) } else { (base.add(1), arguments + 1) };
        let function = word::take(*base);
        state.stack = base;
        if let Err(error) = state.vm.enter_call() {
            for index in 0..count {
                word::close(*first.add(index));
            }
            drop(function);
            return state.raise(error);
        }
        match push_frame(state.vm, function, first, count, names, Owner::Call) {
            Ok(frame) => enter_frame(state, frame, return_offset),
            Err(error) => {
                state.vm.leave_call();
                state.raise(error)
            }
        }
    }
}

/// The Python function that calling an object enters, and what is put before the arguments.
#[inline(always)]
fn python_function(callable: &Value) -> Option<(Value, Option<Value>)> {
    if callable.downcast_exact::<Function>().is_some() {
        return Some((callable.clone(), None));
    }
    let method = callable.downcast_exact::<BoundMethod>()?;
    method.function().downcast_exact::<Function>()?;
    Some((method.function().clone(), Some(method.instance().clone())))
}

/// The names and values of keyword arguments that come in a dict; nothing where it has something else than strings for
/// keys.
fn keyword_arguments(keywords: Option<&Value>) -> Option<(Option<Ref<Tuple>>, Vec<Value>)> {
    let Some(keywords) = keywords else { return Some((None, Vec::new())) };
    let keywords = keywords.downcast_exact::<Dict>()?;
    if keywords.is_empty() {
        return Some((None, Vec::new()));
    }
    let (names, values): (Vec<Value>, Vec<Value>) = keywords.pairs().into_iter().unzip();
    names
        .iter()
        .all(|name| name.downcast::<Str>().is_some())
        .then(|| (Some(Tuple::from_values(names)), values))
}

/// Arguments from a tuple and a dict as words that own what they refer to, a few of them without an allocation.
struct SpreadWords {
    few: [u64; SpreadWords::FEW],
    many: Vec<u64>,
    count: usize,
}

impl SpreadWords {
    const FEW: usize = 8;

    fn as_mut_ptr(&mut self) -> *mut u64 {
        if self.many.is_empty() { self.few.as_mut_ptr() } else { self.many.as_mut_ptr() }
    }
}

#[inline(always)]
fn spread_words(instance: Option<Value>, items: &[Value], keywords: Vec<Value>) -> SpreadWords {
    let count = usize::from(instance.is_some()) + items.len() + keywords.len();
    let mut words = SpreadWords { few: [0; SpreadWords::FEW], many: Vec::new(), count };
    let values = instance.into_iter().chain(items.iter().cloned()).chain(keywords).map(Value::into_bits);
    if count <= SpreadWords::FEW {
        words.few.iter_mut().zip(values).for_each(|(to, word)| *to = word);
    } else {
        words.many.extend(values);
    }
    words
}

/// Enters a Python function with arguments that do not lie on the stack.
unsafe fn enter_with_words(
    state: &mut State<'_>,
    function: Value,
    mut words: SpreadWords,
    names: Option<&Object<Tuple>>,
) -> Flow {
    let (first, count) = (words.as_mut_ptr(), words.count);
    // SAFETY: each word owns what it refers to, and is given back or taken over once.
    unsafe {
        if let Err(error) = state.vm.enter_call() {
            for index in 0..count {
                word::close(*first.add(index));
            }
            return state.raise(error);
        }
        match push_frame(state.vm, function, first, count, names, Owner::Call) {
            Ok(frame) => enter_frame(state, frame, 1),
            Err(error) => {
                state.vm.leave_call();
                state.raise(error)
            }
        }
    }
}

/// Goes on with a frame that was pushed; the call has been counted in.
#[inline(always)]
pub(super) unsafe fn enter_frame(state: &mut State<'_>, frame: *mut Frame, return_offset: u32) -> Flow {
    // SAFETY: the frame is ready to run.
    unsafe {
        let caller = state.frame;
        (*caller).stack_pointer = state.stack;
        (*caller).return_offset = return_offset;
        (*frame).previous = caller;
        state.vm.frame.set(frame);
        state.frame = frame;
        state.stack = (*frame).stack_pointer;
        state.next = (*frame).code().start();
        Flow::Next
    }
}

/// Goes on with the frame of an `__init__`: what it returns is checked and dropped, and the object below is the
/// call's result. A frame of two instructions stands between, as in CPython.
pub(in crate::eval) unsafe fn enter_init_frame(state: &mut State<'_>, frame: *mut Frame) -> Flow {
    // SAFETY: the frame is ready to run, and the object is on top of the stack.
    unsafe {
        (*frame).drops_result = true;
        enter_frame(state, frame, 4)
    }
}

/// Enters a Python function with arguments that its parameters take as they are, as a special method is entered; the
/// caller's stack ends at `stack` then.
#[inline(always)]
pub(super) unsafe fn enter_exactly(
    state: &mut State<'_>,
    function: &Object<Function>,
    first: *mut u64,
    count: usize,
    stack: *mut u64,
    return_offset: u32,
) -> Flow {
    // SAFETY: as promised; the frame gets a reference of its own to the function.
    unsafe {
        if !function.code().takes_exactly(count) || !has_room(state.vm, function.code()) {
            return Flow::Slow;
        }
        let word = word::duplicate(std::ptr::from_ref(function) as u64);
        enter_known(state, function, word, first, count, None, stack, return_offset)
    }
}

/// Whether one more call fits.
#[inline(always)]
fn has_room(vm: &Vm, code: &Object<Code>) -> bool {
    vm.frames.has_room(Frame::words(code)) && vm.depth.get() < vm.interpreter.recursion_limit.get()
}

/// Enters a function whose parameters take the arguments as they are, and the rest of them the defaults; `word` owns the
/// function. The caller's stack ends at `stack` then.
///
/// # Safety
/// There is [room](has_room), and the arguments and defaults are as many as the parameters.
#[inline(always)]
unsafe fn enter_known(
    state: &mut State<'_>,
    function: &Object<Function>,
    word: u64,
    first: *mut u64,
    count: usize,
    defaults: Option<(*const u64, usize)>,
    stack: *mut u64,
    return_offset: u32,
) -> Flow {
    // SAFETY: as promised; the arguments' words are taken over.
    unsafe {
        // The caller's registers go to memory first: a handler has few to work with.
        let (vm, caller) = (state.vm, state.frame);
        (*caller).instruction = state.next.sub(1);
        (*caller).stack_pointer = stack;
        (*caller).return_offset = return_offset;
        let code = function.code();
        let frame = vm.frames.push_in_room(Frame::words(code));
        vm.depth.set(vm.depth.get() + 1);
        vm.frame.set(frame);
        let variables = Frame::local(frame, 0);
        move_few(first, variables, count);
        let mut filled = count;
        if let Some((defaults, lacking)) = defaults {
            while filled < count + lacking {
                variables.add(filled).write_volatile(word::duplicate(*defaults.add(filled - count)));
                filled += 1;
            }
        }
        Frame::initialize_for(frame, function, word, code, filled);
        (*frame).previous = caller;
        state.frame = frame;
        state.stack = variables.add(code.variable_count());
        state.next = code.start();
        Flow::Next
    }
}

/// Moves the words of arguments. Most calls have few, for which a loop or `memcpy` would be slower than the words are.
#[inline(always)]
unsafe fn move_few(from: *const u64, to: *mut u64, count: usize) {
    // SAFETY: both have so many words.
    unsafe {
        if count == 0 {
            return;
        }
        *to = *from;
        if count == 1 {
            return;
        }
        *to.add(1) = *from.add(1);
        if count == 2 {
            return;
        }
        *to.add(2) = *from.add(2);
        let mut index = 3;
        while index < count {
            to.add(index).write_volatile(from.add(index).read_volatile());
            index += 1;
        }
    }
}

/// The fast path of a call of a Python function whose parameters take the arguments as they are, or, if
/// `DEFAULTS`, the last of which may take their defaults. If `FEW`, more than three arguments are left to the direct path, so
/// that this one gets by with fewer machine registers.
#[inline(always)]
unsafe fn fast_call<const DEFAULTS: bool, const FEW: bool>(
    state: &mut State<'_>,
    base: *mut u64,
    argument: u32,
) -> Flow {
    // SAFETY: `base` is the callable with the place for self above it.
    unsafe {
        let word = *base;
        let Some(function) = function_in(word) else { return Flow::Slow };
        let (first, count) = if *base.add(1) == 0 {
            (base.add(2), argument as usize)
        } else {
            (base.add(1), argument as usize + 1)
        };
        if FEW && count > 3 {
            return Flow::Direct;
        }
        let code = function.code();
        let mut defaults = None;
        if DEFAULTS {
            let Some(lacking) = code.lacking(count) else { return Flow::Slow };
            let Some(words) = function.last_defaults(lacking) else { return Flow::Slow };
            defaults = Some((words, lacking));
        } else if !code.takes_exactly(count) {
            return Flow::Slow;
        }
        if !has_room(state.vm, code) {
            return Flow::Slow;
        }
        if FEW {
            std::hint::assert_unchecked(count <= 3);
        }
        enter_known(state, function, word::keep(word), first, count, defaults, base, 4)
    }
}

/// Puts the function and instance of the bound method that is called in its place, as [`unbind_method`] does, where
/// that frees nothing; answers whether a Python function is to be called.
#[inline(always)]
unsafe fn unbind_quietly(base: *mut u64) -> bool {
    // SAFETY: `base` is the callable with the place for self above it.
    unsafe {
        if *base.add(1) != 0 {
            return false;
        }
        let word = *base;
        let Some(method) = exact::<BoundMethod>(word) else { return false };
        if !word::closes_quietly(word) || function_in(method.function().bits()).is_none() {
            return false;
        }
        let instance = word::duplicate(method.instance().bits());
        let function = word::duplicate(method.function().bits());
        word::close_quietly(word);
        *base = function;
        *base.add(1) = instance;
        true
    }
}

/// `dict.get` where a short look finds the key; else, as for all other methods, the direct path.
#[inline(always)]
unsafe fn get_quickly(state: &mut State<'_>, arguments: usize) -> Flow {
    // SAFETY: the stack has the callable, a place for self, and the arguments.
    unsafe {
        if state.cache_wide(1) != NativeMethod::DICT_GET {
            return Flow::Direct;
        }
        let base = state.at(arguments + 2);
        let Some(method) = exact::<NativeMethod>(*base) else { return Flow::Direct };
        if method.current_mark() != NativeMethod::DICT_GET || !(1..=2).contains(&arguments) {
            return Flow::Direct;
        }
        let Some(dict) = exact::<Dict>(*base.add(1)) else { return Flow::Direct };
        let Some(place) = dict.glance(*base.add(2)) else { return Flow::Direct };
        let last = state.at(1);
        // A dict that is its own default may have no other references than these two.
        if word::untagged(*last) == word::untagged(*base.add(1))
            || !word::closes_quietly(*base)
            || !word::closes_quietly(*base.add(1))
            || !word::closes_quietly(*base.add(2))
            || !word::closes_quietly(*last)
        {
            return Flow::Direct;
        }
        let found = word::duplicate(*place);
        word::close_quietly(*base);
        word::close_quietly(*base.add(1));
        word::close_quietly(*base.add(2));
        if arguments == 2 {
            word::close_quietly(*last);
        }
        *base = found;
        state.stack = base.add(1);
        state.skip(3);
        Flow::Next
    }
}

/// Whether the word is a native function with the definition whose number is in the cache.
#[inline(always)]
unsafe fn is_definition(state: &State<'_>, word: u64) -> bool {
    // SAFETY: the word is on the stack, and calls have a cache of three units.
    unsafe {
        exact::<NativeFunction>(word).is_some_and(|function| {
            std::ptr::from_ref(function.definition()) as usize as u32 == state.cache_wide(1)
        })
    }
}

/// Whether `__class__` of the type's objects is what `object` has, so that it answers the type.
fn tells_class_plainly(vm: &Vm, typ: &TypeObject) -> bool {
    let generic = crate::types::object::generic_get_attribute as *const () as usize;
    typ.slots().getattribute.get().is_some_and(|get| get as usize == generic)
        && typ.lookup_word(vm, &names::__class__)
            == BaseObject::static_type().lookup_word(vm, &names::__class__)
}

/// The word of what `isinstance` answers for the arguments of the call at `base`, which are given back; 0 where it raised an
/// exception.
#[inline(never)]
unsafe fn instance_word(vm: &Vm, base: *mut u64) -> u64 {
    // SAFETY: the stack has the callable, nothing in the place for self, and two arguments.
    unsafe {
        let answer = {
            let (object, class) = (word::look(*base.add(2)), word::look(*base.add(3)));
            let typ = object.type_of();
            match class.downcast_exact::<Type>() {
                Some(class) if typ.is_subtype(class) => Ok(true),
                // A class that is none of the object's may still be the one it claims to have.
                Some(_) if tells_class_plainly(vm, typ) => Ok(false),
                _ => vm.is_instance(&object, &class),
            }
        };
        word::close(*base.add(3));
        word::close(*base.add(2));
        word::close(*base);
        settled_word(vm, answer.map(boolean))
    }
}

/// A tuple of cells.
fn closure_of(value: Value) -> Option<Ref<Tuple>> {
    let closure: Ref<Tuple> = value.downcast_into().ok()?;
    closure.items().iter().all(|cell| cell.downcast_exact::<CellObject>().is_some()).then_some(closure)
}

instructions! {
    /// Calls with positional arguments.
    Call(state, argument) {
        let count = argument as usize;
        let base = state.at(count + 2);
        specialize::call(state, base, argument);
        unbind_method(base);
        if function_in(*base).is_some() {
            return enter_function(state, count, None, 4);
        }
        attempt!(state, call_words(state, count, None, |vm, callable, args, names| {
            vm.call_with_names(callable, args, names)
        }));
        state.skip(3);
        attempt!(state, signals_after_call(state.vm));
        if state.vm.watch_begins.replace(false) && watch::is_wanted(state.vm) {
            return resume_watched(state);
        }
        Flow::Next
    }

    /// A Python function whose parameters take the arguments as they are.
    CallPyExactArgs(state, argument) fast {
        let base = state.at(argument as usize + 2);
        fast_call::<false, true>(state, base, argument)
    } direct {
        let base = state.at(argument as usize + 2);
        fast_call::<false, false>(state, base, argument)
    } or Call

    /// A bound method of such a function.
    CallBoundMethodExactArgs(state, argument) fast {
        let base = state.at(argument as usize + 2);
        if !unbind_quietly(base) {
            return Flow::Slow;
        }
        fast_call::<false, false>(state, base, argument)
    } or Call

    /// A Python function in general; the fast path fills in defaults.
    CallPyGeneral(state, argument) fast {
        let base = state.at(argument as usize + 2);
        fast_call::<true, false>(state, base, argument)
    } or Call

    /// A bound method in general.
    CallBoundMethodGeneral(state, argument) fast {
        let base = state.at(argument as usize + 2);
        if !unbind_quietly(base) {
            return Flow::Slow;
        }
        fast_call::<true, false>(state, base, argument)
    } or Call

    /// A native class whose construction CPython has no short way for.
    CallNonPyGeneral(state, argument) fast { <CallBuiltinClass as Instruction>::fast(state, argument) } or CallBuiltinClass

    /// `type(object)`.
    CallType1(state, argument) {
        let base = state.at(3);
        if argument == 1 && *base.add(1) == 0 && word::untagged(*base) == std::ptr::from_ref(Type::static_type()) as u64 {
            let value = state.pop_value();
            let typ = value.type_of().to_value();
            drop(value);
            state.drop_words(2);
            state.push_value(typ);
            state.skip(3);
            return Flow::Next;
        }
        <Call as Instruction>::slow(state, argument)
    }

    /// `str(object)`.
    CallStr1(state, argument) fast { <CallBuiltinClass as Instruction>::fast(state, argument) } or CallBuiltinClass
    /// `tuple(iterable)`.
    CallTuple1(state, argument) fast { <CallBuiltinClass as Instruction>::fast(state, argument) } or CallBuiltinClass
    /// A native class.
    CallBuiltinClass(state, argument) fast {
        let base = state.at(argument as usize + 2);
        // Classes of Python may begin to watch the thread, which only the general path looks for.
        let is_native = *base.add(1) == 0 && exact::<Type>(*base).is_some_and(|typ| !typ.is_heap());
        if is_native { Flow::Direct } else { Flow::Slow }
    } direct {
        let base = state.at(argument as usize + 2);
        let word = call_type_at(state.vm, base, argument as usize);
        finish_native_call(state, base, word)
    } slow { <Call as Instruction>::slow(state, argument) }

    /// A native function with one argument.
    CallBuiltinO(state, argument) direct {
        native_function(state, argument)
    }

    /// A native function with positional arguments.
    CallBuiltinFast(state, argument) direct {
        native_function(state, argument)
    }

    /// A native function that takes keywords too.
    CallBuiltinFastWithKeywords(state, argument) direct {
        native_function(state, argument)
    }

    /// `len(object)`.
    CallLen(state, argument) fast {
        let base = state.at(3);
        if argument != 1 || *base.add(1) != 0 || !is_definition(state, *base) {
            return Flow::Slow;
        }
        let object = *base.add(2);
        if !word::is_pointer(object) {
            return Flow::Slow;
        }
        let header = word::untagged(object) as *const Header;
        let typ = std::ptr::from_ref((*header).type_of());
        let length = if std::ptr::eq(typ, List::static_type()) {
            (*(*header.cast::<Object<List>>()).items().as_ptr()).len()
        } else if std::ptr::eq(typ, Dict::static_type()) {
            (*header.cast::<Object<Dict>>()).len()
        } else if std::ptr::eq(typ, Tuple::static_type()) {
            (*header.cast::<Object<Tuple>>()).items().len()
        } else if std::ptr::eq(typ, Str::static_type()) {
            (*header.cast::<Object<Str>>()).length()
        } else if std::ptr::eq(typ, Bytes::static_type()) {
            (*header.cast::<Object<Bytes>>()).as_slice().len()
        } else if std::ptr::eq(typ, ByteArray::static_type()) {
            (*header.cast::<Object<ByteArray>>()).len()
        } else {
            return Flow::Slow;
        };
        if !word::closes_quietly(object) || !word::closes_quietly(*base) {
            return Flow::Slow;
        }
        word::close_quietly(object);
        word::close_quietly(*base);
        // A length is far below the largest small int.
        *base = (length as u64) << 1 | 1;
        state.stack = base.add(1);
        state.skip(3);
        Flow::Next
    } slow {
        let base = state.at(3);
        if argument == 1 && *base.add(1) == 0 && is_definition(state, *base) {
            let length = { let object = state.look(1); state.vm.length(&object) };
            state.drop_words(1);
            word::close(*base);
            state.stack = base;
            let length = attempt!(state, length);
            state.push_value(crate::types::int::new(length as i64));
            state.skip(3);
            return Flow::Next;
        }
        native_function(state, argument)
    }

    /// `isinstance(object, class)`.
    CallIsinstance(state, argument) fast {
        let base = state.at(4);
        if argument != 2 || *base.add(1) != 0 || !is_definition(state, *base) {
            return Flow::Slow;
        }
        let (object, class) = (*base.add(2), *base.add(3));
        let Some(class_type) = exact::<Type>(class) else { return Flow::Direct };
        let is_instance = std::ptr::eq(word::look(object).type_of(), class_type);
        // A number in a word is of a class whose only base is `object`.
        if !is_instance && (word::is_pointer(object) || std::ptr::eq(class_type, BaseObject::static_type())) {
            return Flow::Direct;
        }
        if !word::closes_quietly(object)
            || !word::closes_quietly(class)
            || !word::closes_quietly(*base)
        {
            return Flow::Slow;
        }
        word::close_quietly(object);
        word::close_quietly(class);
        word::close_quietly(*base);
        *base = if is_instance { true_word() } else { false_word() };
        state.stack = base.add(1);
        state.skip(3);
        Flow::Next
    } direct {
        let base = state.at(4);
        let word = instance_word(state.vm, base);
        finish_native_call(state, base, word)
    } slow {
        native_function(state, argument)
    }

    /// `list.append(object)`.
    CallListAppend(state, argument) fast {
        let base = state.at(3);
        if argument != 1 || *base.add(1) == 0 {
            return Flow::Slow;
        }
        let Some(method) = exact::<NativeMethod>(*base) else { return Flow::Slow };
        if method.current_mark() != NativeMethod::LIST_APPEND {
            return Flow::Slow;
        }
        let Some(list) = exact::<List>(*base.add(1)) else { return Flow::Slow };
        let items = &mut *list.items().as_ptr();
        if items.len() == items.capacity() || !word::closes_quietly(*base) || !word::closes_quietly(*base.add(1)) {
            return Flow::Slow;
        }
        let value = word::keep(*base.add(2));
        items.as_mut_ptr().add(items.len()).cast::<u64>().write(value);
        let length = items.len() + 1;
        items.set_len(length);
        word::close_quietly(*base.add(1));
        word::close_quietly(*base);
        state.stack = base;
        state.push(crate::types::none::none_word());
        state.skip(3);
        Flow::Next
    } slow {
        let base = state.at(3);
        let method = if argument == 1 && *base.add(1) != 0 { exact::<NativeMethod>(*base) } else { None };
        if let Some(method) = method
            && method.current_mark() == NativeMethod::LIST_APPEND
            && let Some(list) = exact::<List>(*base.add(1))
        {
            list.push(word::take(*base.add(2)));
            state.stack = base.add(2);
            state.drop_words(2);
            state.push(crate::types::none::none_word());
        } else {
            return native_method(state, argument);
        }
        state.skip(3);
        Flow::Next
    }

    /// A native method without arguments.
    CallMethodDescriptorNoargs(state, argument) direct {
        native_method(state, argument)
    }

    /// A native method with one argument.
    CallMethodDescriptorO(state, argument) fast {
        get_quickly(state, argument as usize)
    } direct {
        native_method(state, argument)
    }

    /// A native method with positional arguments.
    CallMethodDescriptorFast(state, argument) fast {
        get_quickly(state, argument as usize)
    } direct {
        native_method(state, argument)
    }

    /// A native method that takes keywords too.
    CallMethodDescriptorFastWithKeywords(state, argument) direct {
        native_method(state, argument)
    }

    /// A class whose objects are plain and whose `__init__` is a Python function.
    CallAllocAndEnterInit(state, argument) {
        let base = state.at(argument as usize + 2);
        let entered = if *base.add(1) == 0 {
            crate::eval::construct::enter_init(state, base, argument as usize)
        } else {
            None
        };
        match entered {
            Some(flow) => flow,
            None => <Call as Instruction>::slow(state, argument),
        }
    }

    /// Checks that `__init__` returned `None`.
    ExitInitCheck(state, _argument) {
        let value = state.pop_value();
        if !crate::types::none::is_none(&value) {
            return state.raise(state.vm.type_error(format!(
                "__init__() should return None, not '{}'",
                value.type_of().full_name()
            )));
        }
        Flow::Next
    }

    /// Calls with positional arguments and keywords.
    CallKw(state, argument) fast {
        if takes_keywords_directly(*state.at(argument as usize + 3)) { Flow::Direct } else { Flow::Slow }
    } direct {
        native_with_keywords(state, argument)
    } slow {
        let names = state.pop_value();
        let count = argument as usize;
        let base = state.at(count + 2);
        let Some(name_tuple) = names.downcast_exact::<Tuple>() else {
            return state.raise(state.vm.system_error("keyword names are no tuple"));
        };
        unbind_method(base);
        if function_in(*base).is_some() {
            return enter_function(state, count, Some(name_tuple), 4);
        }
        attempt!(state, call_words(state, count, Some(name_tuple), |vm, callable, args, names| {
            vm.call_with_names(callable, args, names)
        }));
        state.skip(3);
        attempt!(state, signals_after_call(state.vm));
        Flow::Next
    }

    /// A bound method with keywords.
    CallKwBoundMethod = CallKw;
    /// A Python function with keywords.
    CallKwPy = CallKw;
    /// Anything else with keywords.
    CallKwNonPy = CallKw;

    /// Calls with a tuple of positional arguments and, if present, a mapping of keywords.
    CallFunctionEx(state, _argument) fast {
        let is_native = *state.at(1) == 0
            && exact::<Tuple>(*state.at(2)).is_some()
            && exact::<NativeFunction>(*state.at(4)).is_some();
        if is_native { Flow::Direct } else { Flow::Slow }
    } direct {
        let base = state.at(4);
        let word = call_spread_at(state.vm, base);
        state.stack = base;
        if word == 0 {
            return Flow::Raise;
        }
        state.push(word);
        Flow::Next
    } slow {
        let vm = state.vm;
        let keywords_word = state.pop();
        let keywords = if keywords_word == 0 { None } else { Some(word::take(keywords_word)) };
        let arguments = state.pop_value();
        state.drop_words(1);
        let callable = state.pop_value();
        let arguments = match arguments.downcast::<Tuple>() {
            Some(tuple) if arguments.downcast_exact::<Tuple>().is_some() => tuple.to_ref(),
            _ => match vm.collect(&arguments) {
                Ok(items) => Tuple::from_values(items),
                Err(error) if error.is_type_error() && arguments.type_of().slots().iter.get().is_none() => {
                    return state.raise(vm.type_error(format!(
                        "{} argument after * must be an iterable, not {}",
                        crate::types::function_text::callable_text(vm, &callable),
                        arguments.type_of().full_name()
                    )));
                }
                Err(error) => return state.raise(error),
            },
        };
        if let Some((function, instance)) = python_function(&callable)
            && let Some((names, values)) = keyword_arguments(keywords.as_ref())
        {
            let words = spread_words(instance, arguments.items(), values);
            return enter_with_words(state, function, words, names.as_deref());
        }
        let result = match keywords {
            None => vm.call(&callable, arguments.items()),
            Some(keywords) => match keywords.downcast::<Dict>() {
                Some(keywords) => vm.call_with_dict(&callable, arguments.items(), keywords),
                None => Err(vm.system_error("keywords are no dict")),
            },
        };
        drop(arguments);
        drop(callable);
        let result = attempt!(state, result);
        state.push_value(result);
        attempt!(state, signals_after_call(vm));
        Flow::Next
    }

    /// With `sys.monitoring` at work.
    InstrumentedCall = Call;
    /// With `sys.monitoring` at work.
    InstrumentedCallKw = CallKw;
    /// With `sys.monitoring` at work.
    InstrumentedCallFunctionEx = CallFunctionEx;

    /// Makes a function from a code object.
    MakeFunction(state, _argument) {
        let code = state.pop_value();
        let Ok(code) = code.downcast_into::<Code>() else {
            return state.raise(state.vm.system_error("MAKE_FUNCTION without code"));
        };
        let globals = (*state.frame).globals().to_ref();
        state.push_value(Function::new(state.vm, code, globals).into_value());
        Flow::Next
    }

    /// Sets an attribute of a new function.
    SetFunctionAttribute(state, argument) {
        let function = state.pop_value();
        let value = state.pop_value();
        if let Some(target) = function.downcast_exact::<Function>() {
            match FunctionAttribute::from_number(argument) {
                Some(FunctionAttribute::Defaults) => target.set_defaults(value.downcast_into().ok()),
                Some(FunctionAttribute::KeywordDefaults) => target.set_keyword_defaults(value.downcast_into().ok()),
                Some(FunctionAttribute::Annotations) => target.set_annotations_value(Some(value)),
                Some(FunctionAttribute::Closure) => match closure_of(value) {
                    Some(closure) => target.set_closure(Some(closure)),
                    None => return state.raise(state.vm.system_error("a closure is a tuple of cells")),
                },
                Some(FunctionAttribute::Annotate) => target.adopt_annotate(value),
                None => {}
            }
        }
        state.push_value(function);
        Flow::Next
    }

    /// Calls an intrinsic function with one argument.
    CallIntrinsic1(state, argument) {
        let value = state.pop_value();
        let result = match UnaryIntrinsic::from_number(argument) {
            Some(function) => intrinsics::unary(state, function, &value),
            None => Err(state.vm.system_error("unknown intrinsic")),
        };
        drop(value);
        let result = attempt!(state, result);
        state.push_value(result);
        Flow::Next
    }

    /// Calls an intrinsic function with two arguments.
    CallIntrinsic2(state, argument) {
        let second = state.pop_value();
        let first = state.pop_value();
        let result = match BinaryIntrinsic::from_number(argument) {
            Some(function) => intrinsics::binary(state.vm, function, &first, &second),
            None => Err(state.vm.system_error("unknown intrinsic")),
        };
        drop((first, second));
        let result = attempt!(state, result);
        state.push_value(result);
        Flow::Next
    }
}
