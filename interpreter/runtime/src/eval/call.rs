//! Calling Python functions: binding arguments to the variables of a new frame, and entering the evaluation loop.
//!
//! # Safety argument
//!
//! Arguments arrive as stack words that the binder takes over: each is moved into a variable or given back, whether
//! binding succeeds or not. Arguments of native callers arrive as borrowed words; the callee has returned before the
//! caller's slice ends, and a frame that outlives its call (a generator's, a frame object's) makes its words its own.

use rspy_code::code_object::flags;

use crate::eval::frame::{Frame, Owner};
use crate::eval::word;
use crate::exceptions::{Exception, PyResult};
use crate::object::Object;
use crate::slots::KeywordNames;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Calls a Python function from native code.
pub fn call_function(vm: &Vm, function: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    vm.check_stack("")?;
    // SAFETY: the words are borrowed from `args`, which outlive the call.
    unsafe {
        let mut few = [0u64; 8];
        let mut many = Vec::new();
        let words: &mut [u64] = if args.len() <= few.len() {
            &mut few[..args.len()]
        } else {
            many.resize(args.len(), 0);
            &mut many
        };
        for (to, from) in words.iter_mut().zip(args) {
            *to = word::borrowed(from.bits());
        }
        let frame = push_frame(vm, function.clone(), words.as_mut_ptr(), words.len(), names, Owner::Entry)?;
        run_frame(vm, frame)
    }
}

/// Runs a code object's function with a mapping of local names, as modules and classes do.
pub fn run_with_locals(vm: &Vm, function: &Value, locals: Value) -> PyResult {
    vm.check_stack("")?;
    // SAFETY: there are no arguments.
    unsafe {
        let mut none = [0u64; 1];
        let frame = push_frame(vm, function.clone(), none.as_mut_ptr(), 0, None, Owner::Entry)?;
        (*frame).locals = locals.into_bits();
        run_frame(vm, frame)
    }
}

/// Runs a frame that was pushed with an entry owner, to its end.
///
/// # Safety
/// The frame is the topmost of the thread's stack.
pub unsafe fn run_frame(vm: &Vm, frame: *mut Frame) -> PyResult {
    // SAFETY: as promised.
    let word = unsafe { super::run(vm, frame) };
    if word == 0 {
        Err(vm.take_raised())
    } else {
        // SAFETY: the evaluator hands over an owned word.
        Ok(unsafe { Value::from_bits(word) })
    }
}

/// Makes a frame for a call on the thread's stack and binds the arguments to its variables.
///
/// # Safety
/// `words` points to `count` stack words (keyword arguments last), all of which are taken over.
#[inline]
pub unsafe fn push_frame(
    vm: &Vm,
    function: Value,
    words: *mut u64,
    count: usize,
    names: KeywordNames<'_>,
    owner: Owner,
) -> PyResult<*mut Frame> {
    // SAFETY: `function` is a function object (checked by callers); the frame has room for the code's variables.
    unsafe {
        let callee = &*(function.bits() as *const Object<Function>);
        let code = callee.code();
        // Here, so that what runs has one: frames are not made elsewhere before a function was called.
        code.body();
        let Some(frame) = vm.frames.push(Frame::words(code)) else {
            for index in 0..count {
                word::close(*words.add(index));
            }
            return Err(vm.memory_error());
        };
        let simple = names.is_none()
            && count == code.arg_count as usize
            && code.flags & (flags::VARARGS | flags::VARKEYWORDS) == 0
            && code.keyword_only_count == 0;
        Frame::initialize(frame, function, if simple { count } else { 0 }, owner);
        let code = (*frame).code();
        if simple {
            for index in 0..count {
                *Frame::local(frame, index) = *words.add(index);
            }
            return Ok(frame);
        }
        let callee = (*frame).function();
        match bind(vm, frame, callee, code, words, count, names) {
            Ok(()) => Ok(frame),
            Err(error) => {
                discard(vm, frame);
                Err(error)
            }
        }
    }
}

/// Frees the topmost frame.
///
/// # Safety
/// The frame is the topmost of the thread's stack and does not run.
pub unsafe fn discard(vm: &Vm, frame: *mut Frame) {
    // SAFETY: as promised.
    unsafe {
        Frame::clear(frame);
    }
    vm.frames.pop(frame);
}

/// Arguments that have not been bound yet; what is left is given back.
struct Pending {
    words: *mut u64,
    next: usize,
    count: usize,
}

impl Pending {
    fn take(&mut self) -> u64 {
        // SAFETY: `next` stays below `count`.
        let word = unsafe { *self.words.add(self.next) };
        self.next += 1;
        word
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        while self.next < self.count {
            let word = self.take();
            // SAFETY: the word was not bound.
            unsafe { word::close(word) };
        }
    }
}

