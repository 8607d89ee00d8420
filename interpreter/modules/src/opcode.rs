//! The module `_opcode`: what is known of the instructions.

use rspy_code::opcode::{Flags, Opcode, PseudoOpcode};
use rspy_code::operation::{Binary, BinaryIntrinsic, SpecialMethod, UnaryIntrinsic};
use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::types::bool::as_bool;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// CPython's names of the arguments of `BINARY_OP`.
const BINARY_NAMES: [&str; 27] = [
    "NB_ADD",
    "NB_AND",
    "NB_FLOOR_DIVIDE",
    "NB_LSHIFT",
    "NB_MATRIX_MULTIPLY",
    "NB_MULTIPLY",
    "NB_REMAINDER",
    "NB_OR",
    "NB_POWER",
    "NB_RSHIFT",
    "NB_SUBTRACT",
    "NB_TRUE_DIVIDE",
    "NB_XOR",
    "NB_INPLACE_ADD",
    "NB_INPLACE_AND",
    "NB_INPLACE_FLOOR_DIVIDE",
    "NB_INPLACE_LSHIFT",
    "NB_INPLACE_MATRIX_MULTIPLY",
    "NB_INPLACE_MULTIPLY",
    "NB_INPLACE_REMAINDER",
    "NB_INPLACE_OR",
    "NB_INPLACE_POWER",
    "NB_INPLACE_RSHIFT",
    "NB_INPLACE_SUBTRACT",
    "NB_INPLACE_TRUE_DIVIDE",
    "NB_INPLACE_XOR",
    "NB_SUBSCR",
];

/// The functions of the module.
struct Functions;

/// An instruction, real or of the compiler only.
enum Instruction {
    Real(Opcode),
    Pseudo(PseudoOpcode),
}

impl Instruction {
    fn of(number: i32) -> Option<Instruction> {
        match u8::try_from(number) {
            Ok(number) => Opcode::try_from(number).ok().map(Instruction::Real),
            Err(_) => PseudoOpcode::ALL.iter().find(|opcode| **opcode as i32 == number).copied().map(Instruction::Pseudo),
        }
    }

    fn flags(&self) -> Flags {
        match self {
            Instruction::Real(opcode) => opcode.flags(),
            Instruction::Pseudo(opcode) => opcode.flags(),
        }
    }

    fn effect(&self, argument: i32) -> i32 {
        match self {
            Instruction::Real(opcode) => opcode.pushed(argument) - opcode.popped(argument),
            Instruction::Pseudo(opcode) => opcode.pushed(argument) - opcode.popped(argument),
        }
    }
}

fn has(opcode: i32, flag: Flags) -> bool {
    Instruction::of(opcode).is_some_and(|instruction| instruction.flags().contains(flag))
}

#[pyfunctions]
impl Functions {
    /// Compute the stack effect of the opcode.
    #[function("stack_effect(opcode, oparg=None, /, *, jump=None)")]
    fn stack_effect(vm: &Vm, opcode: i32, oparg: Option<&Value>, jump: Option<&Value>) -> PyResult<i32> {
        let argument = match oparg.filter(|oparg| !is_none(oparg)) {
            None => 0,
            Some(oparg) => rspy_runtime::types::int::to_fixed::<i32>(vm, oparg, "int")?,
        };
        let jump = match jump.filter(|jump| !is_none(jump)) {
            None => None,
            Some(jump) => Some(
                as_bool(jump)
                    .ok_or_else(|| vm.value_error("stack_effect: jump must be False, True or None"))?,
            ),
        };
        let invalid = || vm.value_error("invalid opcode or oparg");
        let instruction = Instruction::of(opcode).ok_or_else(invalid)?;
        if let Instruction::Real(real) = instruction
            && (real.is_specialised() || real.is_instrumented())
        {
            return Err(invalid());
        }
        Ok(match instruction {
            // The handler is entered with what it needs on the stack; going on past the instruction changes nothing.
            Instruction::Pseudo(PseudoOpcode::SetupFinally | PseudoOpcode::SetupCleanup | PseudoOpcode::SetupWith)
                if jump == Some(false) =>
            {
                0
            }
            instruction => instruction.effect(argument),
        })
    }

