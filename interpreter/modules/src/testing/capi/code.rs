//! Code objects: empty ones, the lines of their instructions, and compilation with C's flags.

use rspy_code::Opcode;
use rspy_code::code_object::flags;
use rspy_code::operation::Resume;
use rspy_macros::pyfunctions;
use rspy_runtime::compile::{CompileRequest, compile_flags, compile_source};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::code::{Code, CodeFields};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::intern::intern;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::vm::Vm;
use rspy_syntax::{Mode, Source};

/// The functions.
pub struct Functions;

/// Instructions that raise `AssertionError`.
const RAISE: [u8; 6] = [
    Opcode::Resume as u8,
    Resume::FunctionStart as u8,
    Opcode::LoadCommonConstant as u8,
    0,
    Opcode::RaiseVarargs as u8,
    1,
];

/// A line table of one entry without columns: three instructions on the first line.
const ONE_LINE: [u8; 2] = [0x80 | 13 << 3 | 2, 0];

#[pyfunctions]
impl Functions {
    /// Make a code object that raises an exception, for frames that are only to be shown.
    #[function("code_newempty(filename, funcname, firstlineno, /)")]
    fn new_empty(vm: &Vm, filename: &Object<Str>, funcname: &Object<Str>, firstlineno: i32) -> Ref<Code> {
        let _ = vm;
        let name = intern(funcname);
        Code::from_outside(CodeFields {
            arg_count: 0,
            positional_only_count: 0,
            keyword_only_count: 0,
            flags: flags::OPTIMIZED | flags::NEWLOCALS,
            stack_size: 1,
            first_line: firstlineno,
            code: RAISE.to_vec(),
            constants: Tuple::empty(),
            names: Tuple::empty(),
            variable_names: Tuple::empty(),
            variable_kinds: Vec::new(),
            filename: intern(filename),
            name: name.clone(),
            qualified_name: name,
            line_table: Bytes::new(&ONE_LINE[..]),
            exception_table: Bytes::new(&[][..]),
        })
    }

    /// Return the line of the instruction at an offset, or -1.
    #[function("code_offset_to_line(code, offset, /)")]
    fn offset_to_line(code: &Object<Code>, offset: i32) -> i32 {
        if offset < 0 {
            return code.first_line;
        }
        code.line(offset as isize / 2).unwrap_or(-1)
    }

    /// Compile bytes, with the number of a grammar's start and the flags of `compile()`.
    #[function("Py_CompileStringExFlags(source, filename, start, flags=0, optimize=-1, /)")]
    fn compile_string(
        vm: &Vm,
        source: &Object<Bytes>,
        filename: &Object<Str>,
        start: i32,
        flags: i32,
        optimize: i32,
    ) -> PyResult<Ref<Code>> {
        let mode = match start {
            256 => Mode::Interactive,
            257 => Mode::Module,
            258 => Mode::Expression,
            345 => Mode::FunctionType,
            _ => return Err(vm.system_error("invalid start of a grammar")),
        };
        let default = vm.interpreter.configuration.optimize;
        let optimize = if optimize < 0 { default } else { optimize }.clamp(0, 2) as u8;
        let flags = flags as u32;
        let bytes = source.as_slice();
        if flags & compile_flags::IGNORE_COOKIE != 0
            && let Err(error) = std::str::from_utf8(bytes)
        {
            let start = error.valid_up_to();
            let end = start + error.error_len().unwrap_or(bytes.len() - start);
            return Err(vm.unicode_decode_error(
                "utf-8",
                &source.to_value(),
                start,
                end,
                "invalid start byte",
            ));
        }
        let request = CompileRequest { filename, mode, flags, optimize, feature_version: 14 };
        compile_source(vm, &Source::Bytes(bytes), &request)
    }
}