/// Binds arguments where the code collects no others and each name is, by identity, that of a parameter not filled
/// yet. Answers whether it did; else nothing has happened.
unsafe fn bind_by_name(
    frame: *mut Frame,
    code: &Object<Code>,
    words: *mut u64,
    count: usize,
    names: &[Value],
) -> bool {
    const MOST: usize = 8;
    let given = count - names.len();
    let total = (code.arg_count + code.keyword_only_count) as usize;
    if code.flags & (flags::VARARGS | flags::VARKEYWORDS) != 0
        || given > code.arg_count as usize
        || names.len() > MOST
    {
        return false;
    }
    let first = given.max(code.positional_only_count as usize);
    let parameters = &code.body().variable_names.items()[..total];
    let mut places = [0usize; MOST];
    for (nth, name) in names.iter().enumerate() {
        let found = parameters.iter().skip(first).position(|parameter| parameter.is(name));
        let Some(found) = found else { return false };
        places[nth] = first + found;
        if places[..nth].contains(&places[nth]) {
            return false;
        }
    }
    // SAFETY: parameters are the first variables; each word is moved once.
    unsafe {
        for index in 0..given {
            *Frame::local(frame, index) = *words.add(index);
        }
        for (nth, place) in places[..names.len()].iter().enumerate() {
            *Frame::local(frame, *place) = *words.add(given + nth);
        }
    }
    true
}

#[inline(never)]
unsafe fn bind(
    vm: &Vm,
    frame: *mut Frame,
    function: &Object<Function>,
    code: &Object<Code>,
    words: *mut u64,
    count: usize,
    names: KeywordNames<'_>,
) -> PyResult<()> {
    // SAFETY: variables are below the code's count of them; each word is moved once.
    unsafe {
        if let Some(names) = names
            && bind_by_name(frame, code, words, count, names.items())
        {
            return fill_defaults(vm, frame, function, code, count - names.items().len());
        }
        let keyword_count = names.map_or(0, |names| names.items().len());
        let given = count - keyword_count;
        let positional = code.arg_count as usize;
        let total = positional + code.keyword_only_count as usize;
        let mut pending = Pending { words, next: 0, count };
        let direct = given.min(positional);
        for index in 0..direct {
            *Frame::local(frame, index) = pending.take();
        }
        let mut next_variable = total;
        if code.flags & flags::VARARGS != 0 {
            let rest = Tuple::from_values((direct..given).map(|_| word::take(pending.take())));
            *Frame::local(frame, next_variable) = rest.into_value().into_bits();
            next_variable += 1;
        } else if given > positional {
            // The error counts keyword arguments too, so they are bound before it is raised.
            let extra: Vec<Value> = (direct..given).map(|_| word::take(pending.take())).collect();
            if keyword_count == 0 {
                drop(extra);
                return Err(too_many_positional(vm, function, code, given, frame));
            }
        }
        let rest_keywords = (code.flags & flags::VARKEYWORDS != 0).then(|| {
            let dict = Dict::new();
            *Frame::local(frame, next_variable) = dict.clone().into_value().into_bits();
            dict
        });
        for name in names.map_or(&[][..], |names| names.items()) {
            let Some(text) = name.downcast::<Str>() else {
                return Err(vm.type_error("keywords must be strings"));
            };
            let start = code.positional_only_count as usize;
            let found = (start..total).find(|&index| {
                let candidate = code.variable_name(index);
                std::ptr::eq(candidate, text) || candidate.same_text(text)
            });
            match found {
                Some(index) => {
                    let word = pending.take();
                    let variable = Frame::local(frame, index);
                    if *variable != 0 {
                        word::close(word);
                        return Err(vm.type_error(format!(
                            "{}() got multiple values for argument '{}'",
                            qualified_name(function),
                            text.to_string_lossy()
                        )));
                    }
                    *variable = word;
                }
                None => match &rest_keywords {
                    Some(dict) => {
                        let value = word::take(pending.take());
                        dict.set(vm, name, value)?;
                    }
                    None => return Err(unexpected_keyword(vm, function, code, names, text)),
                },
            }
        }
        if given > positional && code.flags & flags::VARARGS == 0 {
            return Err(too_many_positional(vm, function, code, given, frame));
        }
        fill_defaults(vm, frame, function, code, given)
    }
}

