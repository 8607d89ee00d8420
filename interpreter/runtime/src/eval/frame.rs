//! Frames: the state of a running function, on the thread's frame stack or inside a generator.
//!
//! # Safety argument
//!
//! A frame is a header and behind it one word for each local variable, cell and free variable, then the evaluation
//! stack. Words are as in [`word`](super::word). A frame on the thread's stack is made and freed in order; a
//! generator's frame lies in the generator and is linked in while it runs. `code`, `globals` and `builtins` are
//! borrowed from `function`, which the frame owns: a function keeps every code object it ever had while it lives.

use std::cell::{Cell, UnsafeCell};
use std::ptr;

use crate::eval::word;
use crate::object::{Borrow, Object, Ref};
use crate::types::code::Code;
use crate::types::code_body::Unit;
use crate::types::dict::Dict;
use crate::types::frame::FrameObject;
use crate::types::function::Function;
use crate::types::generator::Generator;
use crate::value::Value;
use crate::vm::Vm;

/// Who made the frame and what happens when it returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Owner {
    /// The evaluation loop: returning goes on with the frame below.
    Call,
    /// Native code: returning leaves the evaluation loop.
    Entry,
    /// A generator; it goes on with the frame below.
    Generator,
    /// A generator resumed by native code: leaving leaves the evaluation loop.
    GeneratorEntry,
    /// A frame object that outlived its function.
    FrameObject,
}

/// The header of a frame.
#[repr(C)]
pub struct Frame {
    /// The frame below.
    pub previous: *mut Frame,
    /// The instruction being executed.
    pub instruction: *const Unit,
    /// The evaluation stack's top while the frame is not the running one.
    pub stack_pointer: *mut u64,
    pub code: *const Object<Code>,
    /// The constants' words.
    pub constants: *const u64,
    pub globals: *const Object<Dict>,
    pub builtins: *const Object<Dict>,
    /// The function, owned.
    pub function: u64,
    /// The mapping of local names in modules and classes, owned; or 0.
    pub locals: u64,
    /// The generator that the frame lies in, or null.
    pub generator: *const Object<Generator>,
    /// The frame object, owned; or 0.
    pub frame_object: Cell<u64>,
    /// Code units from `instruction` to where the frame goes on when a call returns.
    pub return_offset: u32,
    pub owner: Owner,
    /// The frame is of an `__init__` entered by the loop: its result must be `None` and is dropped.
    pub drops_result: bool,
    /// Set when the frame's lines are traced.
    pub traced: Cell<bool>,
}

impl Frame {
    /// The word of a local variable, cell or free variable.
    ///
    /// # Safety
    /// The index is below the code's number of variables.
    #[inline(always)]
    pub unsafe fn local(this: *mut Frame, index: usize) -> *mut u64 {
        // SAFETY: the variables lie behind the header.
        unsafe { this.add(1).cast::<u64>().add(index) }
    }

    /// Where the evaluation stack begins.
    ///
    /// # Safety
    /// The frame is alive.
    #[inline(always)]
    pub unsafe fn stack_base(this: *mut Frame) -> *mut u64 {
        // SAFETY: the stack lies behind the variables.
        unsafe { Frame::local(this, (*(*this).code).variable_count()) }
    }

    /// The code object.
    #[inline(always)]
    pub fn code(&self) -> &Object<Code> {
        // SAFETY: the function keeps it alive.
        unsafe { &*self.code }
    }

    /// The function.
    #[inline(always)]
    pub fn function(&self) -> &Object<Function> {
        // SAFETY: the frame owns the function.
        unsafe { &*(word::untagged(self.function) as *const Object<Function>) }
    }

    /// The global names.
    #[inline(always)]
    pub fn globals(&self) -> &Object<Dict> {
        // SAFETY: the function keeps them alive.
        unsafe { &*self.globals }
    }

    /// The builtin names.
    #[inline(always)]
    pub fn builtins(&self) -> &Object<Dict> {
        // SAFETY: the function keeps them alive.
        unsafe { &*self.builtins }
    }

