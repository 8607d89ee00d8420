//! Where threads are, written to a descriptor by someone who may be a signal handler: nothing is allocated, no lock is
//! taken, no Python code runs.

use std::sync::atomic::{AtomicPtr, Ordering};

use crate::eval::frame::Frame;
use crate::host;
use crate::object::Object;
use crate::types::string::Str;
use crate::vm::{Interpreter, Vm};

/// More frames of a thread than this are not written.
const MOST_FRAMES: usize = 100;
/// More threads than this are not written.
const MOST_THREADS: usize = 100;
/// Longer texts are cut.
const LONGEST_TEXT: usize = 500;

/// Collects short texts, so that few calls of the system are made.
struct Output {
    descriptor: i32,
    room: [u8; 512],
    length: usize,
}

impl Output {
    fn new(descriptor: i32) -> Output {
        Output { descriptor, room: [0; 512], length: 0 }
    }

    fn byte(&mut self, byte: u8) {
        if self.length == self.room.len() {
            self.flush();
        }
        self.room[self.length] = byte;
        self.length += 1;
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
    }

    fn decimal(&mut self, number: u64) {
        if number >= 10 {
            self.decimal(number / 10);
        }
        self.byte(b'0' + (number % 10) as u8);
    }

    fn hexadecimal(&mut self, number: u64, digits: u32) {
        for place in (0..digits).rev() {
            self.byte(b"0123456789abcdef"[(number >> (4 * place) & 15) as usize]);
        }
    }

    /// A Python text with everything that is not ASCII escaped.
    fn python_text(&mut self, text: &Object<Str>) {
        for c in text.characters().iter().take(LONGEST_TEXT) {
            match c {
                0x20..0x7f => self.byte(c as u8),
                0..=0xff => {
                    self.text("\\x");
                    self.hexadecimal(u64::from(c), 2);
                }
                0..=0xffff => {
                    self.text("\\u");
                    self.hexadecimal(u64::from(c), 4);
                }
                _ => {
                    self.text("\\U");
                    self.hexadecimal(u64::from(c), 8);
                }
            }
        }
        if text.length() > LONGEST_TEXT {
            self.text("...");
        }
    }

    fn flush(&mut self) {
        // Nobody is left to be told of an error.
        let _ = host::write(self.descriptor, &self.room[..self.length]);
        self.length = 0;
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write_frames(out: &mut Output, vm: &Vm) {
    let mut frame: *const Frame = vm.frame.get();
    if frame.is_null() {
        out.text("  <no Python frame>\n");
    }
    let mut count = 0;
    while !frame.is_null() {
        if count == MOST_FRAMES {
            out.text("  ...\n");
            break;
        }
        // SAFETY: frames are alive while they are linked. Where the thread runs meanwhile, the caller has nothing
        // better to do than to look all the same.
        let found = unsafe { &*frame };
        let code = found.code();
        out.text("  File \"");
        out.python_text(&code.filename());
        out.text("\", line ");
        match code.line(found.instruction_index()) {
            Some(line) => out.decimal(line.max(0) as u64),
            None => out.text("???"),
        }
        out.text(" in ");
        out.python_text(&code.name);
        out.text("\n");
        frame = found.previous;
        count += 1;
    }
}

fn write_heading(out: &mut Output, identity: u64, current: bool) {
    out.text(if current { "Current thread 0x" } else { "Thread 0x" });
    out.hexadecimal(identity, 16);
    host::with_thread_name(identity, |name| {
        if !name.is_empty() {
            out.text(" [");
            name.iter().for_each(|&byte| out.byte(byte));
            out.text("]");
        }
    });
    out.text(" (most recent call first):\n");
}

/// Writes the frames of one thread, innermost first.
pub fn write_thread(descriptor: i32, vm: &Vm) {
    let mut out = Output::new(descriptor);
    out.text("Stack (most recent call first):\n");
    write_frames(&mut out, vm);
}

/// Writes the frames of all threads; `current` is the one that is spoken of as the current thread.
pub fn write_threads(descriptor: i32, interpreter: &Interpreter, current: Option<u64>) {
    let mut out = Output::new(descriptor);
    let mut count = 0;
    interpreter.threads.look_at_each(|identity, vm| {
        if count > 0 {
            out.text("\n");
        }
        if count == MOST_THREADS {
            out.text("...\n");
        }
        if count < MOST_THREADS {
            write_heading(&mut out, identity, current == Some(identity));
            write_frames(&mut out, vm);
        }
        count += 1;
    });
}

/// Writes a text.
pub fn write_text(descriptor: i32, text: &str) {
    Output::new(descriptor).text(text);
}

static NOTED: AtomicPtr<Interpreter> = AtomicPtr::new(std::ptr::null_mut());

/// Notes an interpreter down for [`write_noted_threads`].
pub fn note_interpreter(interpreter: &'static Interpreter) {
    NOTED.store(std::ptr::from_ref(interpreter).cast_mut(), Ordering::Release);
}

/// Writes the frames of all threads of the interpreter that was noted down, for callers that hold nothing else.
pub fn write_noted_threads(descriptor: i32, current: Option<u64>) {
    let interpreter = NOTED.load(Ordering::Acquire);
    if !interpreter.is_null() {
        // SAFETY: the interpreter was handed in as living for ever.
        write_threads(descriptor, unsafe { &*interpreter }, current);
    }
}