unsafe fn fill_defaults(
    vm: &Vm,
    frame: *mut Frame,
    function: &Object<Function>,
    code: &Object<Code>,
    given: usize,
) -> PyResult<()> {
    // SAFETY: as for `bind`.
    unsafe {
        let positional = code.arg_count as usize;
        if given < positional {
            let defaults = function.defaults();
            let default_items = defaults.as_ref().map_or(&[][..], |defaults| defaults.items());
            let first_default = positional.saturating_sub(default_items.len());
            let missing: Vec<usize> =
                (given..first_default).filter(|&index| *Frame::local(frame, index) == 0).collect();
            if !missing.is_empty() {
                return Err(missing_arguments(vm, function, code, "positional", &missing));
            }
            let skip = default_items.len().saturating_sub(positional);
            for index in given.max(first_default)..positional {
                let variable = Frame::local(frame, index);
                if *variable == 0 {
                    *variable = default_items[skip + index - first_default].clone().into_bits();
                }
            }
        }
        let mut missing = Vec::new();
        for index in positional..positional + code.keyword_only_count as usize {
            let variable = Frame::local(frame, index);
            if *variable != 0 {
                continue;
            }
            let default = match function.keyword_defaults() {
                Some(defaults) => defaults.get(vm, &code.variable_name(index).to_value())?,
                None => None,
            };
            match default {
                Some(default) => *variable = default.into_bits(),
                None => missing.push(index),
            }
        }
        if !missing.is_empty() {
            return Err(missing_arguments(vm, function, code, "keyword-only", &missing));
        }
        Ok(())
    }
}

fn qualified_name(function: &Object<Function>) -> String {
    function.qualified_name().to_string_lossy().into_owned()
}

#[cold]
fn missing_arguments(
    vm: &Vm,
    function: &Object<Function>,
    code: &Object<Code>,
    kind: &str,
    missing: &[usize],
) -> Exception {
    let names: Vec<String> =
        missing.iter().map(|&index| format!("'{}'", code.variable_name(index).to_string_lossy())).collect();
    let listed = match &names[..] {
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., before_last, last] => format!("{}, {before_last}, and {last}", first.join(", ")),
        [] => String::new(),
    };
    vm.type_error(format!(
        "{}() missing {} required {kind} argument{}: {listed}",
        qualified_name(function),
        names.len(),
        if names.len() == 1 { "" } else { "s" }
    ))
}

#[cold]
unsafe fn too_many_positional(
    vm: &Vm,
    function: &Object<Function>,
    code: &Object<Code>,
    given: usize,
    frame: *mut Frame,
) -> Exception {
    let positional = code.arg_count as usize;
    let defaults = function.defaults().map_or(0, |defaults| defaults.items().len());
    // SAFETY: keyword-only variables lie behind the positional ones.
    let keyword_only = unsafe {
        (positional..positional + code.keyword_only_count as usize)
            .filter(|&index| *Frame::local(frame, index) != 0)
            .count()
    };
    let (takes, plural) = if defaults > 0 {
        (format!("from {} to {positional}", positional - defaults), true)
    } else {
        (positional.to_string(), positional != 1)
    };
    let keywords = if keyword_only > 0 {
        format!(
            " positional argument{} (and {keyword_only} keyword-only argument{})",
            if given == 1 { "" } else { "s" },
            if keyword_only == 1 { "" } else { "s" }
        )
    } else {
        String::new()
    };
    vm.type_error(format!(
        "{}() takes {takes} positional argument{} but {given}{keywords} {} given",
        qualified_name(function),
        if plural { "s" } else { "" },
        if given == 1 && keyword_only == 0 { "was" } else { "were" }
    ))
}

#[cold]
fn unexpected_keyword(
    vm: &Vm,
    function: &Object<Function>,
    code: &Object<Code>,
    names: KeywordNames<'_>,
    name: &Object<Str>,
) -> Exception {
    let only: Vec<String> = (0..code.positional_only_count as usize)
        .map(|index| code.variable_name(index))
        .filter(|candidate| {
            names.is_some_and(|names| {
                names
                    .items()
                    .iter()
                    .any(|name| name.downcast::<Str>().is_some_and(|name| name.same_text(candidate)))
            })
        })
        .map(|candidate| candidate.to_string_lossy().into_owned())
        .collect();
    if !only.is_empty() {
        return vm.type_error(format!(
            "{}() got some positional-only arguments passed as keyword arguments: '{}'",
            qualified_name(function),
            only.join(", ")
        ));
    }
    let first = code.positional_only_count as usize;
    let last = (code.arg_count + code.keyword_only_count) as usize;
    let candidates: Vec<String> =
        (first..last).map(|index| code.variable_name(index).to_string_lossy().into_owned()).collect();
    let suggestion = crate::exceptions::suggestions::closest(&candidates, &name.to_string_lossy())
        .map_or_else(String::new, |found| format!(". Did you mean '{found}'?"));
    vm.type_error(format!(
        "{}() got an unexpected keyword argument '{}'{suggestion}",
        qualified_name(function),
        name.to_string_lossy()
    ))
}