    /// The mapping of local names.
    #[inline(always)]
    pub fn locals(&self) -> Option<Borrow<'_>> {
        // SAFETY: the frame owns the mapping.
        (self.locals != 0).then(|| unsafe { Borrow::from_bits(self.locals) })
    }

    /// The mapping of names that code without fast variables works on: where a function runs it, its globals.
    pub fn names(&self) -> Borrow<'_> {
        self.locals().unwrap_or_else(|| self.globals().as_value())
    }

    /// The index of the instruction being executed, in code units; -1 before the first.
    pub fn instruction_index(&self) -> isize {
        // SAFETY: the instruction lies within the code, or one unit before it.
        unsafe { self.instruction.offset_from(self.code().start()) }
    }

    /// Size of a frame in words for a code object.
    #[inline(always)]
    pub fn words(code: &Code) -> usize {
        size_of::<Frame>() / 8 + code.frame_words()
    }

    /// Writes the header of a frame and empties its variables from `filled` on.
    ///
    /// # Safety
    /// There is room for the frame; the first `filled` variables are written by the caller.
    #[inline(always)]
    pub unsafe fn initialize(this: *mut Frame, function: Value, filled: usize, owner: Owner) {
        // SAFETY: as promised; the function's references outlive the frame, which owns it.
        unsafe {
            let callee = &*(function.bits() as *const Object<Function>);
            let code = callee.code();
            let variables = code.variable_count();
            (&raw mut (*this).previous).write(ptr::null_mut());
            (&raw mut (*this).instruction).write(code.start().sub(1));
            (&raw mut (*this).stack_pointer).write(Frame::local(this, variables));
            (&raw mut (*this).code).write(code);
            (&raw mut (*this).constants).write(code.constants_pointer());
            (&raw mut (*this).globals).write(callee.globals());
            (&raw mut (*this).builtins).write(callee.builtins());
            (&raw mut (*this).function).write(function.into_bits());
            (&raw mut (*this).locals).write(0);
            (&raw mut (*this).generator).write(ptr::null());
            (&raw mut (*this).frame_object).write(Cell::new(0));
            (&raw mut (*this).return_offset).write(0);
            (&raw mut (*this).owner).write(owner);
            (&raw mut (*this).drops_result).write(false);
            (&raw mut (*this).traced).write(Cell::new(false));
            for index in filled..variables {
                Frame::local(this, index).write(0);
            }
        }
    }

    /// As [`initialize`](Self::initialize) for the evaluator's fast path: function and code are known.
    ///
    /// # Safety
    /// As for `initialize`; `word` owns `function`, whose code is `code`.
    #[inline(always)]
    pub unsafe fn initialize_for(
        this: *mut Frame,
        function: &Object<Function>,
        word: u64,
        code: &Object<Code>,
        filled: usize,
    ) {
        // SAFETY: as promised.
        unsafe {
            let variables = code.variable_count();
            (&raw mut (*this).instruction).write(code.start().sub(1));
            (&raw mut (*this).stack_pointer).write(Frame::local(this, variables));
            (&raw mut (*this).code).write(code);
            (&raw mut (*this).constants).write(code.constants_pointer());
            (&raw mut (*this).globals).write(function.globals());
            (&raw mut (*this).builtins).write(function.builtins());
            (&raw mut (*this).function).write(word);
            (&raw mut (*this).locals).write(0);
            (&raw mut (*this).generator).write(ptr::null());
            (&raw mut (*this).frame_object).write(Cell::new(0));
            (&raw mut (*this).return_offset).write(0);
            (&raw mut (*this).owner).write(Owner::Call);
            (&raw mut (*this).drops_result).write(false);
            (&raw mut (*this).traced).write(Cell::new(false));
            // Volatile, since a call of `memset` would cost more than the few words.
            let mut index = filled;
            while index < variables {
                Frame::local(this, index).write_volatile(0);
                index += 1;
            }
        }
    }

    /// Gives back everything the frame owns but its memory; a frame object that others refer to takes it over.
    ///
    /// # Safety
    /// The frame is not used afterwards but to free its memory. `stack_pointer` is current.
    pub unsafe fn clear(this: *mut Frame) {
        // SAFETY: each word is taken out before it is dropped.
        unsafe {
            let object = (*this).frame_object.get();
            if object != 0 {
                let object = Value::from_bits(object);
                if object.reference_count() > 1 {
                    FrameObject::take_over(&object, this);
                    (*this).frame_object.set(0);
                    drop(object);
                    return;
                }
                FrameObject::detach(&object);
                (*this).frame_object.set(0);
                drop(object);
            }
            Frame::clear_words(this);
            drop_word(std::mem::replace(&mut (*this).locals, 0));
            word::close(std::mem::replace(&mut (*this).function, 0));
        }
    }

    /// Gives back the variables and the stack.
    ///
    /// # Safety
    /// `stack_pointer` is current.
    #[inline(always)]
    pub unsafe fn clear_words(this: *mut Frame) {
        // SAFETY: all words from the first variable to the stack's top are valid.
        unsafe {
            let mut at = Frame::local(this, 0);
            let end = (*this).stack_pointer;
            (*this).stack_pointer = at;
            while at < end {
                word::close(at.replace(0));
                at = at.add(1);
            }
        }
    }

    /// The frame object, made if it does not exist yet.
    ///
    /// # Safety
    /// The frame is alive.
    pub unsafe fn object(this: *mut Frame) -> Ref<FrameObject> {
        // SAFETY: the frame owns its frame object.
        unsafe {
            let word = (*this).frame_object.get();
            if word == 0 {
                let object = FrameObject::of_frame(this);
                (*this).frame_object.set(object.clone().into_value().into_bits());
                return object;
            }
            (*(word as *const Object<FrameObject>)).to_ref()
        }
    }
}