    /// Return True if opcode is valid, False otherwise.
    #[function("is_valid(opcode)")]
    fn is_valid(opcode: i32) -> bool {
        Instruction::of(opcode).is_some()
    }

    /// Return True if the opcode uses its oparg, False otherwise.
    #[function("has_arg(opcode)")]
    fn has_arg(opcode: i32) -> bool {
        has(opcode, Flags::ARG)
    }

    /// Return True if the opcode accesses a constant, False otherwise.
    #[function("has_const(opcode)")]
    fn has_const(opcode: i32) -> bool {
        has(opcode, Flags::CONST)
    }

    /// Return True if the opcode accesses an attribute by name, False otherwise.
    #[function("has_name(opcode)")]
    fn has_name(opcode: i32) -> bool {
        has(opcode, Flags::NAME)
    }

    /// Return True if the opcode has a jump target, False otherwise.
    #[function("has_jump(opcode)")]
    fn has_jump(opcode: i32) -> bool {
        has(opcode, Flags::JUMP)
    }

    /// Return True if the opcode accesses a free variable, False otherwise.
    ///
    /// Note that 'free' in this context refers to names in the current scope that are referenced by inner scopes or
    /// names in outer scopes that are referenced from this scope. It does not include references to global or
    /// builtin scopes.
    #[function("has_free(opcode)")]
    fn has_free(opcode: i32) -> bool {
        has(opcode, Flags::FREE)
    }

    /// Return True if the opcode accesses a local variable, False otherwise.
    #[function("has_local(opcode)")]
    fn has_local(opcode: i32) -> bool {
        has(opcode, Flags::LOCAL)
    }

    /// Return True if the opcode sets an exception handler, False otherwise.
    #[function("has_exc(opcode)")]
    fn has_exc(opcode: i32) -> bool {
        matches!(
            Instruction::of(opcode),
            Some(Instruction::Pseudo(
                PseudoOpcode::SetupFinally | PseudoOpcode::SetupCleanup | PseudoOpcode::SetupWith
            ))
        )
    }

    /// Return the specialization stats.
    #[function("get_specialization_stats()")]
    fn get_specialization_stats() {}

    /// Return array of symbols of binary ops.
    ///
    /// Indexed by the BINARY_OP oparg value.
    #[function("get_nb_ops()")]
    fn get_nb_ops() -> Vec<(&'static str, &'static str)> {
        BINARY_NAMES.iter().copied().zip(Binary::ALL.iter().map(|operation| operation.name())).collect()
    }

    /// Return a list of names of the unary intrinsics.
    #[function("get_intrinsic1_descs()")]
    fn get_intrinsic1_descs() -> Vec<&'static str> {
        UnaryIntrinsic::ALL.iter().map(|intrinsic| intrinsic.name()).collect()
    }

    /// Return a list of names of the binary intrinsics.
    #[function("get_intrinsic2_descs()")]
    fn get_intrinsic2_descs() -> Vec<&'static str> {
        BinaryIntrinsic::ALL.iter().map(|intrinsic| intrinsic.name()).collect()
    }

    /// Return a list of special method names.
    #[function("get_special_method_names()")]
    fn get_special_method_names() -> Vec<&'static str> {
        SpecialMethod::ALL.iter().map(|method| method.name()).collect()
    }

    /// Return the executor object at offset in code if exists, None otherwise.
    #[function("get_executor(code, offset)")]
    fn get_executor(vm: &Vm, code: &Value, _offset: i32) -> PyResult<()> {
        if code.downcast::<Code>().is_none() {
            return Err(vm.type_error(format!("expected a code object, not '{}'", code.type_of().full_name())));
        }
        Err(vm.value_error("no executor at given byte offset"))
    }
}

native_module! {
    name: "_opcode", doc: "Opcode support module.",
    functions: [Functions::FUNCTIONS], types: [],
    execute: |vm, module| {
        module.set_int(vm, "ENABLE_SPECIALIZATION", 1);
        module.set_int(vm, "ENABLE_SPECIALIZATION_FT", 1);
        Ok(())
    }
}