unsafe fn drop_word(bits: u64) {
    if bits != 0 {
        // SAFETY: the caller gives up the reference.
        drop(unsafe { Value::from_bits(bits) });
    }
}

/// The memory of a thread's frames: chunks that are added when one is full.
pub struct FrameStack {
    top: Cell<*mut u64>,
    limit: Cell<*mut u64>,
    /// Where the topmost chunk begins.
    first: Cell<*mut u64>,
    chunks: UnsafeCell<Vec<Chunk>>,
    /// The chunk popped last: what goes up and down around its beginning finds it again.
    spare: UnsafeCell<Option<Vec<u64>>>,
}

struct Chunk {
    /// Room that is reserved; frames write what they read.
    memory: Vec<u64>,
    /// Where the chunk below ended.
    below: (*mut u64, *mut u64),
}

const CHUNK_WORDS: usize = 8 << 10;
/// The first chunk is smaller: most threads never need more.
const FIRST_CHUNK_WORDS: usize = 2 << 10;

impl FrameStack {
    /// A stack without memory.
    pub fn new() -> Self {
        FrameStack {
            top: Cell::new(ptr::null_mut()),
            limit: Cell::new(ptr::null_mut()),
            first: Cell::new(ptr::null_mut()),
            chunks: UnsafeCell::new(Vec::new()),
            spare: UnsafeCell::new(None),
        }
    }

    /// Room for some words on top; nothing where there is no memory for so many.
    #[inline(always)]
    pub fn push(&self, words: usize) -> Option<*mut Frame> {
        let top = self.top.get();
        if (self.limit.get() as usize).wrapping_sub(top as usize) >= words * 8 && !top.is_null() {
            self.top.set(top.wrapping_add(words));
            return Some(top.cast());
        }
        self.push_chunk(words)
    }

    /// Whether [`push`](Self::push) needs no new chunk.
    #[inline(always)]
    pub fn has_room(&self, words: usize) -> bool {
        (self.limit.get() as usize) - (self.top.get() as usize) >= words * 8
    }

    /// Room for some words on top where [`has_room`](Self::has_room) said so.
    #[inline(always)]
    pub fn push_in_room(&self, words: usize) -> *mut Frame {
        let top = self.top.get();
        self.top.set(top.wrapping_add(words));
        top.cast()
    }

    #[cold]
    #[inline(never)]
    fn push_chunk(&self, words: usize) -> Option<*mut Frame> {
        // SAFETY: nobody else borrows the list of chunks or the spare one; the memory stays where it is when the list
        // grows.
        let (chunks, spare) = unsafe { (&mut *self.chunks.get(), &mut *self.spare.get()) };
        let size = words.max(if chunks.is_empty() { FIRST_CHUNK_WORDS } else { CHUNK_WORDS });
        let mut memory = match spare.take() {
            Some(memory) if memory.capacity() >= size => memory,
            _ => {
                let mut memory = Vec::new();
                memory.try_reserve_exact(size).ok()?;
                memory
            }
        };
        let start = memory.as_mut_ptr();
        let size = memory.capacity();
        let below = (self.top.get(), self.limit.get());
        chunks.push(Chunk { memory, below });
        self.top.set(start.wrapping_add(words));
        self.limit.set(start.wrapping_add(size));
        self.first.set(start);
        Some(start.cast())
    }

    /// Frees the topmost frame.
    #[inline(always)]
    pub fn pop(&self, frame: *mut Frame) {
        let start = frame.cast::<u64>();
        self.top.set(start);
        if ptr::eq(start, self.first.get()) {
            self.pop_chunk();
        }
    }

    /// Whether [`pop_quietly`](Self::pop_quietly) may free the frame: it is not the first of its chunk.
    #[inline(always)]
    pub fn can_pop_quietly(&self, frame: *mut Frame) -> bool {
        !ptr::eq(frame.cast::<u64>(), self.first.get())
    }

    /// Frees the topmost frame, which is not the first of its chunk.
    #[inline(always)]
    pub fn pop_quietly(&self, frame: *mut Frame) {
        self.top.set(frame.cast());
    }

    #[cold]
    #[inline(never)]
    fn pop_chunk(&self) {
        // SAFETY: nobody else borrows the list of chunks or the spare one.
        let (chunks, spare) = unsafe { (&mut *self.chunks.get(), &mut *self.spare.get()) };
        if chunks.len() > 1
            && let Some(chunk) = chunks.pop()
        {
            self.top.set(chunk.below.0);
            self.limit.set(chunk.below.1);
            *spare = Some(chunk.memory);
            let first = chunks.last_mut().map_or(ptr::null_mut(), |below| below.memory.as_mut_ptr());
            self.first.set(first);
        }
    }
}

impl Vm {
    /// The innermost frame that Python code sees.
    pub fn current_frame(&self) -> Option<&Frame> {
        let frame = self.frame.get();
        // SAFETY: linked frames are alive.
        (!frame.is_null()).then(|| unsafe { &*frame })
    }
}
